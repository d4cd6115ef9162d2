"""What Telegram reports, as far as it is acted on: raw updates become nouns. Pure.

Whatever has another form than expected is `Odd`, never an error of its own: an update that can't be read must be passed
over, not met again for ever. Edited messages, channel posts, forwards, messages by way of other bots and those of
Telegram's stand-ins for anonymous senders are nobody's orders, and become `Odd` too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALLOWED = ("message", "callback_query", "my_chat_member")
"""The kinds of updates that Telegram is asked for. https://core.telegram.org/bots/api#update"""

MAX_TEXT = 500
STAND_INS = frozenset({1_087_968_824, 136_817_688, 777_000})
"""Anonymous administrators, channels that post in their group, Telegram's service account."""

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A text that a person wrote in a private chat. `language` is Telegram's word on the person's.

    `answers`: the id of the message that it answers, "" where it answers none.
    """

    number: int
    chat: str
    person: int
    text: str
    language: str = ""
    answers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button that a person pressed under the message `message` of `chat`. `query` must be answered soon."""

    number: int
    query: str
    person: int
    data: str
    chat: str = ""
    message: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The bot was added to a group or channel, whose public name is `username`, "" where it has none."""

    number: int
    chat: str
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Something that is nobody's order."""

    number: int


Update = Asked | Pressed | Added | Odd


def number_of(raw: object) -> int | None:
    """The number of an update; None where it has none that could be noted."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if _is_whole(number) else None


def read(raw: Raw) -> Update:
    """Read an update that has a number."""
    number = int(raw["update_id"])
    try:
        if "message" in raw:
            return _asked(number, raw["message"]) or Odd(number=number)
        if "callback_query" in raw:
            return _pressed(number, raw["callback_query"]) or Odd(number=number)
        if "my_chat_member" in raw:
            return _added(number, raw["my_chat_member"]) or Odd(number=number)
    except (KeyError, TypeError, ValueError, AttributeError):
        pass  # not in Telegram's form
    return Odd(number=number)


def _asked(number: int, message: Raw) -> Asked | None:
    sender, chat, text = message["from"], message["chat"], message.get("text")
    strange = any(key in message for key in ("forward_origin", "forward_date", "via_bot", "sender_chat"))
    if strange or chat["type"] != "private" or not isinstance(text, str) or not _is_person(sender):
        return None
    if chat["id"] != sender["id"]:
        return None
    answered = message.get("reply_to_message") or {}
    return Asked(
        number=number,
        chat=str(chat["id"]),
        person=sender["id"],
        text=text[:MAX_TEXT],
        language=_language(sender),
        answers=str(answered.get("message_id", "")),
    )


def _pressed(number: int, query: Raw) -> Pressed | None:
    sender, message = query["from"], query.get("message") or {}
    if not _is_person(sender):
        return None
    return Pressed(
        number=number,
        query=str(query["id"]),
        person=sender["id"],
        data=str(query.get("data", ""))[:64],
        chat=str(message["chat"]["id"]) if message else "",
        message=str(message["message_id"]) if message else "",
        language=_language(sender),
    )


def _added(number: int, change: Raw) -> Added | None:
    chat, after = change["chat"], change["new_chat_member"]["status"]
    if chat["type"] == "private" or after in ("left", "kicked"):
        return None
    return Added(number=number, chat=str(chat["id"]), username=str(chat.get("username", "")))


def _is_person(sender: Raw) -> bool:
    return _is_whole(sender["id"]) and sender["id"] not in STAND_INS and not sender.get("is_bot")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _language(sender: Raw) -> str:
    tag = sender.get("language_code")
    return tag[:20] if isinstance(tag, str) else ""
