"""Digests whose hour has come are written as files and queued as messages, once a week and channel.

Asks the store what is due and what was sent; the clock is a parameter. The files hold the whole week's watch, the
messages what their channel wants. All parts of a digest are queued in one transaction: a crash can't leave half of one.

Subscribers of the bot are channels like the others. There may be thousands of them, so those who wish the same share
one digest, and of many wishes some wait for the next pass: alerts must not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from monitor.digest import render, select
from monitor.digest.missed import Missed
from monitor.errors import ConfigError, StateError
from monitor.model import PICTURE_PART, SUBSCRIBER, ChannelRules, Delivery, Digest, Feed, FeedState, Message, WeekData
from monitor.wishes import held_until

LATE_AFTER = timedelta(hours=1)

Write = Callable[[str, str], Path]
Draw = Callable[[str, str], str]
"""Keeps an SVG as a PNG of that name; gives its path, "" where it can't."""
Estimated = Callable[[select.Week], Missed | None]
"""What a random sample says was missed in a week."""
_ALL = ChannelRules(name="")
MOST_AT_ONCE = 25
"""Digests that are put together in one pass, each for everybody who wishes it: a second or two."""


class WeekStore(Protocol):
    """What a digest is read from and queued to."""

    def judged_between(self, start: datetime, end: datetime) -> WeekData:
        """What was first seen in [start, end)."""
        ...

    def feed_states(self) -> Sequence[FeedState]:
        """How every feed stands."""
        ...

    def digest_sent(self, key: str, channel: str) -> bool:
        """Whether the digest of that key was queued for the channel, sent or not."""
        ...

    def queue(self, deliveries: Sequence[Delivery]) -> int:
        """Queue deliveries in one transaction."""
        ...


def queue_due(
    store: WeekStore,
    channels: Sequence[ChannelRules],
    *,
    tz: ZoneInfo,
    now: datetime,
    write: Write,
    feeds: Mapping[str, Feed] | None = None,
    review: str = "",
    missed: Estimated = lambda _: None,
    draw: Draw = lambda *_: "",
    shows: Container[str] = (),
) -> int:
    """Queue the digests that are due and were not yet; return for how many channels. The next call queues the rest.

    A week that was over before the first successful poll has no digest: a new watch doesn't begin with an empty one.
    `write(name, content)` stores a file "2026-W47.html", ".md" or ".txt". `review` holds them until that weekly moment.
    `shows`: the channels that show pictures: those of the settings get one after the text.

    Raises:
        StateError: a file could not be written. The messages were queued all the same.
    """
    due = _due(store, channels, tz, now, review)
    weeks = dict.fromkeys(found.week for _, found in due)
    data = {week: store.judged_between(*week.span(tz)) for week in weeks}
    guesses = {week: missed(week) for week in weeks}
    chosen = functools.partial(select.select, feeds=feeds, tz=tz)
    # Files first: they are written again after a crash, while a queued digest is never looked at again.
    trouble = [_written(chosen(data[week], _ALL, week, missed=guesses[week]), write) for week in weeks]
    done = 0
    for alike in _alike(due, data):
        rules, found = alike[0]
        late = found.at if now - found.at > LATE_AFTER else None
        digest = chosen(data[found.week], rules, found.week, due_at=late, missed=guesses[found.week])
        messages = render.as_messages(select.for_readers(digest) if _is_reader(rules) else digest)
        # Subscribers get none: it would be the same upload a thousand times.
        drawn = _drawn(digest, draw) if rules.name in shows and not _is_reader(rules) else ()
        for each, _ in alike:
            store.queue(_deliveries((*messages, *drawn), found.key, each, tz, now))
            done += 1
    for error in filter(None, trouble):
        raise error
    return done


def _drawn(digest: Digest, draw: Draw) -> tuple[Message, ...]:
    if digest.trends is None:
        return ()
    name = f"{digest.week}-{digest.language}.png"
    path = draw(name, render.as_svg(digest))
    return (render.as_caption(digest, path),) if path else ()


_Wish = tuple[ChannelRules, select.Due]


def _alike(due: Sequence[_Wish], data: Mapping[select.Week, WeekData]) -> list[list[_Wish]]:
    """Put those together who get the same messages; channels of the settings before subscribers."""
    groups: dict[tuple[object, ...], list[_Wish]] = {}
    for rules, found in sorted(due, key=lambda wish: _is_reader(wish[0])):
        held = tuple(count for channel, count in data[found.week].held if channel == rules.name)
        wish = replace(rules, name="", digest_from="") if _is_reader(rules) else rules
        groups.setdefault((wish, found, held), []).append((rules, found))
    return list(groups.values())[:MOST_AT_ONCE]


def _is_reader(rules: ChannelRules) -> bool:
    return rules.name.startswith(SUBSCRIBER)


def _due(store: WeekStore, channels: Sequence[ChannelRules], tz: ZoneInfo, now: datetime, review: str) -> list[_Wish]:
    wishing = [rules for rules in channels if rules.digest]
    started = [state.baselined_at for state in store.feed_states() if state.baselined_at] if wishing else []
    if not started:
        return []
    found = [(rules, select.due(rules, tz=tz, now=now, not_before=min(started), review=review)) for rules in wishing]
    wanted = [(rules, due) for rules, due in found if due and str(due.week) >= rules.digest_from]
    return [(rules, due) for rules, due in wanted if not store.digest_sent(due.key, rules.name)]


def _deliveries(
    messages: Sequence[Message], key: str, rules: ChannelRules, tz: ZoneInfo, now: datetime
) -> tuple[Delivery, ...]:
    held = held_until(rules, tz=tz, now=now)
    return tuple(
        Delivery(
            key=f"{key}/{PICTURE_PART if message.picture else part}",
            channel=rules.name,
            message=message,
            not_before=held,
            queued_at=now,
        )
        for part, message in enumerate(messages, start=1)
    )


def _written(digest: Digest, write: Write) -> StateError | None:
    try:
        for suffix, form in _FORMS.values():
            write(f"{digest.week}.{suffix}", form(digest))
    except OSError as error:
        return StateError(
            f"digest {digest.week}: its page could not be written ({error.strerror or error}), its messages are sent "
            f"all the same; make room or mend the rights, then: longarm digest --week {digest.week} --format html"
        )
    return None


_FORMS: dict[str, tuple[str, Callable[[Digest], str]]] = {
    "html": ("html", render.as_html),
    "markdown": ("md", render.as_markdown),
    "text": ("txt", render.as_text),
}


def shown(
    store: WeekStore,
    *,
    week: str | None,
    form: str,
    tz: ZoneInfo,
    now: datetime,
    feeds: Mapping[str, Feed] | None = None,
    rules: ChannelRules = _ALL,
    missed: Estimated = lambda _: None,
) -> str:
    """Give the digest of `week` (the last whole one: None) as "text", "markdown", "html" or "svg", from what is stored.

    `rules` choose its stories and the language of its frame: the whole watch in English otherwise.

    Raises:
        ConfigError: `week` is none, or has not begun.
    """
    try:
        chosen = select.Week.parse(week) if week else select.last_whole_week(now, tz)
    except ValueError as error:
        raise ConfigError(f"--week: {error}") from error
    start, end = chosen.span(tz)
    if start > now:
        raise ConfigError(f"--week: {chosen} has not begun; it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    data = store.judged_between(start, end)
    digest = select.select(data, rules, chosen, feeds=feeds, tz=tz, missed=missed(chosen))
    return render.as_svg(digest) if form == "svg" else _FORMS[form][1](digest)
