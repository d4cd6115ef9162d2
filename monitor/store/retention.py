"""What is forgotten, and when; what is moved when the clock jumps; what is counted.

text, summary     after `text_after`
title             then too, but for articles of alerted stories and labelled ones: those are what people look up
names             what stories say of persons, and where: with the texts; see `forgetting`
labelled ones     also keep their summary: it is what the classifier learns from
sent messages     their text after `text_after`; the row stays, so that nothing is queued twice
attempts          after `text_after`
seen keys         a year after they were last shown, and only once the feed has changed without showing them:
                  a feed that rests for three years and comes back finds its articles known
dropped articles  their rows, once no key leads to them, no story and no label holds them
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, delete, exists, func, or_, select, type_coerce, update

from monitor.model import EPOCH, Decision, DeliveryState
from monitor.store import forgetting, indexing
from monitor.store.columns import micros
from monitor.store.reading import iso
from monitor.store.recording import SEEN_REFRESH
from monitor.store.tables import (
    SCHEMA,
    article_versions,
    articles,
    attempts,
    channels,
    deliveries,
    feeds,
    labels,
    seen_keys,
    stories,
)

KEYS_AFTER = timedelta(days=400)
BATCH = 2_000
"""Rows a transaction: a purge of years must not keep a poll waiting."""

_EMPTY_MESSAGE = {"text": "", "spans": [], "silent": False}


def passes(now: datetime, before: datetime) -> tuple[Callable[[Connection], int], ...]:
    """What is forgotten, in order; each is done until it has nothing more to do. `before`: how old texts may be."""
    return (
        lambda connection: purge_texts(connection, before),
        lambda connection: purge_messages(connection, before),
        lambda connection: purge_attempts(connection, before),
        lambda connection: purge_keys(connection, now),
        lambda connection: purge_articles(connection, now),
    )


def purge_texts(connection: Connection, before: datetime) -> int:
    """Empty a batch of articles first seen before `before`; how many, 0 when done."""
    old = select(articles.c.id).where(articles.c.first_seen_at < before, articles.c.purged.is_(False))
    ids = connection.execute(old.limit(BATCH)).scalars().all()
    if not ids:
        return 0
    chosen = articles.c.id.in_(ids)
    labelled = exists().where(labels.c.article_id == articles.c.id)
    told = exists().where(stories.c.id == articles.c.story_id, stories.c.alerted.is_(True))
    with indexing.changing(connection, ids):
        connection.execute(update(articles).where(chosen, ~labelled).values(summary=""))
        connection.execute(update(articles).where(chosen, ~labelled, ~told).values(title=""))
        connection.execute(update(articles).where(chosen).values(text="", author="", purged=True))
    versions = update(article_versions).where(article_versions.c.article_id.in_(ids))
    connection.execute(versions.values(title="", summary=""))
    forgetting.forget_names(connection, ids)
    return len(ids)


def purge_messages(connection: Connection, before: datetime) -> int:
    """Empty a batch of messages sent before `before`; how many, 0 when done."""
    sent = select(deliveries.c.id).where(
        deliveries.c.state == DeliveryState.SENT, deliveries.c.sent_at < before, deliveries.c.message != _EMPTY_MESSAGE
    )
    ids = connection.execute(sent.limit(BATCH)).scalars().all()
    if ids:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(message=_EMPTY_MESSAGE))
    return len(ids)


def purge_attempts(connection: Connection, before: datetime) -> int:
    """Forget a batch of attempts made before `before`; how many, 0 when done."""
    old = select(attempts.c.id).where(attempts.c.attempted_at < before, attempts.c.result != "sending")
    ids = connection.execute(old.limit(BATCH)).scalars().all()
    if ids:
        connection.execute(delete(attempts).where(attempts.c.id.in_(ids)))
    return len(ids)


def purge_keys(connection: Connection, now: datetime) -> int:
    """Forget a batch of keys that no feed can show any more; how many, 0 when done."""
    shown_no_more = and_(
        seen_keys.c.seen_at < now - KEYS_AFTER,
        type_coerce(feeds.c.changed_at, BigInteger)
        > type_coerce(seen_keys.c.seen_at, BigInteger) + micros(SEEN_REFRESH + timedelta(days=1)),
    )
    old = select(seen_keys.c.key, seen_keys.c.feed_id).join(feeds, feeds.c.id == seen_keys.c.feed_id)
    found = connection.execute(old.where(shown_no_more).limit(BATCH)).all()
    for key, feed_id in found:
        connection.execute(delete(seen_keys).where(seen_keys.c.key == key, seen_keys.c.feed_id == feed_id))
    return len(found)


def purge_articles(connection: Connection, now: datetime) -> int:
    """Forget a batch of dropped articles to which nothing leads any more; how many, 0 when done."""
    unused = select(articles.c.id).where(
        articles.c.first_seen_at < now - KEYS_AFTER,
        articles.c.decision == Decision.DROP,
        articles.c.story_id.is_(None),
        ~exists().where(seen_keys.c.article_id == articles.c.id),
        ~exists().where(labels.c.article_id == articles.c.id),
    )
    ids = connection.execute(unused.limit(BATCH)).scalars().all()
    if ids:
        with indexing.changing(connection, ids):
            connection.execute(delete(articles).where(articles.c.id.in_(ids)))
    return len(ids)


def shift_schedule(connection: Connection, delta: timedelta) -> None:
    """Move what lies ahead by `delta`: polls, waits of rows and of channels. What happened stays where it was."""
    step = micros(delta)
    to_send = or_(*(deliveries.c.state == state for state in (DeliveryState.PENDING, DeliveryState.HELD)))
    moved = (
        (feeds, feeds.c.next_poll_at, feeds.c.next_poll_at > EPOCH),
        (deliveries, deliveries.c.not_before, and_(deliveries.c.not_before.is_not(None), to_send)),
        (channels, channels.c.not_before, channels.c.not_before.is_not(None)),
    )
    for table, column, which in moved:
        later = type_coerce(column, BigInteger) + step
        connection.execute(update(table).where(which).values({column: later}))


def counts(connection: Connection) -> dict[str, Any]:
    """How much of everything is stored: numbers, and `oldest_pending_at` as ISO time or None."""

    def total(statement: Any) -> int:
        return int(connection.execute(statement).scalar_one())

    by_state = {
        row[0]: row[1]
        for row in connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    }
    waiting = select(func.min(deliveries.c.queued_at)).where(deliveries.c.state == DeliveryState.PENDING)
    return {
        "feeds": total(select(func.count()).select_from(feeds)),
        "failing_feeds": total(select(func.count()).select_from(feeds).where(feeds.c.failures > 0)),
        "articles": total(select(func.count()).select_from(articles)),
        "stories": total(select(func.count()).select_from(stories)),
        "labels": total(select(func.count()).select_from(labels)),
        "seen_keys": total(select(func.count()).select_from(seen_keys)),
        **{state.value: by_state.get(state.value, 0) for state in DeliveryState},
        "oldest_pending_at": iso(connection.execute(waiting).scalar_one()),
        "schema": SCHEMA,
    }
