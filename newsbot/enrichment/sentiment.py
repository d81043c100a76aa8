"""Sentiment of English text by VADER (Hutto and Gilbert 2014).

The lexicon, the numbers and the scores are those of the package `vaderSentiment`. This module rewrites its rules,
because its own code goes over the whole text for every word, which cost more than anything else in a crawl.
"""

import string
from collections.abc import Callable, Iterable
from functools import cache

MODEL = "vader-3.3.2"
LANGUAGES = frozenset({"en"})
MAX_CHARACTERS = 5_000  # VADER is made for sentences: a longer text is scored by its start

_REACH = 3  # most words before a word that change its value


def score(texts: Iterable[str]) -> list[float | None]:
    """The compound score of each text, from -1 (negative) to 1 (positive); None for a text without words."""
    compound = _vader()
    return [compound(text[:MAX_CHARACTERS]) if text and not text.isspace() else None for text in texts]


@cache
def _vader() -> Callable[[str], float]:
    """The function that scores a text. Loading its lexicon costs more than a whole start of a crawl may."""
    from vaderSentiment import vaderSentiment as vader  # noqa: N813  its module has the name of its package

    analyzer = vader.SentimentIntensityAnalyzer()
    lexicon, boosters, idioms, weaker = analyzer.lexicon, vader.BOOSTER_DICT, vader.SPECIAL_CASES, vader.N_SCALAR
    negations = frozenset(vader.NEGATE)

    def compound(text: str) -> float:
        if not (text.isascii() or analyzer.emojis.keys().isdisjoint(text)):  # it reads them as words
            return analyzer.polarity_scores(text)["compound"]
        words = [_bare(token) for token in text.split()]
        lower = [word.lower() for word in words]
        if lexicon.keys().isdisjoint(lower):
            return 0.0
        capitals = 0 < sum(map(str.isupper, words)) < len(words)
        values = [
            valence(words, lower, n, capitals)
            if word in lexicon and word not in boosters and lower[n : n + 2] != ["kind", "of"]
            else 0
            for n, word in enumerate(lower)
        ]
        if "but" in lower:
            values = analyzer._but_check(lower, values)  # its own: equal values make it differ from its name
        total = float(sum(values))
        emphasis = analyzer._punctuation_emphasis(text)
        return round(vader.normalize(total + (emphasis if total > 0 else -emphasis if total < 0 else 0)), 4)

    def valence(words: list[str], lower: list[str], n: int, capitals: bool) -> float:
        """The value of the n-th word, which is in the lexicon, changed by the words before it."""
        value = lexicon[lower[n]]
        before = lower[n - _REACH if n > _REACH else 0 : n][::-1]  # the nearest first
        if "no" in before[:2] or (before[2:] == ["no"] and before[0] in ("or", "nor")):
            value *= weaker
        elif lower[n] == "no" and n + 1 < len(lower) and lower[n + 1] in lexicon:
            value = 0.0
        if capitals and words[n].isupper():
            value += vader.C_INCR if value > 0 else -vader.C_INCR
        for distance, word in enumerate(before):
            if word in lexicon:
                continue
            if word in boosters:
                boost = boosters[word] if value >= 0 else -boosters[word]
                if capitals and words[n - 1 - distance].isupper():
                    boost += vader.C_INCR if value > 0 else -vader.C_INCR
                value += boost * (1, 0.95, 0.9)[distance]
            value *= negation(before, distance)
            if distance == _REACH - 1:
                value = idiom(value, lower, n)
        if before and before[0] == "least" and "least" not in lexicon and not (n > 1 and before[1] in ("at", "very")):
            value *= weaker
        return value

    def negation(before: list[str], distance: int) -> float:
        """The factor by which the word at this distance changes a value."""
        word = before[distance]
        if distance == 1 and word == "never" and before[0] in ("so", "this"):
            return 1.25
        if distance == 1 and word == "without" and before[0] == "doubt":
            return 1
        if distance == 2:
            strong = ("so", "this")
            if (word == "never" and before[1] in strong) or before[0] in strong:
                return 1.25
            if word == "without" and "doubt" in before[:2]:
                return 1
        return weaker if word in negations or "n't" in word else 1

    def idiom(value: float, lower: list[str], n: int) -> float:
        """The value of the idiom around the n-th word, if it is in one."""
        third, second, first, word, *after = lower[n - 3 : n + 3]
        pairs = f"{second} {first}", f"{third} {second} {first}", f"{third} {second}"
        for phrase in (f"{first} {word}", f"{second} {first} {word}", *pairs):
            if phrase in idioms:
                value = idioms[phrase]
                break
        for end in range(1, len(after) + 1):
            value = idioms.get(" ".join((word, *after[:end])), value)
        return value + sum(boosters.get(phrase, 0) for phrase in pairs)

    return compound


def _bare(token: str) -> str:
    """A token without the punctuation around it, unless it consists of punctuation, as an emoticon."""
    bare = token.strip(string.punctuation)
    return bare if len(bare) > 2 else token
