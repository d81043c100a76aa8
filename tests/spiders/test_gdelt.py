"""GDELT: its bulk files, whole and broken, and its search."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from made_up_gdelt import API, STEP, MadeUpGdelt, packed, row, text
from made_up_sites import ROOT, environment

LAST, ALL = "/gdeltv2/lastupdate.txt", "/gdeltv2/masterfilelist.txt"


@pytest.fixture
def gdelt():
    server = MadeUpGdelt()
    yield server
    server.shutdown()
    server.server_close()
    assert server.wrong == []


@pytest.fixture
def crawl(gdelt, database_url):
    def run(*arguments, ok=True, **settings):
        settings = {"STAND_INS": gdelt.stand_ins, "DATABASE_URL": database_url} | settings
        done = subprocess.run(
            [
                *(sys.executable, "-m", "scrapy", "crawl", "gdelt"),
                *(part for argument in arguments for part in ("-a", argument)),
                *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment() | {"PYTHONPATH": str(Path(__file__).parent)},
        )
        assert (done.returncode == 0) == ok, done.stderr
        return done.stderr

    return run


@pytest.fixture
def now():
    """The time of the newest file."""
    time = datetime.now(UTC).replace(second=0, microsecond=0)
    return time - timedelta(minutes=time.minute % 15)


def titles(query):
    return [title for (title,) in query("SELECT title FROM articles ORDER BY title")]


def last_run(query):
    """(new, unchanged, rejected), and the status of each file, of the newest run."""
    ((stats,),) = query("SELECT stats FROM runs ORDER BY started_at DESC LIMIT 1")
    source = stats["sources"]["gdelt"]
    return (source["new"], source["unchanged"], source["rejected"]), {
        urlsplit(feed["url"]).path: feed["status"] for feed in source["feeds"]
    }


def cursor(query):
    rows = query("SELECT value FROM cursors WHERE spider = 'gdelt'")
    return rows[0][0] if rows else None


def crawl_with_fault(crawl, fault_in, **options):
    told = crawl(SPIDER_MODULES="faulty_gdelt", FAULT_IN=fault_in, **options)
    assert "Traceback" in told
    assert 'raise TypeError("one of ours")' in told


# --- The bulk files ---------------------------------------------------------------------------------------------------


def test_first_run_stores_the_newest_file_and_the_next_ones_what_is_new(gdelt, crawl, query, now):
    gdelt.add(now - 5 * STEP, [row(now - 5 * STEP, 1)])
    newest = gdelt.add(now - 4 * STEP, [row(now - 4 * STEP, number) for number in range(3)])
    crawl()
    assert gdelt.paths() == [LAST, newest]
    (stored,) = query("""
        SELECT a.url, a.title, a.published_at, a.language, a.image_url, s.origin, a.origin_rank, s.external_id, s.data
        FROM articles a JOIN sightings s ON s.article_id = a.id WHERE s.external_id LIKE '%%-2'
    """)
    time = now - 4 * STEP
    stamp = f"{time:%Y%m%d%H%M%S}"
    assert stored[:8] == (
        f"https://www.harbour.example/{stamp}/ferry-2.html",
        f"Ferry 2 of {stamp} runs again",
        time,
        "en",
        "https://www.harbour.example/2.jpg",
        "gdelt",
        5,
        f"{stamp}-2",
    )
    assert stored[8] == {
        "tone": -2.5,
        "tone_parts": {
            "positive": 1.25, "negative": 3.75, "polarity": 5, "activity": 20.5, "self": 1.5, "words": 412
        },
        "themes": ["ELECTION", "TAX_FNCACT"],
        "places": [
            {"type": 1, "name": "France", "country": "FR", "lat": 46, "long": 2},
            {"type": 4, "name": "Liège, Belgium", "country": "BE", "lat": 50.6, "long": 5.6},
        ],
        "publisher": "harbour.example",
    }  # fmt: skip
    crawl()
    assert gdelt.paths() == [LAST]
    assert last_run(query)[1] == {"gdelt": "nothing new"}
    fresh = [gdelt.add(now - n * STEP, [row(now - n * STEP, 1)]) for n in (3, 2, 1)]
    crawl()
    assert gdelt.paths() == [LAST, ALL, *fresh]
    following = gdelt.add(now, [row(now, 1)])
    crawl()
    assert gdelt.paths() == [LAST, following]
    assert len(titles(query)) == len(set(titles(query))) == 7
    assert cursor(query) == {"since": time.isoformat(), "until": now.isoformat(), "missing": {}}


@pytest.mark.parametrize("gives_ranges", [True, False])
def test_backfill_reads_the_list_from_its_end(gdelt, crawl, query, now, gives_ranges):
    gdelt.gives_ranges = gives_ranges
    times = [now - n * STEP for n in range(12, -1, -1)]
    paths = [gdelt.add(time, [row(time, 1)]) for time in times]
    gdelt.lines[""][-1:-1] = [
        [f"123 0123 http://data.gdeltproject.org/gdeltv2/{n}.export.CSV.zip\n"] for n in range(3000)
    ]
    crawl()
    assert gdelt.paths() == [LAST, paths[-1]]
    minutes = (datetime.now(UTC) - times[4]) // timedelta(minutes=1) + 5
    crawl(f"backfill={minutes}m")
    asked = gdelt.paths()
    assert asked[0] == LAST
    assert asked.count(ALL) == (3 if gives_ranges else 1)
    assert asked[-8:] == paths[-2:-10:-1]  # the newest of the past first
    assert set(asked[1:-8]) == {ALL}
    crawl(f"backfill={minutes}m")
    assert set(gdelt.paths()) <= {LAST, ALL}
    before = cursor(query)
    crawl(f"since={times[0]:%Y-%m-%dT%H:%M}", f"until={times[2]:%Y-%m-%dT%H:%M}")
    assert [path for path in gdelt.paths() if path != ALL] == paths[:2]
    assert cursor(query) == before
    assert len(titles(query)) == 11


def test_a_file_that_cannot_be_fetched_is_reported_and_fetched_again(gdelt, crawl, query, now):
    times = [now - n * STEP for n in range(8, -1, -1)]
    good = [text([row(time, 1)]) for time in times]
    gdelt.add(times[0], data=packed(good[0]))
    crawl()
    whole, mended = packed(good[1]), packed(good[2])
    bad = {
        "md5": gdelt.add(times[1], data=whole, listed=whole[:-1] + b"x"),
        "size": gdelt.add(times[2], data=mended[:-9], listed=mended),
        "is not a readable zip": gdelt.add(times[3], data=packed(good[3])[:-9]),  # cut, and listed so
        "without a folder": gdelt.add(times[4], data=packed(good[4], "../../../etc/made-up")),
        "got 2: ": gdelt.add(times[5], data=packed({"a.csv": good[5], "b.csv": good[5]})),
        "HTTP status 404": gdelt.add(times[6], data=packed(good[6])),
    }
    gone = gdelt.files.pop(bad["HTTP status 404"])
    rest = [gdelt.add(time, [row(time, 1)]) for time in times[7:]]
    gdelt.paths()
    crawl()
    assert [path for path in gdelt.paths() if path in rest] == rest
    (new, _, rejected), statuses = last_run(query)
    assert (new, rejected) == (2, 6)
    assert statuses.pop(rest[0]) == statuses.pop(rest[1]) == "ok"
    assert statuses.keys() == set(bad.values())
    for path, status in statuses.items():
        assert status.endswith("; the next run retries it (1 of 10)"), status
        assert status in [reason for (reason,) in query("SELECT reason FROM rejects WHERE url LIKE '%%' || %s", path)]
    told = {"md5": "has the md5", "size": "the list says"} | {name: name for name in list(bad)[2:]}
    assert all(told[name] in statuses[path] for name, path in bad.items()), statuses
    assert cursor(query)["until"] == now.isoformat()
    assert len(cursor(query)["missing"]) == 6
    gdelt.wrong.clear()

    gdelt.files[bad["HTTP status 404"]] = gone
    gdelt.files[bad["size"]] = mended
    crawl()
    assert set(gdelt.paths()) == {LAST, *bad.values()}
    assert last_run(query)[0][0] == 2
    assert {kept["failures"] for kept in cursor(query)["missing"].values()} == {2}
    assert len(cursor(query)["missing"]) == 4
    query("UPDATE cursors SET value = jsonb_set(value, ARRAY['missing', %s, 'failures'], '9')", _url(bad["md5"]))
    crawl(ok=False)
    assert last_run(query)[1][bad["md5"]].endswith("; given up after 10 runs")
    gdelt.paths()
    crawl(ok=False)
    assert bad["md5"] not in gdelt.paths()
    assert len(titles(query)) == 5


def _url(path):
    return f"http://data.gdeltproject.org{path}"


@pytest.mark.parametrize("known", [True, False], ids=["a next run", "a first run"])
def test_a_fault_in_the_reader_is_no_fault_of_the_file(gdelt, crawl, query, now, known):
    gdelt.add(now - 4 * STEP, [row(now - 4 * STEP, 1)])
    if known:
        crawl()
    before = known and cursor(query)
    bad = gdelt.add(now - 3 * STEP, [row(now - 3 * STEP, n) for n in range(6)])
    for _ in range(2):
        crawl_with_fault(crawl, bad, ok=False)
        assert last_run(query) == ((0, 0, 0), {bad: "TypeError: one of ours; the log has the traceback"})
        gdelt.add(now - 2 * STEP, [row(now - 2 * STEP, 1)])
    assert query("SELECT count(*) FROM rejects") == [(0,)]
    assert not known or cursor(query) == before
    assert "missing" not in cursor(query) or cursor(query)["missing"] == {}
    crawl()
    assert len(titles(query)) == known + 6 + 1
    assert cursor(query)["until"] == (now - 2 * STEP).isoformat()


def test_files_before_a_fault_are_stored_and_none_behind_it(gdelt, crawl, query, now):
    times = [now - n * STEP for n in (4, 3, 2, 1, 0)]
    paths = [gdelt.add(times[0], [row(times[0], 1)])]
    crawl()
    paths += [gdelt.add(time, [row(time, 1)]) for time in times[1:]]
    lost = gdelt.files.pop(paths[3])  # asked for while the one before it is read
    crawl_with_fault(crawl, paths[2])
    assert last_run(query)[1] == {
        paths[1]: "ok",
        paths[2]: "TypeError: one of ours; the log has the traceback",
    }
    assert (cursor(query)["until"], cursor(query)["missing"]) == (times[1].isoformat(), {})
    gdelt.wrong.clear()
    gdelt.files[paths[3]] = lost
    crawl()
    assert len(titles(query)) == 5


def test_a_fault_in_the_reading_of_a_list_is_reported(gdelt, crawl, query, now):
    gdelt.add(now - STEP, [row(now - STEP, 1)])
    crawl_with_fault(crawl, "lists", ok=False)
    ((status,),) = [last_run(query)[1].values()]
    assert status == f"http://data.gdeltproject.org{LAST}: TypeError: one of ours; the log has the traceback"
    crawl()
    assert len(titles(query)) == 1


def test_a_file_of_which_all_is_refused_is_read_again_and_not_ok(gdelt, crawl, query, now, database_url):
    """The file before it counts, and the rows of the one behind it are stored at once."""
    times = [now - n * STEP for n in (3, 2, 1, 0)]
    gdelt.add(times[0], [row(times[0], 1)])
    crawl()
    good, bad, behind = (
        gdelt.add(time, [row(time, n)[: 27 - cut] for n in range(8)])
        for time, cut in zip(times[1:], (0, 1, 0), strict=True)
    )
    for left in (3, 2, 1, 0):
        crawl()
        statuses = last_run(query)[1]
        assert statuses[behind] == "ok"
        if left:
            assert statuses[bad].startswith("all 8 items are refused, as expected 27 columns between tabs, got 26")
            assert statuses[bad].endswith(f"; the next runs ask again, {left} at most")
            assert cursor(query)["until"] == times[1].isoformat()
        else:
            assert statuses[bad].startswith("broken: all 8 items are refused, as ")
            assert cursor(query)["until"] == times[3].isoformat()
        assert (good in statuses) == (left == 3)
        assert len(titles(query)) == 17
        command = [*(sys.executable, "-m", "scrapy", "sources", "--status", "-s"), f"DATABASE_URL={database_url}"]
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment())
        assert f"failed: {statuses[bad][:30]}" in shown.stdout


def test_a_list_that_is_mended_is_believed(gdelt, crawl, query, now):
    data = packed(text([row(now, 1)]))
    gdelt.add(now, data=data, listed=data + b"x")
    crawl(ok=False)
    gdelt.lines[""].clear()
    gdelt.add(now, data=data)
    crawl()
    assert len(titles(query)) == 1
    assert cursor(query)["missing"] == {}


def test_what_passes_is_fetched_once_more_in_the_same_run(gdelt, crawl, query, now):
    path = gdelt.add(now, [row(now, 1)])
    gdelt.broken = {LAST: [(503, b"", {})], path: [(200, b"<html>", {}), (500, b"", {})]}
    crawl()
    assert gdelt.paths() == [LAST, LAST, path, path, path]
    assert len(titles(query)) == 1


def test_a_file_that_is_listed_late_is_read_all_the_same(gdelt, crawl, query, now):
    times = [now - n * STEP for n in range(5, -1, -1)]
    for time in times[:2]:
        gdelt.add(time, [row(time, 1)])
    crawl("backfill=1d")
    gdelt.add(times[3], [row(times[3], 1)])
    crawl()
    assert cursor(query)["gaps"] == [times[2].isoformat()]
    gdelt.paths()
    late = gdelt.add(times[2], [row(times[2], 1)])
    last = gdelt.add(times[4], [row(times[4], 1)])
    crawl()
    assert gdelt.paths() == [LAST, ALL, late, last]
    assert len(titles(query)) == 5
    assert "gaps" not in cursor(query)
    newest = gdelt.add(times[5], [row(times[5], 1)])
    crawl()
    assert gdelt.paths() == [LAST, newest]


def test_rows_that_are_none_are_reported_with_their_numbers(gdelt, crawl, query, now):
    rows = [
        row(now, 0),
        row(now, 1)[:-1],
        [*row(now, 2), ""],
        row(now, 3, c2="2", c4="A citation of JSTOR"),
        row(now, 4, c4="urn:none"),
        row(now, 5, c4=b"https://www.harbour.example/\xff\xfe"),
        row(now, 6, c1="yesterday"),
        row(
            now, 7, c26="<PAGE_AUTHORS>Ada</PAGE_AUTHORS>", c4="https://www.harbour.example/2026/ferry-runs-again.html"
        ),
        row(now, 8, c26="", c4="https://www.harbour.example/?p=8"),
        row(now, 9, c15="1.5,none,3", c10="1#France#FR;4#Liège#BE#BE03##50.6#5.6#-1#45", c8="PROTEST;ELECTION"),
        row(now, 10, c26=b"<PAGE_TITLE>Caf\xe9 at the \0 harbour</PAGE_TITLE>", c22=b"\xff said \0"),
        row(now, 11, c15="", c8="", c10="", c3="", c18=""),
        row(now, 12, c26='<PAGE_TITLE>Tom &amp; Ada&#x2019;s "ferry" \\ back</PAGE_TITLE>', c3='a"b\\c'),
        row(now, 0),
        row(now, 0, c15="3.5"),
    ]
    path = gdelt.add(now, rows)
    crawl()
    (new, unchanged, rejected), statuses = last_run(query)
    assert (new, unchanged) == (6, 1)
    assert statuses[path] == "ok; 1 rows of no web page; 1 titles made of the address"
    told = dict(query("SELECT split_part(url, '#', 2)::int, reason FROM rejects WHERE item_type = 'row'"))
    assert told == {
        2: "expected 27 columns between tabs, got 26",
        3: "expected 27 columns between tabs, got 28",
        5: "'urn:none' is not a URL, though its collection is that of the web",
        6: "is not UTF-8 at byte 28",
        7: "expected a time of 14 digits, got b'yesterday'",
        9: "is missing, and the address has no words for one",
    }
    left_out = query("SELECT field, reason FROM rejects WHERE item_type = 'Article' ORDER BY field")
    assert [field for field, _ in left_out] == ["places", "title", "tone", "url"]
    assert rejected == 7
    data = dict(query("SELECT split_part(external_id, '-', 2)::int, data FROM sightings"))
    assert data[7]["title_from"] == "url"
    assert data[9].keys() == {"places", "publisher", "themes"}
    assert [place["name"] for place in data[9]["places"]] == ["Liège"]
    assert data[9]["themes"] == ["PROTEST", "ELECTION"]
    assert data[11] == {}
    assert data[12]["publisher"] == 'a"b\\c'
    assert {"Ferry runs again", "Caf\ufffd at the harbour", 'Tom & Ada’s "ferry" \\ back'} <= set(titles(query))


def test_time_and_authors_are_those_of_the_page(gdelt, crawl, query, now):
    published = now - timedelta(hours=7, minutes=3, seconds=12)

    def extras(time=None, authors=None):
        parts = ["<PAGE_LINKS>https://a.example/;https://b.example/</PAGE_LINKS>"]
        parts += [f"<PAGE_AUTHORS>{authors}</PAGE_AUTHORS>"] if authors is not None else []
        parts += [f"<PAGE_PRECISEPUBTIMESTAMP>{time}</PAGE_PRECISEPUBTIMESTAMP>"] if time is not None else []
        return "".join([*parts, "<PAGE_TITLE>The ferry runs again</PAGE_TITLE>"])

    path = gdelt.add(
        now,
        [
            row(now, 1, c26=extras(f"{published:%Y%m%d%H%M%S}", "Jes&#xFA;s Mar&#xed;a;Ada Quay;Ada Quay")),
            row(now, 2, c26=extras()),
            row(now, 3, c26=extras("", "")),
            row(
                now, 4, c26=extras(f"{now + timedelta(hours=5):%Y%m%d%H%M%S}", ";Tom &amp; Ada; https://x.example/ada;")
            ),
            row(now, 5, c26=extras("19700101000000")),
            row(now, 6, c26=extras("20261340999999")),
            row(now, 7, c26=extras(f"{published:%Y%m%d}", "@quay")),
            row(now, 8, c26=extras(f"{now:%Y%m%d%H%M%S}")),
        ],
    )
    crawl()
    stored = query(
        "SELECT right(s.external_id, 1)::int, a.published_at, a.authors FROM articles a"
        " JOIN sightings s ON s.article_id = a.id ORDER BY 1"
    )
    assert stored == [
        (1, published, ["Jesús María", "Ada Quay"]),
        (2, now, []),
        (3, now, []),
        (4, now, ["Tom & Ada"]),
        (5, now, []),
        (6, now, []),
        (7, now, ["@quay"]),
        (8, now, []),
    ]
    assert last_run(query)[1] == {path: "ok"}
    told = query("SELECT reason FROM rejects WHERE field = 'published_at' ORDER BY split_part(url, '-', 2)")
    reasons = [reason for (reason,) in told]
    assert len(reasons) == 5, "a time that cannot be right is left out and reported; that of the file stands in"
    assert sum("expected a time of 14 digits" in reason for reason in reasons) == 3
    assert sum("is not the time of a publication that was found at" in reason for reason in reasons) == 2


def test_themes_and_domains_narrow(gdelt, crawl, query, now):
    path = gdelt.add(
        now,
        [
            row(now, 1),
            row(now, 2, c8="PROTEST,4;", c3="news.harbour.example"),
            row(now, 3, c8="PROTEST_NOT,4;"),
            row(now, 4, c8="PROTEST,4;", c3="otherharbour.example"),
        ],
    )
    crawl("themes= protest,Strike, PROTEST", "domains=Harbour.example , harbour.example")
    assert [title.split()[1] for title in titles(query)] == ["2"]
    assert last_run(query)[1] == {path: "ok; 3 articles that are not asked for"}


def test_a_language_is_read_from_the_translated_files(gdelt, crawl, query, now):
    gdelt.add(now, [row(now, 1)])
    rows = [
        row(now, 2, c25="srclc:fra;eng:Moses 2.1.1", c26="<PAGE_TITLE>Le ferry repart demain du port</PAGE_TITLE>"),
        row(now, 3, c25="srclc:spa;eng:Moses 2.1.1"),
    ]
    path = gdelt.add(now, rows, translated=True)
    crawl("language=fr")
    assert gdelt.paths() == ["/gdeltv2/lastupdate-translation.txt", path]
    assert query("SELECT title, language FROM articles") == [("Le ferry repart demain du port", "fr")]


def test_an_article_of_a_feed_keeps_its_title_and_gains_what_it_lacks(gdelt, crawl, query, now):
    gdelt.add(now, [row(now, 1)])
    crawl()
    query("UPDATE articles SET title = 'As the feed has it', origin = 'feed', origin_rank = 30, image_url = NULL")
    query("UPDATE sightings SET content_hash = 'before'")
    query("DELETE FROM cursors")
    crawl()
    assert query("SELECT title, image_url, field_origins FROM articles") == [
        ("As the feed has it", "https://www.harbour.example/1.jpg", {"image_url": "gdelt"})
    ]


def test_an_export_gets_each_article(gdelt, crawl, query, now, tmp_path):
    gdelt.add(now, [row(now, 1), row(now, 2)[:-1]])
    crawl(FEEDS=json.dumps({str(tmp_path / "articles.jsonl"): {"format": "jsonlines"}}))
    (exported,) = map(json.loads, (tmp_path / "articles.jsonl").read_text().splitlines())
    assert (exported["extra"]["tone"], exported["external_id"][-2:]) == (-2.5, "-1")
    assert query("SELECT data ->> 'tone' FROM sightings") == [("-2.5",)]


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (LAST, (200, b"<html>Sorry</html>", {}), "names no file: '<html>Sorry</html>'"),
        (LAST, (200, b"12 3 http://data.gdeltproject.org/gdeltv2/1.gkg.csv.zip\n", {}), "names no file: '12 3 http"),
        (LAST, (403, b"no", {}), "HTTP status 403: no"),
        (ALL, (404, b"no", {}), "HTTP status 404: no"),
    ],
)
def test_a_list_that_is_none_is_reported(gdelt, crawl, query, now, path, answer, told):
    gdelt.add(now - 3 * STEP, [row(now, 1)])
    crawl()
    gdelt.add(now, [row(now, 2)])
    before, gdelt.broken = cursor(query), {path: [answer] * 9}
    assert told in crawl(ok=False, RETRY_TIMES=1)
    assert cursor(query) == before
    gdelt.broken = {}
    gdelt.add(now, [row(now, 2)])


@pytest.mark.parametrize(
    "value", ['{"since": 1}', "[]", '{"since": "S", "until": "S", "missing": {"a": 1}}', '{"missing": [7]}']
)
def test_a_cursor_that_cannot_be_read_is_reported(gdelt, crawl, query, now, value):
    gdelt.add(now, [row(now, 1)])
    crawl()
    query("UPDATE cursors SET value = %s RETURNING 1", (value.replace("S", now.isoformat()),))
    assert "its cursor cannot be read" in crawl(ok=False)


def test_what_is_published_while_the_list_is_away_is_not_left_out(gdelt, crawl, query, now):
    gdelt.add(now - STEP, [row(now, 1)])
    gdelt.broken = {LAST: [(503, b"", {})] * 9}
    crawl(ok=False, RETRY_TIMES=1)
    gdelt.broken = {}
    gdelt.add(now, [row(now, 2)])
    gdelt.add(now + STEP, [row(now, 3)])
    crawl()
    assert query("SELECT count(*) FROM articles") == [(3,)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["country=fr"], "-a country=fr: only the search can do that, with -a query=: the bulk files do not name"),
        (["budget=5"], "-a budget=5: only the search can do that"),
        (["language=xx"], "-a language=xx: expected one of af, ar,"),
        (["query=ferry", "country=zz"], "-a country=zz: expected one of ad, ae,"),
        (["query= "], "-a query=: expected words to search for"),
        (["themes=WB 678"], "-a themes=WB 678: expected the names of themes, such as ELECTION"),
        (
            ["domains=https://bbc.co.uk/,b.example"],
            "-a domains=https://bbc.co.uk/: expected the names of sites, such as",
        ),
        (["theme=X"], "did you mean 'themes'?"),
    ],
)
def test_wrong_arguments_are_reported(gdelt, crawl, arguments, told):
    assert told in crawl(*arguments, ok=False)
    assert gdelt.asked == []


# --- The search -------------------------------------------------------------------------------------------------------


def test_a_search_with_more_than_it_gives_is_cut_into_slices(gdelt, crawl, query, now):
    gdelt.articles = [
        (now - timedelta(hours=1 + 20 * n / 300), f"Die Fähre {n} fährt heute wieder") for n in range(300)
    ]
    narrow = ["language=de", "country=de", "themes=ferry,PORT", "domains=hafen.example"]
    crawl("query=Fähre", *narrow, f"since={now - timedelta(hours=22):%Y-%m-%dT%H:%M}", f"until={now:%Y-%m-%dT%H:%M}")
    asked = [parse_qs(urlsplit(path).query)["query"][0] for path in gdelt.paths(API)]
    assert asked == ["Fähre sourcelang:deu sourcecountry:GM (theme:FERRY OR theme:PORT) domainis:hafen.example"] * 3
    assert query("SELECT count(*), min(language), min(origin), min(origin_rank) FROM articles") == [
        (300, "de", "gdelt/search", 5)
    ]
    assert query("SELECT DISTINCT data FROM sightings") == [({"publisher": "hafen.example", "country": "Germany"},)]


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ((200, b"{}", "application/json"), 0, "ok"),
        ((200, b"Your query was too short or too long.", "text/html; charset=utf-8"), 1, "Your query was too short"),
        ((200, b'{"status": "none"}', "application/json"), 1, "expected a list at 'articles'"),
    ],
)
def test_a_search_that_finds_nothing_or_fails_is_reported(gdelt, crawl, query, answer, code, told):
    gdelt.answer = answer
    crawl("query=x", ok=not code, RETRY_TIMES=0)
    (status,) = last_run(query)[1].values()
    assert told in status
    kept = cursor(query)
    assert (kept["since"] == kept["until"]) == bool(code), "the begin of a first run that failed is kept"


NEARLY_JSON = {
    "an escape that JSON does not have": ("runs again", r"L\'harbour runs", "L'harbour runs", True),
    "a raw control character": ("runs again", "runs\x0b\x00 \t again", "runs again", True),
    "bytes that are not UTF-8": ("runs again", "runs ag\udce9in", "runs agéin", True),
    "half an emoji": ("runs again", r"runs again \ud83d", "runs again", True),
    "a backslash at the end": ("runs again", "runs again\\", None, False),
    "a quote within": ("runs again", 'runs "again"', None, False),
}


@pytest.mark.parametrize("kind", NEARLY_JSON)
def test_one_title_that_is_not_json_costs_at_most_itself(gdelt, crawl, query, now, kind):
    right, written, title, is_kept = NEARLY_JSON[kind]
    gdelt.articles = [(now - timedelta(hours=1, minutes=n), f"Ferry {n} runs again") for n in range(10)]
    gdelt.written = lambda text: text.replace(f'"title": "Ferry 3 {right}"', f'"title": "Ferry 3 {written}"')
    crawl("query=ferry")
    stored = set(titles(query))
    assert stored >= {f"Ferry {n} runs again" for n in range(10) if n != 3}
    assert {each for each in stored if each.startswith("Ferry 3 ")} == ({f"Ferry 3 {title}"} if is_kept else set())
    assert len(gdelt.paths(API)) == 1
    (status,) = last_run(query)[1].values()
    assert status.startswith("ok")
    assert ("its JSON has" in status) == is_kept
    assert ("some of its records are not valid JSON" in status) == (not is_kept)
    left = query("SELECT payload ->> 'record' FROM rejects WHERE item_type = 'record'")
    assert ["Ferry-3" in text for (text,) in left] == ([] if is_kept else [True])
    assert datetime.fromisoformat(cursor(query)["until"]) > now - timedelta(minutes=30), "the cursor moves"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("The specified phrase is too short.", 1),
        ("One or more of your keywords were too short, too long or too common.\n", 1),
        ("Please limit requests to one every 5 seconds or contact us.", 3),
        ("<!DOCTYPE html><html><title>Bad gateway</title></html>", 3),
    ],
)
def test_what_the_search_says_in_words_is_asked_again_where_that_may_help(gdelt, crawl, query, text, times):
    gdelt.answer = (200, text.encode(), "text/html; charset=utf-8")
    crawl("query=x", ok=False)
    assert len(gdelt.paths(API)) == times
    (status,) = last_run(query)[1].values()
    assert text.strip()[:40] in status
