"""The canonical form of a URL, by which two links to one page are known to be one."""

import re
from urllib.parse import quote, unquote

# Parameters that say where a reader came from and never which page is shown.
TRACKING = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign|custom\d|link_\w+|bbc_team|ptr_name|format)|ns_(?:mchannel|source|campaign|linkname|fee)"
    r"|mc_[ce]id|mkt_tok|pk_\w+|piwik_\w+|mtm_\w+|hsa_\w+|_hs(?:enc|mi)|vero_(?:conv|id)|wt_\w*mc|oly_(?:anon|enc)_id"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|twclid|yclid|ysclid|ttclid|igshid|igsh|li_fat_id|_ga|_gl"
    r"|cmpid|cmp|ncid|ito|ocid|smid|xtor|soc_src|soc_trk|ref_src|ref_url|rss|spm|s_cid|trk|icid|guccounter|guce_referrer)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:[^\\]*@)?(.*?)(?::([0-9]*))?", re.DOTALL)
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\]")
_PLAIN = re.compile(r"https://(?:[a-z0-9-]+\.)+[a-z0-9-]+(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)+")
_DEFAULT_PORT = {"http": "80", "https": "443"}
_SAFE_PATH = "/:@!$&'()*+,;=~-._"
_SAFE_QUERY = _SAFE_PATH + "?"


def canonical(url: str) -> str:
    """The canonical form of an absolute http(s) URL; the same page gives the same form.

    The rules, in order:

    - scheme: lower case; `http` becomes `https`, unless a port is given that is not the scheme's own
    - host: lower case, in its ASCII (IDNA) form, no trailing dot; a user name or password is dropped
    - port: dropped when it is the scheme's own
    - path: `.` and `..` resolved, empty segments folded, one spelling of percent-encoding, no slash at the end but the
      root's
    - query: tracking parameters (`TRACKING`) dropped, the rest sorted by name, then value; an empty query is dropped
    - fragment: dropped, unless it starts with `!` (pages that address by fragment)

    Raises ValueError when the URL is not absolute http(s).
    """
    if _PLAIN.fullmatch(url):
        return url
    match = _PARTS.fullmatch(url.strip())
    if not match or not match[2]:
        raise ValueError(f"{url!r} is not an absolute http(s) URL")
    scheme, authority, path, query, fragment = match.groups()
    scheme = scheme.lower()
    host, port = _split_authority(authority)
    if port in ("", _DEFAULT_PORT[scheme]):
        scheme, port = "https", ""
    result = f"{scheme}://{host}{':' + port if port else ''}{_canonical_path(path)}"
    if query and (kept := _canonical_query(query)):
        result += f"?{kept}"
    if fragment and fragment.startswith("!"):
        result += f"#{_requote(fragment, _SAFE_QUERY)}"
    return result


def _split_authority(authority: str) -> tuple[str, str]:
    host, port = _AUTHORITY.fullmatch(authority).groups("")
    name = host.lower().rstrip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError(f"{host!r} is not a host name: {error}") from None
    if not _HOST.fullmatch(name):
        raise ValueError(f"{authority!r} is not a host with an optional port")
    return name, port.lstrip("0")


def _canonical_path(path: str) -> str:
    path = _requote(path, _SAFE_PATH)
    if "//" in path or "/." in path:
        segments: list[str] = []
        for segment in path.split("/"):
            if segment == "..":
                del segments[-1:]
            elif segment not in ("", "."):
                segments.append(segment)
        path = f"/{'/'.join(segments)}"
    return path.rstrip("/") or "/"


def _canonical_query(query: str) -> str:
    parts = (_requote(part, _SAFE_QUERY).partition("=") for part in query.split("&") if part)
    return "&".join("".join(part) for part in sorted(part for part in parts if not TRACKING.fullmatch(part[0])))


def _requote(part: str, safe: str) -> str:
    """Percent-encoding in one spelling: what needs none has none, the rest in upper case. Bytes stay the same."""
    if "%" not in part:
        return part if part.isascii() and part.isalnum() else quote(part, safe=safe + "%")
    pieces = re.split(r"(%[0-9a-fA-F]{2})", part)
    for n, piece in enumerate(pieces):
        if n % 2:
            character = unquote(piece, encoding="latin-1")
            pieces[n] = (
                character if character.isascii() and (character.isalnum() or character in "-._~") else piece.upper()
            )
        else:
            pieces[n] = quote(piece, safe=safe)
    return "".join(pieces)
