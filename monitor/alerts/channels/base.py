"""What a channel is: somewhere a message can go.

A channel translates every failure of its library into `SendError` and nothing else, and keeps its secret to itself.
It must not decide when or how often to send, remember anything between messages, or look into the store: that is
`alerts.deliver`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from monitor.model import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a service lets one account write: to one chat a second and a minute, and to all chats a second."""

    chat_per_second: int
    chat_per_minute: int
    account_per_second: int


# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
TELEGRAM_PACE = Pace(chat_per_second=1, chat_per_minute=20, account_per_second=30)


class Channel(Protocol):
    """Somewhere a message can go. `repr` of it must hold no secret."""

    @property
    def name(self) -> str:
        """Its name in `feeds.toml`."""
        ...

    @property
    def chat(self) -> str:
        """What is written to, e.g. "telegram:-100123": channels of one chat share order and pace."""
        ...

    @property
    def account(self) -> str:
        """Who writes, e.g. "telegram:123456": channels of one account fall silent together when it is refused."""
        ...

    @property
    def pace(self) -> Pace | None:
        """The limits of the service; None for no limits."""
        ...

    @property
    def can_edit(self) -> bool:
        """Whether `edit` can work at all; edits are not queued otherwise."""
        ...

    @property
    def shows_pictures(self) -> bool:
        """Whether it can show `Message.picture`; none is queued for it otherwise."""
        ...

    async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:
        """Send `message` and return the id under which the service knows it.

        `possible_repeat` marks it for its readers: an earlier attempt may have arrived. `reply_to` is the id of what it
        answers; where that is gone, or there are no answers, it is a message like any other. A picture that can't be
        shown is left out.

        Raises:
            SendError: it was not confirmed.
        """
        ...

    async def edit(self, remote_id: str, message: Message) -> None:
        """Replace what was sent under `remote_id`.

        Raises:
            SendError: it was not replaced; permanent where the service can't do it.
        """
        ...

    async def check(self) -> tuple[str, ...]:
        """Look whether messages could be sent, without sending one; return the problems in words. Raises nothing."""
        ...

    def move(self, chat: str) -> None:
        """Write to `chat` from now on: the service gave the chat another id."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        ...
