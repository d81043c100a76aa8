"""Files that an entry brings: episodes, clips, documents. One stands in for a missing page of the entry."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

_RANKS = {"audio": 0, "video": 1, "document": 2}
_IMAGE = "image"
_ENDINGS = {
    **dict.fromkeys(("mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "flac", "wav", "wma", "aif", "aiff"), "audio"),
    **dict.fromkeys(("mp4", "m4v", "mov", "avi", "mkv", "webm", "ogv", "mpg", "mpeg", "wmv", "3gp", "m3u8"), "video"),
    **dict.fromkeys(("pdf", "epub", "mobi", "doc", "docx", "odt", "rtf", "ppt", "pptx", "odp"), "document"),
    **dict.fromkeys(("xls", "xlsx", "ods", "csv"), "document"),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "bmp", "tif", "tiff", "ico"), _IMAGE),
}
# Of types that begin with "application/".
_VIDEO = re.compile(r"mpegurl|mp4|x-shockwave-flash|dash\+xml")
_DOCUMENT = re.compile(r"pdf|epub|mobi|msword|rtf|ms-excel|ms-powerpoint|officedocument|opendocument")


class File(NamedTuple):
    """A file as a feed names it."""

    address: str
    form: str | None  # its media type, or its medium alone, as "audio"


def by_rank(files: Iterable[File]) -> list[File]:
    """The files that can stand in for a page: audio first, then video, then documents; never an image."""
    ranked = [(_RANKS[kind], place, file) for place, file in enumerate(files) if (kind := _kind(file)) in _RANKS]
    return [file for *_, file in sorted(ranked)]


def _kind(file: File) -> str | None:
    """The kind by the media type; by the ending if the type does not show it."""
    form = (file.form or "").strip().lower()
    whole, _, rest = form.partition("/")
    if whole in _RANKS or whole == _IMAGE:
        return whole
    if whole == "application":
        if rest.startswith("ogg"):
            return "audio"
        if _VIDEO.search(rest):
            return "video"
        if _DOCUMENT.search(rest):
            return "document"
    try:
        path = urlsplit(file.address).path
    except ValueError:
        return None
    return _ENDINGS.get(path.rpartition("/")[2].rpartition(".")[2].lower())
