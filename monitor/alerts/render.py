"""Stories and notices become messages, and messages become deliveries. Pure: decides how things are told, not whether.

A message fits one screen and is the same for every channel: plain text in which only our own stretches are marked.
Lines that have nothing to say are left out. Each line that names strangers begins with a word of ours, so that
right-to-left names can't turn it around; headline and summary stand alone and keep their own direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from classifiers import Score
from monitor.compose import (
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
    Facts,
    Feed,
    Judged,
    Member,
    Message,
    Notice,
    Outcome,
    SpanKind,
    Story,
)
from monitor.text import normalized, safe_url
from monitor.wishes import held_until, wants

TITLE_CHARS = 300
LEAD_CHARS = 300
REASONS = 3
SOURCES_NAMED = 4


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def story_message(story: Story, judged: Sequence[Judged], *, feeds: Mapping[str, Feed], tz: ZoneInfo) -> Message:
    """Tell a story by the article that made it an alert. `judged` are its articles of this poll; may be empty."""
    member = _voice(story, judged)
    row = next((row for row in judged if row.article.id == member.article_id), None)
    composer = Composer()
    _headline(composer, member, edited=row is not None and row.edited)
    _facts(composer, story.facts, row.score.codes if row else ())
    lead = _lead(member)
    composer.add(f"\n{lead}\n\n" if lead else "\n")
    _source(composer, member, feeds, tz, dated=row is None or row.article.published_at is not None)
    _also(composer, story, member, feeds)
    _why(composer, row.score if row else None, member.score)
    _link(composer, member)
    return composer.message()


def _voice(story: Story, judged: Sequence[Judged]) -> Member:
    """Choose who tells: the lead if it is worth an alert, else the best alert of this poll, else of the story."""
    now_told = {row.article.id for row in judged if row.verdict.decision is Decision.ALERT}
    alerts = [member for member in story.members if member.decision is Decision.ALERT]
    fresh = [member for member in alerts if member.article_id in now_told] or alerts
    lead = story.members[0]
    if lead in fresh or not fresh:
        return lead
    return max(fresh, key=lambda member: member.score)


def _headline(composer: Composer, member: Member, *, edited: bool) -> None:
    title = harmless(member.title, TITLE_CHARS)
    if not title:
        host = shown_host(member.url)
        title = f"{NO_TITLE} – {host}" if host else NO_TITLE
    composer.add(title, SpanKind.BOLD).add("\n")
    if edited:
        composer.add("The text was changed after it was first seen.", SpanKind.ITALIC).add("\n")


def _facts(composer: Composer, facts: Facts, codes: tuple[str, ...]) -> None:
    origin, host = ", ".join(facts.origin_states), ", ".join(facts.host_states)
    reach = f"{origin or '?'} → {host or '?'}" if origin or host else ""
    kinds = ", ".join(dict.fromkeys((*facts.codes, *codes)))
    parts = [part for part in (facts.stage, reach, kinds) if part]
    if parts:
        composer.add(harmless(" · ".join(parts), 200)).add("\n")


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


def _also(composer: Composer, story: Story, told: Member, feeds: Mapping[str, Feed]) -> None:
    names = list(dict.fromkeys(_name(member, feeds) for member in story.members))
    others = [isolated(name) for name in names if name != _name(told, feeds)]
    if not others:
        return
    more = len(others) - SOURCES_NAMED
    tail = f" and {more} more" if more > 0 else ""
    composer.add(f"Also reported by: {', '.join(others[:SOURCES_NAMED])}{tail}\n")


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
) -> tuple[Delivery, ...]:
    """Address what an outcome announces: stories to channels that want them, notices to operators' channels.

    A story told before (`grown`) is addressed like a new one: a channel that has it already takes no second row of its
    key. In the order of the outcome, so that each channel hears things in the order in which they came. Quiet hours set
    `not_before`; nothing is left out because of them. A notice's key bears the minute, so that a later incident of the
    same kind is another delivery; that one incident is told once is the store's to see.
    """
    mail: list[Delivery] = []
    for story in (*outcome.announce, *outcome.grown):
        judged = [row for row in outcome.judged if row.story_id == story.id]
        codes = {code for row in judged for code in row.score.codes}
        hearing = [rules for rules in channels if rules.alerts and wants(rules, story, codes=codes, feeds=feeds)]
        if hearing:
            message = story_message(story, judged, feeds=feeds, tz=tz)
            mail += _addressed(f"story:{story.id}", message, hearing, tz, now, story_id=story.id)
    operators = [rules for rules in channels if rules.operators]
    for notice in outcome.notices:
        mail += notice_deliveries(notice, channels=operators, tz=tz, now=now)
    return tuple(mail)


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
