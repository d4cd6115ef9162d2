"""What administrators may order, in a private chat. To everybody else these commands don't exist.

Who is one stands in feeds.toml as Telegram's numbers. Every order is noted with that number, in the transaction that
carries it out. What can be read is read here; nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor import app as watch_app
from monitor import health, reload
from monitor.bot.desk import ID_CHARS, Turn
from monitor.compose import Composer, harmless, source_name
from monitor.errors import ConfigError, LongarmError
from monitor.model import (
    SUBSCRIBER,
    Act,
    Effects,
    Feed,
    FeedState,
    Label,
    LabelValue,
    Mute,
    Redaction,
    SpanKind,
)

MUTE_HOURS = 24
MOST_MUTE_HOURS = 24 * 14
FEEDS_SHOWN = 30
ACTS_SHOWN = 15
LATELY = timedelta(days=7)


class Refused(LongarmError):  # noqa: N818 - an order that can't be carried out, said as one
    """An order that can't be carried out; `str` says why."""


def help_() -> Composer:
    """Name the orders."""
    lines = (
        "/feeds – feeds that are in trouble",
        "/mute FEED [HOURS] – hold what a feed brings; 0 hours: go on",
        "/hold CHANNEL – send nothing there, keep everything",
        "/release CHANNEL – go on, and send what was held",
        "/threshold SCORE – what another alert_at would mean, and set it",
        "/label ID VALUE – relevant, not-relevant, unsure, wrong-code, withdrawn",
        "/redact ID WHY – withdraw a story everywhere",
        "/reload – read feeds.toml now",
        "/acts – what administrators did lately",
    )
    return Composer().add("\n").add("For administrators", SpanKind.BOLD).add("\n" + "\n".join(lines))


def _noted(turn: Turn, effects: Effects, what: str, about: str, why: str = "") -> Effects:
    return replace(effects, acts=(Act(by=turn.asked.person, what=what, about=about, why=why),))


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


def feeds(turn: Turn) -> Effects:
    """Name the feeds that are in trouble, and those that are muted."""
    watch = turn.desk.app.watch
    states = {state.url: state for state in turn.desk.app.store.feed_states() if state.url in watch.feeds}
    lines = []
    for url, feed in watch.feeds.items():
        trouble = _trouble(states[url]) if feed.enabled and url in states else ""
        if trouble:
            lines.append(f"• {_name(feed, states[url])}: {harmless(trouble, 150)}")
    for mute in turn.desk.people.muted(turn.now):
        name = harmless(watch.feeds[mute.feed].name if mute.feed in watch.feeds else "a feed", 60)
        lines.append(f"• {name}: muted until {mute.until:%d %b %H:%M} UTC")
    more = [f"and {len(lines) - FEEDS_SHOWN} more"] if len(lines) > FEEDS_SHOWN else []
    head = f"{len(watch.feeds)} feeds, {len(lines)} to look at"
    return turn.says("\n".join([head, *lines[:FEEDS_SHOWN], *more]))


def _trouble(state: FeedState) -> str:
    if state.failures:
        return f"{state.error_kind}, {state.failures} times" + _since(state.failing_since)
    return next((f"{one.kind}{_since(one.since)}" for one in health.standing(state)), "")


def _since(at: datetime | None) -> str:
    return f" since {at:%d %b %H:%M} UTC" if at else ""


def _name(feed: Feed, state: FeedState | None) -> str:
    return harmless(source_name(feed.name, state.title if state else "", url=feed.url), 60)


def mute(turn: Turn) -> Effects:
    """Hold what a feed brings for some hours; it is told then, and dropped never."""
    words = turn.words.split()
    hours = int(words.pop()) if len(words) > 1 and words[-1].isdecimal() else MUTE_HOURS
    if not words or hours > MOST_MUTE_HOURS:
        raise Refused(f"/mute FEED [HOURS]: which feed, and for how long? At most {MOST_MUTE_HOURS} hours.")
    feed = _feed(turn, " ".join(words))
    until = turn.now + timedelta(hours=hours)
    name = _name(feed, turn.desk.app.store.feed_state(feed.url))
    said = (
        f"{name}: what it brings is held until {until:%d %b %H:%M} UTC, and told then."
        if hours
        else f"{name}: heard again, and what was held is told."
    )
    effects = replace(turn.says(said), mute=Mute(feed=feed.url, until=until, by=turn.asked.person))
    return _noted(turn, effects, "mute", feed.name or feed.url, f"{hours} h")


def _feed(turn: Turn, wanted: str) -> Feed:
    """The one feed that is meant by a name, a part of it, or a part of its address."""
    known = {state.url: state.title for state in turn.desk.app.store.feed_states()}
    named = [(f"{feed.name or known.get(feed.url, '')}", feed) for feed in turn.desk.app.watch.feeds.values()]
    sought = wanted.casefold()
    exact = [feed for name, feed in named if name.casefold() == sought]
    found = exact or [feed for name, feed in named if sought in name.casefold() or sought in feed.url.casefold()]
    if len(found) != 1:
        raise Refused(
            f"{len(found) or 'No'} feeds are called “{harmless(wanted, 60)}”; /feeds and feeds.toml name them."
        )
    return found[0]


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


def hold(turn: Turn) -> Effects:
    """Send nothing to a channel until it is released; a start does not end it."""
    name = _channel(turn)
    said = turn.says(f"{harmless(name, 64)}: nothing is sent any more, everything is kept. /release ends it.")
    return _noted(turn, replace(said, hold=name), "hold", name)


def release(turn: Turn) -> Effects:
    """Send to a channel again, with what was held for it."""
    name = _channel(turn)
    said = turn.says(f"{harmless(name, 64)}: it goes on, and what was held is sent.")
    return _noted(turn, replace(said, release=name), "release", name)


def _channel(turn: Turn) -> str:
    names = [name for name in turn.desk.app.channels if not name.startswith(SUBSCRIBER)]
    if turn.words not in names:
        raise Refused(f"Which channel? There are: {harmless(', '.join(names), 500)}")
    return turn.words


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def threshold(turn: Turn) -> Effects:
    """Say what another threshold would mean; with "yes" behind it, write it into feeds.toml."""
    words = turn.words.split()
    wanted = _score(words)
    settings, edits = turn.desk.app.settings, turn.desk.edits
    scores = turn.desk.people.scores_since(turn.now - LATELY)
    would, were = sum(one >= wanted for one in scores), sum(one >= settings.alert_at for one in scores)
    effect = (
        f"alert_at {settings.alert_at:g} → {wanted:g}: of the last seven days, {would} articles would have been "
        f"worth an alert instead of {were}."
    )
    if edits is None:
        raise Refused(f"{effect} No file is followed here: set relevance.alert_at in feeds.toml.")
    if words[1:] != ["yes"]:
        return turn.says(f"{effect}\nTo set it: /threshold {wanted:g} yes")
    from monitor.config.writing import set_alert_at  # noqa: PLC0415 - only who writes needs it

    try:
        set_alert_at(edits.path, os.environ, wanted)
    except ConfigError as error:
        raise Refused(harmless(f"{error}".replace(f"{edits.path}", edits.path.name), 500)) from error
    said = turn.says(f"{effect}\nIt stands in {harmless(edits.path.name, 60)}, and is in use within half a minute.")
    return _noted(turn, said, "threshold", f"{settings.alert_at:g} → {wanted:g}")


def _score(words: list[str]) -> float:
    try:
        wanted = float(words[0].replace(",", "."))
    except (ValueError, IndexError):
        wanted = -1.0
    if not 0 <= wanted <= 1:
        raise Refused("/threshold SCORE: a number between 0 and 1, such as 0.85.")
    return wanted


def reload_(turn: Turn) -> Effects:
    """Read feeds.toml now."""
    if turn.desk.edits is None:
        raise Refused("No file is followed here.")
    watch_app.look(turn.desk.app, turn.desk.edits, now=turn.now, at_once=True)
    wrong = [one.text for one in turn.desk.app.store.open_notices() if one.key.startswith(reload.INCIDENT)]
    said = harmless(wrong[0], 1_000) if wrong else "feeds.toml was read. What differs is told where operators are told."
    return _noted(turn, turn.says(said), "reload", "refused" if wrong else "taken")


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def label(turn: Turn) -> Effects:
    """Say of an article what it is."""
    words = turn.words.split()
    values = tuple(LabelValue)
    if len(words) < 2 or words[1] not in values:
        raise Refused(f"/label ID VALUE: one of {', '.join(values)}; the right codes may follow.")
    article_id = _article(turn, words[0])
    codes = tuple(words[2:])
    from classifiers.corpus_files import CODES  # noqa: PLC0415 - small, and only here

    if not set(codes) <= set(CODES):
        raise Refused(f"Known codes: {', '.join(CODES)}")
    made = Label(
        article_id=article_id, rater=rater(turn.asked.person), value=LabelValue(words[1]), codes=codes, at=turn.now
    )
    said = replace(turn.says(f"{article_id[:ID_CHARS]}: {words[1]}"), labels=(made,))
    return _noted(turn, said, "label", article_id, " ".join(words[1:]))


def rater(person: int) -> str:
    """Under which name labels of a person of Telegram are kept."""
    return f"tg:{person}"


def redact(turn: Turn) -> Effects:
    """Withdraw a story: edit what was sent, put away what waits, never tell it again."""
    wanted, _, why = turn.words.partition(" ")
    if not wanted or not why.strip():
        raise Refused("/redact ID WHY: the id of the story, and the reason, which is noted and not told to readers.")
    app, people = turn.desk.app, turn.desk.people
    article = app.store.judged([_article(turn, wanted)])[0]
    if not article.story_id:
        raise Refused("This article belongs to no story; nobody was told of it.")
    story_id = article.story_id
    told = people.told_in(story_id)
    fixed = [name for name in told if name in app.channels and not app.channels[name].can_edit]
    story = app.store.stories([story_id]).get(story_id)
    urls = [member.url for member in story.members if member.url] if story else []
    named = [
        f"{key} in {channel}" for channel, key in people.digests_naming(urls) if not channel.startswith(SUBSCRIBER)
    ]
    lines = [f"{story_id[:ID_CHARS]} is withdrawn: {len(told)} channels were told, and their messages are edited."]
    if fixed:
        lines.append(f"These can't be edited, say it there: {harmless(', '.join(fixed), 300)}")
    if named:
        lines.append(f"These digests name it and stay as they are: {harmless(', '.join(named), 500)}")
    redaction = Redaction(story_id=story_id, by=turn.asked.person, why=why.strip(), at=turn.now)
    return _noted(turn, replace(turn.says("\n".join(lines)), redaction=redaction), "redact", story_id, why.strip())


def _article(turn: Turn, wanted: str) -> str:
    begins = wanted.casefold()
    ids = turn.desk.app.store.article_ids(begins) if len(begins) >= 6 else []
    if len(ids) != 1:
        raise Refused(f"{len(ids) or 'No'} reports have an id that begins so; six characters are needed at least.")
    return ids[0]


def acts(turn: Turn) -> Effects:
    """Say what administrators did lately."""
    found = turn.desk.people.acts(turn.now - LATELY * 4)[-ACTS_SHOWN:]
    lines = [f"{one.at:%d %b %H:%M} {one.by}: {harmless(f'{one.what} {one.about} {one.why}', 200)}" for one in found]
    return turn.says("\n".join(lines) or "Nothing in four weeks.")


COMMANDS: Mapping[str, Callable[[Turn], Effects]] = {
    "feeds": feeds,
    "mute": mute,
    "hold": hold,
    "release": release,
    "threshold": threshold,
    "label": label,
    "redact": redact,
    "reload": reload_,
    "acts": acts,
}
