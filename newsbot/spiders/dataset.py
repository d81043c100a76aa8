"""A file of rows as its declaration says: CSV, TSV, JSON, JSON lines, XLSX or Parquet, by link or path."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from scrapy.crawler import Crawler

from newsbot.sources.dataset import NO_USER, has_password, load
from newsbot.spiders.base.arguments import ArgumentError, read
from newsbot.spiders.base.dataset import BulkSpider


class DatasetSpider(BulkSpider):
    """`scrapy crawl dataset -a config=FILE.yaml [-a file=PATH or URL]`.

    `config` may be the name of a dataset that comes along; `file` says where the data is, instead of the declaration.
    """

    name = "dataset"

    @classmethod
    def read_arguments(cls, given: Mapping[str, str]) -> dict[str, Any]:
        """The arguments as values. Raises `ArgumentError`."""
        values = read(cls.name, given, {"config": str, "file": str})
        if not values["config"]:
            raise ArgumentError(
                "dataset: -a config= is missing: a YAML file, or the name of a dataset that comes along"
            )
        return values

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: str) -> Self:
        """Read the declaration. Raises `ArgumentError` or `DatasetError`."""
        given = cls.read_arguments(arguments)
        spider = super().from_crawler(crawler, _job=arguments.get("_job"))
        spider.dataset = load(given["config"])
        if file := given["file"]:
            if has_password(file):
                raise ArgumentError(f"dataset: -a file=: {NO_USER}")
            is_url = file.startswith(("http://", "https://"))
            spider.dataset = replace(spider.dataset, url=file if is_url else None, path=None if is_url else file)
        return spider
