"""Feeds made up on the spot: RSS of English headlines in the style of news sites, the same at every call.

An entry has a kilobyte: link, guid, author, date, a summary of some sentences, two categories and a picture. Three out
of four real feeds bring more.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path

import yaml

FEEDS = 400
ENTRIES = 50  # of one feed
OLDEST = datetime(2025, 1, 1, tzinfo=UTC)

_WHO = (
    "City council", "Prime minister", "Striking nurses", "Central bank", "Young farmers", "Coastal towns", "Rail union",
    "Supreme court", "Local charity", "Former champion", "Energy regulator", "Village school", "Tech start-up",
)  # fmt: skip
_DOES = (
    "welcomes", "rejects", "delays", "celebrates", "fears", "defends", "condemns", "wins", "loses", "reviews", "backs",
    "abandons", "promises",
)  # fmt: skip
_WHAT = (
    "plan for cheaper housing", "record budget cuts", "new flood defences", "brilliant rescue of stranded sailors",
    "ban on night flights", "vote on pension reform", "deadly heatwave warning", "festival of light",
    "inquiry into hospital failures", "trade deal with neighbours", "great year for apple growers", "ferry timetable",
)  # fmt: skip
_WHY = (
    "after angry protests", "as prices fall", "amid hopes of peace", "despite criticism", "before the election",
    "following a terrible storm", "to the delight of residents", "in a surprise move", "for the third time",
)  # fmt: skip
_ABOUT = ("Politics", "Business", "Health", "Science", "Sport", "Culture", "Climate", "Transport")
_BY = ("Ada Marlow", "Tom Okafor", "Lena Fischer", "Sam Rivera", "Priya Nair", "Jonas Berg")


def entries(feed: int, count: int = ENTRIES) -> list[dict[str, str]]:
    """The entries of one feed; `published` is in the form of RFC 5322. Links are unique among all feeds."""
    pick = random.Random(feed).choice
    rows = []
    for number in range(count):
        who, does, what, why = pick(_WHO), pick(_DOES), pick(_WHAT), pick(_WHY)
        rows.append(
            {
                "title": f"{who} {does} {what} {why}",
                "link": f"https://news{feed}.example/2025/{what.replace(' ', '-')}-{number}",
                "published": format_datetime(OLDEST + timedelta(minutes=number)),
                "author": pick(_BY),
                "summary": f"<p>The {who.lower()} {does} the {what} {why}, said {pick(_BY)} & others on day {number}."
                f" What this means for {pick(_WHO).lower()}, and who pays for it, is far from clear: it comes"
                f" {pick(_WHY)}.</p> <p><a href='https://news{feed}.example/{number}'>Continue reading...</a></p>",
                "section": pick(_ABOUT),
                "keyword": pick(_WHAT),
                "image": f"https://images.news{feed}.example/2025/{number}/lead.jpg?width=460&quality=85",
            }
        )
    return rows


def feed(number: int, count: int = ENTRIES) -> bytes:
    """The same entries as RSS 2.0."""
    items = "".join(
        f"<item><title>{entry['title']}</title><link>{entry['link']}</link><guid>{entry['link']}</guid>"
        f"<pubDate>{entry['published']}</pubDate><dc:creator>{entry['author']}</dc:creator>"
        f"<description>{escape(entry['summary'])}</description>"
        f"<category>{entry['section']}</category><category>{entry['keyword']}</category>"
        f'<media:content url="{escape(entry["image"])}" type="image/jpeg" width="460" height="276">'
        f"<media:credit>{entry['author']}</media:credit></media:content></item>\n"
        for entry in entries(number, count)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        f"<title>News {number}</title><link>https://news{number}.example/</link><language>en</language>{items}"
        "</channel></rss>"
    ).encode()


def write_catalogue(file: Path, sources: dict[str, Sequence[str]]) -> None:
    """A catalogue of sources with these feeds, by id, to be fetched without a delay."""
    rows = [
        {
            "id": id_,
            "name": id_,
            "homepage": f"https://{id_}.example/",
            "country": "gb",
            "language": "en",
            "delay": 0,
            "feeds": list(feeds),
        }
        for id_, feeds in sources.items()
    ]
    file.write_text(yaml.safe_dump(rows, sort_keys=False))
