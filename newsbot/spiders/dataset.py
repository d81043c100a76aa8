"""A file of rows as its declaration says: CSV, TSV, JSON, JSON lines, XLSX or Parquet, by link or path."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy.crawler import Crawler

from newsbot.logins import has_login
from newsbot.sources.dataset import NO_USER, load, shipped
from newsbot.spiders.base.arguments import ArgumentError, Described, Known, describe, read
from newsbot.spiders.base.dataset import BulkSpider

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class DatasetSpider(BulkSpider):
    """The rows of a file, as a declaration says: `scrapy crawl dataset -a config=FILE.yaml [-a file=PATH or URL]`.

    `config` may be the name of a dataset that comes along; `file` says where the data is, instead of the declaration.
    """

    name = "dataset"
    arguments: ClassVar[dict[str, Known]] = {
        "config": Known(str, f"a declaration in YAML, or one of {', '.join(shipped())}", is_required=True),
        "file": Known(str, "a path or URL of the data", "the declaration's"),
    }

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[Described]:
        """The arguments, for the help."""
        return describe(cls.arguments)

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """The arguments as values, and the `dataset` that they say. Raises `ArgumentError` or `DatasetError`."""
        values = read(cls.name, given, {name: known.read for name, known in cls.arguments.items()})
        if not values["config"]:
            raise ArgumentError(
                "dataset: -a config= is missing: a YAML file, or the name of a dataset that comes along"
            )
        values["dataset"] = load(values["config"])
        if file := values["file"]:
            if has_login(file):
                raise ArgumentError(f"dataset: -a file=: {NO_USER}")
            is_url = file.startswith(("http://", "https://"))
            values["dataset"] = replace(values["dataset"], url=file if is_url else None, path=None if is_url else file)
        return values

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: str) -> Self:
        """Take the arguments. Raises what `read_arguments` does."""
        given = cls.read_arguments(arguments, crawler.settings)
        spider = super().from_crawler(crawler, _job=arguments.get("_job"))
        spider.dataset = given["dataset"]
        return spider
