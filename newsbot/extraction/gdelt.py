"""GDELT's Global Knowledge Graph 2.1: turns a row into the fields of an article. And the codes that GDELT uses.

A row has 27 columns between tabs, without a header and without quoting. What is not needed of it, as the 5 KB of GCAM,
is never decoded. Format: http://data.gdeltproject.org/documentation/GDELT-Global_Knowledge_Graph_Codebook-V2.1.pdf
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from newsbot.values import number, resolved

COLUMNS = 27
RECORD, DATE, COLLECTION, PUBLISHER, DOCUMENT = 0, 1, 2, 3, 4
THEMES, PLACES, TONE, IMAGE, TRANSLATION, EXTRAS = 8, 10, 15, 18, 25, 26
WEB = b"1"  # the collection of documents that have a URL

_TONE = ("positive", "negative", "polarity", "activity", "self", "words")  # behind the average
_TONE_PARTS = ",".join(f'"{name}":{{}}' for name in _TONE)
_NUMBER = r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?"  # as JSON has it
_NUMBERS = re.compile(rf"{_NUMBER}(?:(?:,{_NUMBER}){{6}})?", re.ASCII)
# https://blog.gdeltproject.org/new-gkg-2-0-article-metadata-fields/; the column as a whole is not XML
_TITLE, _AUTHORS, _PUBLISHED = (
    re.compile(b"<%(name)b>(.*?)</%(name)b>" % {b"name": name}, re.DOTALL)
    for name in (b"PAGE_TITLE", b"PAGE_AUTHORS", b"PAGE_PRECISEPUBTIMESTAMP")
)
_EPOCH = datetime(1970, 1, 2, tzinfo=UTC)  # an earlier time of publication comes from a clock that was never set
_SOURCE_LANGUAGE = re.compile("srclc:([a-z]{2,3})")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FEWEST_WORDS = 3  # of an address, for a title

# ISO 639-1, and GDELT's codes: ISO 639-3, and a name.
_LANGUAGES = """
    af:afr:Afrikaans ar:ara:Arabic az:aze:Azerbaijani bg:bul:Bulgarian bn:ben:Bengali bo:bod:Tibetan bs:bos:Bosnian
    ca:cat:Catalan cs:ces:Czech da:dan:Danish de:deu:German el:ell:Greek en:eng:English es:spa:Spanish et:est:Estonian
    fa:fas:Persian fi:fin:Finnish fr:fra:French gl:glg:Galician gu:guj:Gujarati he:heb:Hebrew hi:hin:Hindi
    hr:hrv:Croatian hu:hun:Hungarian hy:hye:Armenian id:ind:Indonesian is:isl:Icelandic it:ita:Italian ja:jpn:Japanese
    ka:kat:Georgian kk:kaz:Kazakh kn:kan:Kannada ko:kor:Korean lt:lit:Lithuanian lv:lav:Latvian mk:mkd:Macedonian
    ml:mal:Malayalam mn:mon:Mongolian mr:mar:Marathi ms:msa:Malay ne:nep:Nepali nl:nld:Dutch no:nor:Norwegian
    pa:pan:Punjabi pl:pol:Polish pt:por:Portuguese ro:ron:Romanian ru:rus:Russian si:sin:Sinhalese sk:slk:Slovak
    sl:slv:Slovenian so:som:Somali sq:sqi:Albanian sr:srp:Serbian sv:swe:Swedish sw:swa:Swahili ta:tam:Tamil
    te:tel:Telugu th:tha:Thai tr:tur:Turkish uk:ukr:Ukrainian ur:urd:Urdu vi:vie:Vietnamese zh:zho:Chinese
"""
LANGUAGES = {iso: code for iso, code, _ in re.findall(r"(\w+):(\w+):(\w+)", _LANGUAGES)}
_ISO_OF = {called.lower(): iso for iso, *names in re.findall(r"(\w+):(\w+):(\w+)", _LANGUAGES) for called in names}

# ISO 3166-1 to FIPS 10-4, which GDELT uses.
_COUNTRIES = """
    ad:AN ae:AE af:AF ag:AC ai:AV al:AL am:AM ao:AO ar:AR as:AQ at:AU au:AS aw:AA az:AJ ba:BK bb:BB bd:BG be:BE bf:UV
    bg:BU bh:BA bi:BY bj:BN bm:BD bn:BX bo:BL br:BR bs:BF bt:BT bw:BC by:BO bz:BH ca:CA cd:CG cf:CT cg:CF ch:SZ ci:IV
    ck:CW cl:CI cm:CM cn:CH co:CO cr:CS cu:CU cv:CV cy:CY cz:EZ de:GM dj:DJ dk:DA dm:DO do:DR dz:AG ec:EC ee:EN eg:EG
    eh:WI er:ER es:SP et:ET fi:FI fj:FJ fk:FK fm:FM fo:FO fr:FR ga:GB gb:UK gd:GJ ge:GG gf:FG gg:GK gh:GH gi:GI gl:GL
    gm:GA gn:GV gp:GP gq:EK gr:GR gt:GT gu:GQ gw:PU gy:GY hk:HK hn:HO hr:HR ht:HA hu:HU id:ID ie:EI il:IS im:IM in:IN
    iq:IZ ir:IR is:IC it:IT je:JE jm:JM jo:JO jp:JA ke:KE kg:KG kh:CB ki:KR km:CN kn:SC kp:KN kr:KS kw:KU ky:CJ kz:KZ
    la:LA lb:LE lc:ST li:LS lk:CE lr:LI ls:LT lt:LH lu:LU lv:LG ly:LY ma:MO mc:MN md:MD me:MJ mg:MA mh:RM mk:MK ml:ML
    mm:BM mn:MG mo:MC mq:MB mr:MR ms:MH mt:MT mu:MP mv:MV mw:MI mx:MX my:MY mz:MZ na:WA nc:NC ne:NG ng:NI ni:NU nl:NL
    no:NO np:NP nr:NR nu:NE nz:NZ om:MU pa:PM pe:PE pf:FP pg:PP ph:RP pk:PK pl:PL pm:SB pr:RQ ps:WE pt:PO pw:PS py:PA
    qa:QA re:RE ro:RO rs:RI ru:RS rw:RW sa:SA sb:BP sc:SE sd:SU se:SW sg:SN sh:SH si:SI sk:LO sl:SL sm:SM sn:SG so:SO
    sr:NS ss:OD st:TP sv:ES sy:SY sz:WZ tc:TK td:CD tg:TO th:TH tj:TI tl:TT tm:TX tn:TS to:TN tr:TU tt:TD tv:TV tw:TW
    tz:TZ ua:UP ug:UG us:US uy:UY uz:UZ va:VT vc:VC ve:VE vg:VI vi:VQ vn:VM vu:NH wf:WF ws:WS xk:KV ye:YM yt:MF za:SF
    zm:ZA zw:ZI
"""
COUNTRIES = dict(re.findall(r"(\w+):(\w+)", _COUNTRIES))


class RowError(ValueError):
    """A row that makes no article; has the field and the reason."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of a run: a row must match one of each that is given."""

    themes: frozenset[str] = frozenset()  # in upper case
    domains: tuple[str, ...] = ()  # of publishers, their subdomains included
    language: str | None = None  # ISO 639-1

    def fits(self, row: Sequence[bytes]) -> bool:
        """Whether the filter takes a row of the web."""
        if self.language and language(row) != self.language:
            return False
        if self.domains:
            publisher = row[PUBLISHER].decode("utf-8", "replace").lower()
            if not any(publisher == domain or publisher.endswith(f".{domain}") for domain in self.domains):
                return False
        return not self.themes or not self.themes.isdisjoint(_themes(row[THEMES].decode("utf-8", "replace")))


def language_of(name: str | None) -> str | None:
    """ISO 639-1 for a code or a name of GDELT's; None for an unknown one."""
    return _ISO_OF.get(name.replace(" ", "").lower()) if name else None


def columns(line: bytes) -> list[bytes]:
    """The columns of a row. Raises `RowError`."""
    found = line.split(b"\t")
    if len(found) != COLUMNS:
        raise RowError(None, f"expected {COLUMNS} columns between tabs, got {len(found)}")
    return found


def language(row: Sequence[bytes]) -> str | None:
    """ISO 639-1 of the original language of a document: English if it was not translated."""
    if not row[TRANSLATION].strip():
        return "en"
    found = _SOURCE_LANGUAGE.search(row[TRANSLATION].decode("ascii", "replace"))
    return language_of(found and found[1])


def article(row: Sequence[bytes]) -> tuple[dict[str, Any], str, list[tuple[str, str, Any]]]:
    """The fields of an article, its further data, and the left-out values, as (field, reason, value).

    The further data is JSON of `tone`, `tone_parts`, `themes`, `places` and `publisher`, as far as the row has them. It
    is made directly from the row's text, because objects in between would cost more than everything else. A missing
    title is made from the words of the address, and `title_from` in the data says so. The time is the page's own time
    of publication, else the time of the file; a time after that of the file is left out, because the file came later.
    Bytes in the address that are not UTF-8 refuse the row; elsewhere they become U+FFFD, which is noted. Raises
    `RowError`.
    """
    refused: list[tuple[str, str, Any]] = []
    try:
        record, url = row[RECORD].decode(), row[DOCUMENT].decode()
    except UnicodeDecodeError as error:
        raise RowError("url", f"is not UTF-8 at byte {error.start}") from None
    if not record:
        raise RowError("external_id", "is missing")
    if not url.startswith(("https://", "http://")):
        raise RowError("url", f"{url[:200]!r} is not a URL, though its collection is that of the web")
    extra = []
    if places := _text(row, PLACES, "places", refused):
        extra.append(f'"places":[{",".join(_places(places, refused))}]')
    if row[PUBLISHER]:
        extra.append(f'"publisher":{_json([_text(row, PUBLISHER, "publisher", refused)])}')
    if themes := _text(row, THEMES, "themes", refused):
        extra.append(f'"themes":[{_json(_themes(themes))}]')
    found = _TITLE.search(row[EXTRAS])
    title = resolved(_text(found, 1, "title", refused)).strip() if found else ""
    if not title:
        title = _title_of(url)
        extra.append('"title_from":"url"')
    if tone := _text(row, TONE, "tone", refused):
        extra += _tone(tone, refused)
    fields = {
        "url": url,
        "title": title,
        "published_at": _published(row, refused),
        "authors": _authors(row, refused),
        "language": language(row),
        "image_url": _text(row, IMAGE, "image_url", refused) or None,
        "external_id": record,
    }
    return fields, f"{{{','.join(extra)}}}", refused


def _text(row: Sequence[bytes] | re.Match[bytes], column: int, field: str, refused: list[tuple[str, str, Any]]) -> str:
    try:
        return row[column].decode()
    except UnicodeDecodeError as error:
        text = row[column].decode("utf-8", "replace")
        refused.append((field, f"is not UTF-8 at byte {error.start}", text))
        return text


def _published(row: Sequence[bytes], refused: list[tuple[str, str, Any]]) -> datetime:
    """The time of publication. Raises `RowError` if the row does not even have the time of the file."""
    seen = _moment(row[DATE])
    found = _PUBLISHED.search(row[EXTRAS])
    if found is None:
        return seen
    try:
        published = _moment(found[1])
    except RowError as error:
        refused.append(("published_at", str(error), found[1].decode("utf-8", "replace")))
        return seen
    if _EPOCH < published <= seen:
        return published
    text = found[1].decode()
    refused.append(
        ("published_at", f"{text} is not the time of a publication that was found at {seen:%Y%m%d%H%M%S}", text)
    )
    return seen


def _authors(row: Sequence[bytes], refused: list[tuple[str, str, Any]]) -> list[str]:
    """The names in `name;name` with character references, without addresses of profiles."""
    found = _AUTHORS.search(row[EXTRAS])
    if found is None:
        return []
    text = _text(found, 1, "authors", refused)
    names = dict.fromkeys(map(str.strip, resolved(text).split(";")))
    return [name for name in names if name and "://" not in name]


@lru_cache(maxsize=1024)
def _moment(text: bytes) -> datetime:
    try:
        if len(text) == 14 and text.isdigit():  # strptime takes four times as long
            return datetime(int(text[:4]), *(int(text[place : place + 2]) for place in range(4, 14, 2)), tzinfo=UTC)
    except ValueError:
        pass
    raise RowError("published_at", f"expected a time of 14 digits, got {text[:40]!r}")


def _json(texts: Sequence[str]) -> str:
    """The texts as JSON, with commas between them."""
    joined = '","'.join(texts)
    if joined.isascii() and joined.isprintable() and "\\" not in joined and joined.count('"') == 2 * len(texts) - 2:
        return f'"{joined}"'
    return ",".join(json.dumps(text, ensure_ascii=False) for text in texts)


def _themes(text: str) -> list[str]:
    """The distinct themes in `THEME,offset;THEME,offset;`."""
    if text.endswith(";") and text.count(",") == text.count(";"):
        return list(dict.fromkeys(text.replace(";", ",").split(",")[:-1:2]))
    return list(dict.fromkeys(part.partition(",")[0] for part in text.split(";") if part))


def _places(text: str, refused: list[tuple[str, str, Any]]) -> list[str]:
    """JSON of the distinct places in `type#name#country#adm1#adm2#latitude#longitude#feature#offset;...`."""
    found = []
    for mention in dict.fromkeys([each.rpartition("#")[0] for each in text.removesuffix(";").split(";")]):
        try:
            found.append(_place(mention))
        except ValueError:
            form = "type#name#country#adm1#adm2#latitude#longitude#feature#offset"
            refused.append(("places", f"expected {form}, got {mention[:200]!r}", mention))
    return found


@lru_cache(maxsize=8192)
def _place(mention: str) -> str:
    """JSON of a place without its offset. Raises ValueError."""
    kind, name, country, _, _, latitude, longitude, _ = mention.split("#")
    place: dict[str, Any] = {"country": country}
    if latitude and longitude:
        place |= {"lat": number(float(latitude)), "long": number(float(longitude))}
    return json.dumps(place | {"name": name, "type": int(kind)}, ensure_ascii=False, allow_nan=False)


def _tone(text: str, refused: list[tuple[str, str, Any]]) -> list[str]:
    """Members of a JSON object, with the checked numbers as written."""
    if not _NUMBERS.fullmatch(text):
        refused.append(("tone", f"expected seven numbers between commas, got {text[:200]!r}", text))
        return []
    average, *parts = text.split(",")
    if not parts:
        return [f'"tone":{average}']
    return [f'"tone":{average}', f'"tone_parts":{{{_TONE_PARTS.format(*parts)}}}']


def _title_of(url: str) -> str:
    """A title from the words of an address. Raises `RowError` if it has too few."""
    segments = [unquote(part).rpartition(".")[0] or unquote(part) for part in urlsplit(url).path.split("/") if part]
    words = max((_WORD.findall(segment) for segment in segments), key=len, default=[])
    if len(words) < _FEWEST_WORDS:
        raise RowError("title", "is missing, and the address has no words for one")
    return " ".join(words).capitalize()
