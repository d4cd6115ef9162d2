"""What the bot remembers, beside the store and in its database: each method is one transaction.

`take` is the heart: what an update changes is written together with its number, so that an update that comes again,
after a restart or because Telegram did not hear us, changes nothing. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, or_, select, update

from monitor.model import (
    DIGEST_AT,
    HELD_BY_HAND,
    Act,
    Answer,
    Card,
    ChannelRules,
    ChannelState,
    Decision,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Effects,
    Judged,
    Label,
    Mute,
    Person,
    Press,
    Redaction,
    Story,
)
from monitor.store import folding, handled, outbox, posting, reading, rows, searching, withdrawing
from monitor.store.people_tables import acts, answers, mutes, people, redactions, review_cards, review_presses
from monitor.store.searching import Wish
from monitor.store.store import Store
from monitor.store.tables import IS_HELD, articles, attempts, channels, deliveries, labels, stories
from monitor.store.upsert import insert_into

_FILTERS = ("languages", "states", "hosts", "codes", "stages", "tags")


class People:
    """The bot's memory in the database of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._store._reading() as connection:  # noqa: SLF001 - one room
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._store._writing() as connection:  # noqa: SLF001 - one room
            yield connection

    # ── updates ───────────────────────────────────────────────────────────────────────────────────

    def next_update(self, now: datetime) -> int:
        """The number of the first update that was not handled; 0 where any number may come."""
        with self._reading() as connection:
            return handled.next_number(connection, now)

    def was_handled(self, update_id: int, now: datetime) -> bool:
        """Whether the update was handled."""
        with self._reading() as connection:
            return handled.was_handled(connection, update_id, now)

    def take(self, update_id: int, effects: Effects, *, now: datetime, in_order: bool = True) -> bool:
        """Write `effects` and that `update_id` was handled; False, and nothing is written, if it was before.

        `in_order`: with it all before it were, or are never to be.
        """
        with self._writing() as connection:
            if not handled.note(connection, update_id, in_order=in_order, now=now):
                return False
            _apply(connection, effects, now)
            return True

    # ── persons ───────────────────────────────────────────────────────────────────────────────────

    def person(self, chat: str) -> Person | None:
        """Who is known in `chat`."""
        with self._reading() as connection:
            row = connection.execute(select(people).where(people.c.chat == chat)).mappings().first()
        return _person(row) if row else None

    def subscribers(self) -> tuple[Person, ...]:
        """Everybody who is subscribed, paused ones too."""
        with self._reading() as connection:
            found = connection.execute(select(people).where(people.c.subscribed).order_by(people.c.id)).mappings()
            return tuple(map(_person, found))

    def keep(self, person: Person) -> None:
        """Remember `person` as given, if still known."""
        with self._writing() as connection:
            values = _person_values(person)
            connection.execute(update(people).where(people.c.id == person.id).values(values))

    def was_sent(self, channel: str, *, since: datetime) -> bool:
        """Whether anything reached `channel` since `since`."""
        sent = select(deliveries.c.id).where(deliveries.c.channel == channel, deliveries.c.sent_at >= since)
        with self._reading() as connection:
            return connection.execute(sent.limit(1)).first() is not None

    def forget(self, chat: str) -> None:
        """Delete everything that is kept of `chat`."""
        with self._writing() as connection:
            _forget(connection, chat)

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    def answers(self, limit: int = 100) -> tuple[Answer, ...]:
        """What was asked for and not sent yet, in order."""
        with self._reading() as connection:
            found = connection.execute(select(answers).order_by(answers.c.id).limit(limit)).mappings()
            return tuple(_answer(row) for row in found)

    def answered(self, answer_id: int) -> None:
        """The answer was sent, or can't be."""
        with self._writing() as connection:
            connection.execute(delete(answers).where(answers.c.id == answer_id))

    def answering(self, answer_id: int) -> None:
        """Begin to send an answer, before it is tried: after a crash it is a possible repeat."""
        with self._writing() as connection:
            tried = update(answers).where(answers.c.id == answer_id)
            connection.execute(tried.values(attempts=answers.c.attempts + 1))

    # ── review ────────────────────────────────────────────────────────────────────────────────────

    def add_cards(self, cards: Sequence[Card]) -> None:
        """Remember that messages are to carry buttons; one that is known stays as it is."""
        with self._writing() as connection:
            for card in cards:
                _add_card(connection, card)

    def card_of_press(self, press_id: str) -> tuple[Card, str] | None:
        """The card that a button hangs on, and what the button does."""
        with self._reading() as connection:
            press = select(review_presses).where(review_presses.c.id == press_id)
            found = connection.execute(press).mappings().first()
            if found is None:
                return None
            return _cards(connection, review_cards.c.id == found["card_id"])[0], found["action"]

    def card_at(self, chat: str, remote_id: str) -> Card | None:
        """The card that a message is."""
        with self._reading() as connection:
            found = _cards(connection, (review_cards.c.chat == chat) & (review_cards.c.remote_id == remote_id))
            return found[0] if found else None

    def stale_cards(self, limit: int = 20) -> tuple[Card, ...]:
        """Cards whose buttons are to be drawn anew, oldest first."""
        with self._reading() as connection:
            return _cards(connection, review_cards.c.stale.is_(True), limit=limit)

    def drawn(self, card_id: int) -> None:
        """The buttons of a card are as they should be."""
        with self._writing() as connection:
            connection.execute(update(review_cards).where(review_cards.c.id == card_id).values(stale=False))

    def redraw(self, card_id: int) -> None:
        """The buttons of a card are not as they should be."""
        with self._writing() as connection:
            connection.execute(update(review_cards).where(review_cards.c.id == card_id).values(stale=True))

    def labels_of(self, article_id: str) -> tuple[Label, ...]:
        """What counts of what was said of an article: of each rater the newest."""
        with self._reading() as connection:
            found = select(labels).where(labels.c.article_id == article_id).order_by(labels.c.at, labels.c.id)
            newest = {row["rater"]: rows.label(row) for row in connection.execute(found).mappings()}
            return tuple(newest.values())

    def sent_without_card(self, channel: str, *, key: str, since: datetime) -> tuple[Delivery, ...]:
        """First messages of stories, and those under `key`, that went to `channel` since `since` and have no card."""
        chat = "telegram:" + review_cards.c.chat
        has_card = exists().where(chat == deliveries.c.chat, review_cards.c.remote_id == deliveries.c.remote_id)
        is_one = or_(deliveries.c.story_id != "", deliveries.c.key.startswith(key, autoescape=True))
        sent = select(deliveries).where(
            deliveries.c.queued_at >= since,
            deliveries.c.channel == channel,
            deliveries.c.state == DeliveryState.SENT,
            deliveries.c.kind == DeliveryKind.SEND,
            deliveries.c.about == "",
            deliveries.c.remote_id != "",
            is_one,
            ~has_card,
        )
        with self._reading() as connection:
            return tuple(map(rows.delivery, connection.execute(sent.order_by(deliveries.c.id)).mappings()))

    def shown_to_reviewers(self, channel: str, *, key: str, since: datetime) -> tuple[str, ...]:
        """What follows `key` in the keys of what was queued for `channel` since `since`."""
        shown = select(deliveries.c.key).where(
            deliveries.c.queued_at >= since,
            deliveries.c.channel == channel,
            deliveries.c.key.startswith(key, autoescape=True),
        )
        with self._reading() as connection:
            return tuple(one.removeprefix(key) for one in connection.execute(shown).scalars())

    def told_in_lists(self, channel: str, *, since: datetime) -> tuple[str, ...]:
        """Ids of stories, which are those of their first articles, that `channel` was told beside others."""
        told = select(deliveries.c.story_id).where(
            deliveries.c.queued_at >= since,
            deliveries.c.channel == channel,
            deliveries.c.state == DeliveryState.SENT,
            deliveries.c.kind == DeliveryKind.SEND,
            deliveries.c.story_id != "",
            deliveries.c.about != "",
        )
        with self._reading() as connection:
            return tuple(connection.execute(told.order_by(deliveries.c.id)).scalars())

    def below_threshold(self, since: datetime) -> tuple[tuple[str, str, float], ...]:
        """(id, feed, score) of the articles for the digest alone that were news when they came, since `since`."""
        found = select(articles.c.id, articles.c.feed, articles.c.score).where(
            articles.c.first_seen_at >= since,
            articles.c.decision == Decision.DIGEST,
            articles.c.recent,
            withdrawing.still_told(),
        )
        with self._reading() as connection:
            return tuple((row[0], row[1], row[2]) for row in connection.execute(found.order_by(articles.c.id)))

    def scores_since(self, since: datetime) -> tuple[float, ...]:
        """The scores of what was news when it came, since `since`."""
        found = select(articles.c.score).where(articles.c.first_seen_at >= since, articles.c.recent)
        with self._reading() as connection:
            return tuple(connection.execute(found).scalars())

    # ── administrators ────────────────────────────────────────────────────────────────────────────

    def acts(self, since: datetime) -> tuple[Act, ...]:
        """What administrators did since `since`, oldest first."""
        with self._reading() as connection:
            found = connection.execute(select(acts).where(acts.c.at >= since).order_by(acts.c.at, acts.c.id)).mappings()
            return tuple(
                Act(by=row["by"], what=row["what"], about=row["about"], why=row["why"], at=row["at"]) for row in found
            )

    def redactions(self) -> tuple[Redaction, ...]:
        """Stories that are told no more."""
        with self._reading() as connection:
            found = connection.execute(select(redactions).order_by(redactions.c.at)).mappings()
            return tuple(
                Redaction(story_id=row["story_id"], by=row["by"], why=row["why"], at=row["at"]) for row in found
            )

    def withdraw(self, story_id: str, *, by: int, why: str, now: datetime) -> None:
        """Withdraw a story everywhere, and note who did and why; twice changes nothing of it."""
        redaction = Redaction(story_id=story_id, by=by, why=why)
        act = Act(by=by, what="redact", about=story_id, why=why)
        with self._writing() as connection:
            _apply(connection, Effects(redaction=redaction, acts=(act,)), now)

    def told_in(self, story_id: str) -> tuple[str, ...]:
        """Names of the channels that the story went out to."""
        with self._reading() as connection:
            return withdrawing.channels_told(connection, story_id)

    def digests_naming(self, urls: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """(channel, key) of the digests that went out and hold one of `urls`."""
        with self._reading() as connection:
            return withdrawing.digests_naming(connection, urls)

    def muted(self, now: datetime) -> tuple[Mute, ...]:
        """Feeds whose alerts are held at `now`."""
        with self._reading() as connection:
            found = connection.execute(select(mutes).where(mutes.c.until > now).order_by(mutes.c.feed)).mappings()
            return tuple(Mute(feed=row["feed"], until=row["until"], by=row["by"]) for row in found)

    # ── what may be shown to anybody ──────────────────────────────────────────────────────────────

    def newest_told(self, limit: int) -> tuple[Story, ...]:
        """The stories that were told last, newest first; no withdrawn ones."""
        told = select(stories.c.id).where(stories.c.alerted, withdrawing.still_told(stories.c.id))
        with self._reading() as connection:
            ids = connection.execute(told.order_by(stories.c.last_at.desc(), stories.c.id).limit(limit)).scalars().all()
            return tuple(sorted(reading.stories_of(connection, ids), key=lambda one: ids.index(one.id)))

    def told_since(self, since: datetime) -> int:
        """How many stories that were told begin at `since` or later; no withdrawn ones."""
        told = (
            select(func.count())
            .select_from(stories)
            .where(stories.c.alerted, stories.c.first_at >= since, withdrawing.still_told(stories.c.id))
        )
        with self._reading() as connection:
            return int(connection.execute(told).scalar_one())

    def search(self, words: Sequence[str], *, since: datetime, limit: int) -> tuple[Judged, ...]:
        """Articles that mattered and hold every one of `words` in title or summary, newest first."""
        wish = Wish(words=tuple(words), decisions=(Decision.ALERT, Decision.DIGEST), since=since)
        with self._reading() as connection:
            return tuple(one.judged for one in searching.found(connection, wish, limit=limit))

    def story_of(self, chat: str, remote_id: str, *, since: datetime) -> str:
        """The story that a message of `chat`, queued since `since`, tells; "" where it tells none."""
        told = select(deliveries.c.story_id).where(
            deliveries.c.queued_at >= since,
            deliveries.c.remote_id == remote_id,
            deliveries.c.chat == f"telegram:{chat}",
            deliveries.c.story_id != "",
        )
        with self._reading() as connection:
            return connection.execute(told.limit(1)).scalar() or ""

    # ── keeping house ─────────────────────────────────────────────────────────────────────────────

    def purge(self, now: datetime, *, cards_after: timedelta) -> None:
        """Forget cards older than `cards_after` with their buttons; the labels stay. And what else is over."""
        with self._writing() as connection:
            connection.execute(delete(review_cards).where(review_cards.c.made_at < now - cards_after))
            connection.execute(delete(mutes).where(mutes.c.until < now))
            handled.forget(connection, now)


# ── one transaction ───────────────────────────────────────────────────────────────────────────────


def _apply(connection: Connection, effects: Effects, now: datetime) -> None:
    for person in effects.people:
        values = _person_values(person)
        statement = insert_into(connection, people).values(values)
        kept = {name: value for name, value in values.items() if name != "id"}
        connection.execute(statement.on_conflict_do_update(index_elements=["chat"], set_=kept))
    for chat in effects.forget:
        _forget(connection, chat)
    for answer in effects.answers:
        values = {"chat": answer.chat, "message": rows.message_values(answer.message), "attempts": 0, "asked_at": now}
        connection.execute(insert_into(connection, answers).values(values))
    for label in effects.labels:
        if connection.execute(select(articles.c.id).where(articles.c.id == label.article_id)).first():
            connection.execute(insert_into(connection, labels).values(rows.label_values(label)))
            touched = update(review_cards).where(review_cards.c.article_id == label.article_id)
            connection.execute(touched.values(stale=True))
    if effects.menu:
        card_id, menu = effects.menu
        connection.execute(update(review_cards).where(review_cards.c.id == card_id).values(menu=menu, stale=True))
    _apply_acts(connection, effects, now)


def _apply_acts(connection: Connection, effects: Effects, now: datetime) -> None:
    for act in effects.acts:
        values = {"by": act.by, "what": act.what, "about": act.about, "why": act.why, "at": now}
        connection.execute(insert_into(connection, acts).values(values))
    if effects.redaction:
        withdrawing.withdraw(connection, replace(effects.redaction, at=now))
    if effects.mute:
        values = {"feed": effects.mute.feed, "until": effects.mute.until, "by": effects.mute.by}
        statement = insert_into(connection, mutes).values(values)
        connection.execute(statement.on_conflict_do_update(index_elements=["feed"], set_=values))
        mine = and_(IS_HELD, deliveries.c.cause == f"muted-feed:{effects.mute.feed}")
        connection.execute(update(deliveries).where(mine).values(not_before=effects.mute.until))
    if effects.hold:
        state = ChannelState(channel=effects.hold, paused_at=now, reason=HELD_BY_HAND)
        outbox.set_channel(connection, state, only=("paused_at", "reason"))
    if effects.release:
        resumed = update(channels).where(channels.c.channel == effects.release).values(paused_at=None, reason="")
        connection.execute(resumed)
        folding.release(connection, effects.release, None, now)
    posting.post(connection, (), effects.queue, now=now)


def _forget(connection: Connection, chat: str) -> None:
    """Delete the row and every trace that its channel left: what was sent to whom is nobody's to know afterwards."""
    row = connection.execute(select(people).where(people.c.chat == chat)).mappings().first()
    connection.execute(delete(answers).where(answers.c.chat == chat))
    if row is None:
        return
    channel = _person(row).channel
    mine = select(deliveries.c.id).where(deliveries.c.channel == channel)
    connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(mine)))
    connection.execute(delete(deliveries).where(deliveries.c.channel == channel))
    connection.execute(delete(channels).where(channels.c.channel == channel))
    connection.execute(delete(people).where(people.c.chat == chat))


def _add_card(connection: Connection, card: Card) -> None:
    values = {
        "chat": card.chat,
        "remote_id": card.remote_id,
        "channel": card.channel,
        "article_id": card.article_id,
        "menu": card.menu,
        "stale": True,
        "made_at": card.made_at,
    }
    statement = insert_into(connection, review_cards).values(values)
    fresh = statement.on_conflict_do_nothing(index_elements=["chat", "remote_id"]).returning(review_cards.c.id)
    card_id = connection.execute(fresh).scalar_one_or_none()
    if card_id is not None and card.presses:
        presses = [{"id": press.id, "card_id": card_id, "action": press.action} for press in card.presses]
        connection.execute(insert_into(connection, review_presses), presses)


def _cards(connection: Connection, which: Any, *, limit: int = 20) -> tuple[Card, ...]:
    found = connection.execute(select(review_cards).where(which).order_by(review_cards.c.id).limit(limit)).mappings()
    cards = []
    for row in found.all():
        mine = select(review_presses).where(review_presses.c.card_id == row["id"])
        presses = connection.execute(mine.order_by(review_presses.c.action)).mappings()
        cards.append(
            Card(
                id=row["id"],
                chat=row["chat"],
                remote_id=row["remote_id"],
                channel=row["channel"],
                article_id=row["article_id"],
                menu=row["menu"],
                stale=row["stale"],
                made_at=row["made_at"],
                presses=tuple(Press(id=press["id"], action=press["action"]) for press in presses),
            )
        )
    return tuple(cards)


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def _person_values(person: Person) -> rows.Values:
    filters = {name: list(getattr(person.rules, name)) for name in _FILTERS}
    return {
        "id": person.id,
        "chat": person.chat,
        "language": person.language,
        "subscribed": person.subscribed,
        "paused": person.paused,
        "filters": {
            **filters,
            "least": person.rules.least,
            "digest": person.digest,
            "digest_from": person.digest_from,
        },
        "failures": person.failures,
        "refused_at": person.refused_at,
    }


def _person(row: RowMapping) -> Person:
    filters = row["filters"]
    made = Person(
        id=row["id"],
        chat=row["chat"],
        language=row["language"],
        subscribed=row["subscribed"],
        paused=row["paused"],
        failures=row["failures"],
        refused_at=row["refused_at"],
        digest=bool(filters.get("digest", True)),
        digest_from=filters.get("digest_from", ""),
    )
    is_heard = made.subscribed and not made.paused
    rules = ChannelRules(
        name=made.channel,
        alerts=is_heard,
        digest=DIGEST_AT if is_heard and made.digest else "",
        digest_from=made.digest_from,
        language=made.language,
        languages=tuple(filters.get("languages", ())),
        states=tuple(filters.get("states", ())),
        hosts=tuple(filters.get("hosts", ())),
        codes=tuple(filters.get("codes", ())),
        stages=tuple(filters.get("stages", ())),
        tags=tuple(filters.get("tags", ())),
        least=float(filters.get("least", 0.0)),
    )
    return replace(made, rules=rules)


def _answer(row: RowMapping) -> Answer:
    message = rows.message(row["message"])
    return Answer(id=row["id"], chat=row["chat"], message=message, attempts=row["attempts"], asked_at=row["asked_at"])
