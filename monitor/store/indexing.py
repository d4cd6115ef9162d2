"""The index of words, kept in step with the articles: each change of one goes with it, in the same transaction.

SQLite       an FTS5 table that keeps words alone, no text; what goes is named to it by the words it came with
PostgreSQL   a table of `tsvector` with a GIN index

Both know an article by `articles.search_row`: the second it was first seen, and a number within it, so that the order
of rows is the order of time. An article of a withdrawn story is in neither; one whose text was forgotten keeps its row
for what was judged of it, without a word of the text. `search_row` is NULL for what is not in the index (yet).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    text,
    update,
)

from monitor.store import wording
from monitor.store.people_tables import still_told
from monitor.store.tables import articles
from monitor.store.wording import Entry

BATCH = 2_000
"""Articles a transaction, when a store without an index gets one."""

_CHUNK = 500
_ROW_BITS = 20
_READ = ("id", "title", "summary", "language", "decision", "codes", "feed", "story_id", "first_seen_at", "search_row")
_MAX_POSITION = 16_383  # of a word in a tsvector; https://www.postgresql.org/docs/15/textsearch-limitations.html


def first_row(at: datetime) -> int:
    """The lowest `search_row` of what was first seen in the second of `at`."""
    return max(int(at.timestamp()), 0) << _ROW_BITS


# ── keeping in step ───────────────────────────────────────────────────────────────────────────────


def enter(connection: Connection, ids: Sequence[str]) -> None:
    """Take the articles `ids` in, as far as they are not and may be."""
    for start in range(0, len(ids), _CHUNK):
        missing = articles.c.id.in_(ids[start : start + _CHUNK]), articles.c.search_row.is_(None), still_told()
        _take_in(connection, _read(connection, *missing))


@contextmanager
def changing(connection: Connection, ids: Sequence[str]) -> Iterator[None]:
    """Let the articles `ids` be changed, deleted or withdrawn; the index follows."""
    before = _of(connection, ids)
    yield
    after = _of(connection, ids, still_told())
    gone = [row for row in before.values() if row["search_row"] is not None]
    stays = {row["id"]: row["search_row"] for row in gone if row["id"] in after}
    changed = [row for row in gone if row["id"] not in stays or _entry(row) != _entry(after[row["id"]])]
    _remove(connection, [(row["search_row"], _entry(row)) for row in changed])
    _add(connection, [(stays[row["id"]], _entry(after[row["id"]])) for row in changed if row["id"] in stays])
    lost = [row["id"] for row in gone if row["id"] not in stays]
    for start in range(0, len(lost), _CHUNK):
        of_them = update(articles).where(articles.c.id.in_(lost[start : start + _CHUNK]))
        connection.execute(of_them.values(search_row=None))


def catch_up(engine: Engine) -> int:
    """Take in what is not in the index yet, a batch a transaction; how many.

    Cut off, it goes on the next time.
    """
    count = 0
    while True:
        with engine.begin() as connection:
            missing = _select(articles.c.search_row.is_(None), still_told()).limit(BATCH)  # sorting would read all anew
            found = connection.execute(missing).mappings().all()
            _take_in(connection, sorted(found, key=_age))
        count += len(found)
        if len(found) < BATCH:
            return count


def forget_all(connection: Connection) -> None:
    """Empty the index; `catch_up` fills it again."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO article_search (article_search) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("DELETE FROM article_search")
    connection.execute(update(articles).values(search_row=None))


def _select(*conditions: Any) -> Select[Any]:
    return select(*(articles.c[name] for name in _READ)).where(*conditions)


def _read(connection: Connection, *conditions: Any) -> list[RowMapping]:
    return sorted(connection.execute(_select(*conditions)).mappings(), key=_age)


def _age(row: RowMapping) -> tuple[datetime, str]:
    return row["first_seen_at"], row["id"]


def _of(connection: Connection, ids: Sequence[str], *conditions: Any) -> dict[str, RowMapping]:
    chunks = (articles.c.id.in_(ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK))
    return {row["id"]: row for chunk in chunks for row in _read(connection, chunk, *conditions)}


def _entry(row: RowMapping) -> Entry:
    return wording.entry(
        f"{row['title']}\n{row['summary']}",
        language=row["language"],
        decision=row["decision"],
        codes=row["codes"],
        feed=row["feed"],
        story=row["story_id"] or "",
    )


def _take_in(connection: Connection, found: Sequence[RowMapping]) -> None:
    """Give rows, which are in order of time, their numbers and put them into the index."""
    if not found:
        return
    seconds = [first_row(row["first_seen_at"]) for row in found]
    taken = _taken(connection, seconds[0], seconds[-1])
    numbers = [_free(connection, taken, first, seconds[-1]) for first in seconds]
    _add(connection, [(number, _entry(row)) for number, row in zip(numbers, found, strict=True)])
    named = update(articles).where(articles.c.id == bindparam("of")).values(search_row=bindparam("number"))
    connection.execute(named, [{"of": row["id"], "number": n} for row, n in zip(found, numbers, strict=True)])


def _free(connection: Connection, taken: dict[int, int], first: int, looked_up_to: int) -> int:
    """Take the next free number of a second; of a later one where it is full."""
    while True:
        second = first >> _ROW_BITS
        if first > looked_up_to and second not in taken:
            taken |= _taken(connection, first, first)
        number = taken.get(second, first - 1) + 1
        if number >> _ROW_BITS == second:
            taken[second] = number
            return number
        first = (second + 1) << _ROW_BITS


def _taken(connection: Connection, lowest: int, highest: int) -> dict[int, int]:
    """The highest number that is taken in each second."""
    second = articles.c.search_row.op(">>")(literal_column(str(_ROW_BITS)))
    between = articles.c.search_row.between(lowest, highest + (1 << _ROW_BITS) - 1)
    found = connection.execute(select(second, func.max(articles.c.search_row)).where(between).group_by(second))
    return {row[0]: row[1] for row in found}


# ── the two dialects ──────────────────────────────────────────────────────────────────────────────

_INTO_FILE = text("INSERT INTO article_search (rowid, words, more) VALUES (:number, :words, :more)")
_OUT_OF_FILE = text(
    "INSERT INTO article_search (article_search, rowid, words, more) VALUES ('delete', :number, :words, :more)"
)
_INTO_SERVER = text("INSERT INTO article_search (search_row, words) VALUES (:number, CAST(:words AS tsvector))")


def _add(connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    is_file = connection.dialect.name == "sqlite"
    values = [_file_values(*one) if is_file else _server_values(*one) for one in entries]
    if values:
        connection.execute(_INTO_FILE if is_file else _INTO_SERVER, values)


def _remove(connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    if not entries:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_OUT_OF_FILE, [_file_values(*one) for one in entries])
    else:
        gone = text("DELETE FROM article_search WHERE search_row = :number")
        connection.execute(gone, [{"number": number} for number, _ in entries])


def _file_values(number: int, one: Entry) -> dict[str, object]:
    return {"number": number, "words": " ".join(one.words), "more": " ".join(one.more)}


def _server_values(number: int, one: Entry) -> dict[str, object]:
    places: dict[str, list[str]] = {word: [] for word in one.more}
    for place, word in enumerate(one.words, 1):
        places.setdefault(word, []).append(str(min(place, _MAX_POSITION)))
    lexemes = (f"'{word}':{','.join(at[:255])}" if at else f"'{word}'" for word, at in places.items())
    return {"number": number, "words": " ".join(lexemes)}
