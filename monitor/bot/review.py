"""Review in a chat: buttons under alerts and near misses, and what comes of a press.

A button says nothing but a random number; what it does stands in the database. Only the persons of `bot.raters` count,
each once an article, the newest press of each; pressing the same again, or undo, takes it back. Every press is kept.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from classifiers.corpus_files import CODES
from monitor.alerts import render
from monitor.bot import words
from monitor.bot.admin import rater
from monitor.bot.desk import Desk
from monitor.bot.history import alone
from monitor.bot.updates import Pressed
from monitor.model import (
    Button,
    Card,
    Delivery,
    Effects,
    Judged,
    Keyboard,
    Label,
    LabelValue,
    Message,
    Press,
    Span,
    SpanKind,
)
from monitor.wishes import held_until

CARDS_LAST = timedelta(days=90)
LATELY = timedelta(days=2)
DAY = timedelta(days=1)
ID_BYTES = 8
KEY = "review:"
"""How the key of a delivery begins that shows an article to reviewers alone."""

_NAMES = {
    LabelValue.RELEVANT: "✅ relevant",
    LabelValue.NOT_RELEVANT: "❌ not",
    LabelValue.UNSURE: "🤷 unsure",
    LabelValue.WRONG_CODE: "🏷 wrong code",
}
_UNDO, _BACK, _CODE = "undo", "back", "code:"
ACTIONS = (*_NAMES, _UNDO, _BACK, *(f"{_CODE}{code}" for code in CODES))


# ── the buttons ───────────────────────────────────────────────────────────────────────────────────


def new_card(*, chat: str, remote_id: str, channel: str, article_id: str, now: datetime) -> Card:
    """A card for a message, with buttons of its own."""
    presses = tuple(Press(id=secrets.token_hex(ID_BYTES), action=action) for action in ACTIONS)
    return Card(chat=chat, remote_id=remote_id, channel=channel, article_id=article_id, made_at=now, presses=presses)


def keyboard(card: Card, labels: Sequence[Label]) -> Keyboard:
    """The buttons of a card, with how many people pressed each."""
    ids = {press.action: press.id for press in card.presses}
    said = Counter(label.value for label in labels)
    codes = Counter(code for label in labels if label.value is LabelValue.WRONG_CODE for code in label.codes)

    def button(name: str, action: str, count: int = 0) -> Button:
        return Button(text=f"{name} {count}" if count else name, data=ids[action])

    if card.menu == "codes":
        chosen = [button(code, f"{_CODE}{code}", codes[code]) for code in CODES]
        pairs = [tuple(chosen[at : at + 2]) for at in range(0, len(chosen), 2)]
        return (*pairs, (button("← back", _BACK),))
    first, second, third, fourth = (button(name, value, said[value]) for value, name in _NAMES.items())
    return ((first, second), (third, fourth), (button("↩ undo", _UNDO),))


def keyboard_of(desk: Desk, card: Card) -> Keyboard:
    """The buttons of a card as things stand."""
    return keyboard(card, desk.people.labels_of(card.article_id))


# ── a press ───────────────────────────────────────────────────────────────────────────────────────


def pressed(desk: Desk, press: Pressed, now: datetime) -> tuple[Effects, str]:
    """Decide what a press changes, and what is said to whoever pressed."""
    person = desk.people.person(str(press.person))
    tr = words.speaking(words.chosen(person.language if person else "", press.language))
    found = desk.people.card_of_press(press.data)
    reviewing = {channel.name for channel in desk.app.settings.channels if channel.review}
    if found is None or not _is_of(found[0], press) or found[0].channel not in reviewing:
        return Effects(), tr("This button has no meaning any more.")
    card, action = found
    if now - card.made_at > CARDS_LAST:
        return Effects(), tr("This button has no meaning any more.")
    if press.person not in desk.app.settings.bot.raters:
        return Effects(), tr("Only reviewers' presses count here.")
    if action == LabelValue.WRONG_CODE:
        return Effects(menu=(card.id, "codes")), tr("Choose the right code.")
    if action == _BACK:
        return Effects(menu=(card.id, "")), ""
    mine = _label_of(desk, card, press.person)
    made = _judgement(card, action, press.person, now, mine)
    if made is None:
        return Effects(), tr("There is nothing to take back.")
    said = tr("Taken back.") if made.value is LabelValue.WITHDRAWN else tr("Noted: {what}", what=_spoken(made))
    return Effects(labels=(made,), menu=(card.id, "")), said


def _is_of(card: Card, press: Pressed) -> bool:
    return (card.chat, card.remote_id) == (press.chat, press.message)


def _label_of(desk: Desk, card: Card, person: int) -> Label | None:
    found = (one for one in desk.people.labels_of(card.article_id) if one.rater == rater(person))
    return next((one for one in found if one.value is not LabelValue.WITHDRAWN), None)


def _judgement(card: Card, action: str, person: int, now: datetime, mine: Label | None) -> Label | None:
    withdrawn = Label(article_id=card.article_id, rater=rater(person), value=LabelValue.WITHDRAWN, at=now)
    if action == _UNDO:
        return withdrawn if mine else None
    code = action.removeprefix(_CODE) if action.startswith(_CODE) else ""
    value = LabelValue.WRONG_CODE if code else LabelValue(action)
    made = replace(withdrawn, value=value, codes=(code,) if code else ())
    return withdrawn if mine and (mine.value, mine.codes) == (made.value, made.codes) else made


def _spoken(label: Label) -> str:
    return f"{label.value} {' '.join(label.codes)}".strip()


# ── what is shown to reviewers ────────────────────────────────────────────────────────────────────


def new_cards(desk: Desk, now: datetime) -> tuple[Card, ...]:
    """Cards for messages that went out to review chats and have no buttons yet."""
    app = desk.app
    cards = []
    for channel in (one.name for one in app.settings.channels if one.review):
        rows = desk.people.sent_without_card(channel, key=KEY, since=now - LATELY)
        stories = app.store.stories([row.story_id for row in rows if row.story_id])
        for row in rows:
            article_id = row.key.removeprefix(KEY)
            if row.story_id:
                story = stories.get(row.story_id)
                article_id = render.voice(story, app.settings.tiers).article_id if story else row.story_id
            chat = row.chat.partition(":")[2]
            cards.append(new_card(chat=chat, remote_id=row.remote_id, channel=channel, article_id=article_id, now=now))
    return tuple(cards)


def near_misses(desk: Desk, now: datetime) -> tuple[Delivery, ...]:
    """Articles that reviewers are to see beside the alerts: first alerts that a list told, then near misses."""
    app, settings = desk.app, desk.app.settings
    mail: list[Delivery] = []
    for channel in (one for one in settings.channels if one.review):
        shown = desk.people.shown_to_reviewers(channel.name, key=KEY, since=now - DAY)
        room = settings.bot.near_misses - len(shown)
        if room <= 0:
            continue
        listed = desk.people.told_in_lists(channel.name, since=now - DAY)
        leads = [one for one in listed if one not in shown]
        below = [one for one in _just_below(desk, now) if one not in shown and one not in leads]
        rows = {row.article.id: row for row in app.store.judged([*leads, *below][:room])}
        held = held_until(channel.rules, tz=settings.timezone, now=now)
        for article_id in [*leads, *below][:room]:
            if article_id in rows:
                message = _shown(desk, rows[article_id], "From a list:" if article_id in leads else "Near miss:")
                key = f"{KEY}{article_id}"
                mail.append(Delivery(key=key, channel=channel.name, message=message, not_before=held, queued_at=now))
    return tuple(mail)


def _just_below(desk: Desk, now: datetime) -> list[str]:
    """Ids of articles that just missed their threshold within a day, the nearest first."""
    app = desk.app
    band = app.settings.bot.near_band
    missed = []
    for article_id, feed, score in desk.people.below_threshold(now - DAY):
        own = app.watch.feeds[feed].alert_at if feed in app.watch.feeds else None
        distance = (app.settings.alert_at if own is None else own) - score
        if 0 < distance <= band:
            missed.append((distance, article_id))
    return [article_id for _, article_id in sorted(missed)]


def _shown(desk: Desk, row: Judged, why: str) -> Message:
    app = desk.app
    told = render.story_message(
        alone(row), [row], feeds=app.watch.feeds, tz=app.settings.timezone, tiers=app.settings.tiers
    )
    lead = f"{why}\n"
    spans = tuple(replace(span, start=span.start + len(lead)) for span in told.spans)
    first = Span(kind=SpanKind.ITALIC, start=0, length=len(why))
    return Message(text=f"{lead}{told.text}", spans=(first, *spans), silent=True)
