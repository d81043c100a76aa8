"""The letters of languages beyond ASCII, the commonest first, and the encodings that were in use for them.

Letters as the Unicode CLDR lists them (exemplar characters); encodings as the IANA and WHATWG registries have them.
"""

from functools import cache

# Marks that occur in texts of all languages.
MARKS = frozenset(
    "«»‹›„“”‚‘’–—―…·•§№©®™°€£¥¡¿´\xa0\xad、。「」『』【】〈〉《》〔〕・ー！？：；，．（）～＂＇％＋－／　￥"
)

_WESTERN = ("cp1252", "iso8859-15")
_CENTRAL = ("cp1250", "iso8859-2", "cp852")
_CYRILLIC = ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic")
_UKRAINIAN = ("cp1251", "koi8-u", "koi8-r", "iso8859-5", "cp1125", "cp866", "mac-cyrillic")
_SERBIAN = ("cp1251", "iso8859-5", "cp1250", "iso8859-2", "cp855", "cp852")
_BALTIC = ("cp1257", "iso8859-13", "iso8859-4", "iso8859-10", "cp775")
_TURKISH = ("cp1254", "iso8859-3", "cp857")
_ARABIC = ("cp1256", "iso8859-6")

_ROMANCE = "éèáíóñçúàãêâôõîïûüùìòäöåøæëœýÿßœšžõ"
_ARABIC_LETTERS = "اليمنوترهبعدسفقكحةجشصطخزضذغئءثظىأإآؤپچژگکی"

# language: (its encodings, the likeliest first, its letters)
_LANGUAGES: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(("en", "id", "ms", "tl", "fil", "sw", "so", "zu", "xh", "st", "la"), (_WESTERN, _ROMANCE)),
    "de": (_WESTERN, "üäößéèáàçñ"),
    "lb": (_WESTERN, "éëäüöèêôßç"),
    "fr": (_WESTERN, "éèàêçôîâûùëïœüæÿöäñ"),
    "br": (_WESTERN, "ñéùêèâôî"),
    "es": (_WESTERN, "óíáéñúüçàèö"),
    "gl": (_WESTERN, "óéáíñúüç"),
    "eu": (_WESTERN, "ñüçéáíóú"),
    "ca": (_WESTERN, "óàéèíòçúïüñ"),
    "oc": (_WESTERN, "èòàéçóíúïü"),
    "pt": (_WESTERN, "ãçáéíóêõâúàôüñ"),
    "it": (_WESTERN, "èàùòìéóîíâçü"),
    "nl": (_WESTERN, "ëéïèöüóáêçàä"),
    "af": (_WESTERN, "êëéôïîûèáöü"),
    **dict.fromkeys(("da", "nb", "nn", "no"), (_WESTERN, "øåæéöäüôêóòèà")),
    "sv": (_WESTERN, "äåöéüáèàæø"),
    "fi": (_WESTERN, "äöåéšžüõ"),
    "is": (_WESTERN, "íáðóéöúþýæ"),
    "fo": (_WESTERN, "áíúøðóæýöé"),
    "ga": (_WESTERN, "áéíúó"),
    "gd": (_WESTERN, "àòèìùáéó"),
    "cy": (("cp1252", "iso8859-14"), "ŵâŷôêîûïäëöáéíóúàèìòù"),
    "mt": (("iso8859-3",), "ħżġċàòèùì"),
    "eo": (("iso8859-3",), "ĝŭĉŝĵĥ"),
    "pl": (_CENTRAL, "łąężśćóńźéüöäáçčšž"),
    "cs": (_CENTRAL, "íáéýěřžšůčúťňďóöüäľ"),
    "sk": (_CENTRAL, "áíéčýžšúľťôňóďäĺŕöüěř"),
    "hu": (_CENTRAL, "áéöóőüíúűäčš"),
    "ro": ((*_CENTRAL, "iso8859-16"), "ăîâşţșțéáöü"),
    "sl": (_CENTRAL, "čšžćđüöáé"),
    **dict.fromkeys(("hr", "bs"), (_CENTRAL, "čšžćđüöáé")),
    "sq": (("cp1252", "cp1250", "iso8859-2"), "ëç"),
    "tr": (_TURKISH, "ıüşğçöiâîû"),
    "az": (_TURKISH, "ıüşğçöiə"),
    "ku": (_TURKISH, "êîûşç"),
    "lt": (_BALTIC, "ėšįųžąūčęáéüö"),
    "lv": (_BALTIC, "āīēšūņģļžčķŗōéüö"),
    "et": (("cp1257", "cp1252", "iso8859-15", "iso8859-13", "iso8859-4"), "äõüöšžéå"),
    "vi": (("cp1258",), "àáâđưạảấôêơếộóíìăảờợớềủịựứốúùồãệậầẽẻọỏổỗởỡừửữỷỹýỳỵẹéèõòĩỉẫẩằắẳẵặểễụũ"),
    "ru": (_CYRILLIC, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
    "uk": (_UKRAINIAN, "оаиніврелткпсудямзьгбчйхцїжюшєщфґ"),
    "be": (_CYRILLIC, "анікрцояедтлсувпмыбзгўьжйшчэхюфё"),
    "bg": (_CYRILLIC, "аоиетнрсвлдкпмзупбгяъчцшжщхюфьй"),
    "mk": (_SERBIAN, "аоеитнрсвдклпмујбзгчшцњжфхќѓљѕџ"),
    "sr": (_SERBIAN, "аоеинрсјтувдкплмзбгчшцћњжђљхфџčšžćđ"),
    "kk": (("cp1251", "kz1048", "ptcp154", "koi8-r"), "аеынтірлодсмқбйкшғуңжзгпөүұяһәивчцхьюэёфщъ"),
    "ky": (_CYRILLIC, "аеынтирлодсмкбйшугжзпөүңяэчхцюьщёфвъ"),
    "tg": (("cp1251", "koi8-t", "koi8-r", "iso8859-5"), "аоинртидешмбвкусҳлзгпяқҷчӣхйжфғюӯёэъ"),
    "mn": (_CYRILLIC, "аэгйнорлхдсбтиумвөүзжчшцыькюяефпё"),
    "tt": (_CYRILLIC, "аерныиткләдмгсушбйозпвәүчяңһжхюөфэцҗьщъё"),
    "el": (("cp1253", "iso8859-7", "cp737"), "αοιετνσρκπυςμληίόλάδγήέχθύφώωβξζψϊϋΐΰ"),
    **dict.fromkeys(("he", "iw", "yi"), (("cp1255", "iso8859-8", "cp862"), "יוהלאתרבםמנשעדחכקפןטזגסצךףץ")),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ckb"), (_ARABIC, _ARABIC_LETTERS)),
    "th": (("cp874",), "".join(map(chr, (*range(0x0E01, 0x0E3B), *range(0x0E40, 0x0E5C))))),
    "ja": (("cp932", "euc_jp", "euc_jis_2004"), ""),
    "ko": (("cp949", "johab"), ""),
    "zh": (("gb18030", "big5hkscs"), ""),
}  # fmt: skip
# Languages whose words have no ASCII letters.
_APART = frozenset("ru uk be bg mk kk ky tg mn tt el he iw yi ar fa ur ps ckb".split())  # noqa: SIM905
# The rows of the standards with the characters in common use: encoding, first and last lead byte.
_ROWS = {
    "ja": (("euc_jp", 0xA4, 0xA5), ("euc_jp", 0xB0, 0xCF)),
    "ko": (("euc_kr", 0xB0, 0xC8),),
    "zh": (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)),
}
_LEAST = 0.3  # what the rarest letter of an alphabet counts, where the commonest counts 1


def encodings_of(language: str) -> tuple[str, ...]:
    """The encodings in use for a language, the likeliest first."""
    return _LANGUAGES[_primary(language)][0]


@cache
def weights_of(language: str | None) -> dict[str, float]:
    """The weight of each letter beyond ASCII as evidence for a language; empty for an unknown language.

    It has "a" if ASCII letters may stand beside them.
    """
    primary = _primary(language or "")
    if primary not in _LANGUAGES:
        return {}
    if primary in _ROWS:
        return {"a": 1.0} | dict.fromkeys(_in_rows(primary), 1.0)
    letters = _LANGUAGES[primary][1]
    step = (1 - _LEAST) / len(letters)
    weights = {letter: 1 - step * place for place, letter in reversed([*enumerate(letters)])}
    return weights if primary in _APART else {"a": 1.0} | weights


def is_latin(language: str) -> bool:
    """Whether the language is written in Latin script."""
    return "" < _LANGUAGES[_primary(language)][1][:1] < "\u0370"  # where Greek begins


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


def _in_rows(language: str) -> str:
    pairs = (
        (encoding, bytes((lead, trail)))
        for encoding, first, last in _ROWS[language]
        for lead in range(first, last + 1)
        for trail in range(0x40, 0xFF)
    )
    return "".join(pair.decode(encoding, "ignore") for encoding, pair in pairs)
