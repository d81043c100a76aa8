"""Every setting, its default and why.

First newsbot's own settings: an environment variable of the same name overrides each, and `-s NAME=VALUE` overrides
both. Then Scrapy's settings, where newsbot needs another value; all others keep Scrapy's default.
"""

import os
import sys
from importlib.util import find_spec

from scrapy.settings import default_settings

# --- Own settings -----------------------------------------------------------------------------------------------------

# Where the rows go: a libpq URL in any spelling. Empty: an embedded Postgres in NEWSBOT_HOME.
DATABASE_URL = ""
# The folder for embedded data. Empty: the user's data folder, as root /var/lib/newsbot.
NEWSBOT_HOME = ""
# Seconds that a running crawl waits for an unreachable database before it gives up.
DATABASE_WAIT = 3600
# Days that a reject is kept after it was last seen.
REJECTS_DAYS = 90
# Days after its end at which `scrapy db prune` deletes a run: a run every five minutes takes a megabyte a day.
RUNS_DAYS = 90
# The same for Scrapyd's jobs and the schedule's fires; `history_days` in a server's scrapyd.conf overrides it.
HISTORY_DAYS = 90
# Days after which `scrapy db prune` deletes a sighting, counted from when its origin last had the article; the
# article's last sighting stays. A sighting identifies an entry with another link: feeds and archives repeat entries
# within a year.
SIGHTINGS_DAYS = 365

# A contact for site owners: the URL or mail address in the User-Agent. Put yours.
CONTACT = "https://github.com/newsbot/newsbot"

# A file or folder of your own sources, always loaded beside the shipped ones.
CATALOGUE = ""
# Hosts, addresses or networks that may be private: names as written in the URL.
ALLOW_PRIVATE_HOSTS = ""
# Host overrides, a JSON object: requests for a host go to that base instead. For tests, mirrors and gateways.
STAND_INS = ""
# Longest Retry-After, in seconds, that a run waits for; a longer one is left to a later run.
RETRY_AFTER_MAX = 60
# Days that later runs obey a Retry-After, at most: a longer one, as the year 9999, is a mistake or shuts newsbot out.
RETRY_AFTER_DAYS = 7

# Least and most seconds between two fetches of a feed with `-a due=1`, whatever the feed says.
FEED_INTERVAL_MIN = 300
FEED_INTERVAL_MAX = 86_400
# Seconds after which a feed is fetched in full even if its validators say that nothing changed: validators lie.
FEED_FULL_FETCH_INTERVAL = 86_400
# Sitemaps that a run reads from one index, the newest first; all come in time. An archive's index has thousands.
SITEMAP_CHILDREN_MAX = 50
# Runs that request an answer again if all of its five or more items were refused; then it counts as read. So a fault
# that is mended meanwhile, here or there, loses nothing.
REFUSED_RUNS = 3

# Most bytes of a dataset's file, and seconds for its download: enough for any file that is published as one.
DATASET_MAXSIZE = 10_737_418_240
DATASET_TIMEOUT = 7_200
# Most bytes after inflating it, and most times that inflating may multiply its size: text shrinks to a tenth, rarely to
# a hundredth, a bomb to a thousandth.
DATASET_INFLATED_MAX = 107_374_182_400
DATASET_RATIO_MAX = 200

# A file for the cleaned items, new or not, as JSON lines; crawl.json returns them. Empty: none.
ANSWER_FILE = ""
# Most items and bytes of that file; the crawl ends when it is full.
ANSWER_ITEMS = 100
ANSWER_BYTES = 4_194_304

# --- Scrapy's settings ------------------------------------------------------------------------------------------------

BOT_NAME = "newsbot"
SPIDER_MODULES = ["newsbot.spiders"]
NEWSPIDER_MODULE = "newsbot.spiders"
COMMANDS_MODULE = "newsbot.commands"

# Politeness.
ROBOTSTXT_OBEY = True  # default False
ROBOTSTXT_USER_AGENT = "newsbot"  # default USER_AGENT: site owners address a bot by its bare name
DOWNLOAD_DELAY = 1  # default 0: seconds between two requests to one host; a source may set its own
CONCURRENT_REQUESTS_PER_DOMAIN = 2  # default 8
CONCURRENT_REQUESTS = 32  # default 16: hosts are many, and each is fetched slowly; more cost memory
COOKIES_ENABLED = False  # default True: no source needs a session, and trackers do
REFERRER_POLICY = "no-referrer"  # default: tells a site the page that led there

# Guards: docs/guards.md. Whatever a feed, a page or a redirect says, only public http(s) is fetched, within limits.
_HANDLER = "newsbot.downloader.download_handler.GuardedDownloadHandler"
DOWNLOAD_HANDLERS = {  # default: Scrapy's, for six schemes; a link must not read a local file
    "http": _HANDLER,
    "https": _HANDLER,
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}
TWISTED_DNS_RESOLVER = "scrapy.resolver.CachingHostnameResolver"  # default takes one IPv4 address of a name's many
DOWNLOADER_MIDDLEWARES = {
    "newsbot.extensions.failures.FailedRequests": 10,  # next to the engine: sees a failure after the last retry
    "newsbot.downloader.urls.UrlMiddleware": 30,  # before robots.txt is requested for a request
    "newsbot.extensions.failures.RobotsOnSite": 40,  # ahead of the offsite filter, which would drop robots.txt
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,  # default: lets a third concurrent request pass
    "newsbot.extensions.failures.RobotsTxtMiddleware": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,  # default: ignores Retry-After
    "newsbot.downloader.retry_after.RetryAfterMiddleware": 550,
    "newsbot.downloader.quota.QuotaMiddleware": 570,  # each try counts
    "newsbot.downloader.keys.KeyMiddleware": 580,  # after decompression
}
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # default ERROR: the table at the end shows it
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024  # default 1 GiB: a sitemap may have 50 MB; limits the inflated size too
DOWNLOAD_TIMEOUT = 60  # default 180: seconds for a whole answer, so a byte per second times out too
DOWNLOAD_VERIFY_CERTIFICATES = True  # default False
URLLENGTH_LIMIT = 16_384  # default 2083: tokens of next pages are longer
REDIRECT_MAX_TIMES = 10  # default 20
METAREFRESH_ENABLED = False  # default True: feeds have none, and a page's would lead a fetch astray
TELNETCONSOLE_ENABLED = False  # default True: code execution on a port
REMOTE_CONTROL_ENABLED = False  # default True: the same
# Both are removed: Scrapy imports them even if they are off, which takes a sixth of a start.
EXTENSIONS_BASE = {
    name: order
    for name, order in default_settings.EXTENSIONS_BASE.items()
    if not name.startswith(("scrapy.extensions.telnet.", "scrapy.extensions.remote_control."))
}

# Speed and memory.
CONCURRENT_ITEMS = 16  # default 100: each costs time per response, and the items of a batch go together
if find_spec("uvloop"):
    ASYNCIO_EVENT_LOOP = "uvloop.Loop"  # default asyncio's: a fifth less CPU per item
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 8 * 1024 * 1024  # default 5 MB: bytes of answers that are read at once
MEMUSAGE_LIMIT_MB = 2048  # default 0: a runaway crawl ends before the machine does

# Pipelines: one stage per module; docs/architecture.md lists them.
ITEM_PROCESSOR = "newsbot.pipelines.manager.PipelineManager"
ITEM_PIPELINES = {
    "newsbot.pipelines.validate.ValidatePipeline": 100,
    "newsbot.pipelines.clean.CleanPipeline": 200,
    "newsbot.pipelines.answer.AnswerPipeline": 250,
    "newsbot.pipelines.deduplicate.DeduplicatePipeline": 300,
    "newsbot.pipelines.enrich.EnrichPipeline": 400,
    "newsbot.pipelines.store.StorePipeline": 800,
}

# What a user sees.
LOG_FORMATTER = "newsbot.extensions.log.LogFormatter"  # default logs each item, which costs as much as cleaning it
LOG_LEVEL = "WARNING" if sys.stderr.isatty() else "INFO"  # default DEBUG: a terminal shows a bar and a table instead
STATS_DUMP = False  # default True: the table at the end shows them
EXTENSIONS = {
    "newsbot.downloader.download_handler.GuardSettings": 0,
    "newsbot.extensions.progress.Progress": 0,
    "newsbot.extensions.runs.RunRecord": 0,
    "newsbot.extensions.stats.CoreStats": 0,
    "scrapy.extensions.corestats.CoreStats": None,  # default: counts items by a signal each
    "scrapy.extensions.logstats.LogStats": None,  # Progress writes a line per minute
}
SPIDER_MIDDLEWARES_BASE = {  # here, so that a user's SPIDER_MIDDLEWARES do not remove it
    **default_settings.SPIDER_MIDDLEWARES_BASE,
    "newsbot.pipelines.batches.BatchMiddleware": 10,  # next to the engine, which would take a batch for an item
}
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # default: only logs the responses that it refuses
    "newsbot.extensions.failures.HttpErrorMiddleware": 50,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,  # default: drops a request silently
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,  # a check for developers, at a cost per item
}

TEMPLATES_DIR = os.path.join(os.path.dirname(__file__), "templates")

# --- Environment ------------------------------------------------------------------------------------------------------

OWN = (
    "DATABASE_URL",
    "NEWSBOT_HOME",
    "DATABASE_WAIT",
    "REJECTS_DAYS",
    "RUNS_DAYS",
    "HISTORY_DAYS",
    "SIGHTINGS_DAYS",
    "CONTACT",
    "CATALOGUE",
    "ALLOW_PRIVATE_HOSTS",
    "STAND_INS",
    "RETRY_AFTER_MAX",
    "RETRY_AFTER_DAYS",
    "FEED_INTERVAL_MIN",
    "FEED_INTERVAL_MAX",
    "FEED_FULL_FETCH_INTERVAL",
    "SITEMAP_CHILDREN_MAX",
    "REFUSED_RUNS",
    "DATASET_MAXSIZE",
    "DATASET_TIMEOUT",
    "DATASET_INFLATED_MAX",
    "DATASET_RATIO_MAX",
    "ANSWER_FILE",
    "ANSWER_ITEMS",
    "ANSWER_BYTES",
)
# The most days of a setting: a longer past is before the calendar of Postgres.
MOST_DAYS = 100_000
# The settings that are numbers, 0 or more.
NUMBERS = {
    "DATABASE_WAIT": float,
    "REJECTS_DAYS": int,
    "RUNS_DAYS": float,
    "HISTORY_DAYS": float,
    "SIGHTINGS_DAYS": float,
    "RETRY_AFTER_MAX": float,
    "RETRY_AFTER_DAYS": float,
    "FEED_INTERVAL_MIN": int,
    "FEED_INTERVAL_MAX": int,
    "FEED_FULL_FETCH_INTERVAL": float,
    "SITEMAP_CHILDREN_MAX": int,
    "REFUSED_RUNS": int,
    "DATASET_MAXSIZE": int,
    "DATASET_TIMEOUT": float,
    "DATASET_INFLATED_MAX": int,
    "DATASET_RATIO_MAX": float,
    "ANSWER_ITEMS": int,
    "ANSWER_BYTES": int,
}
globals().update({name: os.environ[name] for name in OWN if name in os.environ})

# Default "Scrapy/VERSION (+https://scrapy.org)": robots.txt and site owners expect an honest name with a contact.
USER_AGENT = f"newsbot/0.1 (+{CONTACT})"


def wrong_number(name: str, value: object) -> str | None:
    """The error for the value of one of NUMBERS, with the expected value; None for a valid one."""
    kind = NUMBERS[name]
    expected = "a whole number, 0 or more" if kind is int else "a number, 0 or more"
    if name.endswith("_DAYS"):
        expected += f", at most {MOST_DAYS}"
    most = MOST_DAYS if name.endswith("_DAYS") else sys.float_info.max
    try:
        if 0 <= kind(value) <= most:
            return None
    except (TypeError, ValueError, OverflowError):
        pass
    return f"{name}={value}: expected {expected}"
