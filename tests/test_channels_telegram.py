"""Telegram's channel against a server in Telegram's wire format: what goes out, and what each answer means."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import error as failures

from monitor.alerts.channels.telegram import TelegramChannel, entities
from monitor.errors import SendError
from monitor.model import Message, Span, SpanKind
from tests import botapi
from tests.botapi import BotApi
from tests.deliver_parts import CHANNEL, GROUP, QUICK, linked, raises_send_error, telegram

HELLO = Message(text="hello")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as served:
        yield served


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    made = telegram(api, "main", CHANNEL)
    yield made
    await made.aclose()
    assert api.violations == []


@pytest.fixture
async def hasty(api: BotApi) -> AsyncIterator[TelegramChannel]:
    made = telegram(api, "main", CHANNEL, timeout=QUICK)
    yield made
    await made.aclose()


async def send(channel: TelegramChannel, message: Message = HELLO, *, possible_repeat: bool = False) -> str:
    return await channel.send(message, possible_repeat=possible_repeat)


# ── what goes out ─────────────────────────────────────────────────────────────────────────────────


async def test_text_arrives_as_it_is_and_formatting_as_entities(api: BotApi, channel: TelegramChannel) -> None:
    text = "🕊 <b>Exiled & “hunted”</b> *_[x](tg://user?id=1)"
    remote_id = await send(channel, linked(text, "Exiled", "https://example.org/a"))
    (got,) = api.accepted
    assert (got.text, str(got.message_id)) == (text, remote_id)
    assert [(e["type"], e["offset"], e["length"]) for e in got.entities] == [("bold", 6, 6), ("text_link", 6, 6)]
    assert got.links == ("https://example.org/a",)


async def test_every_kind_of_span_has_its_entity(api: BotApi, channel: TelegramChannel) -> None:
    spans = tuple(
        Span(kind=kind, start=2 * at, length=1, url="https://example.org" if kind is SpanKind.LINK else "")
        for at, kind in enumerate(SpanKind)
    )
    await send(channel, Message(text="a b c d e f g", spans=spans))
    assert [e["type"] for e in api.accepted[0].entities] == ["bold", "italic", "code", "text_link", "blockquote"]


async def test_spans_outside_the_text_and_links_to_nowhere_are_left_out(api: BotApi, channel: TelegramChannel) -> None:
    spans = (
        Span(kind=SpanKind.BOLD, start=3, length=99),
        Span(kind=SpanKind.BOLD, start=9, length=1),
        Span(kind=SpanKind.BOLD, start=1, length=0),
        Span(kind=SpanKind.LINK, start=0, length=2),
    )
    await send(channel, Message(text="hello", spans=spans))
    assert [(e["offset"], e["length"]) for e in api.accepted[0].entities] == [(3, 2)]


async def test_more_than_4096_units_are_cut_between_characters(api: BotApi, channel: TelegramChannel) -> None:
    long = Message(text="🕊" * 2100, spans=(Span(kind=SpanKind.BOLD, start=2000, length=100),))
    await send(channel, long, possible_repeat=True)
    (got,) = api.accepted
    assert got.text.startswith("(possible repeat) 🕊")
    assert got.text.endswith("🕊…")
    assert 4090 < len(got.text.encode("utf-16-le")) // 2 <= 4096


async def test_at_most_100_entities_are_sent(api: BotApi, channel: TelegramChannel) -> None:
    spans = tuple(Span(kind=SpanKind.BOLD, start=at, length=1) for at in range(0, 240, 2))
    await send(channel, Message(text="x " * 130, spans=spans))
    assert len(api.accepted[0].entities) == 100


async def test_a_possible_repeat_is_marked_in_front_and_spans_move_along(api: BotApi, channel: TelegramChannel) -> None:
    await send(channel, linked("see this", "this", "https://example.org"), possible_repeat=True)
    (got,) = api.accepted
    assert got.text == "(possible repeat) see this"
    for entity in got.entities:
        assert got.text[entity["offset"] : entity["offset"] + entity["length"]] == "this"


async def test_the_mark_does_not_turn_a_text_that_runs_from_right_to_left(
    api: BotApi, channel: TelegramChannel
) -> None:
    await send(channel, Message(text="«صوت المهجر» خبر"), possible_repeat=True)
    assert api.accepted[0].text == "(possible repeat)\n«صوت المهجر» خبر"


async def test_a_silent_message_and_a_topic_are_passed_on(api: BotApi) -> None:
    api.add_chat("-300", forum=True)
    topic = TelegramChannel(name="t", token=api.token, chat="-300", topic=42, api_url=api.url + "/")
    await send(topic, Message(text="x", silent=True))
    await topic.aclose()
    assert (api.accepted[0].thread, api.accepted[0].silent) == (42, True)
    assert topic.chat == "telegram:-300"


async def test_nothing_in_a_link_or_code_pings_and_plain_mentions_are_seen_by_the_server(
    api: BotApi, channel: TelegramChannel
) -> None:
    spans = (Span(kind=SpanKind.CODE, start=0, length=16),)
    await send(channel, Message(text="@admin /stop #ab", spans=spans))
    await send(channel, Message(text="@admin /stop #ab"))
    assert [got.pings for got in api.accepted] == [(), ("@admin", "/stop", "#ab")]


@given(st.text(max_size=60), st.data())
def test_entities_cover_exactly_the_characters_of_their_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, len(text) + 3))
    found = entities(Message(text=text, spans=(Span(kind=SpanKind.BOLD, start=start, length=length),)))
    units = text.encode("utf-16-le", "surrogatepass")
    covered = "".join(
        units[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le", "surrogatepass") for e in found
    )
    assert covered == text[start : start + length]


# ── what each answer means ────────────────────────────────────────────────────────────────────────

ANSWERS: list[tuple[str, botapi.Fault, dict[str, Any]]] = [
    ("flood control", botapi.too_many(43838), {"retry_after": timedelta(seconds=43838)}),
    ("flood control without a number", botapi.too_many(None), {}),
    ("kicked", botapi.forbidden(), {"permanent": True, "about": "chat"}),
    ("blocked", botapi.forbidden("bot was blocked by the user"), {"permanent": True, "about": "chat"}),
    ("no such chat", botapi.bad_request("chat not found"), {"permanent": True, "about": "chat"}),
    (
        "no right",
        botapi.bad_request("not enough rights to send text messages to the chat"),
        {"permanent": True, "about": "chat"},
    ),
    ("no topic", botapi.bad_request("message thread not found"), {"permanent": True, "about": "chat"}),
    ("any other 400", botapi.bad_request("MESSAGE_INVALID"), {"permanent": True, "about": "message"}),
    ("a supergroup", botapi.migrated(-100999), {"migrated_to": "-100999"}),
    ("revoked", botapi.unauthorized(), {"permanent": True, "about": "account"}),
    ("malformed token", botapi.not_found(), {"permanent": True, "about": "account"}),
    ("500 as HTML", botapi.html(500), {}),
    ("502 as HTML", botapi.html(502), {}),
    ("504 and nothing", botapi.empty(504), {}),
    ("a status nobody knows", botapi.empty(599), {}),
    ("a login page", botapi.html(200), {}),
    ("not ok", botapi.not_ok(), {}),
    ("a redirect", botapi.empty(302), {}),
    ("conflict", botapi.raw(b'{"ok":false,"description":"Conflict: x"}', status=409), {}),
    ("a result that is no message", botapi.raw(b'{"ok":true,"result":{}}', accepts=True), {"outcome_unknown": True}),
    ("a result of another kind", botapi.raw(b'{"ok":true,"result":7}', accepts=True), {"outcome_unknown": True}),
    ("an answer of another kind", botapi.raw(b"[]", accepts=True), {"outcome_unknown": True}),
    ("reset after taking it", botapi.RESET_AFTER, {"outcome_unknown": True}),
    ("half an answer", botapi.HALF_AFTER, {"outcome_unknown": True}),
    ("reset before", botapi.RESET_BEFORE, {"outcome_unknown": True}),
]


@pytest.mark.parametrize(("fault", "means"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
async def test_each_answer_is_translated(
    api: BotApi, channel: TelegramChannel, fault: botapi.Fault, means: dict[str, Any]
) -> None:
    api.script(fault)
    with raises_send_error(**means) as caught:
        await send(channel)
    assert len(api.accepted) == fault.accepts
    assert api.token not in str(caught.value)
    assert "main" in str(caught.value)
    assert "<html>" not in str(caught.value)
    assert await send(channel), "the next message goes through"


@pytest.mark.parametrize("fault", [botapi.HANG_AFTER, botapi.HANG_BEFORE], ids=["after taking it", "before"])
async def test_no_answer_in_time_leaves_the_outcome_unknown(
    api: BotApi, hasty: TelegramChannel, fault: botapi.Fault
) -> None:
    api.script(fault)
    with raises_send_error(outcome_unknown=True):
        await send(hasty)
    assert len(api.accepted) == fault.accepts


async def test_nobody_listening_means_surely_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = TelegramChannel(
            name="main", token=botapi.TOKEN, chat=CHANNEL, api_url=f"http://127.0.0.1:{taken.getsockname()[1]}"
        )
        with raises_send_error():
            await send(closed)
        await closed.aclose()


async def test_a_name_that_does_not_resolve_means_surely_not_sent() -> None:
    nowhere = TelegramChannel(name="main", token=botapi.TOKEN, chat=CHANNEL, api_url="http://api.invalid")
    with raises_send_error():
        await send(nowhere)
    await nowhere.aclose()


async def test_an_address_that_is_none_means_surely_not_sent() -> None:
    for url in ("ftp://127.0.0.1", "http://[::1"):
        wrong = TelegramChannel(name="main", token=botapi.TOKEN, chat=CHANNEL, api_url=url)
        with raises_send_error() as caught:
            await send(wrong)
        assert botapi.TOKEN not in str(caught.value)
        await wrong.aclose()


async def test_a_connection_that_can_not_be_made_in_time_means_surely_not_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            channel = TelegramChannel(
                name="main", token=botapi.TOKEN, chat=CHANNEL, timeout=QUICK,
                api_url=f"http://127.0.0.1:{full.getsockname()[1]}",
            )  # fmt: skip
            with raises_send_error() as caught:
                await send(channel)
            assert "ConnectTimeout" in str(caught.value)
            await channel.aclose()
        finally:
            for one in waiting:
                one.close()


async def test_too_many_at_once_for_the_pool_means_surely_not_sent(api: BotApi, hasty: TelegramChannel) -> None:
    error = failures.TimedOut("Pool timeout")
    error.__cause__ = type("PoolTimeout", (Exception,), {})()
    assert not hasty._send_error(error).outcome_unknown
    assert hasty._send_error(failures.TimedOut()).outcome_unknown is False


def test_bad_request_and_timed_out_are_network_errors_so_the_order_of_translation_matters() -> None:
    assert issubclass(failures.BadRequest, failures.NetworkError)
    assert issubclass(failures.TimedOut, failures.NetworkError)


def test_every_error_of_the_library_has_a_translation() -> None:
    channel = TelegramChannel(name="main", token=botapi.TOKEN, chat=CHANNEL)
    made: dict[str, failures.TelegramError] = {
        "RetryAfter": failures.RetryAfter(3),
        "ChatMigrated": failures.ChatMigrated(-5),
        "InvalidToken": failures.InvalidToken(),
        "TimedOut": failures.TimedOut(),
    }
    for name in failures.__all__:
        error = made.get(name) or getattr(failures, name)("said " + botapi.TOKEN)
        translated = channel._send_error(error)
        assert isinstance(translated, SendError)
        assert botapi.TOKEN not in str(translated)
    assert channel._send_error(failures.RetryAfter(3)).retry_after == timedelta(seconds=3)


async def test_a_message_found_too_long_is_sent_again_shorter(api: BotApi, channel: TelegramChannel) -> None:
    api.script(botapi.bad_request("message is too long"), botapi.bad_request("MESSAGE_TOO_LONG"))
    await send(channel, Message(text="word " * 400))
    assert len(api.texts()[0]) <= 500
    assert api.texts()[0].endswith("…")


async def test_entities_found_wrong_are_sent_again_as_bare_text_with_the_address_written_out(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.script(botapi.bad_request("can't parse entities: unsupported start tag"))
    await send(channel, linked("read this, now", "this", "https://example.org/a"))
    assert (api.texts(), api.accepted[0].entities) == (["read this https://example.org/a , now"], ())


async def test_a_message_that_no_plainer_form_helps_is_given_up(api: BotApi, channel: TelegramChannel) -> None:
    api.script(*[botapi.bad_request("message is too long")] * 9)
    with raises_send_error(permanent=True):
        await send(channel, Message(text="word " * 400))
    assert len(api.requests) == 4
    api.clear()
    api.script(botapi.bad_request("can't parse entities"))
    with raises_send_error(permanent=True):
        await send(channel)


# ── edit, check, move ─────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_edited_and_an_edit_that_changes_nothing_is_fine(
    api: BotApi, channel: TelegramChannel
) -> None:
    remote_id = await send(channel)
    changed = replace(HELLO, text="hello again")
    await channel.edit(remote_id, changed)
    await channel.edit(remote_id, changed)
    assert [(got.text, got.edited) for got in api.accepted] == [("hello", False), ("hello again", True)]


async def test_an_edit_of_what_is_gone_is_a_permanent_failure(channel: TelegramChannel) -> None:
    with raises_send_error(permanent=True):
        await channel.edit("99", HELLO)
    with raises_send_error(permanent=True):
        await channel.edit("", HELLO)


async def test_check_finds_nothing_wrong_with_a_good_channel_and_sends_nothing(
    api: BotApi, channel: TelegramChannel
) -> None:
    assert await channel.check() == ()
    assert {method for method, _, _ in api.requests} == {"getMe", "getChat", "getChatMember"}


RIGHTS: list[tuple[str, dict[str, Any], str]] = [
    ("channel", {"status": "left"}, "not a member"),
    ("channel", {"status": "kicked", "until_date": 0}, "not a member"),
    ("channel", {"status": "member"}, "no administrator"),
    ("channel", {**botapi._administrator(), "can_post_messages": False}, "may not post"),
    ("channel", {"status": "creator", "is_anonymous": False}, ""),
    ("supergroup", {"status": "member"}, ""),
]


@pytest.mark.parametrize(("kind", "member", "problem"), RIGHTS)
async def test_check_tells_which_right_is_missing(api: BotApi, kind: str, member: dict[str, Any], problem: str) -> None:
    api.add_chat("-7", kind=kind, member=member)
    other = telegram(api, "other", "-7")
    said = await other.check()
    await other.aclose()
    assert (problem in said[0]) if problem else (said == ())


async def test_check_tells_of_a_restriction(api: BotApi) -> None:
    names = (
        "is_member can_change_info can_invite_users can_pin_messages can_send_messages can_send_polls "
        "can_send_other_messages can_add_web_page_previews can_manage_topics can_send_audios can_send_documents "
        "can_send_photos can_send_videos can_send_video_notes can_send_voice_notes can_edit_tag can_react_to_messages"
    )
    api.add_chat("-7", member={"status": "restricted", "until_date": 0, **dict.fromkeys(names.split(), False)})
    other = telegram(api, "other", "-7")
    assert "may not send" in (await other.check())[0]
    await other.aclose()


async def test_check_tells_of_an_unknown_chat_a_wrong_token_and_a_missing_forum(api: BotApi) -> None:
    unknown = telegram(api, "u", "@nobody")
    revoked = TelegramChannel(name="r", token="987654321:" + "A" * 35, chat=CHANNEL, api_url=api.url)
    no_forum = TelegramChannel(name="f", token=api.token, chat=GROUP, topic=3, api_url=api.url)
    said = [(await one.check())[0] for one in (unknown, revoked, no_forum)]
    assert "Chat not found" in said[0]
    assert "token" in said[1]
    assert "no topics" in said[2]
    for one in (unknown, revoked, no_forum):
        await one.aclose()


async def test_check_asks_for_no_rights_in_a_private_chat(api: BotApi) -> None:
    api.add_chat("77", kind="private")
    private = telegram(api, "p", "77")
    assert await private.check() == ()
    await private.aclose()


async def test_a_name_and_its_moved_id_are_written_to(api: BotApi) -> None:
    named = telegram(api, "n", "@Longarm_Alerts")
    await send(named)
    named.move(GROUP)
    await send(named)
    await named.aclose()
    assert [got.chat for got in api.accepted] == [CHANNEL, GROUP]
    assert named.chat == f"telegram:{GROUP}"


async def test_a_channel_works_again_after_it_was_closed(api: BotApi, channel: TelegramChannel) -> None:
    await send(channel)
    await channel.aclose()
    assert await send(channel) == "2"


# ── the token ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_token_is_in_no_log_line_error_or_repr_even_at_debug(
    api: BotApi, channel: TelegramChannel, caplog: pytest.LogCaptureFixture
) -> None:
    secret = api.token.partition(":")[2]
    texts = [repr(channel), channel.account, channel.chat, json.dumps(str(vars(channel).keys()))]
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "telegram.Bot"):
            caplog.set_level(logging.DEBUG, logger=name)
        await send(channel)
        for fault in (botapi.html(502), botapi.unauthorized(), botapi.RESET_AFTER, botapi.html(200)):
            api.script(fault)
            with pytest.raises(SendError) as caught:
                await send(channel)
            texts += [str(caught.value), repr(caught.value)]
    lines = [record.getMessage() + str(record.exc_text) for record in caplog.records]
    assert any("/bot…/sendMessage" in line for line in lines), "httpx logs the address, without the token"
    assert not [text for text in (*texts, *lines) if secret in text]
