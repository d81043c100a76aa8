"""Runs crawls one after the other in a separate process: reads one JSON request per line of standard input.

A start of `scrapy crawl` costs more than most of the crawls here; tests of its exit code or its log use it.
"""

import asyncio
import importlib
import json
import os
import sys
import traceback

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.log import configure_logging
from scrapy.utils.project import get_project_settings
from scrapy.utils.reactor import install_reactor

from newsbot.storage.writer import Writer


async def crawl(spider, arguments, settings, environment):
    os.environ.update(environment)
    chosen = get_project_settings()
    chosen.setdict(settings, priority="cmdline")
    if ":" in spider:
        module, _, name = spider.partition(":")
        spider = getattr(importlib.import_module(module), name)
    runner = AsyncCrawlerRunner(chosen)
    crawler = runner.create_crawler(spider)
    try:
        await runner.crawl(crawler, **arguments)
    except Exception as error:  # noqa: BLE001  the test judges it
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    run = Writer.of(crawler).run
    outcomes = [[outcome.url, outcome.ok, outcome.status] for each in run.outcomes.values() for outcome in each]
    tallies = {name: getattr(run.total(), name) for name in ("new", "changed", "unchanged", "rejected", "errors")}
    return {"exit_code": run.exit_code, "outcomes": outcomes, "spent": sum(run.spent.values()), **tallies}


async def main():
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await crawl(**json.loads(line))), flush=True)


if __name__ == "__main__":
    settings = get_project_settings()
    install_reactor(settings["TWISTED_REACTOR"], settings["ASYNCIO_EVENT_LOOP"])
    configure_logging(settings)
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    done = Deferred.fromFuture(asyncio.ensure_future(main(), loop=reactor._asyncioEventloop))
    done.addBoth(lambda _: reactor.stop())
    reactor.run()
