"""What channels were told, as statements: the rows that were sent, for whoever shows them again. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from monitor.model import Delivery, DeliveryState
from monitor.store import rows, withdrawing
from monitor.store.people_tables import redactions
from monitor.store.posting import COUNTED
from monitor.store.tables import deliveries

_CHUNK = 500
_ROWS_A_STORY = 10
"""Looked through for each story wanted: its first message, edits and replies. Of more than these the oldest go."""


def stories(connection: Connection, channels: Sequence[str], limit: int) -> list[Delivery]:
    """Rows that were sent about the `limit` stories last told in `channels`, in order of queueing.

    Stories that a list only counted were not told, withdrawn ones are told no more, and rows whose words were forgotten
    say nothing any more.
    """
    was_sent = (
        deliveries.c.channel.in_(channels),
        deliveries.c.state == DeliveryState.SENT,
        deliveries.c.story_id != "",
        deliveries.c.key.startswith("story:", autoescape=True),
        deliveries.c.cause != COUNTED,
        withdrawing.still_told(deliveries.c.story_id),
    )
    ids = select(deliveries.c.id, deliveries.c.story_id).where(*was_sent).order_by(deliveries.c.id.desc())
    newest = connection.execute(ids.limit(limit * _ROWS_A_STORY)).all()
    wanted = list(dict.fromkeys(row.story_id for row in newest))[:limit]
    about = [row.id for row in newest if row.story_id in wanted]
    found = [row for start in range(0, len(about), _CHUNK) for row in _rows(connection, about[start : start + _CHUNK])]
    first = select(deliveries).where(*was_sent, deliveries.c.key.in_([f"story:{one}" for one in wanted]))
    found += map(rows.delivery, connection.execute(first).mappings())
    return [one for _, one in sorted({one.id: one for one in found if one.message.text}.items())]


def _rows(connection: Connection, ids: Sequence[int]) -> list[Delivery]:
    found = connection.execute(select(deliveries).where(deliveries.c.id.in_(ids))).mappings()
    return [rows.delivery(row) for row in found]


def withdrawn(connection: Connection) -> frozenset[str]:
    """Ids of stories that are told no more."""
    return frozenset(connection.execute(select(redactions.c.story_id)).scalars())


def digests(connection: Connection, channels: Sequence[str], limit: int) -> list[Delivery]:
    """The newest rows of digests for `channels`, sent or not, at least those of `limit` digests of usual length."""
    begins = deliveries.c.key.startswith("digest:", autoescape=True)
    newest = select(deliveries).where(begins, deliveries.c.channel.in_(channels)).order_by(deliveries.c.id.desc())
    found = connection.execute(newest.limit(limit * _ROWS_A_STORY)).mappings()
    return sorted(map(rows.delivery, found), key=lambda one: one.id)
