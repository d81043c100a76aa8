"""The declaration of an API, and the methods of its spider."""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from newsbot.batch import Answer
from newsbot.extraction.paths import holds
from newsbot.items import Item
from newsbot.readers.api.data import data_of, rows_of
from newsbot.readers.api.mapping import identity, mapper
from newsbot.readers.api.streams import Stream
from newsbot.sources.api import Api


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The declaration of an API, and the methods of its spider."""

    api: Api
    data: Callable[[Answer, Stream], Any]  # the data of an answer; raises `UnreadableError`
    rows: Callable[[Any, Stream], list[Any]]  # the records in the data; raises ValueError
    items: Callable[[Any, Stream], Iterable[Item]]  # of a record; raises `RefusedRecordError`
    too_many: Callable[[Answer], bool]  # whether a refusal means that a slice has more hits than the API gives
    is_end: Callable[[Answer], bool]  # whether a refusal means that the API gives no more pages
    identity: Callable[[Any], Hashable]  # the identity of a record
    tries: int = 0  # most retries of a page that cannot be used
    keys: tuple[str, ...] = ()  # the variables whose secrets are sent
    stored: Collection[str] = frozenset()  # keys of the former records, for an API that gives all of them each time

    @classmethod
    def of(cls, api: Api) -> "Facts":
        """The facts of a declaration without a spider's own methods."""
        items = mapper(api)
        return cls(
            api=api,
            data=lambda answer, stream: data_of(api, answer, stream),
            rows=lambda data, _: rows_of(api, data),
            items=lambda record, _: [items(record)],
            too_many=lambda answer: has_too_many(api, answer.status, answer.body),
            is_end=lambda _: False,
            identity=identity(api),
        )


def has_too_many(api: Api, status: int, body: bytes) -> bool:
    """Whether, by the declaration, a refusal means that a slice has more hits than the API gives."""
    slices = api.slices
    if slices is None or status not in slices.statuses:
        return False
    return slices.too_many is None or holds(slices.too_many, body)
