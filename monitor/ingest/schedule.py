"""When is a feed due next? Pure: `now` and the random source are parameters, and nothing is remembered here.

After an answer   the operator's `every`, exactly; otherwise when the waiting that has probably gathered in the feed is
                  worth a request, or later where the feed wishes it (`ttl`, `max-age`, skipHours, skipDays), between
                  5 minutes and 6 hours (or the default interval, if that is longer)
After a failure   twice as long each time, from the interval (or an hour, where asking again soon is rude) up to a day
Retry-After       obeyed up to a day, and never sooner than the interval

An item that waits an hour in a feed before it is seen costs an item-hour. One price in item-hours holds for every feed
and every hour: a feed is asked as soon as its rhythm lets expect that much waiting. Then no request would spare more
waiting anywhere else, and a higher price means fewer requests over all feeds at once: `price_within` finds the price
for a budget. A feed is asked earlier than that only where half of what it shows may have been replaced.

Nothing that a site says can put a feed to sleep for longer than a day. Feeds which fell into step do not stay so: each
wait is made a little longer or shorter, by the feed's address and the time after an answer, by chance after a failure.
"""

from __future__ import annotations

import math
import random
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.errors import FetchFailure
from monitor.ingest import rhythm as rhythms
from monitor.ingest.rhythm import Rhythm, Wish
from monitor.model import EPOCH, Feed, FeedState, ParsedFeed

DEFAULT = timedelta(minutes=15)
WAIT_LIMITS = (timedelta(minutes=5), timedelta(hours=6))
RETRY_LIMITS = (timedelta(minutes=1), timedelta(hours=24))
LONGEST_WAIT = timedelta(hours=24)
RUDE_WAIT = timedelta(hours=1)
KILLS_TOLERATED = 2

_RUDE = frozenset(
    kind.value
    for kind in (
        FetchFailure.UNAUTHORIZED,
        FetchFailure.FORBIDDEN,
        FetchFailure.LEGAL,
        FetchFailure.NOT_FOUND,
        FetchFailure.GONE,
    )
)
_PARSER_KILLED = "parser-killed"
_STEADY_JITTER = 0.05
_FAILURE_JITTER = 0.2
_FIRST_POLL_SPACING = timedelta(seconds=0.25)
_HOUR = timedelta(hours=1)
_REFERENCE_RATE = 1.0  # items an hour: a feed this busy is asked at the default interval
_WINDOW_SHARE = 0.5
_RATE_STEPS = 20  # a budget is found on rates rounded to a twentieth of e


def next_poll_at(
    feed: Feed,
    state: FeedState,
    *,
    now: datetime,
    default: timedelta = DEFAULT,
    rng: random.Random,
    wish: timedelta | None = None,
    price: float | None = None,
    retry_after: timedelta | None = None,
) -> datetime:
    """Say when `feed` is due next. `state` is the one after the poll at `now`: failures and rhythm are counted already.

    `wish` is for how long the answer wants to be left alone, beside what the rhythm remembers of the feed's own wish.
    `price` is in item-hours; without one, a feed with an item an hour is asked at the `default` interval.
    """
    if state.failures:
        return now + _after_failure(feed.every or default, state, retry_after, rng)
    if feed.every:
        return now + feed.every * _jitter(feed.url, now)
    known = rhythms.decoded(state.rhythm)
    limits = (WAIT_LIMITS[0], max(WAIT_LIMITS[1], default))
    if known.counted_to == EPOCH:  # nothing is known: neither seldom nor often without a reason
        wait = max(default, min(max(wish, limits[0]), limits[1])) if wish else default
        return now + wait * _jitter(feed.url, now)
    return next_look_at(feed.url, known, now=now, price=price or price_of(default), quiet=wish, limits=limits)


def next_look_at(
    url: str,
    rhythm: Rhythm,
    *,
    now: datetime,
    price: float,
    quiet: timedelta | None = None,
    limits: tuple[timedelta, timedelta] = WAIT_LIMITS,
) -> datetime:
    """Say when a feed of this `rhythm` is worth the next look: within `limits` of `now`, and not until `quiet` is over.

    Where both can't be, `limits` stand.
    It lies in an hour or day that the feed asks to skip only if there is no other time within `limits`.
    """
    shortest, longest = limits
    wait = worth_waiting(rhythm, now, price, longest) * _jitter(url, now)
    wait = max(wait, quiet or shortest, rhythm.wish.quiet or shortest, shortest)
    at = now + min(wait, longest)
    if rhythm.wish.skip_hours or rhythm.wish.skip_days:
        at = _outside_skips(at, rhythm.wish, now + shortest, now + longest)
    return at


def worth_waiting(rhythm: Rhythm, now: datetime, price: float, longest: timedelta) -> timedelta:
    """How long until the waiting of all items that are to be expected adds up to `price` item-hours, at most `longest`.

    Shorter where half of what the feed shows at once is to be expected before.
    """
    most_items = max(rhythm.window * _WINDOW_SHARE, 0.5) if rhythm.window else math.inf
    end = longest / _HOUR
    length = 1 - (now - EPOCH) % _HOUR / _HOUR
    at = items = waited = 0.0
    for rate in rhythms.rates(rhythm, now, math.ceil(end) + 1):
        length = min(length, end - at)
        items_then = items + rate * length
        waited_then = waited + (items + items_then) / 2 * length
        if waited_then >= price or items_then >= most_items:
            by_price = (math.sqrt(items * items + 2 * rate * (price - waited)) - items) / rate
            by_window = (most_items - items) / rate
            return (at + min(by_price, by_window, length)) * _HOUR
        at, items, waited, length = at + length, items_then, waited_then, 1.0
    return longest


def price_of(interval: timedelta) -> float:
    """The price in item-hours at which a feed with one item an hour is asked at this `interval`."""
    return _REFERENCE_RATE * (interval / _HOUR) ** 2 / 2


def price_within(
    requests_per_hour: float, known: Iterable[Rhythm], *, limits: tuple[timedelta, timedelta] = WAIT_LIMITS
) -> float:
    """The lowest price in item-hours at which feeds of these rhythms take at most so many requests an hour together.

    Averaged over a week. Feeds that are asked at the operator's `every` are to be left out, and their requests taken
    off. Where even the longest waits take more, the price is the one at which all feeds have them.
    """
    steps: Counter[int] = Counter()
    for rhythm in known:
        steps.update(round(math.log(rate) * _RATE_STEPS) for rate in rhythms.rates(rhythm, EPOCH, rhythms.WEEK_HOURS))
    counts = [(math.exp(step / _RATE_STEPS), count / rhythms.WEEK_HOURS) for step, count in steps.items()]
    seldom, often = _HOUR / limits[1], _HOUR / limits[0]

    def requests(price: float) -> float:
        return sum(min(max(math.sqrt(rate / (2 * price)), seldom), often) * count for rate, count in counts)

    low, high = -30.0, 30.0
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (middle, high) if requests(math.exp(middle)) > requests_per_hour else (low, middle)
    return math.exp(high)


def rhythm_after(state: FeedState, feed: ParsedFeed | None, now: datetime) -> str:
    """`FeedState.rhythm` after a poll at `now` that showed `feed`; None: nothing had changed."""
    return rhythms.encoded(rhythms.learned(rhythms.decoded(state.rhythm), feed, now))


def first_poll_at(index: int, count: int, now: datetime, *, over: timedelta = DEFAULT) -> datetime:
    """Say when the `index`-th (from 0) of `count` new feeds is polled first.

    A quarter of a second apart, closer only where they would not fit into `over`: a few feeds are all asked at once,
    and thousands do not come as a flood.
    """
    return now + index * min(_FIRST_POLL_SPACING, over / max(count, 1))


def _jitter(url: str, now: datetime) -> float:
    share = zlib.crc32(f"{url} {now.isoformat()}".encode("utf-8", "replace")) / 0xFFFFFFFF
    return 1 + _STEADY_JITTER * (2 * share - 1)


def _outside_skips(wanted: datetime, wish: Wish, earliest: datetime, latest: datetime) -> datetime:
    """The first moment from `wanted` on that is not to be skipped; failing that, the last one before it."""
    later = wanted
    while later <= latest:
        if not _skipped(later, wish):
            return later
        later = later.replace(minute=0, second=0, microsecond=0) + _HOUR
    sooner = wanted
    while sooner >= earliest:
        if not _skipped(sooner, wish):
            return sooner
        sooner = sooner.replace(minute=0, second=0, microsecond=0) - timedelta(seconds=1)
    return wanted


def _skipped(at: datetime, wish: Wish) -> bool:
    return at.hour in wish.skip_hours or at.weekday() in wish.skip_days


def _after_failure(
    interval: timedelta, state: FeedState, retry_after: timedelta | None, rng: random.Random
) -> timedelta:
    longest = max(LONGEST_WAIT, interval)
    if retry_after is not None:
        wait = max(min(max(retry_after, RETRY_LIMITS[0]), RETRY_LIMITS[1]), interval)
    elif state.error_kind == _PARSER_KILLED and state.failures > KILLS_TOLERATED:
        wait = longest
    else:
        base = max(interval, RUDE_WAIT) if state.error_kind in _RUDE else interval
        wait = base * 2 ** min(state.failures - 1, 20)
    return min(wait * rng.uniform(1, 1 + _FAILURE_JITTER), longest)
