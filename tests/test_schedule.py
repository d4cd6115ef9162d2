"""When is a feed due next?"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FetchFailure
from monitor.ingest.schedule import first_poll_at, next_poll_at
from monitor.model import Feed, FeedState

NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
URL = "https://news.test/rss"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def wait(
    failures: int = 0,
    kind: str = "",
    *,
    every: timedelta | None = None,
    wish: timedelta | None = None,
    retry_after: timedelta | None = None,
    seed: int = 1,
) -> timedelta:
    state = FeedState(url=URL, failures=failures, error_kind=kind)
    rng = random.Random(seed)
    feed = Feed(url=URL, every=every)
    return next_poll_at(feed, state, now=NOW, rng=rng, wish=wish, retry_after=retry_after) - NOW


def near(found: timedelta, meant: timedelta, share: float = 0.051) -> bool:
    return abs(found - meant) <= meant * share


def test_a_feed_that_answers_is_due_after_the_default_interval() -> None:
    assert near(wait(), 15 * MINUTE)


@pytest.mark.parametrize("every", [2 * MINUTE, HOUR, 48 * HOUR])
def test_the_operators_word_stands_whatever_the_feed_wishes(every: timedelta) -> None:
    assert near(wait(every=every), every)
    assert near(wait(every=every, wish=3 * HOUR), every)


@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        (timedelta(seconds=1), 15 * MINUTE),
        (10 * MINUTE, 15 * MINUTE),
        (2 * HOUR, 2 * HOUR),
        (365 * 24 * HOUR, 6 * HOUR),
        (timedelta(0), 15 * MINUTE),
    ],
)
def test_a_feeds_wish_lengthens_the_wait_up_to_six_hours(wish: timedelta, meant: timedelta) -> None:
    assert near(wait(wish=wish), meant)


def test_a_wish_is_never_read_as_under_five_minutes() -> None:
    state = FeedState(url=URL)
    found = next_poll_at(Feed(url=URL), state, now=NOW, default=MINUTE, wish=2 * MINUTE, rng=random.Random(1))
    assert near(found - NOW, 5 * MINUTE)


def test_failures_double_the_wait_up_to_a_day() -> None:
    waits = [wait(failures, FetchFailure.TIMEOUT) for failures in range(1, 40)]
    for failures, found in enumerate(waits[:6]):
        assert 15 * MINUTE * 2**failures <= found <= 15 * MINUTE * 2**failures * 1.2
    assert waits[-1] == 24 * HOUR
    assert max(waits) <= 24 * HOUR


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden", "unavailable-for-legal-reasons", "not-found", "gone"])
def test_where_asking_again_soon_is_rude_it_starts_at_an_hour(kind: str) -> None:
    assert HOUR <= wait(1, kind) <= 1.2 * HOUR
    assert 4 * HOUR <= wait(3, kind) <= 4.8 * HOUR
    assert wait(30, kind) == 24 * HOUR
    assert wait(1, kind, every=5 * HOUR) >= 5 * HOUR


def test_a_feed_that_kills_the_parser_three_times_rests_a_day() -> None:
    assert wait(1, "parser-killed") < HOUR
    assert wait(2, "parser-killed") < HOUR
    assert wait(3, "parser-killed") == 24 * HOUR


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        (timedelta(seconds=1), 15 * MINUTE, 18 * MINUTE),
        (-HOUR, 15 * MINUTE, 18 * MINUTE),
        (2 * HOUR, 2 * HOUR, 2.4 * HOUR),
        (365 * 24 * HOUR, 24 * HOUR, 24 * HOUR),
    ],
)
def test_retry_after_is_obeyed_between_the_interval_and_a_day(
    said: timedelta, least: timedelta, most: timedelta
) -> None:
    for failures in (1, 9):
        assert least <= wait(failures, FetchFailure.RATE_LIMITED, retry_after=said) <= most


def test_an_interval_over_a_day_is_not_shortened_by_failing() -> None:
    assert wait(1, FetchFailure.TIMEOUT, every=48 * HOUR) == 48 * HOUR


@given(
    st.integers(0, 10_000),
    st.sampled_from([*FetchFailure, "parser-killed", "not-a-feed"]),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=4000)),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=4000)),
    st.integers(),
)
def test_nothing_that_a_site_does_puts_a_feed_to_sleep_for_over_a_day_or_makes_it_hurry(
    failures: int, kind: str, wish: timedelta | None, retry_after: timedelta | None, seed: int
) -> None:
    found = wait(failures, kind, wish=wish, retry_after=retry_after if failures else None, seed=seed)
    assert 14 * MINUTE <= found <= 24 * HOUR


def test_feeds_that_fell_into_step_do_not_stay_so() -> None:
    assert len({wait(seed=seed) for seed in range(50)}) > 45
    assert len({wait(2, FetchFailure.SERVER, seed=seed) for seed in range(50)}) > 45


def test_a_few_new_feeds_are_asked_at_once_and_thousands_are_spread() -> None:
    assert first_poll_at(0, 1, NOW) == NOW
    assert first_poll_at(19, 20, NOW) - NOW < 5 * timedelta(seconds=1)
    thousand = [first_poll_at(index, 1000, NOW) - NOW for index in range(1000)]
    assert sum(at < MINUTE for at in thousand) == 240
    assert thousand[-1] > 4 * MINUTE
    many = [first_poll_at(index, 20_000, NOW, over=10 * MINUTE) - NOW for index in range(20_000)]
    assert 9 * MINUTE < many[-1] < 10 * MINUTE
    assert many == sorted(many)
    assert first_poll_at(0, 0, NOW) == NOW
