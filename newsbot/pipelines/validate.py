"""Stage 100: checks types and required fields. A bad item goes to the rejects; of a bad optional field, only that."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self

from newsbot import items, values
from newsbot.items import Field, Form, Item, fields_of
from newsbot.pipelines.outcomes import Rejected, cut
from newsbot.values import KEY, MAX_KEY, MAX_URL

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails
    from scrapy.crawler import Crawler

_RIGHT_TIME = "expected a datetime, or ISO 8601 such as 2026-03-04T05:06:07+02:00"
SHORTEST_TIMESTAMP = 9  # digits of Unix seconds as text, from 1973 on


class ValidatePipeline:
    """Refuses anything but a typed item, and typed items with a wrong required field."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Take the spider's name, the default for provenance."""
        return cls(crawler.spider.name)

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item with values of the declared types, or `Rejected`.

        A wrong value of an optional field is left out and noted in `refused`, as in the clean stage.
        """
        return [self._checked(item) for item in items]

    def check_again(self, item: Any) -> None:
        """Check an item again after a user's stage. Raises `Rejected`."""
        end = self._valid(item)
        if end is not item:
            raise end

    def _checked(self, item: Any) -> Any:
        return item if isinstance(item, Item) and item.is_read and _has_needed(item) else self._valid(item)

    def _valid(self, item: Any) -> Any:
        kind = items.kind(item)
        if kind is None:
            kinds = ", ".join(known.__name__ for known in items.KINDS)
            return Rejected(None, f"{type(item).__name__} is not one of the item types: {kinds}")
        for field in _filled(kind):
            if getattr(item, field.name) is None:
                setattr(item, field.name, self.name if field.form is Form.PROVENANCE else [])
        from pydantic import ValidationError

        adapter, names = _adapter(kind)
        try:
            valid = adapter.validate_python(item)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            halved = {str(fault["loc"][0]) for fault in faults if fault["type"] == "string_unicode"}
            for name in halved:
                setattr(item, name, _without_halves(getattr(item, name)))
            if halved or _cleared(item, _optional(kind)) or _left_out(item, faults, left_out_if_wrong(kind)):
                return self._valid(item)
            return _rejected(faults)
        for name in names:
            value = getattr(valid, name)
            setattr(item, name, None if value == "" and name in _optional(kind) else value)
        return item


def _has_needed(item: Item) -> bool:
    """Whether an item with values of the right types has all values that it needs."""
    for name, longest in _needed(type(item)):
        value = getattr(item, name)
        if not value or (longest and len(value) > longest):
            return False
    return True


@cache
def _needed(kind: type) -> tuple[tuple[str, int | None], ...]:
    """The required fields of an item, with the greatest length of their values."""
    needed = (field for field in fields_of(kind) if field.is_needed)
    bounds = {Form.URL: MAX_URL, Form.KEY: MAX_KEY, Form.CLEAN_KEY: MAX_KEY}
    return tuple((field.name, bounds.get(field.form)) for field in needed)


@cache
def _filled(kind: type) -> tuple[Field, ...]:
    """The fields with a default in place of None."""
    return tuple(field for field in fields_of(kind) if field.form in (Form.PROVENANCE, Form.LINES))


def _cleared(item: Any, names: frozenset[str]) -> bool:
    """Set these fields to None if they hold an empty text, which many services send for nothing; whether any did."""
    found = [name for name in names if isinstance(value := getattr(item, name), str) and not value.strip()]
    for name in found:
        setattr(item, name, None)
    return bool(found)


def _moment(value: Any) -> Any:
    """A text in ISO 8601 as a time. Pydantic would take "20261127" and "2026" for Unix seconds, in 1970."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        if len(value) < SHORTEST_TIMESTAMP and value.strip().isdecimal():
            raise ValueError("is neither a date in ISO 8601 nor Unix seconds") from None
        return value


def _left_out(item: Any, faults: "list[ErrorDetails]", names: frozenset[str]) -> bool:
    """Leave the wrong values of these fields out, or elements of a list; False if a fault is in another field."""
    if not {fault["loc"][0] for fault in faults} <= names:
        return False
    for fault in reversed(faults):  # from the last element of a list, so that the others keep their places
        name, *inner = fault["loc"]
        value = getattr(item, name)
        if inner and isinstance(value, list | tuple):
            setattr(item, name, [*value[: inner[0]], *value[inner[0] + 1 :]])
            value = value[inner[0]]
        elif value is not None:
            setattr(item, name, None)
        else:  # another fault of the same value
            continue
        item.refused.append((name, _reason(fault), value))
    return True


@cache
def left_out_if_wrong(kind: type) -> frozenset[str]:
    """The fields whose wrong values are left out; a wrong provenance or required field refuses the item."""
    optional = (field for field in fields_of(kind) if field.name in _optional(kind) and not field.is_needed)
    return frozenset(field.name for field in optional if field.form is not Form.PROVENANCE)


def _without_halves(value: Any) -> Any:
    """A text, or the elements of a list or the names of a mapping, without lone surrogates, which no text can hold.

    The next stage handles other values that cannot be stored.
    """
    match value:
        case str():
            return values.whole(value)
        case list() | tuple() | set():
            return [values.whole(each) if isinstance(each, str) else each for each in value]
        case dict():
            return {values.whole(name) if isinstance(name, str) else name: each for name, each in value.items()}
    return value


def _within(value: str) -> str:
    if not values.is_within(value, MAX_KEY):
        raise ValueError(f"is longer than {MAX_KEY} bytes")
    return value


def _key(value: Any) -> Any:
    return values.key(value) if isinstance(value, str) else value


@cache
def _optional(kind: type) -> frozenset[str]:
    """The fields that may be None, or an empty list."""
    return frozenset(field.name for field in fields_of(kind) if field.may_be_none or field.form is Form.LINES)


@cache
def _adapter(kind: type) -> "tuple[TypeAdapter[Any], tuple[str, ...]]":
    """The validator for a kind of items, and the names of their fields."""
    # Import pydantic with the first item, so that the first request does not wait for it.
    from pydantic import ConfigDict, TypeAdapter, create_model

    types = {field.name: _type(field) for field in fields_of(kind)}
    config = ConfigDict(from_attributes=True, str_strip_whitespace=True)
    model = create_model(kind.__name__, __config__=config, **{name: (type_, ...) for name, type_ in types.items()})
    return TypeAdapter(model), tuple(types)


def _type(field: Field) -> Any:
    """The type of the field for pydantic."""
    from pydantic import AfterValidator, BeforeValidator, InstanceOf
    from pydantic import Field as Bounds

    key = Annotated[str, Bounds(min_length=1, max_length=MAX_KEY, pattern=KEY), AfterValidator(_within)]
    match field.form:
        case Form.KEY | Form.PROVENANCE:
            type_: Any = key
        case Form.CLEAN_KEY:
            type_ = Annotated[key, BeforeValidator(_key)]
        case Form.URL:
            type_ = Annotated[str, Bounds(min_length=1, max_length=MAX_URL)]
        case Form.LINE | Form.TEXT if field.is_needed:
            type_ = Annotated[str, Bounds(min_length=1)]
        case Form.TIME | Form.PUBLISHED:
            type_ = Annotated[datetime, BeforeValidator(_moment)]
        case Form.SHARED:
            type_ = InstanceOf[field.type]
        case _:
            type_ = field.type
    if bounds := field.between:
        type_ = Annotated[type_, Bounds(ge=bounds.least, le=bounds.most)]
    return type_ | None if field.may_be_none and field.form is not Form.PROVENANCE else type_


def _reason(fault: "ErrorDetails") -> str:
    if fault["input"] in (None, "") and len(fault["loc"]) == 1:
        return "is missing"
    right = f"; {_RIGHT_TIME}" if fault["type"].startswith("datetime_") else ""
    return f"{cut(fault['input'])}: {fault['msg']}{right}"


def _rejected(faults: "list[ErrorDetails]") -> Rejected:
    """The refusal with the field of the first fault; the reason names the others too."""
    first, *others = [(str(fault["loc"][0]), _reason(fault)) for fault in faults]
    return Rejected(first[0], "; ".join([first[1], *(f"{field}: {reason}" for field, reason in others)]))
