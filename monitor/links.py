"""Addresses: which two are one, which may be shown and clicked, and whose host they really name.

Pure text work: nothing is resolved or fetched here, and no answer of this module says that an address may be
dialled (`ingest.guard` says that).
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import unicodedata
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from monitor.scripts import LATIN_LOOKALIKES, scripts_of

MAX_URL_CHARS = 8_000
_BAD_IN_URL = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ud800-\udfff]")
_HIDDEN_IN_URL = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u2800"
    '\u3164\ufeff\uffa0\ufff9-\ufffb"<>`\U000e0000-\U000e0fff]'
)
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
_BAD_IN_HOST = re.compile(r"[\s%<>\"'`^|{}\\/?#@,;!*()&=+$~]")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Parameters that only say where a reader came from. The list is fixed and short on purpose: a parameter
# wrongly taken away makes two articles one, and the second is never seen; one wrongly kept costs a second
# alert at worst.
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_", "at_custom", "ns_mchannel", "guce_referrer")
_TRACKING = frozenset((
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "twclid",
    "ttclid", "li_fat_id", "igshid", "igsh", "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "__hssc",
    "__hstc", "__hsfp", "hsctatracking", "vero_id", "vero_conv", "oly_anon_id", "oly_enc_id", "_openstat",
    "at_medium", "at_campaign", "ns_campaign", "ns_source", "ns_linkname", "ns_fee", "xtor", "wt_mc",
    "wt_zmc", "traffic_source", "smid", "smtyp", "guccounter", "maca", "ocid", "srsltid", "s_cid",
    "s_kwcid", "ncid", "__twitter_impression", "_ga", "_gl", "rb_clickid", "wickedid",
))  # fmt: skip
_AMP_FLAGS = {"amp": ("", "1", "true"), "outputtype": ("amp",), "output": ("amp",)}
_AMP_CACHE = re.compile(r"^/(?:amp|c|v|a|wp)(?:/s)?/([^/]+\.[^/]+)(/.*)?$")
_SLUG = re.compile(r"[\d-]")


def canonical_url(url: str) -> str:
    """Give the one spelling under which an article's address is recognised, "" for what is not http(s).

    For identity only, never to be opened: scheme, `www.`, default ports, userinfo, trailing slash, fragment
    (but not a `#!` route), tracking parameters and plain AMP variants are folded. Unknown parameters are
    kept, in their order.
    """
    parts = _split(url)
    if parts is None:
        return ""
    host, path = _ascii_host(parts), _escaped(parts.path)
    cached = _AMP_CACHE.match(path) if _is_amp_cache(host) else None
    if cached:
        inner = _split(f"https://{cached.group(1)}{cached.group(2) or ''}")
        if inner is not None:
            host, path = _ascii_host(inner), cached.group(2) or ""
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    query = "&".join(piece for piece in _escaped(parts.query).split("&") if piece and not _is_tracking(piece))
    route = f"#{_escaped(parts.fragment)}" if parts.fragment.startswith("!") else ""
    query = f"?{query}" if query else ""
    return f"https://{_in_brackets(_bare_host(host))}{port}{_bare_path(path)}{query}{route}"


def _is_amp_cache(host: str) -> bool:
    return host in ("google.com", "www.google.com") or f".{host}".endswith(".cdn.ampproject.org")


def _is_tracking(piece: str) -> bool:
    name, _, value = piece.partition("=")
    name = name.removeprefix("amp;").lower()  # "&amp;" escaped twice
    return name.startswith(_TRACKING_PREFIXES) or name in _TRACKING or value.lower() in _AMP_FLAGS.get(name, ())


def _bare_host(host: str) -> str:
    for prefix in ("www.", "amp."):
        rest = host.removeprefix(prefix)
        # "amp.co.uk" may be a name of its own; "amp.example.org" is not.
        long_enough = prefix == "www." or len(rest.split(".")[0]) > 3 or rest.count(".") > 1
        if rest != host and "." in rest and long_enough:
            host = rest
    return host


def _bare_path(path: str) -> str:
    path = path.rstrip("/")
    head, _, last = path.rpartition("/")
    if last.lower() == "amp" and _SLUG.search(head.rpartition("/")[2]):
        return head.rstrip("/")
    for ending, bare in ((".amp.html", ".html"), (".amp", "")):
        if last.lower().endswith(ending) and _SLUG.search(last):
            return path[: -len(ending)] + bare
    return path


def display_host(url: str) -> str:
    """Give the host that would really be dialled, "" where there is none.

    Labels that mix scripts, or pass for Latin ones, are shown as punycode; ordinary names in any script as
    written.
    """
    parts = _split(url)
    return "" if parts is None else _shown_host(parts)


def _shown_host(parts: SplitResult) -> str:
    labels = [_unicode_label(label) for label in _ascii_host(parts).split(".")]
    top_script = scripts_of(labels[-1])
    return ".".join(label if _is_honest(label, top_script) else _ascii_label(label) for label in labels)


# Names below which others register theirs: what a public register does (all two-letter ones of these), and hosters.
_SECOND_LEVEL = frozenset("ac asn co com ed edu go gob gouv gov gv mil ne net nhs nom or org police sch".split())
_HOSTERS = frozenset((
    "azureedge.net", "blogspot.com", "cloudfront.net", "firebaseapp.com", "github.io", "gitlab.io", "herokuapp.com",
    "medium.com", "netlify.app", "onrender.com", "pages.dev", "substack.com", "translate.goog", "vercel.app", "web.app",
    "weebly.com", "wixsite.com", "wordpress.com", "workers.dev",
))  # fmt: skip


def registrable(host: str) -> str:
    """Give the end of `host` (from `display_host`) that somebody registered: who that is answers for all below it.

    "news.bbc.co.uk" -> "bbc.co.uk". Without the public list of endings, which is longer than this program: of a rare
    ending it gives a label too few. A bare number stands for itself.
    """
    labels = host.split(".")
    if ":" in host or not labels[-1] or labels[-1].isdecimal():
        return host
    is_public = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_public or ".".join(labels[-2:]) in _HOSTERS else labels[-2:])


def safe_url(url: str) -> str:
    """Give an address that may be shown and clicked: absolute http(s) without userinfo, "" for anything else.

    Backslashes and control characters are refused, spaces and invisible characters are escaped, and the host
    is the one that `display_host` names.
    """
    parts = _split(url)
    if parts is None:
        return ""
    port = f":{parts.port}" if parts.port is not None else ""
    rest = parts.path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return f"{parts.scheme}://{_in_brackets(_shown_host(parts))}{port}" + _HIDDEN_IN_URL.sub(
        lambda m: quote(m.group(), safe=""), rest
    )


# ── addresses inside of addresses ─────────────────────────────────────────────────────────────────

_GOOGLE_ARTICLE = re.compile(r"/(?:rss/)?articles/([A-Za-z0-9_-]{16,4000}={0,2})$")
_GOOGLE_FIELD = re.compile(rb"\x22([\x08-\x7f]|[\x80-\xff][\x01-\x1f])(https?://[\x21-\x7e]+)", re.DOTALL)


def unwrapped(url: str) -> str:
    """Give the publisher's address that a news search's link carries inside; any other address as it is.

    Bing's click counter has it as a parameter, older ids of Google News as base64. Newer ids of Google News hold a
    number that only Google's own pages can look up: those stay as they are, and `is_wrapped` tells them.
    """
    parts = _split(url)
    if parts is None:
        return url
    host, inner = _bare_host(_ascii_host(parts)), ""
    if host == "bing.com" and parts.path.lower() == "/news/apiclick.aspx":
        inner = next((value for name, value in parse_qsl(parts.query) if name.lower() == "url"), "")
    elif host == "news.google.com" and (found := _GOOGLE_ARTICLE.search(parts.path)):
        inner = _in_google_id(found.group(1))
    return inner if _split(inner) is not None else url


def is_wrapped(url: str) -> bool:
    """Say whether an address is a news search's own, behind which a publisher's could not be found."""
    parts = _split(unwrapped(url))
    if parts is None:
        return False
    host = _bare_host(_ascii_host(parts))
    return (host == "news.google.com" and bool(_GOOGLE_ARTICLE.search(parts.path))) or (
        host == "bing.com" and parts.path.lower() == "/news/apiclick.aspx"
    )


def _in_google_id(article_id: str) -> str:
    """The address in an id: a protobuf message whose field 4 is a text with its length before it."""
    try:
        raw = base64.urlsafe_b64decode(article_id.rstrip("=") + "=" * (-len(article_id.rstrip("=")) % 4))
    except (ValueError, binascii.Error):
        return ""
    found = _GOOGLE_FIELD.search(raw)
    if found is None:
        return ""
    size = found.group(1)
    length = size[0] if len(size) == 1 else (size[0] & 0x7F) | size[1] << 7
    return found.group(2)[:length].decode("ascii") if len(found.group(2)) >= length else ""


def _split(url: str) -> SplitResult | None:
    """Split an http(s) address that every program reads the same way; None for any other."""
    url = url.strip()
    if len(url) > MAX_URL_CHARS or _BAD_IN_URL.search(url) or url[:4].lower() != "http":
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or port == 0 or not host.strip("."):
        return None
    is_literal = ":" in host and "[" in parts.netloc
    return None if not is_literal and (":" in host or not _is_host(host)) else parts


def _is_host(host: str) -> bool:
    host = _mapped(host)
    return not _BAD_IN_HOST.search(host) and all(host.split("."))


@functools.lru_cache(maxsize=4_096)
def _mapped(host: str) -> str:
    """The host as a resolver gets to see it: one kind of dot, one width, small letters, nothing invisible."""
    host = unicodedata.normalize("NFKC", host).translate(_DOTS).lower()
    return "".join(char for char in host if unicodedata.category(char) != "Cf").rstrip(".")


def _ascii_host(parts: SplitResult) -> str:
    return ".".join(_ascii_label(label) for label in _mapped(parts.hostname or "").split("."))


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    # Only what encodes back to the same name is shown decoded.
    is_its_name = _ascii_label(decoded) == label and decoded == decoded.lower()
    return decoded if is_its_name and not decoded.startswith("xn--") else label


def _escaped(component: str) -> str:
    """Give one spelling of percent-escapes: UTF-8, upper case, none where none is needed."""
    component = quote(component, safe="%/:?#[]@!$&'()*+,;=-._~|")
    return _ESCAPE.sub(_unescape_unreserved, component)


def _unescape_unreserved(match: re.Match[str]) -> str:
    char = chr(int(match.group(1), 16))
    return char if char in _UNRESERVED else match.group().upper()


def _is_honest(label: str, top_script: frozenset[str]) -> bool:
    """Say whether a host label can be shown in its own letters without passing for another."""
    if label.isascii():
        return True
    if any(not (char.isalnum() or char == "-" or unicodedata.category(char) in ("Mn", "Mc")) for char in label):
        return False
    scripts = scripts_of(label)
    if scripts == {"LATIN"}:
        # Phonetic letters and the dotless i pass for plain ones; accents of living languages are seen.
        return all((char < "\u0180" and char != "ı") or "\u1ea0" <= char <= "\u1eff" for char in label)
    if len(scripts) > 1 and not scripts <= _EAST_ASIAN:
        return False
    passes_for_latin = all(char in LATIN_LOOKALIKES for char in label if char.isalpha())
    return bool(scripts) and (not passes_for_latin or scripts == top_script)
