"""What the bases have to tell of an answer."""

from scrapy.http import Response

# Redirects are followed before; every other answer is the spider's to note.
STATUSES = [status for status in range(300, 600) if status not in (301, 302, 303, 307, 308)]


def told(response: Response) -> str:
    """The status of an answer, and where it leads if that was not followed, as to a file."""
    location = header(response, "Location")
    return f"HTTP status {response.status}" + (f", leads to {location[:200]!r}" if location else "")


def header(response: Response, name: str) -> str | None:
    """The text of a header."""
    value = response.headers.get(name)
    return value.decode("latin-1").replace("\0", "") if value else None
