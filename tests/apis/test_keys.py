"""Keys: a missing one, a wrong one, and none that shows anywhere."""

import re

import pytest
from processes import environment
from stand_ins import Guardian, Listing, NewsApi

SECRET = 'link/secret+of="mine"&yours'
SPELLINGS = ("secret+of", "secret%2Bof", "secret%2bof", "link\\/secret", "mine&quot;")


def test_a_missing_key_is_named(newsbot):
    bare = {name: value for name, value in environment().items() if name != "GUARDIAN_API_KEY"}
    ended = newsbot.run("guardian", Guardian(), env=bare)
    assert ended.returncode == 2
    assert ended.stderr.count("GUARDIAN_API_KEY is not set") == 1
    assert "Traceback" not in ended.stderr
    assert newsbot.query("SELECT * FROM runs") == []


def test_a_wrong_key_is_reported_once_and_tried_once(newsbot):
    guardian, index = Guardian(), NewsApi()
    guardian.key = index.key = "another-key"
    for spider, service, more in (("guardian", guardian, {}), ("newsapi", index, {"query": "harbour"})):
        crawled = newsbot.crawl(spider, service, **more)
        assert crawled.exit_code == 1
        assert re.match(r"the key in [A-Z_]+ is refused \(HTTP status 401: .*\*\*\*", crawled.outcomes[0][2])
        assert len(crawled.outcomes) == len(service.asked) == 1
        assert newsbot.query("SELECT * FROM cursors") == []


def everything(newsbot):
    """All content of the database, as text."""
    tables = newsbot.column("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return "\n".join(str(newsbot.column(f'SELECT t::text FROM "{table}" AS t')) for table in tables)


def test_a_key_is_never_shown_though_the_server_repeats_it(newsbot):
    """In links to the next page, in redirects, in records, in refused values, in errors."""
    service = Listing("link.example", "link")
    service.key = SECRET
    for n in range(1, 26):
        service.put(n, asked_by=SECRET, link=f"https://link.example/{n}?key=link%2Fsecret%2Bof%3D%22mine%22%26yours")
    service.put(26, id=None, note=SECRET)
    service.rows.insert(3, f"no record but {SECRET}")

    def move(count):
        if count == 2:
            service.reply = (
                302,
                b"",
                {
                    "Location": "https://link.example/"
                    + "rows?key=link%2Fsecret%2Bof%3D%22mine%22%26yours&after=token-0"
                },
            )
        if count == 3:
            service.reply = None
        if count == 4:
            service.reply = 500, {"error": f"boom for {SECRET}"}, {"X-Key": "x"}
        if count == 5:
            service.reply = None
        if count == 7:
            service.reply = 400, {"error": f"no more for {SECRET}"}, {}

    service.before = move
    env = environment(LINK_KEY=SECRET)
    run = [
        newsbot.run(
            "link",
            service,
            env=env,
            options=("-L", "DEBUG"),
            settings={"SPIDER_MODULES": "newsbot.spiders,made_up_apis"},
        )
    ]
    service.key = "another"
    run.append(
        newsbot.run(
            "link",
            service,
            env=env,
            options=("-L", "DEBUG"),
            settings={"SPIDER_MODULES": "newsbot.spiders,made_up_apis"},
        )
    )
    assert len(newsbot.column("SELECT key FROM records")) == 25, run[0].stderr[-3000:]
    assert newsbot.column("SELECT exit_code FROM runs ORDER BY started_at") == [0, 1]
    assert all(query["key"] == SECRET for _, query in service.asked)
    shown = "".join(each.stdout + each.stderr for each in run) + everything(newsbot)
    assert "DEBUG" in shown
    assert "***" in shown
    assert [spelling for spelling in SPELLINGS if spelling in shown] == []


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_the_end_of_a_line_is_not_part_of_a_key(newsbot, end):
    service = Listing("link.example", "link")
    service.put(1, note=SECRET)
    service.key = SECRET
    assert newsbot.crawl("made_up_apis:Link", service, environment={"LINK_KEY": SECRET + end}).exit_code == 0
    assert newsbot.column("SELECT data ->> 'note' FROM records") == ["***"]
    blank = newsbot.crawl("made_up_apis:Link", service, environment={"LINK_KEY": end})
    assert "LINK_KEY is not set" in blank.error


def test_the_key_goes_to_its_host_alone(newsbot):
    ours, theirs = Listing("link.example", "link"), Listing("elsewhere.example", "link")
    ours.put(1)
    theirs.put(2)
    ours.reply = 302, b"", {"Location": "https://elsewhere.example/rows"}
    newsbot.crawl("made_up_apis:Link", ours, theirs, environment={"LINK_KEY": SECRET})
    assert [query for _, query in ours.asked] == [{"key": SECRET}]
    assert [query for _, query in theirs.asked] == [{}]


def test_a_header_from_the_environment_is_a_key(newsbot):
    service = Listing("link.example", "link")
    service.key = SECRET
    for n in range(1, 26):
        service.put(n, note=f"asked by {SECRET}")
    settings = {"SPIDER_MODULES": "newsbot.spiders,made_up_apis"}
    missing = newsbot.run("sealed", service, env=environment(), settings=settings)
    assert (missing.returncode, "LINK_KEY is not set" in missing.stderr) == (2, True)
    env = environment(LINK_KEY=SECRET)
    run = [newsbot.run("sealed", service, env=env, options=("-L", "DEBUG"), settings=settings)]
    service.key = "another"
    run.append(newsbot.run("sealed", service, env=env, options=("-L", "DEBUG"), settings=settings))
    assert newsbot.column("SELECT count(*) FROM records WHERE data ->> 'note' = 'asked by ***'") == [25]
    assert newsbot.column("SELECT exit_code FROM runs ORDER BY started_at") == [0, 1]
    shown = "".join(each.stdout + each.stderr for each in run) + everything(newsbot)
    assert [spelling for spelling in SPELLINGS if spelling in shown] == []


def test_a_header_from_the_environment_goes_to_its_host_alone(newsbot):
    ours, theirs = Listing("link.example", "link"), Listing("elsewhere.example", "link")
    ours.reply = 302, b"", {"Location": "https://elsewhere.example/rows"}
    theirs.key = SECRET
    assert newsbot.crawl("made_up_apis:Sealed", ours, theirs, environment={"LINK_KEY": SECRET}).exit_code == 1
    assert len(theirs.asked) == 1
