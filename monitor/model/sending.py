"""What is sent, where to, and what operators must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from monitor.model.feeds import EPOCH


class SpanKind(StrEnum):
    """What a stretch of a message's text is."""

    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    LINK = "link"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A marked stretch of `Message.text`. `start` and `length` count code points; `url` only for links."""

    kind: SpanKind
    start: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Channel-neutral text to send: plain text and marked stretches, at most 4,096 UTF-16 units and 100 spans.

    `picture` is the path of a PNG that shows what the text says: where it can't be shown, the text is enough.
    """

    text: str
    spans: tuple[Span, ...] = ()
    silent: bool = False
    picture: str = ""


PICTURE_PART = "picture"
"""Names the last part of a digest, "digest:2026-W47/picture": what its text says, drawn. Nothing is lost without it."""


class DeliveryState(StrEnum):
    """Where an outbox row stands. A folded row is told as a part of the row that its `about` names."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    FOLDED = "folded"
    DEAD = "dead"


class DeliveryKind(StrEnum):
    """What a delivery does: say something, replace what was said, or answer it."""

    SEND = "send"
    EDIT = "edit"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one channel: an outbox row.

    `key` + `channel` are unique: "story:<story id>", "story:<story id>/stage:verdict", "burst:<row>/1",
    "digest:2026-W47/1", "notice:<incident>". `about` is the key of the delivery that this one edits or answers, or that
    tells this one beside others. `id` is the order of queueing (0: not stored yet). `unknown` counts attempts whose
    outcome is not known; with one the message is sent once more, marked as a possible repeat. `cause` says why a row is
    held: the key of the incident; it goes by itself from `not_before` on. `remote_id` is what the service calls it in
    `chat` (`Channel.chat` when it was sent): in another chat the same id is another message.
    """

    key: str
    channel: str
    message: Message
    id: int = 0
    kind: DeliveryKind = DeliveryKind.SEND
    about: str = ""
    cause: str = ""
    state: DeliveryState = DeliveryState.PENDING
    story_id: str = ""
    attempts: int = 0
    unknown: int = 0
    not_before: datetime | None = None
    remote_id: str = ""
    chat: str = ""
    error: str = ""
    queued_at: datetime = EPOCH
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A list of stories for one channel: the ids of the rows that it names, and of those that it only counts."""

    delivery: Delivery
    names: tuple[int, ...]
    counts: tuple[int, ...] = ()


HELD_BY_HAND = "held by hand"
"""The reason of a channel's pause that a person ordered: a start does not end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What is remembered of a channel: until when its chat wants silence, whether it is paused and why.

    `chat` is the chat's newest id (a group that became a supergroup has another one than configured).
    """

    channel: str
    chat: str = ""
    not_before: datetime | None = None
    paused_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """What one channel wants to hear, and when. Empty collections want everything.

    `digest` is its weekly moment in the configured time zone, "mon 08:00"; empty: no digest. `quiet` is a daily
    window (start, end) that holds messages back and drops none. `operators`: it also hears notices. `hosts` are the
    states in which it happens, of those that `states` means in either role; `least` is the score from which it listens.
    `must` and `never` are words and patterns (`monitor.patterns`): one of the first is said, none of the second.
    `silent`: its messages make no sound. `urgent` are codes and stages that quiet hours don't hold back. `language` is
    that of its digest's frame ("": English), `digest_from` the first week of which it has one ("2026-W47"; "": any).
    """

    name: str
    alerts: bool = True
    digest: str = ""
    languages: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    least: float = 0.0
    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    quiet: tuple[time, time] | None = None
    urgent: tuple[str, ...] = ()
    silent: bool = False
    operators: bool = False
    language: str = ""
    digest_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something an operator must know. `key` is unique while it lasts, so that it is told once.

    `closes`: the incident of that key is over; told only where it was told to begin with.
    """

    key: str
    text: str
    closes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a chat is told before it is told less.

    `burst`: new stories that come alone within ten minutes; further ones come in one message. The others are caps for
    an hour: alerts that one feed brings, alerts that one channel gets, replies about one story in one channel.
    """

    burst: int = 5
    feed_cap: int = 40
    channel_cap: int = 120
    story_cap: int = 4
