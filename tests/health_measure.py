"""How often a feed that goes on would be called silent, and how soon one that ends is: on real publication times.

    python -m tests.health_measure [each]      each so-manieth feed (1: all; the default 4)

A silence that is told and after which more came is a false one: for all that the times can say. What ends is every
feed, cut off in the middle of its times.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bench.polling import SETS, load
from monitor import habits as ways
from monitor.habits import Habits, Look
from monitor.ingest import rhythm as rhythms
from monitor.ingest.rhythm import Rhythm
from monitor.model import EPOCH

STEP = 2 * 3600.0
DAY = 86_400.0


def silences(items: Sequence[float], start: float, end: float) -> Iterator[tuple[float, float]]:
    """When the feed is told to be silent, and since when it is; polled every two hours."""
    rhythm, kept, index, told, now = Rhythm(), Habits(), 0, False, start
    while now < end:
        now += STEP
        at = EPOCH + timedelta(seconds=now)
        first = index
        while index < len(items) and items[index] <= now:
            index += 1
        times = [EPOCH + timedelta(seconds=one) for one in items[first:index]]
        if rhythm.counted_to == EPOCH:
            rhythm = replace(rhythm, counted_to=at, aged_at=at)
        rhythm = rhythms.seen(rhythm, times, at)
        look = Look(at=at, brought=bool(times), newest_at=times[-1] if times else None, rhythm=rhythm)
        kept = ways._quiet(kept, look)
        silent = bool(ways._silent(kept, look))
        if silent and not told:
            yield now, (kept.new_at - EPOCH).total_seconds()
        told = silent


def main(each: int) -> None:
    for name in SETS:
        trace = load(name)
        feeds = [items for items in trace.feeds[::each] if len(items) >= 10]
        days = (trace.end - trace.start) / DAY
        false = [sum(at < items[-1] for at, _ in silences(items, trace.start, items[-1])) for items in feeds]
        ended, waits = 0, []
        middle = (trace.start + trace.end) / 2
        for items in feeds:
            cut = [at for at in items if at <= middle]
            after = [at for at, since in silences(cut, trace.start, trace.end) if cut and at > cut[-1]]
            ended += bool(cut)
            waits += [(after[0] - cut[-1]) / DAY] if after else []
        print(
            f"{name}: {len(feeds)} feeds over {days:.0f} days; told falsely {sum(false)} times by "
            f"{sum(map(bool, false))} feeds, {30 * sum(false) / days / len(feeds):.3f} a feed and month; "
            f"of {ended} cut off {len(waits)} are told within {days / 2:.0f} days, half of them within "
            f"{statistics.median(waits):.1f} days"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
