"""Reads dates in rarer notations and in prose.

It takes the understood parts out of a text, one by one: clocks with their zones (`clocks`, `zones`), then the date with
its month's name (`months`). If a number is left that may belong to the date, the text has no date.
"""

import re
from datetime import UTC, datetime, timedelta

from newsbot.extraction import zones
from newsbot.extraction.clocks import (
    BESIDE_DATE,
    CLOCK,
    COLON,
    DATE,
    LETTER,
    WORDED,
    Clock,
    is_in_words,
    is_moved,
    past_hour,
    take,
    take_named,
)
from newsbot.extraction.dates import Hints, UnclearError, full_year, moment, offset_of, parse_date, usual
from newsbot.extraction.months import folded, marked

_MONTH_FIRST = {"us", "ph"}  # countries that write 5 April as 4/5
_YEAR_FIRST_IN = {"eu", "hu", "ja", "ko", "lt", "mn", "ne", "zh"}  # languages in which 26/4/5 is in 2026

_COMPACT = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)(?:[Tt ]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?=[Tt]|\Z)", re.ASCII)
_WEEK = re.compile(r"(\d{4})-?W(\d\d)(?:-?([1-7]))?(?=[Tt]|\Z)", re.ASCII)
_SHORT = re.compile(r"(\d\d)(-?)(\d\d)\2(\d\d)", re.ASCII)
_EPOCH = re.compile(r"@?(\d{10})(?:\.\d+|\d{3}|\d{6}|\d{9})?|/?Date\((\d{10})\d{3}(?:[+-]\d{4})?\)/?", re.ASCII)

# Years of Japan's and Taiwan's eras, by the year before the first.
_ERAS = {
    "令和": 2018,
    "平成": 1988,
    "昭和": 1925,
    "大正": 1911,
    "明治": 1867,
    "民國": 1911,
    "民国": 1911,
    "R": 2018,
    "H": 1988,
    "S": 1925,
}
_ERA = re.compile(
    r"(令和|平成|昭和|大正|明治|民[國国])\s?(元|\d{1,3})(?=\s?年)|\A([RHS])(\d{1,2})(?=[./]\d{1,2}[./]\d{1,2}\Z)"
)
_NUMERALS = "〇一二三四五六七八九"
_NUMERAL = re.compile(rf"[{_NUMERALS}零十]+(?=\s?[年月日號号時时點点分秒])")
_THAI = re.compile("[\u0e00-\u0e7f]")
_KOREAN = re.compile(r"[년월일]|오전|오후")

_BESIDE_MONTH = re.compile(  # of a year: "Mission Mars 2025" is not a date
    r"\b(?:first|last|published|updated|posted|modified|created|on|in|stand|vom|im|publié|le|en|publicado|pubblicato)\b",
    re.IGNORECASE,
)
_APACHE = re.compile(r"(?<=[a-z]{3}/\d{4}):(?=\d\d:)", re.IGNORECASE)  # 27/Nov/2026:09:00:00
_BASQUE = re.compile(r"(?<=\d)\(([ea])\)")  # 2026(e)ko
_DIGIT = re.compile(r"\d")
_MARK = re.compile("\x01\\d+\x02")
_FREE = r"(?<![A-Za-z\d'])(?<!\d[.,:/-])(?<![A-Za-z]-)"
_END = r"(?!\d|[.,:/-]\d)"
_DAY = (
    r"(?:ika-)?(?P<day>\d{1,2})"
    r"(?:(?:st|nd|rd|th|er|re|ste|[aeoid]|:[ae]|-?(?:го|ого|е|й|ти|ви|ри|ми)|-?(?:an|en|jen|i|ji)|η|ης)"
    rf"(?!{LETTER}))?"
)
_MONTH = "\x01(?P<month>\\d+)\x02"
_OF = r"(?:-|/|[\s.,]{0,3}(?:(?:of the|of|de|del|di|da|do|ng|an|the|den|d|من|พศ|คศ|nam|anul|в)\b\s?|d'|ta' ?)?)"
_YEAR = rf"(?:\s?{CLOCK}\s*)?(?P<year>\d{{4}}){_END}"
_YEAR_FIRST = (
    r"(?P<year>\d{4})(?:\.?\s?-?(?:gada|m|g|год|года|ж|жылы|жылгы|оны|йил|yil|eko|ko|ci il|il|г|թ|godine|año)\b)?"
)
_NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_FREE}{_DAY}{_OF}{_MONTH}{_OF}{_YEAR}",
        rf"{_MONTH}{_OF}{_DAY}{_OF}{_YEAR}",
        rf"{_FREE}{_YEAR_FIRST}{_OF}{_MONTH}{_OF}{_DAY}{_END}",
        rf"{_FREE}{_YEAR_FIRST}{_OF}{_DAY}{_OF}{_MONTH}",
        rf"{_FREE}(?P<year>\d{{4}})\s?[年년]\s?(?P<month>\d{{1,2}})\s?[月월]\s?(?P<day>\d{{1,2}})(?!\d)\s?[日號号일]?",
        rf"{_FREE}(?P<year>\d{{4}})\s?(?P<mark>[-/.])\s?(?P<month>\d{{1,2}})\s?(?P=mark)\s?(?P<day>\d{{1,2}}){_END}",
    )
]
# The year in two digits: only between signs that go with a date, and without a word behind: "Nov 3, 12 comments".
_NAMED_SHORT = [
    re.compile(rf"{pattern}'?(?P<year>\d\d){_END}(?!\s?{LETTER})", re.IGNORECASE)
    for pattern in (
        rf"{_FREE}{_DAY}(?P<mark>[-/.]){_MONTH}(?P=mark)",
        rf"{_FREE}{_DAY}{_OF}{_MONTH}[\s.,]{{1,3}}",
        rf"{_MONTH}(?P<mark>[-/]){_DAY}(?P=mark)",
        rf"{_MONTH}[\s.]{{1,2}}{_DAY},?\s",
    )
]
_NUMBERS = rf"{_FREE}(?P<first>\d{{1,2}})(?P<mark>\s?[-/.]\s?)(?P<then>\d{{1,2}})(?P=mark)"
_NUMERIC = re.compile(rf"{_NUMBERS}(?P<year>\d{{4}}){_END}", re.ASCII)
_NUMERIC_SHORT = re.compile(rf"{_NUMBERS}(?P<year>\d\d){_END}", re.ASCII)
_MONTH_OF_YEAR = re.compile(
    rf"(?:{_MONTH}{_OF}(?P<year>\d{{4}})"
    rf"|(?P<year_first>\d{{4}})(?:\s?[年년]\s?(?P<number>\d{{1,2}})\s?[月월]|{_OF}\x01(?P<named>\d+)\x02))(?!\d)"
)

# Words with a number behind them, folded: "No. 12, March 2025" has no day.
_COUNTING = (
    r"no|nos|nr|nro|num|n\.o|n°|number|nummer|numer|numero|номер|vol|volume|volumen|tome|tomo|том|band|bd|"
    r"jahrgang|jg|heft|part|pt|teil|partie|parte|deel|czesc|часть|"
    r"page|pg|seite|pagina|pagine|sida|side|strona|страница|sayfa|"
    r"chapter|kapitel|kap|chapitre|capitulo|capitolo|hoofdstuk|rozdzial|глава|bolum|"
    r"episode|ep|folge|episodio|puntata|aflevering|avsnitt|odcinek|эпизод|серия|"
    r"season|staffel|saison|temporada|stagione|seizoen|sasong|sesong|sezon|сезон|"
    r"week|woche|semaine|semana|settimana|vecka|uge|uke|tydzien|неделя|kw|"
    r"round|runde|lesson|section|stage|room"
)
# A date may follow these as well: "Update 12 March 2025", "by Tom 12 March 2025".
_COUNTING_OR_DATED = (
    r"issue|ausgabe|edition|edicion|edizione|edicao|editie|utgava|utgave|udgave|wydanie|выпуск|sayi|day|tag|"
    r"spieltag|matchday|jornada|giornata|version|update|bulletin|newsletter|report|session|lecture|tom"
)
_LABELS = frozenset(f"{_COUNTING}|{_COUNTING_OR_DATED}".replace("\\", "").split("|"))
_BEFORE_NUMBER = re.compile(rf"(?<!{LETTER})([^\W\d_]+|n\.o|n°)\.?:?\s?(?=#?\s?\d)")  # costs less than a list of words
_WORD_END = r"(?![\w'])\.?"
_LABEL = rf"(?<!{LETTER})(?:{_COUNTING}|{_COUNTING_OR_DATED}){_WORD_END}"
_COUNT = r"(?!(?:19|20)\d\d(?!\d))\d{1,5}(?:\s?(?:of|von|de|sur|di|van|av)\s\d{1,5})?(?!\w|[.,:/-]\d)"
_AT_MONTH = r"\.?[\s/-]?(?:(?:of|de|d)\b\s?(?:the\s)?)?\x01"
_OF_LABEL = re.compile(
    rf"(?:{_LABEL}:?\s?)*#\s?{_COUNT}|(?:{_LABEL}:?\s?)+{_COUNT}(?!{_AT_MONTH})",
    re.IGNORECASE,
)
_MAY_BE_DAY = re.compile(rf"(?<!{LETTER})(?:{_COUNTING}){_WORD_END}\s?\d{{1,2}}\.?\s\x01", re.IGNORECASE)

# Numbers beside a date that do not belong to it: "issue 45", "5 min read", "3 comments", "COVID-19", "4K".
_COUNTED = (
    r"min(?:uten?|utes?|uti|utos?|uut|ut|uter|s)?\.?(?!\w)|minuuttia|мин|хв|分钟|分で|comments?|commentaires?|kommentare?|"
    r"kommentarer?|comentarios?|comentários?|commenti|reacties?|komentarz[ye]?|комментари\w+|replies|views?|shares?|"
    r"likes?|reads?|words?|photos?|images?|bilder|votes?|vues?"
)
_ASIDE = re.compile(
    rf"(?:{_LABEL}|#)\s?\d+\b"
    rf"|(?<![\d:.,/-])\d+(?:[.,]\d+)?\s?k?[\s+-]?(?:{_COUNTED})(?!{LETTER})"
    rf"|(?<![\w.,:/{DATE}-])(?:[A-Za-zÀ-ӿ]+[\w'-]*\d[\w'-]*"
    r"|\d+(?!(?:st|nd|rd|th|hs?|hrs?|u|uhr|am|pm)\b|[hg]\d)[A-Za-z]\w*)(?![.:]\w)",
    re.IGNORECASE,
)
_OF_CLOCKS = re.compile(
    rf"{DATE}\W*[ap]\.?\s?m\b|\bo'?clock\b|\b(?:half|quarter) (?:past|to)\b|{CLOCK}\W*(?:in )?(?:noon|midnight)",
    re.IGNORECASE,
)


def read(text: str, hints: Hints) -> str | None:
    """The moment of a text, as `parse_date` returns it: tries the rarer notations in turn. Raises `UnclearError`."""
    text = folded(text)
    if match := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(match[1] or match[2]), UTC).isoformat()
    if match := _SHORT.fullmatch(text):
        return moment(full_year(match[1], hints), int(match[3]), int(match[4]))
    if match := _COMPACT.fullmatch(text):
        year, _, month, day, hour, minute, second, zone = match.groups()
        offset = offset_of(zone) if zone else ""
        return None if offset is None else moment(int(year), int(month), int(day), hour, minute, second, offset)
    if day := _counted_day(text):
        return parse_date(day, hints)
    return usual(text, hints) or _free_form(text, hints)


def _counted_day(text: str) -> str | None:
    """A text that begins with the day of a year or week, with its calendar date instead."""
    try:
        if match := _ORDINAL.match(text):
            year, number = int(match[1]), int(match[2])
            day = datetime(year, 1, 1) + timedelta(days=number - 1) if 1 <= number <= 366 else None
        elif match := _WEEK.match(text):
            day = datetime.fromisocalendar(int(match[1]), int(match[2]), int(match[3] or 1))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return day and f"{day:%Y-%m-%d}".rjust(10, "0") + text[match.end() :]


def _free_form(text: str, hints: Hints) -> str | None:
    """The moment of a text with clock, zone and date in any order. Raises `UnclearError`."""
    is_korean = _KOREAN.search(text)
    if is_korean or _THAI.search(text):
        hints = hints._replace(language="ko" if is_korean else "th")
    text = _BASQUE.sub(r"\1", _APACHE.sub(" ", _numerals(text)))
    clocks: list[Clock] = []
    text = take(text, COLON, hints.country, clocks)
    text = _without_labels(marked(text, hints.language))
    if not clocks:
        text = take(text, WORDED, hints.country, clocks)
    date, text = _date(text, hints)
    if not clocks:
        text = take_named(take(text, BESIDE_DATE, hints.country, clocks), hints.country, clocks)
    if date is None or len(set(clocks)) > 1 or _OF_CLOCKS.search(text) or (not clocks and is_in_words(text)):
        return None
    clock = clocks[0] if clocks else Clock(0, 0, 0, None)
    zone = clock.zone
    if zone is None:
        behind = text.rindex(DATE) + 1
        zone, end = zones.read(text, behind, hints.country)
        text = text[:behind] + text[end:]
    is_named = False
    if zone is None:
        zone, is_named = zones.beside(text, hints.country)
    if _is_left(text) or (clocks and zone is None and _is_unclear(text, clock)):
        return None
    if zone is None and is_korean and not is_named:
        zone = zones.named("KST")
    return moment(*date, *map(str, clock[:3]), zone or "")


def _without_labels(text: str) -> str:
    """`text`, with its months marked, without the numbers that belong to a word before them: `Issue 12, March 2025`.

    Raises UnclearError of `No. 12 March 2025`, which may be the twelfth, or that of the twelfth.
    """
    if "#" not in text and not any(word.lower() in _LABELS for word in _BEFORE_NUMBER.findall(text)):
        return text
    if _MAY_BE_DAY.search(text):
        raise UnclearError("the number behind a label may be the day")
    return _OF_LABEL.sub(" | ", text)


def _date(text: str, hints: Hints) -> tuple[tuple[int, int, int] | None, str]:
    """The one date of a text whose clocks and months are marked, and the text with `DATE` in its place."""
    found: set[tuple[int, int, int]] = set()
    for pattern in (*_NAMED, _NUMERIC, *_NAMED_SHORT, _NUMERIC_SHORT):
        if pattern is _NAMED_SHORT[0] and found:  # "12.53.13" behind a date is a clock
            break
        while len(found) < 2 and (match := pattern.search(text)):
            found.add(_numbers(match, hints))
            clock = CLOCK if CLOCK in match[0] else ""
            text = f"{text[: match.start()]} {clock}{DATE}{text[match.end() :]}"
    if not found and (match := _MONTH_OF_YEAR.search(text)):
        rest = text[: match.start()] + text[match.end() :]
        if not _BESIDE_MONTH.sub("", rest).strip(" .,:|()-"):
            year, month = match["year"] or match["year_first"], match["month"] or match["number"] or match["named"]
            found.add((full_year(year, hints), int(month), 1))
            text = f"{text[: match.start()]} {DATE}{text[match.end() :]}"
    return (found.pop() if len(found) == 1 else None), text


def _numbers(match: re.Match[str], hints: Hints) -> tuple[int, int, int]:
    """Year, month and day of a match."""
    given = match.groupdict()
    if "first" in given and len(given["year"]) == 2 and hints.language in _YEAR_FIRST_IN:
        return full_year(given["first"], hints), int(given["then"]), int(given["year"])
    year = full_year(given["year"], hints)
    if "first" not in given:
        return year, int(given["month"]), int(given["day"])
    first, then = int(given["first"]), int(given["then"])
    mark = given["mark"].strip()
    is_day_first = hints.day_first
    if mark == "." or is_day_first is None:
        if first > 12 or then > 12 or mark == ".":
            is_day_first = then <= 12
        else:
            is_day_first = hints.country not in _MONTH_FIRST if hints.country else mark == "-"
    return (year, then, first) if is_day_first else (year, first, then)


def _is_unclear(text: str, clock: Clock) -> bool:
    """Whether a word beside a clock without a zone may be a zone, or may move the clock by half a day."""
    ends = (found.end() for found in re.finditer(CLOCK, text))
    return (
        any(zones.is_unknown(text, past_hour(text, end)) for end in ends)
        or (not text[text.rindex(DATE) :].count(CLOCK) and zones.is_unknown(text, text.rindex(DATE) + 1))
        or is_moved(text, clock.hour)
    )


def _is_left(text: str) -> bool:
    """Whether a number that may belong to the date is left, in a text without the understood parts."""
    text = _MARK.sub(" ", text)
    return bool(_DIGIT.search(text) and _DIGIT.search(_ASIDE.sub(" ", text)))


def _numerals(text: str) -> str:
    """`text` with years of eras as years, and Chinese numerals of dates and clocks as digits."""

    def number(found: re.Match[str]) -> str:
        tens, ten, ones = found[0].replace("零", "〇").rpartition("十")
        if not ten:
            return "".join(str(_NUMERALS.index(each)) for each in ones)
        return str((_NUMERALS.index(tens[-1]) if tens else 1) * 10 + (_NUMERALS.index(ones[-1]) if ones else 0))

    def year(found: re.Match[str]) -> str:
        era, count = found[1] or found[3], found[2] or found[4]
        return str(_ERAS[era] + (1 if count == "元" else int(count)))

    return _ERA.sub(year, _NUMERAL.sub(number, text)) if not text.isascii() or _ERA.match(text) else text
