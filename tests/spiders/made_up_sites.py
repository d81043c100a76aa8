import os
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment():
    """Of a child process: without proxies."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def source(name, *feeds, **others):
    """An entry of the catalogue, whose host is NAME.example."""
    feeds = [f"https://{name}.example{path}" for path in feeds]
    shared = {"name": name.title(), "homepage": f"https://{name}.example/", "country": "gb", "language": "en"}
    return {"id": name, **shared, "delay": 0, **({"feeds": feeds} if feeds else {}), **others}


def entry(title=None, link=None, date=None):
    """An item of RSS; a None is missing."""
    parts = {"title": title, "link": link, "pubDate": date}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items() if text is not None)
    return f"<item>{inner}</item>"


def rss(*entries, language="en"):
    channel = f"<title>Made up</title><link>https://site.example/</link><language>{language}</language>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}{"".join(entries)}</channel></rss>'.encode()


def stories(name, count=3, first=1):
    """A feed of as many headlines of a site."""
    numbers = range(first, first + count)
    return rss(*(entry(f"Ferry number {n} of {name} runs again", f"https://{name}.example/{n}") for n in numbers))


def sitemap(name, *numbers):
    news = "http://www.google.com/schemas/sitemap-news/0.9"
    urls = "".join(
        f"<url><loc>https://{name}.example/{n}</loc><n:news><n:title>Ferry number {n} of {name} runs</n:title>"
        "<n:publication_date>2026-03-04T05:06:07Z</n:publication_date></n:news></url>"
        for n in numbers
    )
    schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0"?><urlset xmlns="{schema}" xmlns:n="{news}">{urls}</urlset>'.encode()


def sitemap_index(*urls):
    listed = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</sitemapindex>'.encode()
