"""What reviewers change in digests, as statements; and what a week's random sample is drawn from.

An edit is a row that is only ever added: who, when, what; taking one back is a row as well. One thing is decided here:
what comes after its digest was queued is not taken, because the pages would then show another one than was sent.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from monitor.model import SUBSCRIBER, Decision, DigestEdit, EditKind
from monitor.store.people_tables import digest_edits
from monitor.store.tables import articles, deliveries
from monitor.store.upsert import insert_into

_NAMES = tuple(field.name for field in fields(DigestEdit))


def of_week(connection: Connection, week: str) -> tuple[DigestEdit, ...]:
    """What reviewers changed in the digests of `week`, in order."""
    columns = [digest_edits.c[name] for name in _NAMES]
    found = connection.execute(select(*columns).where(digest_edits.c.week == week).order_by(digest_edits.c.number))
    return tuple(DigestEdit(**{**row, "kind": EditKind(row["kind"])}) for row in found.mappings())


def of_span(connection: Connection, start: datetime, end: datetime) -> tuple[DigestEdit, ...]:
    """The same for the week from `start` to `end`; a span of another length has none."""
    if not timedelta(days=6) < end - start < timedelta(days=8):
        return ()
    # Its middle is in the same ISO week in every time zone.
    year, number, _ = (start + (end - start) / 2).isocalendar()
    return of_week(connection, f"{year:04}-W{number:02}")


def keep(connection: Connection, edit: DigestEdit) -> bool:
    """Keep an edit; False where its digest is queued already. Twice changes nothing."""
    if is_queued(connection, edit.week, edit.channel):
        return False
    values = {name: getattr(edit, name) for name in _NAMES}
    connection.execute(insert_into(connection, digest_edits).values(values).on_conflict_do_nothing())
    return True


def is_queued(connection: Connection, week: str, channel: str) -> bool:
    """Whether the digest of `week` was queued for `channel`, or ("") for any channel of the settings."""
    whose = deliveries.c.channel == channel
    if not channel:
        whose = ~deliveries.c.channel.startswith(SUBSCRIBER, autoescape=True)
    key = f"digest:{week}"
    parts = (deliveries.c.key > f"{key}/", deliveries.c.key < f"{key}0")  # "0" follows "/": a range an index serves
    return connection.execute(select(deliveries.c.id).where(*parts, whose).limit(1)).first() is not None


def dropped(connection: Connection, start: datetime, end: datetime) -> tuple[str, ...]:
    """Ids of the articles first seen in [start, end) that were news then and that nobody was shown."""
    of_then = (articles.c.first_seen_at >= start, articles.c.first_seen_at < end)
    was_dropped = (articles.c.decision == Decision.DROP, articles.c.recent.is_(True))
    return tuple(connection.execute(select(articles.c.id).where(*of_then, *was_dropped)).scalars())
