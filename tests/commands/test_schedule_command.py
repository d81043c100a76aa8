"""`scrapy schedule check`, by Scrapy's own command line."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OWN = """\
- {name: pulse, spider: headlines, every: 30m}
- {name: morning, spider: headlines, cron: 30 2 * * *, timezone: Europe/Berlin, after: pulse}
- {name: follower, spider: headlines, after: [pulse, morning]}
- {name: paused, spider: headlines, every: 1s, enabled: false}
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    return file


def command(*arguments):
    return [sys.executable, "-m", "scrapy", "schedule", *map(str, arguments)]


def run(*arguments):
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)


def times(process):
    return [datetime.fromisoformat(line.split()[0]) for line in process.stdout.splitlines()]


def test_fires_in_order_with_their_local_time(own):
    check = run("check", own, "--from", "2026-03-29T00:00+01:00", "--to", "2026-03-29T01:30Z")
    assert check.returncode == 0
    assert check.stdout.splitlines() == [
        "2026-03-28T23:30:00Z  pulse",
        "2026-03-29T00:00:00Z  pulse",
        "2026-03-29T00:30:00Z  pulse",
        "2026-03-29T01:00:00Z  pulse",
        "2026-03-29T01:00:00Z  morning  2026-03-29 03:00:00 CEST (Europe/Berlin)",
        "2026-03-29T01:30:00Z  pulse",
    ]


@pytest.mark.parametrize(
    ("spider", "args", "fault"),
    [
        ("headlines", "{source: bbc}", "-a source=bbc: headlines has no argument 'source'; did you mean 'sources'?"),
        ("headlines", "{shard: 9/4}", "-a shard=9/4: expected i/n with i from 0 to n-1, such as 0/4"),
        ("headlines", "{due: yes}", "-a due=yes: expected 1 or 0"),
        ("guardian", "{since: monday}", "-a since=monday: expected a date or a time"),
        ("newsapi", "{language: german}", "-a language=german: expected a language of two letters"),
        ("dataset", "{}", "-a config= is missing"),
        ("api", "{}", "-a config= is missing"),
        ("api", "{config: elsewhere/own.yaml}", "elsewhere/own.yaml: No such file or directory"),
        ("headlines", "{sources: nosuch}", "sources: 'nosuch' is unknown"),
        ("api", "{config: worldbank, colour: red}", "-a colour=red: api has no argument 'colour'"),
    ],
)
def test_arguments_that_a_run_would_refuse(tmp_path, spider, args, fault):
    file = tmp_path / "schedule.yaml"
    file.write_text(f"- name: one\n  spider: {spider}\n  every: 1h\n  args: {args}\n")
    check = run("check", file)
    assert check.returncode == 1
    (line,) = [line for line in check.stderr.splitlines() if "one" in line or "args" in line]
    assert f"{file}:4:" in line or f"{file}:1:" in line
    assert fault in line


def test_valid_arguments(tmp_path):
    file = tmp_path / "schedule.yaml"
    file.write_text(
        "- {name: a, spider: headlines, every: 1h, args: {sources: 'bbc,lemonde', shard: 0/4, due: 1}}\n"
        "- {name: b, spider: frankfurter, every: 1d, args: {symbols: USD, backfill: 30d}}\n"
        "- {name: c, spider: api, every: 1d, args: {config: worldbank}}\n"
        "- {name: d, spider: headlines, every: 1d, args: {catalogue: own.yaml, sources: mine}}\n"
        "- {name: e, spider: headlines, every: 1d, args: {sources: mine}, settings: {CATALOGUE: own.yaml}}\n"
    )
    (tmp_path / "own.yaml").write_text(
        "- {id: mine, name: Mine, homepage: https://a.example/, country: fr, language: fr, feeds: [https://a.example/f]}"
    )
    (tmp_path / "scrapyd.conf").touch()  # the folder that a server's jobs run in
    assert run("check", file).returncode == 0


def test_what_does_not_fire_by_the_clock_is_told_apart_from_the_fires(own):
    check = run("check", own)
    assert check.stderr.splitlines() == [
        f"{own}: 4 entries, no errors",
        "  morning: as below, after pulse",
        "  follower: after pulse, morning",
        "  paused: not enabled",
        "These are the next 3 of each; --to TIME shows all until then.",
    ]


def test_the_next_of_each_entry_however_often_others_fire(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "- {name: often, spider: headlines, every: 1m}\n- {name: weekly, spider: headlines, cron: '@weekly'}\n"
    )
    now = datetime.now(UTC)
    check = run("check", file)
    assert [line.split()[1] for line in check.stdout.splitlines()] == ["often"] * 3 + ["weekly"] * 3
    assert times(check) == sorted(times(check))
    assert all(timedelta() < time - now < timedelta(days=22) for time in times(check))


def test_a_day_from_a_date(own):
    found = times(run("check", own, "--from", "2026-01-01"))
    assert len(found) == 49
    assert found[0] == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert found[-1] == datetime(2026, 1, 2, tzinfo=UTC)


def test_all_fires_however_many_are_streamed_in_order(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "- {name: a, spider: headlines, every: 1s}\n"
        "- {name: b, spider: headlines, cron: '*/7 * * * *', timezone: Asia/Tokyo}\n"
    )
    arguments = ("check", file, "--from", "2026-01-01", "--to")
    found = times(run(*arguments, "2026-01-01T10:00"))
    assert len(found) == 36_000 + 90
    assert found == sorted(found)

    process = subprocess.Popen(
        command(*arguments, "2999-01-01"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "2026-01-01T00:00:01Z  a\n"
    process.stdout.close()  # as `head` does
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == f"{file}: 2 entries, no errors\n"
    process.stderr.close()


def test_the_shipped_schedule():
    check = run("check", "scrapyd/schedule.yaml", "--from", "2026-01-01", "--to", "2026-01-02")
    assert check.returncode == 0
    assert len(times(check)) == 288 + 48 + 1 + 1


def test_all_faults_are_reported(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("- {name: a, spider: headlins, every: 5m}\n- {name: a, spider: headlines, cron: 0 0 * *}\n")
    check = run("check", file)
    assert (check.returncode, check.stdout) == (1, "")
    first, *faults = check.stderr.splitlines()
    assert first == "scrapy schedule: the schedule cannot be read:"
    assert [fault.removeprefix(f"{file}:").split(": ")[:3] for fault in faults] == [
        ["1", "entry 1 (a)", "spider"],
        ["2", "entry 2 (a)", "name"],
        ["2", "entry 2 (a)", "cron"],
    ]
    assert "no such spider; perhaps 'headlines'" in check.stderr


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check = run("check", tmp_path / "pipe")
    assert (check.returncode, check.stdout) == (1, "")
    assert "pipe: not a regular file; expected a schedule file" in check.stderr


def test_a_file_that_is_not_there():
    check = run("check", "nowhere.yaml")
    assert (check.returncode, check.stdout) == (1, "")
    assert f"nowhere.yaml: {os.strerror(2)}; expected a schedule file" in check.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected: scrapy schedule check FILE"),
        (["check"], "check: expected as in `scrapy schedule check "),
        (["chek", "scrapyd/schedule.yaml"], "did you mean 'check'?"),
        (["check", "scrapyd/schedule.yaml", "--form", "2026-01-01"], "did you mean '--from'?"),
        (
            ["check", "scrapyd/schedule.yaml", "--from", "noon"],
            "argument --from: 'noon': expected a time from 1970 to 8999",
        ),
        (
            ["check", "scrapyd/schedule.yaml", "--to", "9999-12-31"],
            "argument --to: '9999-12-31': expected a time from 1970",
        ),
        (
            ["check", "scrapyd/schedule.yaml", "--from", "2026-01-02", "--to", "2026-01-01"],
            "--to 2026-01-01T00:00:00Z is before --from, 2026-01-02T00:00:00Z",
        ),
    ],
)
def test_it_was_asked_wrongly(arguments, said):
    check = run(*arguments)
    assert check.returncode == 2
    assert said in check.stdout + check.stderr
    assert "Traceback" not in check.stderr
