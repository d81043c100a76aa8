"""Reads the time zones of dates: offsets in all their spellings, abbreviations, names in words and of the tz database.

Sources: RFC 822 and 2822 (names and military letters), the abbreviations of the tz database
(https://www.iana.org/time-zones), and the English names of Unicode CLDR (https://cldr.unicode.org).
"""

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from newsbot.extraction.dates import UnclearError

# Hours east of UTC. If places share a name, this has RFC 822's meaning or the more common one; `_LOCAL` has others.
_HOURS = {
    name: float(hours)
    for line in """
        0 z ut utc gmt wet wez egst hez zulu
        1 bst cet met west wesz wat mez cetstd hec n
        2 cest mest eet oez sast cat mesz cdst hesc
        3 eest oesz msk trt tsi eat idt syot мск
        3.5 irst
        4 gst msd azt get mut ret samt sct
        4.5 aft irdt
        5 pkt uzt tmt tjt mvt yekt mawt tft
        5.5 ist slst
        5.75 npt
        6 almt omst kgt btt novst
        6.5 mmt cct
        7 wib ict krat hovt cxt
        8 hkt sgt awst pht phst myt wita irkt ulat bnt chot
        8.75 acwst
        9 jst kst wit tlt pwt yakt
        9.5 acst
        10 aest chst chut pgt vlat
        10.5 acdt lhst
        11 aedt lhdt sbt nct vut magt sakt kost pont
        12 nzst fjt gilt tvt mht nrt wakt wft petst anat y
        12.75 chast
        13 nzdt tot phot tkt
        13.75 chadt
        14 lint
        -1 azot cvt egt a
        -2 fnt wgst brst uyst pmdt
        -2.5 ndt
        -3 adt brt art gft pmst rott uyt wgt clst pyst fkst
        -3.5 nst
        -4 ast edt clt amt bot gyt vet pyt fkt hae
        -5 est cdt cot pet act ect hne hac
        -6 cst mdt galt hnc har
        -7 mst pdt hnr hap
        -8 pst akdt hnp
        -9 akst hadt hdt gamt
        -10 hst hast taht ckt
        -11 sst nut
        -12 m
        """.strip().splitlines()
    for hours, *names in [line.split()]
    for name in names
}
# The meanings of the same abbreviations in these countries.
_LOCAL = {
    "act": {"au": 9.5},
    "adt": {"iq": 4},
    "amt": {"am": 4},
    "ast": dict.fromkeys(("bh", "iq", "kw", "qa", "sa", "ye"), 3),
    "bst": {"bd": 6},
    "cdt": {"cu": -4},
    "cst": {"cn": 8, "tw": 8, "hk": 8, "mo": 8, "cu": -5},
    "edt": {"au": 11},
    "est": {"au": 10},
    "ist": {"il": 2, "ie": 1},
    "mst": {"mm": 6.5, "my": 8},
    "pst": {"ph": 8},
    "sec": {"cz": 1, "sk": 1},
    "selc": {"cz": 2, "sk": 2},
    "sst": {"sg": 8},
    "wst": {"au": 8, "ws": 13},
}
# Names that are summer time or not, by date.
_PLACES = {
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
    "akt": "America/Anchorage",
    "at": "America/Halifax",
    "nt": "America/St_Johns",
    "aet": "Australia/Sydney",
    "uk": "Europe/London",
}
# An abbreviation for winter with that for summer: the time of the place by date.
_PAIRS = {
    "cet/cest": "Europe/Paris",
    "mez/mesz": "Europe/Berlin",
    "eet/eest": "Europe/Athens",
    "wet/west": "Europe/Lisbon",
    "gmt/bst": "Europe/London",
    "est/edt": "America/New_York",
    "cst/cdt": "America/Chicago",
    "mst/mdt": "America/Denver",
    "pst/pdt": "America/Los_Angeles",
    "akst/akdt": "America/Anchorage",
    "aest/aedt": "Australia/Sydney",
    "nzst/nzdt": "Pacific/Auckland",
}
# Of a remark behind an abbreviation that `_LOCAL` has, "CST (China Standard Time)": the country, by its first word.
_REMARKED = {
    word: country
    for country, words in {
        "au": "australia australian sydney",
        "bd": "bangladesh dhaka",
        "cn": "china chinese beijing",
        "cu": "cuba havana",
        "ie": "ireland irish dublin",
        "il": "israel jerusalem",
        "my": "malaysia malaysian",
        "ph": "philippines philippine manila",
        "sa": "arabia arabian saudi",
        "sg": "singapore",
        "tw": "taiwan taipei",
    }.items()
    for word in words.split()
}
_WORDS = {"ACT", "ART", "AT", "CAT", "EAST", "EAT", "GET", "HAT", "MET", "MUT", "NUT", "PET", "PONT", "RET"}
# Zones by their names in words, folded: the time of a place, where there is one its standard time, and its summer time.
_REGIONS = {
    "alaska": "akt akst akdt",
    "argentina": "art art",
    "atlantic": "at ast adt",
    "australian central": "Australia/Adelaide acst acdt",
    "australian eastern": "aet aest aedt",
    "australian western": "awst awst",
    "beijing": "Asia/Shanghai",
    "ceskeho": "Europe/Prague",
    "berliner": "Europe/Berlin",
    "brasilia": "brt brt brst",
    "british": "Europe/London gmt bst",
    "central": "ct cst cdt",
    "central africa": "cat",
    "central european": "cet cet cest",
    "central indonesia": "wita",
    "china": "Asia/Shanghai Asia/Shanghai",
    "dansk": "Europe/Copenhagen",
    "deutscher": "Europe/Berlin",
    "coordinated universal": "utc",
    "dubai": "gst",
    "e. africa": "eat eat",
    "east africa": "eat",
    "eastern": "et est edt",
    "eastern european": "eet eet eest",
    "eastern indonesia": "wit",
    "este": "et",
    "greenwich mean": "gmt",
    "gtb": "Europe/Athens Europe/Athens Europe/Athens",
    "gulf": "gst gst",
    "hawaii": "hst hst",
    "hawaii-aleutian": "hst hst",
    "hong kong": "hkt hkt",
    "india": "ist ist",
    "indian": "ist ist",
    "indochina": "ict",
    "irish": "Europe/Dublin Europe/Dublin Europe/Dublin",
    "israel": "Asia/Jerusalem",
    "italiana": "Europe/Rome",
    "japan": "jst jst",
    "korea": "kst kst",
    "korean": "kst kst",
    "london": "Europe/London",
    "mitteleuropaischer": "cet",
    "moscow": "msk msk msd",
    "mountain": "mt mst mdt",
    "nederlandse": "Europe/Amsterdam",
    "nepal": "npt",
    "new zealand": "Pacific/Auckland nzst nzdt",
    "norsk": "Europe/Oslo",
    "pacific": "pt pst pdt",
    "pakistan": "pkt pkt",
    "paris": "Europe/Paris",
    "peninsular": "Europe/Madrid",
    "philippine": "pht pht",
    "polskiego": "Europe/Warsaw",
    "romance": "Europe/Paris Europe/Paris Europe/Paris",
    "russian": "msk msk",
    "singapore": "sgt sgt",
    "south africa": "sast sast",
    "svensk": "Europe/Stockholm",
    "tokyo": "jst jst",
    "turkey": "trt trt",
    "turkiye": "trt",
    "uk": "Europe/London",
    "universal": "utc",
    "w. europe": "Europe/Berlin Europe/Berlin Europe/Berlin",
    "west africa": "wat wat",
    "western european": "wet wet west",
    "western indonesia": "wib",
    "barat": "wib",
    "beogradskom": "Europe/Belgrade",
    "bucurestiului": "Europe/Bucharest",
    "eesti": "Europe/Tallinn",
    "ha noi": "ict",
    "kozep-europai": "cet",
    "latvijas": "Europe/Riga",
    "lietuvos": "Europe/Vilnius",
    "magyar": "Europe/Budapest",
    "romaniei": "Europe/Bucharest",
    "srednjeevropskom": "cet",
    "srednjoeuropskom": "cet",
    "stredoevropskeho": "cet",
    "suomen": "Europe/Helsinki",
    "tengah": "wita",
    "timur": "wit",
    "viet nam": "ict",
    "ελλαδας": "Europe/Athens",
    "ελλαδος": "Europe/Athens",
    "българско": "Europe/Sofia",
    "гринвичем": "utc",
    "гринвичу": "utc",
    "киеву": "Europe/Kyiv",
    "киевскому": "Europe/Kyiv",
    "києвом": "Europe/Kyiv",
    "киівським": "Europe/Kyiv",
    "москве": "msk",
    "московскому": "msk",
    "ישראל": "Asia/Jerusalem",
    "ابوظبي": "Asia/Dubai",
    "الامارات": "Asia/Dubai",
    "الجزاير": "Africa/Algiers",
    "الدوحة": "Asia/Qatar",
    "الرياض": "Asia/Riyadh",
    "السعودية": "Asia/Riyadh",
    "القاهرة": "Africa/Cairo",
    "القدس": "Asia/Jerusalem",
    "بغداد": "Asia/Baghdad",
    "بيروت": "Asia/Beirut",
    "تونس": "Africa/Tunis",
    "جرينتش": "utc",
    "دبي": "Asia/Dubai",
    "دمشق": "Asia/Damascus",
    "غرينتش": "utc",
    "غرينيتش": "utc",
    "مكة": "Asia/Riyadh",
    "تهران": "Asia/Tehran",
    "گرينويچ": "utc",
    "भारतीय": "ist",
    "বাংলাদেশ": "Asia/Dhaka",
    "东京": "jst",
    "東京": "jst",
    "日本": "jst",
    "中国": "Asia/Shanghai",
    "中國": "Asia/Shanghai",
    "北京": "Asia/Shanghai",
    "台北": "Asia/Taipei",
    "台湾": "Asia/Taipei",
    "台灣": "Asia/Taipei",
    "香港": "hkt",
    "伦敦": "Europe/London",
    "倫敦": "Europe/London",
    "格林威治": "utc",
    "格林尼治": "utc",
    "纽约": "et",
    "紐約": "et",
    "美东": "et",
    "美東": "et",
    "한국": "kst",
    "베이징": "Asia/Shanghai",
    "그리니치": "utc",
    "미국 동부": "et",
    "미국 서부": "pt",
}
_IN_WORDS = {
    f"{region} {kind}".strip().casefold(): name
    for region, names in _REGIONS.items()
    for kinds, name in zip((("",), ("standard",), ("daylight", "summer")), names.split(), strict=False)
    for kind in kinds
}
_HERE = {
    *(
        "local",
        "our",
        "locale",
        "locala",
        "lokale",
        "lokaler",
        "lokal",
        "plaatselijke",
        "yerel",
        "lokalnego",
        "miejscowego",
    ),
    *(
        "mistniho",
        "lokalnom",
        "mjesnom",
        "helyi",
        "paikallista",
        "kohaliku",
        "vietos",
        "vietejo",
        "setempat",
        "tempatan",
    ),
    *(
        "đia phuong",
        "τοπικη",
        "местному",
        "місцевим",
        "местно",
        "ortszeit",
        "المحلي",
        "محلي",
        "स्थानीय",
        "স্থানীয",
    ),
    *("当地", "當地", "现地", "現地", "本地", "현지"),
}
_FARTHEST = timedelta(hours=14)  # of a place from UTC: Kiritimati
_AREAS = ("Europe/", "America/", "Asia/", "Africa/", "Australia/", "Pacific/", "Atlantic/", "Indian/")

_LETTERS = r"[^\W\d_]"
_TIME_WORDS = r"(?:time|zeit|tid|tijd|heure|hora|ora|czasu|casu|saati|ωρα|время|часу)"
_OFFSET = re.compile(
    r"(?:(?P<base>utc|gmt|z|[a-z]{3,4})\s?)??(?P<sign>[+-])(?P<space>\s?)(?P<hours>\d{1,2})"
    r"(?:(?P<mark>[:.]?)(?P<minutes>\d{2})(?::\d{2})?)?(?!\d|[:.]\d)",
    re.IGNORECASE | re.ASCII,
)
_DATABASE = re.compile(r"\[?([A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]*(?:[+-]\d{1,2})?)+)\]?")
_TIME = re.compile(
    r"((?:[a-z.-]+ ){0,3}?[a-z.-]+) time\b|((?:eastern|central|mountain|pacific)(?! [a-z]))", re.IGNORECASE
)
# Words in capitals behind a clock: for the hour, of what follows, and short forms of the days of the week.
_NO_ZONES = {
    word
    for line in """
        local uhr hrs hr hs std uur godz ore kl klo h by in on at and von par por de di da do du door av af od und et
        am pm mon tue tues wed thu thur thurs fri sat sun mo mi fr sa so lun mar mer mie jeu jue ven vie sam sab dim
        dom gio seg ter qua qui sex zon man tir tis ons tor fre lor sob pon wto sro czw pia nie pzt sal car per cum
        cmt paz пн вт ср чт пт сб вс нд
        """.splitlines()
    for word in line.split()
}
_TIME_ELSEWHERE = re.compile(
    r"по (\w+) времени|по (москве|киеву|гринвичу)\b|за (\w+) часом|heures? (?:de |d')?(\w+)"
    r"|hor(?:a|ario) (?:del? )?(\w+)|uhr (\w+) zeit"
    r"|(\w+) (?:zeit|tid|tijd|casu|ωρα|saati(?:yle)?)\b|czasu (\w+)|ωρα (\w+)|(ortszeit)\b"
    r"|за (киевом|києвом|гринвичем)\b|ora (?:lui )?(\w+)|(?:po |по |pec )?([\w-]+) (?:vremenu|време|ido szerint|aikaa"
    r"|aja jargi|laiku|laika)\b|waktu (?:indonesia )?(\w+)|gio (viet nam|ha noi|đia phuong|\w+)"
    r"|(?:ب|بال)توقيت (\w+)(?: المكرمة)?|به وقت (\w+)|שעון (\w+)|(\S+) (?:समयानुसार|समय|সময)(?!\S)",
    re.IGNORECASE,
)
# "19:05北京时间", "北京时间 2026年12月27日": scripts without spaces write the place before or behind the date.
_PLACE_NEXT = re.compile(
    r"(?P<behind>\x03[\s(]*)?(?P<place>미국 [동서]부|[\u3040-\u30ff\u3400-\u9fff]{2,6}?|[\uac00-\ud7a3]{2,6}?)\s?"
    r"(?:标准|標準|표준)?(?:时间|時間|시간|시각)(?(behind)(?!\s*[:\d\x04])|(?!\s?[:\d]))"
)
_PAIR = re.compile(r"([A-Z]{2,5} ?/ ?[A-Z]{2,5})(?![\w'])")
_PLACE = re.compile(r"([A-Z][a-z]+(?:[ _-][A-Z][a-z]+)*)(?=\))")
_CAPITALS = re.compile(rf"[\s,]*\(?\s?(?:({_LETTERS}{{2,5}})(?![\w'])|({_LETTERS})(?=\W*\Z))")
_NO_OFFSET = re.compile(r"\s*[+%](?!\d)")
_TOLD_IN_BRACKETS = re.compile(rf"[\s,]*\([^()\d]*\b{_TIME_WORDS}\b[^()\d]*\)", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]{1,5}(?![\w'])")
_REMARK = re.compile(r" ?\([^()\d]*\)|\[[^][]*\]")
_SECONDS = re.compile(r":\d\d:\d\d(?:\.\d+)?\s*\Z")
_WORD_NEXT = re.compile(r"\s?[^\W\d_]")
_BETWEEN = re.compile(r"[\s,]*")


def read(text: str, start: int, country: str | None = None) -> tuple[tzinfo | None, int]:
    """The known zone in a folded `text` at `start`, if any, and its end.

    `country` (ISO 3166, lower case) decides between places that share an abbreviation. Raises `UnclearError` for two
    different zones, and for the time of an unknown place.
    """
    at = _BETWEEN.match(text, start).end()
    bracket = text[at : at + 1] == "("
    zone, end = _one(text, at + bracket, country)
    if end == at + bracket:
        place = _PLACE.match(text, end) if bracket else None
        zone = _of_place(place[1]) if place else None
        if zone is None:
            return None, start
        end = place.end()
    if bracket:
        return (zone, end + 1) if text[end : end + 1] == ")" else (None, start)
    # "+0100 CET", "GMT+0100 (Central European Standard Time)", "CET (UTC+1)": the offset decides.
    if zone is not None and (remark := _REMARK.match(text, end)):
        remarked = _REMARKED.get(remark[0].strip(" ()[]").casefold().partition(" ")[0])
        return (_one(text, at, remarked)[0] if remarked and not _OFFSET.match(text, at) else zone), remark.end()
    then = _BETWEEN.match(text, end).end()
    bracket = text[then : then + 1] == "("
    other, other_end = _one(text, then + bracket, country)
    if zone is None or other is None or other_end == then + bracket:
        return zone, end
    if not _same(zone, other) and not _OFFSET.match(text, at):
        raise UnclearError(f"{text[at:other_end]!r} is two zones")
    return zone, other_end + bracket


def beside(text: str, country: str | None = None) -> tuple[tzinfo | None, bool]:
    """The zone that a folded `text` in Chinese, Japanese or Korean names by its place, and whether it names one.

    Local time is named, and no zone. Raises `UnclearError` for an unknown place behind the clock.
    """
    for match in _PLACE_NEXT.finditer(text):
        place = match["place"]
        if match["behind"] or place in _HERE or place in _IN_WORDS:
            return _in_words(place, country), True
    return None, False


def is_unknown(text: str, start: int) -> bool:
    """Whether the part of a folded `text` at `start`, where `read` finds no zone, has the form of one."""
    if _TOLD_IN_BRACKETS.match(text, start) or _NO_OFFSET.match(text, start):
        return True
    match = _CAPITALS.match(text, start)
    word = match and (match[1] or match[2])
    return bool(word) and word.isupper() and word not in _WORDS and is_zone_like(word)


def is_zone_like(word: str) -> bool:
    """Whether a short word behind a clock may be its zone: it is not known to be anything else."""
    return word.casefold() not in _NO_ZONES


def offset_of(digits: str) -> tzinfo | None:
    """The zone of a written offset like `+0530` or `-05:00`; None if no place has such an offset."""
    match = _OFFSET.fullmatch(digits)
    return _at_offset(match) if match else None


@lru_cache(maxsize=512)
def named(name: str, country: str | None = None) -> tzinfo | None:
    """The zone of an abbreviation, in any case, or of a name of the tz database; None for an unknown one."""
    folded = name.casefold()
    local = _LOCAL.get(folded)
    hours = local.get(country or "") if local else None
    if hours is None:
        hours = _HOURS.get(folded)
    if hours is not None:
        return timezone(timedelta(hours=hours))
    try:
        return ZoneInfo(_PLACES.get(folded) or name) if folded in _PLACES or "/" in name else None
    except (KeyError, ValueError, OSError):  # ZoneInfo's errors for an unknown zone
        return None


def _one(text: str, at: int, country: str | None) -> tuple[tzinfo | None, int]:
    if match := _OFFSET.match(text, at):
        return _offset(text, match, country)
    if (match := _PAIR.match(text, at)) and (pair := match[1].casefold().replace(" ", "")) in _PAIRS:
        return named(_PAIRS[pair]), match.end()
    if match := _DATABASE.match(text, at):
        zone = named(match[1])
        if zone is None and match[1].startswith(_AREAS):
            raise UnclearError(f"{match[1]!r} is not a zone of the tz database")
        return zone, match.end() if zone else at
    if match := _TIME.match(text, at):
        return _in_words(match[1] or match[2], country), match.end()
    if match := _TIME_ELSEWHERE.match(text, at):
        return _in_words(next(filter(None, match.groups())), country), match.end()
    match = _NAME.match(text, at)
    if match is None:
        return None, at
    name, end = match[0], match.end()
    if name == "Z" and text[at - 1 : at].isdigit():  # "20:15:00Z", whatever follows
        return named(name), end
    last = not text[end:].strip(" .,)") or text[end] == "["
    # "18:05 est publié", "15:04 A MAYOR", "10:30 MET OFFICE": what may be a word is a zone at the end of a text alone.
    if not last and (not name.isupper() or len(name) == 1 or name in _WORDS):
        return None, at
    zone = named(name, country)
    return zone, end if zone else at


def _offset(text: str, match: re.Match[str], country: str | None) -> tuple[tzinfo | None, int]:
    base, minutes = (match["base"] or "").lower(), match["minutes"]
    if not base:
        is_range = match["mark"] and not _SECONDS.search(text, 0, match.start())
        if match["space"] and (is_range or not minutes):  # "9:00 - 10:00", "9:00 - 5 comments"
            return None, match.start()
        if not minutes and _WORD_NEXT.match(text, match.end()):  # "9:00 -5 comments"
            return None, match.start()
    zone = _at_offset(match)
    if zone is None:
        raise UnclearError(f"{match[0]!r} is not an offset of at most 14 hours")
    if base not in ("", "utc", "gmt", "z"):
        before = named(base, country)
        if before is None or not _same(zone, before):
            raise UnclearError(f"{match[0]!r} is not the offset of that zone")
    return zone, match.end()


def _at_offset(match: re.Match[str]) -> tzinfo | None:
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    east = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or east > _FARTHEST:
        return None
    return timezone(east if match["sign"] == "+" else -east)


def _in_words(words: str, country: str | None) -> tzinfo | None:
    """The zone of "Eastern Daylight Time" without its last word; None for the local time."""
    words = words.casefold()
    if words in _HERE:
        return None
    zone = named(_IN_WORDS[words], country) if words in _IN_WORDS else _of_place(words)
    if zone is None:
        raise UnclearError(f"{words!r} is not a zone that is known")
    return zone


@lru_cache(maxsize=512)
def _of_place(name: str) -> tzinfo | None:
    """The zone of a city that names a zone of the tz database."""
    if not name.isascii():
        return None
    city = "_".join(word.capitalize() for word in name.replace("_", " ").split())
    return next((zone for area in _AREAS if (zone := named(f"{area}{city}"))), None)


def _same(one: tzinfo, other: tzinfo) -> bool:
    """Whether two zones are the same; undecided for a name whose summer time depends on the date."""
    return isinstance(one, ZoneInfo) or isinstance(other, ZoneInfo) or one.utcoffset(None) == other.utcoffset(None)
