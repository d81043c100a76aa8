"""GDELT: an index of the world's news, by its bulk files or by its search."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy import Request

from newsbot.batch import Answer, Batch, Then
from newsbot.extraction import gdelt
from newsbot.items import Item
from newsbot.readers.gdelt import read
from newsbot.readers.listed_files import File
from newsbot.sources.api import Api, Argument, Cursor, Limit, Quota, Slices
from newsbot.spiders.base.api import DAY, HOUR, MAX_TOLD, ApiSpider, RefusedError, Stream
from newsbot.spiders.base.arguments import ArgumentError, names
from newsbot.spiders.base.files import FilesSpider

BULK = "http://data.gdeltproject.org/gdeltv2/"
SEARCH = "gdelt/search"  # the origin of the search's articles, as the search gives other fields than the files

_PASSES = re.compile("(?i)limit|later|again|unavailable|time.?out|error")  # in a message: a retry may succeed
_LINE = re.compile(rb"^.*?(\.translation)?\.gkg\.csv\.zip.*$", re.MULTILINE)
_PARTS = re.compile(rf"(\d+) ([0-9a-f]{{32}}) ({re.escape(BULK)}(\d{{14}})(?:\.translation)?\.gkg\.csv\.zip)\s*")


class GdeltSpider(FilesSpider):
    """Articles of some 100,000 sites in 65 languages, from GDELT's Global Knowledge Graph 2.1.

    Every 15 minutes GDELT publishes a file of new articles: address, title, picture and, in `sightings.data`, the tone
    with its parts, the themes, the places and the publisher of each article (countries of places in FIPS 10-4). The
    files have no text; time and authors come from the page, with the time of the file in place of a missing one. The
    first run reads the newest file, the next ones all files since. `-a backfill=1d` (96 files of 5 MB, some 150,000
    articles) or `-a since=` reads older files, back to February 2015. By default a run reads articles in English;
    `-a language=fr` reads the files of articles that GDELT has translated, which are three times as large, and keeps
    those in French. `-a themes=ELECTION,PROTEST` and `-a domains=bbc.co.uk` keep articles with one of these themes, and
    of one of these publishers.

    A run reports a file whose size or md5 differs from GDELT's list, or that cannot be read, and the next ten runs
    retry it. It also reports a file that the list lacks between two others, and the runs of the next day look for it.
    Rows with another number of columns, or without a title and without words in the address, are among the rejects. The
    articles of the files get no sentiment, as GDELT's tone is that of the whole text.

    `-a query=` searches the last three months instead, in GDELT's syntax: at most 250 articles for 15 minutes, where a
    run reports more as incomplete, and one call in 5 seconds. `-a language=`, `-a country=`, `-a themes=` and
    `-a domains=` narrow it. Its quota, slices and fields are declared; those of the files are as above.
    """

    name = "gdelt"
    step = timedelta(minutes=15)
    api = Api(
        name="gdelt",
        title="GDELT",
        homepage="https://www.gdeltproject.org",
        url="https://api.gdeltproject.org/api/v2/doc/doc",
        arguments={
            "query": Argument(help="what to search for, in the syntax of the API; without it, the bulk files are read"),
            "language": Argument(),
            "country": Argument(help="country of the publisher, ISO 3166-1 alpha-2 as `fr`; only with a query"),
            "themes": Argument(help="articles with one of these themes of GDELT, as `ELECTION,PROTEST`"),
            "domains": Argument(help="articles of one of these sites, as `bbc.co.uk`"),
        },
        params={
            "query": "{query}",
            "mode": "artlist",
            "format": "json",
            "maxrecords": "250",
            "startdatetime": "{since:%Y%m%d%H%M%S}",
            "enddatetime": "{until:%Y%m%d%H%M%S}",
        },
        records="articles",
        slices=Slices(longest=DAY, shortest=900, cap=250),
        cursor=Cursor(by="time", path="seendate", overlap=HOUR),
        quota=Quota(limits=(Limit(calls=1, per="5s"),)),
        rank="index",
        article={
            "url": "url",
            "title": "title",
            "published_at": "seendate",
            "image_url": "socialimage",
            "language": "language",
            "extra.publisher": "domain",
            "extra.country": "sourcecountry",
        },
    )

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """`themes` and `domains`, which take several values."""
        return {"themes": names, "domains": names}

    def check_arguments(self) -> None:
        """Check also that GDELT knows the language and the country, and that arguments of the search have a query."""
        super().check_arguments()
        given, faults = self.given, []
        for name, form, right, example in (
            ("themes", str.upper, "[A-Z0-9_]+", "the names of themes, such as ELECTION"),
            ("domains", str.lower, r"[\w-]+(\.[\w-]+)+", "the names of sites, such as bbc.co.uk"),
        ):
            given[name] = given[name] and sorted({form(each) for each in given[name]})
            wrong = [each for each in given[name] or () if not re.fullmatch(right, each)]
            if wrong:
                faults.append(f"-a {name}={','.join(wrong)}: expected {example}")
        if given["language"] and given["language"] not in gdelt.LANGUAGES:
            faults.append(f"-a language={given['language']}: expected one of {', '.join(sorted(gdelt.LANGUAGES))}")
        if given["country"] and given["country"] not in gdelt.COUNTRIES:
            faults.append(f"-a country={given['country']}: expected one of {', '.join(sorted(gdelt.COUNTRIES))}")
        if given["query"] is None:
            why = "only the search can do that, with -a query=: the bulk files"
            if given["country"]:
                faults.append(f"-a country={given['country']}: {why} do not name a publisher's country")
            if given["budget"]:
                faults.append(f"-a budget={given['budget']:g}: {why} do not count as calls")
        elif not given["query"].strip():
            faults.append("-a query=: expected words to search for")
        if faults:
            raise ArgumentError(f"{self.name}: " + "\n".join(faults))

    async def start(self) -> AsyncIterator[Request]:
        """The first request of the search, or of the bulk files."""
        way = FilesSpider if self.given["query"] is None else ApiSpider
        async for request in way.start(self):
            yield request

    # The search

    def _asked(self) -> list[Stream]:
        (stream,) = super()._asked()
        if self.given["query"] is not None:
            stream.values = {**stream.values, "query": self._query()}
        return [stream]

    def _query(self) -> str:
        """The query with the arguments that narrow it, in GDELT's syntax."""
        given, parts = self.given, [self.given["query"]]
        if given["language"]:
            parts.append(f"sourcelang:{gdelt.LANGUAGES[given['language']]}")
        if given["country"]:
            parts.append(f"sourcecountry:{gdelt.COUNTRIES[given['country']]}")
        for operator, values in (("theme", given["themes"]), ("domainis", given["domains"])):
            if values:
                either = " OR ".join(f"{operator}:{value}" for value in values)
                parts.append(f"({either})" if len(values) > 1 else either)
        return " ".join(parts)

    def data(self, answer: Answer, stream: Stream | None = None) -> Any:
        """The data. Raises `RefusedError` for an error in plain text, which GDELT sends with status 200."""
        text = answer.body.strip() if answer.status == 200 and len(answer.body) <= 4 * MAX_TOLD else b""
        message = text.decode("utf-8", "replace")
        if message[:1].isalpha() and len(message) <= MAX_TOLD and not _PASSES.search(message):
            raise RefusedError(f"says: {message}")
        return super().data(answer, stream)

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records; an empty object, and nothing else, has none."""
        return [] if data == {} else super().rows(data, stream)

    def items(self, record: Any, stream: Stream) -> Iterator[Item]:
        """The article, with the code of its language."""
        for item in super().items(record, stream):
            item.origin = SEARCH
            item.language = gdelt.language_of(item.language)
            yield item

    # The bulk files

    @property
    def _is_translated(self) -> bool:
        return self.given["language"] not in (None, "en")

    def lists(self) -> tuple[str, str]:
        """The lists for articles in English, or for articles that GDELT has translated."""
        suffix = "-translation" if self._is_translated else ""
        return f"{BULK}lastupdate{suffix}.txt", f"{BULK}masterfilelist{suffix}.txt"

    def listed(self, text: bytes) -> tuple[list[File], list[str]]:
        """The files of the Knowledge Graph in the list."""
        files, wrong = [], []
        for match in _LINE.finditer(text):
            if bool(match[1]) != self._is_translated:
                continue
            line = match[0].decode("utf-8", "replace")
            try:
                size, md5, url, stamp = _PARTS.fullmatch(line).groups()
                time = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            except (AttributeError, ValueError):
                wrong.append(line[:1_000])
                continue
            files.append(File(url, time, int(size), md5))
        return files, wrong

    def read_file(self, answer: Answer, file: File) -> tuple[Batch | None, File, Then[str]]:
        """The wanted articles of the web."""
        given = self.given
        language = given["language"] if self._is_translated else None
        wanted = gdelt.Wanted(frozenset(given["themes"] or ()), tuple(given["domains"] or ()), language)
        return read(answer, wanted, file)
