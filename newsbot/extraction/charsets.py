"""Decodes bytes to text: by header and document, by the bytes themselves, and by the language if neither is enough.

Servers name iso-8859-1 by default, and templates utf-8, whatever the encoding: such a name counts only if nothing
better is found. Names are read as browsers read them (https://encoding.spec.whatwg.org/#names-and-labels).
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress

from newsbot.extraction.letters import MARKS, encodings_of, is_latin, weights_of

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Four bytes in which ASCII characters show as wide ones (as in XML 1.0, appendix F).
_WIDE = (
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"),
)
_EBCDIC = "<?xm".encode("cp037")
_IN_EBCDIC = re.compile(r"""\sencoding\s*=\s*["']([\w.:-]+)""")

_CHARSET = re.compile(r"""(?i)\bcharset\s*=\s*["']?\s*([^\s"';,]+)""")
_MAX_LABEL_CHARS = 40
# Python's names of encodings that it knows in another spelling only, by the name without punctuation.
_SPELLINGS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(?:x|cs)*(?:windows|win|cp|ms|dos|ansi)(\d{3,4})", r"cp\1"),
        (r"(?:cs)?iso8859(\d\d?)[ei]?", r"iso8859-\1"),
        (r"csisolatin9", "iso8859-15"),
        (r"(?:sungreek|suneugreek)", "iso8859-7"),
        (r"(?:visual|logical)", "iso8859-8"),
        (r"(?:cs)?koi(?:8r?)?", "koi8-r"),
        (r"koi8ru", "koi8-u"),
        (r"(?:x|cs)?mac(?:intosh|roman)?", "mac-roman"),
        (r"xmac(?:cyrillic|ukrainian)", "mac-cyrillic"),
        (r"(?:x|cs)?(?:gbk|gb2312(?:80)?)", "gbk"),
        (r"(?:x|cn|cs)*big5(?:hkscs)?", "big5"),
        (r"(?:x|cs)*euc(?:jp|pkdfmtjapanese)", "euc-jp"),
        (r"(?:x|cs)*(?:sjis|shiftjis|windows31j)", "shift_jis"),
        (r"(?:x|cs)*(?:euckr|ksc5601(?:19\d\d)?|isoir149)", "euc-kr"),
        (r"(?:x?unicode\d\dutf8|utf8mb[34])", "utf-8"),
    )
)
# The larger encoding that a name means in practice.
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
_NO_CHARSETS = frozenset(("charmap", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7"))
_PLAIN_ASCII = b'<?xml version="1.0" AZaz09/>'
# Default names, which nobody chose.
_GENERIC = frozenset(("ascii", "iso8859-1", "cp1252", "utf-8", "utf-8-sig"))
_SEVEN_BITS = ("iso2022_", "hz")
_ESCAPE = b"\x1b$"

_C1 = re.compile("[\x80-\x9f]")
_HIGH = re.compile(rb"[\x80-\xff]")
_SAMPLE_BYTES = 40_000
_TAGS = re.compile(rb"<[^<>]*+>")
_WORDS = re.compile(rb"[A-Za-z0-9]{0,20}+[\x80-\xff][^\s<>]*+")
_SHORT = 4  # bytes of a word that may have no ASCII letter in a Latin script: "à", "été"
_MOST_OF_LATIN = 0.75  # of the bytes of such words beyond ASCII; "źdźbło" has two thirds
_FEWEST_OF_OTHERS = 0.5  # encodings of two bytes a character have their second ones in ASCII too
_ASCII = bytes(range(128))
_STRAYS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def in_header(content_type: str | None) -> str | None:
    """The encoding that a Content-Type header names, as `named`."""
    found = _CHARSET.search(content_type or "")
    return named(found[1]) if found else None


def named(label: str) -> str | None:
    """Python's name of the encoding that a header or document calls `label`; None if it is unknown, or cannot be the
    encoding of a text in which the label was readable as ASCII."""
    label = label.strip().lower()
    if len(label) > _MAX_LABEL_CHARS or not label.isascii() or not label.isprintable():
        return None
    bare = re.sub(r"[\W_]", "", label)
    spelled = (pattern.sub(name, bare) for pattern, name in _SPELLINGS if pattern.fullmatch(bare))
    for each in (label, *spelled):
        with suppress(LookupError, ValueError):
            name = codecs.lookup(each).name
            if name.replace("-", "_") not in _NO_CHARSETS and _PLAIN_ASCII.decode(name) == _PLAIN_ASCII.decode():
                return _SUPERSETS.get(name, name)
    return None


def narrow(raw: bytes) -> bytes:
    """`raw` in an encoding with one byte per ASCII character, which the readers expect: UTF-8 for UTF-16, UTF-32 and
    EBCDIC; unchanged, without a mark, for all others."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return raw[len(mark) :] if encoding == "utf-8" else _to_utf8(raw[len(mark) :], encoding)
    for signature, encoding in _WIDE:
        if signature.match(raw):
            return _to_utf8(raw, encoding)
    if raw.startswith(_EBCDIC):
        declared = _IN_EBCDIC.search(raw[:200].decode("cp037"))
        with suppress(LookupError):
            return _to_utf8(raw, declared[1] if declared and named(declared[1]) is None else "cp037")
        return _to_utf8(raw, "cp037")
    return raw


def _to_utf8(raw: bytes, encoding: str) -> bytes:
    return raw.decode(encoding, "replace").encode("utf-8", "replace")


def decode(raw: bytes, names: Iterable[str | None] = (), language: str | None = None) -> str:
    """The text of `raw`, the result of `narrow`.

    `names` are the encodings that the header and then the document name, as from `named`, and `language` is the
    source's (ISO 639, two letters). The order: a seven-bit name for ASCII bytes; UTF-8, a few stray bytes aside; the
    first name that is not generic and fits every byte; a guess by the language's letters; a name that fits most bytes;
    Windows-1252.
    """
    names = [name for name in names if name]
    if raw.isascii():
        return _seven_bits(raw, names)
    text = as_utf8(raw)
    if text is not None:
        return text
    specific = list(dict.fromkeys(name for name in names if name not in _GENERIC))
    for name in specific:
        text = _strictly(raw, name)
        if text is not None:
            return text
    sample = b" ".join(_words(raw))
    encoding = _by_language(sample, language) or _by_most(sample, specific) or _by_bytes(sample)
    return _composed(raw.decode(encoding, "replace"), encoding)


def as_named(raw: bytes, name: str) -> str:
    """The text of `raw` in an encoding of `named`, as browsers read it: bytes that do not fit are replaced."""
    encoding = "cp1252" if name in ("ascii", "iso8859-1") else name
    return _composed(raw.decode(encoding, "replace"), encoding)


def _seven_bits(raw: bytes, names: list[str]) -> str:
    if _ESCAPE in raw or b"~{" in raw:
        shifting = [name for name in names if name.startswith(_SEVEN_BITS)]
        if _ESCAPE in raw:
            shifting += ["iso2022_kr" if b"\x1b$)C" in raw else "iso2022_jp_ext"]
        for name in shifting:
            with suppress(UnicodeDecodeError):
                return codecs.getincrementaldecoder(name)().decode(raw)
    return raw.decode("ascii")


def as_utf8(raw: bytes) -> str | None:
    """`raw` as UTF-8, even if cut, with stray bytes read as Windows-1252; None if too many are stray."""
    with suppress(UnicodeDecodeError):
        text = codecs.utf_8_decode(raw, "strict", False)[0]  # without the half of a character at the end
        return None if text.isascii() else text
    valid = raw.decode("utf-8", "ignore")
    wide = len(valid) - len(valid.encode("ascii", "ignore"))
    if 2 * (len(raw) - len(valid.encode())) <= wide:
        return with_strays(raw.decode("utf-8", "surrogateescape"))
    return None


def with_strays(text: str) -> str:
    """A text with the stray bytes that `surrogateescape` kept, read as Windows-1252."""
    return text.translate(_STRAYS)


def _strictly(raw: bytes, name: str) -> str | None:
    """`raw` in an encoding that has a character for every byte; half a character may stand at the end."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(raw)
    except (UnicodeError, LookupError):
        return None
    return None if _C1.search(text) else _composed(text, name)


def _composed(text: str, encoding: str) -> str:
    """Windows-1258 writes Vietnamese letters and their tones apart."""
    return unicodedata.normalize("NFC", text) if encoding == "cp1258" else text


# --- By the bytes -----------------------------------------------------------------------------------------------------


def _words(raw: bytes) -> list[bytes]:
    """The words with a byte beyond ASCII, from the first on."""
    first = _HIGH.search(raw).start()
    return _WORDS.findall(_TAGS.sub(b" ", raw[max(0, first - 20) : first + _SAMPLE_BYTES]))


def _by_language(sample: bytes, language: str | None) -> str | None:
    """The encoding, of those in use for a language, in which the sample has most letters of the language; None if it
    has them in none, or the language is unknown."""
    weights = weights_of(language)
    if not weights or (is_latin(language) and _share_beyond_ascii(sample) > _MOST_OF_LATIN):
        return None
    rated = [(_rating(sample, encoding, weights), -place) for place, encoding in enumerate(encodings_of(language))]
    rating, place = max(rated)
    return encodings_of(language)[-place] if rating >= 0 else None


def _rating(sample: bytes, encoding: str, weights: dict[str, float]) -> float:
    """The plausibility of the sample in an encoding, by its characters beyond ASCII: 1 if all are the commonest."""
    text = _composed(sample.decode(encoding, "replace"), encoding)
    total, count, before = 0.0, 0, " "
    mixes = weights.get("a", 0.0)  # whether the language has letters of ASCII
    for character in text:
        if not character.isascii():
            count += 1
            total += _worth(character, before, weights, mixes)
        elif not mixes and character.isalpha() and before.isalpha() and not before.isascii():
            total -= 1
        before = character
    return total / count if count else 0.0


def _worth(character: str, before: str, weights: dict[str, float], mixes: float) -> float:
    lower = character.lower()
    known = weights.get(lower)
    if known is not None:
        if character != lower and before.islower():  # a capital within a word
            return -1.0
        if not mixes and before.isascii() and before.isalpha():  # two scripts within a word
            return -1.0
        return known
    if character in MARKS:
        return 0.0
    kind = unicodedata.category(character)
    if kind in ("Cc", "Co", "Cn") or character == "\ufffd":
        return -3.0
    if kind[0] == "M":
        return 0.2
    return -1.0 if before.isalpha() else -0.6


def _by_most(sample: bytes, names: list[str]) -> str | None:
    """The first of the names that has a character for all but a few of the bytes."""
    for name in names:
        with suppress(UnicodeError, LookupError):
            text = sample.decode(name, "replace")
            if 20 * (text.count("\ufffd") + len(_C1.findall(text))) <= len(text):
                return name
    return None


def _by_bytes(sample: bytes) -> str:
    """Windows-1252 for a Latin script, else the detected encoding."""
    if _share_beyond_ascii(sample) < _FEWEST_OF_OTHERS:
        return "cp1252"
    from charset_normalizer import from_bytes  # slow to import, seldom needed

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _share_beyond_ascii(sample: bytes) -> float:
    """The share of bytes beyond ASCII in longer words: small in Latin script, nearly 1 in other one-byte scripts."""
    words = b"".join(word for word in sample.split() if len(word) >= _SHORT)
    return len(words.translate(None, _ASCII)) / len(words) if words else 0.0
