from newsbot.items import Article, Rank
from newsbot.pipelines.clean import CleanPipeline


def headline(number=1, **fields):
    """An article in the form that the clean stage gives."""
    defaults = {
        "url": f"https://site.example/{number}",
        "title": f"Ferries run again, part {number}",
        "language": "en",
        "source_id": "site",
        "origin": "https://site.example/feed",
        "rank": Rank.FEED,
    }
    entry = fields.pop("entry", None)
    article = Article(**defaults | fields)
    article.entry = entry
    return CleanPipeline("UTC").cleaned(article)
