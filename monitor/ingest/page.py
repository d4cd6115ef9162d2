"""An article's page -> its headline, description and text; any page -> the feeds that it names.

`read_article` takes the text by trafilatura where that is installed (the extra `fulltext`), and by a plain reading of
the paragraphs otherwise. Pages are written by strangers: the daemon has them read in the parser's child process.
Touches nothing. What it cannot read is empty; it raises for no page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

from monitor.ingest import fields
from monitor.ingest.decode import decoded

MAX_BYTES = 2 * 2**20
"""A page longer than this is read up to here: its article stands at the top."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?[\w-]+", re.IGNORECASE)
_SKIPPED = {"script", "style", "nav", "footer", "aside", "form", "noscript", "template"}
_LEAST_PARAGRAPH = 40


FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
_MAX_FEEDS = 50
_MAX_HREF = 500
_FEEDLIKE = re.compile(r"(?:^|[/._?=-])(?:rss|atom|feeds?|rdf|feed\.json)(?:[/._?&=-]|\d|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a page says of its article. `text` holds paragraphs, one a line.

    `canonical`: the page's own word on its address, absolute, and only if it is of the page's own site; else empty.
    """

    title: str
    summary: str
    text: str
    canonical: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page names: by `<link rel="alternate">` (`advertised`), or by a link that looks like one."""

    url: str
    title: str = ""
    advertised: bool = True


def read_page(body: bytes, content_type: str = "", *, url: str = "") -> Reading:
    """Read `body` (HTML in any encoding it or `content_type` names; UTF-8 otherwise) plainly: paragraphs alone."""
    reader = _walked(_text(body, content_type))
    meta = reader.meta
    canonical = fields.absolute(reader.canonical or meta.get("og:url") or "", url) if url else ""
    return Reading(
        title=_folded(meta.get("og:title") or reader.title),
        summary=_folded(meta.get("og:description") or meta.get("description") or ""),
        text="\n".join(p for p in map(_folded, reader.paragraphs) if len(p) >= _LEAST_PARAGRAPH),
        canonical=canonical if fields.same_site(canonical, url) else "",
    )


def read_article(body: bytes, content_type: str = "", *, url: str) -> Reading:
    """Read an article's page found at `url`; menus, boxes and comments are left out as well as can be."""
    plain = read_page(body, content_type, url=url)
    text = _extracted(_text(body, content_type))
    return replace(plain, text=text) if text else plain


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """What a page is called, and the feeds that it names."""

    title: str = ""
    feeds: tuple[FeedLink, ...] = ()


def web_page(body: bytes, content_type: str = "", *, url: str) -> WebPage:
    """Name the feeds of the page found at `url`: those it advertises first, each once, at most fifty."""
    reader = _walked(_text(body, content_type))
    found: dict[str, FeedLink] = {}
    for href, title, advertised in sorted(reader.feeds, key=lambda row: not row[2]):
        address = fields.absolute(href, url).partition("#")[0]
        if address and address not in found and len(found) < _MAX_FEEDS:
            found[address] = FeedLink(url=address, title=_folded(title)[:300], advertised=advertised)
    return WebPage(title=_folded(reader.title)[:300], feeds=tuple(found.values()))


def _text(body: bytes, content_type: str) -> str:
    head = body[:MAX_BYTES]
    inside = _CHARSET.search(head[:4096])
    named = content_type if "charset" in content_type.lower() or not inside else inside.group().decode()
    return decoded(head, named)[0]


def _extracted(text: str) -> str:
    try:
        import trafilatura  # noqa: PLC0415 - an extra, 0.2 s and 35 MB: only the child process needs it
    except ImportError:
        return ""
    try:
        found = trafilatura.extract(text, include_comments=False, include_tables=False, with_metadata=False)
    except Exception:  # noqa: BLE001 - a stranger's page in a library of libraries: the plain reading is kept
        return ""
    return "\n".join(line for line in map(_folded, (found or "").splitlines()) if line)


def _walked(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader


def _folded(text: str) -> str:
    return " ".join(text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.meta: dict[str, str] = {}
        self.paragraphs: list[str] = []
        self.canonical = ""
        self.feeds: list[tuple[str, str, bool]] = []
        self._inside: str = ""
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping += 1
        elif tag == "meta":
            values = dict(attrs)
            name = (values.get("property") or values.get("name") or "").lower()
            self.meta.setdefault(name, values.get("content") or "")
        elif tag == "link":
            self._take_link({name: value or "" for name, value in attrs})
        elif tag == "a":
            href = dict(attrs).get("href") or ""
            if _FEEDLIKE.search(href[:_MAX_HREF]):
                self.feeds.append((href, dict(attrs).get("title") or "", False))
        elif tag in ("title", "p") and not self._skipping:
            self._inside = tag
            if tag == "p":
                self.paragraphs.append("")

    def _take_link(self, values: dict[str, str]) -> None:
        rel = values.get("rel", "").lower().split()
        if "canonical" in rel:
            self.canonical = self.canonical or values.get("href", "")
        if "alternate" in rel and values.get("type", "").partition(";")[0].strip().lower() in FEED_TYPES:
            self.feeds.append((values.get("href", ""), values.get("title", ""), True))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._skipping or not self._inside:
            return
        if self._inside == "title":
            self.title += data
        else:
            self.paragraphs[-1] += data
