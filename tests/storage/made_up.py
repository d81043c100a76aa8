from newsbot.items import Article, Rank
from newsbot.pipelines.clean import CleanPipeline


def headline(number=1, **fields):
    """An article as it comes out of the clean stage."""
    defaults = {
        "url": f"https://site.example/{number}",
        "title": f"Ferries run again, part {number}",
        "language": "en",
        "source_id": "site",
        "origin": "https://site.example/feed",
        "rank": Rank.FEED,
    }
    return CleanPipeline("UTC").process_item(Article(**defaults | fields))
