"""How a parse travels between the daemon and its parser process: frames of length and payload, JSON inside, no pickle.

    request     a header frame {"job", "url", "content_type", …}, then a frame with the feed's or page's bytes
    answer      {"ready": true} once, then for each request {"<job>": …} or {"error": …, "killed": …}

Touches no process and no file.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from monitor.model import Entry, ParsedFeed

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 256 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def frame_of(message: dict[str, Any]) -> bytes:
    """A message as a frame."""
    return frame(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def frame_length(prefix: bytes) -> int:
    """The length that a frame's first bytes announce.

    Raises:
        ValueError: more than any parse comes to.
    """
    length = int.from_bytes(prefix, "big")
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length} bytes")
    return length


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame's payload, or None at the end of the stream (also in the middle of a frame)."""
    prefix = source.read(LENGTH_BYTES)
    if len(prefix) < LENGTH_BYTES:
        return None
    length = frame_length(prefix)
    payload = source.read(length)
    return payload if len(payload) == length else None


def packed(feed: ParsedFeed) -> dict[str, Any]:
    """A parsed feed as values that JSON knows."""
    packed_feed = asdict(feed)
    packed_feed["ttl"] = feed.ttl.total_seconds() if feed.ttl is not None else None
    for entry in packed_feed["entries"]:
        for key in ("published_at", "updated_at"):
            entry[key] = entry[key].isoformat() if entry[key] else None
    return packed_feed


def unpacked(message: dict[str, Any]) -> ParsedFeed:
    """The parsed feed that `packed` made.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: it is none.
    """
    ttl = message["ttl"]
    return ParsedFeed(
        **{
            **message,
            "entries": tuple(_entry(entry) for entry in message["entries"]),
            "ttl": None if ttl is None else timedelta(seconds=ttl),
            "skip_hours": tuple(message["skip_hours"]),
            "skip_days": tuple(message["skip_days"]),
            "warnings": tuple(message["warnings"]),
        }
    )


def _entry(message: dict[str, Any]) -> Entry:
    moments = {key: _moment(message[key]) for key in ("published_at", "updated_at")}
    return Entry(**{**message, **moments})


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
