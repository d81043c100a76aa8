"""The Exoplanet Archive: all planets, typed, with units; what changed is kept."""

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
    assert newsbot.query("SELECT field, reason FROM rejects") == [("sy_snum", "'many' is no integer")]
    assert len(archive.asked) == 2
