"""Stage 400: derives values from the text, only if the text is new or changed."""

from typing import Any

from newsbot.enrichment import sentiment


class EnrichPipeline:
    """Adds the sentiment and the model that found it; NULL in languages that the model does not know."""

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """The same items, with their sentiment."""
        texts = [(item, text) for item in items if (text := item.to_score()) is not None]
        wanted = [(item, text) for item, text in texts if item.language in sentiment.LANGUAGES]
        for (item, _), score in zip(wanted, sentiment.score([text for _, text in wanted]), strict=True):
            item.sentiment, item.sentiment_model = score, sentiment.MODEL
        return items
