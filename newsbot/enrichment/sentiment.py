"""Sentiment of English text by VADER (Hutto and Gilbert 2014)."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

MODEL = "vader-3.3.2"
LANGUAGES = frozenset({"en"})
# VADER is made for sentences; its cost grows with the square of the words, so a longer text is judged by its start.
MAX_CHARACTERS = 5_000


@cache
def _analyzer() -> "SentimentIntensityAnalyzer":
    # Loading the lexicon costs more than a whole start of a crawl may: only when something is scored.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def score(texts: Iterable[str]) -> list[float | None]:
    """The compound score of each text, from -1 (negative) to 1 (positive); None for a text without words."""
    analyzer = _analyzer()
    return [
        analyzer.polarity_scores(text[:MAX_CHARACTERS])["compound"] if text and not text.isspace() else None
        for text in texts
    ]
