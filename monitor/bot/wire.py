"""The requests that the bot makes of Telegram beside sending messages. The only place here that knows the library.

Updates are taken as Telegram wrote them: the library reads a whole batch or fails on it, and one update that it can't
read would then come again for ever. Every failure becomes a `SendError`, or `Conflict`; no token is in either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from telegram import error as failures

from monitor import log
from monitor.alerts.channels.telegram import TelegramLine, markup
from monitor.bot.updates import ALLOWED
from monitor.errors import LongarmError, SendError
from monitor.model import Keyboard

# Telegram takes methods in any case, and the library asks us to use its own when it is spelled as there.
# https://core.telegram.org/bots/api#making-requests
_GET_UPDATES = "getupdates"
_NOT_MODIFIED = "not modified"
MAX_TOAST = 200
"""https://core.telegram.org/bots/api#answercallbackquery"""
MAX_CONNECTIONS = 4
"""They are handled one after another anyway. https://core.telegram.org/bots/api#setwebhook"""


class Conflict(LongarmError):  # noqa: N818 - a state, said as one
    """Somebody else asks for the updates of this bot, or has them sent elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Where Telegram sends updates ("": nowhere), how many wait there, and when and why it could not last."""

    url: str
    waiting: int = 0
    failed_at: datetime | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """What Telegram says of the bot. `hears_groups`: it is sent all that is said in its groups."""

    id: int
    username: str
    hears_groups: bool = False


class Wire:
    """Speaks as one bot. `line` belongs to whoever made it."""

    def __init__(self, line: TelegramLine) -> None:
        self.line = line

    async def updates(self, first: int, *, wait: timedelta, limit: int = 100) -> list[Any]:
        """Ask for updates from number `first` on (0: all), waiting for some; those before it are never sent again.

        Raises:
            Conflict: somebody else takes them.
            SendError: there was no answer.
        """
        wanted: dict[str, object] = {
            "timeout": round(wait.total_seconds()), "limit": limit, "allowed_updates": list(ALLOWED),
        }  # fmt: skip
        if first:
            wanted["offset"] = first
        with self._translated():
            found = await self.line.bot.do_api_request(
                _GET_UPDATES, api_kwargs=wanted, read_timeout=wait.total_seconds() + 10
            )
        return found if isinstance(found, list) else []

    async def take_over(self) -> None:
        """Have updates kept for `updates`, those that came before too, instead of sent to some address."""
        with self._translated():
            await self.line.bot.delete_webhook(drop_pending_updates=False)

    async def be_sent(self, url: str, secret: str) -> None:
        """Have updates sent to `url`, those that came before too; `secret` stands in a header of each.

        Raises:
            SendError: it was refused.
        """
        with self._translated():
            await self.line.bot.set_webhook(
                url,
                allowed_updates=list(ALLOWED),
                drop_pending_updates=False,
                max_connections=MAX_CONNECTIONS,
                secret_token=secret,
            )

    async def me(self) -> Me:
        """Ask who the bot is.

        Raises:
            SendError: the token is not its, or there was no answer.
        """
        with self._translated():
            found = await self.line.bot.get_me()
        hears = bool(found.can_read_all_group_messages)
        return Me(id=found.id, username=self._clean(found.username or ""), hears_groups=hears)

    async def sent_to(self) -> Sending:
        """Ask where updates are sent, and how that goes."""
        with self._translated():
            found = await self.line.bot.get_webhook_info()
        return Sending(
            url=found.url,
            waiting=found.pending_update_count,
            failed_at=found.last_error_date,
            failed=self._clean(found.last_error_message or ""),
        )

    async def toast(self, query: str, text: str) -> None:
        """Answer the press of a button. A press that is too old to be answered is fine."""
        with self._translated(), contextlib.suppress(failures.BadRequest):
            await self.line.bot.answer_callback_query(query, text=text[:MAX_TOAST])

    async def draw(self, chat: str, message: str, keyboard: Keyboard) -> None:
        """Put `keyboard` under a message; fine if it is there.

        Raises:
            SendError: it was not; permanent where the message is gone.
        """
        with self._translated():
            try:
                await self.line.bot.edit_message_reply_markup(
                    chat_id=chat, message_id=int(message), reply_markup=markup(keyboard)
                )
            except failures.BadRequest as error:
                if _NOT_MODIFIED not in error.message.lower():
                    raise

    async def leave(self, chat: str) -> None:
        """Leave a group or channel; fine if the bot is not in it any more."""
        with self._translated(), contextlib.suppress(failures.BadRequest, failures.Forbidden):
            await self.line.bot.leave_chat(chat)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the library's failures into ours, without their causes: those hold requests, and these the token."""
        try:
            yield
        except failures.Conflict as error:
            raise Conflict(f"the bot: {self._clean(error.message)}") from None
        except failures.RetryAfter as error:
            wait = error.retry_after
            span = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
            raise SendError("the bot: Telegram asks to wait", retry_after=span) from None
        except (failures.InvalidToken, failures.Forbidden) as error:
            about = "account" if isinstance(error, failures.InvalidToken) else "chat"
            raise SendError(f"the bot: {self._clean(error.message)}", permanent=True, about=about) from None
        except failures.BadRequest as error:
            raise SendError(f"the bot: {self._clean(error.message)}", permanent=True) from None
        except failures.TelegramError as error:
            raise SendError(f"the bot: {self._clean(error.message)}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SendError(f"the bot: an answer that can't be read ({type(error).__name__})") from None

    def _clean(self, text: str) -> str:
        return log.escaped(log.redacted(text.replace(self.line.token, "…")))[:200]
