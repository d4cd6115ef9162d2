"""A story that is told no more, as statements: what waits is put away, what is out is edited, and nothing follows.

pending, held        dead: it never goes
being sent           its words are taken away; should it be sent again, it says that it was withdrawn
sent                 an edit, through the outbox like any other: paced, tried again, kept over restarts
told in a list       its line is taken out of the list; the others stay
whom it names        forgotten

That a story is withdrawn is asked where mail is posted, where digests are read and where articles are searched for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, or_, select, update

from monitor.model import Delivery, DeliveryKind, DeliveryState, Message, Redaction
from monitor.store import forgetting, indexing, rows
from monitor.store.people_tables import redactions, still_told
from monitor.store.tables import articles, deliveries
from monitor.store.upsert import insert_into

__all__ = ["LINE", "WORDS", "channels_told", "digests_naming", "is_withdrawn", "still_told", "withdraw", "without_line"]

WORDS = "This report was withdrawn by the people who run this watch."
LINE = "• (withdrawn)"
_WHY = "withdrawn"
_ENTRY = re.compile(r"^• .*$", re.MULTILINE)
_OUT = (DeliveryState.SENDING, DeliveryState.SENT)


def is_withdrawn(connection: Connection, story_id: str) -> bool:
    """Whether the story is told no more."""
    found = select(redactions.c.story_id).where(redactions.c.story_id == story_id)
    return connection.execute(found).first() is not None


def withdraw(connection: Connection, redaction: Redaction) -> None:
    """Withdraw a story in every channel; twice changes nothing."""
    values = {"story_id": redaction.story_id, "by": redaction.by, "why": redaction.why, "at": redaction.at}
    members = select(articles.c.id).where(articles.c.story_id == redaction.story_id)
    with indexing.changing(connection, connection.execute(members).scalars().all()):
        connection.execute(insert_into(connection, redactions).values(values).on_conflict_do_nothing())
    forgetting.forget_story(connection, redaction.story_id)
    mine = select(deliveries).where(deliveries.c.story_id == redaction.story_id).order_by(deliveries.c.id)
    for row in [rows.delivery(found) for found in connection.execute(mine).mappings()]:
        if row.about.startswith("burst:"):
            _take_out(connection, row)
        elif row.state in (DeliveryState.PENDING, DeliveryState.HELD):
            put_away = update(deliveries).where(deliveries.c.id == row.id)
            connection.execute(put_away.values(state=DeliveryState.DEAD, error=_WHY, not_before=None))
        elif row.state in _OUT and row.kind is not DeliveryKind.EDIT:
            _reword(connection, row, Message(text=WORDS), f"{row.key}/{_WHY}")


def channels_told(connection: Connection, story_id: str) -> tuple[str, ...]:
    """Names of the channels that the story went out to."""
    told = and_(deliveries.c.story_id == story_id, deliveries.c.state == DeliveryState.SENT)
    return tuple(connection.execute(select(deliveries.c.channel).where(told).distinct()).scalars())


def digests_naming(connection: Connection, urls: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(channel, key) of the digests that went out and hold one of `urls`."""
    if not urls:
        return ()
    holds = or_(*(deliveries.c.message.contains(url, autoescape=True) for url in urls))
    sent = and_(deliveries.c.key.startswith("digest:"), deliveries.c.state.in_(_OUT))
    found = select(deliveries.c.channel, deliveries.c.key).where(sent, holds).order_by(deliveries.c.id)
    return tuple((row[0], row[1]) for row in connection.execute(found))


def _reword(connection: Connection, row: Delivery, message: Message, key: str) -> None:
    """Give a message that is out, or on its way, other words."""
    said = rows.message_values(message)
    connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(message=said))
    open_edits = update(deliveries).where(
        deliveries.c.about == row.key,
        deliveries.c.channel == row.channel,
        deliveries.c.kind == DeliveryKind.EDIT,
        deliveries.c.state == DeliveryState.PENDING,
    )
    connection.execute(open_edits.values(state=DeliveryState.DEAD, error=_WHY))
    edit = Delivery(key=key, channel=row.channel, message=message, kind=DeliveryKind.EDIT, about=row.key)
    values = rows.delivery_values(edit, queued_at=row.queued_at, incident_id=None)
    connection.execute(insert_into(connection, deliveries).values(values).on_conflict_do_nothing())


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────


def _take_out(connection: Connection, row: Delivery) -> None:
    """Take a story's line out of the list that tells it."""
    where = (deliveries.c.channel == row.channel, deliveries.c.key == row.about)
    found = connection.execute(select(deliveries).where(*where)).mappings().first()
    if found is None or row.cause:  # only counted in it: it names no story
        return
    whole = rows.delivery(found)
    beside = select(deliveries.c.id).where(
        deliveries.c.channel == row.channel, deliveries.c.about == row.about, deliveries.c.cause == ""
    )
    ids = connection.execute(beside.where(deliveries.c.story_id != "").order_by(deliveries.c.id)).scalars().all()
    message = without_line(whole.message, ids.index(row.id)) if whole.message.text else Message(text=WORDS)
    if whole.state in (DeliveryState.PENDING, DeliveryState.HELD):
        said = rows.message_values(message)
        connection.execute(update(deliveries).where(deliveries.c.id == whole.id).values(message=said))
    elif whole.state in _OUT:
        _reword(connection, whole, message, f"{whole.key}/{_WHY}:{row.story_id[:12]}")


def without_line(message: Message, number: int) -> Message:
    """The message with its `number`th entry, counted from 0, in place of which stands that it was withdrawn."""
    entries = [match.span() for match in _ENTRY.finditer(message.text)]
    if number >= len(entries):
        return Message(text=WORDS)  # not a list as we write them: nothing of it may stay
    start, end = entries[number]
    shift = len(LINE) - (end - start)
    before = [span for span in message.spans if span.start + span.length <= start]
    after = [span for span in message.spans if span.start >= end]
    moved = tuple(replace(span, start=span.start + shift) for span in after)
    text = message.text[:start] + LINE + message.text[end:]
    return Message(text=text, spans=(*before, *moved), silent=message.silent)
