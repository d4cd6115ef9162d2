"""Which stories belong to one case, as statements, and what is read of cases. Nothing is decided here.

A story's case stands in `stories.case_id`, once for ever; whom it names stands in `case_names`, one row a key under
which a name is found. Everything else that a case knows is read off its stories. Stories that were withdrawn are left
out of all that is read: nothing later may be told as if it followed from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, select, update

from monitor.model import Case, Chapter
from monitor.store.tables import case_names, stories
from monitor.store.withdrawing import is_withdrawn, still_told

if TYPE_CHECKING:
    from monitor.store.store import Store

MAX_CASES = 200
"""So many cases, the newest, are looked at for one story: whoever is named in more ties nothing anyway."""

_CHUNK = 500  # SQLite takes 32,766 parameters, older ones 999
_PERSON, _MENTION, _BYSTANDER, _ORGANISATION = "person", "mention", "bystander", "organisation"


def save(connection: Connection, chapters: Sequence[tuple[str, Chapter]]) -> None:
    """Write whom stories name, and the cases they belong to; a story that has one keeps it."""
    for case_id, chapter in chapters:
        if case_id:
            kept = func.coalesce(stories.c.case_id, case_id)
            of_it = update(stories).where(stories.c.id == chapter.story_id)
            connection.execute(of_it.values(case_id=kept, case_stage=chapter.stage))
        connection.execute(delete(case_names).where(case_names.c.story_id == chapter.story_id))
        values = list(_name_values(chapter))
        if values and not is_withdrawn(connection, chapter.story_id):
            connection.execute(insert(case_names), values)


def _name_values(chapter: Chapter) -> Iterator[dict[str, Any]]:
    from monitor.stories.cases import keys  # noqa: PLC0415 - only where there is something to write

    roles = (
        (_PERSON, chapter.people),
        (_MENTION, chapter.mentions),
        (_BYSTANDER, chapter.bystanders),
        (_ORGANISATION, chapter.organisations),
    )
    named = [(role, name) for role, names in roles for name in names]
    for place, (role, name) in enumerate(named):
        for key in keys(name):
            yield {
                "key": key,
                "story_id": chapter.story_id,
                "place": place,
                "name": name,
                "role": role,
                "headline": name in chapter.headliners,
            }


def _naming(connection: Connection, keys: Sequence[str], story_ids: Sequence[str], roles: Sequence[str]) -> list[str]:
    """Ids of cases, the newest first."""
    by_id = (stories.c.id.in_(story_ids[start : start + _CHUNK]) for start in range(0, len(story_ids), _CHUNK))
    named = select(case_names.c.story_id).where(case_names.c.role.in_(roles))
    by_name = (
        stories.c.id.in_(named.where(case_names.c.key.in_(keys[start : start + _CHUNK])))
        for start in range(0, len(keys), _CHUNK)
    )
    found: dict[str, None] = {}
    for which in (*by_id, *by_name):
        newest = (
            select(stories.c.case_id)
            .where(which, stories.c.case_id.is_not(None), still_told(stories.c.id))
            .group_by(stories.c.case_id)
            .order_by(func.max(stories.c.last_at).desc(), stories.c.case_id)
        )
        found.update(dict.fromkeys(connection.execute(newest.limit(MAX_CASES)).scalars()))
    return list(found)


def _cases(connection: Connection, ids: Sequence[str]) -> tuple[Case, ...]:
    """The cases `ids` in this order, each with its stories in order of time."""
    chunks = (_cases_of(connection, ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK))
    return tuple(case for chunk in chunks for case in chunk)


def _cases_of(connection: Connection, ids: Sequence[str]) -> Iterator[Case]:
    mine = and_(stories.c.case_id.in_(ids), still_told(stories.c.id))
    of_names = (case_names.c[name] for name in ("story_id", "place", "name", "role", "headline"))
    named = select(*of_names).join(stories, stories.c.id == case_names.c.story_id).where(mine).distinct()
    names: dict[str, list[RowMapping]] = {}
    for row in connection.execute(named.order_by(case_names.c.story_id, case_names.c.place)).mappings():
        names.setdefault(row["story_id"], []).append(row)
    of_stories = (stories.c[name] for name in ("id", "case_id", "case_stage", "language", "first_at", "facts"))
    told = select(*of_stories).where(mine)
    chapters: dict[str, list[Chapter]] = {}
    for row in connection.execute(told.order_by(stories.c.first_at, stories.c.id)).mappings():
        chapters.setdefault(row["case_id"], []).append(_chapter(row, names.get(row["id"], ())))
    yield from (Case(id=case_id, chapters=tuple(chapters[case_id])) for case_id in ids if case_id in chapters)


def _chapter(row: RowMapping, names: Sequence[RowMapping]) -> Chapter:
    def of(role: str) -> tuple[str, ...]:
        return tuple(name["name"] for name in names if name["role"] == role)

    facts = row["facts"]
    return Chapter(
        story_id=row["id"],
        at=row["first_at"],
        language=row["language"],
        people=of(_PERSON),
        mentions=of(_MENTION),
        headliners=tuple(name["name"] for name in names if name["headline"]),
        bystanders=of(_BYSTANDER),
        organisations=of(_ORGANISATION),
        origin_states=tuple(facts.get("origin_states", ())),
        host_states=tuple(facts.get("host_states", ())),
        stage=row["case_stage"] or "",
    )


class Cases:
    """The cases in the database of `store`; read only."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._store._reading() as connection:  # noqa: SLF001 - one room
            yield connection

    def tying(self, keys: Sequence[str], story_ids: Sequence[str] = ()) -> tuple[Case, ...]:
        """Cases in which somebody with one of `keys` is of the people, and those that have one of the stories."""
        with self._reading() as connection:
            return _cases(connection, _naming(connection, keys, story_ids, (_PERSON, _MENTION)))

    def naming(self, keys: Sequence[str]) -> tuple[Case, ...]:
        """Cases in which anybody or any organisation has one of `keys`, the newest first."""
        everyone = (_PERSON, _MENTION, _BYSTANDER, _ORGANISATION)
        with self._reading() as connection:
            return _cases(connection, _naming(connection, keys, (), everyone))

    def beginning(self, beginning: str) -> tuple[Case, ...]:
        """Cases whose id begins so, at most ten."""
        begins = stories.c.case_id.startswith(beginning.lower(), autoescape=True)
        found = select(stories.c.case_id).where(begins).distinct().order_by(stories.c.case_id).limit(10)
        with self._reading() as connection:
            return _cases(connection, list(connection.execute(found).scalars()))

    def names(self) -> tuple[tuple[str, str], ...]:
        """Every (key, name) that some case has, in order of names."""
        found = (
            select(case_names.c.key, case_names.c.name)
            .join(stories, stories.c.id == case_names.c.story_id)
            .where(stories.c.case_id.is_not(None), still_told(stories.c.id))
            .distinct()
            .order_by(case_names.c.name, case_names.c.key)
        )
        with self._reading() as connection:
            return tuple((row.key, row.name) for row in connection.execute(found))
