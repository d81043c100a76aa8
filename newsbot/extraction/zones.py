"""Time zones as dates write them: offsets in all their spellings, abbreviations, names in words and of the tz database.

Sources: RFC 822 and 2822 (names and military letters), the abbreviations of the tz database
(https://www.iana.org/time-zones), and the English names of Unicode CLDR (https://cldr.unicode.org).
"""

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


class UnclearError(ValueError):
    """A text that may mean more than one moment, or has a part that is not understood."""


# Hours east of UTC. Where places share a name, RFC 822's meaning or the more common one stands; `_LOCAL` has others.
_HOURS = {
    name: float(hours)
    for line in """
        0 z ut utc gmt wet egst hez
        1 bst cet met west wat mez cetstd hec n
        2 cest mest eet sast cat mesz cdst hesc
        3 eest msk trt eat idt syot мск
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
# What the same abbreviations mean in these countries.
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
_WORDS = {"ACT", "ART", "AT", "CAT", "EAST", "EAT", "GET", "HAT", "MET", "MUT", "NUT", "PET", "PONT", "RET"}
# Zones by their names in words: the time of a place, where there is one its standard time, and its summer time.
_REGIONS = {
    "alaska": "akt akst akdt",
    "argentina": "art art",
    "atlantic": "at ast adt",
    "australian central": "Australia/Adelaide acst acdt",
    "australian eastern": "aet aest aedt",
    "australian western": "awst awst",
    "beijing": "Asia/Shanghai",
    "berliner": "Europe/Berlin",
    "brasilia": "brt brt brst",
    "british": "Europe/London gmt bst",
    "central": "ct cst cdt",
    "central africa": "cat",
    "central european": "cet cet cest",
    "central indonesia": "wita",
    "china": "Asia/Shanghai Asia/Shanghai",
    "coordinated universal": "utc",
    "dubai": "gst",
    "east africa": "eat",
    "eastern": "et est edt",
    "eastern european": "eet eet eest",
    "eastern indonesia": "wit",
    "este": "et",
    "greenwich mean": "gmt",
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
    "moscow": "msk msk msd",
    "mountain": "mt mst mdt",
    "nepal": "npt",
    "new zealand": "Pacific/Auckland nzst nzdt",
    "pacific": "pt pst pdt",
    "pakistan": "pkt pkt",
    "paris": "Europe/Paris",
    "peninsular": "Europe/Madrid",
    "philippine": "pht pht",
    "singapore": "sgt sgt",
    "south africa": "sast sast",
    "turkey": "trt",
    "uk": "Europe/London",
    "universal": "utc",
    "west africa": "wat wat",
    "western european": "wet wet west",
    "western indonesia": "wib",
    "киевскому": "Europe/Kyiv",
    "київським": "Europe/Kyiv",
    "московскому": "msk",
}
_IN_WORDS = {
    f"{region} {kind}".strip(): name
    for region, names in _REGIONS.items()
    for kinds, name in zip((("",), ("standard",), ("daylight", "summer")), names.split(), strict=False)
    for kind in kinds
}
_HERE = {"local", "our", "locale", "местному", "місцевим"}

_OFFSET = re.compile(
    r"(?:(?P<base>utc|gmt|z|[a-z]{3,4})\s?)??(?P<sign>[+-])(?P<space>\s?)(?P<hours>\d{1,2})"
    r"(?:(?P<mark>[:.]?)(?P<minutes>\d{2})(?::\d{2})?)?(?!\d|[:.]\d)",
    re.IGNORECASE | re.ASCII,
)
_DATABASE = re.compile(r"\[?([A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]*(?:[+-]\d{1,2})?)+)\]?")
_TIME = re.compile(
    r"((?:[a-z-]+ ){0,3}?[a-z-]+) time\b|((?:eastern|central|mountain|pacific)(?! [a-z]))", re.IGNORECASE
)
_TIME_ELSEWHERE = re.compile(
    r"по (\w+) времени|за (\w+) часом|heures? (?:de |d')?(\w+)|hor(?:a|ario) (?:del? )?(\w+)|ora (\w+)|uhr (\w+) zeit",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_]{1,5}(?![\w'])")
_REMARK = re.compile(r" ?\([^()\d]*\)|\[[^][]*\]")
_SECONDS = re.compile(r":\d\d:\d\d(?:\.\d+)?\s*\Z")
_WORD_NEXT = re.compile(r"\s?[^\W\d_]")
_BETWEEN = re.compile(r"[\s,]*")


def read(text: str, start: int, country: str | None = None) -> tuple[tzinfo | None, int]:
    """The zone that stands in a folded `text` at `start`, if any that is known, and where it ends.

    `country` (ISO 3166, lower case) decides between places that share an abbreviation. Raises `UnclearError` for two
    zones that differ, and for the time of a place that is not known.
    """
    at = _BETWEEN.match(text, start).end()
    bracket = text[at : at + 1] == "("
    zone, end = _one(text, at + bracket, country)
    if end == at + bracket:
        return None, start
    if bracket:
        return (zone, end + 1) if text[end : end + 1] == ")" else (None, start)
    # "+0100 CET", "GMT+0100 (Central European Standard Time)", "CET (UTC+1)": the offset decides.
    if zone is not None and (remark := _REMARK.match(text, end)):
        return zone, remark.end()
    then = _BETWEEN.match(text, end).end()
    bracket = text[then : then + 1] == "("
    other, other_end = _one(text, then + bracket, country)
    if zone is None or other is None or other_end == then + bracket:
        return zone, end
    if not _same(zone, other) and not _OFFSET.match(text, at):
        raise UnclearError(f"{text[at:other_end]!r} is two zones")
    return zone, other_end + bracket


def offset_of(digits: str) -> tzinfo | None:
    """The zone of a written offset like `+0530` or `-05:00`; None where that is a day or more."""
    match = _OFFSET.fullmatch(digits)
    return _at_offset(match) if match else None


@lru_cache(maxsize=512)
def named(name: str, country: str | None = None) -> tzinfo | None:
    """The zone of an abbreviation, in any case, or of a name of the tz database; None where it is not known."""
    folded = name.casefold()
    local = _LOCAL.get(folded)
    hours = local.get(country or "") if local else None
    if hours is None:
        hours = _HOURS.get(folded)
    if hours is not None:
        return timezone(timedelta(hours=hours))
    try:
        return ZoneInfo(_PLACES.get(folded) or name) if folded in _PLACES or "/" in name else None
    except (KeyError, ValueError, OSError):  # as ZoneInfo says that there is none
        return None


def _one(text: str, at: int, country: str | None) -> tuple[tzinfo | None, int]:
    if match := _OFFSET.match(text, at):
        return _offset(text, match, country)
    if match := _DATABASE.match(text, at):
        zone = named(match[1])
        return zone, match.end() if zone else at
    if match := _TIME.match(text, at):
        return _in_words(match[1] or match[2], country), match.end()
    if match := _TIME_ELSEWHERE.match(text, at):
        return _in_words(next(filter(None, match.groups())), country), match.end()
    match = _NAME.match(text, at)
    if match is None:
        return None, at
    name, end = match[0], match.end()
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
    if base not in ("", "utc", "gmt", "z"):
        before = named(base, country)
        if before is None or zone is None or not _same(zone, before):
            raise UnclearError(f"{match[0]!r} is not the offset of that zone")
    return zone, match.end()


def _at_offset(match: re.Match[str]) -> tzinfo | None:
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    if hours > 23 or minutes > 59:
        return None
    east = timedelta(hours=hours, minutes=minutes)
    return timezone(east if match["sign"] == "+" else -east)


def _in_words(words: str, country: str | None) -> tzinfo | None:
    """The zone of "Eastern Daylight Time" without its last word; None for the local time."""
    words = words.casefold()
    if words in _HERE:
        return None
    if words not in _IN_WORDS:
        raise UnclearError(f"{words!r} is not a zone that is known")
    return named(_IN_WORDS[words], country)


def _same(one: tzinfo, other: tzinfo) -> bool:
    """Whether two zones are one; of a name by date that is not decided here."""
    return isinstance(one, ZoneInfo) or isinstance(other, ZoneInfo) or one.utcoffset(None) == other.utcoffset(None)
