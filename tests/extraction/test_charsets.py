"""Feeds in old encodings: the signs in header, document, bytes and the source's language."""

import codecs
import json
import unicodedata

import pytest

from newsbot.extraction import charsets
from newsbot.extraction.feeds import parse

URL = "https://news.test/feed"

# Five titles in each language.
TITLES = {
    "pl": [
        "Burmistrz Łodzi odpiera zarzuty o łapówkę",
        "Śnieżyca sparaliżowała Małopolskę",
        "Nowy wóz strażacki trafił do ochotników",
        "Ceny masła rosną trzeci miesiąc",
        "Źle oznaczone przejście przy szkole",
    ],
    "cs": [
        "Hejtman slíbil opravu mostu přes Labe",
        "Žáci vysadili stovku stromů",
        "Řidiči čekají na dálnici hodiny",
        "Nejstarší pivovar ve městě končí",
        "Ústav hlásí rekordní únor",
    ],
    "sk": [
        "Vláda chce zvýšiť dôchodky ešte tento rok",
        "Ľadová búrka zastavila vlaky",
        "Žilina otvorila novú plaváreň",
        "Poľovníci sčítali medvede",
        "Škola dostala sto počítačov",
    ],
    "hu": [
        "Őszre elkészülhet az új híd",
        "Tűz ütött ki egy győri raktárban",
        "Csökkent a munkanélküliség",
        "Bezárt a város legrégebbi mozija",
        "Hétfőtől drágább lesz a tej",
    ],
    "ro": [
        "Şcoala din sat a rămas fără căldură",
        "Preţul pâinii creşte din nou",
        "Îngheţul a distrus livezile",
        "Guvernul anunţă măsuri noi",
        "Trenul spre Iaşi întârzie două ore",
    ],
    "hr": [
        "Šibenik dobiva novu bolnicu",
        "Ćevapi su poskupjeli za četvrtinu",
        "Đaci šeću do škole uz rijeku",
        "Žetva počinje tjedan ranije",
        "Požar kod Zadra pod nadzorom",
    ],
    "sl": [
        "Župan obljublja cenejše vrtce",
        "Čebelarji letos brez medu",
        "Na Štajerskem zaprli cesto",
        "Muzej išče stare fotografije",
        "Požar v skladišču pogašen",
    ],
    "ru": [
        "Мэр пообещал починить набережную к лету",
        "ШКОЛЬНИКИ ВЫИГРАЛИ ОЛИМПИАДУ",
        "в области подорожал проезд",
        "Учёные нашли редкую орхидею",
        "Паром на остров снова ходит",
    ],
    "uk": [
        "Школярі зібрали їжу для притулку",
        "Ґанок музею відновлять до літа",
        "Ціни на хліб знову зросли",
        "Європейський суд оголосив рішення",
        "У Львові відкрили нову бібліотеку",
    ],
    "bg": [
        "Кметът обеща нов мост над реката",
        "Цените на хляба пак растат",
        "Ученици засадиха сто дръвчета",
        "Пожар затвори пътя към Рила",
        "Музеят търси стари снимки",
    ],
    "be": [
        "Школьнікі пасадзілі сто дрэў",
        "Цэны на хлеб зноў выраслі",
        "Новы мост адкрыюць увосень",
        "Ўрачы папярэджваюць пра грып",
        "Музей шукае старыя здымкі",
    ],
    "sr": [
        "Градоначелник обећао нову болницу",
        "Ђаци засадили стотину стабала",
        "Пожар код Ниша под контролом",
        "Цене хлеба поново расту",
        "Њива пуна маслачака",
    ],
    "mk": [
        "Градоначалникот вети нова болница",
        "Цената на лебот повторно расте",
        "Пожар кај Охрид под контрола",
        "Учениците засадија сто дрвја",
        "Ѓаците добија нови книги",
    ],
    "el": [
        "Άνοιξε ο νέος δρόμος προς το λιμάνι",
        "Αυξήσεις στο ψωμί από Δευτέρα",
        "Πυρκαγιά έκλεισε την εθνική οδό",
        "Το μουσείο ψάχνει παλιές φωτογραφίες",
        "Ώρα μηδέν για τα πλοία",
    ],
    "tr": [
        "Ekmeğe zam geldi, kuyruklar uzadı",
        "Öğrenciler yüz ağaç dikti",
        "Şehrin en eski sineması kapandı",
        "İzmir'de yangın kontrol altında",
        "Köprü ışıkları yeniden yandı",
    ],
    "he": [
        "ראש העיר הבטיח גשר חדש",
        "מחיר הלחם עולה שוב",
        "תלמידים נטעו מאה עצים",
        "השריפה ליד חיפה בשליטה",
        "המוזיאון מחפש תמונות ישנות",
    ],
    "ar": [
        "رئيس البلدية يعد بجسر جديد",
        "أسعار الخبز ترتفع مرة أخرى",
        "تلاميذ يزرعون مئة شجرة",
        "السيطرة على حريق قرب الميناء",
        "المتحف يبحث عن صور قديمة",
    ],
    "fa": [
        "شهردار وعده پل تازه داد",
        "قيمت نان دوباره گران شد",
        "دانش آموزان صد درخت كاشتند",
        "آتش سوزي در بندر مهار شد",
        "موزه در پي عكس هاي قديمي است",
    ],
    "th": [
        "นายกเทศมนตรีสัญญาสร้างสะพานใหม่",
        "ราคาขนมปังขึ้นอีกครั้ง",
        "นักเรียนปลูกต้นไม้ร้อยต้น",
        "ไฟไหม้ใกล้ท่าเรือควบคุมได้แล้ว",
        "พิพิธภัณฑ์ตามหาภาพเก่า",
    ],
    "lt": [
        "Meras žada naują tiltą per Nerį",
        "Duonos kaina vėl auga",
        "Moksleiviai pasodino šimtą medžių",
        "Gaisras prie uosto užgesintas",
        "Į muziejų grįžo pavogtas laikrodis",
    ],
    "lv": [
        "Mērs sola jaunu tiltu pār upi",
        "Maizes cena atkal aug",
        "Skolēni iestādīja simt koku",
        "Ugunsgrēks pie ostas nodzēsts",
        "Ķekavā atvērta jauna bibliotēka",
    ],
    "et": [
        "Linnapea lubab uut silda üle jõe",
        "Leiva hind tõuseb jälle",
        "Õpilased istutasid sada puud",
        "Tulekahju sadama lähedal kustutati",
        "Žürii valis aasta šokolaadi",
    ],
    "vi": [
        "Thành phố hứa xây cầu mới",
        "Giá bánh mì lại tăng",
        "Học sinh trồng một trăm cây xanh",
        "Đám cháy gần cảng đã được dập tắt",
        "Bảo tàng tìm ảnh cũ của người dân",
    ],
    "ja": [
        "市長が新しい橋を約束した",
        "パンの値段がまた上がる",
        "小学生が百本の木を植えた",
        "港近くの火事は消し止められた",
        "博物館が古い写真を探している",
    ],
    "ko": [
        "시장이 새 다리를 약속했다",
        "빵 값이 또 오른다",
        "학생들이 나무 백 그루를 심었다",
        "항구 근처 불이 꺼졌다",
        "박물관이 옛 사진을 찾는다",
    ],
    "zh": [
        "市长答应修建新桥",
        "面包价格再次上涨",
        "学生种下一百棵树",
        "港口附近的火已经扑灭",
        "博物馆寻找旧照片",
    ],
    "zh-tw": [
        "市長答應興建新橋",
        "麵包價格再次上漲",
        "學生種下一百棵樹",
        "港口附近的火已經撲滅",
        "博物館尋找舊照片",
    ],
    "de": [
        "Bürgermeister verspricht neue Brücke",
        "Der Brotpreis steigt wieder",
        "Schüler pflanzen hundert Bäume",
        "Feuer am Hafen gelöscht",
        "Große Straße wird schöner",
    ],
    "fr": [
        "Le maire promet un cœur de ville rénové",
        "Le prix du pain augmente à nouveau",
        "Des élèves plantent cent arbres",
        "Incendie maîtrisé près du port",
        "Où sont passées les photos ?",
    ],
    "is": [
        "Bæjarstjóri lofar nýrri brú",
        "Verð á brauði hækkar enn",
        "Nemendur gróðursettu hundrað tré",
        "Eldur við höfnina slökktur",
        "Þjóðminjasafnið leitar að myndum",
    ],
}
ENCODINGS = {
    "pl": ("iso8859-2", "cp1250"),
    "cs": ("iso8859-2", "cp1250"),
    "sk": ("cp1250", "iso8859-2"),
    "hu": ("iso8859-2", "cp1250"),
    "ro": ("iso8859-2", "cp1250"),
    "hr": ("cp1250", "iso8859-2"),
    "sl": ("iso8859-2", "cp1250"),
    "ru": ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic"),
    "uk": ("cp1251", "koi8-u"),
    "bg": ("cp1251", "iso8859-5"),
    "be": ("cp1251", "iso8859-5"),
    "sr": ("cp1251", "iso8859-5"),
    "mk": ("cp1251",),
    "el": ("cp1253", "iso8859-7"),
    "tr": ("iso8859-9", "cp1254"),
    "he": ("cp1255", "iso8859-8"),
    "ar": ("cp1256", "iso8859-6"),
    "fa": ("cp1256",),
    "th": ("tis-620", "cp874"),
    "lt": ("cp1257", "iso8859-13", "iso8859-4"),
    "lv": ("cp1257", "iso8859-13"),
    "et": ("cp1257", "iso8859-15"),
    "vi": ("cp1258",),
    "ja": ("shift_jis", "euc-jp", "iso-2022-jp"),
    "ko": ("euc-kr",),
    "zh": ("gb2312", "gbk"),
    "zh-tw": ("big5",),
    "de": ("cp1252", "iso8859-15"),
    "fr": ("cp1252", "iso8859-15"),
    "is": ("cp1252",),
}
CASES = [(language, encoding) for language, encodings in ENCODINGS.items() for encoding in encodings]


def encoded(title, encoding):
    """In Windows-1258 a missing letter is taken apart: its tone stands behind it."""
    if encoding != "cp1258":
        return title.encode(encoding)
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = b""
    for letter in title:
        parts = unicodedata.normalize("NFD", letter)
        bare = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        try:
            out += letter.encode(encoding)
        except UnicodeEncodeError:
            out += (bare + "".join(part for part in parts if part in tones)).encode(encoding)
    return out


def feed(titles, encoding, head=""):
    """Titles and links, with an encoding named only in `head`."""
    items = (
        b"<item><title>%b</title><link>https://news.test/%d</link></item>" % (encoded(title, encoding), place)
        for place, title in enumerate(titles)
    )
    return head.encode() + b"<rss version='2.0'><channel>" + b"".join(items) + b"</channel></rss>"


def titles(raw, header=None, language=None):
    content_type = f"text/xml; charset={header}" if header else "application/rss+xml"
    return [entry["title"] for entry in parse(raw, URL, content_type=content_type, language=language).entries]


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_an_encoding_that_the_header_alone_names_is_read(language, encoding):
    raw = feed(TITLES[language], encoding)
    assert titles(raw, header=encoding.upper().replace("CP125", "windows-125")) == TITLES[language]


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_an_encoding_that_nobody_names_is_found_by_the_language_of_the_source(language, encoding):
    raw = feed(TITLES[language], encoding)
    assert titles(raw, language=language.partition("-")[0]) == TITLES[language]
    assert titles(raw, header="iso-8859-1", language=language) == TITLES[language], "the default of a server"


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_the_same_feed_in_utf_8_is_not_taken_for_that_encoding(language, encoding):
    raw = feed(TITLES[language], "utf-8")
    for header in (None, "iso-8859-1", "us-ascii", "windows-1252", encoding):
        assert titles(raw, header=header, language=language.partition("-")[0]) == TITLES[language]


PL, RU = TITLES["pl"], TITLES["ru"]
SAYS = "<?xml version='1.0' encoding='{}'?>".format


@pytest.mark.parametrize("declared", ["", SAYS("utf-8")])
def test_utf_8_is_not_taken_for_the_default_of_a_server(declared):
    raw = feed(PL, "utf-8", declared)
    assert titles(raw, header="iso-8859-1") == PL
    astray = raw.replace("ł".encode(), b"\xb3", 1)
    assert titles(astray, header="iso-8859-1", language="pl")[1:] == PL[1:]


def test_one_byte_at_the_end_is_not_half_a_character():
    (entry,) = parse("https://news.test/é".encode("cp1252"), URL).entries
    assert entry["link"] == "https://news.test/é"
    (entry,) = parse("https://news.test/é".encode() + b"\xc3", URL).entries
    assert entry["link"] == "https://news.test/é"


@pytest.mark.parametrize(
    ("header", "declared", "read_as"),
    [
        ("iso-8859-1", "windows-1251", "cp1251"),
        ("utf-8", "windows-1251", "cp1251"),
        ("koi8-r", "utf-8", "koi8-r"),
        ("koi8-r", "iso-8859-1", "koi8-r"),
        ("koi8-r", "windows-1251", "koi8-r"),
        ("no-such-name", "windows-1251", "cp1251"),
        ("utf-16", "windows-1251", "cp1251"),
    ],
)
def test_the_first_name_of_header_and_document_counts_that_says_something(header, declared, read_as):
    assert titles(feed(RU, read_as, SAYS(declared)), header=header) == RU


def test_the_header_counts_before_the_document_whatever_the_bytes_are():
    raw = feed(RU, "cp1251", SAYS("windows-1251"))
    assert titles(raw, header="koi8-r") == [title.encode("cp1251").decode("koi8-r") for title in RU]


def test_a_name_that_does_not_fit_is_not_believed():
    # Bytes that are control characters in iso-8859-2, and none of iso-8859-7.
    assert titles(feed(TITLES["cs"], "cp1250"), header="iso-8859-2", language="cs") == TITLES["cs"]
    assert titles(feed(TITLES["cs"], "cp1250", SAYS("iso-8859-2")), header="shift_jis", language="cs") == TITLES["cs"]


def test_a_name_that_fits_all_but_a_few_bytes_is_believed():
    raw = feed(TITLES["ja"], "cp932") + b"<!-- \xff -->"
    assert titles(raw, header="shift_jis") == TITLES["ja"]
    assert titles(raw.replace(b"</rss>", b"\xfd</rss>"), header="x-sjis", language="ja") == TITLES["ja"]


def test_seven_bits_are_ascii_unless_they_shift():
    raw = feed(TITLES["ja"], "iso-2022-jp")
    assert raw.isascii()
    for header in ("iso-2022-jp", None, "utf-8"):
        assert titles(raw, header=header) == TITLES["ja"]
    assert titles(feed(TITLES["ko"], "iso-2022-kr"), header="iso-2022-kr") == TITLES["ko"]
    assert titles(feed(TITLES["zh"], "hz"), header="hz-gb-2312") == TITLES["zh"]
    assert titles(feed(["A ~{b~} c"], "ascii"), header="iso-2022-jp") == ["A ~{b~} c"]


@pytest.mark.parametrize("language", ["pl", "ru", "ja", "de", "xx", None])
def test_an_english_feed_of_a_source_in_another_language(language):
    english = ["Café “Noir” reopens", "It’s free — for now"]
    assert titles(feed(english, "cp1252"), header="iso-8859-1", language=language) == english


@pytest.mark.parametrize("language", ["en", "de", "pl", None])
def test_a_russian_feed_of_a_source_in_another_language(language):
    assert titles(feed(RU, "koi8-r"), language=language) == RU


def test_a_mark_counts_before_all_names():
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF8, "utf-8")):
        raw = mark + feed(RU, "utf-8", SAYS("windows-1251")).decode().encode(encoding)
        assert titles(raw, header="koi8-r") == RU


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp037", "cp500"])
def test_wide_text_needs_no_mark(encoding):
    title = "Grüße"
    text = SAYS(encoding) + feed([title], "utf-8").decode()
    assert titles(text.encode(encoding), header="iso-8859-1") == [title]
    if encoding.startswith("utf"):
        text = json.dumps({"items": [{"id": "1", "title": title}]}, ensure_ascii=False)
    assert titles(text.encode(encoding), header="iso-8859-1") == [title]


def test_the_declaration_may_stand_behind_something():
    for before in ("\n \n", "<b>Warning</b>: line 3<br>\n", "<!-- made -->"):
        assert titles(feed(RU, "cp1251", before + SAYS("windows-1251"))) == RU


@pytest.mark.parametrize("encoding", ["iso8859-2", "cp1250", "utf-16"])
def test_json_and_lists_of_addresses_have_encodings_too(encoding):
    items = [{"id": str(place), "title": title} for place, title in enumerate(PL)]
    text = json.dumps({"items": items}, ensure_ascii=False)
    assert titles(text.encode(encoding), header=encoding) == PL
    assert titles(text.encode(encoding), language="pl") == PL
    address = "https://news.test/łódź"
    (entry,) = parse(f"{address}\n".encode(encoding), URL, content_type=f"text/plain; charset={encoding}").entries
    assert entry["link"] == address


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Windows-1251", "cp1251"),
        ("x-cp1250", "cp1250"),
        ("win-1251", "cp1251"),
        ("windows1257", "cp1257"),
        ("ISO_8859-2:1987", "iso8859-2"),
        ("iso88595", "iso8859-5"),
        ("iso-8859-8-i", "iso8859-8"),
        ("ISO-8859-9", "cp1254"),
        ("KOI8", "koi8-r"),
        ("koi8-ru", "koi8-u"),
        ("x-sjis", "cp932"),
        ("windows-31j", "cp932"),
        ("x-euc-jp", "euc_jp"),
        ("ks_c_5601-1987", "cp949"),
        ("x-gbk", "gb18030"),
        ("gb_2312-80", "gb18030"),
        ("x-x-big5", "big5hkscs"),
        ("tis-620", "cp874"),
        ("dos-874", "cp874"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("utf8", "utf-8"),
        ("utf8mb4", "utf-8"),
        ("latin1", "iso8859-1"),
        ("us-ascii", "ascii"),
        # Encodings of no text, of text that cannot have been read as ASCII, and none.
        ("utf-16", None),
        ("utf-7", None),
        ("cp037", None),
        ("base64", None),
        ("rot13", None),
        ("punycode", None),
        ("undefined", None),
        ("unicode_escape", None),
        ("none", None),
        ("", None),
        ("a" * 5000, None),
        ("../../etc/passwd", None),
        ("utf\u20118", None),
        ("a\0b", None),
    ],
)
def test_names_are_read_as_browsers_read_them(label, name):
    assert charsets.named(label) == name


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("text/xml; charset=koi8-r", "koi8-r"),
        ('text/xml;charset="windows-1250"; q=1', "cp1250"),
        ("application/xml; Charset = 'EUC-JP'", "euc_jp"),
        ("text/xml; charset=iso-8859-2, text/xml", "iso8859-2"),
        ("text/xml; charset=", None),
        ("text/xml", None),
        ("", None),
        (None, None),
    ],
)
def test_the_charset_of_a_content_type(content_type, name):
    assert charsets.in_header(content_type) == name
