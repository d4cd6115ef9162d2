"""What anybody may ask in a private chat. Each command reads, and returns what is to be written and answered.

Nobody learns here what is the operators' affair: no address of a feed, no other subscriber, no error. A story that was
withdrawn is not named by any of these. What follows from a command takes effect in one transaction, elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from monitor.alerts.render import voice
from monitor.bot import history, subscribing
from monitor.bot.desk import ID_CHARS, Turn, entry, reach
from monitor.compose import MAX_UNITS, Composer, harmless, isolated
from monitor.digest import render as digest_render
from monitor.digest.select import for_readers, last_week_out, select
from monitor.model import Effects, Judged, SpanKind, Story
from monitor.text import utf16_length
from monitor.wishes import wants

LATEST = 5
FOUND = 8
LOOKED_THROUGH = 200
"""So many of the newest stories are looked through for those that somebody's filters choose."""
SEARCHED = timedelta(days=90)
"""Older texts are forgotten anyway."""
WORDS = 5
DIGEST_PARTS = 3

Command = Callable[[Turn], Effects]


def start(turn: Turn) -> Effects:
    """Say what this is, and what may be asked."""
    head = turn.tr("I tell of transnational repression: of states that reach across borders to silence people abroad.")
    return turn.says(Composer().add(f"{head}\n\n").extend(_help(turn)))


def help_(turn: Turn) -> Effects:
    """Say what may be asked."""
    return turn.says(_help(turn))


def _help(turn: Turn) -> Composer:
    tr = turn.tr
    lines = [
        ("/latest", tr("the newest reports")),
        ("/search WORDS", tr("reports that hold these words")),
        ("/case NAME", tr("the history of an affair")),
        ("/why ID", tr("why a report was told")),
        ("/digest", tr("last week's digest")),
        ("/status", tr("how the watch is doing")),
    ]
    if turn.desk.app.settings.bot.subscriptions:
        lines += [
            ("/subscribe", tr("get reports here, by filters of your own")),
            ("/pause", tr("get nothing for a while; again: go on")),
        ]
    lines += [
        ("/language", tr("another language")),
        ("/mydata", tr("what is kept of you")),
        ("/stop", tr("end everything and delete what is kept of you")),
    ]
    return Composer().add("".join(f"{command} – {what}\n" for command, what in lines))


def status(turn: Turn) -> Effects:
    """Say how much is watched and told; nothing of single feeds."""
    watch, now = turn.desk.app.watch, turn.now
    states = [state for state in turn.desk.app.store.feed_states() if state.url in watch.feeds]
    enabled = sum(feed.enabled for feed in watch.feeds.values())
    answered = sum(1 for one in states if one.succeeded_at and now - one.succeeded_at < timedelta(days=1))
    newest = max((one.polled_at for one in states if one.polled_at), default=None)
    told = turn.desk.people.told_since(now - timedelta(days=7))
    lines = [
        turn.tr("Feeds watched: {count}; answered within a day: {answered}", count=enabled, answered=answered),
        turn.tr("Reports told within seven days: {count}", count=told),
    ]
    if newest is not None:
        minutes = max(round((now - newest).total_seconds() / 60), 0)
        lines.insert(1, turn.tr("Minutes since the last look: {minutes}", minutes=minutes))
    return turn.says("\n".join(lines))


def latest(turn: Turn) -> Effects:
    """Name the newest stories that the asker's filters choose."""
    feeds, tiers = turn.desk.app.watch.feeds, turn.desk.app.settings.tiers
    stories = turn.desk.people.newest_told(LOOKED_THROUGH)
    chosen = [story for story in stories if wants(turn.rules, story, codes=(), feeds=feeds)][:LATEST]
    if not chosen:
        return turn.says(turn.tr("Nothing was found."))
    composer = Composer().add(turn.tr("The newest reports"), SpanKind.BOLD).add("\n\n")
    for story in chosen:
        member = voice(story, tiers)
        composer.extend(entry(story, member.title, member.url, member.at, turn))
    return turn.says(composer)


def search(turn: Turn) -> Effects:
    """Name the newest articles that hold every one of the words."""
    words = [word for word in turn.words.split() if len(word) > 1][:WORDS]
    if not words:
        return turn.says(turn.tr("Search for which words?") + "\n/search Nairobi abducted")
    found = turn.desk.people.search(words, since=turn.now - SEARCHED, limit=FOUND)
    if not found:
        return turn.says(turn.tr("Nothing was found."))
    heading = turn.tr("Reports that hold: {words}", words=isolated(harmless(" ".join(words), 100)))
    composer = Composer().add(heading, SpanKind.BOLD).add("\n\n")
    stories = turn.desk.app.store.stories([row.story_id for row in found if row.story_id])
    for row in found:
        story = stories.get(row.story_id) or history.alone(row)
        composer.extend(entry(story, row.article.title, row.article.url, row.article.at, turn))
    return turn.says(composer)


def digest(turn: Turn) -> Effects:
    """Give the last whole week's digest, as far as the asker's filters choose and a chat takes it."""
    app = turn.desk.app
    tz = app.settings.timezone
    week = last_week_out(turn.now, tz, app.settings.digest_review)
    data = app.store.judged_between(*week.span(tz))
    rules = replace(turn.rules, language=turn.language)
    chosen = select(data, rules, week, feeds=app.watch.feeds, tz=tz)
    if not chosen.alerted and not chosen.below:
        return turn.says(turn.tr("There was no report last week."))
    parts = digest_render.as_messages(for_readers(chosen))
    more = [turn.tr("The rest is too long for a chat.")] if len(parts) > DIGEST_PARTS else []
    return turn.says(*parts[:DIGEST_PARTS], *more)


# ── why ───────────────────────────────────────────────────────────────────────────────────────────


def why(turn: Turn) -> Effects:
    """Say why a report was told: score, reasons, rule, codes, and what its story says."""
    wanted = turn.words.split()[0].casefold() if turn.words else _answered(turn)
    if len(wanted) < 6 or not set(wanted) <= set("0123456789abcdef"):
        return turn.says(turn.tr("Which report? Write its id behind the command, or answer a report with /why."))
    ids = turn.desk.app.store.article_ids(wanted)
    if len(ids) > 1:
        shown = ", ".join(one[:ID_CHARS] for one in ids)
        return turn.says(turn.tr("Several reports begin so: {ids}", ids=shown))
    rows = turn.desk.app.store.judged(ids)
    gone = {one.story_id for one in turn.desk.people.redactions()}
    if not rows or rows[0].story_id in gone:
        return turn.says(turn.tr("No report has this id."))
    story = turn.desk.app.store.stories([rows[0].story_id]).get(rows[0].story_id)
    return turn.says(_reasons(turn, rows[0], story))


def _answered(turn: Turn) -> str:
    """The id of the story that the message told which is answered."""
    if not turn.asked.answers:
        return ""
    return turn.desk.people.story_of(turn.asked.chat, turn.asked.answers, since=turn.now - timedelta(days=30))


def _reasons(turn: Turn, row: Judged, story: Story | None) -> Composer:
    tr, score = turn.tr, row.score
    composer = Composer().add(harmless(row.article.title, 200) or "…", SpanKind.BOLD).add("\n\n")
    for_it = [reason for reason in score.reasons if reason.weight > 0]
    against = [reason for reason in score.reasons if reason.weight < 0]
    lines = [
        (tr("Score"), f"{score.value:.2f}"),
        (tr("Decision"), f"{row.verdict.decision}: {row.verdict.rule}"),
        (tr("Because of"), ", ".join(f"“{isolated(one.term)}” {one.weight:+.2f}" for one in for_it)),
        (tr("Against it"), ", ".join(f"“{isolated(one.term)}” {one.weight:+.2f}" for one in against)),
        (tr("Codes"), ", ".join(dict.fromkeys((*(story.facts.codes if story else ()), *score.codes)))),
    ]
    if story is not None:
        lines += [
            (tr("States"), reach(story)),
            (tr("Stage"), story.facts.stage),
            (tr("Story"), f"{story.id[:ID_CHARS]}, {len(story.members)}"),
        ]
    for name, said in lines:
        text = f"{name}: {harmless(said, 300)}\n" if said else ""
        if composer.units + utf16_length(text) < MAX_UNITS:
            composer.add(text)
    return composer


COMMANDS: Mapping[str, Command] = {
    "start": start,
    "help": help_,
    "status": status,
    "latest": latest,
    "search": search,
    "case": history.case,
    "digest": digest,
    "why": why,
    "subscribe": subscribing.subscribe,
    "pause": subscribing.pause,
    "stop": subscribing.stop,
    "mydata": subscribing.mydata,
    "language": subscribing.language,
}
