"""A file of rows, by its declaration: CSV, TSV, JSON, JSON lines, XLSX or Parquet, from a URL or a path."""

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
    """Loads the rows of a file by a declaration: `scrapy crawl dataset -a config=FILE.yaml [-a file=PATH or URL]`.

    `config` may be the name of a dataset that comes with newsbot. `file` overrides the path or URL of the data.
    """

    name = "dataset"
    arguments: ClassVar[dict[str, Known]] = {
        "config": Known(str, f"a declaration in YAML, or one of {', '.join(shipped())}", is_required=True),
        "file": Known(str, "a path or URL of the data", "the declaration's"),
    }

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[Described]:
        """The arguments with their help."""
        return describe(cls.arguments)

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """The arguments as values, and the `dataset` by them. Raises `ArgumentError` or `DatasetError`."""
        values = read(cls.name, given, {name: known.read for name, known in cls.arguments.items()})
        if not values["config"]:
            raise ArgumentError(f"-a config= is missing: a YAML file, or one of {', '.join(shipped())}")
        values["dataset"] = load(values["config"])
        if file := values["file"]:
            if has_login(file):
                raise ArgumentError(f"dataset: -a file=: {NO_USER}")
            is_url = file.startswith(("http://", "https://"))
            values["dataset"] = replace(values["dataset"], url=file if is_url else None, path=None if is_url else file)
        return values

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: str) -> Self:
        """Read the arguments. Raises the errors of `read_arguments`."""
        given = cls.read_arguments(arguments, crawler.settings)
        spider = super().from_crawler(crawler, _job=arguments.get("_job"))
        spider.dataset = given["dataset"]
        return spider
