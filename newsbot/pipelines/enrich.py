"""Stage 400: what is derived from the text, only when the text is new or changed."""

from typing import Any

from newsbot.enrichment import sentiment
from newsbot.items import Article, Rank


class EnrichPipeline:
    """Sentiment of the title, with the model that found it; NULL in languages that the model does not know."""

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """The same items."""
        wanted = [item for item in items if isinstance(item, Article) and _is_to_be_scored(item)]
        for item, score in zip(wanted, sentiment.score([item.title for item in wanted]), strict=True):
            item.sentiment, item.sentiment_model = score, sentiment.MODEL
        return items


def _is_to_be_scored(item: Article) -> bool:
    """Whether its text is new or changed. What an index of others' articles brings waits for who has them."""
    is_new = item.state != "seen" and item.sentiment is None
    return is_new and item.rank > Rank.INDEX and item.language in sentiment.LANGUAGES
