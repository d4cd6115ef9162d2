"""Feeds written in one line, for the parser's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from monitor.errors import ParseError
from monitor.ingest.parse import parse_bytes
from monitor.model import Entry, ParsedFeed

URL = "https://news.example/world/feed.xml"
GOOD = "<item><title>Good</title><link>/good</link><guid isPermaLink='false'>good</guid></item>"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


def rss(items: str, *, head: str = "", channel: str = "<title>T</title>", attributes: str = "") -> bytes:
    text = f'<?xml version="1.0"?>{head}<rss version="2.0"{attributes}><channel>{channel}{items}</channel></rss>'
    return text.encode()


def atom(entries: str, *, attributes: str = "") -> bytes:
    return f"<feed {ATOM}{attributes}><title>T</title>{entries}</feed>".encode()


def item(**fields: str) -> str:
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</item>"


def parsed(body: bytes, **options: object) -> ParsedFeed:
    return parse_bytes(body, **{"url": URL, **options})  # type: ignore[arg-type]


def one(body: bytes, **options: object) -> Entry:
    (entry,) = parsed(body, **options).entries
    return entry


@contextmanager
def no_feed(text: str) -> Iterator[None]:
    with pytest.raises(ParseError, match=text) as caught:
        yield
    assert "\n" not in str(caught.value)
    assert not caught.value.killed
