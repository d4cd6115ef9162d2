"""What changed between two configurations, in words for the people who run this. Pure; decides nothing.

A feed is found again by its address. One whose address is new and whose name is that of a feed that is gone has moved:
its memory goes along. A search with other words asks another thing, and has not moved. No secret is ever in a text made
here: of those only that they changed is said, and addresses show no password and no query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from monitor import log
from monitor.config.environment import Secret
from monitor.config.searches import is_search
from monitor.config.settings import ChannelSettings, Settings
from monitor.model import Feed

MOST_SHOWN = 10
"""So many feeds of a kind are named; the others are counted."""

AT_RESTART = (
    "monitor.state", "LONGARM_DATABASE_URL", "LONGARM_WEB_PASSWORD", "relevance.read_pages",
    "web.hosts", "web.user_header", "web.proxies", "websub.callback", "websub.listen",
)  # fmt: skip
"""What is built once, at the start."""

_KEYS = {
    "timezone": "monitor.timezone", "user_agent": "monitor.user_agent", "state_dir": "monitor.state",
    "poll_every": "monitor.poll_every", "first_poll_window": "monitor.first_poll_hours",
    "keep_text": "monitor.keep_text_days", "digest_review": "monitor.digest_review",
    "allow": "network.allow", "proxy": "network.proxy", "contact": "network.contact",
    "requests_per_hour": "network.requests_per_hour",
    "alert_at": "relevance.alert_at", "digest_at": "relevance.digest_at", "read_pages": "relevance.read_pages",
    "limits": "alerts", "tiers": "sources", "bot": "bot", "web": "web", "websub": "websub",
    "telegram_token": "LONGARM_TELEGRAM_TOKEN", "webhook_secret": "LONGARM_WEBHOOK_SECRET",
    "database_url": "LONGARM_DATABASE_URL",
    "web_password": "LONGARM_WEB_PASSWORD", "apprise_url": "its address",
}  # fmt: skip
_RULES = {"least": "min_score"}
_ELSEWHERE = ("feeds", "channels", "warnings", "rules")
_NEVER_SHOWN = ("proxy", "contact", "admins", "raters")  # a password, and who people are


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A key with another value than before, both as people read them; both empty where they are not to be shown."""

    key: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.key} {self.before} → {self.after}" if self.before or self.after else f"{self.key} changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is new, gone and other. `moved`: (as it was, as it is). `feeds` and `channels`: name and changes of each."""

    added: tuple[Feed, ...] = ()
    removed: tuple[Feed, ...] = ()
    moved: tuple[tuple[Feed, Feed], ...] = ()
    feeds: tuple[tuple[str, tuple[Change, ...]], ...] = ()
    channels_added: tuple[str, ...] = ()
    channels_removed: tuple[str, ...] = ()
    channels: tuple[tuple[str, tuple[Change, ...]], ...] = ()
    general: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def lines(self) -> tuple[str, ...]:
        """Say it, a line a thing: what is watched, who is told, everything else."""
        now = [change for change in self.general if change.key not in AT_RESTART]
        later = [change.key for change in self.general if change.key in AT_RESTART]
        return (
            *_listed("Feeds added", [shown_name(feed) for feed in self.added]),
            *_listed("Feeds removed, their memory kept", [shown_name(feed) for feed in self.removed]),
            *_listed("Feeds moved with their memory", [_move(before, after) for before, after in self.moved]),
            *_each("Feed", self.feeds),
            *_listed("Channels added", [f"“{name}”" for name in self.channels_added]),
            *_listed("Channels removed, what waits for them kept", [f"“{name}”" for name in self.channels_removed]),
            *_each("Channel", self.channels),
            *(f"{change}" for change in now),
            *((f"From the next start on: {', '.join(later)}",) if later else ()),
        )


def difference(before: Settings, after: Settings) -> Difference:
    """Compare two configurations."""
    moved = moved_feeds(before.feeds, after.feeds)
    left, arrived = {one.url for one, _ in moved}, {other.url for _, other in moved}
    old, new = {feed.url: feed for feed in before.feeds}, {feed.url: feed for feed in after.feeds}
    was, now = {one.name: one for one in before.channels}, {one.name: one for one in after.channels}
    kept = [*((old[url], new[url]) for url in new if url in old), *moved]
    feeds = ((shown_name(other), tuple(_changes(one, other, without=("url",)))) for one, other in kept)
    channels = ((name, tuple(_channel_changes(was[name], now[name]))) for name in now if name in was)
    return Difference(
        added=tuple(feed for url, feed in new.items() if url not in old and url not in arrived),
        removed=tuple(feed for url, feed in old.items() if url not in new and url not in left),
        moved=moved,
        feeds=tuple((name, changes) for name, changes in feeds if changes),
        channels_added=tuple(name for name in now if name not in was),
        channels_removed=tuple(name for name in was if name not in now),
        channels=tuple((name, changes) for name, changes in channels if changes),
        general=tuple(_changes(before, after, without=_ELSEWHERE)),
    )


def moved_feeds(before: Sequence[Feed], after: Sequence[Feed]) -> tuple[tuple[Feed, Feed], ...]:
    """Pair each feed that is gone with the one that has its name and is new; names that stand twice pair nothing."""
    old, new = {feed.url for feed in before}, {feed.url for feed in after}
    gone = _by_name(feed for feed in before if feed.url not in new)
    come = _by_name(feed for feed in after if feed.url not in old)
    return tuple((gone[name], come[name]) for name in come if name in gone)


def _by_name(feeds: Iterable[Feed]) -> dict[str, Feed]:
    named = [feed for feed in feeds if feed.name and not is_search(feed.url)]
    counts = Counter(feed.name for feed in named)
    return {feed.name: feed for feed in named if counts[feed.name] == 1}


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def shown_name(feed: Feed) -> str:
    """Name a feed for people: in quotes, or by its address without what may be secret in it."""
    return f"“{feed.name}”" if feed.name else log.redacted_url(feed.url)


def _move(before: Feed, after: Feed) -> str:
    return f"{shown_name(after)} from {log.redacted_url(before.url)} to {log.redacted_url(after.url)}"


def _listed(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        yield f"{what} ({len(names)}): {', '.join(names[:MOST_SHOWN])}{more}"


def _each(what: str, changed: Sequence[tuple[str, tuple[Change, ...]]]) -> Iterator[str]:
    for name, changes in changed[:MOST_SHOWN]:
        quoted = f"“{name}”" if what == "Channel" else name
        yield f"{what} {quoted}: {', '.join(map(str, changes))}"
    if len(changed) > MOST_SHOWN:
        yield f"{what}s changed beside these: {len(changed) - MOST_SHOWN}"


def _channel_changes(before: ChannelSettings, after: ChannelSettings) -> Iterator[Change]:
    yield from _changes(before, after, without=("name", *_ELSEWHERE))
    yield from _changes(before.rules, after.rules, without=("name",))


def _changes(before: object, after: object, *, without: Sequence[str] = (), under: str = "") -> Iterator[Change]:
    """Compare two dataclasses of one kind, field by field; what lies in a field is gone into."""
    assert is_dataclass(before)
    for one in fields(before):
        was, now = getattr(before, one.name), getattr(after, one.name)
        if was == now or one.name in without:
            continue
        plain = isinstance(before, Settings | ChannelSettings)
        key = under + (_KEYS.get(one.name, one.name) if plain else _RULES.get(one.name, one.name))
        if is_dataclass(was) and not isinstance(was, type):
            yield from _changes(was, now, under=f"{key}.")
        elif one.name in _NEVER_SHOWN or isinstance(was, Secret) or isinstance(now, Secret):
            yield Change(key=key)
        else:
            yield Change(key=key, before=_shown(was), after=_shown(now))


def _shown(value: object) -> str:
    match value:
        case None | "" | ():
            return "none"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case timedelta():
            return _span(value)
        case ZoneInfo():
            return value.key
        case (time() as start, time() as end):
            return f"{start:%H:%M}-{end:%H:%M}"
        case tuple():
            names = [_shown(one) for one in value]
            return " ".join(names[:MOST_SHOWN]) + (f" and {len(names) - MOST_SHOWN} more" if len(names) > 10 else "")
        case _:
            return log.escaped(log.redacted(str(value)))


def _span(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    for size, letter in ((24 * 60, "d"), (60, "h")):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{letter}"
    return f"{minutes}m"
