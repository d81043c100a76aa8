"""What a name, an argument or a setting that comes from outside may be."""

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_VERSION = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.+:~-]*)")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST = 128

# Settings that let a job run other code, write to other places, or pass the guards. Scrapy's that are not a plain
# number, truth value or text are among them as well: classes, and tables of classes.
_DANGEROUS = (
    *("*_CLASS", "*_CLASSES", "*_DIR", "*_FACTORY", "*_FORMATTER", "*_HANDLER*", "*_LOOP", "*_MODULE", "*_MODULES"),
    *("*_PROCESSOR", "*_REACTOR", "*_RESOLVER", "*_STORAGE*", "*_STORE*", "*_POLICY", "*_QUEUE*", "*_ENGINE*"),
    *("ADDONS*", "AWS_*", "*PIPELINES*", "*MIDDLEWARES*", "EXTENSIONS*", "EDITOR", "FEED*", "FILES_*", "IMAGES_*"),
    *(
        "FTP_*",
        "GCS_*",
        "HTTPCACHE_*",
        "JOBDIR",
        "LOG_FILE*",
        "MAIL_*",
        "PLAYWRIGHT_*",
        "REMOTE_CONTROL_*",
        "SCHEDULER*",
    ),
    *("SPIDER_CONTRACTS*", "TELNETCONSOLE_*", "*PROXY*", "ROBOTSTXT_*", "DOWNLOAD_VERIFY_CERTIFICATES", "DOWNLOADER*"),
    *(
        "DATABASE_URL",
        "NEWSBOT_HOME",
        "ALLOW_PRIVATE_HOSTS",
        "STAND_INS",
        "CATALOGUE",
        "CONTACT",
        "USER_AGENT",
        "ANSWER*",
    ),
)
_HARMLESS = ("FEED_INTERVAL_*", "FEED_FULL_FETCH_INTERVAL")  # newsbot's own


def _named(value: str) -> str:
    return _checked(value, _NAME, "letters, digits, '_', '-' and single dots inside are right")


def _versioned(value: str) -> str:
    return _checked(value, _VERSION, "letters, digits and _ - + : ~ and single dots are right")


def _checked(value: str, pattern: re.Pattern[str], right: str) -> str:
    if len(value) > LONGEST or ".." in value or not pattern.fullmatch(value):
        shown = value if len(value) <= 60 else value[:60] + "..."
        raise ValueError(f"{shown!r}: {right}, {LONGEST} characters at most")
    return value


Name = Annotated[str, AfterValidator(_named)]
Version = Annotated[str, AfterValidator(_versioned)]


def check_argument(name: str, value: str) -> None:
    """Raises ValueError when a spider can not have that argument."""
    if not _KEY.fullmatch(name) or len(name) > LONGEST:
        raise ValueError(f"the argument {name[:60]!r}: letters, digits and '_' are right")
    if name.startswith("_") or name in ("settings", "name"):
        raise ValueError(f"the argument {name!r} is Scrapyd's own")
    if "\0" in value:
        raise ValueError(f"the argument {name!r} holds a NUL character")


def check_setting(name: str, value: str, allowed: str) -> None:
    """Raises ValueError when a job may not be given that setting; `allowed` names exceptions, blanks between them."""
    if not _KEY.fullmatch(name) or "\0" in value:
        raise ValueError(f"the setting {name[:60]!r}: NAME=VALUE is right, as DOWNLOAD_DELAY=2")
    if is_dangerous(name) and not any(fnmatchcase(name, pattern) for pattern in allowed.split()):
        raise ValueError(
            f"the setting {name} could make a job run other code, write elsewhere or pass the guards; who runs this"
            " Scrapyd may allow it: allowed_settings in scrapyd.conf, or `settings` of an entry of the schedule"
        )


@cache
def is_dangerous(name: str) -> bool:
    """Whether a setting is more than a number or a word of the crawl's own."""
    from scrapy.settings import default_settings

    if any(fnmatchcase(name, pattern) for pattern in _HARMLESS):
        return False
    if any(fnmatchcase(name.upper(), pattern) for pattern in _DANGEROUS):
        return True
    default = getattr(default_settings, name, None)
    return isinstance(default, dict | list | tuple) or (isinstance(default, str) and default.startswith("scrapy."))
