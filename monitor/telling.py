"""From what a poll found to what is posted: facts, caps, and the mail. Reads the store, writes nothing.

    reading     what the articles that matter say                     stories.facts
    gap         what a feed may have shown while nobody looked        here
    told        the mail, as far as it is not too much                alerts.render, alerts.breaker, alerts.takeover

Between this and recording nothing else is queued, so what was counted is what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from monitor.alerts import breaker, policy, render, takeover
from monitor.alerts.sources import Tiers
from monitor.compose import source_name
from monitor.model import (
    ChannelRules,
    Decision,
    Delivery,
    Feed,
    FeedState,
    Judged,
    Limits,
    Notice,
    Outcome,
    ParsedFeed,
)
from monitor.store import People, Store
from monitor.stories import facts
from monitor.text import display_host

GAP = timedelta(hours=12)
"""A feed not read for so long may have shown and dropped something meanwhile; shorter rests are how polling works."""


class Telling(Protocol):
    """What of `poll.Watch` is needed here. `editable`: names of channels that can edit what was sent."""

    @property
    def store(self) -> Store:
        """Read only, here."""
        ...

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """By `Feed.url`."""
        ...

    @property
    def channels(self) -> Sequence[ChannelRules]:
        """Who is told."""
        ...

    @property
    def timezone(self) -> ZoneInfo:
        """Of dates in messages and quiet hours."""
        ...

    @property
    def limits(self) -> Limits:
        """The caps."""
        ...

    @property
    def tiers(self) -> Tiers:
        """The reader's own list of sources."""
        ...

    @property
    def editable(self) -> frozenset[str]:
        """Names."""
        ...


def reading(ruled: Sequence[policy.Ruled]) -> policy.Reading:
    """Read facts off the articles that matter."""
    read = {
        article.id: facts.read(
            article.title,
            article.summary,
            article.text,
            language=article.language,
            codes=score.codes,
            host=display_host(article.url),
        )
        for article, score, verdict in ruled
        if verdict.decision is not Decision.DROP
    }
    return policy.Reading(of=read, merge=facts.merged)


def gap(feed: Feed, before: FeedState, parsed: ParsedFeed, *, knows_any: bool, now: datetime) -> tuple[Notice, ...]:
    """Name the time in which a feed may have shown something that nobody saw.

    That is so where it was not read for long and shows nothing any more of what was known (`knows_any`). One notice for
    all feeds that were last read on one day: whoever was away for a weekend hears of it once.
    """
    since = before.succeeded_at
    dates = [entry.published_at for entry in parsed.entries if entry.published_at]
    if knows_any or not parsed.entries or before.baselined_at is None or since is None or now - since < GAP:
        return ()
    until = min(dates, default=now)
    text = (
        f"“{_name(feed, before)}” was not read from {since:%d %b %H:%M} to {now:%d %b %H:%M} UTC, and shows nothing "
        f"any more that was known: items before {until:%d %b %H:%M} UTC may be missing. "
        "So it may be with other feeds that were not read in this time."
    )
    return (Notice(key=f"gap:{since:%Y-%m-%d}", text=text),)


def told(
    watch: Telling, feed: Feed, before: FeedState, outcome: Outcome, now: datetime
) -> tuple[Outcome, tuple[Delivery, ...]]:
    """Return the outcome with what operators must hear of its mail, and the mail itself."""
    new = [row.article for row in outcome.judged if not row.edited]
    mail = render.deliveries(
        outcome,
        channels=watch.channels,
        feeds=watch.feeds,
        tz=watch.timezone,
        now=now,
        tiers=watch.tiers,
        editable=watch.editable,
        known=_spoke_before(watch, outcome),
    )
    if not new and not outcome.announce and not outcome.grown:
        return outcome, mail
    flow = watch.store.flow(feed.url, now=now)
    alerts = sum(row.verdict.decision is Decision.ALERT for row in outcome.judged if not row.edited)
    source = breaker.Source(
        url=feed.url,
        name=_name(feed, before),
        articles=len(new),
        alerts=alerts,
        announced=tuple(story.id for story in outcome.announce),
    )
    turned = takeover.is_odd(new, flow.sightings)
    odd = turned or breaker.is_quarantined(feed.url, flow, now)
    mail, notices = breaker.held(mail, flow, watch.limits, source, now=now, odd=odd)
    for mute in (one for one in People(watch.store).muted(now) if one.feed == feed.url):
        mail = breaker.muted(mail, feed.url, mute.until)
    jump = breaker.rate_jump(source, flow, now=now) if alerts else None
    said = (*((breaker.odd_notice(source, now),) if turned else ()), *((jump,) if jump else ()), *notices)
    more = [
        one
        for notice in said
        for one in render.notice_deliveries(notice, channels=watch.channels, tz=watch.timezone, now=now)
    ]
    return replace(outcome, notices=(*outcome.notices, *said)), (*mail, *more)


def _spoke_before(watch: Telling, outcome: Outcome) -> tuple[Judged, ...]:
    """The earlier articles that speak for stories which grew: their reasons are said again."""
    speaking = {render.voice(story, watch.tiers).article_id for story in outcome.grown}
    return watch.store.judged(sorted(speaking - {row.article.id for row in outcome.judged})) if speaking else ()


def _name(feed: Feed, state: FeedState) -> str:
    return source_name(feed.name, state.title, url=feed.url)
