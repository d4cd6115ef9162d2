"""The half year in numbers: what the pictures show. Pure counting, of the whole watch."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.digest.news import routes
from monitor.model import Judged, PastStory, Trends, WeekTally

WEEKS = 26
_LONGEST_DELAY = timedelta(days=14)
"""What is older was no news when it came: a feed's archive, or a wrong date."""


def trends(past: Sequence[PastStory], judged: Sequence[Judged], *, first_day: date, tz: ZoneInfo) -> Trends | None:
    """Count the `WEEKS` weeks up to the one of the Monday `first_day`; None where there is nothing to count."""
    if not past:
        return None
    mondays = [first_day - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    first = min(_monday(story.first_at, tz) for story in past)
    alerted = Counter(_monday(story.first_at, tz) for story in past if story.alerted)
    below = Counter(_monday(story.first_at, tz) for story in past if not story.alerted)
    delays = sorted(_delays(judged))
    bounds = Trends().bounds
    places = Counter(bisect_left(bounds, delay) for delay in delays)
    return Trends(
        weeks=tuple(
            # Before the watch began there was nothing to count, which is not the same as nothing.
            WeekTally(first_day=monday, alerted=alerted[monday], below=below[monday])
            for monday in mondays
            if monday >= first
        ),
        routes=routes([(story.origin_states, story.host_states, story.alerted) for story in past]),
        codes=_counted(code for story in past for code in story.codes),
        languages=_counted(story.language for story in past),
        delays=tuple(places[place] for place in range(len(bounds) + 1)) if delays else (),
        delay=delays[len(delays) // 2] if delays else None,
    )


def _monday(at: datetime, tz: ZoneInfo) -> date:
    day = at.astimezone(tz).date()
    return day - timedelta(days=day.weekday())


def _delays(judged: Sequence[Judged]) -> Iterable[timedelta]:
    for row in judged:
        published, seen = row.article.published_at, row.article.first_seen_at
        # What a first poll remembers says nothing of how fast we are, and a date in the future is none.
        if row.article.recent and published and timedelta() <= seen - published <= _LONGEST_DELAY:
            yield seen - published


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(filter(None, names)).items(), key=lambda pair: (-pair[1], pair[0])))
