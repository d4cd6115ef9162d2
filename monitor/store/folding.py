"""Rows that are told beside others, and rows that are held, as statements. What to fold or hold is decided in `alerts`.

    pending, held ──fold──> folded ──its burst is sent──> sent
       ^                      └──its burst was refused──┐
       └────────────────────────────────────────────────┘

A folded row and the row that tells it are written together, and settled together: at no moment is one told without the
other being marked, or marked without being told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, true, update

from monitor.model import Burst, Delivery, DeliveryKind, DeliveryState
from monitor.store import posting, rows
from monitor.store.tables import IS_ABOUT, IS_HELD, attempts, deliveries

_ODD_FEED = "odd-feed:"
"""How the key of an incident begins that holds a feed for being another one than before."""

_REFUSED = "was refused beside others"
_CAN_BE_FOLDED = (DeliveryState.PENDING, DeliveryState.HELD)


def fold(connection: Connection, burst: Burst, now: datetime) -> bool:
    """Queue `burst` and let it tell its rows; False, and nothing is changed, if one of them is out already."""
    ids = (*burst.names, *burst.counts)
    are_mine = (deliveries.c.id.in_(ids), deliveries.c.channel == burst.delivery.channel)
    can_be = select(func.count()).where(*are_mine, deliveries.c.state.in_(_CAN_BE_FOLDED))
    if connection.execute(can_be).scalar_one() != len(ids) or not posting.queue(connection, burst.delivery, now):
        return False
    told = {"state": DeliveryState.FOLDED, "about": burst.delivery.key, "not_before": None}
    for rows_of, cause in ((burst.names, ""), (burst.counts, posting.COUNTED)):
        connection.execute(update(deliveries).where(deliveries.c.id.in_(rows_of)).values(**told, cause=cause))
    return True


def follow(
    connection: Connection, key: str, channel: str, state: DeliveryState, unknown: int, **values: object
) -> None:
    """Settle the rows that `key` tells as it was itself: sent with it, or each by itself again if it was refused.

    `unknown`: how many tries of it may have arrived; with any, what goes again is a possible repeat.
    """
    mine = (
        IS_ABOUT,
        deliveries.c.about == key,
        deliveries.c.channel == channel,
        deliveries.c.state == DeliveryState.FOLDED,
    )
    if state is DeliveryState.SENT:
        sent = {name: values[name] for name in ("remote_id", "chat", "sent_at") if name in values}
        connection.execute(update(deliveries).where(*mine).values(state=state, **sent))
    elif state is DeliveryState.DEAD:
        again: dict[str, Any] = {"state": DeliveryState.PENDING, "about": "", "cause": "", "error": _REFUSED}
        again["unknown"] = deliveries.c.unknown + unknown
        connection.execute(update(deliveries).where(*mine).values(again))


def stories_sent_alone(connection: Connection, since: datetime) -> dict[str, int]:
    """By channel: how many stories were sent each by itself since `since`."""
    alone = (
        select(deliveries.c.channel, func.count())
        .join(attempts, attempts.c.delivery_id == deliveries.c.id)
        .where(
            attempts.c.attempted_at >= since,
            attempts.c.result == "sent",
            deliveries.c.kind == DeliveryKind.SEND,
            deliveries.c.story_id != "",
        )
    )
    return {row[0]: row[1] for row in connection.execute(alone.group_by(deliveries.c.channel))}


# ── held rows ─────────────────────────────────────────────────────────────────────────────────────


def held_causes(connection: Connection) -> set[str]:
    """Causes for which at least one row is held."""
    return set(connection.execute(select(deliveries.c.cause).where(IS_HELD).distinct()).scalars())


def held_due(connection: Connection, now: datetime, limit: int) -> list[Delivery]:
    """Held rows whose time has come, in order of queueing: all of a channel and cause, once the last of them is due."""
    over = (
        select(deliveries.c.channel, deliveries.c.cause)
        .where(IS_HELD, deliveries.c.cause != "")
        .group_by(deliveries.c.channel, deliveries.c.cause)
        .having(func.max(deliveries.c.not_before) <= now)
    )
    due: list[Delivery] = []
    for channel, cause in connection.execute(over).all():
        mine = select(deliveries).where(IS_HELD, deliveries.c.channel == channel, deliveries.c.cause == cause)
        due += map(rows.delivery, connection.execute(mine.order_by(deliveries.c.id).limit(limit)).mappings())
    return sorted(due, key=lambda row: row.id)


def release(connection: Connection, channel: str, ids: Sequence[int] | None, now: datetime) -> int:
    """Let held rows of `channel` go, those of `ids` or all; how many. With all, a feed that had changed is believed."""
    which = and_(IS_HELD, deliveries.c.channel == channel, true() if ids is None else deliveries.c.id.in_(ids))
    causes = connection.execute(select(deliveries.c.cause).where(which).distinct()).scalars().all()
    free = update(deliveries).where(which).values(state=DeliveryState.PENDING, cause="", not_before=None)
    count = connection.execute(free).rowcount
    for cause in causes if ids is None else ():
        if cause.startswith(_ODD_FEED):
            posting.close_incident(connection, cause, now)
    return count
