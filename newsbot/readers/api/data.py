"""Turns the bytes of an answer into its records."""

import logging
from typing import Any

from newsbot.batch import Answer
from newsbot.extraction import charsets, lenient_json
from newsbot.extraction.paths import path
from newsbot.readers.api.streams import MAX_TOLD, GarbledError, Stream, UnreadableError, expect, said
from newsbot.sources.api import Api

logger = logging.getLogger(__name__)


def data_of(api: Api, answer: Answer, stream: Stream | None = None) -> Any:
    """The data of an answer; faults of its JSON become remarks of the stream. Raises `UnreadableError`."""
    if answer.status != 200:
        raise UnreadableError(f"{answer.told}: {said(answer.body)}")
    content_type = answer.headers.get("Content-Type")
    try:
        data, wrong = lenient_json.read(answer.body, charsets.in_header(content_type), api.language)
    except UnicodeDecodeError as error:
        raise _unreadable(answer, f"is not UTF-8 at byte {error.start}") from None
    except ValueError as error:
        kind = (content_type or "no Content-Type").partition(";")[0]
        raise _unreadable(answer, f"is not valid JSON but {kind}: {said(answer.body)!r} ({error})") from None
    except RecursionError:
        raise UnreadableError("is nested too deep to be read") from None
    if api.error and (problem := path(api.error)(data)):
        raise UnreadableError(f"says: {str(problem)[:MAX_TOLD]}")
    for remark in wrong:
        logger.warning("%s: %s", answer.url, remark)
        if stream:
            stream.remarks[remark] = None
    return data


def _unreadable(answer: Answer, problem: str) -> UnreadableError:
    """The error for an unreadable answer: a shorter slice may help with garbled JSON, but not with a page of HTML."""
    is_json = answer.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    return GarbledError(problem) if is_json else UnreadableError(problem)


def rows_of(api: Api, data: Any) -> list[Any]:
    """The records of an answer, by the path in the declaration. Raises `UnreadableError`."""
    if api.none_as_empty and path(api.records)(data) is None:
        return []
    return expect(data, api.records, list)
