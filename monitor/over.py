"""Which incidents are over though nothing ends them: those that pass, and those about what is not watched any more."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime, timedelta

from monitor import health
from monitor.model import Feed
from monitor.store import Store

PASSING_FOR = timedelta(days=7)
PASSING = (
    "alert-rate:",
    "bot-added:",
    "backfill:",
    "changing-ids:",
    "chat-moved:",
    "feeds-blind",
    "gap:",
    "message-refused:",
)
"""Incidents that have no end: after a while they are closed, so that the next of their kind is told again."""


def close_passing(store: Store, now: datetime) -> None:
    """Close incidents that have no end and are old."""
    store.close_passing(PASSING, now - PASSING_FOR)


def close(store: Store, feeds: Mapping[str, Feed], channels: Container[str], now: datetime) -> None:
    """Close incidents about what is not in `feeds` (by `Feed.url`) or `channels` (names)."""
    for notice in store.open_notices():
        if _is_about_nothing(notice.key, feeds, channels):
            store.close_notice(notice.key, now)


def _is_about_nothing(key: str, feeds: Mapping[str, Feed], channels: Container[str]) -> bool:
    """Whether an incident is about a feed or a channel that is not configured any more: nothing would ever end it."""
    kind, _, subject = key.partition(":")
    if kind == "feed-moved":
        return not any(subject.startswith(f"{url}:") for url in feeds)
    if kind.startswith(health.PREFIX):
        return subject not in feeds or not feeds[subject].enabled
    return kind in ("channel-fails", "channel-waits") and subject not in channels
