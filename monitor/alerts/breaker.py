"""When are alerts held back instead of sent? Pure: it decides on the rows of one poll before they are queued.

Whoever wants readers to stop reading sends them too much. So there are caps for an hour, generous ones: for what one
feed brings, for what one channel gets, for replies about one story. What goes beyond is queued as held, and operators
are told once with the numbers. Nothing is dropped: held rows go together, an hour after the last of them was held, or
at once when an operator says so. A row that is held for the flood of one feed goes at once when another feed brings the
same story: so nobody can drown a report by telling it first.

A feed that is suddenly another one (`takeover`) is held for a day in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import SUBSCRIBER, Decision, Delivery, DeliveryKind, DeliveryState, Flow, Limits, Notice

HOUR = timedelta(hours=1)
QUARANTINE = timedelta(days=1)
"""How long a feed that changed is held: a working day's time for a person to look, and no longer without one."""
RATE_JUMP = 5.0
_RATE_WITHIN = timedelta(days=1)
_RATE_ALERTS = 5
_RATE_LEAST = 50
"""Fewer articles before say nothing about a feed's usual share of alerts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The feed of a poll and what the poll brings of it: new articles, and alerts among them.

    `name` is what people know it by. `announced` are the ids of the stories that are new to readers.
    """

    url: str
    name: str
    articles: int = 0
    alerts: int = 0
    announced: tuple[str, ...] = ()


def held(
    mail: Sequence[Delivery], flow: Flow, limits: Limits, source: Source, *, now: datetime, odd: bool
) -> tuple[tuple[Delivery, ...], tuple[Notice, ...]]:
    """Return `mail` with what is beyond a cap as held rows, and what operators must be told of it.

    `odd`: the feed is held for having changed. Digests, notices and edits are never held. What readers may know already
    is held like the rest, but neither counted nor told: only a channel that has not heard of it takes it.
    """
    counts = _Counts(flow, limits, source, now)
    decided = tuple(counts.ruled(delivery, odd=odd) for delivery in mail)
    return decided, counts.notices()


class _Counts:
    """What was queued within the hour, this mail included as far as it was looked at."""

    def __init__(self, flow: Flow, limits: Limits, source: Source, now: datetime) -> None:
        self._limits, self._source, self._now = limits, source, now
        self._channels: Counter[str] = Counter(dict(flow.alerts))
        self._replies: Counter[tuple[str, str]] = Counter(
            {(story, channel): count for story, channel, count in flow.replies}
        )
        lately = (one for one in flow.sightings if one.first_seen_at > now - HOUR)
        self._from_feed = sum(one.decision is Decision.ALERT for one in lately)
        self._stories: dict[str, int] = {}
        self._odd_until = dict(flow.incidents).get(odd_feed(source.url), now) + QUARANTINE
        self._held: Counter[str] = Counter()

    def ruled(self, delivery: Delivery, *, odd: bool) -> Delivery:
        """Hold `delivery` or let it pass; a new one counts in either case."""
        if not delivery.story_id or delivery.kind is DeliveryKind.EDIT:
            return delivery
        is_reply = delivery.kind is DeliveryKind.REPLY
        is_new = is_reply or delivery.story_id in self._source.announced
        cause = self._reply(delivery) if is_reply else self._alert(delivery, is_new=is_new)
        until = self._now + HOUR
        if odd:
            cause, until = odd_feed(self._source.url), self._odd_until
        if not cause:
            return delivery
        self._held[cause] += is_new
        return replace(delivery, state=DeliveryState.HELD, cause=cause, not_before=until)

    def _alert(self, delivery: Delivery, *, is_new: bool) -> str:
        number = len(self._stories) + 1
        if is_new:
            self._channels[delivery.channel] += 1
            number = self._stories.setdefault(delivery.story_id, number)
        if self._from_feed + number > self._limits.feed_cap:
            return f"{_FEED}{self._source.url}"
        if self._channels[delivery.channel] > self._limits.channel_cap:
            return f"{_CHANNEL}{delivery.channel}"
        return ""

    def _reply(self, delivery: Delivery) -> str:
        key = (delivery.story_id, delivery.channel)
        self._replies[key] += 1
        return f"{_STORY}{delivery.story_id}" if self._replies[key] > self._limits.story_cap else ""

    def notices(self) -> tuple[Notice, ...]:
        """What operators are told of floods; that a feed changed is told where it is found out."""
        floods = {cause: count for cause, count in self._held.items() if count and _is_told(cause)}
        return tuple(Notice(key=cause, text=self._text(cause, count)) for cause, count in floods.items())

    def _text(self, cause: str, count: int) -> str:
        name = "NAME"
        if cause.startswith(_FEED):
            number, cap = self._from_feed + len(self._stories), self._limits.feed_cap
            what = f"Feed “{self._source.name}” brought {number} alerts within an hour (feed_cap is {cap})"
        elif cause.startswith(_CHANNEL):
            name = cause.removeprefix(_CHANNEL)
            number, cap = self._channels[name], self._limits.channel_cap
            what = f"Channel “{name}” would get {number} alerts within an hour (channel_cap is {cap})"
        else:
            what = f"One story changed more than {self._limits.story_cap} times within an hour (story_cap)"
        rows = f"{count} message{'s are' if count > 1 else ' is'} held, and what follows"
        return f"{what}; {rows}. They go together once it is over; at once with: longarm channels release {name}"


_FEED, _CHANNEL, _STORY = "flood-feed:", "flood-channel:", "flood-story:"
_ODD = "odd-feed:"


def is_flood(key: str) -> bool:
    """Say whether an incident's key is that of a flood."""
    return key.startswith((_FEED, _CHANNEL, _STORY))


def _is_told(cause: str) -> bool:
    """Whether operators hear of it: of a flood, but not of one that would reach a single subscriber."""
    return is_flood(cause) and not cause.startswith(f"{_CHANNEL}{SUBSCRIBER}")


def muted(mail: Sequence[Delivery], feed: str, until: datetime) -> tuple[Delivery, ...]:
    """Hold what `feed` brings `until` an administrator hears it again; what is held already waits as long."""
    return tuple(
        delivery
        if not delivery.story_id or delivery.kind is DeliveryKind.EDIT
        else replace(delivery, state=DeliveryState.HELD, cause=muted_feed(feed), not_before=until)
        for delivery in mail
    )


def muted_feed(url: str) -> str:
    """What rows of a muted feed are held for."""
    return f"muted-feed:{url}"


def over(incidents: Mapping[str, datetime], held_for: Container[str], *, now: datetime) -> tuple[Notice, ...]:
    """Tell what is over: a flood an hour after it began, a feed's quarantine after a day, with nothing held for it."""
    ended = []
    for key, since in incidents.items():
        lasts = HOUR if is_flood(key) else QUARANTINE if key.startswith(_ODD) else None
        if lasts is not None and now >= since + lasts and key not in held_for:
            subject = key.partition(":")[2]
            ended.append(Notice(key=key, text=f"Nothing is held any more for “{subject}”.", closes=True))
    return tuple(ended)


# ── a feed that changes ───────────────────────────────────────────────────────────────────────────


def odd_feed(url: str) -> str:
    """The key of the incident that a feed is another one than before."""
    return f"{_ODD}{url}"


def odd_notice(source: Source, now: datetime) -> Notice:
    """Tell operators that a feed is held because it changed."""
    text = (
        f"Feed “{source.name}” is suddenly another one: for two polls everything new is on hosts, or in a script, that "
        f"it never had before. Was its address taken over? Its alerts are held until {now + QUARANTINE:%d %b %H:%M} "
        "UTC. If it is fine: longarm channels release NAME; if not: take it out of feeds.toml."
    )
    return Notice(key=odd_feed(source.url), text=text)


def is_quarantined(url: str, flow: Flow, now: datetime) -> bool:
    """Say whether the feed at `url` is being held for having changed."""
    since = dict(flow.incidents).get(odd_feed(url))
    return since is not None and now < since + QUARANTINE


def rate_jump(source: Source, flow: Flow, *, now: datetime) -> Notice | None:
    """Tell operators when a feed's share of alerts within a day is five times what it was."""
    lately = [one for one in flow.sightings if one.first_seen_at > now - _RATE_WITHIN]
    before = [one for one in flow.sightings if one.first_seen_at <= now - _RATE_WITHIN]
    alerts = sum(one.decision is Decision.ALERT for one in lately) + source.alerts
    count = len(lately) + source.articles
    if len(before) < _RATE_LEAST or alerts < _RATE_ALERTS:
        return None
    # One alert is counted where there was none, or the first ones of a quiet feed would be a jump of any size.
    usual = max(sum(one.decision is Decision.ALERT for one in before), 1) / len(before)
    if alerts / count < RATE_JUMP * usual:
        return None
    text = (
        f"Feed “{source.name}” has {alerts} alerts among {count} articles of a day, where {usual:.1%} is usual. "
        "Is there big news, or does somebody write for the filter? Nothing is held for it."
    )
    return Notice(key=f"alert-rate:{source.url}", text=text)
