"""The canonical form of a URL, which is the same for two links to one page."""

import hashlib
import re
from urllib.parse import quote, unquote

from newsbot.hosts import ascii_host

# Parameters that say where a reader came from and never which page is shown, by their senders.
TRACKING = re.compile(
    # Google, Matomo, AT Internet, comScore, Webtrekk, Adobe, Coremetrics, Yandex, LiveInternet
    r"(?:[usi]tm[_.-].+|_ga|_gl|_gac|gclid|gclsrc|dclid|gbraid|wbraid|gad|gad_\w+|srsltid|gdftrk|gdffi|gdfms"
    r"|pk_\w+|piwik_\w+|mtm_\w+|matomo_\w+|at_\w+|xtor|xtref|xts|ns_(?:mchannel|source|campaign|linkname|fee)"
    r"|wt[._]?\w*mc(?:_\w+)?|s_cid|sc_cid|s_kwcid|s_campaign|ef_id|cm_(?:mmc\w*|sp|re|lm|ven|cat|ite|pla)"
    r"|yclid|ysclid|yadclid|_openstat|cx_(?:testid|testvariant|artpos|rfr|recs\w*)"
    # networks and what they add when a link is shared or clicked
    r"|fbclid|fb_(?:ref|source|action_ids|action_types)|action_(?:object|ref|type)_map|mibextid|igshid|igsh|__tn__"
    r"|twclid|__twitter_impression|ref_(?:src|url|source|medium|campaign)|li_fat_id|lipi|midtoken|trkemail|ttclid"
    r"|msclkid|cvid|sccid|epik|rdt_cid|tblci|dicbo|oborigurl|ndclid|qclid|vmcid|share_(?:source|medium|from|plat|tag)"
    r"|spm|scm|irclickid|irgwc|cjevent|cjdata|awc|tduid|zanpid|unptid|rb_clickid|wickedid|_branch_\w+|wprov"
    r"|soc_(?:src|trk)|sr_share|taid"
    # mail newsletters
    r"|mc_[cet]id|mkt_tok|hsa_\w+|_hs(?:enc|mi)|__hs(?:tc|sc|fp)|hss_channel|hsctatracking|vero_(?:conv|id)"
    r"|oly_(?:anon|enc)_id|ml_subscriber(?:_hash)?|dm_i|bsft_\w+|elq\w*|trk_\w+|__s|_k[xe]|nr_email_referer"
    r"|ck_subscriber_id|omnisendcontactid|vgo_ee|sailthru\w*|bxid|cndid|esrc|mbid|smtrctid"
    # publishers
    r"|cmpid|int_(?:cmp|source|medium|campaign|content)|ncid|ito|ocid|smid|smtyp|smprod|ftag|guccounter"
    r"|guce_referrer(?:_sig)?|pf_rd_\w+|feedtype|feedname"
    # sessions
    r"|php_?sess(?:ion)?id|aspsessionid\w*|asp\.net_sessionid|jsessionid|cfid|cftoken|oscsid|xtcsid|zenid)",
    re.IGNORECASE,
)
# Parameters that name a page on some sites: their value decides, which for a page is a number.
_TRACKING_BY_VALUE = re.compile(
    r"(?:trk|cmp|rss|icid|intcmp)(?:=(?![0-9]+$).*)?|(?:ref|source|src|mod|from|via|partner|emc)=rss.*"
    r"|(?:session_?id|sess_?id)=(?![0-9]+$)[\w-]{16,}",
    re.IGNORECASE | re.DOTALL,
)
_MAY_BE_SESSION = re.compile(r"(?<![^&])(?:sid|\w*sess\w*)=(?![0-9]+(?:[&#]|$))[^&#]*", re.IGNORECASE)
_SESSION_PARAMETER = re.compile(
    r";(?:jsessionid|php_?sess(?:ion)?id|aspsessionid\w*|cfid|cftoken)=[^/;]*", re.IGNORECASE
)
_SESSION_SEGMENT = re.compile(
    r"/(?:\(|%28)(?:[A-Z](?:\(|%28)[^()/%]*(?:\)|%29))+(?:\)|%29)(?=/|$)", re.IGNORECASE
)  # of ASP.NET
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:[^\\]*@)?(.*?)(?::([0-9]*))?", re.DOTALL)
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\]")
_PLAIN = re.compile(r"https://(?:[a-z0-9-]+\.)+[a-z0-9-]+(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)+")
_FRAGMENT = re.compile(r"[A-Za-z0-9/?:@!$&'()*+,;=~._-]+")
MAX_ENTRY_URL = 1_000  # characters
_DEFAULT_PORT = {"http": "80", "https": "443"}
_SAFE_PATH = "/:@!$&'()*+,;=~-._"
_SAFE_QUERY = _SAFE_PATH + "?"


def canonical(url: str) -> str:
    """The canonical form of an absolute http(s) URL.

    The rules, in order:

    - scheme: lower case; `http` becomes `https`, unless the URL has another port than the scheme's own
    - host: lower case, in its ASCII form (`ascii_host`), no trailing dot; a user name or password is dropped
    - port: dropped when it is the scheme's own
    - path: session ids dropped (`;jsessionid=...`, `/(S(...))/`), `.` and `..` resolved, empty segments folded, one
      spelling of percent-encoding, no slash at the end but the root's
    - query: tracking and session parameters (`TRACKING`) dropped, parameters that may name a page only by their value:
      `trk`, `cmp`, `rss`, `icid`, `intcmp` if it is not digits alone, `ref`, `source`, `mod` and the like if it begins
      with `rss`; the rest is sorted by name, and the values of one name keep their order; an empty query is dropped
    - fragment: dropped, unless it starts with `!` or `/` (pages that address by fragment)

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
    if fragment and fragment.startswith(("!", "/")):
        result += f"#{_requote(fragment, _SAFE_QUERY)}"
    return result


def form_of(url: str) -> str:
    """The form that all spellings of an address share: its canonical form, without parameters that may be session ids.

    `sid=` and the like name a story on some sites, so the canonical form keeps them. Raises ValueError as `canonical`.
    """
    form = canonical(url)
    address, mark, query = form.partition("?")
    if not mark or not _MAY_BE_SESSION.search(query):
        return form
    kept = [part for part in query.split("&") if not _MAY_BE_SESSION.fullmatch(part)]
    return f"{address}?{'&'.join(kept)}" if kept else address


def of_entry(link: str, key: str) -> str:
    """The canonical URL of one of several entries that share a link: the link with the entry's key as its fragment.

    `link` is canonical. A key that would make it longer than 1,000 characters is replaced by its hash.
    """
    quoted = key if _FRAGMENT.fullmatch(key) else _requote(key, _SAFE_QUERY)
    if len(link) + len(quoted) > MAX_ENTRY_URL:
        quoted = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return f"{link}{'&' if '#' in link else '#'}entry={quoted}"


def _split_authority(authority: str) -> tuple[str, str]:
    host, port = _AUTHORITY.fullmatch(authority).groups("")
    try:
        name = ascii_host(host).rstrip(".")
    except ValueError as error:
        raise ValueError(f"{host!r} is not a host name: {error}") from None
    if not _HOST.fullmatch(name):
        raise ValueError(f"{authority!r} is not a host with an optional port")
    return name, port.lstrip("0")


def _canonical_path(path: str) -> str:
    path = _requote(path, _SAFE_PATH)
    if ";" in path or "(" in path or "%28" in path:
        path = _SESSION_SEGMENT.sub("", _SESSION_PARAMETER.sub("", path))
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
    parts = [_requote(part, _SAFE_QUERY) for part in query.split("&") if part]
    kept = [part for part in parts if not (TRACKING.fullmatch(_name(part)) or _TRACKING_BY_VALUE.fullmatch(part))]
    return "&".join(sorted(kept, key=_name))


def _name(part: str) -> str:
    return part.partition("=")[0]


def _requote(part: str, safe: str) -> str:
    """Percent-encoding in one spelling: only where needed, in upper case. The bytes stay the same."""
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
