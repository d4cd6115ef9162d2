"""How long does an item wait before it is seen? Four ways of choosing the next poll, replayed over publication times.

Every policy has one free parameter, found by bisection so that all make the same number of requests within 1 %. Delay
is from publication to the first poll after it; the mean is over items, whatever feed they are of. A feed shows its
newest WINDOW items: what was pushed out before any poll is counted as missed, and waits for the poll that was too late.
Each feed is unknown at the start of its trace. Nothing of the future is looked at: a policy is told at each poll which
items came since the last, and says when to poll next.

    fixed            the same interval for every feed
    entry frequency  miniflux's rule: a week, divided by the entries of the last one, times a factor
    halve, stretch   halved when something is new, otherwise multiplied by a factor (2 is "halving and doubling")
    Longarm          monitor.ingest.schedule and monitor.ingest.rhythm, the factor being the price
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import os
import sys
import zlib
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Protocol

from rich.console import Console
from rich.table import Table

from monitor.ingest import rhythm, schedule
from monitor.model import EPOCH

SHARED = Path(os.environ.get("LONGARM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SETS = {
    "newsapi_2020-04_07": "newsapi_2020-04_07_by_domain.csv.gz",
    "newsapi_2022-01_08": "newsapi_2022-01_08_by_domain.csv.gz",
    "swiss_2026": "swiss_2026_by_source.csv.gz",
}
WINDOW = 25
LIMITS = schedule.WAIT_LIMITS
SHORTEST, LONGEST = (limit.total_seconds() for limit in LIMITS)
WEEK = timedelta(days=7).total_seconds()
TOLERANCE = 0.005
OURS = "Longarm"
COLLECTED_EVERY = 1800.0

Times = Sequence[float]


class Policy(Protocol):
    """One feed's: told at each poll what came since the last one (seconds since the epoch), says how long to wait."""

    def __call__(self, now: float, new: Times, /) -> float: ...


Make = Callable[[float, int], Policy]
"""Of a parameter and the feed's number."""


@dataclass(frozen=True, slots=True)
class Trace:
    """When each feed published (seconds since the epoch, ascending), from `start` to `end`."""

    name: str
    start: float
    end: float
    feeds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy cost and brought; delays in minutes."""

    parameter: float
    requests: int
    mean: float
    ninetieth: float
    feed_mean: float
    missed: int


# ── the policies ──────────────────────────────────────────────────────────────────────────────────


def fixed(interval: float, _feed: int) -> Policy:
    return lambda _now, _new: interval


def entry_frequency(factor: float, _feed: int) -> Policy:
    week: deque[float] = deque()

    def wait(now: float, new: Times) -> float:
        week.extend(new)
        while week and week[0] <= now - WEEK:
            week.popleft()
        return min(max(factor * WEEK / len(week), SHORTEST), LONGEST) if week else LONGEST

    return wait


def halve_or_stretch(factor: float, _feed: int) -> Policy:
    interval = 3600.0

    def wait(_now: float, new: Times) -> float:
        nonlocal interval
        interval = max(interval / 2, SHORTEST) if new else min(interval * factor, LONGEST)
        return interval

    return wait


class Longarm:
    def __init__(self, price: float, feed: int) -> None:
        self.price = price
        self.url = f"https://feed.example/{feed}"
        self.rhythm = rhythm.Rhythm()

    def __call__(self, now: float, new: Times, /) -> float:
        at = EPOCH + timedelta(seconds=now)
        if self.rhythm.counted_to == EPOCH:
            self.rhythm = rhythm.Rhythm(counted_to=at, aged_at=at, window=WINDOW)
        else:
            times = [EPOCH + timedelta(seconds=one) for one in new]
            since = times[0] if len(new) >= WINDOW else None
            self.rhythm = rhythm.seen(self.rhythm, times, at, since=since)
        due = schedule.next_look_at(self.url, self.rhythm, now=at, price=self.price, limits=LIMITS)
        return (due - at).total_seconds()


POLICIES: dict[str, tuple[Make, float, float]] = {
    "fixed": (fixed, 60.0, 200_000.0),
    "entry frequency": (entry_frequency, 1e-4, 1e4),
    "halve, stretch": (halve_or_stretch, 1.0005, 200.0),
    "Longarm": (Longarm, 1e-5, 1e4),
}


# ── the replay ────────────────────────────────────────────────────────────────────────────────────


def replay(trace: Trace, make: Make, parameter: float) -> Outcome:
    """Poll every feed of the trace from its start to its end. The first poll is spread over 15 minutes."""
    requests = missed = 0
    delays: list[float] = []
    feed_means = []
    for feed, items in enumerate(trace.feeds):
        polls, lost = _polls(trace, feed, items, make(parameter, feed))
        requests += sum(1 for at in polls if at <= trace.end)
        missed += lost
        own = list(_delays(items, polls))
        delays += own
        if own:
            feed_means.append(fmean(own))
    delays.sort()
    return Outcome(
        parameter, requests, fmean(delays) / 60, delays[int(0.9 * len(delays))] / 60, fmean(feed_means) / 60, missed
    )


def _polls(trace: Trace, feed: int, items: Times, policy: Policy) -> tuple[list[float], int]:
    """When a feed is polled, the last time after its last item, and how many items no poll saw."""
    now = trace.start + 900.0 * (zlib.crc32(b"%d" % feed) / 0xFFFFFFFF)
    seen = bisect_right(items, now)
    polls, missed = [now], 0
    wait = policy(now, ())
    while now <= trace.end:
        now += wait
        came = bisect_right(items, now, seen)
        missed += max(came - seen - WINDOW, 0)
        wait = policy(now, items[max(seen, came - WINDOW) : came])
        seen = came
        polls.append(now)
    return polls, missed


def _delays(items: Times, polls: Times) -> Iterator[float]:
    """What was there before the first poll is left out."""
    index = 0
    for at in items[bisect_right(items, polls[0]) :]:
        while polls[index] < at:
            index += 1
        yield polls[index] - at


def matched(trace: Trace, name: str, requests: float) -> Outcome:
    """The policy's outcome at so many requests: more of the parameter means fewer of them.

    Bisection, made quicker by a straight line through the last two tries, and by a first guess from each 16th feed.
    """
    make, lowest, highest = POLICIES[name]
    low, high = math.log(lowest), math.log(highest)
    at = (low + high) / 2
    if len(trace.feeds) > 100:
        few = replace(trace, feeds=trace.feeds[::16])
        at = math.log(matched(few, name, requests * len(few.feeds) / len(trace.feeds)).parameter)
    before: tuple[float, float] | None = None
    slope = -0.5
    while True:
        outcome = replay(trace, make, math.exp(at))
        excess = math.log(outcome.requests / requests)
        if abs(excess) < TOLERANCE or high - low < 1e-9:
            return outcome
        low, high = (at, high) if excess > 0 else (low, at)
        if before and before[0] != at:
            slope = min((excess - before[1]) / (at - before[0]), -0.05)
        before = at, excess
        at -= excess / slope
        if not low < at < high:
            at = (low + high) / 2


# ── the traces ────────────────────────────────────────────────────────────────────────────────────


def load(name: str) -> Trace:
    """A trace of the shared data, its feeds in the order of their names."""
    feeds: dict[str, list[float]] = defaultdict(list)
    with gzip.open(SHARED / "data" / "traces" / SETS[name], "rt", encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        for row in rows:
            feeds[row[0]].append(float(row[1]))
    start, end = min(map(min, feeds.values())), max(map(max, feeds.values()))
    return Trace(name, start, end, tuple(tuple(sorted(feeds[feed])) for feed in sorted(feeds)))


def spread_out(trace: Trace) -> Trace:
    """The trace with the items of one instant spread evenly over the half hour before.

    Where a collector looked every half hour and wrote down when, a policy could learn the collector's clock.
    """
    feeds = []
    for items in trace.feeds:
        times: list[float] = []
        for at, alike in groupby(items):
            count = sum(1 for _ in alike)
            times += (at - COLLECTED_EVERY * (n + 0.5) / count for n in range(count))
        feeds.append(tuple(sorted(at for at in times if at > trace.start)))
    return replace(trace, name=f"{trace.name}, spread out", feeds=tuple(feeds))


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def compared(trace: Trace, interval: timedelta) -> float:
    """Print a table at a request a feed and `interval` on average; return Longarm's mean delay to the best other's."""
    requests = len(trace.feeds) * (trace.end - trace.start) / interval.total_seconds()
    outcomes = {name: matched(trace, name, requests) for name in POLICIES}
    best = min(outcome.mean for name, outcome in outcomes.items() if name != OURS)
    items = sum(map(len, trace.feeds))
    table = Table(
        "policy", "requests", "mean", "90 %", "mean of feeds", "missed", "to the best other",
        title=f"{trace.name}: {len(trace.feeds)} feeds, {items:,} items, a request a feed every {interval}",
    )  # fmt: skip
    for name, one in outcomes.items():
        table.add_row(
            name,
            f"{one.requests:,}",
            f"{one.mean:.1f} min",
            f"{one.ninetieth:.1f} min",
            f"{one.feed_mean:.1f} min",
            f"{one.missed:,} ({100 * one.missed / items:.2f} %)",
            f"{one.mean / best:.2f}",
        )
    Console(width=120).print(table)
    return outcomes[OURS].mean / best


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.polling", description="Compare ways of choosing polls.")
    parser.add_argument(
        "--budgets", action="store_true", help="other numbers of requests; large traces by each 8th feed"
    )
    chosen = parser.parse_args(arguments)
    if not (SHARED / "data" / "traces").is_dir():
        print(f"bench-polling: skipped, there are no publication times in {SHARED / 'data' / 'traces'}")
        return 0
    hour = timedelta(hours=1)
    traces = [load(name) for name in SETS]
    traces.append(spread_out(traces[-1]))
    if not chosen.budgets:
        worst = max(compared(trace, hour) for trace in traces)
        print(f"mean delay, Longarm's to the best other policy's: at most {worst:.2f}")
        return 0
    for trace in traces:
        large = len(trace.feeds) > 100
        few = replace(trace, name=f"{trace.name}, each 8th feed", feeds=trace.feeds[::8]) if large else trace
        for interval in (hour / 4, hour / 2, 2 * hour, 3 * hour):
            compared(few, interval)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
