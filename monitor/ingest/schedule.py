"""When is a feed due next? Pure: `now` and the random source are parameters, and nothing is remembered here.

After an answer   the operator's `every`, exactly; otherwise the default, or longer where the feed wishes it (`ttl`,
                  `max-age`), between 5 minutes and 6 hours
After a failure   twice as long each time, from the interval (or an hour, where asking again soon is rude) up to a day
Retry-After       obeyed up to a day, and never sooner than the interval

Nothing that a site says can put a feed to sleep for longer than a day. Every wait has a little chance in it, so that
feeds which once fell into step do not stay so.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from monitor.errors import FetchFailure
from monitor.model import Feed, FeedState

DEFAULT = timedelta(minutes=15)
WISH_LIMITS = (timedelta(minutes=5), timedelta(hours=6))
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


def next_poll_at(
    feed: Feed,
    state: FeedState,
    *,
    now: datetime,
    default: timedelta = DEFAULT,
    rng: random.Random,
    wish: timedelta | None = None,
    retry_after: timedelta | None = None,
) -> datetime:
    """Say when `feed` is due next. `state` is the one after the poll at `now`: its failures are counted already."""
    if state.failures:
        return now + _after_failure(feed.every or default, state, retry_after, rng)
    wait = feed.every or _wished(default, wish)
    return now + wait * rng.uniform(1 - _STEADY_JITTER, 1 + _STEADY_JITTER)


def first_poll_at(index: int, count: int, now: datetime, *, over: timedelta = DEFAULT) -> datetime:
    """Say when the `index`-th (from 0) of `count` new feeds is polled first.

    A quarter of a second apart, closer only where they would not fit into `over`: a few feeds are all asked at once,
    and thousands do not come as a flood.
    """
    return now + index * min(_FIRST_POLL_SPACING, over / max(count, 1))


def _wished(default: timedelta, wish: timedelta | None) -> timedelta:
    """A wish can only lengthen: CDNs call nearly everything fresh for a minute."""
    return max(default, min(max(wish, WISH_LIMITS[0]), WISH_LIMITS[1])) if wish else default


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
