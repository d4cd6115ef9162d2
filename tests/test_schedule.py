"""When is a feed due next? After failures, at the operator's word, and by what was learned of when it publishes."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FetchFailure
from monitor.ingest.rhythm import WEEK_HOURS, Rhythm, Wish, encoded, rates
from monitor.ingest.schedule import (
    first_poll_at,
    next_look_at,
    next_poll_at,
    price_of,
    price_within,
    rhythm_after,
    worth_waiting,
)
from monitor.model import Entry, Feed, FeedState, ParsedFeed

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


def test_a_feed_of_which_nothing_is_known_is_due_after_the_default_interval() -> None:
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
    urls = [f"https://news.test/{n}" for n in range(50)]
    due = {next_poll_at(Feed(url=url), FeedState(url=url), now=NOW, rng=random.Random(1)) for url in urls}
    assert len(due) > 45
    later = [next_look_at(URL, quiet_feed(1), now=NOW + n * HOUR, price=1) - n * HOUR for n in range(50)]
    assert len(set(later)) > 45
    assert len({wait(2, FetchFailure.SERVER, seed=seed) for seed in range(50)}) > 45


# ── by what was learned ───────────────────────────────────────────────────────────────────────────


def quiet_feed(items_per_hour: float, *, window: int = 0, wish: Wish | None = None) -> Rhythm:
    """A feed long watched that publishes alike at all hours."""
    watched = 200.0
    return Rhythm(
        items=items_per_hour * (watched + 12) - 2,
        watched_hours=watched,
        counted_to=NOW,
        aged_at=NOW,
        window=window,
        wish=wish or Wish(),
    )


def look(rhythm: Rhythm, *, price: float = 1.0, now: datetime = NOW, quiet: timedelta | None = None) -> timedelta:
    return next_look_at(URL, rhythm, now=now, price=price, quiet=quiet) - now


def test_a_feed_is_asked_when_the_waiting_that_gathers_in_it_is_worth_the_price() -> None:
    # Two items an hour for an hour: on average one has waited for half an hour, so one item-hour has gathered.
    assert worth_waiting(quiet_feed(2), NOW, 1.0, 6 * HOUR) == pytest.approx(HOUR, rel=1e-6)
    assert near(look(quiet_feed(2)), HOUR)
    assert near(look(quiet_feed(2), price=4), 2 * HOUR)
    assert near(look(quiet_feed(8)), HOUR / 2)


def test_at_the_default_price_a_feed_with_an_item_an_hour_is_asked_at_the_default_interval() -> None:
    state = FeedState(url=URL, rhythm=encoded(quiet_feed(1)))
    for default in (15 * MINUTE, HOUR):
        found = next_poll_at(Feed(url=URL), state, now=NOW, default=default, rng=random.Random(1)) - NOW
        assert near(found, default, 0.06)
    dear = next_poll_at(Feed(url=URL), state, now=NOW, price=price_of(2 * HOUR), rng=random.Random(1)) - NOW
    assert near(dear, 2 * HOUR, 0.06)


def test_a_default_interval_of_over_six_hours_is_kept_to() -> None:
    state = FeedState(url=URL, rhythm=encoded(quiet_feed(1)))
    for rhythm in ("", state.rhythm):
        found = next_poll_at(
            Feed(url=URL), replace(state, rhythm=rhythm), now=NOW, default=24 * HOUR, rng=random.Random(1)
        )
        assert near(found - NOW, 24 * HOUR)


def test_the_operators_word_stands_whatever_was_learned() -> None:
    state = FeedState(url=URL, rhythm=encoded(quiet_feed(50, wish=Wish(quiet=3 * HOUR, skip_hours=tuple(range(24))))))
    for every in (2 * MINUTE, HOUR, 48 * HOUR):
        found = next_poll_at(Feed(url=URL, every=every), state, now=NOW, rng=random.Random(1)) - NOW
        assert near(found, every)


def test_a_feed_is_left_alone_in_the_hours_in_which_it_never_publishes() -> None:
    hours = [0.0] * WEEK_HOURS
    for day in range(7):
        for hour in range(8, 18):
            hours[day * 24 + hour] = 40.0
    rhythm = Rhythm(hours=tuple(hours), items=200, watched_hours=200, counted_to=NOW, aged_at=NOW)
    morning, evening = NOW.replace(hour=10), NOW.replace(hour=19)
    assert look(rhythm, price=0.5, now=morning) < HOUR
    assert look(rhythm, price=0.5, now=evening) > 3 * HOUR
    before_dawn = NOW.replace(hour=5)
    assert before_dawn + look(rhythm, price=0.5, now=before_dawn) > NOW.replace(hour=8)


def test_a_feed_is_asked_before_half_of_what_it_shows_was_replaced_however_dear_a_request_is() -> None:
    assert near(look(quiet_feed(10), price=1000), 6 * HOUR)
    assert near(look(quiet_feed(10, window=20), price=1000), HOUR)
    assert near(look(quiet_feed(0.1, window=1), price=1000), 5 * HOUR)


def test_a_feeds_own_wish_lengthens_the_wait_up_to_six_hours() -> None:
    assert look(quiet_feed(8, wish=Wish(quiet=2 * HOUR))) == 2 * HOUR
    assert look(quiet_feed(8), quiet=2 * HOUR) == 2 * HOUR
    assert look(quiet_feed(8, wish=Wish(quiet=timedelta(days=7)))) == 6 * HOUR
    assert near(look(quiet_feed(2, wish=Wish(quiet=MINUTE))), HOUR)


def test_an_hour_to_be_skipped_puts_the_poll_behind_it_or_before_it_if_that_is_too_far() -> None:
    short = Wish(skip_hours=(9, 10))
    assert NOW + look(quiet_feed(2, wish=short), price=2) == NOW.replace(hour=11)
    night = Wish(skip_hours=(9, 10, 11, 12, 13, 14, 15))
    assert NOW + look(quiet_feed(2, wish=night), price=2) == NOW.replace(hour=8, minute=59, second=59)
    friday_night = datetime(2026, 11, 13, 23, 30, tzinfo=UTC)
    weekend = Wish(skip_days=(5, 6))
    found = friday_night + look(quiet_feed(2, wish=weekend), now=friday_night)
    assert found.weekday() == 4


def test_a_feed_that_wants_to_be_skipped_always_is_asked_all_the_same() -> None:
    assert near(look(quiet_feed(2, wish=Wish(skip_hours=tuple(range(24))))), HOUR)


CELLS = st.lists(st.floats(0, 500), min_size=WEEK_HOURS, max_size=WEEK_HOURS)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
SKIPS = st.builds(
    Wish,
    quiet=st.none() | st.timedeltas(timedelta(0), timedelta(days=8)),
    skip_hours=st.sets(st.integers(0, 23)).map(tuple),
    skip_days=st.sets(st.integers(0, 6)).map(tuple),
)
RHYTHMS = st.builds(
    lambda cells, items, watched, window, wish: Rhythm(
        hours=tuple(cells), items=items, watched_hours=watched, counted_to=NOW, window=window, wish=wish
    ),
    CELLS,
    st.floats(0, 1e5),
    st.floats(0, 250),
    st.integers(0, 500),
    SKIPS,
)


@given(RHYTHMS, MOMENTS, st.floats(1e-9, 1e9), st.none() | st.timedeltas(timedelta(-1), timedelta(days=9)))
def test_the_next_poll_is_never_sooner_than_five_minutes_nor_later_than_six_hours_and_always_the_same(
    rhythm: Rhythm, now: datetime, price: float, quiet: timedelta | None
) -> None:
    found = next_look_at(URL, rhythm, now=now, price=price, quiet=quiet)
    assert now + 5 * MINUTE <= found <= now + 6 * HOUR
    assert found == next_look_at(URL, rhythm, now=now, price=price, quiet=quiet)


@given(RHYTHMS, MOMENTS, st.floats(1e-3, 1e3))
def test_a_poll_lies_in_a_skipped_hour_only_where_every_other_is_out_of_reach(
    rhythm: Rhythm, now: datetime, price: float
) -> None:
    def skipped(at: datetime) -> bool:
        return at.hour in rhythm.wish.skip_hours or at.weekday() in rhythm.wish.skip_days

    found = next_look_at(URL, rhythm, now=now, price=price)
    if skipped(found):
        reachable = [now + 5 * MINUTE, *(now + minutes * MINUTE for minutes in range(6, 361))]
        assert all(map(skipped, reachable))


@given(RHYTHMS, MOMENTS, st.floats(1e-3, 1e3), st.floats(1, 100))
def test_more_items_never_mean_a_later_poll_and_a_higher_price_never_a_sooner_one(
    rhythm: Rhythm, now: datetime, price: float, times: float
) -> None:
    rhythm = replace(rhythm, wish=Wish())
    busier = replace(rhythm, items=rhythm.items * times)
    found = next_look_at(URL, rhythm, now=now, price=price)
    assert next_look_at(URL, busier, now=now, price=price) <= found
    assert next_look_at(URL, rhythm, now=now, price=price * times) >= found


@given(RHYTHMS, MOMENTS, st.floats(1e-3, 1e3))
def test_the_wait_is_the_one_at_which_the_expected_waiting_adds_up_to_the_price(
    rhythm: Rhythm, now: datetime, price: float
) -> None:
    rhythm = replace(rhythm, window=0)
    found = worth_waiting(rhythm, now, price, 6 * HOUR)
    steps = 4_000
    waited = 0.0
    for n in range(steps):
        at = found * ((n + 0.5) / steps)
        waited += rates(rhythm, now + at, 1)[0] * ((found - at) / HOUR) * (found / steps / HOUR)
    if found < 6 * HOUR:
        assert waited == pytest.approx(price, rel=0.02)
    else:
        assert waited <= price * 1.02


def test_a_price_keeps_to_its_budget_and_a_bigger_budget_is_cheaper() -> None:
    feeds = [quiet_feed(0.02 * 1.5**n) for n in range(20)]
    prices = [price_within(budget, feeds) for budget in (8, 20, 60)]
    assert prices == sorted(prices, reverse=True)
    for budget, price in zip((8, 20, 60), prices, strict=True):
        spent = sum(HOUR / min(max(worth_waiting(feed, NOW, price, 6 * HOUR), 5 * MINUTE), 6 * HOUR) for feed in feeds)
        assert budget * 0.95 <= spent <= budget * 1.05


def test_a_budget_that_cannot_be_kept_means_the_longest_waits_and_a_vast_one_the_shortest() -> None:
    feeds = [quiet_feed(rate) for rate in (0.1, 1, 10)]
    assert all(near(look(feed, price=price_within(0.01, feeds)), 6 * HOUR) for feed in feeds)
    assert all(near(look(feed, price=price_within(1e6, feeds)), 5 * MINUTE) for feed in feeds)
    assert price_within(10, []) > 0


def test_what_a_poll_shows_is_remembered_in_the_state_and_tells_when_to_ask_next() -> None:
    entries = tuple(
        Entry(id=str(n), title=f"Item {n}", url=f"https://news.test/{n}", published_at=NOW - n * 3 * MINUTE)
        for n in range(1, 25)
    )
    busy = FeedState(url=URL, rhythm=rhythm_after(FeedState(url=URL), ParsedFeed(entries=entries), NOW))
    assert 0 < len(busy.rhythm) <= 2_000
    slow_entries = tuple(replace(entry, published_at=NOW - int(entry.id) * 7 * HOUR) for entry in entries)
    slow = FeedState(url=URL, rhythm=rhythm_after(FeedState(url=URL), ParsedFeed(entries=slow_entries), NOW))
    due = [next_poll_at(Feed(url=URL), state, now=NOW, rng=random.Random(1)) - NOW for state in (busy, slow)]
    assert due[0] < 10 * MINUTE
    assert due[1] > 30 * MINUTE
    assert rhythm_after(busy, None, NOW + HOUR) != busy.rhythm


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
