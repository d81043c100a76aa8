"""The base for datasets: one file, loaded as a whole, without items, if it has changed."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

import psycopg2
from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import CursorProgress
from newsbot.extraction.tables.packed import Limits
from newsbot.extraction.tables.table import UnreadableTableError
from newsbot.hosts import with_ascii_host
from newsbot.sources.dataset import Dataset
from newsbot.sources.document import open_file
from newsbot.sources.options import NAME, RequestOptions
from newsbot.spiders.base import responses
from newsbot.spiders.base.table_rows import Table
from newsbot.storage import bulk, cursors, sources
from newsbot.storage.errors import DatabaseError
from newsbot.storage.jobs import FencedError
from newsbot.storage.writer import Writer


class BulkSpider(Spider):
    """Loads the file of a dataset.

    1. Set `name`.
    2. Set `dataset` to the declaration before the start, as in `from_crawler`.
    """

    tells_outcomes = True  # reports the outcome of its file

    dataset: Dataset

    custom_settings: ClassVar[dict[str, Any]] = {
        "ROBOTSTXT_OBEY": False,  # default True: for spiders that follow links; here the user names the file
    }

    @classmethod
    def from_crawler(cls, crawler: Crawler, **given: str) -> Self:
        """Read the settings that limit the size of the file."""
        spider = super().from_crawler(crawler, _job=given.get("_job"))
        settings = crawler.settings
        spider._limits = Limits(settings.getint("DATASET_INFLATED_MAX"), settings.getfloat("DATASET_RATIO_MAX"))
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """The request for the file; a local file is loaded at once."""
        self.writer = Writer.of(self.crawler)
        dataset = self.dataset
        self._where = dataset.url or dataset.path
        self._cursor_key = cursors.key(self.name, {}, dataset.name)
        source = {"id": dataset.name, "name": dataset.title, "homepage": dataset.homepage}
        row = source | {"country": None, "language": None}
        await self.writer.ask(partial(sources.write, sources=[row]))
        before = (await self.writer.ask(partial(cursors.read, keys=[self._cursor_key]))).get(self._cursor_key)
        self._before = before if isinstance(before, dict) else {}  # else load the file anew
        self.crawler.stats.set_value("newsbot/endpoints", 1)
        if dataset.url:
            self.writer.run.asking(dataset.name, self._where)
            yield self._request(dataset.url)
            return
        try:
            file = open_file(Path(dataset.path))  # `_load` closes it
        except OSError as error:
            self._report(ok=False, status=error.strerror or str(error))
            return
        await self._load(file, Path(dataset.path).name, {})

    def _request(self, url: str) -> Request:
        settings = self.crawler.settings
        file = tempfile.TemporaryFile()  # noqa: SIM115  has no name, so a kill leaves no file behind
        meta = {
            NAME: RequestOptions(file=file),
            "download_maxsize": settings.getint("DATASET_MAXSIZE"),
            "download_warnsize": 0,
            "download_timeout": settings.getfloat("DATASET_TIMEOUT"),
            "handle_httpstatus_list": responses.STATUSES,
        }
        headers = {"Accept-Encoding": "identity"}
        if self._is_same_declaration() and self._before.get("where") == url and not self._is_full_due():
            validators = {"If-None-Match": "etag", "If-Modified-Since": "last_modified"}
            headers |= {name: self._before[key] for name, key in validators.items() if self._before.get(key)}
        return Request(
            with_ascii_host(url),
            headers=headers,
            meta=meta,
            callback=self.answered,
            errback=self.failed,
            dont_filter=True,
        )

    async def answered(self, response: Response) -> None:
        """Load the downloaded file."""
        file = response.meta[NAME].file
        answer = responses.answer_of(response)
        if answer.status == 304 and answer.conditional:
            self._report(ok=True, status="unchanged")
        elif answer.status != 200:
            self._report(ok=False, status=answer.told)
        else:
            validators = {"etag": answer.headers.get("ETag") or None}
            validators["last_modified"] = answer.headers.get("Last-Modified") or None
            await self._load(file, response.url, validators)
        file.close()

    def failed(self, failure: Failure) -> None:
        """Report why the request got no answer."""
        error = failure.value
        status = responses.answer_of(error.response).told if isinstance(error, HttpError) else failure.getErrorMessage()
        failure.request.meta[NAME].file.close()
        self._report(ok=False, status=status)

    async def _load(self, file: BinaryIO, name: str, validators: dict[str, str | None]) -> None:
        with file:
            try:
                status = await self._load_changed(file, name, validators)
            except (UnreadableTableError, psycopg2.DataError, OSError) as error:
                self._report(ok=False, status=" ".join(str(error).split()))
            except (DatabaseError, FencedError, psycopg2.OperationalError):
                pass  # the store ends the crawl and has reported why
            else:
                self._report(ok=True, status=status)

    async def _load_changed(self, file: BinaryIO, name: str, validators: dict[str, str | None]) -> str:
        """Load the file if it differs from last time, and return its status. Raises for a wrong file."""
        sha256 = await asyncio.to_thread(_digest, file, "sha256")
        if self.dataset.checksum:
            kind, _, right = self.dataset.checksum.partition(":")
            found = sha256 if kind == "sha256" else await asyncio.to_thread(_digest, file, kind)
            if found != right.lower():
                raise UnreadableTableError(
                    f"expected the {kind} {right.lower()}, as declared, got {found}: nothing is stored"
                )
        if sha256 == self._before.get("sha256") and self._is_same_declaration():
            return "unchanged"
        table = Table(self.dataset, file, name, self._limits, self._before.get("header", ()))
        value = validators | {"sha256": sha256, "declaration": self._declaration()}
        value["where"] = self._where
        value["fetched_at"] = datetime.now(UTC).isoformat()

        def progress() -> CursorProgress:
            read = value | {"header": table.header}
            names = {"spider": self.name, "arguments": {}, "source": self.dataset.name}
            return CursorProgress(key=self._cursor_key, value=read, **names)

        def work(cursor: Any) -> bulk.Loaded:
            found = bulk.load(cursor, table.lines, self._description(), progress, self.writer.run.id)
            rows = found.new + found.changed + found.unchanged
            if rows < (self.dataset.at_least or 0):  # the transaction is rolled back
                least = self.dataset.at_least
                raise UnreadableTableError(f"expected at least {least} rows, got {rows}: nothing is stored")
            return found

        loaded = await self.writer.load(self.dataset.name, work)
        remarks = table.remarks + loaded.remarks()
        for remark in remarks:
            self.logger.warning("%s: %s", self._where, remark)
        return "; ".join(remarks) or "loaded"

    def _description(self) -> dict[str, Any]:
        dataset = self.dataset
        columns = {
            name: {"type": column.type, "unit": column.unit, "description": column.description}
            for name, column in dataset.columns.items()
        }
        return {
            "name": dataset.name,
            "title": dataset.title,
            "columns": columns,
            "source_id": dataset.name,
            "url": self._where,
            "licence": dataset.licence,
        }

    def _declaration(self) -> str:
        """A hash of the declaration: another declaration reads other rows from the same file."""
        return hashlib.sha256(repr(replace(self.dataset, url=None, path=None)).encode()).hexdigest()

    def _is_same_declaration(self) -> bool:
        return self._before.get("declaration") == self._declaration()

    def _is_full_due(self) -> bool:
        """Whether to fetch the file without validators: now and then a server wrongly says that it did not change."""
        try:
            fetched_at = datetime.fromisoformat(self._before["fetched_at"])
            age = (datetime.now(UTC) - fetched_at).total_seconds()
        except (KeyError, TypeError, ValueError):
            return True
        return not 0 <= age <= self.crawler.settings.getfloat("FEED_FULL_FETCH_INTERVAL")

    def _report(self, *, ok: bool, status: str) -> None:
        (self.logger.info if ok else self.logger.error)("%s: %s", self._where, status)
        self.writer.run.outcome(self.dataset.name, self._where, ok=ok, status=status)


def _digest(file: BinaryIO, kind: str) -> str:
    file.seek(0)
    found = hashlib.file_digest(file, partial(hashlib.new, kind, usedforsecurity=False)).hexdigest()
    file.seek(0)
    return found
