"""The Exoplanet Archive: all planets, typed, with units; old values are kept."""

from stand_ins import Exoplanets


def test_exoplanets(newsbot):
    archive = Exoplanets()
    for n in range(300):
        archive.put(f"Made-up {n} b", sy_snum="2", pl_orbper=f"{n}.5", st_teff=None)
    assert newsbot.crawl("exoplanets", archive).new == 300
    ((data,),) = newsbot.query("SELECT data FROM records WHERE key = 'Made-up 7 b'")
    assert len(data) == 30
    assert (data["sy_snum"], data["pl_orbper"], data["st_teff"], data["disc_year"]) == (2, 7.5, None, 2020)
    ((columns,),) = newsbot.query("SELECT columns FROM datasets WHERE name = 'exoplanets'")
    assert columns["pl_orbper"] == {"type": "number", "unit": "days", "description": "orbital period"}

    archive.put("Made-up 7 b", sy_snum="2", pl_orbper="8.25")
    archive.put("Made-up 300 b", sy_snum="many")
    again = newsbot.crawl("exoplanets", archive)
    assert (again.new, again.changed, again.unchanged) == (1, 1, 299)
    assert newsbot.query("SELECT old, new FROM record_revisions") == [({"pl_orbper": 7.5}, {"pl_orbper": 8.25})]
    assert newsbot.query("SELECT field, reason FROM rejects") == [("sy_snum", "'many' is not an integer")]
    assert len(archive.asked) == 2


def test_planets_that_are_not_there_any_more_are_named(newsbot):
    archive = Exoplanets()
    for n in range(30):
        archive.put(f"Made-up {n:02} b")
    newsbot.crawl("exoplanets", archive)
    for n in (3, 7):
        del archive.planets[f"Made-up {n:02} b"]
    crawled = newsbot.crawl("exoplanets", archive)
    assert crawled.exit_code == 0
    assert "2 of the 30 former records did not come, as Made-up 03 b, Made-up 07 b; they stay" in crawled.outcomes[0][2]
    assert newsbot.column("SELECT count(*) FROM records") == [30]


def test_an_archive_without_planets_is_a_failure(newsbot):
    archive = Exoplanets()
    first = newsbot.crawl("exoplanets", archive)
    assert (first.exit_code, first.outcomes[0][1]) == (1, False)
    assert "expected at least 1 records, got 0" in first.outcomes[0][2]
    archive.put("Made-up 1 b")
    assert newsbot.crawl("exoplanets", archive).exit_code == 0
    archive.planets.clear()
    assert newsbot.crawl("exoplanets", archive).exit_code == 1
    assert newsbot.column("SELECT key FROM records") == ["Made-up 1 b"]


def test_an_error_of_the_archive_comes_as_a_table_with_status_200(newsbot):
    archive = Exoplanets()
    archive.problem = 'ORA-00904: "PL_NAMES": invalid identifier &amp; so on'
    crawled = newsbot.crawl("exoplanets", archive)
    assert crawled.exit_code == 1
    assert crawled.outcomes[0][2] == 'says: ORA-00904: "PL_NAMES": invalid identifier & so on'
    assert len(archive.asked) == 1, "asked again, it says the same"
