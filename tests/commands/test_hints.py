"""A wrong command names its remedy, in a line, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def scrapy(*arguments, folder=ROOT):
    command = [sys.executable, "-m", "scrapy", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["source"], "(did you mean 'sources'?)"),
        (["sql", "SELECT 1"], "`scrapy db sql`"),
        (["headlines"], "scrapy crawl headlines"),
        (["run", "headlines"], "to crawl it: scrapy crawl headlines"),
        (["sorces", "bbc"], "(did you mean 'sources'?)"),
        (["db", "slq"], "(did you mean 'sql'?)"),
        (["db", "sql"], 'scrapy db sql "SELECT '),
        (["db", "size", "--cvs"], "(did you mean '--csv'?)"),
        (["cursors", "rest", "guardian"], "(did you mean 'reset'?)"),
        (["schedule", "own.yaml"], "`scrapy schedule check own.yaml`"),
        (["api", "worldbank"], "`scrapy api try worldbank`"),
        (["sources", "bbc"], "scrapy crawl headlines -a sources=bbc"),
        (["sources", "--contry", "fr"], "(did you mean '--country'?)"),
        (["sources", "--country", "fr,"], "expected 'fr'"),
        (["sources", "--country", "France"], "the country code of 'France' is 'fr'"),
        (["genspider", "local"], "scrapy genspider local www.example.com/news"),
        (["crawl"], "`scrapy list` shows them"),
        (["crawl", "Headlines"], "did you mean headlines?"),
        (["crawl", "bbc"], "write: scrapy crawl headlines -a sources=bbc"),
        (["crawl", "https://www.bbc.co.uk/news"], "write: scrapy crawl headlines -a sources=bbc"),
        (["crawl", "worldbank"], "write: scrapy crawl api -a config=worldbank"),
        (["crawl", "presidentielle-2017"], "write: scrapy crawl dataset -a config=presidentielle-2017"),
        (["crawl", "headlines", "-a", "bbc"], "did you mean `scrapy crawl headlines -a sources=bbc`?"),
        (["crawl", "headlines", "bbc"], "write: scrapy crawl headlines -a sources=bbc"),
        (["crawl", "headlines", "country=fr"], "written -a country=fr"),
        (["crawl", "headlines", "--country", "fr"], "written -a country=VALUE"),
        (["sources", "guardain"], "(did you mean 'guardian'?)"),
        (["sources", "de"], "scrapy sources --country de or --language de"),
        (["start"], "write: make serve"),
        (["serve"], "write: make serve"),
        (["demo"], "write: make demo"),
        (["deploy"], "write: make deploy TARGET="),
        (["status"], "write: scrapy sources --status"),
        (["help"], "write: scrapy -h"),
        (["db"], 'expected: scrapy db url | sql "SELECT ..." | size | '),
        (["db", "backup", "x.dump"], "write: scrapy db dump FILE"),
        (["db", "status"], "write: scrapy db size"),
        (["db", "query", "SELECT 1"], 'write: scrapy db sql "SELECT ..."'),
        (["db", "select"], 'write: scrapy db sql "SELECT ..."'),
        (["db", "export", "x.csv"], 'write: scrapy db sql "SELECT ..." --csv'),
        (["db", "size", "articles"], "size takes no argument"),
        (["db", "prune", "now"], "prune takes no argument"),
        (["crawl", "headlines", "-a", "sources", "bbc"], "did you mean `-a sources=bbc`?"),
        (["crawl", "headlines", "-a", "source", "bbc"], "did you mean `-a sources=bbc`?"),
        (["crawl", "headlines", "-a", "sources:bbc"], "did you mean `-a sources=bbc`?"),
        (["crawl", "headlines", "-a", "due"], "did you mean `-a due=1`?"),
        (["crawl", "headlines", "-a", "sources=bbc,", "lemonde"], "-a sources=bbc,lemonde"),
        (["crawl", "headlines", "-a", "sources=bbc", "-a", "sources=lemonde"], "write -a sources=bbc,lemonde"),
        (["crawl", "headlines", "-s", "sources=bbc"], "write -a sources=bbc"),
        (["crawl", "headlines", "-sources=bbc"], "write -a sources=bbc"),
        (["crawl", "headlines", "-L", "verbose"], "expected DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        (["crawl", "headlines", "--logfile", "nofolder/x.log"], "the folder nofolder does not exist"),
    ],
)
def test_a_wrong_use_is_reported_in_a_line(arguments, mend):
    run = scrapy(*arguments)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert mend in line
    assert run.stdout == ""


@pytest.mark.parametrize(
    ("spider", "argument", "mend"),
    [
        ("headlines", "sources=BBC", "that is 'bbc'"),
        ("headlines", "sources=https://www.bbc.co.uk/news", "that is 'bbc'"),
        ("headlines", "sources=www.lemonde.fr", "that is 'lemonde'"),
        ("headlines", "sources=Le Monde", "that is 'lemonde'"),
        ("headlines", "sources=nowhere.example", "`-a catalogue=FILE` adds your own"),
        ("headlines", "sources=bbc;lemonde", "write sources=bbc,lemonde"),
        ("headlines", "sources=bbc lemonde", "write sources=bbc,lemonde"),
        ("headlines", "sources=bbc+lemonde", "write sources=bbc,lemonde"),
        ("headlines", "sources=['bbc','lemonde']", "write sources=bbc,lemonde"),
        ("headlines", "sources=all", "leave `sources` out"),
        ("headlines", "sources=*", "leave `sources` out"),
        ("headlines", "sources=fr", "`-a country=fr`"),
        ("headlines", "sources=uk", "`-a country=gb`"),
        ("headlines", "sources=own.yaml", "`-a catalogue=own.yaml`"),
        ("headlines", "sources=worldbank", "write: scrapy crawl api -a config=worldbank"),
        ("headlines", "sources=frankfurter", "write: scrapy crawl frankfurter"),
        ("headlines", "sources=presidentielle-2017", "write: scrapy crawl dataset -a config=presidentielle-2017"),
        ("headlines", "country=uk", "no source has 'uk'; the country code of 'uk' is 'gb'"),
        ("headlines", "country=en", "'en' is a language: write language=en"),
        ("headlines", "country=Germnay", "the country code 'de'"),
        ("headlines", "country=fr;be", "write country=fr,be"),
        ("headlines", "language=fr / de", "write language=fr,de"),
        ("headlines", "country=FR", "the country code of 'FR' is 'fr'"),
        ("headlines", "language=english", "the language code of 'english' is 'en'"),
        ("headlines", "language=en-GB", "the language code of 'en-GB' is 'en'"),
        ("headlines", "country=fr,,be", "expected 'be,fr'"),
        ("gdelt", "country=uk", "the country code of 'uk' is 'gb'"),
        ("gdelt", "language=French", "the language code of 'French' is 'fr'"),
    ],
)
def test_a_wrong_argument_prints_its_message_alone(spider, argument, mend):
    run = scrapy("crawl", spider, "-a", argument)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"scrapy crawl {spider}: ")
    assert mend in line


def test_the_known_codes_are_listed_only_where_no_code_is_meant():
    assert "there are" not in scrapy("sources", "--country", "uk").stderr
    assert "there are at, au, " in scrapy("sources", "--country", "uk,qq").stderr


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("- id: a\n  name: Le Monde: the paper\n", "quote the whole value"),
        ("- id: a\n  name: 'L'Equipe'\n", "quote the whole value"),
        ("- id: a\n  name: @home\n", "in quotes"),
        ("- id: a\n  name: *home\n", "in quotes"),
        ('- id: a\n  name: "A\n', "close the quotes"),
        ("- id: a\n   name: A\n", "indent"),
        ("- id: a\nname: A\n", "indent"),
        ("- id: a\n\tname: A\n", "indent with blanks"),
        ("- id: a\n  feeds:\n  https://a.example/feed\n", "indent"),
        ("-id: a\n  name: A\n", "a hyphen and a blank"),
        ("- id: a\n  name:A\n  country: fr\n", "a blank after the colon"),
    ],
)
def test_yaml_that_cannot_be_read(tmp_path, text, mend):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    run = scrapy("sources", "-a", f"catalogue={file}")
    assert run.returncode == 2
    assert mend in run.stderr.splitlines()[-1]


def test_a_hint_stands_without_the_usage():
    assert scrapy("db", "slq").stderr.endswith("(did you mean 'sql'?)\n")


def test_a_catalogue_is_an_argument_of_headlines(tmp_path):
    (tmp_path / "own.yaml").write_text("- {id: own, name: Own}\n")
    run = scrapy("crawl", str(tmp_path / "own.yaml"))
    assert (run.returncode, f"write: scrapy crawl headlines -a catalogue={tmp_path}/own.yaml" in run.stderr) == (
        2,
        True,
    )


def test_a_folder_is_not_a_target_of_make():
    run = subprocess.run(["make", "tests"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2
    assert run.stderr.startswith("No rule to make 'tests', a folder; make test runs the tests")


def test_a_log_begins_with_what_the_run_does(tmp_path):
    file = tmp_path / "own.yaml"
    home = "http://127.0.0.1:1/"
    file.write_text(f"- {{id: own, name: Own, homepage: '{home}', country: fr, language: fr, feeds: ['{home}feed']}}\n")
    given = ["-a", "sources=own", "-a", f"catalogue={file}", "-s", "ALLOW_PRIVATE_HOSTS=127.0.0.1"]
    command = ["crawl", "headlines", *given, "-s", "RETRY_TIMES=0"]
    log = scrapy(*command).stderr
    assert f"INFO: Crawling headlines with sources=own catalogue={file}" in "".join(log.splitlines()[:2])
    assert not any(text in log for text in ("Overridden settings", "Enabled ", "Versions:"))
    debug = scrapy(*command, "-L", "DEBUG").stderr
    assert all(text in debug for text in ("Overridden settings", "Enabled item pipelines", "Versions:"))
