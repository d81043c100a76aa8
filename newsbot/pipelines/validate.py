"""Stage 100: types and required fields. A bad item goes to the rejects with the field and the reason."""

from dataclasses import MISSING, fields
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args

from newsbot import items
from newsbot.items import Article, Series
from newsbot.pipelines.outcomes import Rejected, cut

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from scrapy.crawler import Crawler

MAX_URL = 2_000  # bytes; what browsers and the database's indexes still take
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"  # a NUL in one key would fail the look-up of a whole batch


class ValidatePipeline:
    """Refuses what is not a typed item, and typed items with wrong values."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        return cls(crawler.spider.name)

    def process_item(self, item: Any) -> Any:
        """The same item with values of the declared types, or `Rejected`."""
        kind = items.kind(item)
        if kind is None:
            kinds = ", ".join(known.__name__ for known in items.KINDS)
            raise Rejected(None, f"{type(item).__name__} is not one of the item types: {kinds}")
        if item.source_id is None:
            item.source_id = self.name
        if kind is Article:
            if item.origin is None:
                item.origin = self.name
            if item.authors is None:
                item.authors = []
            if item.keywords is None:
                item.keywords = []
        from pydantic import ValidationError

        adapter, names = _adapter(kind)
        try:
            valid = adapter.validate_python(item)
        except ValidationError as error:
            halved = {str(fault["loc"][0]) for fault in error.errors() if fault["type"] == "string_unicode"}
            for name in halved:
                setattr(item, name, _without_halves(getattr(item, name)))
            if halved or _cleared(item, _optional(kind)):
                return self.process_item(item)
            raise _rejected(error) from None
        for name in names:
            value = getattr(valid, name)
            setattr(item, name, None if value == "" and name in _optional(kind) else value)
        return item


def _cleared(item: Any, names: frozenset[str]) -> bool:
    """Whether one of these fields was an empty text, which is no value of it: many services write nothing so."""
    found = [name for name in names if isinstance(value := getattr(item, name), str) and not value.strip()]
    for name in found:
        setattr(item, name, None)
    return bool(found)


def _without_halves(value: Any) -> Any:
    """A value without lone surrogates, which no text can have; what else can not be kept is left to the next stage."""
    match value:
        case str():
            return value.encode("utf-8", "ignore").decode()
        case list() | tuple() | set():
            return [_without_halves(each) for each in value]
        case dict():
            return {_without_halves(key): _without_halves(each) for key, each in value.items()}
    return value


@cache
def _optional(kind: type) -> frozenset[str]:
    """The fields that may be None, or an empty list."""
    return frozenset(
        field.name for field in fields(kind) if NoneType in get_args(field.type) or field.default_factory is list
    )


@cache
def _adapter(kind: type) -> "tuple[TypeAdapter[Any], tuple[str, ...]]":
    """What checks items of a kind, and the names of their fields."""
    # Pydantic is imported with the first item, so that the first request does not wait for it.
    from pydantic import ConfigDict, Field, InstanceOf, TypeAdapter, create_model

    key = Annotated[str, Field(min_length=1, max_length=MAX_URL, pattern=_NO_CONTROLS)]
    special = {
        "url": Annotated[str, Field(min_length=1, max_length=MAX_URL)],
        "title": Annotated[str, Field(min_length=1)],
        "source_id": key,
        "origin": key,
        "dataset": key,
        "key": key,
        "external_id": key,
        "sentiment": Annotated[float, Field(ge=-1, le=1)] | None,
        "series": InstanceOf[Series],
    }
    known = {
        field.name: special.get(field.name, field.type)
        if field.default is MISSING or field.name not in ("url", "external_id")
        else special[field.name] | None
        for field in fields(kind)
    }
    config = ConfigDict(from_attributes=True, str_strip_whitespace=True)
    model = create_model(kind.__name__, __config__=config, **{name: (type_, ...) for name, type_ in known.items()})
    return TypeAdapter(model), tuple(known)


def _rejected(error: Any) -> Rejected:
    """The first fault gives the field; the others are told behind it."""
    first, *others = [
        (
            str(fault["loc"][0]),
            "is missing" if fault["input"] in (None, "") else f"{cut(fault['input'])}: {fault['msg']}",
        )
        for fault in error.errors(include_url=False)
    ]
    return Rejected(first[0], "; ".join([first[1], *(f"{field}: {reason}" for field, reason in others)]))
