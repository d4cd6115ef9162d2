"""Where has it gone quiet? Pure. A region of which nothing comes may be at peace, or our feeds may be blind to it.

Told is an origin with at least `KNOWN_BY` stories in the months before, and none within `QUIET_AFTER` of the week's
end. The most often told before come first: their silence is the oddest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from monitor.model import PastStory, Quiet

QUIET_AFTER = timedelta(weeks=4)
KNOWN_BY = 2
"""One story in half a year is no habit that could be broken."""
_MOST = 10


def quiet(
    past: Sequence[PastStory], *, end: datetime, blind: Collection[str], watched: Collection[str]
) -> tuple[Quiet, ...]:
    """Find origins of which nothing was seen in the four weeks before `end`.

    `blind`: feeds in trouble, by `Feed.url`; one that is not `watched` any more is blind too.
    """
    told: dict[str, list[PastStory]] = {}
    for story in past:
        for state in story.origin_states:
            told.setdefault(state, []).append(story)
    found = [
        (len(stories), _quiet(state, stories, blind, watched))
        for state, stories in told.items()
        if len(stories) >= KNOWN_BY and max(story.last_at for story in stories) < end - QUIET_AFTER
    ]
    return tuple(one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1].state))[:_MOST])


def _quiet(state: str, stories: Sequence[PastStory], blind: Collection[str], watched: Collection[str]) -> Quiet:
    feeds = {feed for story in stories for feed in story.feeds}
    return Quiet(
        state=state,
        last_at=max(story.last_at for story in stories),
        feeds=len(feeds),
        blind=sum(feed in blind or feed not in watched for feed in feeds),
    )
