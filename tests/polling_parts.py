"""Made-up publication times: newspapers with office hours and weekends, wires, slow, bursty and punctual feeds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from bench.polling import Trace

HOUR, DAY = 3600.0, 86_400.0
START = 1_767_571_200.0  # Monday, 5 January 2026, 00:00 UTC
OFFICE = (0.1,) * 6 + (0.6, 1.4, 2.2, 2.4, 2.2, 2.0, 1.8, 1.9, 2.0, 2.0, 1.8, 1.3, 0.8, 0.5, 0.4, 0.2, 0.1, 0.1)
ALL_DAY = (0.6,) * 6 + (1.2,) * 14 + (0.9,) * 4
WEEKEND = 0.35

Feed = Callable[[random.Random, int], Iterator[float]]


def by_the_hour(per_day: float, profile: tuple[float, ...], weekend: float, burst: float = 0.0) -> Feed:
    """A Poisson process by the hour in a zone of its own; with `burst` each item is followed by that many on average."""

    def times(rng: random.Random, days: int) -> Iterator[float]:
        zone = rng.randrange(24)
        scale = per_day / sum(profile) / (1 + burst)
        for hour in range(days * 24):
            local = hour + zone
            rate = scale * profile[local % 24] * (weekend if local // 24 % 7 >= 5 else 1)
            for _ in range(poisson(rng, rate)):
                at = START + (hour + rng.random()) * HOUR
                yield at
                for _ in range(poisson(rng, burst)):
                    yield at + rng.expovariate(1 / (0.5 * HOUR))

    return times


def at_its_hour(items: int, *, every_days: int, spread: float) -> Feed:
    """So many items at one time of the day, give or take `spread` seconds."""

    def times(rng: random.Random, days: int) -> Iterator[float]:
        moment = rng.random() * DAY
        for day in range(rng.randrange(every_days), days, every_days):
            at = START + day * DAY + moment + rng.uniform(-spread, spread)
            yield from (at + 60 * n for n in range(items))

    return times


def poisson(rng: random.Random, mean: float) -> int:
    count, product, floor = 0, rng.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * rng.random()
    return count


def made_up(*, seed: int, days: int, copies: int = 1) -> Trace:
    """Forty feeds (times `copies`) for so many days; the same for the same seed."""
    rng = random.Random(seed)
    kinds: list[Feed] = []
    for _ in range(copies):
        kinds += [by_the_hour(60 * 0.75**n, OFFICE, WEEKEND, burst=n % 3 * 0.5) for n in range(16)]
        kinds += [by_the_hour(per_day, ALL_DAY, 0.8, burst=0.3) for per_day in (30, 100, 250)]
        kinds += [by_the_hour(per_week / 7, OFFICE, WEEKEND) for per_week in (1, 1, 2, 2, 3, 4, 5)]
        kinds += [by_the_hour(per_day, OFFICE, WEEKEND, burst=4) for per_day in (2, 4, 8, 16, 32)]
        kinds += [at_its_hour(1, every_days=1, spread=600), at_its_hour(3, every_days=1, spread=1200)] * 3
        kinds += [at_its_hour(5, every_days=7, spread=HOUR)] * 3
    end = START + days * DAY
    feeds = tuple(tuple(sorted(at for at in kind(rng, days) if START < at < end)) for kind in kinds)
    return Trace("made up", START, end, feeds)
