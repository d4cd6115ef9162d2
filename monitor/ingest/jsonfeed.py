"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/) as entries.

Feeds in the wild bend the format: numbers as ids, null where text belongs, items that are no objects. Every value of a
wrong kind counts as absent. It touches nothing but the text given to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.errors import ParseError
from monitor.ingest import fields
from monitor.model import Entry, ParsedFeed


def read(text: str, *, url: str, max_entries: int, warnings: tuple[str, ...] = ()) -> ParsedFeed:
    """Read a JSON Feed; relative addresses are resolved against `url`.

    Raises:
        ParseError: broken JSON, or JSON that is no feed.
    """
    feed = _document(text)
    items = [item for item in feed["items"] if isinstance(item, dict)]
    if len(items) < len(feed["items"]):
        warnings = (*warnings, f"{len(feed['items']) - len(items)} items are no objects: left out")
    kept = _capped(items, max_entries)
    if len(kept) < len(items):
        warnings = (*warnings, over_cap(len(items), max_entries))
    language = fields.language(_text(feed, "language"))
    return ParsedFeed(
        title=fields.text_of(_text(feed, "title"), fields.MAX_TITLE_CHARS),
        format="json",
        language=language,
        url=fields.absolute(_text(feed, "home_page_url"), url),
        entries=tuple(_entry(item, url=url, language=language) for item in kept),
        warnings=warnings,
        hub=_hub(feed, url),
        self_url=fields.absolute(_text(feed, "feed_url"), url),
    )


def _hub(feed: Mapping[str, Any], url: str) -> str:
    hubs = feed.get("hubs")
    named = (hub for hub in hubs if isinstance(hub, dict)) if isinstance(hubs, list) else ()
    return next((fields.absolute(_text(hub, "url"), url) for hub in named if _text(hub, "type") == "WebSub"), "")


def over_cap(found: int, cap: int) -> str:
    """The warning for a feed with more entries than are read."""
    return f"{found} entries, more than are read at once: {found - cap} left out"


def _document(text: str) -> dict[str, Any]:
    try:
        feed = json.loads(text)
    except RecursionError:
        raise ParseError("not a feed: JSON that is nested too deep") from None
    except ValueError as error:
        where = getattr(error, "pos", 0)
        what = "cut off" if where >= len(text.rstrip()) - 1 else f"broken at character {where}"
        raise ParseError(f"not a feed: JSON that is {what}") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise ParseError("not a feed: JSON without a list of items; only JSON Feed is understood")
    if "jsonfeed.org" not in _text(feed, "version") and not _looks_like_feed(feed):
        raise ParseError("not a feed: JSON that is no JSON Feed")
    return feed


def _looks_like_feed(feed: Mapping[str, Any]) -> bool:
    """Without the version's address the items must at least look like entries."""
    content = {"content_html", "content_text", "url", "title"}
    return any(isinstance(item, dict) and "id" in item and content & item.keys() for item in feed["items"])


def _capped(items: list[dict[str, Any]], cap: int) -> list[dict[str, Any]]:
    if len(items) <= cap:
        return items
    return items[-cap:] if fields.newest_last([_date(items[0]), _date(items[-1])]) else items[:cap]


def _entry(item: Mapping[str, Any], *, url: str, language: str) -> Entry:
    identifier = _text(item, "id")
    html, content = _text(item, "content_html"), _text(item, "content_text")
    return fields.entry(
        id=identifier,
        title=_text(item, "title"),
        url=fields.absolute(_text(item, "url"), url)
        or fields.absolute(_text(item, "external_url"), url)
        or fields.absolute(identifier),
        published_at=_date(item),
        updated_at=fields.moment(_text(item, "date_modified")),
        summary=_text(item, "summary"),
        text=html or content,
        author=_author(item),
        language=fields.language(_text(item, "language")) or language,
    )


def _date(item: Mapping[str, Any]) -> datetime | None:
    return fields.moment(_text(item, "date_published") or _text(item, "date_modified"))


def _author(item: Mapping[str, Any]) -> str:
    authors = item.get("authors")
    candidates = [*(authors if isinstance(authors, list) else []), item.get("author")]
    names = (_text(author, "name") for author in candidates if isinstance(author, dict))
    return next((name for name in names if name), "")


def _text(thing: Mapping[str, Any], key: str) -> str:
    value = thing.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
