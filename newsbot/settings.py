"""Every setting, its default and why.

First the project's own settings: each can also be given as an environment variable of the same name, and
`-s NAME=VALUE` wins. Then Scrapy's, where the project wants another value; what is not here is as Scrapy has it.
"""

import os
import sys
from importlib.util import find_spec

from scrapy.settings import default_settings

# --- Own settings -----------------------------------------------------------------------------------------------------

# Where the rows go: a libpq URL in any spelling. Empty: an embedded Postgres in NEWSBOT_HOME.
DATABASE_URL = ""
# Where embedded data lies. Empty: the user's data folder, as root /var/lib/newsbot.
NEWSBOT_HOME = ""
# Seconds that a running crawl waits for a database that is away, before it gives up.
DATABASE_WAIT = 3600
# Days that a reject is kept after it was last seen.
REJECTS_DAYS = 90
# Days after which `scrapy db prune` deletes a run, since its end: a run every five minutes takes a megabyte a day.
RUNS_DAYS = 90
# The same of Scrapyd's jobs and of the schedule's fires; a server whose scrapyd.conf gives history_days takes that.
HISTORY_DAYS = 90
# Days after which it deletes a sighting, since its origin was last met with the article, unless it is the article's
# last. By a sighting an entry with another link is known: feeds and archives bring old entries again within a year.
SIGHTINGS_DAYS = 365

# Who answers for the crawl: a URL or mail address that site owners read in the User-Agent. Put yours.
CONTACT = "https://github.com/newsbot/newsbot"

# A file or folder of the user's own sources, always loaded beside the shipped ones.
CATALOGUE = ""
# Hosts, addresses or networks that may be private: names as they stand in the URL.
ALLOW_PRIVATE_HOSTS = ""
# JSON object: what is asked of that host goes to that base instead. For tests, mirrors and gateways.
STAND_INS = ""
# Seconds of a Retry-After that a run waits for; a longer one is left to a later run.
RETRY_AFTER_MAX = 60
# Days that later runs keep to it at most: a longer one is a mistake, as the year 9999, or a way to be rid of us.
RETRY_AFTER_DAYS = 7

# Seconds between two fetches of a feed with `-a due=1`, at least and at most, whatever the feed says.
FEED_INTERVAL_MIN = 300
FEED_INTERVAL_MAX = 86_400
# Seconds after which a feed is fetched in full although its validators say that nothing changed: validators lie.
FEED_FULL_FETCH_INTERVAL = 86_400
# Sitemaps read from one index in a run, the newest first: an index of an archive has thousands; all come in time.
SITEMAP_CHILDREN_MAX = 50
# Runs that ask again for an answer of which five items or more were all refused, before it counts as read: a fault that
# is mended meanwhile, here or there, loses nothing.
REFUSED_RUNS = 3

# Bytes of a dataset's file, and seconds for its download: enough for what is published as one file.
DATASET_MAXSIZE = 10_737_418_240
DATASET_TIMEOUT = 7_200
# Bytes that it may be inflated to, and how many times its size: text shrinks to a tenth, rarely to a hundredth, a bomb
# to a thousandth.
DATASET_INFLATED_MAX = 107_374_182_400
DATASET_RATIO_MAX = 200

# A file for the items as they are after cleaning, new or not, a line of JSON each. Empty: none. For crawl.json.
ANSWER_FILE = ""
# Items and bytes of that file; the crawl ends when it is full.
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
DOWNLOAD_DELAY = 1  # default 0: seconds between two requests to one host; a source may say another
CONCURRENT_REQUESTS_PER_DOMAIN = 2  # default 8
CONCURRENT_REQUESTS = 32  # default 16: hosts are many, and each is asked slowly; more take memory
COOKIES_ENABLED = False  # default True: nothing here needs a session, and trackers do
REFERRER_POLICY = "no-referrer"  # default: the page that led here, which is nobody's business

# Guards: docs/guards.md. Whatever a feed, a page or a redirect says, only public http(s) is fetched, within bounds.
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
    "newsbot.extensions.failures.FailedRequests": 10,  # next to the engine: when nobody tries again
    "newsbot.downloader.urls.UrlMiddleware": 30,  # before anything is asked for the sake of a request
    "newsbot.extensions.failures.RobotsOnSite": 40,  # ahead of the offsite filter, which would drop robots.txt
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,  # default: lets a third request at once pass
    "newsbot.extensions.failures.RobotsTxtMiddleware": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,  # default: ignores Retry-After
    "newsbot.downloader.retry_after.RetryAfterMiddleware": 550,
    "newsbot.downloader.quota.QuotaMiddleware": 570,  # each try counts
    "newsbot.downloader.keys.KeyMiddleware": 580,  # after decompression
}
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # default ERROR: the table at the end says it
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024  # default 1 GiB: a sitemap may have 50 MB; holds for what is inflated too
DOWNLOAD_TIMEOUT = 60  # default 180: seconds for a whole answer, so that a byte a second ends as well
DOWNLOAD_VERIFY_CERTIFICATES = True  # default False
URLLENGTH_LIMIT = 16_384  # default 2083: tokens of next pages are longer
REDIRECT_MAX_TIMES = 10  # default 20
METAREFRESH_ENABLED = False  # default True: feeds have none, and a page's would lead a fetch astray
TELNETCONSOLE_ENABLED = False  # default True: code execution on a port
REMOTE_CONTROL_ENABLED = False  # default True: the same
# The two are left out whole: being off, they would still be imported, which is a sixth of a start.
EXTENSIONS_BASE = {
    name: order
    for name, order in default_settings.EXTENSIONS_BASE.items()
    if not name.startswith(("scrapy.extensions.telnet.", "scrapy.extensions.remote_control."))
}

# Speed and memory.
CONCURRENT_ITEMS = 16  # default 100: each costs for every response, and the items of a batch go together
if find_spec("uvloop"):
    ASYNCIO_EVENT_LOOP = "uvloop.Loop"  # default asyncio's: a fifth less CPU an item
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 8 * 1024 * 1024  # default 5 MB: bytes of answers that are read at once
MEMUSAGE_LIMIT_MB = 2048  # default 0: a crawl that runs away ends before the machine does

# Pipelines: one stage a module; docs/architecture.md lists them.
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
STATS_DUMP = False  # default True: the table at the end says it
EXTENSIONS = {
    "newsbot.downloader.download_handler.GuardSettings": 0,
    "newsbot.extensions.progress.Progress": 0,
    "newsbot.extensions.runs.RunRecord": 0,
    "newsbot.extensions.stats.CoreStats": 0,
    "scrapy.extensions.corestats.CoreStats": None,  # default: counts items by a signal each
    "scrapy.extensions.logstats.LogStats": None,  # Progress writes the line a minute
}
SPIDER_MIDDLEWARES_BASE = {  # here, so that a user's SPIDER_MIDDLEWARES do not take it out
    **default_settings.SPIDER_MIDDLEWARES_BASE,
    "newsbot.pipelines.batches.BatchMiddleware": 10,  # next to the engine, which would take a batch for an item
}
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # default: logs what it refuses, no more
    "newsbot.extensions.failures.HttpErrorMiddleware": 50,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,  # default: drops a request without a word
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,  # a check for developers, at a cost an item
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
# Days that a setting may have at most: what lies longer ago is before the calendar of Postgres.
MOST_DAYS = 100_000
# Those that are numbers, 0 or more.
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

# An honest name with a contact, as robots.txt and site owners expect.  # default "Scrapy/VERSION (+https://scrapy.org)"
USER_AGENT = f"newsbot/0.1 (+{CONTACT})"


def wrong_number(name: str, value: object) -> str | None:
    """What is wrong with the value of one of NUMBERS, and what would be right; None where nothing is."""
    kind = NUMBERS[name]
    right = "a whole number, 0 or more" if kind is int else "a number, 0 or more"
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        return f"{name}={value}: {right} is right"
    if name.endswith("_DAYS") and number > MOST_DAYS:
        return f"{name}={value}: {right}, and {MOST_DAYS} at most, is right"
    return None if 0 <= number < float("inf") else f"{name}={value}: {right} is right"
