"""Verdicts, and what is announced. Pure: it decides and touches nothing.

A verdict is about one article, an announcement about a story. A story is announced once, when an article in it first
reaches "alert":

- A copy that joins a story is silent only where readers have heard of that story: it was alerted before, or is
  announced by this very outcome. A story that was opened by something for the digest alone has been told to nobody, so
  the first alert-worthy article in it is announced, and told as that article, not as the one that came first. Otherwise
  a dull copy published ahead of the news would be a way to silence it.
- Whether a channel has heard of a story is the outbox's to know, not the story's: filters may have left it out, or the
  chat may have refused it. So a story told before that an alert joins is offered to every channel again, and the
  outbox's key lets none hear it twice. Where it is out already, its message is edited: `grown` is what was told and
  now reads otherwise, `updates` what is so new in it that it is worth a reply (`alerts.updates`).
- An edited article alerts like a new one, if its story has not been told. Where its story is closed by now nobody can
  say any more whether it was: it alerts, for to lose it is worse. The outbox's key keeps a story's own lead from being
  told twice even then.
- What a first poll finds, and old items that come in a batch, are remembered and never alerted.

However many new stories one poll brings, each is announced by itself: none is lost. That many at once become one
message is the outbox's affair (`alerts.bursts`), and that too many are held is `alerts.breaker`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifiers import Score
from monitor.alerts import updates
from monitor.alerts.sources import SHIPPED, Tier, Tiers, tier
from monitor.compose import source_name
from monitor.model import (
    Article,
    Decision,
    Facts,
    Feed,
    FeedState,
    Judged,
    Member,
    Notice,
    Outcome,
    Placed,
    Story,
    Verdict,
)

STILL_NEWS = timedelta(days=7)
_SUMMARY_CHARS = 500

Ruled = tuple[Article, Score, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read off the articles of a poll: facts by article id, and how those of one story are merged."""

    of: Mapping[str, Facts]
    merge: Callable[[Sequence[Facts]], Facts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds: scores from `alert_at` are alerts, from `digest_at` in the digest only. Both 0..1."""

    alert_at: float
    digest_at: float


# ── one article ───────────────────────────────────────────────────────────────────────────────────


def decision(score: Score, rules: Rules) -> Decision:
    """Decide by the score alone, as for a text that belongs to no feed."""
    return _ruled(score, rules, of="").decision


def verdict(score: Score, article: Article, feed: Feed, rules: Rules) -> Verdict:
    """Decide on an article and say by which rule. The feed's own thresholds go before `rules`."""
    own = Rules(
        alert_at=rules.alert_at if feed.alert_at is None else feed.alert_at,
        digest_at=rules.digest_at if feed.digest_at is None else feed.digest_at,
    )
    ruled = _ruled(score, own, of=" of this feed" if own != rules else "")
    if ruled.decision is Decision.DROP or article.recent:
        return ruled
    # Last week's news may still be read in the digest; a feed's archive is no news at all.
    old = article.first_seen_at - article.at > STILL_NEWS
    rule = f"{ruled.rule}, but remembered at the first poll, or old when it came"
    return Verdict(decision=Decision.DROP if old else Decision.DIGEST, rule=rule)


def _ruled(score: Score, rules: Rules, *, of: str) -> Verdict:
    value = score.value
    if math.isnan(value):
        # A broken score must end where people look, not among the irrelevant.
        return Verdict(decision=Decision.DIGEST, rule="no usable score")
    if value >= rules.alert_at:
        return Verdict(decision=Decision.ALERT, rule=_compared(value, ">=", "alert_at", rules.alert_at) + of)
    if value >= rules.digest_at:
        return Verdict(decision=Decision.DIGEST, rule=_compared(value, ">=", "digest_at", rules.digest_at) + of)
    below = _compared(value, "<", "digest_at", rules.digest_at) + of
    if score.obfuscated:
        return Verdict(decision=Decision.DIGEST, rule=f"{below}, but the text looks made to dodge filters")
    return Verdict(decision=Decision.DROP, rule=below)


def _compared(value: float, sign: str, name: str, threshold: float) -> str:
    """Write the comparison with as many digits as it needs to be seen as true."""
    for digits in (2, 4, 8):
        shown, bound = f"{value:.{digits}f}", f"{threshold:.{digits}f}"
        if shown != bound or value == threshold:
            return f"{shown} {sign} {name} {bound}"
    return f"{value!r} {sign} {name} {threshold!r}"


# ── one poll ──────────────────────────────────────────────────────────────────────────────────────


def outcome(
    feed: Feed,
    state: FeedState,
    *,
    new: Sequence[Ruled],
    edited: Sequence[Ruled],
    placed: Sequence[Placed],
    stories: Mapping[str, Story],
    seen_keys: tuple[tuple[bytes, str], ...],
    notices: tuple[Notice, ...],
    now: datetime,  # noqa: ARG001 - the seam's: what is held or grouped by age needs it
    reading: Reading | None = None,
    tiers: Tiers = SHIPPED,
) -> Outcome:
    """Put together what one poll of `feed` changes, and which stories are announced.

    `placed` holds the articles that were not dropped, `stories` those that still take members, by id. An edited article
    stays in the story it is in, wherever its new text would have been placed.
    """
    members = {member.article_id: (story, member) for story in stories.values() for member in story.members}
    places = _places(placed, edited, members)
    judged = [_judged(row, places, members, edited=False) for row in new]
    judged += [_judged(row, places, members, edited=True) for row in edited]
    outcome = Outcome(
        state=state,
        judged=tuple(judged),
        seen_keys=seen_keys,
        announce=_announced(feed, state, judged, stories),
        grown=_grown_since(feed, state, judged, stories),
        notices=notices,
    )
    return outcome if reading is None else _with_facts(outcome, stories, reading, tiers)


Known = Mapping[str, tuple[Story, Member]]


def _places(placed: Sequence[Placed], edited: Sequence[Ruled], members: Known) -> dict[str, Placed]:
    """Places by article id. What joined a story that an edited member would have opened follows it into its own."""
    stays = {row[0].id: members[row[0].id][0].id for row in edited if row[0].id in members}
    places = {}
    for place in placed:
        story_id = stays.get(place.article.id) or stays.get(place.story_id) or place.story_id
        opens = place.opens if story_id == place.story_id else False
        places[place.article.id] = replace(place, story_id=story_id, opens=opens)
    return places


def _judged(row: Ruled, places: Mapping[str, Placed], members: Known, *, edited: bool) -> Judged:
    article, score, ruled = row
    place = places.get(article.id)
    kept = members[article.id][0].id if edited and article.id in members else ""
    return Judged(
        article=article,
        score=score,
        verdict=ruled,
        story_id=place.story_id if place else kept,
        opens_story=place.opens if place else kept == article.id,
        evidence=place.evidence if place else "",
        edited=edited,
    )


def _announced(
    feed: Feed, state: FeedState, judged: Sequence[Judged], stories: Mapping[str, Story]
) -> tuple[Story, ...]:
    told: list[Story] = []
    for row in judged:
        known = stories.get(row.story_id)
        heard = (known is not None and known.alerted) or any(story.id == row.story_id for story in told)
        if row.story_id and not heard and row.verdict.decision is Decision.ALERT:
            told.append(_grown(row.story_id, known, feed, state, judged))
    return tuple(sorted(told, key=lambda story: (story.last_at, story.id)))


def _grown_since(
    feed: Feed, state: FeedState, judged: Sequence[Judged], stories: Mapping[str, Story]
) -> tuple[Story, ...]:
    """Stories told before that something joins, or of which something reads otherwise now."""
    joined = [row.story_id for row in judged if row.story_id and row.verdict.decision is not Decision.DROP]
    told = [stories[story_id] for story_id in dict.fromkeys(joined) if story_id in stories]
    grown = [_grown(known.id, known, feed, state, judged) for known in told if known.alerted]
    return tuple(sorted(grown, key=lambda story: (story.last_at, story.id)))


def _grown(story_id: str, known: Story | None, feed: Feed, state: FeedState, judged: Sequence[Judged]) -> Story:
    """The story as it stands after this outcome: its lead first, the others in order of time."""
    mine = {row.article.id: _member(row, feed, state) for row in judged if row.story_id == story_id}
    before = {member.article_id: member for member in known.members} if known else {}
    joined = {**before, **mine}
    lead = known.members[0].article_id if known and known.members else story_id
    ordered = sorted(joined.values(), key=lambda member: (member.article_id != lead, member.at, member.article_id))
    times = [member.at for member in ordered]
    if known is not None:
        times += [known.first_at, known.last_at]
        base = known
    else:
        base = Story(
            id=story_id, language=_language(judged, ordered[0]), members=(), first_at=times[0], last_at=times[0]
        )
    return replace(base, members=tuple(ordered), first_at=min(times), last_at=max(times), alerted=True)


def _language(judged: Sequence[Judged], lead: Member) -> str:
    return next((row.article.language for row in judged if row.article.id == lead.article_id), lead.language)


def _member(row: Judged, feed: Feed, state: FeedState) -> Member:
    article = row.article
    return Member(
        article_id=article.id,
        title=article.title,
        summary=(article.summary or article.text)[:_SUMMARY_CHARS],
        url=article.url,
        feed=article.feed or feed.url,
        feed_name=source_name(feed.name, state.title, url=feed.url),
        language=article.language,
        at=article.at,
        score=row.score.value,
        decision=row.verdict.decision,
    )


# ── what is known of stories ──────────────────────────────────────────────────────────────────────


def _with_facts(outcome: Outcome, stories: Mapping[str, Story], reading: Reading, tiers: Tiers) -> Outcome:
    """The outcome with what its stories say, what readers then know, and what of it is really new to them."""
    merged = _merged(outcome.judged, stories, reading)
    said = _said(outcome.judged, reading, tiers)
    titles = {row.article.id: row.article.title for row in outcome.judged}
    before = {story.id: stories[story.id].facts if story.id in stories else Facts() for story in outcome.grown}
    sure = {id_: updates.sure(said.get(id_, {}), titles, facts.stage) for id_, facts in before.items()}

    def knowing(story: Story) -> Story:
        heard = sure.get(story.id, said.get(story.id, {})).values()
        told = updates.all_told(heard, story.told)
        known = (*heard, before.get(story.id, Facts()))
        facts = merged[story.id] = updates.advanced(merged.get(story.id, story.facts), told, known)
        return replace(story, facts=facts, told=told)

    changes = [updates.change(story.id, story.told, sure[story.id]) for story in outcome.grown]
    return replace(
        outcome,
        announce=tuple(map(knowing, outcome.announce)),
        grown=tuple(map(knowing, outcome.grown)),
        updates=tuple(change for change in changes if change is not None),
        facts=tuple(merged.items()),
    )


def _merged(judged: Sequence[Judged], stories: Mapping[str, Story], reading: Reading) -> dict[str, Facts]:
    """Facts by story id: what was known before first, then what its articles of this poll say, in order of time."""
    read: dict[str, list[Facts]] = {}
    for row in sorted(judged, key=lambda row: row.article.at):
        if row.story_id and row.article.id in reading.of:
            read.setdefault(row.story_id, []).append(reading.of[row.article.id])
    known = {story_id: stories[story_id].facts for story_id in read if story_id in stories}
    before = {story_id: (facts,) for story_id, facts in known.items() if facts != Facts()}
    return {story_id: reading.merge((*before.get(story_id, ()), *facts)) for story_id, facts in read.items()}


def _said(judged: Sequence[Judged], reading: Reading, tiers: Tiers) -> dict[str, dict[str, Facts]]:
    """Facts by story and article, of those articles alone that may speak for a change."""
    said: dict[str, dict[str, Facts]] = {}
    for row in sorted(judged, key=lambda row: row.article.at):
        is_heard = row.verdict.decision is Decision.ALERT and tier(row.article.url, tiers) < Tier.MIRROR
        if row.story_id and is_heard and row.article.id in reading.of:
            said.setdefault(row.story_id, {})[row.article.id] = reading.of[row.article.id]
    return said
