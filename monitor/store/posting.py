"""The outbox's letter box: what is asked to be told becomes rows, or changes rows that wait.

Whoever posts says what should be said; what becomes of it depends on what the channel has heard, and that only the rows
know. Doing it twice changes nothing.

send    the channel has no such row: a new one. It waits, is held, was refused, or was only counted in a list: it says
        the new words, and goes after all. It is out: nothing.
edit    of a row that waits or is held: it says the new words. Of one that is out: one open edit takes the newest words.
        Of one that was refused, or is told beside others: nothing.
reply   to a row that is out, or told beside others: a new row. Otherwise nothing: the row itself will say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from monitor.model import EPOCH, Delivery, DeliveryKind, DeliveryState, Notice
from monitor.store import rows, withdrawing
from monitor.store.tables import IS_ABOUT, STILL_OPEN, deliveries, incidents
from monitor.store.upsert import insert_into

COUNTED = "only counted"
"""The cause of a row that a list told by its number alone: readers have not heard of that story."""

_WAITS = (DeliveryState.PENDING, DeliveryState.HELD)
_OUT = (DeliveryState.SENDING, DeliveryState.SENT)


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
            queued += queue(connection, delivery, now)
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
    return sum(queue(connection, delivery, now, incident_id) for delivery in mail)


def _close(connection: Connection, notice: Notice, mail: Sequence[Delivery], now: datetime) -> int:
    incident_id = close_incident(connection, notice.key, now)
    if incident_id is None:
        return 0
    told = set(
        connection.execute(select(deliveries.c.channel).where(deliveries.c.incident_id == incident_id)).scalars()
    )
    return sum(queue(connection, one, now, incident_id) for one in mail if one.channel in told)


def close_incident(connection: Connection, key: str, now: datetime) -> int | None:
    """Close the open incident of `key`; its number, or None when there is none."""
    statement = update(incidents).where(incidents.c.key == key, STILL_OPEN).values(closed_at=now)
    return connection.execute(statement.returning(incidents.c.id)).scalar_one_or_none()


def close_passing(connection: Connection, beginnings: Sequence[str], before: datetime) -> None:
    """Close the open incidents that were opened before `before` and whose key begins with one of `beginnings`."""
    is_passing = or_(*(incidents.c.key.startswith(one, autoescape=True) for one in beginnings))
    old = update(incidents).where(STILL_OPEN, is_passing, incidents.c.opened_at < before)
    connection.execute(old.values(closed_at=before))


# ── one delivery ──────────────────────────────────────────────────────────────────────────────────


def queue(connection: Connection, delivery: Delivery, now: datetime, incident_id: int | None = None) -> int:
    """Queue `delivery`, by its kind; 1 for a new row, 0 otherwise. Of a withdrawn story nothing is queued."""
    if delivery.story_id and withdrawing.is_withdrawn(connection, delivery.story_id):
        return 0
    if delivery.kind is DeliveryKind.EDIT:
        return _edit(connection, delivery, now)
    if delivery.kind is DeliveryKind.REPLY:
        first = found(connection, delivery.about, delivery.channel)
        is_out = first is not None and first.state in (*_OUT, DeliveryState.FOLDED)
        return _insert(connection, delivery, now) if is_out else 0
    fresh = _insert(connection, delivery, now, incident_id)
    if not fresh and delivery.story_id:
        _reword(connection, delivery)
    return fresh


def found(connection: Connection, key: str, channel: str) -> Delivery | None:
    """The delivery of `key` for `channel`."""
    statement = select(deliveries).where(deliveries.c.key == key, deliveries.c.channel == channel)
    row = connection.execute(statement).mappings().first()
    return rows.delivery(row) if row else None


def _insert(connection: Connection, delivery: Delivery, now: datetime, incident_id: int | None = None) -> int:
    queued_at = now if delivery.queued_at == EPOCH else delivery.queued_at
    values: dict[str, Any] = rows.delivery_values(delivery, queued_at=queued_at, incident_id=incident_id)
    statement = insert_into(connection, deliveries).values(values)
    fresh = statement.on_conflict_do_nothing(index_elements=["key", "channel"]).returning(deliveries.c.id)
    return len(connection.execute(fresh).all())  # `rowcount` of an INSERT is not known on every database


def _reword(connection: Connection, delivery: Delivery) -> None:
    """Give a row that is not out the new words; free one that was held or refused, unless the new one is held too."""
    known = found(connection, delivery.key, delivery.channel)
    was_counted = known is not None and known.cause == COUNTED
    if known is None or not (was_counted or known.state in (*_WAITS, DeliveryState.DEAD)):
        return
    values: dict[str, Any] = {"message": rows.message_values(delivery.message)}
    was_refused = known.state is DeliveryState.DEAD and known.message != delivery.message
    was_held = known.state is DeliveryState.HELD and bool(known.cause) and delivery.state is not DeliveryState.HELD
    if was_refused or was_held or was_counted:
        cleared = {"cause": "", "about": "", "error": "", "remote_id": "", "chat": "", "sent_at": None}
        values |= {"state": DeliveryState.PENDING, "not_before": delivery.not_before, **cleared}
    elif known.message == delivery.message:
        return
    connection.execute(update(deliveries).where(deliveries.c.id == known.id).values(values))


def _edit(connection: Connection, edit: Delivery, now: datetime) -> int:
    first = found(connection, edit.about, edit.channel)
    if first is None or first.about or first.state not in (*_WAITS, *_OUT):
        return 0
    if first.state in _WAITS:
        return _say(connection, first, edit)
    edits = select(deliveries).where(
        IS_ABOUT,
        deliveries.c.about == edit.about,
        deliveries.c.channel == edit.channel,
        deliveries.c.kind == DeliveryKind.EDIT,
    )
    row = connection.execute(edits.order_by(deliveries.c.id.desc()).limit(1)).mappings().first()
    newest = rows.delivery(row) if row else None
    if newest is not None and newest.state is DeliveryState.DEAD:
        return 0  # it can't be edited any more
    if newest is not None and newest.state in _WAITS:
        return _say(connection, newest, edit)
    if (newest or first).message == edit.message:
        return 0
    count = connection.execute(select(func.count()).select_from(edits.subquery())).scalar_one()
    return _insert(connection, _numbered(edit, count + 1), now)


def _say(connection: Connection, row: Delivery, edit: Delivery) -> int:
    said = {"message": rows.message_values(edit.message)}
    connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(said))
    return 0


def _numbered(edit: Delivery, number: int) -> Delivery:
    return replace(edit, key=f"{edit.about}/edit:{number}")
