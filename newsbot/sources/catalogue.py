"""The catalogue: loads the sources and selects those of a run.

Every start imports this module, so it imports little: pydantic only for a user's own file.
"""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from newsbot.sources import codes
from newsbot.sources.document import SafeLoader
from newsbot.sources.model import Source


class SelectionError(ValueError):
    """The catalogue does not have the requested sources; `unknown` are the names that are no ids."""

    def __init__(self, message: str, unknown: Sequence[str] = ()) -> None:
        self.unknown = unknown
        super().__init__(message)


def load(paths: Sequence[Path | str] = ()) -> dict[str, Source]:
    """The sources by id: the shipped ones, then those of `paths`, files or folders of *.yaml and *.yml, in their order.

    Of two entries with one id the later wins, as a whole. Raises CatalogueError with all faults of `paths`; the tests
    check the shipped files.
    """
    catalogue = {source.id: source for source in _shipped()}
    if paths:
        from newsbot.sources.check import read

        catalogue |= {source.id: source for source in read(paths)}
    return catalogue


@cache  # a process may select many times, for example to check a schedule
def _shipped() -> tuple[Source, ...]:
    countries = resources.files("newsbot.sources") / "countries"
    return tuple(
        Source.from_entry(entry)
        for file in sorted(countries.iterdir(), key=lambda file: file.name)
        for entry in yaml.load(file.read_bytes(), SafeLoader)  # noqa: S506  the same loader, compiled
    )


def select(
    catalogue: Mapping[str, Source],
    sources: Sequence[str] | None = None,
    country: str | None = None,
    language: str | None = None,
    shard: tuple[int, int] | None = None,
) -> list[Source]:
    """The sources of a run, in the catalogue's order: all enabled ones, narrowed by each given argument.

    `sources` are ids; `country` and `language` are codes, several separated by commas; `shard` (i, n) keeps the
    sources whose CRC-32 of the id, modulo n, is i, so the partitions 0 to n - 1 are disjoint and together complete.

    Raises SelectionError for an unknown id (with the nearest) or code (with the known ones), for a disabled source by
    name (with the reason), for a shard outside 0 <= i < n, and for an empty selection. An empty shard is fine: few
    sources leave some of many partitions empty.
    """
    if sources is not None:
        _check_names(catalogue, sources)
    chosen = matching(catalogue, country, language)
    steps = [f"{len(catalogue)} in the catalogue", f"{len(chosen)} of this country and language"]

    chosen = [source for source in chosen if (source.enabled if sources is None else source.id in sources)]
    steps.append(f"{len(chosen)} of these {'enabled' if sources is None else 'named'}")

    if not chosen:
        raise SelectionError(f"no source is left: {', '.join(steps)}")

    if shard is not None:
        index, count = shard
        if not 0 <= index < count:
            raise SelectionError(f"shard: expected i/n with 0 <= i < n, as 0/4, got {index}/{count}")
        chosen = [source for source in chosen if zlib.crc32(source.id.encode()) % count == index]
    return chosen


def matching(catalogue: Mapping[str, Source], country: str | None = None, language: str | None = None) -> list[Source]:
    """The sources, including disabled ones, of these countries and languages (codes, several separated by commas).

    Raises SelectionError for a code that no source has.
    """
    countries = _codes("country", country, {source.country for source in catalogue.values()})
    languages = _codes("language", language, {source.language for source in catalogue.values()})
    return [source for source in catalogue.values() if source.country in countries and source.language in languages]


def _codes(argument: str, value: str | None, known: set[str]) -> set[str]:
    if value is None:
        return known
    given = {code.strip() for code in value.split(",")}
    if "" in given:
        expected = ",".join(sorted(given - {""})) or "fr,de"
        raise SelectionError(f"{argument}: {value!r} lacks a code beside a comma; expected {expected!r}")
    if unknown := sorted(given - known):
        words = re.split(r"[\s;/+,]+", value)
        if known.issuperset(words):
            expected = f"{argument}={','.join(words)}"
            raise SelectionError(f"{argument}: {value!r}: expected commas alone between the codes; write {expected}")
        hints = [codes.hint(argument, each) for each in unknown]
        meant = {codes.code_of(argument, each) for each in unknown} - {None}
        there_are = "" if all(hints) and meant <= known else f"; there are {', '.join(sorted(known))}"
        raise SelectionError(f"{argument}: no source has {_quoted(unknown)}{''.join(hints)}{there_are}")
    return given


def _check_names(catalogue: Mapping[str, Source], names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in catalogue]
    ids = re.findall("[a-z0-9-]+", ",".join(names))
    if unknown and ids and catalogue.keys() >= set(ids):
        expected = f"sources={','.join(ids)}"
        raise SelectionError(f"sources: {','.join(names)!r}: expected commas alone between the ids; write {expected}")
    faults = []
    for name in names:
        if name in unknown:
            faults.append(f"{name!r} is unknown; {hint(catalogue, name)}")
        elif not catalogue[name].enabled:
            faults.append(f"{name!r} is disabled: {catalogue[name].reason}")
    if faults:
        raise SelectionError(f"sources: {'; '.join(faults)}", unknown)


def hint(catalogue: Mapping[str, Source], name: str) -> str:
    """A correction for a name that is not an id: the id of this site, or similar ids."""
    if found := meant(catalogue, name):
        return f"that is {found!r}"
    if name in ("all", "*"):
        return "leave `sources` out: the crawl then takes all"
    if name.endswith((".yaml", ".yml")):
        return f"a file of sources is given as `-a catalogue={name}`"
    for kind in ("country", "language"):
        code = codes.code_of(kind, name)
        if code in {getattr(source, kind) for source in catalogue.values()}:
            return f"sources by their {kind}: `-a {kind}={code}`"
    if _host(name):
        return "no source has this address; `-a catalogue=FILE` adds your own"
    near = get_close_matches(name.lower(), catalogue)
    return f"near are {_quoted(near)}" if near else "`scrapy sources` lists all"


def meant(catalogue: Mapping[str, Source], name: str) -> str | None:
    """The id of the source with this id in other case, this name, or this address."""
    plain = name.casefold()
    if plain in catalogue:
        return plain
    host = _host(name)
    for source in catalogue.values():
        if plain == source.name.casefold() or (host and host in map(_host, (source.homepage, *source.polled))):
            return source.id
    return next((label for label in (host or "").split(".")[:-1] if label in catalogue), None)


def _host(address: str) -> str | None:
    """The host of a URL or a domain, without `www.`; None for any other text."""
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return None
    return host.removeprefix("www.") if "." in host else None


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(map(repr, values))
