"""What a person changed of cases by hand, as statements: two joined, a story taken out, the last of it taken back.

Each story that changes its case leaves a line in the book of acts ("case": story, from, to); so everything can be
undone, and nothing that a poll does undoes it: a story that has a case keeps it. Decides nothing about names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, insert, select, update

from monitor.model import Case
from monitor.store.people_tables import acts
from monitor.store.tables import stories

if TYPE_CHECKING:
    from monitor.store.store import Store

_WHAT, _UNDO = "case", "undo"
_AT_THE_DESK = 0  # an act at the command line has no numeric id of a person


class CaseEdits:
    """Changes cases in the database of `store`, which must be open for writing. Each call is one transaction."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now

    def merge(self, one: Case, other: Case) -> str:
        """Join two cases; return the id that both have then, that of the one which began first."""
        first, second = sorted((one, other), key=lambda case: (case.chapters[0].at, case.id))
        with self._store._writing() as connection:  # noqa: SLF001 - one room
            _move(connection, _of(connection, second.id), first.id, f"merge {second.id}", self._now)
        return first.id

    def split(self, case: Case, story_id: str) -> str:
        """Take a story out of its case; return the id of the case that it is alone then.

        Where the case bears the id of this story, the others leave it: the id that is returned is the story's all the
        same. `case` has other stories.
        """
        rest = [chapter.story_id for chapter in case.chapters if chapter.story_id != story_id]
        with self._store._writing() as connection:  # noqa: SLF001 - one room
            if case.id != story_id:
                moved, target = [story_id], story_id
            else:
                moved, target = [id_ for id_ in _of(connection, case.id) if id_ != story_id], rest[0]
            _move(connection, moved, target, f"split {story_id}", self._now)
        return story_id

    def undo(self, case_id: str) -> str:
        """Take back the newest change that touched the case; return what it was ("merge …"), "" where there is none."""
        with self._store._writing() as connection:  # noqa: SLF001 - one room
            batch = _newest(connection, case_id)
            for row in batch:
                story_id, before, after = row["about"].split()
                _change(connection, story_id, after, before)
                _note(connection, (story_id, after, before), f"{_UNDO} {row['id']}", self._now)
            return batch[0]["why"] if batch else ""


def _of(connection: Connection, case_id: str) -> list[str]:
    """All stories of a case, those that were withdrawn too."""
    mine = select(stories.c.id).where(stories.c.case_id == case_id).order_by(stories.c.first_at, stories.c.id)
    return list(connection.execute(mine).scalars())


def _move(connection: Connection, story_ids: Sequence[str], target: str, why: str, now: datetime) -> None:
    for story_id in story_ids:
        before = connection.execute(select(stories.c.case_id).where(stories.c.id == story_id)).scalar_one()
        _change(connection, story_id, before, target)
        _note(connection, (story_id, before, target), why, now)


def _change(connection: Connection, story_id: str, before: str, after: str) -> None:
    is_so = (stories.c.id == story_id, stories.c.case_id == before)
    connection.execute(update(stories).where(*is_so).values(case_id=after))


def _note(connection: Connection, about: Sequence[str], why: str, now: datetime) -> None:
    values = {"by": _AT_THE_DESK, "what": _WHAT, "about": " ".join(about), "why": why, "at": now}
    connection.execute(insert(acts).values(values))


def _newest(connection: Connection, case_id: str) -> list[RowMapping]:
    """The acts of the newest change that touched a case and was not taken back."""
    found = connection.execute(select(acts).where(acts.c.what == _WHAT).order_by(acts.c.id)).mappings().all()
    undone = {row["why"].removeprefix(f"{_UNDO} ") for row in found if row["why"].startswith(_UNDO)}
    made = [row for row in found if not row["why"].startswith(_UNDO) and str(row["id"]) not in undone]
    newest = next((row for row in reversed(made) if case_id in row["about"].split()), None)
    return [row for row in made if newest and (row["at"], row["why"]) == (newest["at"], newest["why"])]
