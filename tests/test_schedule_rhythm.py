"""What is learned of when a feed publishes, and how it is remembered."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.rhythm import (
    FIRST_LOOK_SPAN,
    MARKS,
    WEEK_HOURS,
    Rhythm,
    Wish,
    decoded,
    encoded,
    learned,
    missed,
    rate,
    rates,
    seen,
)
from monitor.model import EPOCH, Entry, ParsedFeed

MAX_TEXT = 2_000
NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)  # a Tuesday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def entry(n: int, at: datetime | None = None, **more: str) -> Entry:
    fields = {"id": f"id-{n}", "title": f"Item {n}", "url": f"https://news.test/{n}"} | more
    return Entry(published_at=at, **fields)


def feed(entries: Iterable[Entry]) -> ParsedFeed:
    return ParsedFeed(entries=tuple(entries))


def hourly(first: int, last: int) -> ParsedFeed:
    """Items `first` to `last`, the newest first; item n came n hours after NOW."""
    return feed(entry(n, NOW + n * HOUR) for n in range(last, first - 1, -1))


def watched(*, at_hours: Iterable[int], weeks: int = 6, weekdays: Iterable[int] = range(7)) -> Rhythm:
    """A feed that was looked at each hour for `weeks`, with an item at each of those hours of those weekdays."""
    start = datetime(2026, 9, 7, tzinfo=UTC)
    rhythm = Rhythm(counted_to=start, aged_at=start)
    hours, days = set(at_hours), set(weekdays)
    for n in range(1, weeks * WEEK_HOURS + 1):
        came = start + n * HOUR - 30 * MINUTE
        rhythm = seen(rhythm, [came] if came.hour in hours and came.weekday() in days else [], start + n * HOUR)
    return rhythm


# ── how much, and when ────────────────────────────────────────────────────────────────────────────


def test_the_rate_is_learned_and_follows_when_a_feed_becomes_busier() -> None:
    rhythm = watched(at_hours=range(24), weeks=8)
    assert rate(rhythm) == pytest.approx(1, rel=0.1)
    now = rhythm.counted_to
    for n in range(1, 7 * 24 + 1):
        rhythm = seen(rhythm, [now + n * HOUR - MINUTE] * 5, now + n * HOUR)
    assert rate(rhythm) == pytest.approx(3, rel=0.1)  # half of the old, half of the new after one half-life


def test_the_rate_of_a_feed_that_falls_silent_fades() -> None:
    rhythm = watched(at_hours=range(24))
    later = seen(rhythm, [], rhythm.counted_to + 14 * DAY)
    assert rate(later) == pytest.approx(rate(rhythm) / 4, rel=0.2)


def test_the_hours_of_the_day_are_learned() -> None:
    rhythm = watched(at_hours=(9, 10))
    by_hour = rates(rhythm, datetime(2026, 11, 10, 0, 30, tzinfo=UTC), 24)
    assert len(by_hour) == 24
    assert min(by_hour[9:11]) > 10 * max(by_hour[:9] + by_hour[11:])
    assert sum(by_hour) == pytest.approx(2, rel=0.15)


def test_weekends_are_learned_and_the_week_adds_up_to_the_rate() -> None:
    rhythm = watched(at_hours=range(8, 18), weekdays=range(5))
    week = rates(rhythm, datetime(2026, 11, 9, tzinfo=UTC), WEEK_HOURS)
    monday, sunday = sum(week[:24]), sum(week[-24:])
    assert monday > 3 * sunday
    assert sum(week) == pytest.approx(WEEK_HOURS * rate(rhythm), rel=0.02)


def test_a_single_item_does_not_make_a_habit_of_its_hour() -> None:
    rhythm = seen(Rhythm(counted_to=NOW, aged_at=NOW), [NOW + 30 * MINUTE], NOW + HOUR)
    week = rates(rhythm, NOW, WEEK_HOURS)
    assert max(week) < 4 * min(week)


@given(st.lists(st.integers(0, 5_000), max_size=200), st.integers(1, 90))
def test_rates_are_always_positive(minutes: list[int], days: int) -> None:
    rhythm = seen(Rhythm(counted_to=NOW, aged_at=NOW), [NOW + n * MINUTE for n in minutes], NOW + days * DAY)
    assert min(rates(rhythm, NOW, WEEK_HOURS)) > 0


def test_a_clock_that_was_set_back_counts_as_no_time() -> None:
    rhythm = watched(at_hours=range(24))
    back = seen(rhythm, [], rhythm.counted_to - 365 * DAY)
    assert rate(back) == pytest.approx(rate(rhythm))
    assert back.hours == rhythm.hours
    again = seen(back, [back.counted_to + MINUTE], back.counted_to + HOUR)
    assert again.counted_to == back.counted_to + HOUR
    assert again.watched_hours > back.watched_hours


# ── what a poll shows ─────────────────────────────────────────────────────────────────────────────


def test_the_dates_of_the_first_look_are_the_feeds_past() -> None:
    rhythm = learned(Rhythm(), hourly(-24, 0), NOW)
    assert rate(rhythm) == pytest.approx(26 / 36, rel=0.02)
    assert rhythm.counted_to == NOW
    assert rhythm.window == 25


def test_a_first_look_believes_neither_the_future_nor_the_distant_past() -> None:
    odd = [entry(1, NOW + DAY), entry(2, NOW - FIRST_LOOK_SPAN - DAY), entry(3), entry(4, EPOCH)]
    rhythm = learned(Rhythm(), feed(odd), NOW)
    assert rhythm.items == 0
    assert rhythm.watched_hours == 0
    assert rhythm.counted_to == NOW


def test_only_what_was_not_shown_before_is_new() -> None:
    rhythm = learned(Rhythm(counted_to=NOW, aged_at=NOW), hourly(-24, 0), NOW)
    before = rhythm.items
    same = learned(rhythm, hourly(-24, 0), NOW + HOUR)
    assert same.items < before
    more = learned(rhythm, hourly(-23, 3), NOW + 3 * HOUR)
    assert more.items == pytest.approx(before + 3, abs=0.5)


def test_a_feed_whose_ids_and_queries_change_at_each_poll_shows_nothing_new() -> None:
    polls = [
        feed(entry(n, NOW - n * HOUR, id=f"{poll}-{n}", url=f"https://news.test/{n}?s={poll}#x") for n in range(20))
        for poll in range(3)
    ]
    rhythm = learned(Rhythm(), polls[0], NOW)
    later = learned(learned(rhythm, polls[1], NOW + HOUR), polls[2], NOW + 2 * HOUR)
    assert later.items < rhythm.items


def test_items_without_title_and_page_are_told_apart_by_their_id() -> None:
    first = learned(Rhythm(counted_to=NOW, aged_at=NOW), feed([entry(1, title="", url="")]), NOW)
    second = learned(first, feed([entry(2, title="", url=""), entry(1, title="", url="")]), NOW + HOUR)
    assert second.items - first.items == pytest.approx(1, abs=0.05)


def test_dates_outside_of_the_gap_and_none_at_all_are_taken_for_within_it() -> None:
    rhythm = learned(Rhythm(counted_to=NOW, aged_at=NOW), feed([entry(0)]), NOW)
    odd = [entry(0), entry(1, NOW + 300 * DAY), entry(2, NOW - 300 * DAY), entry(3)]
    after = learned(rhythm, feed(odd), NOW + HOUR)
    assert after.items == pytest.approx(rhythm.items + 3, abs=0.05)
    assert after.counted_to == NOW + HOUR


def test_that_nothing_changed_is_learned_too_at_the_first_look_as_well() -> None:
    rhythm = learned(learned(Rhythm(), hourly(-24, 0), NOW), None, NOW + 5 * HOUR)
    assert rhythm.counted_to == NOW + 5 * HOUR
    assert rate(rhythm) < 26 / 36
    assert rhythm.window == 25
    never = learned(Rhythm(), None, NOW)
    assert never.counted_to == NOW
    assert never.watched_hours == 0


def test_an_emptied_feed_does_not_make_everything_new_when_it_is_full_again() -> None:
    rhythm = learned(Rhythm(), hourly(-24, 0), NOW)
    emptied = learned(rhythm, feed([]), NOW + HOUR)
    assert learned(emptied, hourly(-24, 0), NOW + 2 * HOUR).items < rhythm.items


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("dated", [True, False])
def test_of_a_long_feed_what_is_new_is_seen_at_either_end(dated: bool, newest_first: bool) -> None:
    def shows(last: int) -> ParsedFeed:
        entries = [entry(n, NOW - (400 - n) * MINUTE if dated else None) for n in range(last - 300, last)]
        return feed(entries[::-1] if newest_first else entries)

    rhythm = learned(Rhythm(counted_to=NOW, aged_at=NOW), shows(400), NOW)
    after = learned(rhythm, shows(407), NOW + 10 * MINUTE)
    assert len(after.shown) == MARKS
    assert after.items - rhythm.items == pytest.approx(7, abs=0.2)
    assert after.missed == 0


def test_what_the_feed_wishes_is_remembered_until_it_wishes_otherwise() -> None:
    wishes = ParsedFeed(entries=(entry(1),), ttl=2 * HOUR, skip_hours=(0, 23), skip_days=(6,))
    rhythm = learned(learned(Rhythm(), wishes, NOW), None, NOW + HOUR)
    assert decoded(encoded(rhythm)).wish == Wish(quiet=2 * HOUR, skip_hours=(0, 23), skip_days=(6,))
    assert learned(rhythm, feed([entry(1)]), NOW + HOUR).wish == Wish()


# ── what was missed ───────────────────────────────────────────────────────────────────────────────


def test_nothing_was_missed_while_anything_of_the_last_look_is_still_shown() -> None:
    rhythm = learned(Rhythm(), hourly(-24, 0), NOW)
    assert missed(rhythm, hourly(0, 24).entries, NOW + 24 * HOUR) == 0
    assert missed(rhythm, (), NOW + 24 * HOUR) == 0
    assert missed(Rhythm(), hourly(0, 24).entries, NOW + 24 * HOUR) == 0


def test_what_was_missed_is_the_rate_times_the_time_that_nothing_shown_covers() -> None:
    rhythm = watched(at_hours=range(24), weeks=12)
    now = rhythm.counted_to
    rhythm = learned(rhythm, feed(entry(n, now - n * HOUR) for n in range(25)), now)
    later = now + 100 * HOUR
    shown = feed(entry(1000 + n, later - n * HOUR) for n in range(25))
    assert missed(rhythm, shown.entries, later) == pytest.approx(76, rel=0.15)
    after = learned(rhythm, shown, later)
    assert after.missed == pytest.approx(76, rel=0.15)
    assert rate(after) == pytest.approx(1, rel=0.15)  # what nothing covers is no time without items


def test_without_dates_what_was_missed_is_the_rate_times_the_gap_less_what_is_shown() -> None:
    rhythm = watched(at_hours=range(24), weeks=12)
    now = rhythm.counted_to
    rhythm = learned(rhythm, feed(entry(n) for n in range(10)), now)
    others = feed(entry(1000 + n) for n in range(10))
    expected = rate(rhythm) * 50 - 10
    assert missed(rhythm, others.entries, now + 50 * HOUR) == pytest.approx(expected)
    assert missed(rhythm, others.entries, now + HOUR) == 0
    future = feed(entry(1000 + n, now + 900 * HOUR) for n in range(10))
    assert missed(rhythm, future.entries, now + 50 * HOUR) == pytest.approx(expected)


# ── how it is remembered ──────────────────────────────────────────────────────────────────────────


def test_a_rhythm_survives_being_written_down() -> None:
    rhythm = learned(watched(at_hours=range(7, 20), weekdays=range(5)), hourly(-300, 0), NOW)
    again = decoded(encoded(rhythm))
    assert again.counted_to == rhythm.counted_to
    assert again.shown == rhythm.shown
    assert again.window == rhythm.window == 301
    assert rates(again, NOW, WEEK_HOURS) == pytest.approx(rates(rhythm, NOW, WEEK_HOURS), rel=0.002)
    assert encoded(again) == encoded(rhythm)


def test_the_fullest_rhythm_is_short_enough_and_counts_that_grow_for_ever_do_not_break_it() -> None:
    full = Rhythm(
        hours=(1e12,) * WEEK_HOURS, items=1e12, watched_hours=1e6, missed=1e9, counted_to=NOW, aged_at=NOW,
        window=10**9, shown=(65_535,) * 500,
        wish=Wish(quiet=timedelta(days=4000), skip_hours=tuple(range(24)), skip_days=tuple(range(7))),
    )  # fmt: skip
    text = encoded(full)
    assert len(text) <= MAX_TEXT
    assert text.isascii()
    assert len(decoded(text).shown) == MARKS
    assert decoded(text).wish.skip_days == tuple(range(7))


@given(st.text() | st.binary(max_size=900).map(lambda raw: base64.b64encode(raw).decode()))
def test_garbage_is_a_feed_of_which_nothing_is_known_or_a_rhythm_that_works(text: str) -> None:
    rhythm = decoded(text)
    assert min(rates(rhythm, NOW, WEEK_HOURS)) > 0


@given(st.data())
def test_a_text_with_broken_bits_still_gives_rates(data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(encoded(learned(Rhythm(), hourly(-24, 0), NOW))))
    for _ in range(data.draw(st.integers(1, 20))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    rhythm = learned(decoded(base64.b64encode(raw).decode()), hourly(-20, 4), NOW + 4 * HOUR)
    found = rates(rhythm, NOW, WEEK_HOURS)
    assert min(found) > 0
    assert len(encoded(rhythm)) <= MAX_TEXT


def test_vast_numbers_in_the_place_of_a_rhythm_break_nothing_later() -> None:
    vast = Rhythm(items=3e38, watched_hours=1, missed=3e38, counted_to=NOW, aged_at=NOW, shown=(1, 2))
    rhythm = learned(decoded(encoded(vast)), hourly(-24, 0), NOW + 900 * DAY)
    assert len(encoded(rhythm)) <= MAX_TEXT
    assert rate(rhythm) < 1_000


@pytest.mark.parametrize("text", ["", "nonsense", "AAAA", "é", "{}"])
def test_no_text_and_a_strange_one_are_a_feed_never_looked_at(text: str) -> None:
    assert decoded(text) == Rhythm()
