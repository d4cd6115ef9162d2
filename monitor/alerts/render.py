"""Stories and notices become deliveries: who is told, by which kind of row, and when. Pure: how it looks is `layout`'s.

Whether a story is told at all was decided before; here channels' filters and quiet hours are applied to it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.alerts.layout import headline, story_message, update_message, voice
from monitor.alerts.sources import SHIPPED, Tiers
from monitor.alerts.updates import EDIT_AFTER
from monitor.compose import Composer, from_own_words
from monitor.model import (
    ChannelRules,
    Decision,
    Delivery,
    DeliveryKind,
    Feed,
    Judged,
    Message,
    Notice,
    Outcome,
    SpanKind,
    Story,
    Update,
)
from monitor.wishes import held_until, is_urgent, wants

__all__ = ["deliveries", "headline", "notice_deliveries", "notice_message", "story_message", "update_message", "voice"]


def notice_message(notice: Notice) -> Message:
    """Tell operators of an incident or, silently, of its end."""
    composer = Composer().add("Solved: " if notice.closes else "Attention: ", SpanKind.BOLD)
    return composer.extend(from_own_words(notice.text)).message(silent=notice.closes)


def deliveries(
    outcome: Outcome,
    *,
    channels: Sequence[ChannelRules],
    feeds: Mapping[str, Feed],
    tz: ZoneInfo,
    now: datetime,
    tiers: Tiers = SHIPPED,
    editable: Container[str] = (),
    known: Sequence[Judged] = (),
) -> tuple[Delivery, ...]:
    """Address what an outcome announces: stories to channels that want them, notices to operators' channels.

    A story told before (`grown`) is addressed like a new one where an alert joined it: a channel that has it already
    takes no second row of its key. What is out is edited in the channels that are `editable`; what is really new is
    also a reply. Which of these becomes a row is the store's to see. `known` are earlier articles of what grew.

    In the order of the outcome, so that each channel hears things in the order in which they came. Quiet hours set
    `not_before` of all but what is urgent; nothing is left out because of them. A notice's key bears the minute, so
    that a later incident of the same kind is another delivery; that one incident is told once is the store's to see.
    """
    telling = _Telling(channels=channels, feeds=feeds, tz=tz, now=now, tiers=tiers, editable=editable)
    mail: list[Delivery] = []
    for story in (*outcome.announce, *outcome.grown):
        mine = [row for row in outcome.judged if row.story_id == story.id]
        fresh = {row.article.id for row in mine}
        judged = [*mine, *(row for row in known if row.story_id == story.id and row.article.id not in fresh)]
        is_new = story in outcome.announce
        offered = is_new or any(row.verdict.decision is Decision.ALERT for row in mine)
        mail += telling.story(story, judged, offered=offered, edited=not is_new)
    stories = {story.id: story for story in outcome.grown}
    for update in outcome.updates:
        mail += telling.update(update, stories[update.story_id])
    operators = [rules for rules in channels if rules.operators]
    for notice in outcome.notices:
        mail += notice_deliveries(notice, channels=operators, tz=tz, now=now)
    return tuple(mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """Addresses stories: what `deliveries` was given."""

    channels: Sequence[ChannelRules]
    feeds: Mapping[str, Feed]
    tz: ZoneInfo
    now: datetime
    tiers: Tiers
    editable: Container[str]

    def story(self, story: Story, judged: Sequence[Judged], *, offered: bool, edited: bool) -> list[Delivery]:
        """The first message where it is `offered`, to those who have not heard of it; and an edit for the others."""
        codes = {code for row in judged for code in row.score.codes}
        listening = [rules for rules in self.channels if rules.alerts]
        hearing = [rules for rules in listening if offered and wants(rules, story, codes=codes, feeds=self.feeds)]
        changing = [rules for rules in listening if edited and rules.name in self.editable]
        if not hearing and not changing:
            return []
        key = f"story:{story.id}"
        message = story_message(story, judged, feeds=self.feeds, tz=self.tz, tiers=self.tiers)
        urgent = {rules.name for rules in hearing if is_urgent(rules, story, codes=codes)}
        first = _addressed(key, message, hearing, self.tz, self.now, story_id=story.id, urgent=urgent)
        edits = _addressed(f"{key}/edit", message, changing, self.tz, self.now, story_id=story.id)
        # An edit pings nobody, so quiet hours don't hold it.
        at = self.now + EDIT_AFTER
        return [*first, *(replace(one, kind=DeliveryKind.EDIT, about=key, not_before=at) for one in edits)]

    def update(self, update: Update, story: Story) -> list[Delivery]:
        """A reply to the first message, for whoever has it."""
        message = update_message(update, story, feeds=self.feeds, tz=self.tz, tiers=self.tiers)
        listening = [rules for rules in self.channels if rules.alerts]
        urgent = {rules.name for rules in listening if is_urgent(rules, story, codes=(update.stage,))}
        mail = _addressed(update.key, message, listening, self.tz, self.now, story_id=story.id, urgent=urgent)
        return [replace(one, kind=DeliveryKind.REPLY, about=f"story:{story.id}") for one in mail]


def notice_deliveries(
    notice: Notice, *, channels: Iterable[ChannelRules], tz: ZoneInfo, now: datetime
) -> tuple[Delivery, ...]:
    """Address one notice to those of `channels` that are operators'."""
    operators = [rules for rules in channels if rules.operators]
    key = f"notice:{notice.key}:{now:%Y%m%d%H%M}" + ("-over" if notice.closes else "")
    return tuple(_addressed(key, notice_message(notice), operators, tz, now))


def _addressed(
    key: str,
    message: Message,
    channels: Iterable[ChannelRules],
    tz: ZoneInfo,
    now: datetime,
    *,
    story_id: str = "",
    urgent: Container[str] = (),
) -> list[Delivery]:
    return [
        Delivery(
            key=key,
            channel=rules.name,
            message=replace(message, silent=True) if rules.silent else message,
            story_id=story_id,
            not_before=None if rules.name in urgent else held_until(rules, tz=tz, now=now),
            queued_at=now,
        )
        for rules in channels
    ]
