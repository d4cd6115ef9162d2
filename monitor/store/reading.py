"""What is read: memory for a poll, stories for grouping, weeks for the digest, lines for exports. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Select, and_, case, func, literal, or_, select

from monitor.model import Decision, FeedState, FeedTally, Judged, KnownArticle, Label, LabelValue, Story
from monitor.store import rows, withdrawing
from monitor.store.tables import articles, deliveries, feeds, labels, seen_keys, stories

LEAD = 500
"""How much of a summary grouping and messages get, in code points."""

_CHUNK = 500  # SQLite takes 32,766 parameters, older ones 999
_PAGE = 1_000

Fetch = Callable[[Select[Any]], Sequence[RowMapping]]


def known(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, KnownArticle]:
    """Which of `keys` are known, and as what; of two articles under one key the one seen first."""
    found: dict[bytes, KnownArticle] = {}
    wanted = list(dict.fromkeys(keys))
    names = (
        "id", "feed", "title", "url", "entry_id", "raw_hash", "version", "published_at", "first_seen_at", "recent",
    )  # fmt: skip
    for start in range(0, len(wanted), _CHUNK):
        statement = (
            select(seen_keys.c.key, *(articles.c[name] for name in names))
            .join(articles, articles.c.id == seen_keys.c.article_id)
            .where(seen_keys.c.key.in_(wanted[start : start + _CHUNK]))
            .order_by(articles.c.first_seen_at, articles.c.id)
        )
        for row in connection.execute(statement).mappings():
            found.setdefault(row["key"], rows.known_article(row))
    return found


def feed_states(connection: Connection) -> list[FeedState]:
    """Every feed that was ever watched, by address."""
    return [rows.feed_state(row) for row in connection.execute(select(feeds).order_by(feeds.c.url)).mappings()]


def feed_tallies(connection: Connection, since: datetime) -> list[FeedTally]:
    """What each feed brought since `since`, by address; one that brought nothing is missing."""
    statement = (
        select(articles.c.feed, func.count(), func.sum(case((articles.c.decision == Decision.ALERT, 1), else_=0)))
        .where(articles.c.first_seen_at >= since, articles.c.recent)
        .group_by(articles.c.feed)
        .order_by(articles.c.feed)
    )
    return [FeedTally(url=url, articles=count, alerts=alerts) for url, count, alerts in connection.execute(statement)]


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def recent_stories(connection: Connection, since: datetime) -> tuple[Story, ...]:
    """Stories that something joined since `since`, in order of time."""
    return _stories(connection, stories.c.touched_at >= since)


def _stories(connection: Connection, which: Any) -> tuple[Story, ...]:
    members: dict[str, list[Any]] = {}
    statement = (
        select(
            articles.c.id,
            articles.c.title,
            func.substr(articles.c.summary, 1, LEAD).label("lead"),
            *(articles.c[name] for name in ("url", "feed", "language", "published_at", "first_seen_at")),
            *(articles.c[name] for name in ("score", "decision", "story_id")),
            feeds.c.title.label("feed_title"),
        )
        .join(stories, stories.c.id == articles.c.story_id)
        .outerjoin(feeds, feeds.c.url == articles.c.feed)
        .where(which)
    )
    for row in connection.execute(statement).mappings():
        members.setdefault(row["story_id"], []).append(rows.member(row))
    found = connection.execute(select(stories).where(which).order_by(stories.c.first_at, stories.c.id)).mappings()
    return tuple(rows.story(row, members[row["id"]]) for row in found if row["id"] in members)


def stories_of(connection: Connection, ids: Sequence[str]) -> tuple[Story, ...]:
    """The stories `ids`."""
    found: list[Story] = []
    for start in range(0, len(ids), _CHUNK):
        found += _stories(connection, stories.c.id.in_(ids[start : start + _CHUNK]))
    return tuple(found)


def stories_between(connection: Connection, start: datetime, end: datetime) -> tuple[Story, ...]:
    """Stories of which an article was first seen in [start, end); no withdrawn ones."""
    of_then = select(articles.c.story_id).where(
        _between(start, end), articles.c.story_id.is_not(None), withdrawing.still_told()
    )
    return _stories(connection, stories.c.id.in_(of_then))


def judged_between(connection: Connection, start: datetime, end: datetime) -> tuple[Judged, ...]:
    """Articles first seen in [start, end) that were not dropped, oldest first, without text; no withdrawn ones."""
    statement = (
        select(*(column for column in articles.c if column is not articles.c.text), literal("").label("text"))
        .where(_between(start, end), articles.c.decision != Decision.DROP, withdrawing.still_told())
        .order_by(articles.c.first_seen_at, articles.c.id)
    )
    return tuple(rows.judged(row) for row in connection.execute(statement).mappings())


def judged_of(connection: Connection, ids: Sequence[str]) -> tuple[Judged, ...]:
    """The articles `ids` with what was judged of them, without their text."""
    found: list[Judged] = []
    columns = (*(column for column in articles.c if column is not articles.c.text), literal("").label("text"))
    for start in range(0, len(ids), _CHUNK):
        statement = select(*columns).where(articles.c.id.in_(ids[start : start + _CHUNK])).order_by(articles.c.id)
        found += map(rows.judged, connection.execute(statement).mappings())
    return tuple(found)


def decisions_between(connection: Connection, start: datetime, end: datetime) -> dict[str, int]:
    """How many articles first seen in [start, end) got each decision."""
    counted = select(articles.c.decision, func.count()).where(_between(start, end)).group_by(articles.c.decision)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _between(start: datetime, end: datetime) -> Any:
    return and_(articles.c.first_seen_at >= start, articles.c.first_seen_at < end)


def has_delivery(connection: Connection, key: str, channel: str) -> bool:
    """Whether `key`, or a part of it (`key`/1), was ever queued for `channel`."""
    either = or_(deliveries.c.key == key, deliveries.c.key.startswith(f"{key}/", autoescape=True))
    found = select(deliveries.c.id).where(deliveries.c.channel == channel, either).limit(1)
    return connection.execute(found).first() is not None


def counting_labels(connection: Connection) -> list[Label]:
    """The labels that count: of each rater the newest on an article, in order of time."""
    newest: dict[tuple[str, str], Label] = {}
    for row in connection.execute(select(labels).order_by(labels.c.at, labels.c.id)).mappings():
        key = (row["article_id"], row["rater"])
        newest.pop(key, None)
        newest[key] = rows.label(row)
    return [label for label in newest.values() if label.value is not LabelValue.WITHDRAWN]


# ── long lists, a page at a time ──────────────────────────────────────────────────────────────────


def pages(
    fetch: Fetch, statement: Select[Any], order: Sequence[Column[Any]], since: datetime | None = None
) -> Iterator[RowMapping]:
    """Rows of `statement` in `order`, read a page at a time: no transaction stays open while the caller works.

    `order` ends in something unique, and its columns are among those selected; `since` is of the first of them.
    """
    last: RowMapping | None = None
    while True:
        # One lower bound at a time: SQLite enters an index by the first that it finds, be it months too early.
        page = since_filter(statement, order[0], since) if last is None else statement.where(_after(order, last))
        found = fetch(page.order_by(*order).limit(_PAGE))
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1]


def _after(order: Sequence[Column[Any]], last: RowMapping) -> Any:
    first, *rest = order
    if not rest:
        return first > last[first.name]
    # The first condition alone begins in the index where the last page ended; the other one leaves that page out.
    return and_(first >= last[first.name], or_(first > last[first.name], _after(rest, last)))


def since_filter(statement: Select[Any], column: Column[Any], since: datetime | None) -> Select[Any]:
    """`statement`, only from `since` on."""
    return statement if since is None else statement.where(column >= since)


def iso(at: datetime | None) -> str | None:
    """A time as exports write it: 2026-11-17T08:00:00Z."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
