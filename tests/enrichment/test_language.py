import pytest

from newsbot.enrichment.language import fits, identify, primary


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("EN-gb", "en"),
        ("pt_BR", "pt"),
        (" zh-Hant-TW ", "zh"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("und", None),
        ("english", None),
        ("", None),
        (None, None),
        ("x", None),
        ("en GB\0", None),
    ],
)
def test_primary(tag, expected):
    assert primary(tag) == expected


TITLES = {
    "en": "Ferries run again after the storm has passed",
    "de": "Die Fähren fahren nach dem Sturm wieder nach Plan",
    "fr": "Les bateaux reprennent la mer après la tempête",
    "ru": "Паромы снова ходят по расписанию после шторма",
    "el": "Τα πλοία ταξιδεύουν ξανά μετά την καταιγίδα",
    "ja": "嵐の後、フェリーの運航が再開されました",
    "zh": "风暴过后渡轮恢复航行",
    "ko": "폭풍이 지나간 뒤 여객선 운항이 재개됐다",
    "ar": "العبارات تعود إلى العمل بعد العاصفة",
}


@pytest.mark.parametrize("language", TITLES)
def test_identify(language):
    assert identify(TITLES[language]) == language


@pytest.mark.parametrize("text", ["", "1:0", "Storm", "!!! ... ???"])
def test_too_short_to_identify(text):
    assert identify(text) is None


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (TITLES["de"], "de", True),
        (TITLES["de"], "en", True),  # the same script: not plainly wrong
        (TITLES["ru"], "ru", True),
        (TITLES["ru"], "en", False),
        (TITLES["en"], "ru", False),
        (TITLES["zh"], "en", False),
        (TITLES["ja"], "ja", True),
        (TITLES["ja"], "ru", False),
        ("BBC", "ru", True),  # a name says too little
        ("Россия ввела санкции против Apple", "ru", True),
        ("12:30", "zh", True),
    ],
)
def test_fits(text, language, expected):
    assert fits(text, language) is expected
