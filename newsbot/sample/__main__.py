"""`python -m newsbot.sample [--port N]`: serve the sample newsroom until Ctrl-C."""

import argparse
from contextlib import suppress

from newsbot.sample.newsroom import files
from newsbot.sample.server import NEXT_EDITION, SampleServer

GUIDE = """\
The sample newsroom answers at {base} for {count} sites and two APIs. Crawl them from another terminal:

  export STAND_INS='{stand_ins}'
  scrapy crawl headlines -a catalogue={catalogue} -a sources={ids}
  scrapy crawl api -a config={wire}
  scrapy crawl api -a config={index}

Fetch a page:           curl -H 'Host: {host}' {base}/
Bring the next edition: curl -X POST {base}{next_edition}
Stop:                   Ctrl-C
"""


def main() -> None:
    """Serve the sample newsroom until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m newsbot.sample", description="Serve the sample newsroom.")
    parser.add_argument("--port", type=int, default=0, help="a port on loopback (default: any free one)")
    port = parser.parse_args().port
    try:
        server = SampleServer(port)
    except (OSError, OverflowError) as error:
        parser.error(f"--port {port}: {error}; expected another number, or 0 for any free port")
    needed = files("catalogue.yaml", "apis/seven-seas-wire.yaml", "apis/herring-index.yaml")
    with server, needed as (catalogue, wire, index), suppress(KeyboardInterrupt):
        guide = GUIDE.format(
            base=server.base,
            count=len(server.sites),
            catalogue=catalogue,
            wire=wire,
            index=index,
            ids=",".join(site.id for site in server.sites.values()),
            stand_ins=server.stand_ins,
            host=next(iter(server.sites)),
            next_edition=NEXT_EDITION,
        )
        print(guide, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
