"""Made-up files of GDELT's Global Knowledge Graph in their true size, and the list that names them."""

import hashlib
import io
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ROWS = 1_530  # of a file: GDELT states 10 KB a row, and 5 MB zipped are 15 MB
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
HOST = "data.gdeltproject.org"

_WORDS = re.findall(
    r"\w+",
    """council ferry harbour minister budget strike storm election protest hospital school police court market energy
    housing border refugee climate flood drought harvest railway airport factory union bank inflation interest trade
    export treaty summit president parliament vote reform pension tax fraud trial verdict appeal prison accident
    rescue earthquake wildfire vaccine doctor patient research university student teacher museum festival concert
    film actor singer football match league champion coach transfer goal stadium olympic record cyclist tennis
    welcomes rejects warns plans opens closes delays approves cuts raises faces wins loses seeks denies admits""",
)
_NAMES = re.findall(
    r"\w+", "Ada Ben Carla David Elena Farid Grace Hugo Ines Jonas Kofi Lena Marco Nadia Olga Pedro Rosa"
)
_PLACES = [
    f"{kind}#{name}#{country}#{country}{adm}#{adm2}#{lat}#{long}#{feature}"
    for kind, name, country, adm, adm2, lat, long, feature in (
        ("1", "United States", "US", "", "", "39.828175", "-98.5795", "US"),
        ("1", "France", "FR", "", "", "46", "2", "FR"),
        ("4", "Paris, France (general), France", "FR", "00", "16282", "48.8667", "2.33333", "-1456928"),
        ("4", "London, London, City Of, United Kingdom", "UK", "H9", "40110", "51.5", "-0.116667", "-2601889"),
        ("3", "Houston, Texas, United States", "US", "TX", "TX201", "29.7633", "-95.3633", "1380948"),
        ("2", "California, United States", "US", "CA", "", "36.17", "-119.746", "CA"),
        ("4", "Nairobi, Nairobi Area, Kenya", "KE", "05", "15739", "-1.28333", "36.8167", "-2255450"),
        ("4", "Kyiv, Kyyiv, Misto, Ukraine", "UP", "12", "25077", "50.4333", "30.5167", "-1044367"),
        ("1", "Germany", "GM", "", "", "51.5", "10.5", "GM"),
        ("5", "Ontario, Canada", "CA", "08", "12664", "49.25", "-84.4998", "-569557"),
    )
]


@dataclass(frozen=True)
class MadeUp:
    """A file in its served form."""

    time: datetime
    data: bytes

    @property
    def path(self) -> str:
        """Of its URL."""
        return f"/gdeltv2/{self.time:%Y%m%d%H%M%S}.gkg.csv.zip"

    @property
    def line(self) -> str:
        """Of the list."""
        return f"{len(self.data)} {hashlib.md5(self.data).hexdigest()} http://{HOST}{self.path}\n"


def files(count: int) -> Iterator[MadeUp]:
    """So many files, each 15 minutes after the one before."""
    chance = random.Random(4)
    heavy = [_heavy(chance) for _ in range(ROWS)]
    for n in range(count):
        time = FIRST + n * timedelta(minutes=15)
        text = "".join(_row(chance, time, row, heavy[row]) for row in range(ROWS))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{time:%Y%m%d%H%M%S}.gkg.csv", text)
        yield MadeUp(time, packed.getvalue())


def _row(chance: random.Random, time: datetime, row: int, heavy: dict[int, str]) -> str:
    stamp = f"{time:%Y%m%d%H%M%S}"
    words = chance.choices(_WORDS, k=9)
    site = f"news{chance.randrange(4_000)}.example"
    tone = [f"{chance.uniform(-8, 8):.14f}", *(f"{chance.uniform(0, 9):.14f}" for _ in range(5)), "412"]
    title = " ".join(words).capitalize() + ("&#x2019;s day" if row % 7 == 0 else "")
    columns = [""] * 27
    for number, value in heavy.items():
        columns[number] = value
    columns[0], columns[1], columns[2], columns[3] = f"{stamp}-{row}", stamp, "1", site
    columns[4] = f"https://www.{site}/{time:%Y/%m/%d}/{'-'.join(words)}-{row}.html"
    columns[15] = ",".join(tone)
    columns[18] = f"https://img.{site}/{time:%Y/%m}/{words[0]}-{row}.jpg"
    columns[26] = (
        f"<PAGE_LINKS>{heavy[26]}</PAGE_LINKS><PAGE_AUTHORS>{words[1]}</PAGE_AUTHORS>"
        f"<PAGE_PRECISEPUBTIMESTAMP>{stamp}</PAGE_PRECISEPUBTIMESTAMP><PAGE_TITLE>{title}</PAGE_TITLE>"
    )
    return "\t".join(columns) + "\n"


def _heavy(chance: random.Random) -> dict[int, str]:
    """The columns that make up the size: mostly numbers of GCAM, then names, themes, places, quotations and links."""
    themes = chance.sample(THEMES, chance.randint(8, 30))
    mentions = [(theme, chance.randrange(6_000)) for theme in themes for _ in range(chance.randint(1, 3))]
    places = [(chance.choice(_PLACES), chance.randrange(6_000)) for _ in range(chance.randint(1, 16))]
    names = [" ".join(chance.choices(_NAMES, k=2)) + chance.choice(_WORDS) for _ in range(chance.randint(4, 40))]
    said = "#".join(f"{chance.randrange(6_000)}|{chance.randrange(300)}||{_said(chance)}" for _ in range(4))
    gcam = [f"c{chance.randrange(1, 52)}.{chance.randrange(1, 300)}:{chance.randrange(1, 40)}" for _ in range(330)]
    gcam += [f"v{chance.randrange(10, 43)}.{n}:{chance.uniform(0, 9):.12f}" for n in range(1, 30)]
    links = ";".join(f"https://link{chance.randrange(10**6)}.example/{chance.choice(_WORDS)}" for _ in range(14))
    return {
        7: "".join(f"{theme};" for theme in themes),
        8: "".join(f"{theme},{offset};" for theme, offset in mentions),
        9: ";".join(dict.fromkeys(_short(place) for place, _ in places)),
        10: ";".join(f"{place}#{offset}" for place, offset in places),
        11: ";".join(names[:10]).lower(),
        12: ";".join(f"{name},{chance.randrange(6_000)}" for name in names),
        13: ";".join(names[10:20]).lower(),
        14: ";".join(f"{name},{chance.randrange(6_000)}" for name in names[10:]),
        17: ",".join(["wc:412", *gcam]),
        22: said,
        23: ";".join(f"{name},{chance.randrange(6_000)}" for name in names),
        24: ";".join(f"{chance.randrange(10**4)},{chance.choice(_WORDS)},{chance.randrange(6_000)}" for _ in names),
        26: links,
    }


def _short(place: str) -> str:
    kind, name, country, adm1, _, lat, long, feature = place.split("#")
    return "#".join((kind, name, country, adm1, lat, long, feature))


def _said(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=25))


_KINDS = ("TAX_FNCACT", "WB_2024", "CRISISLEX", "EPU_POLICY", "UNGP", "SOC_POINTSOFINTEREST", "TAX_WORLDLANGUAGES")
THEMES = [f"{kind}_{word.upper()}" for kind in _KINDS for word in _WORDS] + ["ELECTION", "PROTEST"]
