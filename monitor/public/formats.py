"""A public feed as Atom (RFC 4287) and as JSON Feed 1.1. Pure: bytes out, the same for the same feed.

Both are built by the standard library, which escapes what it is given; entries hold nothing that XML can't. The known
generator library would bring lxml and can say neither languages of titles nor JSON.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from monitor.public.entries import PublicEntry, PublicFeed

ATOM_TYPE = "application/atom+xml"
JSON_TYPE = "application/feed+json"
_ATOM = "http://www.w3.org/2005/Atom"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_VERSION = "https://jsonfeed.org/version/1.1"


def as_atom(feed: PublicFeed) -> bytes:
    """Write `feed` as an Atom document in UTF-8."""
    root = ElementTree.Element("feed", {"xmlns": _ATOM, _LANG: "en"})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title, type="text")
    _add(root, "updated", rfc3339(feed.updated_at))
    _add(_add(root, "author"), "name", feed.title)
    if feed.base:
        _add(root, "link", rel="self", type=ATOM_TYPE, href=feed.address("atom"))
        _add(root, "link", rel="alternate", type=JSON_TYPE, href=feed.address("json"))
    for entry in feed.entries:
        _atom_entry(_add(root, "entry"), entry)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _atom_entry(parent: ElementTree.Element, entry: PublicEntry) -> None:
    title = _add(parent, "title", entry.title, type="text")
    if entry.language:
        title.set(_LANG, entry.language)
    _add(parent, "id", entry.id)
    _add(parent, "published", rfc3339(entry.published_at))
    _add(parent, "updated", rfc3339(entry.updated_at))
    if entry.url:
        _add(parent, "link", rel="alternate", type="text/html", href=entry.url)
    _add(parent, "content", entry.content, type="html")


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name, attributes)
    child.text = text or None
    return child


def as_json(feed: PublicFeed) -> bytes:
    """Write `feed` as a JSON Feed in UTF-8."""
    document: dict[str, Any] = {"version": _VERSION, "title": feed.title}
    if feed.base:
        document["feed_url"] = feed.address("json")
    document |= {
        "language": "en",
        "authors": [{"name": feed.title}],
        "items": [_json_item(one) for one in feed.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _json_item(entry: PublicEntry) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "title": entry.title,
        "content_html": entry.content,
        "date_published": rfc3339(entry.published_at),
        "date_modified": rfc3339(entry.updated_at),
    }
    if entry.url:
        item["url"] = entry.url
    if entry.language:
        item["language"] = entry.language
    return item


def rfc3339(at: datetime) -> str:
    """Write a time as both formats want it: 2026-11-17T08:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
