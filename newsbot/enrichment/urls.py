"""The canonical form of a URL, by which two links to one page are known to be one."""

import posixpath
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
_PLAIN = re.compile(r"https://[a-z0-9][a-z0-9.-]*[a-z0-9](?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)+")
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
    host, port = _split_authority(authority.rpartition("@")[2])
    if port in ("", _DEFAULT_PORT[scheme]):
        scheme, port = "https", ""
    result = f"{scheme}://{host}{':' + port if port else ''}{_canonical_path(path)}"
    if query and (kept := _canonical_query(query)):
        result += f"?{kept}"
    if fragment and fragment.startswith("!"):
        result += f"#{_requote(fragment, _SAFE_QUERY)}"
    return result


def _split_authority(authority: str) -> tuple[str, str]:
    host, separator, port = authority.rpartition(":")
    if not separator or "]" in port:
        host, port = authority, ""
    host = host.lower().rstrip(".")
    if not host or (port and not port.isdigit()):
        raise ValueError(f"{authority!r} is not a host with an optional port")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError(f"{host!r} is not a host name: {error}") from None
    return host, port


def _canonical_path(path: str) -> str:
    path = _requote(path, _SAFE_PATH)
    if "//" in path or "/." in path:
        path = posixpath.normpath(path.lstrip("/")).strip(".")
        path = "/" + path.lstrip("/") if path else ""
    return path.rstrip("/") or "/"


def _canonical_query(query: str) -> str:
    kept = [part for part in query.split("&") if part and not TRACKING.fullmatch(part.partition("=")[0])]
    return "&".join(sorted(_requote(part, _SAFE_QUERY) for part in kept))


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
