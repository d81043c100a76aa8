"""Finds times of day in a text: `18:05`, `3.05 pm`, `18h05`, `18 Uhr`, `9時30分`, `下午3:05`, noon; with their zones.

Sources for the words: Unicode CLDR (day periods), and the pages of newspapers.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from newsbot.extraction import zones
from newsbot.extraction.dates import UnclearError
from newsbot.extraction.months import folded

MAX_CLOCKS = 4  # of one text, which may repeat the one that it names
LETTER = r"[^\W\d_]"
CLOCK = "\x03"  # stands for a clock that was taken out of a text
DATE = "\x04"  # and for a date


class Clock(NamedTuple):
    """A time of day as written: hour 24 and second 60 occur. `zone` is None if none is given or known."""

    hour: int
    minute: int
    second: int
    zone: tzinfo | None


# Words that say which part of the day it is. "_" is a space that may be missing.
_PARTS = {
    "am": """
        am a.m. a.m a._m. 上午 午前 오전 清晨 早上 早晨 凌晨 朝 새벽 아침 ص صباحا فجرا ق.ظ ق.ظ. قبل_از_ظهر صبح öö
        sabah sa sáng pagi pg π.μ. πμ дп утра ранку утром сутринта пр.об. vorm. vormittags morgens früh du_matin
        de_la_mañana da_manhã di_mattina del_mattino del_matí 's_ochtends 's_morgens v.m. vm. fm f.m. rano ráno dop.
        dopoledne dopoldne ujutro délelőtt de. ap. priešpiet e_paradites p.d. dimineața atm yb gh safiya moies f.h.
        r.n. ү.ө. таңкы နံနက် ກ່ອນທ່ຽງ পূৰ্বাহ্ন सुबह सवेरे पूर्वाह्न সকাল পূর্বাহ্ণ காலை முற்பகல் เช้า ก่อนเที่ยง ng_umaga
        in_the_morning morning this_morning
        בבוקר לפנה"צ לפנהצ""",
    "pm": """
        pm p.m. p.m p._m. 下午 午後 오후 傍晚 夕方 저녁 م مساء عصرا بعد_الظهر ب.ظ ب.ظ. بعد_از_ظهر عصر ös
        öğleden_sonra akşam ch chiều sore petang ptg μ.μ. μμ пп вечера вечора вечером следобед сл.об. nachm.
        nachmittags abends de_l'après-midi du_soir de_la_tarde da_tarde del_pomeriggio di_sera de_la_tarda
        's_middags 's_avonds n.m. nm. em e.m. wieczorem po_południu odp. odpoledne popoldne večer navečer délután
        du. este ip. popiet e_pasdites m.d. după-amiaza seara ptm yh gd yamma nomëttes e.h. i.n. ү.х. түштөн_кийинки
        ညနေ ຫຼັງທ່ຽງ অপৰাহ্ন शाम अपराह्न বিকাল বিকেল সন্ধ্যা மாலை பிற்பகல் หลังเที่ยง ng_hapon
        in_the_afternoon afternoon this_afternoon in_the_evening evening
        this_evening
        בערב אחה"צ אחהצ אחר_הצהריים""",
    "midday": """
        noon mittags 中午 正午 昼 낮 점심 ظهرا siang trưa दोपहर দুপুর மதியம் дня öğle ng_tanghali בצהריים""",
    "night": """
        晚上 晚 夜 夜晚 深夜 밤 ليلا شب gece đêm malam ночи ночі nachts de_la_noche da_noite di_notte 's_nachts
        w_nocy रात রাত இரவு ng_gabi at_night tonight בלילה tối""",
}
_PART_OF = {folded(word.replace("_", " ")).casefold(): part for part, words in _PARTS.items() for word in words.split()}
_KIND = {word.replace(" ", ""): part for word, part in _PART_OF.items()}
# Behind a clock these are words of other languages too: "10:30 em Lisboa", "10:30 AP".
_DOUBTFUL = {
    *("sa", "ch", "em", "fm", "os", "oo", "pg", "este", "ap.", "ip.", "de.", "du.", "p.d.", "m.d.", "дп", "пп", "yb"),
    *("morning", "afternoon", "evening", "tonight"),
    *("yh", "gh", "gd", "r.n.", "i.n."),
}
_LATIN_BEFORE = {"am", "a.m.", "pm", "p.m.", "oo", "os", "de.", "du.", "dop.", "odp.", "nachm.", "vorm."}
_ARABIC_BEHIND = {"م", "ص"}  # before a clock they end the date: "2025 م"


def _any(words: Iterable[str]) -> str:
    """A pattern for any of the words: whole words, except in scripts without spaces between words."""
    ordered = [
        (word[0] < "\u0e00", re.escape(word).replace(r"\ ", r"\s?")) for word in sorted(words, key=len, reverse=True)
    ]
    whole, others = ("|".join(each for is_whole, each in ordered if is_whole is kind) for kind in (True, False))
    return rf"(?:(?<!{LETTER})(?:{whole})(?!{LETTER})|{others})" if others else rf"(?<!{LETTER})(?:{whole})(?!{LETTER})"


def _listed(words: str) -> str:
    return _any({folded(word).casefold() for word in words.split()})


_PART = _any(_PART_OF)
_BEFORE = re.compile(
    rf"({_any(word for word in _PART_OF if word in _LATIN_BEFORE or (word[0] > 'א' and word not in _ARABIC_BEHIND))})"
    r"[\s,]*\Z",
    re.IGNORECASE,
)


def _apart(capitals: str, *parts: str) -> str:
    """A pattern for the words of these parts of the day, except short ones that are words of other languages."""
    long = _any(
        word for word, part in _PART_OF.items() if part in parts and (len(word) > 4 or re.match(r"[ap]\.m\.", word))
    )
    return rf"(?:(?<!{LETTER})(?-i:{capitals})(?!{LETTER})|{long})"


_EARLIER, _LATER = _apart("AM", "am"), _apart("PM|pm|Pm", "pm", "night")
_LONGEST_BEFORE = 16  # characters
_BEHIND = re.compile(rf"[\s,]*({_PART})", re.IGNORECASE)
_LETTERS_BEHIND = re.compile(r"\s?[A-Z]{2}(?![\w'.])|\s?[Aa](?=[\s,)|]*\Z)")  # "GD" is Somali for PM
_AT_END = re.compile(r"\s?(?:[,|)]|\Z)")
_SHORT_WORD = re.compile(rf"\s({LETTER}{{2,5}})\s*\Z")
_FIRST_LETTER = re.compile(r"\s?([APap])\.?(?![\w'.])")  # "8:15p", "8:15 P ET"
_LETTER_OF_RFC822 = re.compile(r"\W*[A-Ya-y]\W*")
_GERMAN_DAY = re.compile(r" \d\d?\. ")  # "um 12:05 am 3. November"
_WORD_BEHIND = re.compile(rf"\s*{LETTER}")

_HOUR = _listed(
    "uhr h hs hr hrs hours heure heures horas hod hodin ч час часа часов uur u ura óra órakor val giờ 時 时 點"
    " 点 시 น นาฬิกา बजे টা"
)
_HOUR_OF_12 = ("बजे", "টা")
_HOUR_BEHIND = re.compile(rf"\s{{0,2}}{_HOUR}\.?(?!\s*-\s*\d\d?:)", re.IGNORECASE)  # "18:15 Uhr - 19:30 Uhr" is a span
_MINUTE = _listed("min m мин хв phút 分 분 minutes")
_SECOND = _listed("sec s сек giây 秒 초")
_AT = _listed(
    "kl klo kello klokken klockan klukkan kell plkst godz um ore alle as las les at à pukul jam lúc в о об ob om o u"
    " v στις الساعة ساعت בשעה เวลา ve"
)
_AT_OF_24 = {
    "kl",
    "klo",
    "kello",
    "klokken",
    "klockan",
    "klukkan",
    "kell",
    "plkst",
    "godz",
    "um",
    "ore",
    "alle",
    "pukul",
    "jam",
}

_NUMBER = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_IN_WORDS = re.compile(
    rf"\bat {_NUMBER}\b|{DATE}[\s,]*(?:"
    rf"{_NUMBER}(?:\W*\Z|[\s-](?:(?:{_NUMBER}|\w+(?:ty|teen)|hundred|ish)\b))"  # "nine thirty ET"
    r"|(?:um |om |kl\.? )?(?:hal[bv]|half|viertel|kvart)\b"  # "halb acht"
    rf"|(?:{'|'.join(sorted(_AT_OF_24))}|a las?|le ore)\b\.?:? {LETTER}"  # "kl. åtta", "um acht"
    rf"|(?:{LETTER}+[ -]){{1,3}}(?:{_EARLIER}|{_LATER}"  # "siete de la tarde", "seven PM"
    r"|(?:uhr|heures?|hours|hrs|horas|uur|hodin|часов|часа|(?-i:GMT|UTC|[A-Z]{1,3}T))\b))",  # "nine hours", "nine GMT"
    re.IGNORECASE,
)

_FREE = r"(?<![\d:+-])(?<!\d[./])"
_HOURS = rf"{_FREE}(?P<hour>\d{{1,2}})"
_DOTTED = r"(?P<hour>\d{1,2})(?:\.(?P<minute>\d\d)(?:\.(?P<second>\d\d))?)?"
_NO_DAY = r"(?!\d|[\s.,/-]*(?:de\s)?\x01|\s?[./-]\s?\d)"  # as in "18h 25 novembre 2025" and "18h 25/11/2025"


def _patterns(*patterns: str) -> Sequence[re.Pattern[str]]:
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


COLON = _patterns(
    rf"{_HOURS} ?: ?(?P<minute>\d\d|\d(?= ?: ?\d))(?: ?: ?(?P<second>\d{{1,2}})(?:[.,:]\d+)?)?(?![\d:]|\.\d)",
)
# In a text whose months are marked: clocks that show by a word.
WORDED = _patterns(
    rf"{_FREE}{_DOTTED}(?=\s?{_PART})",
    rf"{_HOURS}[hg](?P<minute>\d\d)(?:(?:m|min|:)(?P<second>\d\d)s?)?(?![^\W_])",
    rf"{_HOURS}\s?{_HOUR}\.?\s?(?P<minute>\d\d?)\s?{_MINUTE}\.?(?:\s?(?P<second>\d\d?)\s?{_SECOND}\.?)?",
    rf"{_HOURS}\s?{_HOUR}\.?\s?(?P<minute>\d\d){_NO_DAY}(?!\s?{LETTER})",
    rf"{_FREE}{_DOTTED}\s?(?P<word>{_HOUR})\.?(?P<half>半|반)?",
    rf"{_AT}\.?:?\s(?P<hour>\d\d?)\.(?P<minute>\d\d)(?:\.(?P<second>\d\d))?(?![\d:%]|[.,/-]\d|\s?[€$£])",
    rf"(?P<at>{_AT})\.?:?\s(?P<hour>\d\d?)(?![\d:%]|[.,/-]\d|[.,/-]?\s?\x01|\s?[€$£]|\s?{LETTER})",
)
# In a text whose date is marked: clocks that show by their place beside it.
BESIDE_DATE = [
    re.compile(pattern)
    for pattern in (
        rf"(?<={DATE})[\s,]*(?P<hour>\d\d?)\.(?P<minute>00|1[3-9]|[2-5]\d)\.(?P<second>\d\d)(?![\w%.:])",
        rf"(?<={DATE})[\s,|·-]*(?P<hour>\d\d?)\.(?P<minute>\d\d)(?![\w%]|[.,:]\d|\s?(?![A-Z]{{2,4}}\b){LETTER})",
        rf"\A(?P<hour>\d\d?)\.(?P<minute>\d\d)(?:\.(?P<second>\d\d))?(?=[\s,|·-]*{DATE})",
        rf"(?<={DATE})[\s,|·-]*(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?"
        r"(?=\s?(?:[Hh](?:ou)?rs?\b|(?P<needed>[A-Z]{2,4}\b|[+-]\d{4})))",
    )
]
_NAMED = re.compile(
    rf"(?<!{LETTER})(?:12 )?(?:(noon|midday|midi|mittags?|mediodia|正午)|midnight|minuit|mitternacht|medianoche)"
    rf"(?!{LETTER})",
    re.IGNORECASE,
)
_COUNTED_FROM_DAWN = re.compile(
    r"(?<!\w)(?:saa|asubuhi|jioni|usiku|mchana|alasiri)(?!\w)|[\u1200-\u137f]", re.IGNORECASE
)


def take(text: str, patterns: Sequence[re.Pattern[str]], country: str | None, found: list[Clock]) -> str:
    """A folded text with `CLOCK` in place of the clocks of these patterns, which are added to `found`.

    Raises `UnclearError` for a clock with an ambiguous half of the day or zone.
    """
    for pattern in patterns:
        while match := pattern.search(text):
            if len(found) == MAX_CLOCKS:
                raise UnclearError(f"there are more than {MAX_CLOCKS} times of day")
            clock, start, end = _read(text, match, country)
            found.append(clock)
            text = f"{text[:start]} {CLOCK} {text[end:]}"
    return text


def is_moved(text: str, hour: int) -> bool:
    """Whether a word that may move this hour to the other half of the day is left over."""
    words = rf"{_LATER}|{_EARLIER}" if hour == 12 else _LATER
    return hour < 13 and bool(re.search(words, text, re.IGNORECASE))


def past_hour(text: str, at: int) -> int:
    """The end of a word for the hour behind a clock, as in "18:15 Uhr"."""
    word = _HOUR_BEHIND.match(text, at)
    return word.end() if word else at


def is_in_words(text: str) -> bool:
    """Whether a time of day in words follows the date of a text without a clock: it is not understood."""
    return bool(_IN_WORDS.search(text))


def take_named(text: str, country: str | None, found: list[Clock]) -> str:
    """As `take`, for noon and midnight; midnight is the first moment of the day."""
    while match := _NAMED.search(text):
        zone, end = zones.read(text, match.end(), country)
        found.append(Clock(12 if match[1] else 0, 0, 0, zone))
        text = f"{text[: match.start()]} {CLOCK} {text[end:]}"
    return text


def _read(text: str, match: re.Match[str], country: str | None) -> tuple[Clock, int, int]:
    given = match.groupdict()
    hour, minute, second = (int(given.get(name) or 0) for name in ("hour", "minute", "second"))
    if given.get("half"):
        minute = 30
    if _COUNTED_FROM_DAWN.search(text):
        raise UnclearError("hours in Swahili and Ethiopian texts are often counted from dawn")
    before = _BEFORE.search(text, max(0, match.start() - _LONGEST_BEFORE), match.start())
    part, end = _part(text, _behind(text, match.end(), hour, country), hour)
    if not part and hour < 13:
        part, end = _first_letter(text, end, country, bool(given.get("second")))
    zone, end = _zone(text, match, end, country)
    if zone is None and ((not part and hour < 13 and _LETTERS_BEHIND.match(text, end)) or given.get("needed")):
        raise UnclearError(f"what is behind {match[0]!r} is neither a half of the day nor a zone that is known")
    if not part:
        part, end = _part(text, end, hour)
    word = _SHORT_WORD.match(text, end)
    if (
        zone is None
        and given.get("second")
        and word
        and zones.is_zone_like(word[1])
        and not _HOUR_BEHIND.match(text, end)
    ):
        raise UnclearError(f"{word[1]!r} stands where a program writes the zone, and is none that is known")
    if before:
        part = part or before[1]
    if not part and not given.get("minute") and hour < 13:
        at, word = (given.get("at") or "").casefold(), given.get("word") or ""
        if word in _HOUR_OF_12 or (at and at not in _AT_OF_24):
            raise UnclearError(f"{match[0]!r} may be before or after noon")
    start = before.start() if before else match.start()
    return Clock(_hour(hour, part), minute, second, zone), start, end


def _behind(text: str, at: int, hour: int, country: str | None) -> int:
    """The position of half of the day or zone behind a clock: past a word for the hour, as in "8:15 Uhr abends"."""
    word = _HOUR_BEHIND.match(text, at)
    if word and (_part(text, word.end(), hour)[0] or zones.read(text, word.end(), country)[0]):
        return word.end()
    return at


def _part(text: str, at: int, hour: int) -> tuple[str | None, int]:
    """The word for a part of the day behind a clock, and its end."""
    match = _BEHIND.match(text, at)
    if match is None:
        return None, at
    word = match[1].casefold()
    if word in _DOUBTFUL and _WORD_BEHIND.match(text, match.end()):
        if hour < 13:
            raise UnclearError(f"{match[1]!r} may be a half of the day")
        return None, at
    if word == "am" and _GERMAN_DAY.match(text, match.end()):
        return None, at
    return word, match.end()


def _first_letter(text: str, at: int, country: str | None, has_seconds: bool) -> tuple[str | None, int]:
    """The half of the day by its first letter, and its end. Behind seconds "A" may be a zone of RFC 822."""
    match = _FIRST_LETTER.match(text, at)
    if match is None or (has_seconds and match[1] in "Aa"):
        return None, at
    if not _AT_END.match(text, match.end()) and zones.read(text, match.end(), country)[0] is None:
        return None, at
    return f"{match[1].casefold()}m", match.end()


def _zone(text: str, match: re.Match[str], at: int, country: str | None) -> tuple[tzinfo | None, int]:
    zone, end = zones.read(text, at, country)
    if zone and match.groupdict().get("second") is None and _LETTER_OF_RFC822.fullmatch(text, at, end):
        raise UnclearError(f"{text[at:end]!r} is a zone only where a program writes it, behind seconds")
    # "9:00-10:30" may be from then to then, "2026-11-27T09:00-10:30" is not.
    is_short = match.groupdict().get("second") is None and text[at : at + 1] == "-"
    if zone and is_short and not re.search(r"\dT\Z", text[: match.start()], re.IGNORECASE):
        raise UnclearError(f"{text[match.start() : end]!r} may be a time with its zone, or two times")
    return zone, end


def _hour(hour: int, part: str | None) -> int:
    """The hour of 24. Raises `UnclearError` if the part of the day does not have this hour."""
    kind = _KIND["".join(part.casefold().split())] if part else None
    if kind is None or (hour > 12 and kind != "am"):
        return hour
    if kind == "am" and hour <= 12:
        return hour % 12
    if kind == "pm":
        return hour % 12 + 12
    if kind == "midday" and hour in (1, 2, 3, 4, 5, 10, 11, 12):
        return hour if hour >= 10 else hour + 12
    if kind == "night" and hour in (1, 2, 3, 6, 7, 8, 9, 10, 11):
        return hour if hour < 6 else hour + 12
    raise UnclearError(f"{hour} is not an hour of {part!r}")
