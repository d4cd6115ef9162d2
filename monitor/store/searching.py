"""Search over everything stored: one way for the commands, the pages and the bot. Changes nothing.

What is wished for is asked of the index of words, newest first, and read only as far as somebody looks. Articles of
withdrawn stories are never found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from monitor.model import Judged
from monitor.store import rows, wording
from monitor.store.indexing import first_row
from monitor.store.people_tables import still_told
from monitor.store.tables import articles, stories
from monitor.store.wording import Term

_JUDGED = tuple(column for column in articles.c if column is not articles.c.text)
_file = Table("article_search", MetaData(), Column("rowid", BigInteger), Column("article_search", Text))
_server = Table("article_search", MetaData(), Column("search_row", BigInteger), Column("words", Text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is searched for; empty wants everything. Times are of `first_seen_at`: from `since` on, before `until`.

    All `words` are wanted, and one of `decisions`; `origin` and `host` are states of the article's story.
    """

    words: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    language: str = ""
    feed: str = ""
    code: str = ""
    origin: str = ""
    host: str = ""
    since: datetime | None = None
    until: datetime | None = None


ANY = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An article that was wished for; `place` orders what was found, newest highest."""

    place: int
    judged: Judged


def found(connection: Connection, wish: Wish, *, limit: int, offset: int = 0, below: int | None = None) -> list[Found]:
    """Articles that `wish` wants, newest first, without their text; with `below` those of a lower place."""
    terms = wording.terms(wish.words)
    if terms is None:
        return []
    statement = _matching(connection.dialect.name, wish, terms, below).limit(limit).offset(offset)
    return [_found(row) for row in connection.execute(statement).mappings()]


def _found(row: RowMapping) -> Found:
    return Found(place=row["search_row"], judged=rows.judged({**row, "text": ""}))


def _matching(dialect: str, wish: Wish, terms: Sequence[Term], below: int | None) -> Select[Any]:
    marks = _marks(wish)
    statement = select(*_JUDGED).where(still_told())
    place: Any = articles.c.search_row
    if terms or marks:
        index, place, asked = _asked(dialect, terms, marks)
        # SQLite must begin with the index: a "+" keeps it from asking for one article after another
        same = articles.c.search_row == (literal_column("+article_search.rowid") if dialect == "sqlite" else place)
        statement = statement.select_from(index.join(articles, same)).where(asked)
    else:
        statement = statement.where(place.is_not(None))
    statement = statement.where(place < below) if below is not None else statement
    if wish.since:
        statement = statement.where(place >= first_row(wish.since), articles.c.first_seen_at >= wish.since)
    if wish.until:
        following = first_row(wish.until + timedelta(seconds=1))
        statement = statement.where(place < following, articles.c.first_seen_at < wish.until)
    for name, state in (("origin_states", wish.origin), ("host_states", wish.host)):
        statement = statement.where(_of_state(dialect, name, state)) if state else statement
    return statement.order_by(place.desc())


def _of_state(dialect: str, name: str, state: str) -> Any:
    """Whether the article's story has `state` among its facts of this name."""
    facts = type_coerce(stories.c.facts, Text)
    if dialect == "sqlite":
        named = func.json_each(facts, f"$.{name}").table_valued("value")
        holds: Any = select(named.c.value).where(named.c.value == state).exists()
    else:
        holds = func.jsonb_exists(cast(facts, JSONB)[name], state)
    return select(stories.c.id).where(stories.c.id == articles.c.story_id, holds).exists()


def _marks(wish: Wish) -> list[tuple[str, ...]]:
    """The properties that are wanted, as words of the index: of each tuple one."""
    wanted = [
        tuple(wording.mark("d", one) for one in wish.decisions),
        (wording.mark("l", wish.language.replace("_", "-")),),
        (wording.mark("c", wish.code),),
        (wording.feed_mark(wish.feed),),
        (wording.IN_A_STORY,) if wish.origin or wish.host else (),
    ]
    return [one for one in wanted if any(one)]


# ── the two dialects ──────────────────────────────────────────────────────────────────────────────


def _asked(dialect: str, terms: Sequence[Term], marks: Sequence[tuple[str, ...]]) -> tuple[Table, Any, Any]:
    """The index, its column of places, and the question put to it. Words hold letters and digits, marks ":" and "-"."""
    if dialect == "sqlite":
        parts = [f'"{" ".join(term.words)}"{" *" if term.is_begun else ""}' for term in terms]
        parts += [_either(one, '"', " OR ") for one in marks]
        return _file, _file.c.rowid, _file.c.article_search.op("MATCH")(" AND ".join(parts))
    parts = [" <-> ".join(_quoted(term)) for term in terms] + [_either(one, "'", " | ") for one in marks]
    asked = sql("article_search.words @@ CAST(:asked AS tsquery)")
    return _server, _server.c.search_row, asked.bindparams(asked=" & ".join(f"({one})" for one in parts))


def _either(words: Sequence[str], quote: str, sign: str) -> str:
    return f"({sign.join(f'{quote}{word}{quote}' for word in words)})"


def _quoted(term: Term) -> list[str]:
    *first, last = term.words
    return [*(f"'{word}'" for word in first), f"'{last}'{':*' if term.is_begun else ''}"]
