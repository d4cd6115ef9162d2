"""A Telegram Bot API server on loopback, in Telegram's wire format, that can be told to fail. Test part; anybody may use it.

    async with BotApi() as api:                       # or, from a test without a loop: with in_thread() as api:
        api.script(too_many(2), forbidden(), HANG_AFTER)          # for the next calls that send or edit, one each
        api.script_chat("-100123", forbidden(), times=3)          # for one chat's next calls
        channel = TelegramChannel(name="main", token=api.token, chat="-100123", api_url=api.url)
        ...
        api.accepted                                  # what a reader would see, in order; `Accepted`
        api.requests                                  # every request: (method, chat, at)
        api.violations                                # rules and limits that were broken, in words; should stay empty

It keeps Telegram's rules: 1 to 4,096 UTF-16 units (1,024 under a photo, which is a PNG of at most 10 MB), at most 100 entities, entities inside the text and not through a
surrogate pair, no `parse_mode` (ours is entities only), link previews off, and, with `limits=True`, 1 message a second and
20 a minute to a chat and 30 a second in all, and no request to a chat before its `retry_after` is over. `clock` gives its
time, as seconds. Only chats of `api.chats` exist; two are there from the start: "-100123" (channel) and "-200" (group).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qsl

from tests.botapi_hook import Hook

_SENDING = {"sendMessage", "sendPhoto", "editMessageText"}
_METHODS = {"getupdates": "getUpdates"}
"""Telegram takes the names of methods in any case."""

TOKEN = "123456789:AAtest-token_of-the_loopback-server0000"
Json = dict[str, Any]


# ── what can be ordered ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Fault:
    """How one call goes. `accepts`: the message is taken all the same.

    `way`: "answer", "slow" (the answer comes a second later), "hang", "reset" or "half".
    """

    status: int = 200
    body: bytes = b""
    accepts: bool = False
    way: str = "answer"
    retry_after: float = 0.0


def _answer(status: int, description: str, parameters: Json | None = None, **more: Any) -> Fault:
    body: Json = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return Fault(status=status, body=json.dumps(body).encode(), **more)


def too_many(retry_after: int | None) -> Fault:
    """429; None: without parameters, as proxies answer."""
    if retry_after is None:
        return _answer(429, "Too Many Requests")
    text = f"Too Many Requests: retry after {retry_after}"
    return _answer(429, text, {"retry_after": retry_after}, retry_after=float(retry_after))


def forbidden(why: str = "bot was kicked from the channel chat") -> Fault:
    """403."""
    return _answer(403, f"Forbidden: {why}")


def bad_request(why: str) -> Fault:
    """400, e.g. "chat not found", "message is too long", "can't parse entities: ..."."""
    return _answer(400, f"Bad Request: {why}")


def migrated(new_chat: int) -> Fault:
    """400 with the id of the supergroup that the group became."""
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    return _answer(400, text, {"migrate_to_chat_id": new_chat})


def unauthorized() -> Fault:
    """401: the token was revoked."""
    return _answer(401, "Unauthorized")


def not_found() -> Fault:
    """404: the token has not the form of one."""
    return _answer(404, "Not Found")


def html(status: int) -> Fault:
    """A proxy's or a login page's answer instead of Telegram's."""
    return Fault(status=status, body=b"<html><body><h1>Bad gateway</h1></body></html>")


def empty(status: int) -> Fault:
    """An answer without a body."""
    return Fault(status=status)


def not_ok() -> Fault:
    """200, and "ok": false in it."""
    return Fault(body=b'{"ok": false, "description": "try later"}')


def raw(body: bytes, *, status: int = 200, accepts: bool = False) -> Fault:
    """Any other answer."""
    return Fault(status=status, body=body, accepts=accepts)


OK = Fault(accepts=True)
HANG_AFTER = Fault(accepts=True, way="hang")
RESET_AFTER = Fault(accepts=True, way="reset")
HALF_AFTER = Fault(accepts=True, way="half")
SLOW = Fault(accepts=True, way="slow")
HANG_BEFORE = Fault(way="hang")
RESET_BEFORE = Fault(way="reset")


# ── what was taken ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Accepted:
    """A message as its chat has it. `edited`: it replaced the text of `message_id`."""

    chat: str
    text: str
    entities: tuple[Json, ...]
    at: float
    message_id: int
    silent: bool = False
    thread: int | None = None
    edited: bool = False
    reply_to: int | None = None
    """The message it answers, where that was still there."""
    heard: bool = True
    """Whether the sender was sent a whole answer."""
    photo: bytes = b""
    """The picture of which `text` is the caption."""

    @property
    def pings(self) -> tuple[str, ...]:
        """Mentions, commands and tags that Telegram would make live in it."""
        return pings(self.text, self.entities)

    @property
    def links(self) -> tuple[str, ...]:
        """Addresses behind its text."""
        return tuple(entity["url"] for entity in self.entities if entity["type"] == "text_link")


_LIVE = re.compile(
    r"(?<![\w@/.])@\w{3,32}\b|(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])|(?<![\w#/])#(?=\w*[^\W\d])\w+"
)
_SHIELDS = {"code", "pre", "text_link", "text_mention"}


def pings(text: str, entities: tuple[Json, ...] = ()) -> tuple[str, ...]:
    """Return what Telegram would turn into mentions, bot commands and hashtags outside of code and links."""
    covered = [
        (entity["offset"], entity["offset"] + entity["length"]) for entity in entities if entity["type"] in _SHIELDS
    ]
    found = [entity["url"] for entity in entities if entity.get("url", "").startswith("tg://")]
    for match in _LIVE.finditer(text):
        at = len(text[: match.start()].encode("utf-16-le")) // 2
        if not any(start <= at < end for start, end in covered):
            found.append(match[0])
    return tuple(found)


@dataclass
class _Chat:
    kind: str
    member: Json
    forum: bool = False
    username: str = ""


def _administrator(**rights: bool) -> Json:
    names = (
        "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
        "can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories"
    )
    return {"status": "administrator", **dict.fromkeys(names.split(), False), "can_post_messages": True, **rights}


# ── the server ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class BotApi:
    """The server; see the module. Its attributes may be read and changed while it runs."""

    token: str = TOKEN
    clock: Callable[[], float] = time.monotonic
    limits: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    requests: list[tuple[str, str, float]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    chats: dict[str, _Chat] = field(default_factory=dict)
    updates: list[Json] = field(default_factory=list)
    """What happened, as far as the bot has not confirmed that it knows."""
    keyboards: dict[tuple[str, int], Json] = field(default_factory=dict)
    """Buttons by chat and message."""
    toasts: list[tuple[str, str]] = field(default_factory=list)
    """Answers to presses: the query's id and the text."""
    left: list[str] = field(default_factory=list)
    """Chats that the bot left."""
    hook: Hook = field(default_factory=Hook)
    """Where updates are sent to, where they are not asked for."""
    default: Fault = OK
    """How calls go that nothing was scripted for."""
    hears_groups: bool = False
    """Whether the bot's privacy mode is off."""

    def __post_init__(self) -> None:
        self._script: deque[Fault] = deque()
        self._chat_script: dict[str, deque[Fault]] = defaultdict(deque)
        self.silent_until: dict[str, float] = {}
        self._deleted: set[tuple[str, int]] = set()
        self._numbers = 0
        self._last_update = 100
        self._asked = 0
        self.update_faults: deque[Fault] = deque()
        self._connections: set[asyncio.Task[None]] = set()
        self.add_chat("-100123", kind="channel", username="longarm_alerts")
        self.add_chat("-200", kind="group")

    def add_chat(
        self,
        chat: str,
        *,
        kind: str = "supergroup",
        member: Json | None = None,
        forum: bool = False,
        username: str = "",
    ) -> None:
        """Let `chat` exist. `member` is the bot's ChatMember in it without `user`; an administrator otherwise."""
        self.chats[chat] = _Chat(kind, member or _administrator(), forum, username)

    def script(self, *faults: Fault) -> None:
        """Order how the next calls that send or edit go, one each."""
        self._script.extend(faults)

    def script_chat(self, chat: str, fault: Fault, *, times: int = 1) -> None:
        """Order how the next calls to one chat go."""
        self._chat_script[chat].extend([fault] * times)

    def clear(self) -> None:
        """Forget what was ordered and not used yet."""
        self._script.clear()
        self._chat_script.clear()
        self.default = OK

    # ── updates ───────────────────────────────────────────────────────────────────────────────────

    def hears(self, **update: Any) -> int:
        """Let something happen that the bot is told of: `message=…`, `callback_query=…`; return its number.

        It is told at each question until the bot asks for a later one, as Telegram does.
        """
        self._last_update = update.pop("update_id", self._last_update + 1)
        self.updates.append({"update_id": self._last_update, **update})
        return self._last_update

    def says(self, person: int, text: str, *, language: str = "en", kind: str = "private", **more: Any) -> int:
        """Let `person` write to the bot, in their private chat or, with `kind`, in a group."""
        chat = str(person) if kind == "private" else "-200"
        if kind == "private" and chat not in self.chats:
            self.add_chat(chat, kind="private", member={"status": "member"})
        self._asked += 1
        message = {
            "message_id": 1_000_000 + self._asked,
            "date": int(time.time()),
            "chat": {"id": int(chat), "type": kind},
            "from": {"id": person, "is_bot": False, "first_name": "N", "language_code": language},
            "text": text,
        }
        return self.hears(message={**message, **more})

    def presses(self, person: int, chat: str, message_id: int, data: str, *, language: str = "en") -> int:
        """Let `person` press a button."""
        self._asked += 1
        query = {
            "id": f"{self._asked}",
            "from": {"id": person, "is_bot": False, "first_name": "N", "language_code": language},
            "chat_instance": "1",
            "data": data,
            "message": {"message_id": message_id, "date": 1, "chat": {"id": int(chat), "type": self.chats[chat].kind}},
        }
        return self.hears(callback_query=query)

    def buttons(self, chat: str, message_id: int) -> dict[str, str]:
        """The buttons under a message: what is seen of each, and what is sent when it is pressed."""
        rows = self.keyboards.get((chat, message_id), {}).get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for row in rows for button in row}

    def _updates(self, form: dict[str, str]) -> tuple[Fault, Any]:
        if self.hook.url:
            why = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            return _answer(409, f"Conflict: {why}"), None
        if self.update_faults:
            fault = self.update_faults.popleft()
            if fault is not OK:
                return fault, None
        first = int(form.get("offset", "0"))
        self.updates[:] = [one for one in self.updates if one["update_id"] >= first]
        return OK, self.updates[: int(form.get("limit", "100"))]

    def _keyboard(self, chat: str, form: dict[str, str]) -> tuple[Fault, Any]:
        message_id = int(form["message_id"])
        fault = self._ordered(chat)
        if fault is not OK:
            return fault, None
        if not self._there(chat, message_id):
            return bad_request("message to edit not found"), None
        found = json.loads(form.get("reply_markup", "{}"))
        if self.keyboards.get((chat, message_id), {}) == found:
            return bad_request("message is not modified"), None
        self._hang(chat, message_id, found)
        return OK, {"message_id": message_id, "date": int(time.time()), "chat": self._chat(chat)}

    def _hang(self, chat: str, message_id: int, found: Json) -> None:
        self.keyboards[chat, message_id] = found
        for row in found.get("inline_keyboard", []):
            for button in row:
                if not 0 < len(button["callback_data"].encode()) <= 64:
                    self.violations.append(f"callback_data of {len(button['callback_data'].encode())} bytes")

    def forget(self, chat: str, message_id: int) -> None:
        """Let a message be deleted by hand: it can be neither edited nor answered any more."""
        self._deleted.add((chat, message_id))

    def shown(self, chat: str | None = None) -> dict[int, str]:
        """What a reader sees now, by message id: the newest text of each message."""
        return {got.message_id: got.text for got in self.accepted if chat in (None, got.chat)}

    def texts(self, chat: str | None = None) -> list[str]:
        """Texts of the accepted messages, of one chat or all, edits left out."""
        return [got.text for got in self.accepted if not got.edited and chat in (None, got.chat)]

    async def __aenter__(self) -> BotApi:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._pump = asyncio.create_task(self.hook.pump(self.updates, self.clock))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything, hanging calls too."""
        self._server.close()
        self._pump.cancel()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(self._pump, *self._connections, return_exceptions=True)
        await self._server.wait_closed()

    # ── HTTP ──────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            pass  # the server closes; asyncio's streams would log it
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        sizes = re.findall(r"(?im)^content-length:\s*(\d+)", head)
        body = await reader.readexactly(int(sizes[0])) if sizes else b""
        path = head.split(" ", 2)[1]
        fault, payload = self._call(path, _form(head, body))
        if fault.way in ("hang", "slow"):
            await asyncio.sleep(3600 if fault.way == "hang" else 1)
        if fault.way == "reset":
            raw_socket: socket.socket = writer.get_extra_info("socket")
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        start = f"HTTP/1.1 {fault.status} X\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        if fault.way == "half":
            writer.write(start.encode() + payload[: len(payload) // 2])
            await writer.drain()
            return False
        writer.write(start.encode() + payload)
        await writer.drain()
        return True

    # ── methods ───────────────────────────────────────────────────────────────────────────────────

    def _call(self, path: str, form: dict[str, str]) -> tuple[Fault, bytes]:
        _, bot, written = (*path.split("/"), "", "")[:3]
        method = _METHODS.get(written.lower(), written)
        chat = self._resolve(form.get("chat_id", ""))
        now = self.clock()
        self.requests.append((method, chat, now))
        if bot != f"bot{self.token}":
            fault = unauthorized() if re.fullmatch(r"bot\d+:[\w-]{30,}", bot) else not_found()
            return fault, fault.body
        if method in _SENDING:
            return self._sending(method, chat, form, now)
        fault, result = self._asking(method, chat, form)
        return fault, fault.body or json.dumps({"ok": True, "result": result}).encode()

    def _resolve(self, chat: str) -> str:
        if chat.startswith("@"):
            named = [key for key, known in self.chats.items() if known.username.lower() == chat[1:].lower()]
            return named[0] if named else chat
        return chat

    def _asking(self, method: str, chat: str, form: dict[str, str]) -> tuple[Fault, Any]:
        me = {
            "id": int(self.token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Longarm",
            "username": "longarm_bot",
        }
        if method == "getMe":
            return OK, {
                **me,
                "can_join_groups": True,
                "can_read_all_group_messages": self.hears_groups,
                "supports_inline_queries": False,
            }
        if method == "getUpdates":
            return self._updates(form)
        if method == "setWebhook":
            wrong = self.hook.set(form)
            return (bad_request(wrong), None) if wrong else (OK, True)
        if method == "deleteWebhook":
            self.hook.remove()
            return OK, True
        if method == "getWebhookInfo":
            return OK, self.hook.info(len(self.updates))
        if method == "answerCallbackQuery":
            self.toasts.append((form["callback_query_id"], form.get("text", "")))
            return OK, True
        if method == "leaveChat":
            self.left.append(chat)
            return OK, True
        if method == "editMessageReplyMarkup":
            return self._keyboard(chat, form)
        if method not in {"getChat", "getChatMember", "deleteMessage"}:
            return not_found(), None
        if chat not in self.chats:
            return bad_request("chat not found"), None
        if method == "deleteMessage":
            return OK, True
        if method == "getChatMember":
            return OK, {**self.chats[chat].member, "user": me}
        kinds = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
        )
        return OK, {**self._chat(chat), "accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": kinds}

    def _chat(self, chat: str) -> Json:
        known = self.chats[chat]
        shown: Json = {"id": int(chat), "type": known.kind, "title": f"chat {chat}"}
        if known.forum:
            shown["is_forum"] = True
        return shown

    def _sending(self, method: str, chat: str, form: dict[str, str], now: float) -> tuple[Fault, bytes]:
        self._look_at_limits(chat, now)
        fault = self._ordered(chat)
        if fault.retry_after:
            self.silent_until[chat] = now + fault.retry_after
        if fault is not OK and not fault.accepts:
            return fault, fault.body
        refusal = self._refusal(method, chat, form)
        if refusal:
            return refusal, refusal.body
        message = self._take(method, chat, form, now, heard=fault.way in ("answer", "slow") and not fault.body)
        return fault, fault.body or json.dumps({"ok": True, "result": message}).encode()

    def _ordered(self, chat: str) -> Fault:
        if self._chat_script[chat]:
            return self._chat_script[chat].popleft()
        return self._script.popleft() if self._script else self.default

    def _refusal(self, method: str, chat: str, form: dict[str, str]) -> Fault | None:
        text, entities = _words(form)
        most = 1024 if method == "sendPhoto" else 4096
        if "parse_mode" in form:
            self.violations.append(f"parse_mode {form['parse_mode']!r} was used")
        if method != "sendPhoto" and not json.loads(form.get("link_preview_options", "{}")).get("is_disabled"):
            self.violations.append("a link preview was not switched off")
        if chat not in self.chats:
            return bad_request("chat not found")
        photo = form.get("photo", "").encode("latin-1")
        if method == "sendPhoto" and (len(photo) > 10_000_000 or not photo.startswith(b"\x89PNG\r\n")):
            return bad_request("IMAGE_PROCESS_FAILED")
        if not text.strip() and method != "sendPhoto":
            return bad_request("message text is empty")
        if len(text.encode("utf-16-le")) // 2 > most:
            return bad_request("message caption is too long" if method == "sendPhoto" else "message is too long")
        if len(entities) > 100:
            self.violations.append(f"{len(entities)} entities")
            return bad_request("too much entities")
        wrong = _wrong_entity(text, entities)
        if wrong:
            return bad_request(f"can't parse entities: {wrong}")
        if method == "editMessageText":
            return self._edit_refusal(chat, form, tuple(entities))
        answers = json.loads(form.get("reply_parameters", "{}"))
        if answers and not answers.get("allow_sending_without_reply") and not self._there(chat, answers["message_id"]):
            return bad_request("message to be replied not found")
        return None

    def _there(self, chat: str, message_id: int) -> bool:
        known = any(got.chat == chat and got.message_id == message_id for got in self.accepted)
        return known and (chat, message_id) not in self._deleted

    def _edit_refusal(self, chat: str, form: dict[str, str], entities: tuple[Json, ...]) -> Fault | None:
        known = [got for got in self.accepted if got.chat == chat and got.message_id == int(form["message_id"])]
        if not known or not self._there(chat, int(form["message_id"])):
            return bad_request("message to edit not found")
        if (known[-1].text, known[-1].entities) == (form["text"], entities):
            return bad_request("message is not modified: specified new message content is exactly the same")
        return None

    def _take(self, method: str, chat: str, form: dict[str, str], now: float, *, heard: bool) -> Json:
        edited = method == "editMessageText"
        if not edited:
            self._numbers += 1
        text, entities = _words(form)
        got = Accepted(
            chat=chat,
            text=text,
            entities=tuple(entities),
            at=now,
            message_id=int(form["message_id"]) if edited else self._numbers,
            silent=form.get("disable_notification", "").lower() == "true",
            thread=int(form["message_thread_id"]) if "message_thread_id" in form else None,
            edited=edited,
            reply_to=self._answered(chat, form),
            heard=heard,
            photo=form.get("photo", "").encode("latin-1"),
        )
        self.accepted.append(got)
        if "reply_markup" in form or edited:  # an edit that brings no buttons takes them away
            self._hang(chat, got.message_id, json.loads(form.get("reply_markup", "{}")))
        about = {"message_id": got.message_id, "date": int(time.time()), "chat": self._chat(chat)}
        if got.photo:
            size = {"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1, "file_size": len(got.photo)}
            return {**about, "photo": [size], "caption": got.text, "caption_entities": list(got.entities)}
        return {**about, "text": got.text, "entities": list(got.entities)}

    def _answered(self, chat: str, form: dict[str, str]) -> int | None:
        message_id = json.loads(form.get("reply_parameters", "{}")).get("message_id")
        return message_id if message_id is not None and self._there(chat, message_id) else None

    def _look_at_limits(self, chat: str, now: float) -> None:
        if not self.limits:
            return
        sent = [(to, at) for method, to, at in self.requests[-400:-1] if method in _SENDING]
        same = [at for to, at in sent if to == chat]
        # A hair of tolerance: clocks that are added up from seconds are not exact.
        if sum(at > now - 0.999 for at in same) >= 1:
            self.violations.append(f"more than 1 request a second to {chat}")
        if sum(at > now - 59.999 for at in same) >= 20:
            self.violations.append(f"more than 20 requests a minute to {chat}")
        if sum(at > now - 0.999 for _, at in sent) >= 30:
            self.violations.append("more than 30 requests a second")
        if now < self.silent_until.get(chat, 0.0) - 0.001:
            self.violations.append(f"a request to {chat} before its retry_after was over")


def _form(head: str, body: bytes) -> dict[str, str]:
    """The fields of a request; a file is its bytes, one letter each."""
    kind = re.search(r"(?im)^content-type:\s*(multipart/\S.*?)\s*$", head)
    if not kind:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    whole = message_from_bytes(b"Content-Type: " + kind[1].encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
    parts: dict[str, tuple[bool, bytes]] = {}
    for part in whole.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        parts[str(name)] = (part.get_filename() is not None, part.get_payload(decode=True))
    files = {name: content.decode("latin-1") for name, (is_file, content) in parts.items() if is_file}
    form = {name: content.decode() for name, (is_file, content) in parts.items() if not is_file}
    sent = form.get("photo", "").removeprefix("attach://")
    return {**form, "photo": files[sent]} if sent in files else {**form, **files}


def _words(form: dict[str, str]) -> tuple[str, list[Json]]:
    """Text and entities, of a message or under a photo."""
    under = "caption" in form
    text = form.get("caption" if under else "text", "")
    return text, json.loads(form.get("caption_entities" if under else "entities", "[]"))


def _wrong_entity(text: str, entities: list[Json]) -> str:
    units = (0, *accumulate(2 if char > "\uffff" else 1 for char in text))
    borders = set(units)
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if start not in borders or end not in borders or end <= start:
            return f"entity at {start}..{end} of {units[-1]} units"
        if entity["type"] == "text_link" and not entity.get("url"):
            return "a link without an address"
    return ""


@contextlib.contextmanager
def in_thread(api: BotApi | None = None) -> Iterator[BotApi]:
    """Run a server in a thread of its own, for tests without an event loop or with several processes."""
    served = api or BotApi()
    started, stop = threading.Event(), None
    loop = asyncio.new_event_loop()

    async def run() -> None:
        nonlocal stop
        stop = asyncio.Event()
        async with served:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        assert started.wait(10), "the Bot API server did not start"
        yield served
    finally:
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
