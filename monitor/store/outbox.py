"""The outbox and its channels, as statements. What to send and when to give up is decided in `alerts.deliver`.

    pending ──mark_sending──> sending ──settle_sent──> sent
       ^                        │ └──settle_dead──> dead
       └──settle_retry, recover─┘            hold: pending -> held, release: back      folding.py: folded

Each try is a row of `attempts`, written before the try: what a crash cuts off is known to have been tried.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, update

from monitor.model import ChannelState, Delivery, DeliveryKind, DeliveryState
from monitor.store import folding, rows
from monitor.store.tables import STILL_TO_SEND, attempts, channels, deliveries
from monitor.store.upsert import insert_into

FAR_AHEAD = timedelta(hours=25)
"""No row is put off for longer (quiet hours are under a day); what waits longer was written under a wrong clock."""

CHANNEL_FAR_AHEAD = timedelta(days=8)
"""The same for a channel, whose chat may ask for days of silence."""


def pending(connection: Connection, now: datetime, limit: int) -> list[Delivery]:
    """What may be sent now: of each channel the head of its queue up to the first row that must wait, edits behind it.

    What quiet hours hold is left out and holds nothing back: only what is urgent is queued behind it without waiting.

    Edits wait for nothing but each its own time, and for the head to be empty of what is tried again: they never go
    before a new message, and hold none back.
    """
    names = connection.execute(select(deliveries.c.channel).where(STILL_TO_SEND).distinct()).scalars().all()
    silent = {
        state.channel
        for state in channel_states(connection).values()
        if state.paused_at or _waits(state.not_before, now, CHANNEL_FAR_AHEAD)
    }
    ranked = [
        (rank, delivery.id, delivery)
        for name in names
        if name not in silent
        for rank, delivery in enumerate(_head(connection, name, now, limit))
    ]
    # By rank, so that a channel with a long queue keeps nobody else waiting.
    fair = sorted(ranked, key=lambda one: one[:2])[:limit]
    return sorted((one[2] for one in fair), key=in_turn)


def in_turn(delivery: Delivery) -> tuple[bool, int]:
    """By which rows of a chat are sorted: the order of queueing, edits last."""
    return delivery.kind is DeliveryKind.EDIT, delivery.id


def _head(connection: Connection, channel: str, now: datetime, limit: int) -> list[Delivery]:
    waiting = select(deliveries).where(deliveries.c.channel == channel, STILL_TO_SEND).order_by(deliveries.c.id)
    head: list[Delivery] = []
    fresh = waiting.where(deliveries.c.kind != DeliveryKind.EDIT, _is_not_put_off(now))
    for row in connection.execute(fresh.limit(limit)).mappings():
        if row["state"] == DeliveryState.SENDING or _waits(row["not_before"], now, FAR_AHEAD):
            if row["attempts"]:
                return head
            break
        head.append(rows.delivery(row))
    first = deliveries.alias()
    is_out = exists().where(
        first.c.key == deliveries.c.about, first.c.channel == channel, first.c.state == DeliveryState.SENT
    )
    edits = waiting.where(
        deliveries.c.kind == DeliveryKind.EDIT, deliveries.c.state == DeliveryState.PENDING, is_out
    ).limit(limit)
    ready = (row for row in connection.execute(edits).mappings() if not _waits(row["not_before"], now, FAR_AHEAD))
    return [*head, *map(rows.delivery, ready)][:limit]


def _is_not_put_off(now: datetime) -> ColumnElement[bool]:
    """All but what quiet hours hold: what is urgent passes it, as what was tried once is passed by nothing."""
    return or_(
        deliveries.c.attempts > 0,
        deliveries.c.state != DeliveryState.PENDING,
        deliveries.c.not_before.is_(None),
        deliveries.c.not_before <= now,
        deliveries.c.not_before > now + FAR_AHEAD,
    )


def _waits(not_before: datetime | None, now: datetime, at_most: timedelta) -> bool:
    return not_before is not None and now < not_before <= now + at_most


def waiting_since(connection: Connection) -> dict[str, datetime]:
    """By channel: since when its oldest pending row could have gone; edits are in no hurry and not counted."""
    is_held = and_(deliveries.c.attempts == 0, deliveries.c.not_before.is_not(None))
    could_go = case((is_held, deliveries.c.not_before), else_=deliveries.c.queued_at)
    oldest = select(deliveries.c.channel, func.min(could_go)).where(
        deliveries.c.state == DeliveryState.PENDING, deliveries.c.kind != DeliveryKind.EDIT
    )
    return {row[0]: row[1] for row in connection.execute(oldest.group_by(deliveries.c.channel))}


def mark_sending(connection: Connection, delivery_id: int, now: datetime) -> Delivery | None:
    """Begin a try; the row as it stands now, its newest words in it, or None when it is not pending (any more)."""
    begun = (
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.PENDING)
        .values(state=DeliveryState.SENDING, attempts=deliveries.c.attempts + 1)
        .returning(deliveries)
    )
    row = connection.execute(begun).mappings().one_or_none()
    if row is None:
        return None
    values = {
        "delivery_id": delivery_id,
        "channel": row["channel"],
        "attempted_at": now,
        "result": "sending",
        "error": "",
    }
    connection.execute(insert_into(connection, attempts).values(values))
    return rows.delivery(row)


def settle(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    *,
    result: str,
    unknown: bool = False,
    **values: object,
) -> None:
    """End a try: the row goes to `state` with `values`, and with it what it tells of others.

    A row that is not being sent stays as it is.
    """
    counted = {"unknown": deliveries.c.unknown + 1} if unknown else {}
    ended = (
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.SENDING)
        .values(state=state, **values, **counted)
        .returning(deliveries.c.key, deliveries.c.channel, deliveries.c.unknown)
    )
    row = connection.execute(ended).one_or_none()
    if row is not None:
        _end_attempt(connection, delivery_id, result, str(values.get("error", "")))
        folding.follow(connection, row.key, row.channel, state, row.unknown, **values)


def _end_attempt(connection: Connection, delivery_id: int, result: str, error: str) -> None:
    begun = update(attempts).where(attempts.c.delivery_id == delivery_id, attempts.c.result == "sending")
    connection.execute(begun.values(result=result, error=error))


def recover_sending(connection: Connection) -> list[Delivery]:
    """Take back what a crash left in `sending`: nobody knows whether it arrived."""
    left = select(deliveries.c.id).where(deliveries.c.state == DeliveryState.SENDING, STILL_TO_SEND)
    ids = connection.execute(left.order_by(deliveries.c.id)).scalars().all()
    for delivery_id in ids:
        error = "cut off while it was being sent"
        settle(connection, delivery_id, DeliveryState.PENDING, result="unknown", unknown=True, error=error)
    if not ids:
        return []
    back = select(deliveries).where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id)
    return [rows.delivery(row) for row in connection.execute(back).mappings()]


def move_all(connection: Connection, channel: str, before: DeliveryState, after: DeliveryState) -> int:
    """Move a channel's rows from one state to another; how many."""
    rows_of = update(deliveries).where(deliveries.c.channel == channel, deliveries.c.state == before)
    return connection.execute(rows_of.values(state=after)).rowcount


def recent_sends(connection: Connection, since: datetime) -> list[tuple[str, datetime]]:
    """Channel and time of each try since `since`, whatever came of it, oldest first."""
    tried = select(attempts.c.channel, attempts.c.attempted_at).where(attempts.c.attempted_at >= since)
    return [(row[0], row[1]) for row in connection.execute(tried.order_by(attempts.c.attempted_at, attempts.c.id))]


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


def channel_states(connection: Connection) -> dict[str, ChannelState]:
    """What is remembered of each channel."""
    found = connection.execute(select(channels)).mappings()
    return {row["channel"]: rows.channel_state(row) for row in found}


def configure_chat(connection: Connection, name: str, chat: str) -> None:
    """Remember that channel `name` is configured for `chat`; forget an id that was learned for another one."""
    known = connection.execute(select(channels.c.configured).where(channels.c.channel == name)).scalar_one_or_none()
    if known is None:
        connection.execute(
            insert_into(connection, channels)
            .values({**rows.channel_values(ChannelState(channel=name)), "configured": chat})
            .on_conflict_do_nothing()
        )
    elif known != chat:
        connection.execute(update(channels).where(channels.c.channel == name).values(configured=chat, chat=""))


def set_channel(connection: Connection, state: ChannelState, *, only: tuple[str, ...] = ()) -> None:
    """Remember `state`; of a channel that is known change `only` these columns (none named: all)."""
    values = rows.channel_values(state)
    changed = {name: values[name] for name in only or values}
    statement = insert_into(connection, channels).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=changed))
