"""`scrapy genspider`: Scrapy's command; with newsbot's templates it also writes a test of the spider.

For the test, `-t site` saves the site's page and `-t api` writes a stand-in.
"""

import argparse
import json
import keyword
import re
import string
import sysconfig
from collections import Counter
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from parsel import Selector
from scrapy import Request
from scrapy.commands import genspider
from scrapy.exceptions import UsageError
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.conf import closest_scrapy_cfg
from scrapy.utils.spider import DefaultSpider
from twisted.python.failure import Failure

from newsbot.commands.line import Examples, nearest
from newsbot.hosts import with_ascii_host
from newsbot.logins import has_login

TEMPLATES: Examples = {
    "site": (
        "reads the headlines of a page, by selectors (default)",
        "scrapy genspider local www.example.com/news",
    ),
    "api": (
        "reads a web API by its declaration in Python",
        "scrapy genspider -t api weather https://api.example.com/v1",
    ),
}
TESTED = tuple(TEMPLATES)  # templates that have a test
# Selectors of headlines on most front pages, the surest first. The spider gets the first one that matches.
HEADLINES = (
    "article h2 a[href], article h3 a[href]",
    "h2 a[href], h3 a[href]",
    "article a[href]",
    "main a[href]",
    "a[href]",
)
PARAMS = {"from": "{since}", "to": "{until}"}  # of an API, in the template
PAGING = ("page", "limit")  # the parameters of the template's pages
FETCH_TIMEOUT = 120  # seconds, robots.txt and retries included


class FrontPage(DefaultSpider):
    """Fetches one page as a crawl does, with robots.txt, guards and stand-ins, and stores nothing."""

    custom_settings = {"CLOSESPIDER_TIMEOUT": FETCH_TIMEOUT}  # noqa: RUF012  as Scrapy declares it

    def __init__(self, url: str, answer: dict[str, Any]) -> None:
        super().__init__()
        self.url = url
        self.answer = answer  # takes the `page` or the `problem`

    async def start(self) -> AsyncIterator[Request]:
        """The request for the page."""
        yield Request(self.url, errback=self.failed)

    def parse(self, response: Response) -> None:
        """Keep the page unchanged."""
        self.answer["page"] = response.body

    def failed(self, failure: Failure) -> None:
        """Keep the reason for a missing page."""
        http = failure.check(HttpError)
        self.answer["problem"] = f"HTTP status {failure.value.response.status}" if http else failure.getErrorMessage()


class Command(genspider.Command):
    """The default template is `site`: Scrapy's templates yield items that newsbot's pipelines refuse."""

    requires_crawler_process = True

    def add_options(self, parser: Any) -> None:
        """Add Scrapy's options, with newsbot's default."""
        super().add_options(parser)
        parser.show_examples("Templates", TEMPLATES)
        parser.set_defaults(template="site")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Write the spider and its test."""
        if len(args) == 2 and not args[0]:
            raise UsageError(f"the name is empty: expected as in `{TEMPLATES['site'][1]}`", print_help=False)
        if opts.template in TESTED and len(args) == 2 and not _is_module(args[0]):
            raise UsageError(f"{args[0]!r} is not a module name: expected letters, digits and _", print_help=False)
        if opts.template == "api" and len(args) == 2 and not re.fullmatch("[a-z][a-z0-9_-]{0,63}", args[0]):
            right = "expected lower-case ASCII letters, digits, - and _"
            raise UsageError(f"{args[0]!r} is not an API name: {right}", print_help=False)
        if len(args) != 2 and not (opts.list or opts.dump):
            raise UsageError(f"expected a name and an address, as in `{TEMPLATES['site'][1]}`", print_help=False)
        if len(args) == 2:
            args = [args[0], _address(args[1])]
            _check_place(self.settings["NEWSPIDER_MODULE"])
        self._template: Path | None = None
        super().run(args, opts)
        if self._template is None and not opts.list:  # it has printed the reason
            self.exitcode = 1

    def _spider_exists(self, name: str) -> bool:
        exists = super()._spider_exists(name)
        if exists:
            print("Expected another name, or --force to overwrite it.")
        return exists

    def _find_template(self, template: str) -> Path | None:
        self._template = super()._find_template(template)
        if self._template is None and (hint := nearest(template, TEMPLATES)):
            print(f"Unknown template {template!r}{hint}")
        return self._template

    def _generate_template_variables(self, module: str, name: str, url: str, template_name: str) -> dict[str, Any]:
        values = super()._generate_template_variables(module, name, url, template_name)
        values["domain"] = urlsplit(url).hostname  # with a port, `allowed_domains` matches no host
        if template_name == "site":
            values["selector"] = self._save_page(module, url)
        if template_name == "api":
            values["url"], given = _split_query(url)
            values["params"] = _written(PARAMS | given)
        return values

    def _genspider(self, module: str, name: str, url: str, template_name: str, template_file: Any) -> Path:
        spider = super()._genspider(module, name, url, template_name, template_file)
        if template_name in TESTED:
            values = super()._generate_template_variables(module, name, url, template_name)
            values |= {"spiders": self.settings["NEWSPIDER_MODULE"], "host": urlsplit(values["url"]).netloc}
            template = Path(self.settings["TEMPLATES_DIR"], "tests", f"{template_name}.py.tmpl").read_text("utf-8")
            test = _tests() / f"test_{module}.py"
            test.parent.mkdir(parents=True, exist_ok=True)
            test.write_text(string.Template(template).substitute(values), encoding="utf-8")
            others = [_page(module)] if template_name == "site" else []
            print("with its test:", *others, test, sep="\n  ")
        return spider

    def _save_page(self, module: str, url: str) -> str:
        """Save the page and return the selector of its headlines."""
        answer: dict[str, Any] = {}
        self.crawler_process.crawl(FrontPage, url=url, answer=answer)
        self.crawler_process.start()
        page = answer.get("page", b"")
        found = _headlines(page)
        if not found:
            problem = "has no links" if page else f"could not be fetched ({answer.get('problem', 'it took too long')})"
            print(f"{url} {problem}: saved a made-up page, replace it by a real one.")
            page = Path(self.settings["TEMPLATES_DIR"], "tests", "site.html").read_bytes()
            found = _headlines(page)
        _page(module).parent.mkdir(parents=True, exist_ok=True)
        _page(module).write_bytes(page)
        return found


def _is_module(name: str) -> bool:
    module = genspider.sanitize_module_name(name)
    return module.isidentifier() and not keyword.iskeyword(module)


def _address(url: str) -> str:
    """The whole address, with its host in ASCII and without its fragment, which clients do not send.

    Refuses anything but an address before it enters a module: a module that cannot be imported stops every command.
    """
    # Scrapy imports every command at every start
    from newsbot.downloader.addresses import host_name, literal_address
    from newsbot.sources.declared import SECRET_PARAM

    if has_login(url) or "@" in url.partition("/")[0]:
        raise UsageError("the spider would hold the login of the URL: take it out", print_help=False)
    try:
        parts = urlsplit(with_ascii_host(url if "://" in url else f"https://{url}"))
        host = parts.hostname or ""
        parts.port  # noqa: B018  raises ValueError
    except ValueError:
        host = ""
    if not (host_name(host) or literal_address(host)) or re.search(r"[\s\"'<>\\^`{|}$\x00-\x1f]", url):
        right = "expected a host, with or without a path, such as www.example.com/news"
        raise UsageError(f"{url[:200]!r} is not the address of a site: {right}", print_help=False)
    if "." not in host and not literal_address(host) and host != "localhost" and "://" not in url:
        right = "expected an address such as www.example.com, or http://HOST for a host without a dot"
        raise UsageError(f"{url[:200]!r}: {right}", print_help=False)
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"{url[:200]!r}: expected http or https, got {parts.scheme}", print_help=False)
    if secret := next((name for name, _ in parse_qsl(parts.query) if SECRET_PARAM.search(name)), None):
        right = f'in an API write key=Key(variable="NAME", query="{secret}") and set the environment variable NAME'
        raise UsageError(f"{secret} in the URL is a secret, which the spider would hold: {right}", print_help=False)
    return parts._replace(netloc=parts.netloc.lower(), fragment="").geturl()


def _split_query(url: str) -> tuple[str, dict[str, str]]:
    """The URL of an API, and the part of its query that `params` can hold, without the template's own parameters."""
    from newsbot.extraction.paths import places

    parts = urlsplit(url)
    written = [(part, *parse_qsl(part, keep_blank_values=True)[0]) for part in parts.query.split("&") if part]
    times = Counter(name for _, name, _ in written)
    params, kept = {}, []
    for part, name, value in written:
        if name in (*PARAMS, *PAGING):
            print(f"{part} in the URL is left out: the spider sets {name} itself, see `params` and `pages`")
        elif name and "=" in part and times[name] == 1 and not places(value):
            params[name] = value
        else:
            kept.append(part)
    return parts._replace(query="&".join(kept)).geturl(), params


def _written(params: dict[str, str]) -> str:
    """The dict as Python code for the class of the template."""
    pairs = [
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in params.items()
    ]
    if len(pairs) == len(PARAMS):
        return f"{{{', '.join(pairs)}}}"
    return "".join(["{\n", *(f"            {pair},\n" for pair in pairs), "        }"])


def _check_place(package: str) -> None:
    """Refuse a package that pip installed: an upgrade would remove the spider."""
    (folder, *_) = import_module(package).__path__
    if Path(folder).is_relative_to(sysconfig.get_path("purelib")):
        raise UsageError(
            f"NEWSPIDER_MODULE: {package!r} is installed in {folder}, where an upgrade would remove the spider;"
            " expected your package: name it in NEWSPIDER_MODULE and SPIDER_MODULES of a settings module that begins"
            " with `from newsbot.settings import *`, and name that module in scrapy.cfg",
            print_help=False,
        )


def _tests() -> Path:
    return Path(closest_scrapy_cfg()).parent / "tests" / "spiders"


def _page(module: str) -> Path:
    return _tests() / "pages" / f"{module}.html"


def _headlines(page: bytes) -> str | None:
    from newsbot.extraction import pages  # Scrapy imports every command at every start

    try:
        document = pages.read(page, "https://site.example/")
    except pages.PageError:
        return None
    for selector in HEADLINES:
        links = document.tree.css(selector)
        if any(map(_is_headline, links)):
            return selector
    return None


def _is_headline(link: Selector) -> bool:
    """Whether the template's spider takes the link for a headline: it has a text and leads to a page."""
    is_page = urljoin("https://site.example/", link.attrib["href"]).startswith("http")
    return is_page and bool(link.xpath("normalize-space()").get())
