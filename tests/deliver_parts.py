"""Parts for tests of channels and delivering: a clock that is set, rows, and a scene of store, server and channels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.alerts.channels.base import Channel, Pace
from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.deliver import DeliveryReport, Pacer, deliver_pending, recover
from monitor.alerts.folding import Folding
from monitor.errors import SendError
from monitor.model import ChannelRules, Delivery, DeliveryKind, Message, Span, SpanKind
from monitor.store import Store
from tests.botapi import BotApi

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
CHANNEL, GROUP = "-100123", "-200"
QUICK = timedelta(seconds=1.5)


@dataclass
class SetClock:
    """A clock that moves only when it is told to, or slept by."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def row(key: str = "story:1", channel: str = "main", text: str = "", *, queued_at: datetime = START) -> Delivery:
    return Delivery(key=key, channel=channel, message=Message(text=text or f"alert of {key}"), queued_at=queued_at)


def edit(
    key: str = "story:1", channel: str = "main", text: str = "", *, not_before: datetime | None = None
) -> Delivery:
    """New words for what `key` said."""
    made = row(f"{key}/edit", channel, text or f"alert of {key}, again")
    return replace(made, kind=DeliveryKind.EDIT, about=key, not_before=not_before, story_id=key.partition(":")[2])


def reply(key: str = "story:1", channel: str = "main", news: str = "stage:verdict") -> Delivery:
    """An answer to what `key` said."""
    made = row(f"{key}/{news}", channel, f"news of {key}: {news}")
    return replace(made, kind=DeliveryKind.REPLY, about=key, story_id=key.partition(":")[2])


def story_row(key: str = "story:1", channel: str = "main", text: str = "", *, queued_at: datetime = START) -> Delivery:
    """A row of a story, as a poll queues it."""
    return replace(row(key, channel, text, queued_at=queued_at), story_id=key.partition(":")[2])


def linked(text: str, word: str, url: str) -> Message:
    """A message with `word` bold and as a link."""
    start = text.index(word)
    spans = (
        Span(kind=SpanKind.BOLD, start=start, length=len(word)),
        Span(kind=SpanKind.LINK, start=start, length=len(word), url=url),
    )
    return Message(text=text, spans=spans)


@dataclass
class Said:
    """A channel that does what it is told: an exception is raised, None is a success.

    `edited` are (id, new text), `answered` the ids that what it `sent` answers.
    """

    name: str
    will: list[Exception | None] = field(default_factory=list)
    sent: list[tuple[str, bool]] = field(default_factory=list)
    edited: list[tuple[str, str]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    can_edit: bool = True
    shows_pictures: bool = False
    account: str = ""
    chat: str = ""
    pace: Pace | None = None

    def __post_init__(self) -> None:
        self.chat = self.chat or f"said:{self.name}"
        self.account = self.account or self.chat

    async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:
        self._do_as_told()
        self.sent.append((message.text, possible_repeat))
        self.answered.append(reply_to)
        return str(len(self.sent))

    async def edit(self, remote_id: str, message: Message) -> None:
        self._do_as_told()
        self.edited.append((remote_id, message.text))

    def _do_as_told(self) -> None:
        error = self.will.pop(0) if self.will else None
        if error is not None:
            raise error

    async def check(self) -> tuple[str, ...]:
        return ()

    def move(self, chat: str) -> None:
        self.chat = f"said:{chat}"

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class Scene:
    """A real store, a Bot API server and channels; `again()` is a restart of the process."""

    folder: Path
    clock: SetClock
    api: BotApi
    channels: dict[str, Channel]
    rules: Sequence[ChannelRules] = ()
    pace: Pacer = field(default_factory=Pacer)
    folding: Folding | None = None
    store: Store = None  # type: ignore[assignment]

    def open(self) -> None:
        self.store = Store.open(self.folder, now=self.clock())
        recover(self.store, self.clock())
        for state in self.store.channel_states().values():
            if state.chat and state.channel in self.channels:
                self.channels[state.channel].move(state.chat)
        self.pace = Pacer.primed(self.store.recent_sends(self.clock() - timedelta(minutes=1)), self.channels)

    def again(self) -> None:
        self.store.close()
        self.open()

    def queue(self, *rows: Delivery) -> None:
        assert self.store.queue(rows) == len(rows)

    def queue_keys(self, *keys: str, channel: str = "main") -> None:
        self.queue(*(row(key, channel, queued_at=self.clock()) for key in keys))

    async def deliver(self) -> DeliveryReport:
        """One pass."""
        return await deliver_pending(
            self.store, self.channels, now=self.clock(), clock=self.clock, pace=self.pace, rules=self.rules,
            sleep=self.clock.sleep, folding=self.folding,
        )  # fmt: skip

    async def deliver_all(self, passes: int = 50) -> None:
        """Passes until nothing moves."""
        for _ in range(passes):
            if not (await self.deliver()).progressed:
                return

    def line(self, key: str = "story:1") -> Mapping[str, object]:
        """The stored row, as it is exported."""
        return next(line for line in self.store.export("deliveries") if line["key"] == key)

    def states(self) -> list[str]:
        return [str(line["state"]) for line in self.store.export("deliveries")]


@contextlib.asynccontextmanager
async def scene(
    folder: Path, *, channels: Mapping[str, Channel] | None = None, limits: bool = True
) -> AsyncIterator[Scene]:
    """A scene with the Telegram channels "main" (a channel) and "group", or with `channels`."""
    clock = SetClock()
    async with BotApi(clock=clock.seconds, limits=limits) as api:
        made: dict[str, Channel] = dict(channels or {})
        if channels is None:
            made = {
                name: telegram(api, name, chat, sleep=clock.sleep)
                for name, chat in (("main", CHANNEL), ("group", GROUP))
            }
        stage = Scene(folder=folder, clock=clock, api=api, channels=made)
        stage.open()
        try:
            yield stage
        finally:
            stage.store.close()
            for channel in made.values():
                await channel.aclose()


def telegram(
    api: BotApi,
    name: str,
    chat: str,
    *,
    timeout: timedelta = timedelta(seconds=10),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> TelegramChannel:
    return TelegramChannel(name=name, token=api.token, chat=chat, api_url=api.url, timeout=timeout, sleep=sleep)


@contextlib.contextmanager
def raises_send_error(**expected: object) -> Iterator[pytest.ExceptionInfo[SendError]]:
    """A `SendError` with these attributes and the others as by default, in one line."""
    with pytest.raises(SendError) as caught:
        yield caught
    wanted = {
        "permanent": False, "retry_after": None, "outcome_unknown": False, "migrated_to": None, "about": "message",
    } | expected  # fmt: skip
    assert {name: getattr(caught.value, name) for name in wanted} == wanted
    assert "\n" not in str(caught.value)
