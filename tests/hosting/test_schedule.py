"""The schedule file: its entries, and the reports on wrong ones."""

import os
from importlib import resources
from pathlib import Path

import pytest
import yaml

from newsbot.hosting.schedule import MAX_RETRIES, Entry, ScheduleError, read, schema

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "scrapyd/schedule.yaml"

GOOD = {"name": "pulse", "spider": "headlines", "every": "5m"}
CLOCKLESS = GOOD | {"every": None}


def entry(base=GOOD, **changes):
    """An entry as text; None leaves a key out."""
    pairs = [f"{key}: {value}" for key, value in (base | changes).items() if value is not None]
    return "- " + "\n  ".join(pairs) + "\n"


@pytest.fixture
def written(tmp_path):
    def written(content):
        file = tmp_path / "own.yaml"
        file.write_text(content)
        return file

    return written


@pytest.fixture
def faults(written):
    """The faults of a file of this content, without its folder."""

    def faults(content, spiders=None):
        file = written(content)
        with pytest.raises(ScheduleError) as caught:
            read(file, spiders)
        assert str(caught.value).splitlines()[1:] == list(caught.value.faults)
        return [fault.removeprefix(f"{file.parent}{os.sep}") for fault in caught.value.faults]

    return faults


# --- Right files ------------------------------------------------------------------------------------------------------


def test_every_key_is_read_and_texts_stay_as_written(written):
    [found] = read(
        written("""\
- name: morning.news_1-fr
  spider: headlines
  args: {due: 1, country: no, ratio: 1.50, on: yes, empty: '', when: 2026-01-01}
  settings: {LOG_LEVEL: INFO, MY_DELAY: 0x10}
  cron: "*/15 6-9 * * mon-FRI"
  timezone: Europe/Paris
  jitter: 1m30s
  overlap: queue
  catch_up: none
  retries: 3
  backoff: 0.5s
  timeout: 1h30m
  priority: -1.5
  node: big server
  enabled: no
""")
    )
    assert found == Entry(
        name="morning.news_1-fr",
        spider="headlines",
        args={"due": "1", "country": "no", "ratio": "1.50", "on": "yes", "empty": "", "when": "2026-01-01"},
        settings={"LOG_LEVEL": "INFO", "MY_DELAY": "0x10"},
        cron="*/15 6-9 * * mon-FRI",
        timezone="Europe/Paris",
        jitter=90.0,
        overlap="queue",
        catch_up="none",
        retries=3,
        backoff=0.5,
        timeout=5400.0,
        priority=-1.5,
        node="big server",
        enabled=False,
    )


def test_what_is_left_out(written):
    [found] = read(written(entry()))
    assert found.model_dump() == {
        "name": "pulse",
        "spider": "headlines",
        "args": {},
        "settings": {},
        "command": (),
        "cron": None,
        "every": 300.0,
        "timezone": "UTC",
        "jitter": 0.0,
        "after": (),
        "overlap": "skip",
        "catch_up": "once",
        "retries": 0,
        "backoff": 10.0,
        "timeout": None,
        "priority": 0.0,
        "node": None,
        "enabled": True,
    }
    assert Entry(**found.model_dump()) == found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("30s", 30),
        ("5m", 300),
        ("300", 300),
        ("1h", 3600),
        ("1d", 86_400),
        ("1h30m", 5400),
        ("1d2h3m4s", 93_784),
    ],
)
def test_durations(written, text, seconds):
    assert read(written(entry(every=text)))[0].every == seconds


@pytest.mark.parametrize("text", ["0", "0s"])
def test_no_jitter(written, text):
    assert read(written(entry(jitter=text)))[0].jitter == 0


@pytest.mark.parametrize(
    ("nickname", "fields"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@ANNUALLY", "0 0 1 1 *"),
    ],
)
def test_nicknames_stand_for_fields(written, nickname, fields):
    assert read(written(entry(CLOCKLESS, cron=f"'{nickname}'")))[0].cron == fields


@pytest.mark.parametrize("cron", ["0 0 30 2 MON", "0 0 29 2 *", "0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * 1#5"])
def test_rare_and_extended_crons_are_valid(written, cron):
    assert read(written(entry(CLOCKLESS, cron=f"'{cron}'")))[0].cron == cron


@pytest.mark.parametrize(("after", "names"), [("first", ("first",)), ("[first, pulse]", ("first", "pulse"))])
def test_after_one_or_several(written, after, names):
    content = entry() + entry(name="first") + entry(CLOCKLESS, name="last", after=after)
    assert read(written(content))[-1].after == names


def test_a_command_in_place_of_a_spider(written):
    [found] = read(written(entry(spider=None, command="[db, prune]", settings="{REJECTS_DAYS: 7}")), ["headlines"])
    assert (found.work, found.command, found.spider) == ("db prune", ("db", "prune"), None)
    assert found.settings == {"REJECTS_DAYS": "7"}


def test_names_are_told_apart_by_their_case(written):
    assert [found.name for found in read(written(entry() + entry(name="Pulse")))] == ["pulse", "Pulse"]


def test_a_schedule_of_nothing(written):
    assert read(written("[]")) == []


def test_ten_thousand_entries(written):
    names = [f"job-{number}" for number in range(10_000)]
    content = entry(name=names[0]) + "".join(
        entry(CLOCKLESS, name=name, cron=f"'{number % 60} */2 * * *'", timezone="Asia/Tokyo", after=names[number])
        for number, name in enumerate(names[1:])
    )
    assert [found.name for found in read(written(content), ["headlines"])] == names


# --- Wrong files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "line", "key", "said"),
    [
        ({"crn": "1"}, 4, "crn", "unknown key; perhaps 'cron'; the keys are name, spider, args,"),
        ({"spider": None}, 1, "spider", "missing; the spider to run"),
        ({"spider": "headlins"}, 2, "spider", "'headlins': no such spider; perhaps 'headlines'; there are headlines"),
        ({"spider": ""}, 2, "spider", "None: expected a text"),
        ({"every": None}, 1, "", "never fires; give cron, every or after"),
        ({"cron": "0 0 * * *"}, 3, "every", "beside cron; expected one of the two"),
        ({"every": "5 m"}, 3, "every", "'5 m': expected a number with its unit, as 30s, 5m, 1h, 1d or 1h30m"),
        ({"every": "1.5"}, 3, "every", "'1.5': its unit is missing; expected 1.5s, 1.5m, 1.5h or 1.5d"),
        ({"every": "300 s"}, 3, "every", "'300 s': expected a number with its unit"),
        ({"every": "30m1h"}, 3, "every", "'30m1h': expected a number with its unit"),
        ({"every": "-5m"}, 3, "every", "'-5m': expected a number with its unit"),
        ({"every": "''"}, 3, "every", "'': expected a number with its unit"),
        ({"every": "[5m]"}, 3, "every", "['5m']: expected a number with its unit"),
        ({"every": "0.9s"}, 3, "every", "'0.9s': 1s is the least"),
        ({"every": "0"}, 3, "every", "'0': 1s is the least"),
        ({"every": "366d"}, 3, "every", "'366d': expected 0 to 365d"),
        ({"jitter": "5m"}, 4, "jitter", "'5m': expected less than `every`"),
        ({"jitter": "-1s"}, 4, "jitter", "'-1s': expected a number with its unit"),
        ({"timeout": "0"}, 4, "timeout", "'0': expected more than 0"),
        ({"timeout": "0s"}, 4, "timeout", "'0s': expected more than 0"),
        ({"timeout": "-1h"}, 4, "timeout", "'-1h': expected a number with its unit"),
        ({"backoff": "soon"}, 4, "backoff", "'soon': expected a number with its unit"),
        ({"retries": "-1"}, 4, "retries", "'-1': expected 0 or more"),
        ({"retries": "101"}, 4, "retries", f"'101': expected {MAX_RETRIES} or less"),
        ({"retries": "many"}, 4, "retries", "'many': expected a whole number"),
        ({"priority": "nan"}, 4, "priority", "'nan': expected a finite number"),
        ({"enabled": "perhaps"}, 4, "enabled", "'perhaps': expected true or false"),
        ({"overlap": "wait"}, 4, "overlap", "'wait': expected 'skip', 'queue' or 'replace'"),
        ({"catch_up": "all"}, 4, "catch_up", "'all': expected 'once' or 'none'"),
        ({"timezone": "Europe/Berln"}, 4, "timezone", "expected an IANA time zone, as 'Europe/Berlin'; perhaps"),
        ({"timezone": "CEST"}, 4, "timezone", "'CEST': expected an IANA time zone"),
        ({"node": "''"}, 4, "node", "'': expected a text that is not empty"),
        ({"args": "[due]"}, 4, "args", "['due']: expected a mapping, `key: value` on each line"),
        ({"args": "{due: [1]}"}, 4, "args.due", "['1']: expected a plain value"),
        ({"args": "{due: {a: b}}"}, 4, "args.due", "{'a': 'b'}: expected a plain value"),
        ({"args": "{due: }"}, 4, "args.due", "None: expected a plain value, as 1 or some words; '' is the empty one"),
        ({"args": "\n    due: 1\n    1st: 2"}, 6, "args.1st", "'1st': expected ASCII letters, digits and _"),
        ({"settings": "{LOG-LEVEL: INFO}"}, 4, "settings.LOG-LEVEL", "'LOG-LEVEL': expected ASCII letters, digits"),
        ({"settings": "{RETRY_TIMES: many}"}, 4, "settings.RETRY_TIMES", "RETRY_TIMES=many: expected a number"),
        ({"settings": "{REJECT_DAYS: 3}"}, 4, "settings.REJECT_DAYS", "did you mean REJECTS_DAYS?"),
        ({"after": "[]"}, 4, "after", "[]: expected one name or a list of names"),
        ({"after": "{pulse: 1}"}, 4, "after", "{'pulse': '1'}: expected one name or a list of names"),
        ({"after": "puls"}, 4, "after", "'puls': no entry has this name; perhaps 'pulse'"),
        ({"after": "pulse"}, 4, "after", "'pulse': it cannot wait for itself"),
        ({"command": "[db, prune]"}, 4, "command", "beside spider; expected one of the two"),
        ({"spider": None, "command": "[db, stop]"}, 3, "command", "['db', 'stop']: expected [db, prune] or [db, size]"),
        ({"spider": None, "command": "[db, sql, DROP]"}, 3, "command", "expected [db, prune] or [db, size]"),
        ({"spider": None, "command": "db prune"}, 3, "command", "'db prune': expected [db, prune] or [db, size]"),
        ({"spider": None, "command": "[]"}, 3, "command", "[]: expected [db, prune] or [db, size]"),
        ({"spider": None, "command": "[db, {prune: 1}]"}, 3, "command", "expected [db, prune] or [db, size]"),
        ({"spider": None, "command": "[db, prune]", "args": "{due: 1}"}, 4, "args", "beside command; arguments are"),
    ],
)
def test_a_wrong_value_is_reported_with_line_entry_key_value_and_the_expected_value(faults, changes, line, key, said):
    [fault] = (
        faults(entry(**changes), ["headlines"])[-1:]
        if changes.get("spider") == ""
        else faults(entry(**changes), ["headlines"])
    )
    assert fault.startswith(f"own.yaml:{line}: entry 1 (pulse): {key}{': ' if key else ''}"), fault
    assert said in fault


@pytest.mark.parametrize("name", ["'a b'", "-a", "a/b", "'..'", "é", "a" * 65, "'a\n\n  '"])
def test_a_name_that_is_none(faults, name):
    [fault] = faults(entry(name=name))
    assert fault.startswith("own.yaml:1: entry 1 (")
    assert "expected 1 to 64 ASCII letters, digits, '_', '.' and '-', a letter or digit first" in fault


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("60 * * * *", "the minute '60' is wrong; expected 0-59, also as *, 1-5, 1,3 or */2"),
        ("0 24 * * *", "the hour '24' is wrong; expected 0-23"),
        ("0 0 0 * *", "the day-of-month '0' is wrong; expected 1-31, L"),
        ("0 0 * 13 *", "the month '13' is wrong; expected 1-12 or JAN-DEC"),
        ("0 0 * * 8", "the day-of-week '8' is wrong; expected 0-7 (0 and 7 are Sunday) or SUN-SAT"),
        ("0 0 * * FRI-MON", "the day-of-week 'FRI-MON' is wrong"),
        ("*/0 * * * *", "the minute '*/0' is wrong"),
        ("5- * * * *", "the minute '5-' is wrong"),
        ("0 0 * * 1#6", "the day-of-week '1#6' is wrong"),
        ("x 25 * * *", "the minute 'x' is wrong"),
        ("* * * *", "expected five fields, minute hour day-of-month month day-of-week, as '30 6 * * MON-FRI'"),
        ("0 * * * * *", "expected five fields"),
        ("''", "expected five fields"),
        ("9" * 5000 + " * * * *", "expected five fields"),
        (
            "@reboot",
            "expected five fields or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly",
        ),
        ("@dayly", "@hourly; perhaps '@daily'"),
        ("0 0 30 2 *", "this never fires: no such day comes in these months"),
        ("0 0 31 4,6,9,11 *", "this never fires"),
        ("* * */20 * 1L", "this never fires"),
    ],
)
def test_a_wrong_cron_is_reported_with_the_field_and_the_expected_value(faults, cron, said):
    [fault] = faults(entry(CLOCKLESS, cron=f'"{cron}"'))
    assert fault.startswith("own.yaml:3: entry 1 (pulse): cron: '" if cron != "''" else "own.yaml:3: ")
    assert said in fault


@pytest.mark.parametrize("cron", ["*/5 * * * *", "* * * * *", "@daily"])
def test_a_cron_that_lacks_its_quotes(faults, cron):
    [fault] = faults(entry(CLOCKLESS, cron=cron))
    assert fault.startswith("own.yaml:3: not YAML: ")
    assert fault.endswith("; put a value that begins so in quotes")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "own.yaml:1: empty; expected a list of entries, each beginning with `- name: `"),
        ("# nothing yet\n", "own.yaml:1: empty"),
        ("{}", "own.yaml:1: empty"),
        ("name: pulse\n", "own.yaml:1: not a list; expected a list of entries"),
        ("- name: [a\n", "own.yaml:2: not YAML: did not find expected ',' or ']'"),
        ("- pulse\n", "own.yaml:1: none of its keys is known; the keys are name, spider, args"),
        ("- pulse\n- name: a\n", "own.yaml:1: entry 1: 'pulse': expected a mapping"),
        ("- name: a\n  name: b\n", "own.yaml:1: entry 1 (b): never fires"),
    ],
)
def test_a_file_that_is_not_a_schedule(faults, content, said):
    assert faults(content)[0].startswith(said)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ScheduleError) as caught:
        read(tmp_path / "own.yaml")
    assert caught.value.faults == (f"{tmp_path / 'own.yaml'}: No such file or directory; expected a schedule file",)


def test_one_key_twice_and_one_name_twice(faults):
    assert faults(entry() + "  every: 6m\n" + entry()) == [
        "own.yaml:4: entry 1 (pulse): every: appears twice; expected once",
        "own.yaml:5: entry 2 (pulse): name: 'pulse' is also the name of entry 1; each needs its own",
    ]


def test_cycles_are_shown_each_once(faults):
    content = "".join(
        entry(name=name, after=after)
        for name, after in [("a", "b"), ("b", "[d, c]"), ("c", "[a, x]"), ("d", "e"), ("e", "d"), ("f", "a")]
    )
    assert faults(content) == [
        "own.yaml:4: entry 1 (a): after: a cycle: a after b after c after a; none of them would ever start",
        "own.yaml:12: entry 3 (c): after[1]: 'x': no entry has this name",
        "own.yaml:16: entry 4 (d): after: a cycle: d after e after d; none of them would ever start",
    ]


def test_a_long_cycle_is_cut_in_the_message(faults):
    names = [f"job-{number}" for number in range(10_000)]
    [fault] = faults("".join(entry(name=name, after=names[number - 1]) for number, name in enumerate(names)))
    assert "a cycle: job-0 after job-9999 after job-9998 after " in fault
    assert len(fault) < 300


def test_entries_that_are_wrong_elsewhere_are_looked_at_whole_too(faults):
    content = entry(CLOCKLESS, name="a", retries="x", after="b") + entry(name="b", jitter="x", after="a", spider="y")
    assert [fault.split(": ")[0] + ": " + fault.split(": ")[2] for fault in faults(content, ["headlines"])] == [
        "own.yaml:3: retries",
        "own.yaml:4: after",
        "own.yaml:6: spider",
        "own.yaml:8: jitter",
    ]


def test_ten_thousand_wrong_entries_are_all_reported(faults):
    content = "".join(
        entry(name=f"job-{number}", timezone="Europe/Berln", after=f"jb-{number}") for number in range(10_000)
    )
    assert len(faults(content)) == 20_000


# --- The shipped schedule and the schema ------------------------------------------------------------------------------


def test_the_shipped_schedule_is_valid_and_shows_all_keys():
    found = {each.name: each for each in read(SHIPPED, ["headlines"])}
    assert any(each.every == 300 and each.args == {"due": "1"} for each in found.values())
    daily = next(each for each in found.values() if each.after)
    assert daily.cron.endswith("* * *")
    assert [found[name].cron for name in daily.after] == ["*/30 * * * *"]
    assert [each.cron for each in found.values() if each.command == ("db", "prune")] == ["20 4 * * *"]


def test_the_shipped_schedule_names_the_schema_for_editors():
    [key] = [
        line for line in SHIPPED.read_text("utf-8").splitlines()[:1] if line.startswith("# yaml-language-server: ")
    ]
    assert (SHIPPED.parent / key.partition("$schema=")[2]).samefile(ROOT / "newsbot/hosting/schedule.schema.json")


def test_the_published_schema_is_current():
    published = (resources.files("newsbot.hosting") / "schedule.schema.json").read_text("utf-8")
    assert published == schema(), "run: python -m newsbot.hosting.schedule > newsbot/hosting/schedule.schema.json"


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(yaml.safe_load(schema()))
    return jsonschema.Draft202012Validator(yaml.safe_load(schema()))


def test_the_shipped_schedule_fits_the_schema(validator):
    validator.validate(yaml.safe_load(SHIPPED.read_text("utf-8")))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"jitter": "0"},
        {"jitter": "1h30m", "every": "1d"},
        {"args": "{due: 1, country: 'no', fast: true}"},
        {"after": "pulse-2", "every": None},
        {"after": "[pulse-2]"},
        {"every": None, "cron": "'@Daily'"},
        {"every": None, "cron": "'0 0 * * *'", "after": "pulse-2"},
        {"timeout": "1.5h", "backoff": "0", "priority": "-1.5", "enabled": "false"},
        {"spider": None, "command": "[db, prune]"},
    ],
)
def test_valid_values_fit_the_schema(validator, written, changes):
    content = entry(**changes) + entry(name="pulse-2")
    read(written(content))
    validator.validate(yaml.safe_load(content))


@pytest.mark.parametrize(
    "changes",
    [
        {"every": None},
        {"cron": "'@daily'"},
        {"every": "300 s"},
        {"every": "''"},
        {"crn": "1"},
        {"timeout": "0"},
        {"retries": "101"},
        {"retries": "-1"},
        {"name": "-a"},
        {"overlap": "wait"},
        {"args": "{due: [1]}"},
        {"args": "{1st: 1}"},
        {"after": "[]"},
        {"every": None, "cron": "'* * * *'"},
        {"spider": None},
        {"command": "[db, prune]"},
        {"spider": None, "command": "[db, stop]"},
        {"spider": None, "command": "[db, size]", "args": "{due: 1}"},
    ],
)
def test_what_is_wrong_fits_neither_the_schema_nor_the_code(validator, faults, changes):
    assert faults(entry(**changes))
    assert not validator.is_valid(yaml.safe_load(entry(**changes)))


def test_what_waits_for_an_entry_that_is_off_is_reported(tmp_path):
    """An entry that is off itself may; only when switched on would it wait for ever."""
    file = tmp_path / "schedule.yaml"
    off, then = "- {name: a, spider: x, every: 1h, enabled: false}\n", "- {name: b, spider: x, after: a}\n"
    file.write_text(off + then)
    with pytest.raises(ScheduleError, match=r"schedule\.yaml:2: .*'a' is not enabled"):
        read(file)
    file.write_text(off + then.replace("}", ", enabled: false}"))
    assert len(read(file)) == 2
