"""Feeds and crawls of the trials, which end with the test."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from endless import EndlessFeeds

ROOT = Path(__file__).parents[2]


@pytest.fixture
def serve():
    """Serve feeds without end; stopped at the end."""
    servers = []

    def start(feeds):
        server = EndlessFeeds(feeds)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def start_crawl(tmp_path):
    """Start `scrapy crawl headlines` over the feeds; kills those that still run at the end."""
    crawls = []

    def start(feeds, catalogue=None, **environment):
        catalogue = catalogue or feeds.catalogue()
        names = ",".join(entry["id"] for entry in catalogue)
        file = tmp_path / "catalogue.yaml"
        file.write_text(yaml.safe_dump(catalogue))
        command = [sys.executable, "-m", "scrapy", "crawl", "headlines"]
        command += ["-a", f"catalogue={file}", "-a", f"sources={names}"]
        command += ["-s", "ALLOW_PRIVATE_HOSTS=127.0.0.1", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=8"]
        feeds.asked.clear()
        log = tmp_path / f"crawl-{len(crawls)}.log"
        with log.open("wb") as output:
            crawl = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=output, stderr=output)
        crawl.log = log
        crawls.append(crawl)
        return crawl

    yield start
    for crawl in crawls:
        crawl.kill()
        crawl.wait()
