"""What is polled: subscriptions, what is remembered of them, and what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One subscription as written in `feeds.toml`. `url` is its identity: state is kept under it.

    `proxy` is its own way out, for it and its articles' pages; empty: the usual one. `note` is a person's remark, such
    as why it is disabled.
    """

    url: str
    name: str = ""
    language: str = ""
    every: timedelta | None = None
    alert_at: float | None = None
    digest_at: float | None = None
    tags: tuple[str, ...] = ()
    user_agent: str = ""
    proxy: str = ""
    enabled: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of a feed between polls.

    `url` is `Feed.url`; `moved_to` the address learned from permanent redirects (empty: none), taken into use after
    `moved_seen` reaches three. `body_hash` is SHA-256 of the decoded body. `next_poll_at` of a feed never polled is
    the epoch. `failures` counts polls in a row without success; `error` is the last one's text, `error_kind` its
    `FetchFailure` or "parse", since `failing_since`. `gone_seen` counts 410s in a row.
    `baselined_at` is when its first poll was remembered; before it every entry is "first poll". `rhythm` is what was
    learned of when it publishes, as `ingest.rhythm` writes it (under 2 kB; empty: nothing yet), `health`
    what is usual of it and what is wrong with it, as `habits` writes it (the same).
    """

    url: str
    title: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    next_poll_at: datetime = EPOCH
    baselined_at: datetime | None = None
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    changed_at: datetime | None = None
    full_fetch_at: datetime | None = None
    newest_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    error_kind: str = ""
    gone_seen: int = 0
    moved_to: str = ""
    moved_seen: int = 0
    rhythm: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTally:
    """What a feed brought in some time: articles that were news when they came, and how many of them were alerts."""

    url: str
    articles: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item as it stood in a feed's bytes: cleaned plain text, nothing resolved against memory.

    `id` is the feed's own identifier (may be empty), `url` absolute http(s) or empty. `raw_hash` is SHA-256 over the
    fields, for telling an edited entry. `published_at` is None where the feed gave no believable date.
    """

    id: str
    title: str
    url: str
    published_at: datetime | None = None
    updated_at: datetime | None = None
    summary: str = ""
    text: str = ""
    author: str = ""
    language: str = ""
    raw_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed's bytes as entries, in the order of the feed.

    `format` is "rss", "atom", "rdf" or "json". `ttl` is the feed's own wish for a polling interval,
    `skip_hours` (0..23 UTC) and `skip_days` (0 is Monday) when it wants none. `warnings` are lines for people: encoding
    guessed, entries over the cap, truncated. `hub` is the WebSub hub that it names, `self_url` what it calls itself.
    """

    title: str = ""
    format: str = ""
    language: str = ""
    url: str = ""
    entries: tuple[Entry, ...] = ()
    ttl: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    hub: str = ""
    self_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A feed that answered with a body. `body` is decoded (at most the cap), `url` where it was finally found.

    `permanent_url` is the address after the leading 301/308 hops, when they came first; empty otherwise.
    `fresh_for` is `max-age`/`Expires`, clamped; `hub` and `self_url` what its `Link` header names.
    """

    body: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    permanent_url: str = ""
    fresh_for: timedelta | None = None
    hub: str = ""
    self_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """A feed that has not changed: by a 304, or by a body of the same hash (`by_hash`)."""

    url: str
    by_hash: bool = False
    etag: str = ""
    last_modified: str = ""
    permanent_url: str = ""
    fresh_for: timedelta | None = None
