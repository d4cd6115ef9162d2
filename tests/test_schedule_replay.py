"""What a rhythm is worth: polls replayed over made-up publication times, at the same number of requests."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench import polling
from monitor.ingest import rhythm, schedule
from monitor.model import EPOCH, Entry, Feed, FeedState, ParsedFeed
from tests.polling_parts import DAY, HOUR, made_up

TRACE = made_up(seed=7, days=35)
AN_HOUR = timedelta(hours=1)


def outcomes(trace: polling.Trace, interval: timedelta) -> dict[str, polling.Outcome]:
    requests = len(trace.feeds) * (trace.end - trace.start) / interval.total_seconds()
    found = {name: polling.matched(trace, name, requests) for name in polling.POLICIES}
    for outcome in found.values():
        assert outcome.requests == pytest.approx(requests, rel=0.01)
    return found


def test_at_equal_requests_items_are_seen_much_sooner_than_by_the_usual_rules() -> None:
    found = outcomes(TRACE, AN_HOUR)
    others = [outcome for name, outcome in found.items() if name != polling.OURS]
    ours = found[polling.OURS]
    assert ours.mean <= 0.65 * min(outcome.mean for outcome in others)
    assert ours.ninetieth <= 0.75 * min(outcome.ninetieth for outcome in others)
    assert ours.missed <= min(outcome.missed for outcome in others)


def test_a_punctual_feed_is_met_soon_after_its_hour_with_few_requests_once_that_is_known() -> None:
    daily = tuple(TRACE.start + day * DAY + 9.5 * HOUR for day in range(60))
    trace = polling.Trace("daily", TRACE.start, TRACE.start + 60 * DAY, (daily,))
    ours = polling.replay(trace, polling.Longarm, 0.15)
    fixed = polling.replay(trace, polling.fixed, (trace.end - trace.start) / ours.requests)
    assert ours.requests <= 60 * 12
    assert ours.mean <= 0.6 * fixed.mean


def test_the_replay_is_the_same_each_time() -> None:
    few = replace(TRACE, feeds=TRACE.feeds[::8])
    assert polling.replay(few, polling.Longarm, 0.1) == polling.replay(few, polling.Longarm, 0.1)


def test_whole_polls_with_entries_and_remembered_text_ask_as_often_as_the_replay() -> None:
    items, price = TRACE.feeds[2], 0.1
    start = EPOCH + timedelta(seconds=TRACE.start)
    dates = [EPOCH + timedelta(seconds=at) for at in items if at < TRACE.start + 10 * DAY]
    entries = [Entry(id=str(n), title=f"Item {n}", url="", published_at=at) for n, at in enumerate(dates)]
    feed = Feed(url="https://feed.example/0")
    state, now, polls, shown = FeedState(url=feed.url), start, 0, -1
    while now < start + timedelta(days=10):
        there = sum(at <= now for at in dates)
        answer = ParsedFeed(entries=tuple(reversed(entries[max(there - polling.WINDOW, 0) : there])))
        state = replace(state, rhythm=schedule.rhythm_after(state, answer if there != shown else None, now))
        now = schedule.next_poll_at(feed, state, now=now, price=price, rng=random.Random(1))
        polls, shown = polls + 1, there
    cut = replace(TRACE, end=TRACE.start + 10 * DAY, feeds=(tuple(at for at in items if at < TRACE.start + 10 * DAY),))
    assert polls == pytest.approx(polling.replay(cut, polling.Longarm, price).requests, rel=0.05)


@pytest.mark.parametrize("interval", [AN_HOUR, 2 * AN_HOUR])
def test_the_price_for_a_budget_keeps_to_it_in_the_weeks_after(interval: timedelta) -> None:
    half = TRACE.start + (TRACE.end - TRACE.start) / 2
    known = []
    for items in TRACE.feeds:
        begun = EPOCH + timedelta(seconds=TRACE.start)
        learned = rhythm.Rhythm(counted_to=begun, aged_at=begun)
        dates = [EPOCH + timedelta(seconds=at) for at in items if at <= half]
        known.append(rhythm.seen(learned, dates, EPOCH + timedelta(seconds=half)))
    budget = len(known) / (interval / AN_HOUR)
    price = schedule.price_within(budget, known)
    cut = replace(TRACE, start=half, feeds=tuple(tuple(at for at in items if at > half) for items in TRACE.feeds))
    spent = polling.replay(cut, polling.Longarm, price).requests / ((TRACE.end - half) / HOUR)
    assert 0.8 * budget <= spent <= 1.15 * budget


def test_what_a_feed_pushes_out_between_two_polls_is_missed_and_has_waited() -> None:
    burst = tuple(TRACE.start + HOUR + n for n in range(100))
    trace = polling.Trace("burst", TRACE.start, TRACE.start + DAY, (burst,))
    found = polling.replay(trace, polling.fixed, 6 * HOUR)
    assert found.missed == 100 - polling.WINDOW
    assert 4 * 60 < found.mean < 6 * 60
    assert found.requests == pytest.approx(4, abs=1)


def test_a_week_of_entries_halving_and_stretching_are_what_their_names_say() -> None:
    frequency = polling.entry_frequency(1.0, 0)
    assert frequency(0.0, ()) == polling.LONGEST
    assert frequency(0.0, [0.0] * 100) == pytest.approx(polling.WEEK / 100)
    assert frequency(polling.WEEK, ()) == polling.LONGEST
    doubling = polling.halve_or_stretch(2.0, 0)
    assert [doubling(0.0, ()), doubling(0.0, [0.0]), doubling(0.0, [0.0])] == [7200.0, 3600.0, 1800.0]
    assert min(doubling(0.0, [0.0]) for _ in range(9)) == polling.SHORTEST
    assert max(doubling(0.0, ()) for _ in range(9)) == polling.LONGEST


def test_items_that_a_collector_wrote_down_together_are_spread_over_its_half_hour() -> None:
    trace = polling.Trace("t", 0.0, DAY, ((0.0, 3600.0, 3600.0, 7200.0),))
    assert polling.spread_out(trace).feeds == ((2250.0, 3150.0, 6300.0),)


def test_without_the_real_traces_the_bench_says_so_and_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(polling, "SHARED", tmp_path)
    assert polling.main([]) == 0
    assert capsys.readouterr().out.startswith("bench-polling: skipped")


def test_traces_are_read_and_compared_in_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data" / "traces"
    folder.mkdir(parents=True)
    few = replace(TRACE, end=TRACE.start + 5 * DAY)
    for name in polling.SETS.values():
        rows = [f"{n}.example,{at:.0f},0" for n, feed in enumerate(few.feeds[::8]) for at in feed if at < few.end]
        random.Random(1).shuffle(rows)
        with gzip.open(folder / name, "wt", encoding="utf-8") as lines:
            lines.write("\n".join(["domain,published_unix,first_seen_unix", *rows]))
    monkeypatch.setattr(polling, "SHARED", tmp_path)
    assert polling.main([]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in polling.SETS)
    assert table.count("halve, stretch") == 4
