"""What is found: articles, and what is decided on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.feeds import EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One item of a feed, once it is known.

    `id`: 32 hex digits made from its keys (`stories.identity`), so it is known before anything is stored.
    `keys`: every key under which it is recognised again. `feed`: `Feed.url` of the feed that brought it first.
    `version`: 1, and one more for each silent edit. `recent`: False for what a first poll only remembers.
    `page_state`: what came of reading its page (`ingest.fulltext.PageState`); empty where that was not wanted.
    """

    id: str
    feed: str
    title: str
    url: str = ""
    entry_id: str = ""
    summary: str = ""
    text: str = ""
    author: str = ""
    language: str = ""
    published_at: datetime | None = None
    first_seen_at: datetime = EPOCH
    keys: tuple[bytes, ...] = ()
    raw_hash: str = ""
    version: int = 1
    recent: bool = True
    page_state: str = ""

    @property
    def at(self) -> datetime:
        """When it happened for us: published, or first seen where the feed gave no believable date."""
        return self.published_at or self.first_seen_at


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownArticle:
    """What the store remembers of an article, as much as telling "seen before" and "edited" needs.

    `feed` is the feed that brought it first, `url` and `entry_id` as they stood in the newest version; `title` is
    empty once it was purged. `raw_hash` is that of the newest version, counted by `version`.
    """

    article_id: str
    feed: str
    title: str
    url: str = ""
    entry_id: str = ""
    raw_hash: str = ""
    version: int = 1
    published_at: datetime | None = None
    first_seen_at: datetime = EPOCH
    recent: bool = True


class Decision(StrEnum):
    """What is done with an article."""

    ALERT = "alert"
    DIGEST = "digest"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision and the rule that made it, in words: "0.93 >= alert_at 0.80"."""

    decision: Decision
    rule: str
