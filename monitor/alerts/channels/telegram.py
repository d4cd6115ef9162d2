"""Messages to a Telegram chat, group, channel or forum topic, through python-telegram-bot.

Text goes out with message entities, never with a parse mode, so nothing in a headline can become markup; link
previews are off, because a preview is chosen by the page and tells it of the post. Every failure of the library becomes
a `SendError` here. The token never stands in one, nor in a `repr`; and the two loggers that write addresses out are
filtered.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

# Telegram's waits as timedelta; without it the library warns at each one.
os.environ.setdefault("PTB_TIMEDELTA", "1")

import telegram
from telegram import error as failures
from telegram.request import HTTPXRequest

from monitor import log
from monitor.alerts.channels.base import TELEGRAM_PACE, Pace
from monitor.alerts.channels.wording import POSSIBLE_REPEAT, bare, cut, marked
from monitor.errors import SendError
from monitor.model import Keyboard, Message, SpanKind

_log = log.get(__name__)
_Answer = TypeVar("_Answer")

# https://core.telegram.org/bots/api#sendmessage and https://limits.tginfo.me/en
MAX_UNITS = 4096
MAX_ENTITIES = 100
MAX_CAPTION = 1024

API_URL = "https://api.telegram.org"
TIMEOUT = timedelta(seconds=20)
_MENDS = 3
_BETWEEN = 1.0
"""Seconds: what is refused counts for the chat's pace as well."""
_ERROR_CHARS = 200

_ENTITY_TYPES = {
    SpanKind.BOLD: telegram.MessageEntity.BOLD,
    SpanKind.ITALIC: telegram.MessageEntity.ITALIC,
    SpanKind.CODE: telegram.MessageEntity.CODE,
    SpanKind.LINK: telegram.MessageEntity.TEXT_LINK,
    SpanKind.QUOTE: telegram.MessageEntity.BLOCKQUOTE,
}

# Failures of httpx before a byte of the request was written, by class name: httpx itself belongs to the fetcher.
_NOT_SENT = {
    "ConnectError",
    "ConnectTimeout",
    "InvalidURL",
    "LocalProtocolError",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
}

# What Telegram says in a 400 that holds for the chat, not for this message.
# https://github.com/tdlib/telegram-bot-api and https://core.telegram.org/method/messages.sendMessage#possible-errors
_ABOUT_CHAT = re.compile(
    r"chat not found|peer_id_invalid|not enough rights|need administrator rights|have no rights|admin_required"
    r"|write_forbidden|chat_restricted|channel_private|send_plain_forbidden|group chat was"
    r"|topic_?\s?closed|topic_?\s?deleted|thread not found|user_is_blocked|input_user_deactivated",
    re.IGNORECASE,
)
_ABOUT_TOPIC = re.compile(r"topic|thread", re.IGNORECASE)
_TOO_LONG = re.compile(r"too[ _]long", re.IGNORECASE)
_BAD_ENTITIES = re.compile(r"can't parse|entit|wrong http url", re.IGNORECASE)
_NOT_MODIFIED = re.compile(r"not[ _]modified", re.IGNORECASE)

_TOKEN_IN_PATH = re.compile(r"(?<=bot)\d+:[\w-]+")


def _hide_token(record: logging.LogRecord) -> bool:
    record.msg, record.args = log.redacted(_TOKEN_IN_PATH.sub("…", record.getMessage())), None
    return True


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record says more than the `SendError` that comes of it: a proxy's page, with a traceback, does not."""
    return not record.exc_info


for _name in ("httpx", "telegram.Bot"):
    logging.getLogger(_name).addFilter(_hide_token)
logging.getLogger("telegram.request.BaseRequest").addFilter(_is_news)


class TelegramLine:
    """One bot's connections to its server; opened at the first use. Channels of many small chats share one."""

    def __init__(self, *, token: str, api_url: str = API_URL, timeout: timedelta = TIMEOUT, pool: int = 4) -> None:
        self.token = token
        self._api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._pool = pool
        self._made: tuple[telegram.Bot, HTTPXRequest] | None = None

    @property
    def bot(self) -> telegram.Bot:
        """The library's bot."""
        if self._made is None:  # made late: its TLS set-up costs 30 ms, and many commands never send
            seconds = self._timeout.total_seconds()
            request = HTTPXRequest(
                connection_pool_size=self._pool,
                connect_timeout=min(seconds, 10.0),
                read_timeout=seconds,
                write_timeout=seconds,
                pool_timeout=seconds,
            )
            bot = telegram.Bot(
                self.token,
                base_url=f"{self._api_url}/bot",
                base_file_url=f"{self._api_url}/file/bot",
                request=request,
                get_updates_request=request,
            )
            self._made = bot, request
        return self._made[0]

    async def aclose(self) -> None:
        """Close connections."""
        if self._made:
            await self._made[1].shutdown()
            self._made = None


class TelegramChannel:
    """Sends to one chat as one bot.

    `chat` is "@name" or a numeric id, `topic` the id of a forum topic. `timeout` holds for each step of a request.
    `line`: connections that are shared and closed by another. `is_private`: the chat is a person's, and its number
    stands in no text made here. `keyboard` gives the buttons that hang on a message by its id; an edit that brings
    none would take them away.
    """

    def __init__(
        self,
        *,
        name: str,
        token: str,
        chat: str,
        topic: int | None = None,
        api_url: str = API_URL,
        timeout: timedelta = TIMEOUT,
        line: TelegramLine | None = None,
        is_private: bool = False,
        keyboard: Callable[[str], Keyboard] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._token = token
        self._chat = str(chat)
        self._topic = topic or None
        self._line = line or TelegramLine(token=token, api_url=api_url, timeout=timeout)
        self._shares = line is not None
        self._is_private = is_private
        self.keyboard = keyboard
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"TelegramChannel({self.name!r}, chat={self._shown_chat!r})"

    @property
    def chat(self) -> str:
        """The chat's id; topics of one forum share it, as they share its limits."""
        return f"telegram:{self._chat.lower()}"

    @property
    def account(self) -> str:
        """The bot's id: the part of its token that is not secret."""
        return f"telegram:{self._token.partition(':')[0]}"

    @property
    def pace(self) -> Pace | None:
        """Telegram's limits."""
        return TELEGRAM_PACE

    @property
    def can_edit(self) -> bool:
        """A bot can edit what it sent."""
        return True

    async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:
        """Send `message`; return Telegram's message id.

        One that Telegram finds too long or wrongly formatted is sent again a second later, shorter or bare; one whose
        picture it refuses, without that.

        Raises:
            SendError: it was not confirmed.
        """
        whole = marked(message, POSSIBLE_REPEAT) if possible_repeat else message
        with self._translated():
            sent = await self._pictured(whole, reply_to) if whole.picture else None
            if sent is None:
                sent = await self._accepted(cut(whole, MAX_UNITS), lambda one: self._post(one, reply_to))
            return str(sent.message_id)

    @property
    def shows_pictures(self) -> bool:
        """It sends them as photos."""
        return True

    async def edit(self, remote_id: str, message: Message) -> None:
        """Replace the text of the message `remote_id`; fine if it reads so already.

        Raises:
            SendError: it was not replaced; permanent where it is gone or can't be edited any more.
        """
        if not remote_id.isdecimal():
            raise SendError(self._says("has no message of that number to edit"), permanent=True)
        with self._translated():
            try:
                await self._accepted(cut(message, MAX_UNITS), lambda one: self._repost(one, int(remote_id)))
            except failures.BadRequest as error:
                if not _NOT_MODIFIED.search(error.message):
                    raise

    async def check(self) -> tuple[str, ...]:
        """Ask Telegram for the bot, the chat and the bot's rights in it; return what is wrong, in words."""
        try:
            with self._translated():
                me = await self._bot.get_me()
                chat = await self._bot.get_chat(self._chat)
                problems = [] if not self._topic or chat.is_forum else [self._says("has no topics; remove `topic`")]
                if chat.type != telegram.Chat.PRIVATE:
                    member = await self._bot.get_chat_member(chat.id, me.id)
                    problems += _missing_rights(self, member, chat.type)
        except SendError as error:
            return (str(error),)
        return tuple(problems)

    def move(self, chat: str) -> None:
        """Write to `chat` from now on: a group that became a supergroup has another id."""
        self._chat = chat

    async def aclose(self) -> None:
        """Close connections."""
        if not self._shares:
            await self._line.aclose()

    @property
    def _bot(self) -> telegram.Bot:
        return self._line.bot

    @property
    def _shown_chat(self) -> str:
        return "of a subscriber" if self._is_private else self._chat

    async def _accepted(self, message: Message, post: Callable[[Message], Awaitable[_Answer]]) -> _Answer:
        for _ in range(_MENDS):
            try:
                return await post(message)
            except failures.BadRequest as error:
                mended = _mended(message, error.message)
                if mended == message:
                    raise
                _log.warning(
                    "Telegram refused a message's form; it is sent again plainer",
                    channel=self.name,
                    error=self._clean(error.message),
                )
                message = mended
                await self._sleep(_BETWEEN)
        return await post(message)

    async def _post(self, message: Message, reply_to: str) -> telegram.Message:
        return await self._bot.send_message(
            self._chat,
            message.text,
            entities=entities(message),
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            disable_notification=message.silent,
            message_thread_id=self._topic,
            reply_parameters=_answers(reply_to),
        )

    async def _pictured(self, message: Message, reply_to: str) -> telegram.Message | None:
        """Send the message as a caption of its picture; None where Telegram, or we, can't: then the words go alone."""
        caption = cut(message, MAX_CAPTION)
        try:
            return await self._bot.send_photo(
                self._chat,
                Path(message.picture).read_bytes(),
                caption=caption.text,
                caption_entities=entities(caption),
                disable_notification=message.silent,
                message_thread_id=self._topic,
                reply_parameters=_answers(reply_to),
            )
        except OSError as error:
            why = error.strerror or type(error).__name__
        except failures.NetworkError as error:  # BadRequest is one too, and a 413 is one without a cause
            if error.__cause__ is not None and not isinstance(error.__cause__, failures.TelegramError):
                raise
            why = self._clean(error.message)
        _log.warning("a picture was not taken; its words go alone", channel=self.name, error=why)
        await self._sleep(_BETWEEN)
        return None

    async def _repost(self, message: Message, message_id: int) -> telegram.Message | bool:
        return await self._bot.edit_message_text(
            message.text,
            chat_id=self._chat,
            message_id=message_id,
            entities=entities(message),
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            reply_markup=markup(self.keyboard(f"{message_id}") if self.keyboard else ()),
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn every failure of the library into a `SendError`.

        Without its cause: the chain behind it holds requests, and they hold the token.
        """
        try:
            yield
        except failures.TelegramError as error:
            raise self._send_error(error) from None
        except KeyError as error:
            if error.args != ("result",):
                raise self._unreadable(error) from None
            raise SendError(self._says("the answer is not Telegram's; is a login page in between?")) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> SendError:
        kind = type(error).__name__
        return SendError(
            self._says(f"an answer that can't be read ({kind}); it may have arrived"), outcome_unknown=True
        )

    def _send_error(self, error: failures.TelegramError) -> SendError:
        said = self._clean(error.message)
        match error:  # BadRequest and TimedOut are NetworkErrors too, so the order matters
            case failures.RetryAfter():
                wait = _as_timedelta(error.retry_after)
                return SendError(
                    self._says(f"asks to wait {wait.total_seconds():g} s before the next message"), retry_after=wait
                )
            case failures.ChatMigrated():
                chat = str(error.new_chat_id)
                return SendError(self._says(f"has a new id: write {chat} into feeds.toml"), migrated_to=chat)
            case failures.InvalidToken():
                text = f"channel “{self.name}”: Telegram refuses the bot's token ({said}); ask @BotFather"
                return SendError(text, permanent=True, about="account")
            case failures.Forbidden():
                text = self._says(f"doesn't let the bot write ({said}); add it again, as an administrator of a channel")
                return SendError(text, permanent=True, about="chat")
            case failures.BadRequest():
                return self._bad_request(said)
            case failures.NetworkError():
                return self._network_error(error, said)
        return SendError(self._says(f"gave no usable answer ({said})"))

    def _bad_request(self, said: str) -> SendError:
        if not _ABOUT_CHAT.search(said):
            return SendError(self._says(f"refuses this message ({said})"), permanent=True)
        mend = "check the id in feeds.toml and that the bot is in it, as an administrator of a channel"
        if _ABOUT_TOPIC.search(said):
            mend = "open the topic again, or name another one in feeds.toml"
        return SendError(self._says(f"can't be written to ({said}); {mend}"), permanent=True, about="chat")

    def _network_error(self, error: failures.NetworkError, said: str) -> SendError:
        cause = error.__cause__
        if cause is None or isinstance(cause, failures.TelegramError):
            return SendError(self._says(f"answered with an error ({said})"))  # an answer: it was not accepted
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        if kinds & _NOT_SENT:
            return SendError(self._says(f"can't be reached ({type(cause).__name__}); is Telegram blocked here?"))
        return SendError(
            self._says(f"gave no answer ({type(cause).__name__}); it may have arrived"), outcome_unknown=True
        )

    def _says(self, what: str) -> str:
        return f"channel “{self.name}”: chat {self._shown_chat} {what}"

    def _clean(self, text: str) -> str:
        line = text.partition(". Parsing the server response")[0].replace(self._token, "…")
        return log.escaped(log.redacted(line))[:_ERROR_CHARS]


def _answers(reply_to: str) -> telegram.ReplyParameters | None:
    # https://core.telegram.org/bots/api#replyparameters
    if not reply_to.isdecimal():
        return None
    return telegram.ReplyParameters(int(reply_to), allow_sending_without_reply=True)


def entities(message: Message) -> tuple[telegram.MessageEntity, ...]:
    """Return the message's spans as Telegram counts them: in UTF-16 units, at most 100."""
    units = (0, *itertools.accumulate(2 if char > "\uffff" else 1 for char in message.text))
    found = []
    for span in message.spans:
        start, end = max(span.start, 0), min(span.start + span.length, len(message.text))
        if start < end and (span.kind is not SpanKind.LINK or span.url):
            found.append(
                telegram.MessageEntity(
                    _ENTITY_TYPES[span.kind], units[start], units[end] - units[start], url=span.url or None
                )
            )
    return tuple(found[:MAX_ENTITIES])


def markup(keyboard: Keyboard) -> telegram.InlineKeyboardMarkup | None:
    """Return buttons as Telegram takes them; None for none."""
    if not keyboard:
        return None
    return telegram.InlineKeyboardMarkup(
        [[telegram.InlineKeyboardButton(one.text, callback_data=one.data) for one in row] for row in keyboard]
    )


def _mended(message: Message, refusal: str) -> Message:
    """The message in a form that a refusal asks for, or itself when no form would help."""
    if _TOO_LONG.search(refusal):
        return cut(message, max(len(message.text) // 2, 1))
    if _BAD_ENTITIES.search(refusal) and message.spans:
        return cut(bare(message), MAX_UNITS)
    return message


def _missing_rights(channel: TelegramChannel, member: telegram.ChatMember, kind: str) -> list[str]:
    where = f"channel “{channel.name}”: in {channel.chat.partition(':')[2]} the bot"
    if member.status in {telegram.ChatMember.LEFT, telegram.ChatMember.BANNED}:
        return [f"{where} is not a member; add it"]
    if isinstance(member, telegram.ChatMemberRestricted) and not member.can_send_messages:
        return [f"{where} may not send messages; lift the restriction"]
    if kind == telegram.Chat.CHANNEL:
        if not isinstance(member, telegram.ChatMemberAdministrator | telegram.ChatMemberOwner):
            return [f"{where} is no administrator; make it one, with the right to post messages"]
        if isinstance(member, telegram.ChatMemberAdministrator) and not member.can_post_messages:
            return [f"{where} may not post messages; give it that right"]
    return []


def _as_timedelta(wait: float | timedelta) -> timedelta:
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
