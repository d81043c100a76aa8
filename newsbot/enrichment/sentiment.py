"""Sentiment of English text by VADER (Hutto and Gilbert 2014)."""

import string
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
    from vaderSentiment import vaderSentiment as vader  # noqa: N813  its module has the name of its package

    negations = frozenset(vader.NEGATE)

    def negated(words: list[str], include_nt: bool = True) -> bool:
        return any(word in negations or (include_nt and "n't" in word) for word in map(str.lower, words))

    # Its own copies a list of sixty words for every word that it looks at: a third of the whole cost.
    vader.negated = negated
    return vader.SentimentIntensityAnalyzer()


def score(texts: Iterable[str]) -> list[float | None]:
    """The compound score of each text, from -1 (negative) to 1 (positive); None for a text without words."""
    return [_score(text[:MAX_CHARACTERS]) if text and not text.isspace() else None for text in texts]


def _score(text: str) -> float:
    analyzer = _analyzer()
    if text.isascii() and not any(_word(token) in analyzer.lexicon for token in text.split()):
        return 0.0  # what VADER finds too, the long way; it turns emoji into words, so only ASCII is sure
    return analyzer.polarity_scores(text)["compound"]


def _word(token: str) -> str:
    """A token as VADER looks it up."""
    stripped = token.strip(string.punctuation)
    return (stripped if len(stripped) > 2 else token).lower()
