"""Who talks with the bot: persons, what they may press, what they are answered, and what administrators did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.model.feeds import EPOCH
from monitor.model.outcomes import Label
from monitor.model.sending import ChannelRules, Delivery, Message

SUBSCRIBER = "sub:"
"""How the name of a subscriber's channel begins; no channel of feeds.toml may begin so."""
DIGEST_AT = "mon 08:00"
"""When subscribers get their digest, in the time zone of the watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is kept of somebody who subscribed, or chose a language: the chat, and these wishes. No name, no text.

    `id` is random and means nothing. `language` is one of the bot's, "" for Telegram's own word. `rules` are the
    filters; `rules.name` is the channel's. `failures` counts refusals of the chat in a row, `refused_at` the last one.
    `digest`: the weekly digest is wanted, from the week `digest_from` on ("2026-W47"; "": any).
    """

    id: str
    chat: str
    language: str = ""
    subscribed: bool = False
    paused: bool = False
    rules: ChannelRules = field(default_factory=lambda: ChannelRules(name=SUBSCRIBER))
    failures: int = 0
    refused_at: datetime | None = None
    digest: bool = True
    digest_from: str = ""

    @property
    def channel(self) -> str:
        """The name of the channel by which the outbox reaches this person."""
        return f"{SUBSCRIBER}{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message for a chat that asked for it. `id` is the order (0: not stored yet); it is deleted once it was sent."""

    chat: str
    message: Message
    id: int = 0
    attempts: int = 0
    asked_at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button of a card: what it does ("relevant", "code:violence", "undo", …) under an id that says nothing."""

    id: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message of a review chat that carries buttons for one article.

    `chat` and `remote_id` are the message. `menu` is "" or "codes", while a code is being chosen. `stale`: the buttons
    that are shown are not those that should be.
    """

    chat: str
    remote_id: str
    channel: str
    article_id: str
    id: int = 0
    menu: str = ""
    stale: bool = True
    made_at: datetime = EPOCH
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What is seen of a button, and what Telegram says when it is pressed: at most 64 bytes."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What an administrator did, for the books. `by` is the numeric id, `what` the command, `about` its subject."""

    by: int
    what: str
    about: str = ""
    why: str = ""
    at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """A story that is told no more. `by` is a numeric id."""

    story_id: str
    by: int
    why: str
    at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A feed whose alerts are held `until` then; in the past: no more. Nothing of them is dropped."""

    feed: str
    until: datetime
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Everything that one update changes; written in one transaction with the number of the update.

    `forget`: chats of which nothing is kept. `menu`: (card, menu) to show. `hold`, `release`: names of channels.
    """

    people: tuple[Person, ...] = ()
    forget: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    labels: tuple[Label, ...] = ()
    menu: tuple[int, str] | None = None
    acts: tuple[Act, ...] = ()
    redaction: Redaction | None = None
    mute: Mute | None = None
    hold: str = ""
    release: str = ""
    queue: tuple[Delivery, ...] = ()
