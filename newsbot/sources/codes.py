"""Finds the codes of countries (ISO 3166-1) and languages (ISO 639-1) by their names and frequent mistakes."""

import re
from difflib import get_close_matches

LONGEST_CODE = 3  # letters: a shorter word is near too many others

_COUNTRIES = """
    ad:Andorra ae:United-Arab-Emirates,UAE af:Afghanistan al:Albania am:Armenia ao:Angola ar:Argentina
    at:Austria,Österreich,aut au:Australia,aus az:Azerbaijan ba:Bosnia,Bosnia-and-Herzegovina bd:Bangladesh
    be:Belgium,België,Belgique,bel bg:Bulgaria bh:Bahrain bo:Bolivia br:Brazil,Brasil,bra by:Belarus ca:Canada,can
    ch:Switzerland,Schweiz,Suisse,Svizzera,che ci:Ivory-Coast cl:Chile cm:Cameroon cn:China,chn co:Colombia
    cr:Costa-Rica cu:Cuba cy:Cyprus cz:Czechia,Czech-Republic,Česko,cze de:Germany,Deutschland,deu,ger
    dk:Denmark,Danmark,dnk do:Dominican-Republic dz:Algeria ec:Ecuador ee:Estonia eg:Egypt es:Spain,España,esp
    et:Ethiopia fi:Finland,Suomi fj:Fiji fo:Faroe-Islands fr:France,fra
    gb:United-Kingdom,Great-Britain,Britain,England,Scotland,Wales,uk,u.k.,gbr ge:Georgia gh:Ghana gl:Greenland
    gr:Greece,Hellas,el gt:Guatemala hk:Hong-Kong hn:Honduras hr:Croatia,Hrvatska ht:Haiti hu:Hungary id:Indonesia
    ie:Ireland il:Israel in:India iq:Iraq ir:Iran is:Iceland it:Italy,Italia,ita jm:Jamaica jo:Jordan
    jp:Japan,Nippon,jpn ke:Kenya kg:Kyrgyzstan kh:Cambodia kp:North-Korea kr:South-Korea,Korea,kor kw:Kuwait
    kz:Kazakhstan la:Laos lb:Lebanon li:Liechtenstein lk:Sri-Lanka lt:Lithuania lu:Luxembourg lv:Latvia ly:Libya
    ma:Morocco mc:Monaco md:Moldova me:Montenegro mg:Madagascar mk:North-Macedonia,Macedonia ml:Mali mm:Myanmar,Burma
    mn:Mongolia mt:Malta mx:Mexico,México my:Malaysia mz:Mozambique na:Namibia ng:Nigeria ni:Nicaragua
    nl:Netherlands,The-Netherlands,Holland,Nederland,nld no:Norway,Norge np:Nepal nz:New-Zealand om:Oman pa:Panama
    pe:Peru,Perú ph:Philippines pk:Pakistan pl:Poland,Polska,pol pr:Puerto-Rico ps:Palestine pt:Portugal,prt py:Paraguay
    qa:Qatar ro:Romania rs:Serbia ru:Russia,rus rw:Rwanda sa:Saudi-Arabia sd:Sudan se:Sweden,Sverige,swe sg:Singapore
    si:Slovenia sk:Slovakia sn:Senegal so:Somalia sv:El-Salvador sy:Syria th:Thailand tn:Tunisia tr:Turkey,Türkiye,tur
    tw:Taiwan tz:Tanzania ua:Ukraine,ukr ug:Uganda
    us:United-States,United-States-of-America,America,USA,U.S.,U.S.A. uy:Uruguay uz:Uzbekistan va:Vatican ve:Venezuela
    vn:Vietnam,Viet-Nam xk:Kosovo ye:Yemen za:South-Africa,zaf zm:Zambia zw:Zimbabwe
"""
_LANGUAGES = """
    af:Afrikaans am:Amharic ar:Arabic,ara az:Azerbaijani be:Belarusian bg:Bulgarian bn:Bengali bs:Bosnian ca:Catalan
    cs:Czech,Čeština,cz,ces cy:Welsh da:Danish,Dansk,dk,dan de:German,Deutsch,deu,ger el:Greek,gr
    en:English,Englisch,Anglais,eng,gb,us es:Spanish,Español,Castellano,spa et:Estonian eu:Basque fa:Persian,Farsi
    fi:Finnish,Suomi fr:French,Français,fra,fre ga:Irish gl:Galician he:Hebrew hi:Hindi hr:Croatian hu:Hungarian
    hy:Armenian id:Indonesian is:Icelandic it:Italian,Italiano,ita ja:Japanese,jp,jpn ka:Georgian kk:Kazakh
    kl:Greenlandic,Kalaallisut km:Khmer ko:Korean,kr,kor lt:Lithuanian lv:Latvian mk:Macedonian mn:Mongolian ms:Malay
    my:Burmese ne:Nepali nl:Dutch,Nederlands,Flemish,nld no:Norwegian,Norsk,nb,nn,nor pa:Punjabi pl:Polish,Polski,pol
    ps:Pashto pt:Portuguese,Português,por ro:Romanian ru:Russian,rus si:Sinhala sk:Slovak sl:Slovenian so:Somali
    sq:Albanian sr:Serbian sv:Swedish,Svenska,se,swe sw:Swahili ta:Tamil te:Telugu th:Thai tr:Turkish,Türkçe,tur
    uk:Ukrainian,ua,ukr ur:Urdu uz:Uzbek vi:Vietnamese,vn xh:Xhosa zh:Chinese,Mandarin,cn,zho zu:Zulu
"""


def _by_name(table: str) -> dict[str, str]:
    pairs = (entry.split(":") for entry in table.split())
    return {_plain(each): code for code, names in pairs for each in (code, *names.split(","))}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip()).casefold()


_KINDS = {"country": _by_name(_COUNTRIES), "language": _by_name(_LANGUAGES)}


def code_of(kind: str, name: str) -> str | None:
    """The code of a `country` or `language` by its name, its locale (`en-GB`), or a code often mistaken for it."""
    codes = _KINDS[kind]
    if locale := re.fullmatch("([A-Za-z]{2})[-_]([A-Za-z]{2})", name):
        name = locale[2 if kind == "country" else 1]
    return codes.get(_plain(name))


def hint(kind: str, name: str) -> str:
    """`; the code of 'France' is 'fr'`, or nothing if `name` has no code or is the code."""
    code = code_of(kind, name)
    if code:
        return f"; the {kind} code of {name!r} is {code!r}" if code != name else ""
    other = "language" if kind == "country" else "country"
    if code := code_of(other, name):
        return f"; {name!r} is a {other}: write {other}={code}"
    names = [each for each in _KINDS[kind] if len(each) > LONGEST_CODE]
    near = get_close_matches(_plain(name), names, n=1, cutoff=0.8)
    return f"; did you mean {near[0]!r}, the {kind} code {_KINDS[kind][near[0]]!r}?" if near else ""
