"""Rules for names, arguments and settings that come from outside."""

import os
import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator
from scrapy.settings import BaseSettings, default_settings

from newsbot import settings
from newsbot.sources import dataset, declared

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST = 128
LONGEST_NAME = 250  # bytes: with an ending it is the name of a file
LONGEST_VALUE = 32 << 10  # characters: a process takes 128 KiB

# Arguments that name a file of this machine, whose faults the log would quote; and the setting that names one as well,
# and must be allowed.
_FILES = ("catalogue", "config", "file")
_FILE_SETTING = "CATALOGUE"
# The names that Scrapy and Scrapyd give their own parameters on the way to a spider.
_TAKEN = ("self", "cls", "crawler", "name", "settings", "spider_name")

# The settings of Scrapy and newsbot that a caller may change: how fast, how deep, how long, how much is logged.
# All others let a job run other code, write to other places, delete, pass the guards, or print a secret.
_HARMLESS = """
    AUTOTHROTTLE_DEBUG AUTOTHROTTLE_ENABLED AUTOTHROTTLE_MAX_DELAY AUTOTHROTTLE_START_DELAY
    AUTOTHROTTLE_TARGET_CONCURRENCY
    BOT_NAME
    CLOSESPIDER_ERRORCOUNT CLOSESPIDER_ITEMCOUNT CLOSESPIDER_PAGECOUNT CLOSESPIDER_PAGECOUNT_NO_ITEM
    CLOSESPIDER_TIMEOUT CLOSESPIDER_TIMEOUT_NO_ITEM
    COMPRESSION_ENABLED COOKIES_ENABLED CRAWLSPIDER_FOLLOW_LINKS
    CONCURRENT_ITEMS CONCURRENT_REQUESTS CONCURRENT_REQUESTS_PER_DOMAIN SCRAPER_SLOT_MAX_ACTIVE_SIZE
    DATABASE_WAIT DATASET_TIMEOUT
    DEFAULT_DROPITEM_LOG_LEVEL LOGSTATS_INTERVAL LOG_COLOR LOG_DATEFORMAT LOG_ENABLED LOG_ENCODING LOG_FORMAT LOG_LEVEL
    LOG_SHORT_NAMES LOG_STDOUT MEMDEBUG_ENABLED PERIODIC_LOG_DELTA PERIODIC_LOG_STATS PERIODIC_LOG_TIMING_ENABLED
    STATS_DUMP WARN_ON_GENERATOR_RETURN_VALUE DUPEFILTER_DEBUG
    DEPTH_LIMIT DEPTH_PRIORITY DEPTH_STATS_VERBOSE
    DNSCACHE_ENABLED DNSCACHE_SIZE DNS_TIMEOUT
    DOWNLOAD_DELAY DOWNLOAD_DELAY_JITTER RANDOMIZE_DOWNLOAD_DELAY DOWNLOAD_FAIL_ON_DATALOSS DOWNLOAD_TIMEOUT
    DOWNLOAD_WARNSIZE
    FEED_FULL_FETCH_INTERVAL FEED_INTERVAL_MAX FEED_INTERVAL_MIN REFUSED_RUNS SITEMAP_CHILDREN_MAX
    HTTPERROR_ALLOWED_CODES HTTPERROR_ALLOW_ALL
    METAREFRESH_ENABLED METAREFRESH_IGNORE_TAGS METAREFRESH_MAXDELAY
    REACTOR_THREADPOOL_MAXSIZE REFERER_ENABLED URLLENGTH_LIMIT
    REDIRECT_ENABLED REDIRECT_MAX_TIMES REDIRECT_PRIORITY_ADJUST
    RETRY_AFTER_DAYS RETRY_AFTER_MAX
    RETRY_ENABLED RETRY_GIVE_UP_LOG_LEVEL RETRY_HTTP_CODES RETRY_PRIORITY_ADJUST RETRY_TIMES
    SPIDER_LOADER_WARN_ONLY
"""

# The dangerous ones among newsbot's own settings and, by their names, among those of other packages and of older
# versions of Scrapy.
_DANGEROUS = """
    ALLOW_PRIVATE_HOSTS ANSWER_* CATALOGUE CONTACT DATABASE_URL DATASET_* NEWSBOT_* STAND_INS *_DAYS
    *_CLASS *_CLASSES *_CLS *_DIR *_ENGINE* *_FACTORY *_FORMATTER *_FUNC *_FUNCTION *_HANDLER* *_HOOK *_LOOP *_MODULE
    *_MODULES *_PATH *_POLICY *_PROCESSOR *_QUEUE* *_REACTOR *_RESOLVER *_SERIALIZER *_STORAGE* *_STORE*
    *MIDDLEWARES* *PIPELINE* *PROXY* *EXTENSIONS* ADDONS* AWS_* DOWNLOADER* FEED* FILES_* FTP_* GCS_* HTTPAUTH_*
    HTTPCACHE_* IMAGES_* JOBDIR LOG_FILE* MAIL_* MEDIA_* MEMUSAGE_* PLAYWRIGHT_* REMOTE_CONTROL_* ROBOTSTXT_*
    SCHEDULER* SPIDER_CONTRACTS* STATSMAILER_* TELNETCONSOLE_*
"""


class NotAllowedError(ValueError):
    """A setting or argument that this caller may not use."""


def _named(value: str) -> str:
    """The name of a project or a job must serve as the name of a folder or a file."""
    plain = unicodedata.normalize("NFKC", value)  # as some file systems and clients see it
    if plain in (".", "..") or "/" in plain or "\\" in plain:
        raise ValueError(f"{_shown(value)}: expected a name other than . and .., without / and \\")
    return _versioned(value)


def _versioned(value: str) -> str:
    """A version may have a slash, as a branch has: its egg's name has another character instead."""
    if not value or not value.isprintable():
        raise ValueError(f"{_shown(value)}: expected printable characters only, one or more")
    if len(os.fsencode(value)) > LONGEST_NAME:
        raise ValueError(f"{_shown(value)}: expected at most {LONGEST_NAME} bytes")
    return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:60] + "...")


Name = Annotated[str, AfterValidator(_named)]
Version = Annotated[str, AfterValidator(_versioned)]


def check_argument(name: str, value: str) -> None:
    """Raises ValueError for an argument that no spider can have: the command line would read another, or an option."""
    if not name or name.startswith("-") or "=" in name or not name.isprintable() or len(name) > LONGEST:
        raise ValueError(
            f"the argument {name[:60]!r}: expected printable characters without '=', no '-' first, {LONGEST} at most"
        )
    if name.startswith("_"):
        raise ValueError(f"the argument {name!r} is Scrapyd's own")
    if name in _TAKEN:
        raise ValueError(f"the argument {name!r} is Scrapy's and Scrapyd's own")
    _check_value(f"the argument {name!r}", value)


def check_setting(name: str, value: str, allowed: str) -> None:
    """Raises ValueError for a malformed setting, and `NotAllowedError` for one that a job may not get.

    `allowed` are patterns of further allowed settings, separated by blanks.
    """
    if not _KEY.fullmatch(name) or len(name) > LONGEST:
        raise ValueError(f"the setting {name[:60]!r}: expected NAME=VALUE, as DOWNLOAD_DELAY=2")
    _check_value(f"the setting {name}", value)
    if is_dangerous(name) and not _matches(name, allowed):
        raise NotAllowedError(
            f"the setting {name} could make a job run other code, write elsewhere, pass the guards or print a secret;"
            " the operator may allow it: allowed_settings in scrapyd.conf, or `settings` of an entry of the"
            " schedule"
        )
    check_kind(name, value)


def check_kind(name: str, value: str) -> None:
    """Raises ValueError for a setting that seems misspelt, and for a value that cannot be read."""
    if wrong := wrong_setting(name, value):
        raise ValueError(f"the setting {wrong}")


def wrong_setting(name: str, value: str) -> str | None:
    """The error for a setting that seems misspelt, or for a value that cannot be read; None for a valid one.

    An unknown name that is not close to a known one may be an extension's.
    """
    defaults = _defaults()
    if name in defaults:
        return _wrong_kind(name, value, defaults[name])
    meant = "DATABASE_URL" if name.upper() in ("DATABASE", "DB_URL") else name.upper()
    near = get_close_matches(meant, settings.OWN, n=1, cutoff=0.85)
    near = near or get_close_matches(meant, defaults, n=1, cutoff=0.94)
    return f"{name}: no such setting; did you mean {near[0]}?" if near else None


def _wrong_kind(name: str, value: str, default: Any) -> str | None:
    if name in settings.NUMBERS:
        return settings.wrong_number(name, value)
    given = BaseSettings({name: value})
    try:
        if isinstance(default, bool):
            right = "1 or 0, True or False"
            given.getbool(name)
        elif isinstance(default, int | float):
            right = "a number"
            given.getfloat(name)
        elif isinstance(default, Mapping):
            right = "an object in JSON"
            given.getdict(name)
    except (TypeError, ValueError):
        return f"{name}={value[:60]}: expected {right}"
    return None


def check_files(arguments: Mapping[str, str], allowed: str) -> None:
    """Raises `NotAllowedError` when an argument names a file and the setting for that is not `allowed`."""
    if _matches(_FILE_SETTING, allowed):
        return
    for name, value in arguments.items():
        if name in _FILES and not _is_elsewhere(name, value):
            raise NotAllowedError(
                f"the argument {name} names a file of this machine, which the job's log would quote; the operator"
                f" may allow it: {_FILE_SETTING} among allowed_settings in scrapyd.conf, or `args` of an entry"
                " of the schedule"
            )


def _is_elsewhere(name: str, value: str) -> bool:
    """Whether the value is not a file of the user's: the name of an included declaration, or a link."""
    if name == "config":
        return value in (*declared.shipped(), *dataset.shipped())
    return name == "file" and value.startswith(("http://", "https://"))


def _check_value(what: str, value: str) -> None:
    if "\0" in value:
        raise ValueError(f"{what} holds a NUL character")
    if len(value) > LONGEST_VALUE:
        raise ValueError(f"{what} has {len(value)} characters: expected at most {LONGEST_VALUE}")


def _matches(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


@cache
def is_dangerous(name: str) -> bool:
    """Whether a setting concerns more than the crawl itself."""
    if _matches(name, _HARMLESS):
        return False
    return name in filter(str.isupper, dir(default_settings)) or _matches(name.upper(), _DANGEROUS)


@cache
def _defaults() -> dict[str, Any]:
    """The default of each known setting."""
    return {
        name: value for module in (default_settings, settings) for name, value in vars(module).items() if name.isupper()
    }
