"""What one poll changes, as statements of one transaction. Nothing here begins or ends one.

Doing it twice changes nothing: rows are found by ids and keys that come with the outcome, and what exists stays.
Memory only grows: a known key keeps its first article.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, case, select, update

from monitor.model import Delivery, Judged, Outcome, Story
from monitor.store import cases, indexing, posting, rows
from monitor.store.people_tables import still_told
from monitor.store.tables import article_versions, articles, feeds, seen_keys, stories
from monitor.store.upsert import insert_into

SEEN_REFRESH = timedelta(days=30)
"""How stale a key's `seen_at` may get while a feed still shows it; spares a write for every entry of every poll."""


def record(connection: Connection, outcome: Outcome, mail: Sequence[Delivery], *, now: datetime) -> None:
    """Write everything of `outcome`, and of its `mail` what is to be told."""
    feed_id = _save_feed(connection, outcome)
    if outcome.moved_from:
        _move(connection, outcome.moved_from, outcome.state.url)
    _save_stories(connection, outcome, now)
    _save_articles(connection, outcome.judged, now)
    cases.save(connection, outcome.chapters)
    _save_keys(connection, feed_id, outcome, now)
    posting.post(connection, outcome.notices, mail, now=now)


def _move(connection: Connection, before: str, after: str) -> None:
    mine = select(articles.c.id).where(articles.c.feed == before)
    with indexing.changing(connection, connection.execute(mine).scalars().all()):
        connection.execute(update(articles).where(articles.c.feed == before).values(feed=after))


def _save_feed(connection: Connection, outcome: Outcome) -> int:
    values = rows.feed_values(outcome.state)
    statement = insert_into(connection, feeds).values(values)
    changed = {name: value for name, value in values.items() if name != "url"}
    saved = statement.on_conflict_do_update(index_elements=["url"], set_=changed).returning(feeds.c.id)
    return int(connection.execute(saved).scalar_one())


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def _save_stories(connection: Connection, outcome: Outcome, now: datetime) -> None:
    facts = {story_id: rows.facts_values(read) for story_id, read in outcome.facts}
    values = _touched(outcome, facts, now)
    if not values:
        return
    statement = insert_into(connection, stories)
    new = statement.excluded
    merged = {
        "first_at": case((new.first_at < stories.c.first_at, new.first_at), else_=stories.c.first_at),
        "last_at": case((new.last_at > stories.c.last_at, new.last_at), else_=stories.c.last_at),
        "touched_at": case((new.touched_at > stories.c.touched_at, new.touched_at), else_=stories.c.touched_at),
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=merged), values)
    for story_id, read in facts.items():
        # Whom a withdrawn story names is not to be known again, whatever joins it.
        still = (stories.c.id == story_id, still_told(stories.c.id))
        connection.execute(update(stories).where(*still).values(facts=read))
    for story in (*outcome.announce, *outcome.grown):
        said = {"facts": rows.facts_values(story.facts), "told": rows.told_values(story.told)}
        still = (stories.c.id == story.id, still_told(stories.c.id))
        connection.execute(update(stories).where(*still).values(alerted=True, **said))


def _touched(outcome: Outcome, facts: Mapping[str, rows.Values], now: datetime) -> list[rows.Values]:
    announced = {story.id: _story_values(story, now) for story in outcome.announce}
    touched: dict[str, rows.Values] = dict(announced)
    for one in outcome.judged:
        if not one.story_id:
            continue
        at = one.article.at
        values = touched.setdefault(
            one.story_id,
            {
                "id": one.story_id,
                "language": one.article.language,
                "first_at": at,
                "last_at": at,
                "touched_at": now,
                "facts": facts.get(one.story_id, {}),
                "alerted": False,
                "told": None,
            },
        )
        values["first_at"] = min(values["first_at"], at)
        values["last_at"] = max(values["last_at"], at)
    return list(touched.values())


def _story_values(story: Story, now: datetime) -> rows.Values:
    return {
        "id": story.id,
        "language": story.language,
        "first_at": story.first_at,
        "last_at": story.last_at,
        "touched_at": now,
        "facts": rows.facts_values(story.facts),
        "alerted": True,
        "told": rows.told_values(story.told),
    }


# ── articles and their keys ───────────────────────────────────────────────────────────────────────


def _save_articles(connection: Connection, judged: Sequence[Judged], now: datetime) -> None:
    if not judged:
        return
    statement = insert_into(connection, articles).on_conflict_do_nothing(index_elements=["id"])
    connection.execute(statement, [rows.article_values(one) for one in judged])
    indexing.enter(connection, [one.article.id for one in judged])
    for one in judged:
        if one.edited:
            with indexing.changing(connection, [one.article.id]):
                _save_edition(connection, one, now)


def _save_edition(connection: Connection, one: Judged, now: datetime) -> None:
    older = and_(articles.c.id == one.article.id, articles.c.version < one.article.version)
    kept = ("version", "title", "summary", "raw_hash", "score", "decision")
    before = select(
        articles.c.id, *(articles.c[name] for name in kept), bindparam("at", now, article_versions.c.replaced_at.type)
    )
    statement = insert_into(connection, article_versions).from_select(
        ["article_id", *kept, "replaced_at"], before.where(older)
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["article_id", "version"]))
    values = rows.edition_values(one)
    if one.story_id:  # an edit that is dropped stays where the article was told
        values |= {"story_id": one.story_id, "opens_story": one.opens_story, "evidence": one.evidence}
    connection.execute(update(articles).where(older).values(values))


def _save_keys(connection: Connection, feed_id: int, outcome: Outcome, now: datetime) -> None:
    named = dict(outcome.seen_keys)
    for one in outcome.judged:
        named.update((key, one.article.id) for key in one.article.keys)
    if not named:
        return
    statement = insert_into(connection, seen_keys)
    refreshed = statement.on_conflict_do_update(
        index_elements=["key", "feed_id"],
        set_={"seen_at": statement.excluded.seen_at},
        where=seen_keys.c.seen_at < now - SEEN_REFRESH,
    )
    connection.execute(
        refreshed,
        [{"key": key, "feed_id": feed_id, "article_id": id_, "seen_at": now} for key, id_ in named.items()],
    )
