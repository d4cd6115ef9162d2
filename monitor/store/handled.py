"""Which of Telegram's updates were handled, as statements.

Asked for, they come in order, and one number says how far. Sent to us they come in any order: one that we could not
take is sent again, and others go before it; so each is noted. Both are looked at, whichever way an update comes: the
way may be changed between two of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from monitor.store.people_tables import bot, bot_updates
from monitor.store.upsert import insert_into

SILENT_FOR = timedelta(days=6)
"""After a week without an update Telegram may count from any number, a smaller one too; it keeps none for longer than a
day. https://core.telegram.org/bots/api#update"""


def next_number(connection: Connection, now: datetime) -> int:
    """The first number that is not known to be handled with all before it; 0 where any number may come."""
    row = connection.execute(select(bot)).mappings().first()
    return 0 if row is None or abs(now - row["handled_at"]) > SILENT_FOR else int(row["next_update"])


def was_handled(connection: Connection, number: int, now: datetime) -> bool:
    """Whether the update `number` was handled."""
    if number < next_number(connection, now):
        return True
    noted = select(bot_updates.c.handled_at).where(bot_updates.c.number == number)
    handled_at = connection.execute(noted).scalar_one_or_none()
    return handled_at is not None and abs(now - handled_at) <= SILENT_FOR


def note(connection: Connection, number: int, *, in_order: bool, now: datetime) -> bool:
    """Note that `number` is handled, `in_order` with all before it; whether it is so only now."""
    is_new = not was_handled(connection, number, now)
    if in_order and number >= next_number(connection, now):
        after = {"id": 1, "next_update": number + 1, "handled_at": now}
        statement = insert_into(connection, bot).values(after)
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=after))
    elif is_new:
        values = {"number": number, "handled_at": now}
        statement = insert_into(connection, bot_updates).values(values)
        connection.execute(statement.on_conflict_do_update(index_elements=["number"], set_=values))
    return is_new


def forget(connection: Connection, now: datetime) -> None:
    """Forget the numbers that can't come again."""
    connection.execute(delete(bot_updates).where(bot_updates.c.handled_at < now - SILENT_FOR))
