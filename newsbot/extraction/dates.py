"""Dates as feeds, sitemaps and pages write them, to ISO 8601."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MAX_DATE_CHARS = 100
MAX_DATE_WORDS = 20

# Hours east of UTC of the zone names seen in feeds. Where two zones share a name, RFC 822's meaning or the more
# common one stands: CST is US Central, IST is India, BST is British Summer Time.
_ZONES = {
    name: round(float(hours) * 60)
    for line in """
        0 z ut utc gmt wet
        1 bst cet met west wat n
        2 cest mest eet sast cat
        3 eest msk trt eat idt
        4 gst msd
        5 pkt
        5.5 ist
        7 wib ict
        8 hkt sgt awst pht myt wita
        9 jst kst wit
        9.5 acst
        10 aest
        10.5 acdt
        11 aedt
        12 nzst y
        13 nzdt
        -1 a
        -2.5 ndt
        -3 adt brt art
        -3.5 nst
        -4 ast at edt clt
        -5 est et cdt cot pet
        -6 cst ct mdt
        -7 mst mt pdt
        -8 pst pt akdt
        -9 akst hadt
        -10 hst hast
        -12 m
        """.strip().splitlines()
    for hours, *names in [line.split()]
    for name in names
}

# Month names and short forms that differ from English, by month. English ones are met by their first three letters.
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "jan january janvier janv jänner jän enero ene gennaio gen janeiro stycznia sty ocak oca ledna led "
            "január januári ianuarie ian января январь янв січня січ ιαν ιανουαρίου ιανουάριος",
            "feb february février févr fév fevrier febrero febbraio fevereiro fev lutego lut şubat şub února úno "
            "február februári februarie февраля февраль фев февр лютого лют φεβ φεβρουαρίου φεβρουάριος",
            "mar march mars märz mär mrz maart mrt marzo março marca marzec mart březen března bře március márc martie "
            "марта март мар березня бер μάρ μαρ μάρτιος μαρτίου μάώ μαώ",
            "apr april avril avr abril abr aprile kwietnia kwi nisan nis duben dubna dub április ápr aprilie "
            "апреля апрель апр квітня кві απρ απριλίου απρίλιος",
            "may mai mei mayo maggio mag maio maja maj mayıs květen května kvě május máj máujus mai мая май травня "
            "тра μάι μαϊ μαι μαΐου μάιος",
            "jun june juin junio giugno giu junho czerwca cze haziran haz červen června čvn június jún iunie "
            "июня июнь июн червня чер ιούν ιουν ιον ιουνίου ιούνιος",
            "jul july juillet juil julio luglio lug julho lipca lip temmuz tem červenec července čvc július júl iulie "
            "июля июль июл липня лип ιούλ ιουλ ιολ ιουλίου ιούλιος",
            "aug august août aout agosto ago sierpnia sie ağustos ağu srpen srpna srp augusztus augustus "
            "августа август авг серпня сер αύγ αυγ αυγούστου αύγουστος",
            "sep sept september septembre septiembre settembre set setembro września wrz eylül eyl září zář szeptember "
            "szept septembrie сентября сентябрь сен сент вересня вер σεπ σεπτεμβρίου σεπτέμβριος",
            "oct okt october octobre oktober octubre ottobre ott outubro out października paź ekim eki říjen října říj "
            "október octombrie октября октябрь окт жовтня жов οκτ οκτωβρίου οκτώβριος",
            "nov november novembre noviembre novembro listopada lis kasım kas listopad lis noiembrie ноября ноябрь "
            "ноя нояб листопада νοέ νοε νοεμβρίου νοέμβριος",
            "dec december décembre déc dezember dez diciembre dic dicembre dezembro grudnia gru aralık ara prosinec "
            "prosince pro decembrie декабря декабрь дек грудня гру δεκ δεκεμβρίου δεκέμβριος",
        ),
        start=1,
    )
    for name in names.split()
}
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TIME = r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?)?"
_ZONE = r"(Z|(?:UTC|GMT)?\s?[+-]\d{1,2}:?\d{2}|[+-]\d{2}|[A-Za-z]{1,5})?"
_RFC822 = re.compile(
    rf"(?:[^\W\d_]+\.?,?\s*)?(\d{{1,2}})[ -]([A-Za-z]{{3,9}})\.?,?[ -](\d{{4}}|\d{{2}})(?:,?\s+{_TIME}\s*{_ZONE})?",
    re.ASCII,
)
_ISO = re.compile(
    rf"(\d{{4}})(?:-((?:0(?=\d\d-))?\d{{1,2}})(?:-(\d{{1,2}}))?)?(?:(?:\s*T\s*|\s+){_TIME}\s*{_ZONE}|\s*(Z|[+-]\d\d:\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d):?(\d\d)(?::?(\d\d))?)?\s*" + _ZONE, re.ASCII | re.IGNORECASE)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})", re.ASCII)
_SHORT = re.compile(r"(\d\d)(-?)(\d\d)\2(\d\d)", re.ASCII)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?", re.ASCII)

_CLOCK = re.compile(
    r"(?<![\d:+-])(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?(?![\d:])\s*(?:([ap])\.?m\.?(?![a-z]))?", re.IGNORECASE
)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_OFFSET = re.compile(r"(?<!\d)([+-](?:0?\d|1[0-4]):?\d{2})(?::\d\d)?(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+", re.ASCII)
_KOREAN = re.compile(r"[년월일]|오전|오후")


def parse_date(text: str) -> str | None:
    """The moment that `text` names, as ISO 8601 to the second, or None where it names none.

    The result has a UTC offset if and only if the text gives a zone that is known. Read are RFC 822 and 2822 (single
    digits, two-digit years, zone names, no zone), W3CDTF and ISO 8601 with parts missing, asctime, Unix seconds
    and milliseconds, `Y/M/D`, `D.M.Y`, `M/D/Y` (`D/M/Y` where the first is over 12), and day, month name and year in
    any order in some fifteen languages. Hour 24 and second 60 run over into what follows; a day that the
    month lacks becomes its last. A date in Korean script is Korean time, of which there is one zone.
    """
    text = text.strip()
    if not text or len(text) > MAX_DATE_CHARS:
        return None
    if match := _RFC822.fullmatch(text):
        day, name, year, hour, minute, second, zone = match.groups()
        if month := _month(name):
            return _moment(_full_year(year), month, int(day), hour, minute, second, zone)
    elif match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, zone, date_zone = match.groups()
        return _moment(int(year), int(month or 1), int(day or 1), hour, minute, second, zone or date_zone)
    return _unusual(" ".join(text.split()))


def _unusual(text: str) -> str | None:
    """The rarer notations, tried in turn."""
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC).isoformat()
    if match := _ORDINAL.fullmatch(text):
        year, day = int(match[1]), int(match[2])
        if not (year and 1 <= day <= 366):
            return None
        return (datetime(year, 1, 1) + timedelta(days=day - 1)).isoformat() if year < 9999 or day < 366 else None
    if match := _SHORT.fullmatch(text):
        return _moment(_full_year(match[1]), int(match[3]), int(match[4]), None, None, None, None)
    if match := _COMPACT.fullmatch(text):
        year, month, day, *rest = match.groups()
        return _moment(int(year), int(month), int(day), *rest)
    return _free_form(text)


def _free_form(text: str) -> str | None:
    """Clock, offset and date picked out of `text` one after the other, in any order."""
    rest = text.replace(" at ", " ")
    hour = minute = second = None
    if clock := _CLOCK.search(rest):
        hour, minute, second, half = clock.groups()
        if half or "오전" in text or "오후" in text:
            hour = str(int(hour) % 12 + (12 if half in ("p", "P") or "오후" in text else 0))
        rest = f"{rest[: clock.start()]} {rest[clock.end() :]}"
    if offset := _OFFSET.search(rest):
        rest = f"{rest[: offset.start()]} {rest[offset.end() :]}"
    date = _numeric_date(rest) or _named_date(rest)
    if date is None or ":" in rest:
        return None
    zone = offset[1] if offset else next((word for word in _WORD.findall(rest) if word.lower() in _ZONES), None)
    if zone is None and _KOREAN.search(text):
        zone = "KST"
    return _moment(*date, hour, minute, second, zone)


def _numeric_date(text: str) -> tuple[int, int, int] | None:
    if match := _YEAR_FIRST.search(text):
        year, month, day = match.groups()
    elif match := _YEAR_LAST.search(text):
        first, mark, then, year = match.groups()
        day, month = (then, first) if mark == "/" and int(first) <= 12 else (first, then)
    else:
        return None
    return _full_year(year), int(month), int(day)


def _named_date(text: str) -> tuple[int, int, int] | None:
    numbers = _NUMBER.findall(text)
    year = next((number for number in numbers if len(number) == 4), None) or (numbers[1] if len(numbers) > 1 else None)
    words = _WORD.findall(text)
    if year is None or len(words) > MAX_DATE_WORDS:
        return None
    months = [month for word in words if (month := _month(word))]
    if not months:
        return None
    numbers.remove(year)
    # The last name: "mar. 5 mars" begins with a weekday.
    return _full_year(year), months[-1], int(numbers[0]) if numbers else 1


def _month(word: str) -> int | None:
    word = word.lower()
    month = _MONTHS.get(word)
    if month is None and word[:3] in _ENGLISH and word.isascii():
        month = _ENGLISH.index(word[:3]) + 1
    return month


def _full_year(digits: str) -> int:
    """Two digits are 1990 to 2089, as feed readers have always taken them."""
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year >= 90 else 2000)


def _moment(
    year: int, month: int, day: int, hour: str | None, minute: str | None, second: str | None, zone: str | None
) -> str | None:
    if not 1 <= day <= 31:
        return None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60:
        return None
    try:
        if hours < 24 and seconds < 60 and day <= 28:
            moment = datetime(year, month, day, hours, minutes, seconds)
        else:
            month_end = (datetime(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day if year < 9999 else 31
            moment = datetime(year, month, min(day, month_end)) + timedelta(
                hours=hours, minutes=minutes, seconds=seconds
            )
    except (ValueError, OverflowError):
        return None
    return moment.isoformat() + (_offset(zone) if zone else "")


@lru_cache(maxsize=512)
def _offset(zone: str) -> str:
    """`+HH:MM`, or nothing for a zone that is unknown or a day wide."""
    known = _ZONES.get(zone.lower())
    if known is None:
        digits = zone.lstrip("UTCGMutcgm ")
        if digits[:1] not in ("+", "-"):
            return ""
        sign, digits = digits[0], digits[1:].replace(":", "")
        hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
        if hours > 23 or minutes > 59:
            return ""
        return f"{sign}{hours:02d}:{minutes:02d}"
    return f"{'-' if known < 0 else '+'}{abs(known) // 60:02d}:{abs(known) % 60:02d}"
