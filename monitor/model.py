"""The nouns. Values only: nothing here reads a clock, a disk or a network.

Times are aware UTC, durations are `timedelta`, closed sets are `StrEnum`, collections are tuples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from classifiers import Score

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# ── what is polled ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One subscription as written in `feeds.toml`. `url` is its identity: state is kept under it."""

    url: str
    name: str = ""
    language: str = ""
    every: timedelta | None = None
    alert_at: float | None = None
    digest_at: float | None = None
    tags: tuple[str, ...] = ()
    user_agent: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of a feed between polls.

    `url` is `Feed.url`; `moved_to` the address learned from permanent redirects (empty: none), taken into use after
    `moved_seen` reaches three. `body_hash` is SHA-256 of the decoded body. `next_poll_at` of a feed never polled is
    the epoch. `failures` counts polls in a row without success; `error` is the last one's text, `error_kind` its
    `FetchFailure` or "parse", since `failing_since`. `gone_seen` counts 410s in a row.
    `baselined_at` is when its first poll was remembered; before it every entry is "first poll".
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

    `format` is "rss", "atom", "rdf" or "json". `ttl` is the feed's own wish for a polling interval. `warnings` are
    lines for people: encoding guessed, entries over the cap, truncated.
    """

    title: str = ""
    format: str = ""
    language: str = ""
    url: str = ""
    entries: tuple[Entry, ...] = ()
    ttl: timedelta | None = None
    truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A feed that answered with a body. `body` is decoded (at most the cap), `url` where it was finally found.

    `permanent_url` is the address after the leading 301/308 hops, when they came first; empty otherwise.
    `fresh_for` is `max-age`/`Expires`, clamped.
    """

    body: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    permanent_url: str = ""
    fresh_for: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """A feed that has not changed: by a 304, or by a body of the same hash (`by_hash`)."""

    url: str
    by_hash: bool = False
    etag: str = ""
    last_modified: str = ""
    permanent_url: str = ""
    fresh_for: timedelta | None = None


# ── what is found ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One item of a feed, once it is known.

    `id`: 32 hex digits made from its keys (`stories.identity`), so it is known before anything is stored.
    `keys`: every key under which it is recognised again. `feed`: `Feed.url` of the feed that brought it first.
    `version`: 1, and one more for each silent edit. `recent`: False for what a first poll only remembers.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read off a story. Empty means unsure, never "none"."""

    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article inside a story, as much of it as grouping and messages need."""

    article_id: str
    title: str
    summary: str = ""
    url: str = ""
    feed: str = ""
    feed_name: str = ""
    language: str = ""
    at: datetime = EPOCH
    score: float = 0.0
    decision: Decision = Decision.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The articles about one event. `id` is the id of its lead (first) article; `members[0]` is the lead.

    `alerted` says that an alert of it was queued. `facts` are suggestions.
    """

    id: str
    language: str
    members: tuple[Member, ...]
    first_at: datetime
    last_at: datetime
    facts: Facts = field(default_factory=Facts)
    alerted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An article's place: the story it belongs to, whether it opens it, and the evidence ("0.71 to …")."""

    article: Article
    story_id: str
    opens: bool
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An article with all that was decided on it. `edited`: a known article whose text changed."""

    article: Article
    score: Score
    verdict: Verdict
    story_id: str
    opens_story: bool
    evidence: str = ""
    edited: bool = False


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


class SpanKind(StrEnum):
    """What a stretch of a message's text is."""

    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    LINK = "link"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A marked stretch of `Message.text`. `start` and `length` count code points; `url` only for links."""

    kind: SpanKind
    start: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Channel-neutral text to send: plain text and marked stretches, at most 4,096 UTF-16 units and 100 spans."""

    text: str
    spans: tuple[Span, ...] = ()
    silent: bool = False


class DeliveryState(StrEnum):
    """Where an outbox row stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one channel: an outbox row.

    `key` + `channel` are unique: "story:<story id>", "digest:2026-W47/1", "notice:<incident>". `id` is the order of
    queueing (0: not stored yet). `unknown` counts attempts whose outcome is not known; with one the message is sent
    once more, marked as a possible repeat.
    """

    key: str
    channel: str
    message: Message
    id: int = 0
    state: DeliveryState = DeliveryState.PENDING
    story_id: str = ""
    attempts: int = 0
    unknown: int = 0
    not_before: datetime | None = None
    remote_id: str = ""
    error: str = ""
    queued_at: datetime = EPOCH
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What is remembered of a channel: until when its chat wants silence, whether it is paused and why.

    `chat` is the chat's newest id (a group that became a supergroup has another one than configured).
    """

    channel: str
    chat: str = ""
    not_before: datetime | None = None
    paused_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """What one channel wants to hear, and when. Empty collections want everything.

    `digest` is its weekly moment in the configured time zone, "mon 08:00"; empty: no digest. `quiet` is a daily
    window (start, end) that holds messages back and drops none. `operators`: it also hears notices.
    """

    name: str
    alerts: bool = True
    digest: str = ""
    languages: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    quiet: tuple[time, time] | None = None
    operators: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something an operator must know. `key` is unique while it lasts, so that it is told once.

    `closes`: the incident of that key is over; told only where it was told to begin with.
    """

    key: str
    text: str
    closes: bool = False


class LabelValue(StrEnum):
    """What a person said of an article."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not-relevant"
    UNSURE = "unsure"
    WRONG_CODE = "wrong-code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One person's judgement of one article; the newest of a rater counts."""

    article_id: str
    rater: str
    value: LabelValue
    codes: tuple[str, ...] = ()
    note: str = ""
    at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that one poll of one feed changes; recorded in one transaction.

    `seen_keys`: (key, article id) of known entries, so that new keys of an old article are kept too.
    `announce`: stories to alert now. `grown`: stories told before that were joined by an article worth an alert; only
    channels whose filters had left them out hear of them. `notices`: for operators.
    """

    state: FeedState
    judged: tuple[Judged, ...] = ()
    seen_keys: tuple[tuple[bytes, str], ...] = ()
    announce: tuple[Story, ...] = ()
    grown: tuple[Story, ...] = ()
    notices: tuple[Notice, ...] = ()


# ── a week, looked back on ────────────────────────────────────────────────────────────────────────


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
