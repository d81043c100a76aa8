"""Valid names, arguments and settings, and masked values."""

import re

import pytest
from pydantic import TypeAdapter
from scrapy.settings import default_settings

from newsbot import settings
from newsbot.hosting import names
from newsbot.hosting.names import (
    Name,
    NotAllowedError,
    Version,
    check_argument,
    check_files,
    check_setting,
    is_dangerous,
)
from newsbot.hosting.redaction import masked

DANGEROUS = """
    ITEM_PIPELINES DOWNLOADER_MIDDLEWARES SPIDER_MODULES ADDONS EXTENSIONS RETRY_EXCEPTIONS REFERRER_POLICY
    DNS_RESOLVER TWISTED_REACTOR TWISTED_REACTOR_ENABLED DOWNLOAD_HANDLERS HTTPCACHE_DBM_MODULE FEED_URI_PARAMS
    REMOTE_CONTROL_ENABLED LOG_FILE JOBDIR FEEDS FEED_URI FILES_STORE HTTPCACHE_DIR TEMPLATES_DIR
    REMOTE_CONTROL_JOBS_DIR REJECTS_DAYS DATABASE_URL NEWSBOT_HOME CATALOGUE ALLOW_PRIVATE_HOSTS STAND_INS
    DOWNLOAD_VERIFY_CERTIFICATES DOWNLOAD_TLS_MIN_VERSION DOWNLOAD_MAXSIZE ROBOTSTXT_OBEY MEMUSAGE_LIMIT_MB
    HTTPPROXY_ENABLED DOWNLOAD_BIND_ADDRESS USER_AGENT CONTACT COOKIES_DEBUG HTTPAUTH_PASS TELNETCONSOLE_PASSWORD
    AWS_SECRET_ACCESS_KEY PLAYWRIGHT_LAUNCH_OPTIONS PLAYWRIGHT_PROCESS_REQUEST_HEADERS MY_PIPELINES_EXTRA
    SCHEDULER_SERIALIZER MY_STORAGE_URI
"""


@pytest.mark.parametrize("name", DANGEROUS.split())
def test_dangerous_settings(name, monkeypatch):
    monkeypatch.setattr(names, "check_kind", lambda *_: None)
    assert is_dangerous(name)
    with pytest.raises(NotAllowedError, match=rf"{name} .*allowed_settings in scrapyd\.conf"):
        check_setting(name, "x", allowed="DOWNLOAD_DELAY LOG_*Q")
    check_setting(name, "x", allowed=f"Y {name[:-1]}*")


@pytest.mark.parametrize(
    "name", ["DOWNLOAD_DELAY", "CLOSESPIDER_TIMEOUT", "LOG_LEVEL", "RETRY_HTTP_CODES", "FEED_INTERVAL_MIN", "MY_LIMIT"]
)
def test_harmless_settings(name):
    check_setting(name, "2", allowed="")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("REJECT_DAYS", "3", "did you mean REJECTS_DAYS?"),
        ("rejects_days", "3", "did you mean REJECTS_DAYS?"),
        ("FEED_INTERVALL_MIN", "3", "did you mean FEED_INTERVAL_MIN?"),
        ("RETRY_TIME", "3", "did you mean RETRY_TIMES?"),
        ("RETRY_TIMES", "many", "RETRY_TIMES=many: expected a number"),
        ("REJECTS_DAYS", "2.5", "REJECTS_DAYS=2.5: expected a whole number, 0 or more"),
        ("RUNS_DAYS", "-1", "RUNS_DAYS=-1: expected a number, 0 or more"),
        ("RETRY_ENABLED", "maybe", "RETRY_ENABLED=maybe: expected 1 or 0, True or False"),
        ("ITEM_PIPELINES", "a.b", "ITEM_PIPELINES=a.b: expected an object in JSON"),
    ],
)
def test_a_setting_that_is_misspelt_or_of_another_kind(name, value, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        check_setting(name, value, allowed="*")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MY_LIMIT", "x"),
        ("REJECTS", "x"),
        ("RETRY_AFTER", "x"),
        ("DOWNLOAD_DELAY", "0.5"),
        ("RUNS_DAYS", "0.5"),
        ("RETRY_ENABLED", "false"),
        ("RETRY_HTTP_CODES", "500,502"),
        ("ITEM_PIPELINES", "{}"),
        ("LOG_FILE", "x"),
        ("STAND_INS", '{"a": "b"}'),
    ],
)
def test_a_valid_setting_or_one_that_may_be_an_extensions(name, value):
    check_setting(name, value, allowed="*")


def test_each_setting_of_newsbot_was_decided_on():
    for name in settings.OWN:
        assert is_dangerous(name) or name in names._HARMLESS.split(), f"{name}: put it on a list of names.py"


def test_a_setting_of_scrapy_that_nobody_has_thought_about_is_dangerous(monkeypatch):
    monkeypatch.setattr(default_settings, "SOMETHING_NEW", 1, raising=False)
    assert is_dangerous("SOMETHING_NEW")


@pytest.mark.parametrize("name", ["", "a b", "a-b", "-s", "a.b", "ｘ", "x" * 129, "A\n"])
def test_a_malformed_setting(name):
    with pytest.raises(ValueError, match="expected NAME=VALUE"):
        check_setting(name, "x", allowed="*")


@pytest.mark.parametrize(
    "name",
    ["_job", "_project", "settings", "name", "self", "crawler", "-a", "--set", "a=b", "a\nb", "a\x1b", "", "x" * 129],
)
def test_arguments_that_no_spider_has(name):
    with pytest.raises(ValueError, match="argument"):
        check_argument(name, "x")


@pytest.mark.parametrize("name", ["my-arg", "a b", "a.b", "1a", "a[0]", "\u00e9t\u00e9", "x" * 128])
def test_arguments_that_a_spider_of_another_project_may_have(name):
    check_argument(name, "x")


@pytest.mark.parametrize(
    "name",
    [
        "one",
        "2026-11-27T10:00:00",
        "my job",
        "\u00e4\u00f6\u00fc",
        "a..b",
        ".a",
        "-rf",
        "100%",
        "\u65e5\u672c",
        "\u00e4" * 125,
    ],
)
def test_names_of_jobs_and_projects(name):
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a/b", "/a", "../a", "a\\b", "a\nb", "a\x1b", "a\u200bb", "a\u202eb", "a\u2028b", "x" * 251),
        *("\u00e4" * 126, "\u2025", "\uff0e\uff0e", "a\uff0fb"),  # in bytes too long; dots and slashes in disguise
    ],
)
def test_what_is_dangerous_as_the_name_of_a_file(name):
    with pytest.raises(ValueError, match="expected"):
        TypeAdapter(Name).validate_python(name)


def test_a_version_may_be_named_after_a_branch():
    for version in ("1.0", "r5-feature/login", "1.0 beta", "../x"):  # each is sanitized in the name of its egg
        assert TypeAdapter(Version).validate_python(version) == version
    for version in ("", "a\nb", "x" * 251):
        with pytest.raises(ValueError, match="expected"):
            TypeAdapter(Version).validate_python(version)


def test_values_have_a_length():
    check_argument("x", "y" * 32_768)
    with pytest.raises(ValueError, match="32769 characters"):
        check_argument("x", "y" * 32_769)
    with pytest.raises(ValueError, match="32769 characters"):
        check_setting("LOG_LEVEL", "y" * 32_769, "")


def test_an_argument_that_names_a_file_needs_leave():
    check_files({"sources": "a", "country": "b"}, allowed="")
    for name, value in (("catalogue", "own.yaml"), ("config", "/etc/shadow"), ("config", "shadow"), ("file", "a.csv")):
        with pytest.raises(NotAllowedError, match=rf"{name} names a file .*CATALOGUE among allowed_settings"):
            check_files({"sources": "a", name: value}, allowed="LOG_FILE")
        check_files({name: value}, allowed="LOG_FILE CATALOGUE")


def test_a_value_that_is_not_a_file_of_the_machine_needs_none():
    for config in ("worldbank", "presidentielle-2017"):
        check_files({"config": config, "file": "https://made-up.example/a.csv"}, allowed="")


@pytest.mark.parametrize(
    "name",
    ["password", "API_KEY", "apikey", "api-key", "key", "token", "HTTPAUTH_PASS", "DATABASE_URL", "auth", "x_session"],
)
def test_secrets_are_masked(name):
    assert masked({name: "hunter2"}) == {name: "***"}


def test_a_value_that_is_not_secret_is_shown():
    plain = {
        "sources": "bbc,guardian",
        "author": "x",
        "keywords": "y",
        "monkey": "z",
        "passages": "3",
        "url": "http://a/",
    }
    assert masked(plain) == plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgres://ann:s3cret@db/x", "postgres://***@db/x"),
        ("postgres://ann:p@ss@db/x", "postgres://***@db/x"),
        ("http://a/?q=1&api_key=abc&page=2#x", "http://a/?q=1&api_key=***&page=2#x"),
        ("http://a/?token=abc;x=y", "http://a/?token=***;x=y"),
        ("http://a/x@y?key=", "http://a/x@y?key=***"),
    ],
)
def test_secrets_in_urls_are_masked(value, shown):
    assert masked({"url": value}) == {"url": shown}
