"""When does a feed publish? Learned from what it shows at each poll, and told as a rate for any hour to come.

How much         items an hour of late; what is seven days old counts half
At which hour    a count for each hour of the week; what is 28 days old counts half. An hour that has seen little is
                 taken for what its hour of the day and its weekday are, and those for the average
What is new      an entry whose title or page was not shown at the last look: the feed's own ids may change each time
What was missed  where nothing of the last look is shown any more: the rate, over the time that nothing shown covers

A feed's dates are believed only between the last look and this one, so no site can write itself a past or a future.
Pure: nothing here reads a clock. What is remembered is a text under 2 kB, and garbage in its place is a feed unknown.
Decides nothing: what a rate means for the next poll is `schedule`'s.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import EPOCH, Entry, ParsedFeed

WEEK_HOURS = 168
RATE_HALF_LIFE = timedelta(days=7)
SHAPE_HALF_LIFE = timedelta(days=28)
# A feed of which nothing is known: as if two items had come in twelve hours that were watched.
PRIOR_ITEMS, PRIOR_HOURS = 2.0, 12.0
# After so many items a feed's own distribution weighs as much as the coarser one it is drawn towards.
DAY_HOURS_TRUST = 12.0
WEEKDAYS_TRUST = 28.0
WEEK_HOURS_TRUST = 1_000.0
# At the first look the dates in the feed are its past; what is older was left standing for other reasons.
FIRST_LOOK_SPAN = timedelta(days=14)
MARKS = 96

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_EPOCH_HOUR = 72  # the epoch was a Thursday, and a week begins on Monday
_AGED_EVERY = timedelta(days=1)
_MEAN_LIFE_HOURS = RATE_HALF_LIFE / _HOUR / math.log(2)

_VERSION = 1
_HEAD = struct.Struct("<BHBHIB3f2d")
_CELLS = struct.Struct(f"<{WEEK_HOURS}e")
_MOST = 1e12  # more than any count or second comes to, so that garbage can't grow out of its format
_MOST_IN_A_CELL = 60_000.0  # what half a float holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a feed asks of its readers: to be left alone for `quiet`, in `skip_hours` (0..23 UTC), on `skip_days` (0 is
    Monday).
    """

    quiet: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


NO_WISH = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What is known of when a feed publishes.

    `hours` are items by hour of the week (UTC, Monday 00:00 first), `items` those of late and `watched_hours` the time
    in which they came, all fading with age. Everything up to `counted_to` is counted (the epoch: never looked at).
    `shown` marks the entries of the last look, `window` says how many there were. `missed` estimates the items that
    came and went between two looks, fading like `items`. `wish` is the newest that the feed said.
    """

    hours: tuple[float, ...] = (0.0,) * WEEK_HOURS
    items: float = 0.0
    watched_hours: float = 0.0
    missed: float = 0.0
    counted_to: datetime = EPOCH
    aged_at: datetime = EPOCH
    window: int = 0
    shown: tuple[int, ...] = ()
    wish: Wish = NO_WISH


# ── learning ──────────────────────────────────────────────────────────────────────────────────────


def learned(rhythm: Rhythm, feed: ParsedFeed | None, now: datetime) -> Rhythm:
    """Take in what a feed shows at `now`. None: it said that nothing has changed."""
    if feed is None:
        return seen(replace(rhythm, counted_to=_begun(rhythm, now)), (), now)
    ranked = _newest(feed.entries)
    new = _new(rhythm, feed.entries)
    if rhythm.counted_to == EPOCH:
        after = _first_look(rhythm, new, now)
    else:
        since = min(_covered_from(rhythm, feed.entries, now) or rhythm.counted_to, now)
        middle = since + (now - since) / 2
        times = [min(max(entry.published_at or middle, since), now) for entry in new]
        after = seen(rhythm, times, now, since=since)
        after = replace(after, missed=after.missed + missed(rhythm, feed.entries, now))
    after = replace(after, wish=Wish(quiet=feed.ttl, skip_hours=feed.skip_hours, skip_days=feed.skip_days))
    if not ranked:
        return after  # a site that empties its feed for a while will show the same again
    return replace(after, window=len(feed.entries), shown=tuple(_mark(entry) for entry in ranked))


def _new(rhythm: Rhythm, entries: Sequence[Entry]) -> list[Entry]:
    before = frozenset(rhythm.shown)
    new = [[entry for entry in part if _mark(entry) not in before] for part in _ends(entries)]
    return max(new, key=len)


def _first_look(rhythm: Rhythm, entries: Sequence[Entry], now: datetime) -> Rhythm:
    """The dates in the feed are its past. The oldest opens the time that was watched; it did not come in it."""
    dates = sorted(entry.published_at for entry in entries if entry.published_at)
    past = [at for at in dates if now - FIRST_LOOK_SPAN < at <= now]
    since = past[0] if past else now
    return seen(replace(rhythm, counted_to=since, aged_at=since), past[1:], now)


def _begun(rhythm: Rhythm, now: datetime) -> datetime:
    return now if rhythm.counted_to == EPOCH else rhythm.counted_to


def seen(rhythm: Rhythm, times: Sequence[datetime], now: datetime, *, since: datetime | None = None) -> Rhythm:
    """Count items that came at `times`, all between `since` and `now`. `since` is `counted_to` unless some were missed.

    A clock that was set back counts as no time at all.
    """
    gap = max(now - rhythm.counted_to, timedelta())
    fade = 0.5 ** (gap / RATE_HALF_LIFE)
    watched = min(gap, now - since) if since else gap
    hours, aged_at = rhythm.hours, rhythm.aged_at
    if now - aged_at >= _AGED_EVERY or now < aged_at:
        age = 0.5 ** (max(now - aged_at, timedelta()) / SHAPE_HALF_LIFE)
        hours, aged_at = tuple([count * age for count in hours]), now
    items = rhythm.items * fade
    if times:
        counts = list(hours)
        for at in times:
            counts[_hour(at)] += 1.0
            items += 0.5 ** ((now - at) / RATE_HALF_LIFE)
        hours = tuple(counts)
    return replace(
        rhythm,
        hours=hours,
        items=items,
        watched_hours=rhythm.watched_hours * fade + _MEAN_LIFE_HOURS * (1 - 0.5 ** (watched / RATE_HALF_LIFE)),
        missed=rhythm.missed * fade,
        counted_to=now,
        aged_at=aged_at,
    )


def missed(rhythm: Rhythm, entries: Sequence[Entry], now: datetime) -> float:
    """Estimate how many items came and went unseen since the last look: 0 while anything of it is still shown.

    Otherwise the rate times the time that no date shown covers; without dates, times the whole gap, less what is shown.
    """
    covered_from = _covered_from(rhythm, entries, now)
    if covered_from is None:
        return 0.0
    if covered_from > rhythm.counted_to:
        return rate(rhythm) * ((covered_from - rhythm.counted_to) / _HOUR)
    return max(rate(rhythm) * ((now - rhythm.counted_to) / _HOUR) - len(entries), 0.0)


def _covered_from(rhythm: Rhythm, entries: Sequence[Entry], now: datetime) -> datetime | None:
    """The oldest date shown, from which on nothing was missed; None while anything of the last look is still shown."""
    ranked = _newest(entries)
    if not rhythm.shown or not ranked or not frozenset(rhythm.shown).isdisjoint(map(_mark, ranked)):
        return None
    oldest = min((entry.published_at for entry in entries if entry.published_at), default=rhythm.counted_to)
    return max(oldest, rhythm.counted_to) if oldest <= now else rhythm.counted_to


def _newest(entries: Sequence[Entry]) -> Sequence[Entry]:
    """At most MARKS entries that tell one look from the next."""
    return [entry for part in _ends(entries) for entry in part]


def _ends(entries: Sequence[Entry]) -> Sequence[Sequence[Entry]]:
    """The newest entries, at most MARKS. Of a long feed without dates both ends: either may be where it grows.

    When it grows at one end and is cut at the other, both look new, so only the end with more of it counts.
    """
    if len(entries) <= MARKS:
        return (entries,)
    if not any(entry.published_at for entry in entries):
        return (entries[: MARKS // 2], entries[-MARKS // 2 :])
    return (sorted(entries, key=lambda entry: entry.published_at or EPOCH, reverse=True)[:MARKS],)


def _mark(entry: Entry) -> int:
    page = entry.url.partition("#")[0].partition("?")[0]
    name = f"{entry.title}\0{page}" if entry.title or page else entry.id
    return zlib.crc32(name.encode("utf-8", "replace")) & 0xFFFF


# ── telling ───────────────────────────────────────────────────────────────────────────────────────


def rate(rhythm: Rhythm) -> float:
    """Items an hour of late, over all hours of the week."""
    return (rhythm.items + PRIOR_ITEMS) / (rhythm.watched_hours + PRIOR_HOURS)


def rates(rhythm: Rhythm, start: datetime, count: int) -> list[float]:
    """Items an hour to expect in each of `count` hours from the one in which `start` lies."""
    hours, base, first = rhythm.hours, rate(rhythm), _hour(start)
    total = sum(hours)
    days: dict[int, float] = {}
    expected = []
    for later in range(first, first + count):
        hour = later % WEEK_HOURS
        day = hour // 24
        if day not in days:
            days[day] = 7 * (sum(hours[day * 24 : day * 24 + 24]) + WEEKDAYS_TRUST / 7) / (total + WEEKDAYS_TRUST)
        of_day = 24 * (sum(hours[hour % 24 :: 24]) + DAY_HOURS_TRUST / 24) / (total + DAY_HOURS_TRUST)
        pooled = of_day * days[day]
        own = (WEEK_HOURS * hours[hour] + pooled * WEEK_HOURS_TRUST) / (total + WEEK_HOURS_TRUST)
        expected.append(base * own)
    return expected


def _hour(at: datetime) -> int:
    return ((at - EPOCH) // _HOUR + _EPOCH_HOUR) % WEEK_HOURS


# ── remembering ───────────────────────────────────────────────────────────────────────────────────


def encoded(rhythm: Rhythm) -> str:
    """Write a rhythm as ASCII text of under 2 kB; counts keep three digits."""
    shown = rhythm.shown[:MARKS]
    head = _HEAD.pack(
        _VERSION,
        min(rhythm.window, 0xFFFF),
        len(shown),
        min(int((rhythm.wish.quiet or timedelta()) / _MINUTE), 0xFFFF),
        _bits(rhythm.wish.skip_hours),
        _bits(rhythm.wish.skip_days),
        rhythm.items,
        rhythm.watched_hours,
        rhythm.missed,
        (rhythm.counted_to - EPOCH).total_seconds(),
        (rhythm.aged_at - EPOCH).total_seconds(),
    )
    cells = _CELLS.pack(*(min(count, _MOST_IN_A_CELL) for count in rhythm.hours))
    return base64.b64encode(head + cells + struct.pack(f"<{len(shown)}H", *shown)).decode()


def decoded(text: str) -> Rhythm:
    """Read what `encoded` wrote. Anything else, the empty text too, is a feed of which nothing is known."""
    try:
        raw = base64.b64decode(text, validate=True)
        version, window, marks, quiet, skip_hours, skip_days, *numbers = _HEAD.unpack_from(raw)
        items, watched, lost, counted_to, aged_at = numbers
        hours = _CELLS.unpack_from(raw, _HEAD.size)
        shown = struct.unpack(f"<{marks}H", raw[_HEAD.size + _CELLS.size :])
        if version != _VERSION or not all(0 <= number <= _MOST for number in (*numbers, *hours)):
            return Rhythm()
        return Rhythm(
            hours=hours,
            items=items,
            watched_hours=watched,
            missed=lost,
            counted_to=EPOCH + timedelta(seconds=counted_to),
            aged_at=EPOCH + timedelta(seconds=aged_at),
            window=window,
            shown=shown,
            wish=Wish(
                quiet=quiet * _MINUTE or None, skip_hours=_places(skip_hours, 24), skip_days=_places(skip_days, 7)
            ),
        )
    except (ValueError, OverflowError, struct.error):
        return Rhythm()


def _bits(places: Sequence[int]) -> int:
    return sum(1 << place for place in set(places))


def _places(bits: int, count: int) -> tuple[int, ...]:
    return tuple(place for place in range(count) if bits >> place & 1)
