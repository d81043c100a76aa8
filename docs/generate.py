"""`python -m docs.generate`: writes the documents that come from the code.

A page for each API in docs/apis/, from its docstring and its declaration; the table of an article's fields; the data
dictionary.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from inspect import cleandoc, getsource
from itertools import takewhile
from pathlib import Path
from typing import Any

from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.project import get_project_settings
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from newsbot.commands.known_apis import Known, known, quota
from newsbot.items import Article, fields_of
from newsbot.pipelines.validate import left_out_if_wrong
from newsbot.sources.api import Api, Key
from newsbot.spiders.base import arguments
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.arguments import Described
from newsbot.storage.articles import REVISED
from newsbot.storage.tables import metadata

FOLDER = Path(__file__).with_name("apis")
DECLARED = Path(__file__).parents[1] / "newsbot" / "sources" / "apis"

DICTIONARY = Path(__file__).with_name("tables.md")
OWN_SPIDER = Path(__file__).with_name("own-spider.md")
MADE_BELOW = "made by `python -m docs.generate`. -->\n"
_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    datetime: "`datetime`, `date`, ISO 8601 as text, Unix seconds",
    list[str]: "list or tuple of texts",
    dict[str, Any]: "mapping of what JSON can say",
}

_EXAMPLES = {"query": "ferries", "language": "de", "country": "fr", "latitude": "52.52", "longitude": "13.41"}
_PAGES = {
    "number": "by number",
    "offset": "by the number of records before them",
    "token": "by a token",
    "link": "by the link of the next one",
}
_BACKFILL = 7 * 86_400  # seconds, of the example
_UNITS = ((31_536_000, "year"), (604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def pages(settings: BaseSettings) -> dict[str, str]:
    """The text of each page, by the name of its file."""
    loader = get_spider_loader(settings)
    apis = known(settings)
    found = {
        f"{each.api.name}.md": _of_spider(each, loader.load(each.crawl))
        if each.crawl in loader.list()
        else _page(each, _comment(each.api.name), arguments.described(each.api), [])
        for each in apis
    }
    return {"README.md": _index(apis)} | found


def article_fields() -> str:
    """A row per field: its values, its meaning, the effect of a wrong value, whether former values are kept."""
    comments = dict(re.findall(r"^    (\w+): [^#\n]+?(?:  # (.+))?$", getsource(Article), re.MULTILINE))
    rows = [
        (
            f"`{field.name}`",
            _needed(field.is_needed),
            _TYPES[field.type],
            comments[field.name],
            "left out" if field.name in left_out_if_wrong(Article) else "refuses the article",
            "yes" if field.name in REVISED else "",
        )
        for field in fields_of(Article)
    ]
    return "\n" + _table(("field", "needed", "values", "meaning", "a wrong value", "revised"), rows) + "\n"


def dictionary() -> str:
    """The meaning of each table, and the type and meaning of each column."""
    tables = metadata.tables.values()
    return _joined(
        "# The tables\n\nMade by `python -m docs.generate` from `newsbot/storage/tables.py`. The same texts are"
        " comments in the database: `\\d+ articles` in `psql` shows them. SQL without `psql`:"
        " [the database](database.md#sql-from-the-command-line).",
        _table(("table", "a row is"), [(f"[`{each.name}`](#{each.name})", each.comment) for each in tables]),
        *(part for table in tables for part in _columns(table)),
    )


def _columns(table: Table) -> Iterator[str]:
    key = ", ".join(f"`{column.name}`" for column in table.primary_key)
    yield f"## {table.name}\n\n{table.comment}. Primary key: {key}."
    rows = [
        (f"`{each.name}`", _type(each.type), "yes" if each.nullable else "", each.comment) for each in table.columns
    ]
    yield _table(("column", "type", "null", "meaning"), rows)


def _type(column_type: TypeEngine) -> str:
    """The type as Postgres spells it, without the collation."""
    return column_type.compile(postgresql.dialect()).partition(" COLLATE")[0].lower()


def _of_spider(each: Known, spider: type[ApiSpider]) -> str:
    own = spider.own_arguments()
    others = [(f"-a {name}=1", other) for name in own if (other := spider.declaration({name: "1"})) is not each.api]
    return _page(each, cleandoc(spider.__doc__), spider.describe_arguments({}), others)


def _comment(name: str) -> str:
    """The comment that a declaration in YAML begins with, without the line for editors."""
    lines = (DECLARED / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("# ") for line in takewhile(lambda line: line.startswith("#"), lines)]
    return "\n".join(line for line in comment if not line.startswith("yaml-language-server"))


def _index(apis: list[Known]) -> str:
    rows = [
        (
            f"[`{api.name}`]({api.name}.md)",
            api.title,
            f"`{_table_of(api)}`",
            _variable(api.key) if api.key else "",
            quota(api),
        )
        for api, *_ in apis
    ]
    return _joined(
        "# The APIs\n\nMade by `python -m docs.generate` from the spiders. How they work, and how to add one:"
        " [APIs](../apis.md).",
        _table(("name", "what", "rows go to", "key", "quota"), rows),
    )


def _page(each: Known, about: str, described: list[Described], others: list[tuple[str, Api]]) -> str:
    api = each.api
    return _joined(
        f"# {api.title}",
        about,
        _code(_commands(each)),
        _table(("", ""), _facts(api)),
        *_arguments(described),
        *_destination(api),
        *(part for how, other in others for part in _other(how, other)),
        "Made by `python -m docs.generate`. How APIs work: [APIs](../apis.md).",
    )


def _other(how: str, api: Api) -> Iterator[str]:
    yield f"## With `{how}`"
    yield _table(("", ""), _facts(api))
    yield from _arguments(arguments.described(api))


def _commands(each: Known) -> Iterator[tuple[str, str]]:
    api = each.api
    required = "".join(f" -a {name}={_example(api, name)}" for name, each in api.arguments.items() if each.required)
    crawl = f"scrapy crawl {each.crawl}{required}"
    times = arguments.times(api)
    if api.key:
        what = "the key" if api.key.required else "a key, which is not needed"
        yield f"export {api.key.variable}=...", f"{what}, from <{api.key.signup}>" if api.key.signup else what
    yield crawl, "what is new" if api.cursor else "everything"
    if "query" in api.arguments and not api.arguments["query"].required:
        yield f"{crawl} -a query={_EXAMPLES['query']}", "what matches"
    if "backfill" in times and api.cursor.first < _BACKFILL:
        yield f"{crawl} -a backfill=7d", "and what is not yet read of the last 7 days"
    if "until" in times:
        yield f"{crawl} -a since=2024-05-01 -a until=2024-05-08", "that period, even if it was read before"
    yield f'scrapy db sql "{_select(api)}"', ""


def _example(api: Api, name: str) -> str:
    argument = api.arguments[name]
    return argument.default or next(iter(argument.choices), None) or _EXAMPLES.get(name) or name.upper()


def _select(api: Api) -> str:
    if api.article is not None:
        what = f"published_at, title FROM articles WHERE source_id = '{api.name}' ORDER BY 1 DESC"
    elif api.observation is not None:
        what = (
            f"name, time, value, unit FROM observations JOIN series ON id = series_id WHERE source = '{api.name}'"
            " ORDER BY name, time DESC"
        )
    else:
        what = f"key, data FROM records WHERE dataset = '{api.record.dataset}' ORDER BY key"
    return f"SELECT {what} LIMIT 20"


def _facts(api: Api) -> Iterator[tuple[str, str]]:
    if api.homepage:
        yield "Read about it", f"<{api.homepage}>"
    yield "Endpoint", f"`{api.url}`"
    if api.key:
        place = f"header `{api.key.header}`" if api.key.header else f"query parameter `{api.key.query}`"
        yield "Key", f"environment variable {_variable(api.key)}; sent in the {place}, to this host only"
    else:
        yield "Key", "not needed"
    yield "Quota", f"{quota(api)}; its answers override this" if api.quota else "unknown"
    if api.pages:
        size = f", of {api.pages.size} records" if api.pages.size else ""
        yield "Pages", f"{_PAGES[api.pages.by]}{size}"
    if api.slices:
        cap = f"; one with more than {api.slices.cap:,} hits is halved" if api.slices.cap else ""
        yield "Slices", f"of {_duration(api.slices.longest)} at most{cap}, down to {_duration(api.slices.shortest)}"
    if api.cursor:
        first = f"the first run goes back {_duration(api.cursor.first)}" if api.cursor.by == "time" else ""
        overlap = f"{_duration(api.cursor.overlap)} of overlap" if api.cursor.overlap else ""
        reach = f"it reaches back {_duration(api.cursor.reach)} at most" if api.cursor.reach else ""
        yield "Cursor", "; ".join(filter(None, (f"by {api.cursor.by}, `{api.cursor.path}`", first, overlap, reach)))
    else:
        yield "Cursor", "none: each run requests everything and revises what changed"


def _variable(key: Key) -> str:
    return f"`{key.variable}`" + ("" if key.required else " (not needed)")


def _arguments(described: list[Described]) -> Iterator[str]:
    rows = [
        (f"`{each.name}`", each.meaning, f"`{each.default}`" if each.default else _needed(each.is_required))
        for each in described
    ]
    if rows:
        yield _table(("argument (`-a`)", "meaning", "default"), rows)


def _needed(required: bool) -> str:
    return "is required" if required else ""


def _destination(api: Api) -> Iterator[str]:
    yield (
        f"## Field mapping\n\nA record is at `{api.records}` of an answer."
        if api.records != "@"
        else ("## Field mapping")
    )
    if api.article is not None:
        yield _table(
            ("`articles`", "of a record"), [(f"`{name}`", _path(where)) for name, where in api.article.items()]
        )
        if any(name.startswith("extra.") for name in api.article):
            yield "`extra` is kept in `sightings.data`."
        yield f"Rank of its articles: `{api.rank}`."
    elif api.observation is not None:
        fields = ("series", "time", "value", "unit", "frequency")
        columns = ("series.name", "observations.time", "observations.value", "series.unit", "series.frequency")
        named = {column: getattr(api.observation, name) for column, name in zip(columns, fields, strict=True)}
        named |= {f"series.metadata->>'{name}'": where for name, where in api.observation.metadata.items()}
        rows = [(f"`{column}`", _path(where)) for column, where in named.items() if where]
        yield _table(("column", "of a row"), rows)
    else:
        yield f"Dataset `{api.record.dataset}`; the key is {_path(api.record.key)}."
        rows = [
            (f"`{name}`", column.type, column.unit or "", column.description or "")
            for name, column in api.record.columns.items()
        ]
        yield _table(("`records.data`", "type", "unit", "meaning"), rows) if rows else "All that a record says is kept."


def _table_of(api: Api) -> str:
    return "articles" if api.article is not None else "observations" if api.observation is not None else "records"


def _path(where: str) -> str:
    return f"`{where}`".replace("|", r"\|")


def _duration(seconds: float) -> str:
    """In the largest unit that gives a whole number of at least one, within a second."""
    number, unit = next((round(seconds / size), unit) for size, unit in _UNITS if abs(seconds % -size) <= 1 <= seconds)
    return f"{number} {unit}{'s' if number != 1 else ''}"


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(commands: Iterator[tuple[str, str]]) -> str:
    return "\n".join(f"    {command}  # {what}" if what else f"    {command}" for command, what in commands)


def _joined(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    written = pages(get_project_settings())
    for old in FOLDER.glob("*.md"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    DICTIONARY.write_text(dictionary(), encoding="utf-8")
    kept, mark, _ = OWN_SPIDER.read_text(encoding="utf-8").partition(MADE_BELOW)
    OWN_SPIDER.write_text(kept + mark + article_fields(), encoding="utf-8")
