import random

from vaderSentiment import vaderSentiment as vader  # noqa: N813  its module has the name of its package

from newsbot.enrichment.sentiment import MAX_CHARACTERS, score

TEXTS = [
    "A wonderful, happy day for everyone!",
    "Terrible storm kills three",
    "The committee meets on Tuesday",
    "NOT good :(",
    "Ça va",
]


# Words that VADER's rules look for around those of its lexicon.
CONTEXT = """
    the a plan minister 12 U.S. it's café “quoted” NOT no or nor so this but BUT least at the least very least without
    doubt never never so never this kind of sort of just enough to die for kiss of death bus stop yeah right :) ;( !!!
    ??? ?? — 😀 😢
""".split()  # noqa: SIM905  a list of sixty strings reads worse


def test_scores_are_those_of_the_library():
    analyzer = vader.SentimentIntensityAnalyzer()
    assert score(TEXTS) == [analyzer.polarity_scores(text)["compound"] for text in TEXTS]


def test_scores_of_random_texts_are_those_of_the_library():
    analyzer = vader.SentimentIntensityAnalyzer()
    pick = random.Random(8)
    kinds = list(analyzer.lexicon), list(vader.BOOSTER_DICT), vader.NEGATE, list(vader.SPECIAL_CASES), CONTEXT
    texts = [" ".join(_word(pick, kinds) for _ in range(pick.randrange(1, 15))) for _ in range(5_000)]
    expected = [analyzer.polarity_scores(text)["compound"] for text in texts]
    assert sum(value != 0 for value in expected) > 3_000
    assert [(text, value) for text, value in zip(texts, score(texts), strict=True)] == list(
        zip(texts, expected, strict=True)
    )


def _word(pick, kinds):
    word = pick.choice(pick.choices(kinds, weights=(3, 1, 1, 1, 4))[0])
    word = pick.choices((word, word.upper(), word.capitalize()), weights=(8, 1, 1))[0]
    return word + pick.choices(("", "!", ",", '."', "?"), weights=(8, 1, 1, 1, 1))[0]


def test_nothing_has_no_score():
    assert score(["", "  \n", "good"])[:2] == [None, None]
    assert score([]) == []


def test_any_iterable_serves():
    assert score(iter(["good"])) == score(["good"])


def test_a_long_text_is_judged_by_its_start():
    assert score(["good " * MAX_CHARACTERS]) == score(["good " * (MAX_CHARACTERS // 5)])
