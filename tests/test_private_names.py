"""The names of Scrapy, Twisted and Scrapyd that newsbot uses, and that they may take away without notice.

A search over the source finds names with a leading underscore, imports from their inner modules, and attributes set
on their objects. It cannot recognise undocumented names that look public: `BY_HAND` lists those.
"""

import ast
import inspect
import textwrap
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "newsbot"
THEIRS = ("scrapy", "twisted", "scrapyd")
INNER = ("scrapy.core.",)
NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # are documented

# Where names are used, whose they are (a module's, or a class's and its objects'), and the names.
BY_SEARCH = {
    "commands/crawl.py": {"scrapy.commands.crawl.Command": "_create_crawler"},
    "commands/genspider.py": {
        "scrapy.commands.genspider.Command": "_find_template _generate_template_variables _genspider _spider_exists",
    },
    "commands/line.py": {"scrapy.commands.ScrapyHelpFormatter": "_fill_text"},
    "downloader/download_handler.py": {
        "scrapy.core.downloader.handlers.http11": "HTTP11DownloadHandler _BindAddressAgent _LenientHTTP11ClientFactory"
        " _LenientHTTP11ClientProtocol _ScrapyAgent",
        "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler": "_bind_address _contextFactory _crawler"
        " _default_maxsize _default_warnsize _fail_on_dataloss _pool _tls_verbose_logging",
        "scrapy.core.downloader.handlers.http11._BindAddressAgent": "_endpointFactory _getEndpoint _reactor"
        " _requestWithEndpoint",
        "scrapy.core.downloader.handlers.http11._LenientHTTP11ClientFactory": "_quiescentCallback",
        "scrapy.core.downloader.handlers.http11._LenientHTTP11ClientProtocol": "_giveUp _parser",
        "scrapy.core.downloader.handlers.http11._ScrapyAgent": "_bindAddress _cb_bodyready _contextFactory _crawler"
        " _get_agent _pool",
        "scrapy.utils._download_handlers": "normalize_bind_address wrap_twisted_exceptions",
        "twisted.web._newclient": "HEADER STATUS",
    },
    "extensions/failures.py": {"scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": "_parsers"},
    "hosting/access.py": {"twisted.web.server.Request": "_handleStar"},
    "hosting/eggs.py": {"scrapyd.eggstorage.FilesystemEggStorage": "_egg_path _get_path"},
}
BY_HAND = {
    "commands/genspider.py": {"scrapy.commands.genspider": "sanitize_module_name"},
    "commands/line.py": {
        "scrapy.cmdline": "ScrapyArgumentParser _get_commands_dict _print_commands _print_unknown_command _run_command",
    },
    "downloader/download_handler.py": {
        "scrapy.core.downloader.handlers.http11._ResponseReader": "_bodybuf",
        "twisted.web._newclient.HTTPClientParser": "MAX_LENGTH state",
        "twisted.web.client.HTTPConnectionPool": "_factory getConnection persistent",
        "twisted.web.client._StandardEndpointFactory": "_bindAddress _connectTimeout _policyForHTTPS",
    },
    "downloader/retry_after.py": {
        "scrapy.core.downloader.Downloader": "DOWNLOAD_SLOT _latercall slots",
        "scrapy.core.downloader.Slot": "latercall",
        "scrapy.core.engine.ExecutionEngine": "downloader",
        "scrapy.downloadermiddlewares.retry.RetryMiddleware": "crawler",
    },
    "extensions/failures.py": {"scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": "robot_parser"},
    "extensions/stats.py": {
        "scrapy.extensions.corestats.CoreStats": "item_dropped item_scraped spider_closed start_time",
    },
    "hosting/access.py": {
        "scrapyd.website.Root": "children node_name",
        "twisted.web.http.HTTPChannel": "callLater headerReceived requests",
        "twisted.web.server.Request": "gotLength handleContentChunk requestReceived",
    },
    "hosting/api/call.py": {"scrapyd.website.Root": "node_name"},
    "hosting/api/crawl.py": {"scrapyd.website.Root": "node_name poller"},
    "hosting/api/openapi.py": {"scrapyd.website.Root": "children"},
    "hosting/api/own.py": {"scrapyd.website.Root": "launcher logs_dir node_name poller"},
    "hosting/api/scrapyd.py": {
        "scrapyd.website.Root": "eggstorage get_item_url get_log_url launcher poller scheduler update_projects",
    },
    "hosting/app.py": {"twisted.internet.base.ReactorBase": "seconds"},
    "hosting/config.py": {"scrapyd.config.Config": "SECTION cp"},
    "hosting/page/view.py": {"scrapyd.website.Root": "node_name prefix_header"},
    "hosting/page/jobs_table.py": {"scrapyd.website.Root": "get_item_url get_log_url launcher local_items"},
    "hosting/page/log_view.py": {"scrapyd.website.Root": "launcher logs_dir node_name"},
    "hosting/page/overview.py": {"scrapyd.website.Root": "launcher node_name"},
    "hosting/website.py": {
        "scrapyd.config.Config": "SECTION cp",
        "scrapyd.website.Root": "app eggstorage get_item_url get_log_url items_dir launcher local_items logs_dir"
        " runner",
    },
    "pipelines/answer.py": {"scrapy.core.engine.ExecutionEngine": "close_spider_async"},
    "pipelines/batches.py": {
        "scrapy.core.engine.ExecutionEngine": "scraper",
        "scrapy.core.scraper.Scraper": "itemproc",
    },
    "pipelines/manager.py": {
        "scrapy.core.engine.ExecutionEngine": "close_spider_async",
        "scrapy.pipelines.ItemPipelineManager": "close_spider_async crawler middlewares process_item_async",
    },
    "settings.py": {"scrapy.settings.default_settings": "EXTENSIONS_BASE ITEM_PROCESSOR SPIDER_MIDDLEWARES_BASE"},
    "spiders/base/api.py": {"scrapy.core.engine.ExecutionEngine": "crawl"},
    "spiders/base/errbacks.py": {
        "scrapy.core.engine.ExecutionEngine": "scraper",
        "scrapy.core.scraper.Scraper": "itemproc",
    },
}


# --- The search -------------------------------------------------------------------------------------------------------


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def is_theirs(path):
    return path.partition(".")[0] in THEIRS


def is_inner(module):
    return f"{module}.".startswith(INNER) or any(map(is_private, module.split(".")))


class Source:
    """A module of newsbot: its tree, the targets of its names, and its classes by name."""

    def __init__(self, file):
        self.tree = ast.parse(file.read_text(encoding="utf-8"))
        self.module = ".".join(("newsbot", *file.relative_to(PACKAGE).with_suffix("").parts))
        self.classes = {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}
        self.imports = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom)]
        self.names = {name: f"{self.module}.{name}" for name in self.classes}
        for node in self.imports:
            self.names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self.names |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}

    def path(self, node):
        """The dotted path that an expression stands for, or an empty one."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        return f"{self.path(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


SOURCES = {str(file.relative_to(PACKAGE)): Source(file) for file in sorted(PACKAGE.rglob("*.py"))}
CLASSES = {
    f"{source.module}.{name}": (source, node) for source in SOURCES.values() for name, node in source.classes.items()
}


def their_bases(path):
    """The classes of theirs that a class of ours builds on, also by way of others of ours."""
    source, node = CLASSES[path]
    for base in map(source.path, node.bases):
        if is_theirs(base):
            yield base
        elif base in CLASSES:
            yield from their_bases(base)


@cache
def names_of(path):
    """The names of a module, or of a class and its methods' attributes; none where it is gone."""
    try:
        return set(vars(import_module(path)))
    except ImportError:
        module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return set()
    names = set(dir(found))
    for each in inspect.getmro(found):
        if is_theirs(each.__module__):
            tree = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
            names |= {node.attr for node in own_attributes(tree) if isinstance(node.ctx, ast.Store)}
            names |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    return names


def own_attributes(tree):
    """The attributes asked of `self`, `cls` and `super()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(of, ast.Name) and of.id in ("self", "cls", "super"):
                yield node


def defined(tree):
    """The names of the functions, classes and variables in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def used(tree):
    return {*defined(tree), *(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))}


def imported(source):
    for node in source.imports:
        if is_theirs(node.module):
            yield from (
                (node.module, each.name) for each in node.names if is_inner(node.module) or is_private(each.name)
            )


def inherited(source):
    """The names that a class of ours overrides or uses of its base class of theirs."""
    for name, tree in source.classes.items():
        ours = {*defined(tree), *(node.attr for node in own_attributes(tree))}
        for base in their_bases(f"{source.module}.{name}"):
            yield from ((base, each) for each in ours & names_of(base) if is_private(each))


def reached(source):
    """Private attributes of other objects, and attributes set on theirs; the source does not say whose they are."""
    if not any(map(is_theirs, source.names.values())):
        return
    own = list(own_attributes(source.tree))
    ours = {*defined(source.tree), *(node.attr for node in own)} - {name for _, name in inherited(source)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node not in own:
            is_set = isinstance(node.ctx, ast.Store) and is_theirs(source.path(node.value))
            if is_set or (is_private(node.attr) and node.attr not in ours | NAMED_TUPLES):
                yield node.attr


# --- The tests --------------------------------------------------------------------------------------------------------


def listed(table, file):
    return {(owner, name) for owner, names in table.get(file, {}).items() for name in names.split()}


ROWS = [(file, *row) for table in (BY_SEARCH, BY_HAND) for file in table for row in sorted(listed(table, file))]


@pytest.mark.parametrize(("file", "owner", "name"), ROWS)
def test_a_name_of_theirs_is_still_there(file, owner, name):
    assert name in names_of(owner), f"{owner} has no {name} any more, which newsbot/{file} uses"


@pytest.mark.parametrize("file", SOURCES)
def test_the_list_is_what_the_source_uses(file):
    source = SOURCES[file]
    found, by_search = {*imported(source), *inherited(source)}, listed(BY_SEARCH, file)
    still_there = {(owner, name) for owner, name in by_search if name in names_of(owner)}
    assert found - by_search == set(), f"newsbot/{file} uses more than BY_SEARCH lists"
    assert still_there - found == set(), f"newsbot/{file} uses less than BY_SEARCH lists"
    by_hand = {name for _, name in listed(BY_HAND, file)}
    assert set(reached(source)) - by_hand == set(), f"newsbot/{file} uses more than BY_HAND lists"
    assert by_hand - used(source.tree) == set(), f"newsbot/{file} uses less than BY_HAND lists"


def test_the_list_names_files_that_are_there():
    assert {*BY_SEARCH, *BY_HAND} <= set(SOURCES)
