"""What a channel wants, and when: its filters and its quiet hours. Pure; the same for alerts and digests.

A filter leaves out only what is known not to fit. A story whose language, states or codes could not be read passes:
what is unsure is shown, because a story left out is missed for ever and one shown too much is only read past. Words are
looked for in headlines and summaries: one article that says a wanted word is enough, and an unwanted one leaves a story
out only where every article says one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model import ChannelRules, Feed, Story
from monitor.patterns import says


def wants(rules: ChannelRules, story: Story, *, codes: Iterable[str], feeds: Mapping[str, Feed]) -> bool:
    """Say whether `story` passes the channel's filters.

    `codes` are those that its articles' scores name, beside the story's own facts. `feeds` is keyed by `Feed.url`; tags
    are configuration, so a feed without tags has none, but one that is not configured any more could have had any.
    """
    languages = {member.language or story.language for member in story.members} or {story.language}
    states = {*story.facts.origin_states, *story.facts.host_states}
    return (
        _any_language(rules.languages, languages)
        and _any(rules.states, states)
        and _any(rules.hosts, set(story.facts.host_states))
        and _any(rules.codes, {*story.facts.codes, *codes})
        and _any(rules.stages, {story.facts.stage} - {""})
        and max((member.score for member in story.members), default=1.0) >= rules.least
        and _any_tag(rules.tags, story, feeds)
        and _by_words(rules, story)
    )


def is_urgent(rules: ChannelRules, story: Story, *, codes: Iterable[str]) -> bool:
    """Say whether the channel hears of `story` in its quiet hours too. `codes` as for `wants`."""
    return not {*story.facts.codes, *codes, story.facts.stage}.isdisjoint(rules.urgent)


def _any(wanted: tuple[str, ...], found: set[str]) -> bool:
    return not wanted or not found or not found.isdisjoint(wanted)


def _any_language(wanted: tuple[str, ...], found: set[str]) -> bool:
    return not wanted or any(not tag or _is_language(tag, wish) for tag in found for wish in wanted)


def _is_language(tag: str, wish: str) -> bool:
    """Compare by the shorter of both tags: whoever wants zh-Hant gets what is only known to be zh."""
    parts = tag.lower().replace("_", "-").split("-"), wish.lower().split("-")
    return all(one == other for one, other in zip(*parts, strict=False))


def _any_tag(wanted: tuple[str, ...], story: Story, feeds: Mapping[str, Feed]) -> bool:
    sources = {member.feed for member in story.members}
    return not wanted or any(
        source not in feeds or not set(feeds[source].tags).isdisjoint(wanted) for source in sources
    )


def _by_words(rules: ChannelRules, story: Story) -> bool:
    if not rules.must and not rules.never:
        return True
    texts = [f"{member.title}\n{member.summary}" for member in story.members]
    wanted = not rules.must or any(says(wish, text) for text in texts for wish in rules.must)
    return wanted and not all(any(says(wish, text) for wish in rules.never) for text in texts)


def held_until(rules: ChannelRules, *, tz: ZoneInfo, now: datetime) -> datetime | None:
    """Say until when the channel's quiet hours hold a message queued at `now`; None outside of them. Aware UTC."""
    if rules.quiet is None or not _within(rules.quiet, now.astimezone(tz).time()):
        return None
    local, end = now.astimezone(tz), rules.quiet[1]
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    # When clocks go back, the first 02:30 may lie behind us and the second one ahead.
    moments = (datetime.combine(day, end, tz).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next(moment for moment in moments if moment > now)


def _within(quiet: tuple[time, time], at: time) -> bool:
    start, end = quiet
    return start <= at < end if start <= end else at >= start or at < end
