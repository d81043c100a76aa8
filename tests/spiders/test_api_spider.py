"""`scrapy crawl api`: the shipped declarations, against stand-ins as strict as the real services, and users' ones."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from declared_stand_ins import (
    DAY,
    HOUR,
    NOW,
    PLACES,
    YEARS,
    SpaceflightNews,
    StandIn,
    WorldBank,
    article,
    moment,
    serving,
)
from made_up_sites import ROOT, environment

from newsbot.sources import declared


@pytest.fixture
def crawl(database_url):
    """Run `scrapy crawl api` on a stand-in."""

    def run(stand_in, *arguments, **variables):
        settings = {
            "STAND_INS": json.dumps({stand_in.host: f"http://127.0.0.1:{stand_in.server_port}"}),
            "DATABASE_URL": database_url,
            "RETRY_TIMES": 1,
        }
        command = [
            *(sys.executable, "-m", "scrapy", "crawl", "api"),
            *(part for argument in arguments for part in ("-a", argument)),
            *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
        ]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment() | variables
        )

    return run


def is_ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return True


# --- News -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def spaceflightnews():
    """Articles of 100 days, one each eight hours."""
    with serving(SpaceflightNews([article(n, NOW - 8 * HOUR * (n + 0.5)) for n in range(300)])) as stand_in:
        yield stand_in


def ids(query):
    return sorted(int(id_) for (id_,) in query("SELECT external_id FROM sightings"))


def test_news_first_second_and_past(crawl, spaceflightnews, query):
    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews"))
    assert ids(query) == list(range(21))
    ((_, first),) = spaceflightnews.asked_since()
    assert first["offset"] == "0"
    ((title, authors, image, origin, data),) = query(
        "SELECT title, authors, image_url, a.origin, data FROM articles a JOIN sightings ON article_id = id"
        " WHERE external_id = '7'"
    )
    assert (title, authors) == ("Rocket number 7 stands on its pad", ["Ada Byron"])
    assert (image, origin, data["publisher"]) == ("https://rockets.example/7.jpg", "spaceflightnews", "Rockets")

    new, edited = article(1000, NOW - HOUR), spaceflightnews.articles[2]
    edited["title"] = "Rocket number 2 has left its pad"
    spaceflightnews.articles.append(new)
    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews"))
    ((_, second),) = spaceflightnews.asked_since()
    assert moment(second["published_at_gte"]) == moment(first["published_at_lt"]) - DAY
    assert ids(query) == [*range(21), 1000]
    assert query("SELECT old FROM article_revisions WHERE field = 'title'") == [("Rocket number 2 stands on its pad",)]

    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews", "backfill=90d"))
    assert ids(query) == [*range(270), 1000]
    new, *past = spaceflightnews.asked_since()
    assert moment(new[1]["published_at_gte"]) == moment(second["published_at_lt"]) - DAY
    assert {asked["published_at_lt"] for _, asked in past} == {first["published_at_gte"]}
    assert len(past) == 3  # of 249 articles; each page repeats the last record of the one before

    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews", "backfill=90d"))
    assert len(spaceflightnews.asked_since()) == 1  # the past is read


def test_a_past_that_breaks_off_is_read_again(crawl, spaceflightnews, query):
    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews"))
    spaceflightnews.broken = {"99"}  # the second page of the past
    assert crawl(spaceflightnews, "config=spaceflightnews", "backfill=90d").returncode == 1
    assert len(ids(query)) == 21 + 100
    spaceflightnews.broken = set()
    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews", "backfill=90d"))
    assert ids(query) == list(range(270))


def test_news_that_match(crawl, spaceflightnews, query):
    times = (f"since={NOW - 100 * DAY:%Y-%m-%d}", f"until={NOW - DAY:%Y-%m-%d}")
    assert is_ok(crawl(spaceflightnews, "config=spaceflightnews", "query=number 29", *times))
    assert ids(query) == [29, *range(290, 300)]
    assert query("SELECT count(*) FROM cursors") == [(0,)]  # a time requested by name moves none


# --- Numbers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def worldbank():
    values = {
        "SP.POP.TOTL": {(place, year): year * 1000.0 for place in PLACES for year in YEARS},
        "NY.GDP.MKTP.CD": {(place, year): None if year < 1970 else year / 7 for place in PLACES[:3] for year in YEARS},
    }
    with serving(WorldBank(values)) as stand_in:
        yield stand_in


def test_numbers_first_and_second(crawl, worldbank, query):
    all_ = sum(map(len, worldbank.values.values()))
    assert is_ok(crawl(worldbank, "config=worldbank"))
    assert query("SELECT count(*), count(DISTINCT (series_id, time)) FROM observations") == [(all_, all_)]
    assert query(
        "SELECT s.source, frequency, metadata, time, value FROM observations JOIN series s ON s.id = series_id"
        " WHERE name = 'PAB/NY.GDP.MKTP.CD' AND time IN ('1969-01-01 UTC', '1971-01-01 UTC') ORDER BY time"
    ) == [
        ("worldbank", "yearly", metadata, datetime(year, 1, 1, tzinfo=UTC), value)
        for metadata in [{"country": "The country of PAB", "indicator": "What NY.GDP.MKTP.CD means"}]
        for year, value in [(1969, None), (1971, 1971 / 7)]
    ]
    pages = [(path.rpartition("/")[2], asked["page"]) for path, asked in worldbank.asked_since()]
    assert sorted(pages) == [("NY.GDP.MKTP.CD", "1"), *(("SP.POP.TOTL", str(page)) for page in (1, 2, 3))]

    worldbank.values["SP.POP.TOTL"]["PAA", NOW.year - 2] = 1.5
    assert is_ok(crawl(worldbank, "config=worldbank"))
    assert {asked["date"] for _, asked in worldbank.asked_since()} == {f"{NOW.year - 10}:{NOW.year}"}
    assert query("SELECT count(*) FROM observations") == [(all_,)]
    assert query("SELECT old, new FROM observation_revisions") == [((NOW.year - 2) * 1000.0, 1.5)]


@pytest.mark.parametrize("countries", ["pfe;pff", "pfe, pff", " pff ; pfe,pff"])
def test_numbers_of_countries_without_any(crawl, worldbank, query, countries):
    assert is_ok(crawl(worldbank, "config=worldbank", f"countries={countries}"))
    assert query("SELECT name FROM series ORDER BY 1") == [("PFE/SP.POP.TOTL",), ("PFF/SP.POP.TOTL",)]


def test_numbers_of_quarters_and_months(crawl, worldbank, query):
    year = NOW.year - 1
    worldbank.values = {
        "DT.DOD": {("PAA", f"{year}Q{n}"): float(n) for n in (1, 2, 3, 4)},
        "FP.CPI": {("PAA", f"{year}M{n:02}"): float(n) for n in range(1, 13)},
    }
    assert is_ok(crawl(worldbank, "config=worldbank", "indicators=DT.DOD,FP.CPI"))
    assert query("SELECT * FROM rejects") == []
    stored = query(
        "SELECT frequency, value, time FROM observations JOIN series s ON s.id = series_id ORDER BY frequency, time"
    )
    assert stored == [
        *(("monthly", float(n), datetime(year, n, 1, tzinfo=UTC)) for n in range(1, 13)),
        *(("quarterly", float(n), datetime(year, 3 * n - 2, 1, tzinfo=UTC)) for n in (1, 2, 3, 4)),
    ]


def test_an_error_with_status_200_is_reported(crawl, worldbank):
    done = crawl(worldbank, "config=worldbank", "indicators=NO.SUCH.THING")
    assert done.returncode == 1
    assert "worldbank: NO.SUCH.THING: says: The provided parameter value is not valid" in done.stderr


def test_everything_has_the_name_of_the_declaration_wherever_its_file_lies(crawl, worldbank, query, tmp_path):
    assert is_ok(crawl(worldbank, "config=worldbank", "indicators=SP.POP.TOTL", "countries=paa"))
    for sql in (
        "SELECT spider FROM runs",
        "SELECT DISTINCT spider FROM cursors",
        "SELECT id FROM sources",
        "SELECT name FROM quotas",
        "SELECT DISTINCT source FROM series",
    ):
        assert query(sql) == [("worldbank",)], sql
    worldbank.asked_since()
    copy = tmp_path / "copy.yaml"
    copy.write_bytes((ROOT / "newsbot/sources/apis/worldbank.yaml").read_bytes())
    assert is_ok(crawl(worldbank, f"config={copy}", "indicators=SP.POP.TOTL", "countries=paa"))
    assert [asked["date"] for _, asked in worldbank.asked_since()] == [f"{NOW.year - 10}:{NOW.year}"]


# --- Users' declarations ----------------------------------------------------------------------------------------------


OWN = """\
name: depot
title: The depot
url: https://depot.example/things
key: {variable: DEPOT_KEY, header: Authorization, prefix: 'Bearer '}
arguments:
  kinds: {each: true, required: true, choices: [bolt, nut]}
params: {kind: '{kinds}', after: '{cursor}'}
records: things
pages: {by: token, param: page, token: more}
cursor: {by: id, path: id}
record:
  dataset: things
  key: id
  columns:
    size: {type: number, required: true}
    tags: {source: 'join(`,`, tags)'}
"""


class Depot(StandIn):
    """Three things a page. One has no list of tags, one no size."""

    host = "depot.example"

    def __init__(self):
        super().__init__()
        self.things = [{"id": 2**60 + n, "size": f"{n}.5", "tags": ["a", str(n)]} for n in range(7)]
        self.things[4]["tags"] = None
        self.things[5]["size"] = None

    def answer(self, path, query, headers):
        if headers["Authorization"] != "Bearer s3cret":
            return 401, {"problem": f"the key {headers['Authorization']} is wrong"}
        if query["kind"] != "bolt":
            return 200, {"things": [], "more": None}
        found = [thing for thing in self.things if thing["id"] > int(query.get("after", 0))]
        start = int(query.get("page", "p0")[1:])
        more = f"p{start + 3}" if start + 3 < len(found) else None
        return 200, {"things": found[start : start + 3], "more": more}


@pytest.fixture
def depot():
    with serving(Depot()) as stand_in:
        yield stand_in


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "depot.yaml"
    file.write_text(OWN)
    return f"config={file}"


def test_an_api_with_a_key_a_token_and_ids(crawl, depot, own, query):
    assert is_ok(crawl(depot, own, "kinds=bolt,nut", DEPOT_KEY="s3cret"))
    stored = query("SELECT key, data FROM records ORDER BY key")
    assert stored == [
        (str(2**60 + n), {"size": n + 0.5, "tags": f"a,{n}"}) for n in range(7) if n not in (4, 5)
    ]  # an id beyond 2^53 too
    refused = query("SELECT field, payload ->> 'id' FROM rejects ORDER BY 2")
    assert refused == [(None, str(2**60 + 4)), ("size", str(2**60 + 5))]
    assert len(depot.asked_since()) == 4

    depot.things.append({"id": 2**60 + 9, "size": 1, "tags": []})
    assert is_ok(crawl(depot, own, "kinds=bolt,nut", DEPOT_KEY="s3cret"))
    asked = [asked.get("after") for _, asked in depot.asked_since() if asked["kind"] == "bolt"]
    assert asked == [str(2**60 + 6)]
    assert query("SELECT count(*) FROM records") == [(6,)]


def test_a_key_that_is_missing_or_wrong(crawl, depot, own):
    done = crawl(depot, own, "kinds=bolt")
    assert done.returncode == 2
    assert "DEPOT_KEY is not set: set it to your key for The depot" in done.stderr
    done = crawl(depot, own, "kinds=bolt", DEPOT_KEY="wr0ng")
    assert done.returncode == 1
    assert "the key in DEPOT_KEY is refused" in done.stderr
    assert "wr0ng" not in done.stdout + done.stderr
    assert len(depot.asked) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "-a config= is missing: a YAML file, or one of spaceflightnews, worldbank"),
        (["config=wordbank"], "wordbank: no declaration has this name; perhaps 'worldbank'"),
        (["config=./tests"], "./tests: Is a directory; expected a YAML file"),
        (["config=worldbank", "backfill=999999w"], "expected at most 36500d"),
        (["config=worldbank", "query=a"], "known: backfill, budget, config, countries, indicators, since, until"),
    ],
)
def test_what_is_asked_wrongly(crawl, depot, arguments, said):
    done = crawl(depot, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_file_tells_all_its_faults_before_anything_is_asked(crawl, depot, tmp_path):
    file = tmp_path / "depot.yaml"
    file.write_text(OWN.replace("bolt, nut", "bolt").replace("token: more", "tokn: more").replace("id\n", "id]\n", 1))
    done = crawl(depot, f"config={file}", DEPOT_KEY="s3cret")
    assert done.returncode == 2
    told = [line.split(": ")[0:2] for line in done.stderr.splitlines() if line.startswith(str(file))]
    assert told == [[f"{file}:9", "pages.token"], [f"{file}:9", "pages.tokn"], [f"{file}:13", "record.key"]]
    assert depot.asked == []


def test_a_name_that_is_a_spiders_is_refused(crawl, depot, tmp_path):
    file = tmp_path / "depot.yaml"
    file.write_text(OWN.replace("name: depot", "name: guardian"))
    done = crawl(depot, f"config={file}", "kinds=bolt", DEPOT_KEY="s3cret")
    assert done.returncode == 2
    assert f"{file}: name: 'guardian' is the name of a spider" in done.stderr
    assert depot.asked == []


def test_all_that_ship_are_tried_here():
    assert declared.shipped() == ["spaceflightnews", "worldbank"]
