"""Bytes become entries: RSS, Atom, RDF and CDF by feedparser, JSON Feed by a reader of our own.

`parse_bytes` is pure and ends in a `ParsedFeed` or a `ParseError` for any bytes. It may be slow for bytes made to be
slow, so the daemon goes through `Parser`, which runs it in a child process that can be killed. Nothing here follows an
address: feedparser only ever gets a stream of bytes, never a string, which it would take for an address or a file name.

What the entries hold is text as the feed wrote it, without markup. Whether it is fit to be shown (direction overrides,
invisible characters, an empty title) is decided where it is shown.
"""

from __future__ import annotations

import html
import io
import re
import warnings as python_warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from monitor.errors import ParseError
from monitor.ingest import fields, jsonfeed
from monitor.ingest.decode import decoded
from monitor.ingest.disarm import Disarmed, disarmed
from monitor.ingest.parser_pool import Parser
from monitor.links import unwrapped
from monitor.model import Entry, ParsedFeed

__all__ = ["MAX_ENTRIES", "Parser", "describe", "parse_bytes"]

MAX_ENTRIES = 500

_FEED_ROOTS = {"rss", "feed", "rdf", "channel"}
_HTML_ROOTS = {"html", "head", "body"}
_HTMLISH = {"text/html", "application/xhtml+xml", ""}
# What feedparser lets through from its own code and from the standard library for broken input.
_FEEDPARSER_RAISES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_ALTERNATE = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_TITLE = re.compile(r"<title(?:\s[^<>]{0,300})?>([^<]{0,1000})", re.IGNORECASE)
_PAGE_TITLE_CHARS = 300
_FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
_HTML_HEAD_CHARS = 200_000

_UPDATE_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}
_MIN_TTL, _MAX_TTL = timedelta(minutes=1), timedelta(days=7)


def parse_bytes(body: bytes, *, url: str, content_type: str = "", max_entries: int = MAX_ENTRIES) -> ParsedFeed:
    """Parse a feed's decoded body. `url`: where it was finally found, for relative links; `content_type`: its header.

    Entries keep the feed's order, at most `max_entries` of them. `ParsedFeed.url` is the site the feed speaks for.

    Raises:
        ParseError: the bytes are no feed. Nothing else, whatever the bytes.
    """
    if not body.strip():
        raise ParseError("not a feed: the answer is empty")
    text, warnings = decoded(body, content_type)
    start = text.lstrip("\ufeff\0 \t\r\n")[:1]
    if start in {"{", "["}:
        return jsonfeed.read(text.strip("\ufeff\0 \t\r\n"), url=url, max_entries=max_entries, warnings=warnings)
    document = disarmed(text, url=url, max_entries=max_entries)
    _check_root(document, text, url, content_type)
    found = _by_feedparser(document.text)
    version = _str(found, "version")
    raw_entries = found["entries"][:max_entries]
    if not version and not raw_entries and _local(document.root) not in _FEED_ROOTS:
        raise ParseError(f"not a feed: an XML document of another kind (<{document.root[:40]}>)")
    raw_feed = found["feed"]
    language = fields.language(_str(raw_feed, "language"))
    head = document.text.partition("<item")[0]
    return ParsedFeed(
        title=fields.text_of(_str(raw_feed, "title"), fields.MAX_TITLE_CHARS),
        format=_format(version, document.root),
        language=language,
        url=_link(raw_feed, url),
        entries=tuple(_entry(raw, url=url, language=language) for raw in raw_entries),
        ttl=_ttl(raw_feed),
        skip_hours=fields.skip_hours(head),
        skip_days=fields.skip_days(head),
        truncated=document.truncated,
        warnings=(*warnings, *document.warnings),
        hub=_named(raw_feed, "hub", url),
        self_url=_named(raw_feed, "self", url),
    )


def describe(parsed: ParsedFeed, source: str) -> dict[str, object]:
    """A parsed feed as the JSON line of `longarm parse`. Times are ISO 8601 in UTC, or None."""
    return {
        "source": source,
        "title": parsed.title,
        "entries": [
            {
                "id": entry.id,
                "title": entry.title,
                "url": entry.url,
                "published": entry.published_at.isoformat() if entry.published_at else None,
                "summary": entry.summary,
            }
            for entry in parsed.entries
        ],
        "warnings": list(parsed.warnings),
    }


# ── is it a feed? ─────────────────────────────────────────────────────────────────────────────────


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _check_root(document: Disarmed, text: str, url: str, content_type: str) -> None:
    root = _local(document.root)
    says_html = document.html_doctype or "html" in content_type.lower()
    if root in _HTML_ROOTS or (says_html and root not in _FEED_ROOTS):
        alternate = _advertised_feed(text[:_HTML_HEAD_CHARS], url)
        tried = f"; try {alternate}" if alternate else ""
        raise ParseError(f"not a feed: an HTML page{tried}", page_title=_page_title(text[:_HTML_HEAD_CHARS]))
    if not root:
        raise ParseError("not a feed: neither XML nor JSON")
    if root == "opml":
        raise ParseError("not a feed: an OPML list of feeds; “longarm feeds import” reads it")


def _page_title(page: str) -> str:
    found = _TITLE.search(page)
    return fields.text_of(html.unescape(found.group(1)), _PAGE_TITLE_CHARS) if found else ""


def _advertised_feed(page: str, url: str) -> str:
    """The address of the feed that an HTML page names in its head; empty if it names none."""
    for link in _ALTERNATE.finditer(page):
        attributes = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(link.group(1))}
        if "alternate" in attributes.get("rel", "").lower() and attributes.get("type", "").lower() in _FEED_TYPES:
            found = fields.absolute(html.unescape(attributes.get("href", "")), url)
            if found and len(found) <= 300:
                return found
    return ""


def _by_feedparser(text: str) -> Mapping[str, Any]:
    import feedparser  # noqa: PLC0415 - 50 ms, and only the child process needs it

    stream = io.BytesIO(f"<?xml version='1.0' encoding='utf-8'?>\n{text}".encode())
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore", DeprecationWarning)
            found: Mapping[str, Any] = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    except _FEEDPARSER_RAISES as error:
        raise ParseError(
            f"not a feed that can be read: the XML is broken beyond repair ({type(error).__name__})"
        ) from None
    return found


def _format(version: str, root: str) -> str:
    if version in {"rss090", "rss10"} or _local(root) == "rdf":
        return "rdf"
    return "atom" if version.startswith("atom") or _local(root) == "feed" else "rss"


# ── feedparser's values ───────────────────────────────────────────────────────────────────────────


def _str(thing: Mapping[str, Any], key: str) -> str:
    """A value of feedparser's as text; `dict.get`, because its own `get` answers "updated" with another field."""
    value = dict.get(thing, key) if isinstance(thing, dict) else None
    return value if isinstance(value, str) else ""


def _entry(raw: Mapping[str, Any], *, url: str, language: str) -> Entry:
    published = fields.moment(_str(raw, "published")) or fields.moment(_str(raw, "created"))
    updated = fields.moment(_str(raw, "updated"))
    return fields.entry(
        id=_str(raw, "id"),
        title=_str(raw, "title"),
        url=unwrapped(_link(raw, url)),
        published_at=published or updated,  # RDF's dc:date and many Atom feeds give no other
        updated_at=updated,
        summary=_str(raw, "summary"),
        text=_content(raw),
        author=_str(raw, "author"),
        language=_entry_language(raw) or language,
    )


def _link(raw: Mapping[str, Any], url: str) -> str:
    """The page that an entry or feed stands for: its first alternate link, else a guid that is an address."""
    links = [link for link in raw.get("links", []) if isinstance(link, dict) and _str(link, "rel") == "alternate"]
    pages = [link for link in links if _str(link, "type").lower() in _HTMLISH]
    for link in (*pages, *links):
        found = fields.absolute(_str(link, "href"), url)
        if found:
            return found
    # A relative guid is no address, even where isPermaLink is left at its default: nothing is resolved here.
    return fields.absolute(_str(raw, "id")) if raw.get("guidislink") else ""


def _named(raw: Mapping[str, Any], rel: str, url: str) -> str:
    """The first address that a feed names by this relation."""
    links = (link for link in raw.get("links", []) if isinstance(link, dict) and _str(link, "rel") == rel)
    return next((found for link in links if (found := fields.absolute(_str(link, "href"), url))), "")


def _content(raw: Mapping[str, Any]) -> str:
    """The longest readable content of an entry."""
    parts = [part for part in raw.get("content", []) if isinstance(part, dict)]
    readable = [_str(part, "value") for part in parts if _str(part, "type").startswith(("text/", "application/xhtml"))]
    return max(readable, key=len, default="")


def _entry_language(raw: Mapping[str, Any]) -> str:
    own = _str(raw, "language")
    details = (raw.get(key) for key in ("title_detail", "summary_detail"))
    tags = [own, *(_str(detail, "language") for detail in details if isinstance(detail, dict))]
    return next((tag for tag in map(fields.language, tags) if tag), "")


def _ttl(feed: Mapping[str, Any]) -> timedelta | None:
    """How long the feed itself wants to be left alone: <ttl> in minutes, or sy:updatePeriod and sy:updateFrequency."""
    minutes = _number(_str(feed, "ttl"))
    if not minutes:
        hours = _UPDATE_PERIODS.get(_str(feed, "sy_updateperiod").strip().lower(), 0)
        minutes = hours * 60 / (_number(_str(feed, "sy_updatefrequency")) or 1)
    if not minutes:
        return None
    return min(max(timedelta(minutes=min(minutes, 1e6)), _MIN_TTL), _MAX_TTL)


def _number(raw: str) -> float:
    raw = raw.strip()
    return float(raw) if re.fullmatch(r"\d{1,9}", raw, re.ASCII) else 0.0
