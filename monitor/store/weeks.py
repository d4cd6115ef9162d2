"""What is read for a digest: a week, and the half year before it as far as counting needs. Changes nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, RowMapping, Text, exists, func, or_, select, type_coerce

from monitor.model import (
    EPOCH,
    Case,
    Chapter,
    Decision,
    DeliveryKind,
    DeliveryState,
    Edition,
    PastStory,
    Stage,
    Turn,
    WeekData,
)
from monitor.store import edits, reading, withdrawing
from monitor.store.people_tables import redactions
from monitor.store.tables import article_versions, articles, deliveries, feeds, stories

HALF_YEAR = timedelta(weeks=26)
PASSAGE = 4_000
"""How much of an article's text is looked through for days to come, in code points."""

_STAGE = "/stage:"
_CHUNK = 500


def week(connection: Connection, start: datetime, end: datetime) -> WeekData:
    """Read what was first seen in [start, end), what became of known stories, and the half year up to `end`."""
    decided = reading.decisions_between(connection, start, end)
    told = reading.stories_between(connection, start, end)
    turns = _turns(connection, start, end)
    # A story that only came further has no article of the week where that was told late; it is told all the same.
    more = sorted({turn.story_id for turn in turns} - {story.id for story in told})
    return WeekData(
        stories=(*told, *reading.stories_of(connection, more)),
        judged=reading.judged_between(connection, start, end),
        alerted=decided.get(Decision.ALERT, 0),
        digest=decided.get(Decision.DIGEST, 0),
        dropped=decided.get(Decision.DROP, 0),
        feeds=tuple(reading.feed_states(connection)),
        turns=turns,
        editions=_editions(connection, start, end),
        cases=_cases(connection, [story.id for story in told]),
        past=_past(connection, end - HALF_YEAR, end),
        passages=_passages(connection, start, end),
        held=_held(connection, start, end),
        withdrawn=_withdrawn(connection, start, end),
        edits=edits.of_span(connection, start, end),
    )


def _turns(connection: Connection, start: datetime, end: datetime) -> tuple[Turn, ...]:
    """Later stages that were first told in [start, end): each is the key of a reply."""
    is_turn = (deliveries.c.kind == DeliveryKind.REPLY, deliveries.c.key.contains(_STAGE, autoescape=True))
    gone = select(redactions.c.story_id)
    of_then = select(deliveries.c.story_id).where(
        *is_turn, deliveries.c.queued_at >= start, deliveries.c.queued_at < end, deliveries.c.story_id.not_in(gone)
    )
    found = (
        select(deliveries.c.story_id, deliveries.c.key, func.min(deliveries.c.queued_at).label("at"))
        .where(*is_turn, deliveries.c.story_id.in_(of_then))
        .group_by(deliveries.c.story_id, deliveries.c.key)
    )
    order = list(Stage)
    turns: list[Turn] = []
    furthest: dict[str, str] = {}
    for row in sorted(connection.execute(found).mappings(), key=lambda row: (row["at"], row["key"])):
        stage, story_id = row["key"].partition(_STAGE)[2], row["story_id"]
        before = furthest.get(story_id, "")
        if start <= row["at"] < end:
            turns.append(Turn(story_id=story_id, stage=stage, at=row["at"], before=before))
        if stage in order and (not before or order.index(Stage(stage)) > order.index(Stage(before))):
            furthest[story_id] = stage
    return tuple(turns)


def _editions(connection: Connection, start: datetime, end: datetime) -> tuple[Edition, ...]:
    """Articles edited in [start, end) that mattered before or after it; the first edit of each in the span counts."""
    versions = article_versions
    edited = select(versions.c.article_id).where(versions.c.replaced_at >= start, versions.c.replaced_at < end)
    mine = articles.c.id.in_(edited) & withdrawing.still_told()
    now = select(articles, feeds.c.title.label("feed_title")).outerjoin(feeds, feeds.c.url == articles.c.feed)
    newest = {row["id"]: row for row in connection.execute(now.where(mine)).mappings()}
    chains: dict[str, list[RowMapping]] = {}
    all_of = select(versions).where(versions.c.article_id.in_(edited)).order_by(versions.c.version)
    for row in connection.execute(all_of).mappings():
        chains.setdefault(row["article_id"], []).append(row)
    found = []
    for article_id, chain in chains.items():
        if article_id not in newest:
            continue
        within = [at for at, row in enumerate(chain) if start <= row["replaced_at"] < end]
        later = chain[within[-1] + 1] if within[-1] + 1 < len(chain) else newest[article_id]
        found.append(_edition(chain[within[0]], later, newest[article_id]))
    mattered = (one for one in found if {one.decision, one.decision_before} != {Decision.DROP})
    return tuple(sorted(mattered, key=lambda one: (one.replaced_at, one.article_id)))


def _edition(before: RowMapping, after: RowMapping, article: RowMapping) -> Edition:
    return Edition(
        article_id=article["id"],
        replaced_at=before["replaced_at"],
        story_id=article["story_id"] or "",
        feed=article["feed"],
        feed_name=article["feed_title"] or "",
        url=article["url"],
        language=article["language"],
        title_before=before["title"],
        summary_before=before["summary"],
        decision_before=Decision(before["decision"]),
        title=after["title"],
        summary=after["summary"],
        decision=Decision(after["decision"]),
    )


def _cases(connection: Connection, story_ids: Sequence[str]) -> tuple[Case, ...]:
    """The cases that the stories belong to, as far as stages tell them, in order of their ids; no withdrawn stories."""
    ids: set[str] = set()
    for start in range(0, len(story_ids), _CHUNK):
        named = select(stories.c.case_id).where(stories.c.id.in_(story_ids[start : start + _CHUNK]))
        ids.update(connection.execute(named.where(stories.c.case_id.is_not(None))).scalars())
    chapters: dict[str, list[Chapter]] = {}
    wanted = sorted(ids)
    columns = (stories.c.id, stories.c.case_id, stories.c.first_at, stories.c.case_stage)
    for start in range(0, len(wanted), _CHUNK):
        told = select(*columns).where(
            stories.c.case_id.in_(wanted[start : start + _CHUNK]),
            stories.c.id.not_in(select(redactions.c.story_id)),
        )
        for row in connection.execute(told.order_by(stories.c.first_at, stories.c.id)).mappings():
            chapter = Chapter(story_id=row["id"], at=row["first_at"], stage=row["case_stage"] or "")
            chapters.setdefault(row["case_id"], []).append(chapter)
    return tuple(Case(id=case_id, chapters=tuple(found)) for case_id, found in sorted(chapters.items()))


def _past(connection: Connection, since: datetime, end: datetime) -> tuple[PastStory, ...]:
    """Stories of which an article was first seen in [since, end), in order of their first one.

    A half year may hold tens of thousands: they are read past the column types, which cost more than all the rest.
    """
    seen = (articles.c.first_seen_at < end, articles.c.decision != Decision.DROP, withdrawing.still_told())
    at, codes = type_coerce(articles.c.first_seen_at, BigInteger), type_coerce(articles.c.codes, Text)
    facts = type_coerce(stories.c.facts, Text)
    of_then = select(
        articles.c.story_id, at.label("micros"), articles.c.feed, codes.label("listed"), stories.c.alerted,
        stories.c.language, facts.label("facts"),
    ).join(stories, stories.c.id == articles.c.story_id)  # fmt: skip
    found: dict[str, list[Any]] = {}
    for row in connection.execute(of_then.where(stories.c.touched_at >= since, *seen)):
        found.setdefault(row.story_id, []).append(row)
    past = [_past_story(story_id, members) for story_id, members in found.items()]
    return tuple(sorted((one for one in past if one.last_at >= since), key=lambda one: (one.first_at, one.story_id)))


def _past_story(story_id: str, members: Sequence[Any]) -> PastStory:
    first, read = members[0], json.loads(members[0].facts)
    times = [row.micros for row in members]
    codes = {*read.get("codes", ()), *(code for row in members for code in _listed(row.listed))}
    return PastStory(
        story_id=story_id,
        first_at=EPOCH + timedelta(microseconds=min(times)),
        last_at=EPOCH + timedelta(microseconds=max(times)),
        alerted=first.alerted,
        language=first.language,
        origin_states=tuple(read.get("origin_states", ())),
        host_states=tuple(read.get("host_states", ())),
        codes=tuple(sorted(codes)),
        feeds=tuple(sorted({row.feed for row in members})),
    )


@functools.lru_cache(maxsize=1_000)
def _listed(codes: str) -> tuple[str, ...]:
    return tuple(json.loads(codes))


def _passages(connection: Connection, start: datetime, end: datetime) -> tuple[tuple[str, str], ...]:
    matters = _of_then(articles.c.first_seen_at, start, end) & (articles.c.decision != Decision.DROP)
    found = select(articles.c.id, func.substr(articles.c.text, 1, PASSAGE)).where(matters, articles.c.text != "")
    return tuple((row[0], row[1]) for row in connection.execute(found.order_by(articles.c.id)))


def _held(connection: Connection, start: datetime, end: datetime) -> tuple[tuple[str, int], ...]:
    is_held = _of_then(deliveries.c.queued_at, start, end) & (deliveries.c.state == DeliveryState.HELD)
    counted = (
        select(deliveries.c.channel, func.count(deliveries.c.story_id.distinct()))
        .where(is_held, deliveries.c.story_id != "")
        .group_by(deliveries.c.channel)
        .order_by(deliveries.c.channel)
    )
    return tuple((row[0], row[1]) for row in connection.execute(counted))


def _withdrawn(connection: Connection, start: datetime, end: datetime) -> int:
    """Stories withdrawn in [start, end) that somebody had been told, by an alert or by an earlier digest."""
    gone = redactions.c.story_id
    judged_before = exists().where(articles.c.story_id == gone, articles.c.first_seen_at < start)
    alerted = exists().where(stories.c.id == gone, stories.c.alerted.is_(True))
    counted = select(func.count()).where(_of_then(redactions.c.at, start, end), or_(alerted, judged_before))
    return int(connection.execute(counted).scalar_one())


def _of_then(column: Any, start: datetime, end: datetime) -> Any:
    return (column >= start) & (column < end)
