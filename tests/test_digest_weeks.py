"""What a store gives a digest beside the week's articles: turns, edits, cases, the half year, what was held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from monitor.model import (
    EPOCH,
    Chapter,
    Decision,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Facts,
    Judged,
    Redaction,
    WeekData,
)
from monitor.store import Store, withdrawing
from monitor.store.tables import deliveries
from tests.store_parts import (
    DAY,
    FEED,
    NOW,
    a_delivery,
    a_story,
    an_outcome,
    article_id,
    judged,
    opened,
)

WEEK = (NOW, NOW + 7 * DAY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "state") as made:
        yield made


def week(store: Store) -> WeekData:
    return store.judged_between(*WEEK)


def recorded(
    store: Store, *ones: Judged, at: timedelta = timedelta(), mail: tuple[Delivery, ...] = (), **changes: object
) -> None:
    store.record(an_outcome(*ones, **changes), mail, now=NOW + at)  # type: ignore[arg-type]


def seen(name: object, ago: timedelta, decision: Decision = Decision.ALERT, **changes: object) -> Judged:
    return judged(name, decision, first_seen_at=NOW - ago, published_at=NOW - ago, **changes)  # type: ignore[arg-type]


def withdrawn(store: Store, story_id: str, at: timedelta) -> None:
    with store._writing() as connection:
        withdrawing.withdraw(connection, Redaction(story_id=story_id, by=1, why="a person asked", at=NOW + at))


# ── turns ─────────────────────────────────────────────────────────────────────────────────────────


def reply(story_id: str, stage: str, channel: str = "main") -> Delivery:
    key = f"story:{story_id}/stage:{stage}"
    return a_delivery(key, channel, kind=DeliveryKind.REPLY, about=f"story:{story_id}", story_id=story_id)


def alerted_of(store: Store, one: Judged) -> None:
    """Record a story as alerted in two channels that have its alert."""
    mail = tuple(a_delivery(f"story:{one.story_id}", channel, story_id=one.story_id) for channel in ("main", "other"))
    recorded(store, one, announce=(one,), mail=mail)
    for row in store.pending(NOW + DAY):
        store.mark_sending(row.id, NOW)
        store.settle_sent(row.id, "7", NOW)


def told_of(store: Store, story_id: str, stage: str, at: timedelta, *channels: str) -> None:
    """Queue what an update queues, at its moment."""
    rows = [reply(story_id, stage, channel) for channel in channels or ("main",)]
    assert store.queue(rows) == len(rows)
    with store._writing() as connection:
        mine = deliveries.c.key == rows[0].key
        connection.execute(update(deliveries).where(mine).values(queued_at=NOW + at))


def test_a_later_stage_told_in_the_week_is_a_turn_once_whatever_the_channels(store: Store) -> None:
    one = seen(1, 30 * DAY)
    alerted_of(store, one)
    told_of(store, one.story_id, "charge", -20 * DAY)
    told_of(store, one.story_id, "trial", DAY, "main", "other")
    told_of(store, one.story_id, "sentence", 8 * DAY)
    found = week(store)
    (turn,) = found.turns
    assert (turn.story_id, turn.stage, turn.before, turn.at) == (one.story_id, "trial", "charge", NOW + DAY)
    assert [story.id for story in found.stories] == [one.story_id]


def test_a_withdrawn_story_makes_no_turn(store: Store) -> None:
    one = seen(1, 30 * DAY)
    alerted_of(store, one)
    told_of(store, one.story_id, "trial", DAY)
    withdrawn(store, one.story_id, 2 * DAY)
    assert week(store).turns == ()


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────


def edited(one: Judged, title: str, *, version: int, decision: Decision = Decision.ALERT) -> Judged:
    article = replace(one.article, title=title, version=version, raw_hash=f"hash-{version}")
    return replace(one, article=article, verdict=replace(one.verdict, decision=decision), edited=True)


def test_an_edit_of_the_week_comes_with_what_stood_before_it_and_after_it(store: Store) -> None:
    one = seen(1, 3 * DAY)
    recorded(store, one)
    recorded(store, edited(one, "Second", version=2), at=-DAY)
    recorded(store, edited(one, "Third", version=3), at=DAY)
    recorded(store, edited(one, "Fourth", version=4, decision=Decision.DIGEST), at=2 * DAY)
    recorded(store, edited(one, "Fifth", version=5), at=9 * DAY)
    (edition,) = week(store).editions
    assert (edition.title_before, edition.title) == ("Second", "Fourth")
    assert (edition.decision_before, edition.decision) == (Decision.ALERT, Decision.DIGEST)
    assert (edition.replaced_at, edition.feed, edition.feed_name) == (NOW + DAY, FEED, "Harbour Wire")
    (next_week,) = store.judged_between(NOW + 7 * DAY, NOW + 14 * DAY).editions
    assert (next_week.title_before, next_week.title) == ("Fourth", "Fifth")


def test_edits_of_what_never_mattered_or_was_withdrawn_are_left_out(store: Store) -> None:
    dropped, gone = seen(1, DAY, Decision.DROP), seen(2, DAY)
    recorded(store, dropped, gone, announce=(gone,))
    recorded(
        store, edited(dropped, "Other", version=2, decision=Decision.DROP), edited(gone, "Other", version=2), at=DAY
    )
    withdrawn(store, gone.story_id, DAY)
    assert week(store).editions == ()


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_cases_of_the_weeks_stories_come_whole_and_in_order(store: Store) -> None:
    old, other, new = seen(1, 300 * DAY), seen(2, 200 * DAY), seen(3, -DAY)
    case_id = old.story_id
    for one, stage, at in ((old, "charge", -300 * DAY), (other, "", -200 * DAY), (new, "verdict", DAY)):
        chapter = Chapter(story_id=one.story_id, at=one.article.at, people=("Ana Example",), stage=stage)
        chapters = () if one is other else ((case_id, chapter),)
        recorded(store, one, at=at, chapters=chapters)
    (case,) = week(store).cases
    assert case.id == case_id
    assert [(chapter.story_id, chapter.stage) for chapter in case.chapters] == [
        (old.story_id, "charge"),
        (new.story_id, "verdict"),
    ]
    withdrawn(store, old.story_id, DAY)
    (case,) = week(store).cases
    assert [chapter.story_id for chapter in case.chapters] == [new.story_id]


# ── the half year ─────────────────────────────────────────────────────────────────────────────────


def test_the_half_year_has_its_stories_with_what_is_counted_of_them(store: Store) -> None:
    first = seen(1, 100 * DAY)
    joined = seen(2, -DAY, story=first.story_id)
    ancient, later, dropped = seen(3, 400 * DAY), seen(4, -9 * DAY), seen(5, DAY, Decision.DROP)
    facts = Facts(origin_states=("CN",), host_states=("US", "CA"), codes=("response",))
    recorded(store, ancient, at=-400 * DAY)
    recorded(store, first, at=-100 * DAY, announce=(first,), facts=((first.story_id, facts),))
    recorded(store, joined, at=DAY)
    recorded(store, dropped)
    recorded(store, later, at=9 * DAY)
    (one,) = week(store).past
    assert (one.story_id, one.first_at, one.last_at) == (first.story_id, NOW - 100 * DAY, NOW + DAY)
    assert (one.alerted, one.language, one.feeds) == (True, "en", (FEED,))
    assert one.codes == ("abduction",)
    withdrawn(store, first.story_id, DAY)
    assert week(store).past == ()


def test_the_facts_of_past_stories_are_counted(store: Store) -> None:
    one = seen(1, 50 * DAY, Decision.DIGEST)
    facts = Facts(origin_states=("CN",), host_states=("US", "CA"), codes=("response",))
    recorded(store, one, facts=((one.story_id, facts),))
    (found,) = week(store).past
    assert (found.origin_states, found.host_states, found.alerted) == (("CN",), ("US", "CA"), False)
    assert found.codes == ("abduction", "response")


# ── texts, held, withdrawn ────────────────────────────────────────────────────────────────────────


def test_the_beginnings_of_the_weeks_texts_are_given(store: Store) -> None:
    long, bare, dropped = seen(1, -DAY, text="x" * 9_000), seen(2, -DAY, text=""), seen(3, -DAY, Decision.DROP)
    recorded(store, long, bare, dropped)
    assert week(store).passages == ((article_id(1), "x" * 4_000),)


def test_stories_held_in_the_week_are_counted_by_channel(store: Store) -> None:
    one, other = seen(1, -DAY), seen(2, -DAY)
    mail = (
        a_delivery(f"story:{one.story_id}", story_id=one.story_id),
        a_delivery(f"story:{one.story_id}/stage:trial", story_id=one.story_id),
        a_delivery(f"story:{other.story_id}", story_id=other.story_id),
        a_delivery(f"story:{other.story_id}", "second", story_id=other.story_id),
        a_delivery("digest:2026-W46/1", "second"),
    )
    recorded(store, one, other, announce=(one, other), mail=mail, at=DAY)
    assert week(store).held == ()
    with store._writing() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.HELD, queued_at=NOW + DAY))
    assert week(store).held == (("main", 2), ("second", 1))
    assert store.judged_between(EPOCH, NOW).held == ()


def test_what_was_told_and_withdrawn_in_the_week_is_counted_and_no_more_told(store: Store) -> None:
    alerted, from_digest = seen(1, -DAY), seen(2, 9 * DAY, Decision.DIGEST)
    never, before = seen(3, -DAY, Decision.DIGEST), seen(4, 9 * DAY)
    recorded(store, alerted, from_digest, never, before, announce=(alerted, before))
    for one, at in ((alerted, 2 * DAY), (from_digest, 2 * DAY), (never, 2 * DAY), (before, -DAY)):
        withdrawn(store, one.story_id, at)
    found = week(store)
    assert found.withdrawn == 2
    assert (found.stories, found.judged) == ((), ())


def test_of_a_thousand_stories_a_week_is_read_whole(store: Store) -> None:
    ones = [seen(n, -DAY) for n in range(1_100)]
    recorded(store, *ones, announce=tuple(ones))
    found = week(store)
    assert len(found.past) == len(found.stories) == len(found.passages) == 1_100
    assert a_story(ones[0]).id in {story.id for story in found.stories}
