"""A week, looked back on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from monitor.model.feeds import EPOCH, FeedState
from monitor.model.stories import Facts, Judged, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekData:
    """What the store knows of a span of time: raw material of a digest.

    `stories`: those with an article first seen in it. `judged`: the articles first seen in it that were not
    dropped. `alerted`, `digest`, `dropped` count articles by verdict, `feeds` is how every feed stands now.
    """

    stories: tuple[Story, ...] = ()
    judged: tuple[Judged, ...] = ()
    alerted: int = 0
    digest: int = 0
    dropped: int = 0
    feeds: tuple[FeedState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One story in a digest, told by one of its articles. Text as the feed gave it: who shows it cleans it.

    `also` are the other sources by name. `dated`: `at` is the feed's own date, not when it was first seen.
    """

    story_id: str
    title: str
    summary: str = ""
    url: str = ""
    source: str = ""
    also: tuple[str, ...] = ()
    language: str = ""
    at: datetime = EPOCH
    dated: bool = True
    score: float = 0.0
    codes: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTrouble:
    """A feed that does not answer. `since` is None for one that was never asked."""

    name: str
    since: datetime | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A week's selection for one channel.

    `week` is "2026-W47", `first_day` its Monday. `alerted` in order of time, `below` (in the digest only) by
    score, highest first. The article counts and `feeds` are of the whole watch, before the channel's own filter.
    `by_code` and `by_language` count the listed stories, commonest first. `due_at` is set when it is sent late.
    """

    week: str
    first_day: date
    alerted: tuple[DigestItem, ...] = ()
    below: tuple[DigestItem, ...] = ()
    articles_alerted: int = 0
    articles_digest: int = 0
    articles_dropped: int = 0
    feeds: int = 0
    trouble: tuple[FeedTrouble, ...] = ()
    by_code: tuple[tuple[str, int], ...] = ()
    by_language: tuple[tuple[str, int], ...] = ()
    timezone: str = "UTC"
    due_at: datetime | None = None
