"""Stage 400: what is derived from the text, only when the text is new or changed."""

from typing import Any

from newsbot.enrichment import sentiment
from newsbot.items import Article


class EnrichPipeline:
    """Sentiment of the title, with the model that found it; NULL in languages that the model does not know."""

    def process_item(self, item: Any) -> Any:
        """The same item."""
        if (
            isinstance(item, Article)
            and item.state != "seen"
            and item.sentiment is None
            and item.language in sentiment.LANGUAGES
        ):
            (item.sentiment,) = sentiment.score([item.title])
            item.sentiment_model = sentiment.MODEL
        return item
