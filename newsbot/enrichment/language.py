"""The language of a text: the declared one, unless that is plainly wrong."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Fewer letters prove too little; the probability is the identifier's own, normalised to 1.
MIN_LETTERS = 12
MIN_PROBABILITY = 0.5

# The scripts of languages; all other languages are assumed to be in Latin script.
_SCRIPTS = {
    "am": {"ETHIOPIC"},
    "ar": {"ARABIC"},
    "be": {"CYRILLIC"},
    "bg": {"CYRILLIC"},
    "bn": {"BENGALI"},
    "el": {"GREEK"},
    "fa": {"ARABIC"},
    "gu": {"GUJARATI"},
    "he": {"HEBREW"},
    "hi": {"DEVANAGARI"},
    "hy": {"ARMENIAN"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA"},
    "ka": {"GEORGIAN"},
    "kk": {"CYRILLIC", "LATIN"},
    "km": {"KHMER"},
    "kn": {"KANNADA"},
    "ko": {"HANGUL", "CJK"},
    "ky": {"CYRILLIC"},
    "lo": {"LAO"},
    "mk": {"CYRILLIC"},
    "ml": {"MALAYALAM"},
    "mn": {"CYRILLIC", "MONGOLIAN"},
    "mr": {"DEVANAGARI"},
    "my": {"MYANMAR"},
    "ne": {"DEVANAGARI"},
    "pa": {"GURMUKHI", "ARABIC"},
    "ps": {"ARABIC"},
    "ru": {"CYRILLIC"},
    "si": {"SINHALA"},
    "sr": {"CYRILLIC", "LATIN"},
    "ta": {"TAMIL"},
    "te": {"TELUGU"},
    "tg": {"CYRILLIC"},
    "th": {"THAI"},
    "ti": {"ETHIOPIC"},
    "uk": {"CYRILLIC"},
    "ur": {"ARABIC"},
    "uz": {"LATIN", "CYRILLIC"},
    "yi": {"HEBREW"},
    "zh": {"CJK"},
}
_LATIN = {"LATIN"}
_TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_].*)?")


@lru_cache(maxsize=1024)
def primary(tag: str | None) -> str | None:
    """The primary language of a BCP 47 tag, in lower case (`en-GB` gives `en`); None for any other text."""
    match = _TAG.fullmatch(tag.strip()) if tag else None
    code = match[1].lower() if match else None
    return {"iw": "he", "in": "id", "ji": "yi", "nb": "no", "nn": "no"}.get(code, code) if code != "und" else None


def fits(text: str, language: str) -> bool:
    """Whether most letters of the text are in a script of the language. Cheap: it identifies nothing."""
    scripts = _SCRIPTS.get(language, _LATIN)
    if text.isascii():
        return scripts is _LATIN or "LATIN" in scripts or sum(map(str.isalpha, text)) < MIN_LETTERS
    letters = [c for c in text[:200] if c.isalpha()]
    fitting = sum(_script(c) in scripts for c in letters)
    return 2 * fitting >= len(letters)


def identify(text: str) -> str | None:
    """The language of a text (ISO 639-1) by py3langid, or None if the text is too short or the result too unsure."""
    letters = sum(map(str.isalpha, text))
    if letters < MIN_LETTERS and not any(_script(c) in ("CJK", "HANGUL", "HIRAGANA", "KATAKANA") for c in text):
        return None
    code, probability = _identifier().classify(text[:1_000])
    return primary(code) if probability >= MIN_PROBABILITY else None


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


@cache
def _identifier() -> "LanguageIdentifier":
    # Costs about a CPU second, so it is loaded only when a language is missing or plainly wrong.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    return identifier
