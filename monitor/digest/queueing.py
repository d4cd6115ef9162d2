"""Digests whose hour has come are written as files and queued as messages, once a week and channel.

Asks the store what is due and what was sent; the clock is a parameter. The files hold the whole week's watch, the
messages what their channel wants. All parts of a digest are queued in one transaction: a crash can't leave half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from monitor.digest import render, select
from monitor.errors import ConfigError, StateError
from monitor.model import ChannelRules, Delivery, Digest, Feed, FeedState, WeekData
from monitor.wishes import held_until

LATE_AFTER = timedelta(hours=1)

Write = Callable[[str, str], Path]
_ALL = ChannelRules(name="")


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
) -> int:
    """Queue every digest that is due and was not yet; return how many.

    A week that was over before the first successful poll has no digest: a new watch doesn't begin with an empty one.
    `write(name, content)` stores a file "2026-W47.html", ".md" or ".txt".

    Raises:
        StateError: a file could not be written. The messages were queued all the same.
    """
    due = _due(store, channels, tz, now)
    weeks = dict.fromkeys(found.week for _, found in due)
    data = {week: store.judged_between(*week.span(tz)) for week in weeks}
    # Files first: they are written again after a crash, while a queued digest is never looked at again.
    trouble = [_written(select.select(data[week], _ALL, week, feeds=feeds, tz=tz), write) for week in weeks]
    for rules, found in due:
        late = found.at if now - found.at > LATE_AFTER else None
        digest = select.select(data[found.week], rules, found.week, feeds=feeds, tz=tz, due_at=late)
        store.queue(_deliveries(digest, found.key, rules, tz, now))
    for error in filter(None, trouble):
        raise error
    return len(due)


def _due(
    store: WeekStore, channels: Sequence[ChannelRules], tz: ZoneInfo, now: datetime
) -> list[tuple[ChannelRules, select.Due]]:
    wishing = [rules for rules in channels if rules.digest]
    started = [state.baselined_at for state in store.feed_states() if state.baselined_at] if wishing else []
    if not started:
        return []
    found = [(rules, select.due(rules, tz=tz, now=now, not_before=min(started))) for rules in wishing]
    return [(rules, due) for rules, due in found if due and not store.digest_sent(due.key, rules.name)]


def _deliveries(digest: Digest, key: str, rules: ChannelRules, tz: ZoneInfo, now: datetime) -> tuple[Delivery, ...]:
    held = held_until(rules, tz=tz, now=now)
    return tuple(
        Delivery(key=f"{key}/{part}", channel=rules.name, message=message, not_before=held, queued_at=now)
        for part, message in enumerate(render.as_messages(digest), start=1)
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
    digest = select.select(store.judged_between(start, end), rules, chosen, feeds=feeds, tz=tz)
    return render.as_svg(digest) if form == "svg" else _FORMS[form][1](digest)
