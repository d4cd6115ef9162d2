"""What one poll changes, as statements of one transaction. Nothing here begins or ends one.

Doing it twice changes nothing: rows are found by ids and keys that come with the outcome, and what exists stays.
Memory only grows: a known key keeps its first article.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from monitor.model import EPOCH, Delivery, Judged, Notice, Outcome, Story
from monitor.store import rows
from monitor.store.tables import (
    STILL_OPEN,
    article_versions,
    articles,
    deliveries,
    feeds,
    incidents,
    seen_keys,
    stories,
)

SEEN_REFRESH = timedelta(days=30)
"""How stale a key's `seen_at` may get while a feed still shows it; spares a write for every entry of every poll."""


def insert_into(connection: Connection, table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT; both databases write it the same way."""
    if connection.dialect.name == "postgresql":
        return cast(sqlite.Insert, postgresql.insert(table))
    return sqlite.insert(table)


def record(connection: Connection, outcome: Outcome, mail: Sequence[Delivery], *, now: datetime) -> None:
    """Write everything of `outcome`, and of its `mail` what is to be told."""
    feed_id = _save_feed(connection, outcome)
    _save_stories(connection, outcome, now)
    _save_articles(connection, outcome.judged, now)
    _save_keys(connection, feed_id, outcome, now)
    post(connection, outcome.notices, mail, now=now)


def _save_feed(connection: Connection, outcome: Outcome) -> int:
    values = rows.feed_values(outcome.state)
    statement = insert_into(connection, feeds).values(values)
    changed = {name: value for name, value in values.items() if name != "url"}
    saved = statement.on_conflict_do_update(index_elements=["url"], set_=changed).returning(feeds.c.id)
    return int(connection.execute(saved).scalar_one())


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def _save_stories(connection: Connection, outcome: Outcome, now: datetime) -> None:
    values = _touched(outcome, now)
    if not values:
        return
    statement = insert_into(connection, stories)
    new = statement.excluded
    merged = {
        "first_at": case((new.first_at < stories.c.first_at, new.first_at), else_=stories.c.first_at),
        "last_at": case((new.last_at > stories.c.last_at, new.last_at), else_=stories.c.last_at),
        "touched_at": case((new.touched_at > stories.c.touched_at, new.touched_at), else_=stories.c.touched_at),
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=merged), values)
    for story in outcome.announce:
        told = update(stories).where(stories.c.id == story.id)
        connection.execute(told.values(alerted=True, facts=rows.facts_values(story.facts)))


def _touched(outcome: Outcome, now: datetime) -> list[rows.Values]:
    announced = {story.id: _story_values(story, now) for story in outcome.announce}
    touched: dict[str, rows.Values] = dict(announced)
    for one in outcome.judged:
        if not one.story_id:
            continue
        at = one.article.at
        values = touched.setdefault(
            one.story_id,
            {
                "id": one.story_id,
                "language": one.article.language,
                "first_at": at,
                "last_at": at,
                "touched_at": now,
                "facts": {},
                "alerted": False,
            },
        )
        values["first_at"] = min(values["first_at"], at)
        values["last_at"] = max(values["last_at"], at)
    return list(touched.values())


def _story_values(story: Story, now: datetime) -> rows.Values:
    return {
        "id": story.id,
        "language": story.language,
        "first_at": story.first_at,
        "last_at": story.last_at,
        "touched_at": now,
        "facts": rows.facts_values(story.facts),
        "alerted": True,
    }


# ── articles and their keys ───────────────────────────────────────────────────────────────────────


def _save_articles(connection: Connection, judged: Sequence[Judged], now: datetime) -> None:
    if not judged:
        return
    statement = insert_into(connection, articles).on_conflict_do_nothing(index_elements=["id"])
    connection.execute(statement, [rows.article_values(one) for one in judged])
    for one in judged:
        if one.edited:
            _save_edition(connection, one, now)


def _save_edition(connection: Connection, one: Judged, now: datetime) -> None:
    older = and_(articles.c.id == one.article.id, articles.c.version < one.article.version)
    kept = ("version", "title", "summary", "raw_hash", "score", "decision")
    before = select(
        articles.c.id, *(articles.c[name] for name in kept), bindparam("at", now, article_versions.c.replaced_at.type)
    )
    statement = insert_into(connection, article_versions).from_select(
        ["article_id", *kept, "replaced_at"], before.where(older)
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["article_id", "version"]))
    values = rows.edition_values(one)
    if one.story_id:  # an edit that is dropped stays where the article was told
        values |= {"story_id": one.story_id, "opens_story": one.opens_story, "evidence": one.evidence}
    connection.execute(update(articles).where(older).values(values))


def _save_keys(connection: Connection, feed_id: int, outcome: Outcome, now: datetime) -> None:
    named = dict(outcome.seen_keys)
    for one in outcome.judged:
        named.update((key, one.article.id) for key in one.article.keys)
    if not named:
        return
    statement = insert_into(connection, seen_keys)
    refreshed = statement.on_conflict_do_update(
        index_elements=["key", "feed_id"],
        set_={"seen_at": statement.excluded.seen_at},
        where=seen_keys.c.seen_at < now - SEEN_REFRESH,
    )
    connection.execute(
        refreshed,
        [{"key": key, "feed_id": feed_id, "article_id": id_, "seen_at": now} for key, id_ in named.items()],
    )


# ── the outbox's letter box ───────────────────────────────────────────────────────────────────────


def post(connection: Connection, notices: Sequence[Notice], mail: Iterable[Delivery], *, now: datetime) -> int:
    """Queue `mail`, what belongs to a notice only when its incident begins, or ends where told. How many are new."""
    by_key = {f"notice:{notice.key}": notice for notice in notices}
    about: dict[str, list[Delivery]] = {key: [] for key in by_key}
    queued = 0
    for delivery in mail:
        # a notice's delivery is keyed "notice:<key>" or "notice:<key>:<when>"
        key = delivery.key if delivery.key in by_key else delivery.key.rpartition(":")[0]
        if key in about:
            about[key].append(delivery)
        else:
            queued += _queue(connection, delivery, now)
    for key, notice in by_key.items():
        queued += (_close if notice.closes else _open)(connection, notice, about[key], now)
    return queued


def _open(connection: Connection, notice: Notice, mail: Sequence[Delivery], now: datetime) -> int:
    values = {"key": notice.key, "text": notice.text, "opened_at": now, "closed_at": None}
    statement = insert_into(connection, incidents).values(values)
    fresh = statement.on_conflict_do_nothing(index_elements=["key"], index_where=STILL_OPEN)
    incident_id = connection.execute(fresh.returning(incidents.c.id)).scalar_one_or_none()
    if incident_id is None:
        return 0  # told already
    return sum(_queue(connection, delivery, now, incident_id) for delivery in mail)


def _close(connection: Connection, notice: Notice, mail: Sequence[Delivery], now: datetime) -> int:
    incident_id = close_incident(connection, notice.key, now)
    if incident_id is None:
        return 0
    told = set(
        connection.execute(select(deliveries.c.channel).where(deliveries.c.incident_id == incident_id)).scalars()
    )
    return sum(_queue(connection, one, now, incident_id) for one in mail if one.channel in told)


def close_incident(connection: Connection, key: str, now: datetime) -> int | None:
    """Close the open incident of `key`; its number, or None when there is none."""
    statement = update(incidents).where(incidents.c.key == key, STILL_OPEN).values(closed_at=now)
    return connection.execute(statement.returning(incidents.c.id)).scalar_one_or_none()


def close_passing(connection: Connection, beginnings: Sequence[str], before: datetime) -> None:
    """Close the open incidents that were opened before `before` and whose key begins with one of `beginnings`."""
    is_passing = or_(*(incidents.c.key.startswith(one, autoescape=True) for one in beginnings))
    old = update(incidents).where(STILL_OPEN, is_passing, incidents.c.opened_at < before)
    connection.execute(old.values(closed_at=before))


def _queue(connection: Connection, delivery: Delivery, now: datetime, incident_id: int | None = None) -> int:
    queued_at = now if delivery.queued_at == EPOCH else delivery.queued_at
    values: dict[str, Any] = rows.delivery_values(delivery, queued_at=queued_at, incident_id=incident_id)
    statement = insert_into(connection, deliveries).values(values)
    return connection.execute(statement.on_conflict_do_nothing(index_elements=["key", "channel"])).rowcount
