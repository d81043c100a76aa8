from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from newsbot.enrichment.sentiment import MAX_CHARACTERS, score

TEXTS = [
    "A wonderful, happy day for everyone!",
    "Terrible storm kills three",
    "The committee meets on Tuesday",
    "NOT good :(",
    "Ça va",
]


def test_scores_are_vaders_compound():
    analyzer = SentimentIntensityAnalyzer()
    scores = score(TEXTS)
    assert scores == [analyzer.polarity_scores(text)["compound"] for text in TEXTS]
    assert scores[0] > 0 > scores[1]


def test_nothing_has_no_score():
    assert score(["", "  \n", "good"])[:2] == [None, None]
    assert score([]) == []


def test_any_iterable_serves():
    assert score(iter(["good"])) == score(["good"])


def test_a_long_text_is_judged_by_its_start():
    assert score(["good " * MAX_CHARACTERS]) == score(["good " * (MAX_CHARACTERS // 5)])
