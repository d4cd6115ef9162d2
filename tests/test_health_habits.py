"""What is remembered of a feed's ways, and when a silence is one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import habits as ways
from monitor.habits import Habits, Look, Standing, Trouble
from monitor.ingest import rhythm as rhythms
from monitor.ingest.rhythm import Rhythm
from monitor.model import EPOCH
from tests.polling_parts import made_up
from tests.store_parts import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

moments = st.integers(0, 4_000_000_000).map(lambda seconds: EPOCH + timedelta(seconds=seconds))
spans = st.integers(0, 10**8).map(lambda seconds: timedelta(seconds=seconds))
shares = st.integers(0, 1000).map(lambda n: n / 1000)
standings = st.builds(
    lambda kind, since, words, told, aloud: Standing(
        kind=kind, since=since, words=words, told=told, aloud=told and aloud
    ),
    st.sampled_from(Trouble), moments, st.text(max_size=100), st.booleans(), st.booleans(),
)  # fmt: skip
kept = st.builds(
    Habits,
    new_at=moments, rate=shares, longest=spans, gap=spans, entries=st.integers(0, 500), dated=shares, linked=shares,
    titled=shares, language=st.sampled_from(["", "en", "zh"]), in_language=st.integers(0, 40),
    foreign=st.sampled_from(["", "de"]), in_foreign=st.integers(0, 99), hits=shares, articles=shares,
    dry=st.integers(0, 10**6), unchanged_at=st.lists(moments, max_size=2).map(tuple), full_news=st.integers(0, 3),
    late=st.integers(0, 7), distrusted_until=moments, caught=st.integers(0, 99),
    standing=st.lists(standings, max_size=3).map(tuple),
    rested=st.lists(st.tuples(st.sampled_from(Trouble), moments), max_size=3).map(tuple),
)  # fmt: skip


@given(kept)
def test_habits_come_back_as_they_were_written(habits: Habits) -> None:
    text = ways.encoded(habits)
    assert text.isascii()
    assert ways.decoded(text) == habits


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_garbage_is_a_feed_of_which_nothing_is_known(text: str) -> None:
    assert ways.decoded(text) == Habits()


@pytest.mark.parametrize(
    "text",
    [
        '{"new_at":1e99}', '{"new_at":-1}', '{"entries":true}', '{"rate":NaN}', '{"rate":"1"}', '{"standing":[[1]]}',
        '{"standing":[["unheard-of",1,1,""]]}', '{"rested":{"silent":1}}', '{"unchanged_at":7}', "[" * 100_000,
        '{"longest":1e300}', '{"new_at":999999999999}',
    ],
)  # fmt: skip
def test_values_that_were_not_written_here_are_garbage_too(text: str) -> None:
    assert ways.decoded(text) == Habits()


def test_habits_stay_short_whatever_is_wrong() -> None:
    wrong = tuple(Standing(kind=kind, since=NOW, words="w" * 200, told=True, aloud=True) for kind in Trouble)
    rested = tuple((kind, NOW) for kind in Trouble)
    text = ways.encoded(
        Habits(
            new_at=NOW, rate=12.345, longest=DAY, gap=HOUR, entries=500, dated=0.999, linked=0.999, titled=0.999,
            language="zh", in_language=40, foreign="de", in_foreign=9_999, hits=1234.5, articles=12345.6, dry=123_456,
            unchanged_at=(NOW, NOW), full_news=2, late=7, distrusted_until=NOW, caught=99, standing=wrong, rested=rested,
        )
    )  # fmt: skip
    assert len(text) < 2_000
    assert len(ways.encoded(replace(ways.decoded(text), standing=wrong[:2]))) < 1_000


# ── silence ───────────────────────────────────────────────────────────────────────────────────────


def silences(times: Sequence[datetime], start: datetime, end: datetime) -> list[datetime]:
    """When a feed that publishes at `times` and is looked at every two hours is called silent."""
    rhythm, habits, found, now = Rhythm(counted_to=start, aged_at=start), Habits(), [], start
    silent = False
    while now < end:
        new = [at for at in times if now < at <= now + 2 * HOUR]
        now += 2 * HOUR
        rhythm = rhythms.seen(rhythm, new, now)
        look = Look(at=now, brought=bool(new), newest_at=new[-1] if new else None, rhythm=rhythm)
        habits, said = ways.looked(habits, look)
        if said[Trouble.SILENT] and not silent:
            found.append(now)
        silent = bool(said[Trouble.SILENT])
    return found


def test_newspapers_and_slow_and_bursty_feeds_are_not_called_silent_at_night_or_at_weekends() -> None:
    trace = made_up(seed=3, days=60)
    start, end = (EPOCH + timedelta(seconds=at) for at in (trace.start, trace.end))
    false = 0
    for feed in trace.feeds[::2]:
        times = [EPOCH + timedelta(seconds=at) for at in feed]
        false += sum(at < times[-1] for at in silences(times, start, end)) if times else 0
    assert false <= 1, "of twenty feeds in two months"


@pytest.mark.parametrize(("per_day", "least", "most"), [(48, 1.0, 1.2), (24, 1.0, 1.2), (4, 2.5, 3.5), (1, 7.0, 12.0)])
def test_how_long_a_silence_must_last_depends_on_what_is_usual(per_day: int, least: float, most: float) -> None:
    start = NOW - 60 * DAY
    times = [start + n * DAY / per_day for n in range(40 * per_day)]
    (told,) = silences(times, start, start + 70 * DAY)
    assert least * DAY <= told - times[-1] <= most * DAY


def test_a_feed_that_brings_too_little_to_know_is_not_called_silent() -> None:
    start = NOW - 200 * DAY
    assert silences([start + n * 20 * DAY for n in range(5)], start, NOW) == []


def test_a_year_is_a_silence_whatever_is_usual() -> None:
    start = NOW - 60 * DAY
    rhythm = Rhythm(counted_to=start, aged_at=start)
    rhythm = rhythms.seen(rhythm, [start + n * HOUR for n in range(20)], NOW)
    habits = Habits(new_at=NOW - 366 * DAY, rate=0.0001, longest=timedelta(days=20))
    _, found = ways.looked(habits, Look(at=NOW, rhythm=rhythm))
    assert found[Trouble.SILENT]


def test_a_silence_that_was_told_does_not_put_off_the_next_one_for_twice_as_long() -> None:
    told = Standing(kind=Trouble.SILENT, since=NOW - 20 * DAY, told=True)
    look = Look(at=NOW, brought=True)
    habits, _ = ways.looked(Habits(new_at=NOW - 20 * DAY, rate=1.0, standing=(told,)), look)
    assert habits.longest == 10 * DAY
    habits, _ = ways.looked(Habits(new_at=NOW - 20 * DAY, rate=0.01), look)
    assert habits.longest == 20 * DAY


def test_old_articles_are_no_habit_of_a_feed_that_is_looked_at_for_the_first_time() -> None:
    habits, found = ways.looked(Habits(), Look(at=NOW, newest_at=NOW - DAY))
    assert habits.new_at == NOW - DAY
    assert [kind for kind, words in found.items() if words] == []
    assert ways.hit_share(habits) == 0.0
    assert ways.accepted(habits, Trouble.EMPTY) is habits
