import subprocess
import sys
import zlib

import pytest

from newsbot.sources.catalogue import SelectionError, load, select
from newsbot.sources.model import Section, Source

ENTRY = """\
- id: {id}
  name: Example
  homepage: https://www.example.com/
  country: fr
  language: fr
  feeds: [https://www.example.com/{id}.xml]
"""


def source(name, country="fr", language="fr", **more):
    return Source(id=name, name=name.title(), homepage="https://x.example", country=country, language=language, **more)


CATALOGUE = {
    s.id: s
    for s in (
        source("lemonde"),
        source("lefigaro"),
        source("lesoir", country="be"),
        source("standaard", country="be", language="nl"),
        source("oldnews", enabled=False, reason="closed in 2020"),
    )
}


def ids(sources):
    return [source.id for source in sources]


def test_a_users_file_is_added_and_wins_as_a_whole(tmp_path):
    shipped = load()["bbc"]
    assert shipped.news_sitemaps
    file = tmp_path / "own.yaml"
    file.write_text(ENTRY.format(id="bbc") + ENTRY.format(id="example"))
    catalogue = load([file])
    assert catalogue["bbc"].feeds == ("https://www.example.com/bbc.xml",)
    assert catalogue["bbc"].news_sitemaps == ()
    assert catalogue["example"].name == "Example"
    assert len(catalogue) == len(load()) + 1


def test_of_two_files_the_later_wins_and_a_folder_is_read_by_name(tmp_path):
    (tmp_path / "a.yaml").write_text(ENTRY.format(id="one").replace("Example", "First"))
    (tmp_path / "b.yml").write_text(ENTRY.format(id="one").replace("Example", "Second"))
    (tmp_path / "notes.txt").write_text("no catalogue")
    assert load([tmp_path])["one"].name == "Second"
    assert load([tmp_path, tmp_path / "a.yaml"])["one"].name == "First"


def test_every_key_of_an_entry_arrives(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("""\
- id: full
  name: Full
  homepage: https://full.example/
  country: no
  language: no
  timezone: Europe/Oslo
  section: sport
  delay: 0
  feeds: [https://full.example/a.xml, https://full.example/b.xml]
  news_sitemaps: [https://full.example/news.xml.gz]
  sections:
    - url: https://full.example/
      items: article.teaser
      link: h2 a::attr(href)
      title: h2 ::text
      date: time::attr(datetime)
      summary: p
    - {url: https://full.example/more, items: li}
  sitemaps: [https://full.example/sitemap.xml]
  enabled: no
  reason: an example
""")
    assert load([file])["full"] == Source(
        id="full",
        name="Full",
        homepage="https://full.example/",
        country="no",
        language="no",
        timezone="Europe/Oslo",
        section="sport",
        delay=0.0,
        feeds=("https://full.example/a.xml", "https://full.example/b.xml"),
        news_sitemaps=("https://full.example/news.xml.gz",),
        sections=(
            Section(
                url="https://full.example/",
                items="article.teaser",
                link="h2 a::attr(href)",
                title="h2 ::text",
                date="time::attr(datetime)",
                summary="p",
            ),
            Section(url="https://full.example/more", items="li"),
        ),
        sitemaps=("https://full.example/sitemap.xml",),
        enabled=False,
        reason="an example",
    )


def test_five_thousand_sources_of_ones_own(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("".join(ENTRY.format(id=f"own-{number}") for number in range(5000)))
    assert len(load([file])) == 5000 + len(load())


def test_the_shipped_catalogue_loads_without_pydantic():
    code = "import sys; from newsbot.sources.catalogue import load; load(); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_arguments_all_that_is_enabled():
    assert ids(select(CATALOGUE)) == ["lemonde", "lefigaro", "lesoir", "standaard"]


def test_by_name_country_and_language():
    assert ids(select(CATALOGUE, sources=["standaard", "lemonde"])) == ["lemonde", "standaard"]
    assert ids(select(CATALOGUE, country="be")) == ["lesoir", "standaard"]
    assert ids(select(CATALOGUE, language="nl, fr", country="be,fr")) == ["lemonde", "lefigaro", "lesoir", "standaard"]
    assert ids(select(CATALOGUE, language="fr", country="be")) == ["lesoir"]


def test_shards_are_disjoint_and_complete():
    catalogue = load()
    shards = [ids(select(catalogue, shard=(index, 4))) for index in range(4)]
    assert sorted(name for shard in shards for name in shard) == sorted(ids(select(catalogue)))
    assert all(len(shard) > 20 for shard in shards)


def test_a_source_keeps_its_shard_from_release_to_release():
    catalogue = load()
    for name, index in (("bbc", 11), ("guardian", 5), ("lemonde", 1)):
        assert ids(select(catalogue, [name], shard=(index, 16))) == [name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sources": ["lemond"]}, r"'lemond' is unknown; near are 'lemonde'"),
        ({"sources": ["qqq"]}, r"'qqq' is unknown; `scrapy sources` lists all"),
        ({"sources": ["oldnews"]}, r"'oldnews' is disabled: closed in 2020"),
        ({"sources": ["lemond", "oldnews"]}, r"'lemond' is unknown.*'oldnews' is disabled"),
        ({"country": "uk"}, r"country: no source has 'uk'; the country code of 'uk' is 'gb'; there are be, fr"),
        ({"language": "fr,DE"}, r"language: no source has 'DE'; the language code of 'DE' is 'de'; there are fr, nl"),
        ({"shard": (4, 4)}, r"shard: expected i/n with 0 <= i < n, as 0/4, got 4/4"),
        ({"shard": (-1, 4)}, r"shard: expected i/n with 0 <= i < n, as 0/4, got -1/4"),
        ({"shard": (0, 0)}, r"shard: expected i/n with 0 <= i < n, as 0/4, got 0/0"),
        ({"sources": []}, r"no source is left: 5 in the catalogue, .* 0 of these named"),
        (
            {"country": "fr", "language": "nl"},
            r"no source is left: 5 in the catalogue, 0 of this country and language",
        ),
    ],
)
def test_a_wrong_selection_is_reported(arguments, said):
    with pytest.raises(SelectionError, match=said):
        select(CATALOGUE, **arguments)


def test_a_shard_may_be_empty():
    only = {"lemonde": CATALOGUE["lemonde"]}
    empty = next(index for index in range(2) if zlib.crc32(b"lemonde") % 2 != index)
    assert select(only, shard=(empty, 2)) == []
