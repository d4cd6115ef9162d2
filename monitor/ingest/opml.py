"""Lists of feeds in OPML 2.0, both ways (http://opml.org/spec2.opml).

`read` takes what other readers write: nested folders become tags, attributes in any case, broken bytes repaired as far
as a feed's are. A list is a stranger's file: its document type goes with every entity before the XML parser (expat, of
the standard library) sees it, and size, depth and count are capped. Pure: text in, values out; whether a feed is
wanted, known or may be dialled is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from xml.etree import ElementTree
from xml.parsers import expat

from monitor.errors import ParseError
from monitor.ingest import fields
from monitor.ingest.decode import decoded
from monitor.ingest.disarm import disarmed
from monitor.model import Feed
from monitor.text import clean_line

MAX_BYTES = 10 * 2**20
MAX_FEEDS = 5_000
MAX_DEPTH = 32
MAX_TAGS = 10
MAX_CHARS = 60
"""Of a name, a tag or a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One feed of a list as it stands there, each text on one line; `url` is not checked. `enabled`: no comment."""

    url: str
    name: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """A list of feeds in its order. `skipped` names outlines that call themselves feeds and have no address."""

    title: str = ""
    feeds: tuple[Listed, ...] = ()
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read(body: bytes) -> FeedList:
    """Read an OPML file.

    Raises:
        ParseError: it is none, or larger, deeper or longer than a list may be.
    """
    if len(body) > MAX_BYTES:
        raise ParseError(f"larger than {MAX_BYTES // 2**20} MB; a list of feeds is not, split it if it is one")
    text, warnings = decoded(body)
    document = disarmed(text, url="", max_entries=MAX_FEEDS)
    if document.root.lower().rpartition(":")[2] != "opml":
        found = f"its first element is <{document.root[:40]}>" if document.root else "it holds no XML"
        raise ParseError(f"not an OPML list of feeds: {found}")
    reader = _Reader()
    try:
        reader.walk(document.text)
    except expat.ExpatError as error:
        raise ParseError(
            f"not OPML that can be read: {expat.errors.messages[error.code]} (line {error.lineno})"
        ) from None
    return FeedList(
        title=reader.title, feeds=tuple(reader.feeds), skipped=tuple(reader.skipped),
        warnings=(*warnings, *document.warnings),
    )  # fmt: skip


@dataclass(slots=True)
class _Reader:
    """What is read so far, and the folders around the outline that is being read ("" for one that is no folder)."""

    title: str = ""
    feeds: list[Listed] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    _folders: list[str] = field(default_factory=list)
    _elements: list[str] = field(default_factory=list)

    def walk(self, text: str) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = _no_doctype
        parser.Parse(text.encode("utf-8", "replace"), True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._elements) >= MAX_DEPTH:
            raise ParseError(f"nested deeper than {MAX_DEPTH} folders; a list of feeds is not")
        self._elements.append(name.lower().rpartition(":")[2])
        if self._elements[-1] == "outline":
            self._outline({key.lower(): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:  # noqa: ARG002 - expat's signature
        if self._elements.pop() == "outline":
            self._folders.pop()

    def _data(self, data: str) -> None:
        if self._elements[-2:] == ["head", "title"]:
            self.title = _line(self.title + data)

    def _outline(self, values: dict[str, str]) -> None:
        name = _line(values.get("text") or values.get("title") or "")
        kind = values.get("type", "").strip().lower()
        url = fields.printable(values.get("xmlurl", "")).strip()
        self._folders.append("" if url or kind in ("rss", "atom") else name)
        if url:
            self._add(url, name, values)
        elif kind in ("rss", "atom") or "xmlurl" in values:
            self.skipped.append(name or "an outline without a name")

    def _add(self, url: str, name: str, values: dict[str, str]) -> None:
        if len(self.feeds) >= MAX_FEEDS:
            raise ParseError(f"more than {MAX_FEEDS:,} feeds; split the list")
        self.feeds.append(
            Listed(
                url=url,
                name=name,
                language=fields.language(values.get("language", "")),
                tags=_tags([*self._folders, *_categories(values.get("category", ""))]),
                enabled=values.get("iscomment", "").strip().lower() != "true",
            )
        )


def _no_doctype(*_: object) -> None:
    raise ParseError("a document type in a list of feeds: not read")


def _categories(raw: str) -> list[str]:
    """The tags of a category attribute: "/ngo/asia,research" has three."""
    return [part for piece in raw.split(",") for part in piece.split("/")]


def _tags(raw: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in map(_line, raw) if tag))[:MAX_TAGS]


def _line(raw: str) -> str:
    """One line of printable text, at most `MAX_CHARS` long."""
    return clean_line(fields.printable(raw), MAX_CHARS)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def written(feeds: Sequence[Feed], *, title: str, now: datetime) -> bytes:
    """Write `feeds` as OPML 2.0 in UTF-8. Tags become categories; a feed that is not enabled becomes a comment."""
    root = ElementTree.Element("opml", version="2.0")
    head = ElementTree.SubElement(root, "head")
    ElementTree.SubElement(head, "title").text = title
    ElementTree.SubElement(head, "dateCreated").text = format_datetime(now, usegmt=True)
    body = ElementTree.SubElement(root, "body")
    for feed in feeds:
        ElementTree.SubElement(body, "outline", _attributes(feed))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _attributes(feed: Feed) -> dict[str, str]:
    name = feed.name or feed.url
    # A comma or a slash inside of a tag would be read as two.
    tags = [tag.replace(",", " ").replace("/", " ") for tag in feed.tags]
    values = {
        "type": "rss",
        "text": name,
        "title": name,
        "xmlUrl": feed.url,
        "language": feed.language,
        "category": ",".join(tags),
        "isComment": "" if feed.enabled else "true",
    }
    return {key: value for key, value in values.items() if value}
