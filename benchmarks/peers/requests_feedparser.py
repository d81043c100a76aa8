"""A loop of requests with feedparser that stores nothing: python -m benchmarks.peers.requests_feedparser BASE FEEDS."""

import sys

import feedparser
import requests

base, feeds = sys.argv[1:]
with requests.Session() as session:
    for number in range(int(feeds)):
        response = session.get(f"{base}/{number}.xml", timeout=60)
        response.raise_for_status()
        for entry in feedparser.parse(response.content).entries:
            row = {name: entry.get(name) for name in ("title", "link", "published", "author", "summary")}
