"""Stories and notices become messages, and messages become deliveries. Pure: decides how things are told, not whether.

A message fits one screen and is the same for every channel: plain text in which only our own stretches are marked.
Lines that have nothing to say are left out. Each line that names strangers begins with a word of ours, so that
right-to-left names can't turn it around; headline and summary stand alone and keep their own direction.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from classifiers import Score
from monitor.alerts.sources import SHIPPED, Tier, Tiers, rank, tier
from monitor.alerts.updates import EDIT_AFTER
from monitor.compose import (
    ALSO,
    NO_TITLE,
    Composer,
    from_own_words,
    harmless,
    is_odd_host,
    isolated,
    language_name,
    moment,
    shown_host,
    source_name,
)
from monitor.model import (
    ChannelRules,
    Decision,
    Delivery,
    DeliveryKind,
    Facts,
    Feed,
    Judged,
    Member,
    Message,
    Notice,
    Outcome,
    SpanKind,
    Story,
    Update,
)
from monitor.text import normalized, safe_url
from monitor.wishes import held_until, wants

TITLE_CHARS = 300
LEAD_CHARS = 300
REASONS = 3
SOURCES_NAMED = 3


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def story_message(
    story: Story,
    judged: Sequence[Judged],
    *,
    feeds: Mapping[str, Feed],
    tz: ZoneInfo,
    tiers: Tiers = SHIPPED,
) -> Message:
    """Tell a story by the best source that made it an alert. `judged` are its articles as far as known, maybe none."""
    member = voice(story, tiers)
    row = next((row for row in judged if row.article.id == member.article_id), None)
    composer = Composer()
    _headline(composer, member, edited=row is not None and row.edited)
    _facts(composer, story.facts, row.score.codes if row else ())
    _case(composer, story)
    lead = _lead(member)
    composer.add(f"\n{lead}\n\n" if lead else "\n")
    _source(composer, member, feeds, tz, dated=row is None or row.article.published_at is not None)
    _also(composer, story, member, feeds, tiers)
    _why(composer, row.score if row else None, member.score)
    _link(composer, _linked(story, member, tiers))
    return composer.message()


def update_message(
    update: Update, story: Story, *, feeds: Mapping[str, Feed], tz: ZoneInfo, tiers: Tiers = SHIPPED
) -> Message:
    """Tell what is new in a story that readers know, by the article that says so."""
    says = next((one for one in story.members if one.article_id == update.article_id), None) or voice(story, tiers)
    composer = Composer().add("Update on: ").add(headline(voice(story, tiers)), SpanKind.BOLD).add("\n")
    composer.add(
        f"Now: {harmless(' · '.join(part for part in (update.stage, ', '.join(update.states)) if part), 200)}\n"
    )
    composer.add(f"\n{headline(says)}\n\n")
    _source(composer, says, feeds, tz, dated=True)
    _link(composer, says)
    return composer.message()


def voice(story: Story, tiers: Tiers = SHIPPED) -> Member:
    """Choose who tells a story: of the articles worth an alert the best source's, of equals the lead, then the first.

    The place within a list does not count: a headline that readers know must not change for a slightly better one.
    """
    alerts = [member for member in story.members if member.decision is Decision.ALERT] or [story.members[0]]
    lead = story.members[0].article_id
    return min(
        alerts, key=lambda one: (*rank(one.url, tiers)[:2], one.article_id != lead, one.at, -one.score, one.article_id)
    )


def _linked(story: Story, told: Member, tiers: Tiers) -> Member:
    """Whose address is shown: never a mirror's or a look-alike's where there is any other."""
    if tier(told.url, tiers) < Tier.MIRROR:
        return told
    return min(story.members, key=lambda one: (rank(one.url, tiers), one.article_id != told.article_id))


def headline(member: Member, limit: int = TITLE_CHARS) -> str:
    """Write an article's title, or its host where the title shows nothing."""
    title = harmless(member.title, limit)
    host = shown_host(member.url)
    return title or (f"{NO_TITLE} – {host}" if host else NO_TITLE)


def _headline(composer: Composer, member: Member, *, edited: bool) -> None:
    composer.add(headline(member), SpanKind.BOLD).add("\n")
    if edited:
        composer.add("The text was changed after it was first seen.", SpanKind.ITALIC).add("\n")


def _facts(composer: Composer, facts: Facts, codes: tuple[str, ...]) -> None:
    origin, host = ", ".join(facts.origin_states), ", ".join(facts.host_states)
    reach = f"{origin or '?'} → {host or '?'}" if origin or host else ""
    kinds = ", ".join(dict.fromkeys((*facts.codes, *codes)))
    parts = [part for part in (facts.stage, reach, kinds) if part]
    if parts:
        composer.add(harmless(" · ".join(parts), 200)).add("\n")


def _case(composer: Composer, story: Story) -> None:
    if note := harmless(story.case_note, 200):
        composer.add(note).add("\n")


def _lead(member: Member) -> str:
    """The summary's beginning; nothing where it only repeats the headline."""
    title, summary = normalized(member.title), normalized(member.summary)
    if title and summary.startswith(title) and len(summary) <= len(title) + 40:
        return ""
    return harmless(member.summary, LEAD_CHARS)


def _source(composer: Composer, member: Member, feeds: Mapping[str, Feed], tz: ZoneInfo, *, dated: bool) -> None:
    host = shown_host(member.url)
    name = _name(member, feeds)
    when = ("" if dated else "first seen ") + moment(member.at, tz)
    composer.add(f"Source: {isolated(name)}")
    if host:
        # As code no chat makes a link of it: the only link is the one below.
        composer.add(" (").add(host, SpanKind.CODE).add(")")
    composer.add(f", {when}\n")
    language = language_name(member.language)
    if language not in ("", "English"):
        composer.add(f"Language: {isolated(language)}\n")


def _name(member: Member, feeds: Mapping[str, Feed]) -> str:
    configured = feeds[member.feed].name if member.feed in feeds else ""
    return harmless(source_name(configured, member.feed_name, url=member.feed), 60)


def _also(composer: Composer, story: Story, told: Member, feeds: Mapping[str, Feed], tiers: Tiers) -> None:
    """The other sources, the best first: "Also: Reuters, El Faro, Harbour Wire +46"."""
    ranked = sorted(story.members, key=lambda member: rank(member.url, tiers))
    names = dict.fromkeys(_name(member, feeds) for member in ranked)
    others = [isolated(name) for name in names if name != _name(told, feeds)]
    if not others:
        return
    more = len(others) - SOURCES_NAMED
    tail = f" +{more}" if more > 0 else ""
    composer.add(f"{ALSO} {', '.join(others[:SOURCES_NAMED])}{tail}\n")


def _why(composer: Composer, score: Score | None, value: float) -> None:
    terms = _reasons(score) if score else []
    shown = [f"score {(score.value if score else value):.2f}"]
    if terms:
        shown.insert(0, ", ".join(terms))
    if score is not None and score.obfuscated:
        shown.append("the text looks made to dodge filters")
    composer.add(f"Why: {' · '.join(shown)}\n")


def _reasons(score: Score) -> list[str]:
    terms = (harmless(reason.term, 40) for reason in score.reasons if reason.weight > 0)
    return [f"“{isolated(term)}”" for term in dict.fromkeys(terms) if term][:REASONS]


def _link(composer: Composer, member: Member) -> None:
    url = safe_url(member.url)
    if not url:
        composer.add("Link: none that could be opened safely\n")
        return
    composer.link(url)
    if is_odd_host(url):
        composer.add(" (careful: unusual letters in this address)")
    composer.add("\n")


def notice_message(notice: Notice) -> Message:
    """Tell operators of an incident or, silently, of its end."""
    composer = Composer().add("Solved: " if notice.closes else "Attention: ", SpanKind.BOLD)
    return composer.extend(from_own_words(notice.text)).message(silent=notice.closes)


# ── deliveries ────────────────────────────────────────────────────────────────────────────────────


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
    `not_before`; nothing is left out because of them. A notice's key bears the minute, so that a later incident of the
    same kind is another delivery; that one incident is told once is the store's to see.
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
        first = _addressed(key, message, hearing, self.tz, self.now, story_id=story.id)
        edits = _addressed(f"{key}/edit", message, changing, self.tz, self.now, story_id=story.id)
        # An edit pings nobody, so quiet hours don't hold it.
        at = self.now + EDIT_AFTER
        return [*first, *(replace(one, kind=DeliveryKind.EDIT, about=key, not_before=at) for one in edits)]

    def update(self, update: Update, story: Story) -> list[Delivery]:
        """A reply to the first message, for whoever has it."""
        message = update_message(update, story, feeds=self.feeds, tz=self.tz, tiers=self.tiers)
        listening = [rules for rules in self.channels if rules.alerts]
        mail = _addressed(update.key, message, listening, self.tz, self.now, story_id=story.id)
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
) -> list[Delivery]:
    return [
        Delivery(
            key=key,
            channel=rules.name,
            message=message,
            story_id=story_id,
            not_before=held_until(rules, tz=tz, now=now),
            queued_at=now,
        )
        for rules in channels
    ]
