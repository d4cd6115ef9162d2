"""Updates that are sent to us: only Telegram's are taken, each once and none lost, and the way may be changed."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import doorway
from monitor.bot import daemon, webhook
from monitor.bot.wire import Conflict
from monitor.errors import ConfigError, SendError, StateError
from monitor.store import People
from tests import botapi
from tests.bot_parts import ADMIN, READER, STRANGER, Scene, alert, scene
from tests.botapi_hook import post
from tests.webhook_parts import URL, all_taken, free_port, hearing, hooked, sent_to, until

WAYS = pytest.mark.parametrize("way", ["asked", "sent"])


def update(number: int, person: int = READER, text: str = "/subscribe", **more: Any) -> bytes:
    message = {
        "message_id": number,
        "date": 1,
        "chat": {"id": person, "type": "private"},
        "from": {"id": person, "is_bot": False, "language_code": "en"},
        "text": text,
        **more,
    }
    return json.dumps({"update_id": number, "message": message}).encode()


def secret_of(one: Scene) -> str:
    assert one.bot.hook is not None
    return one.bot.hook.secret


# ── who is heard ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shown", [None, "", "wrong", "Ünïcödé"])
async def test_what_does_not_show_the_secret_is_not_taken_nor_read(tmp_path: Path, shown: str | None) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        assert await post(where, update(1), secret=shown) == 403
        assert await post(where, b"", secret=shown, size=10_000_000) == 403
        assert await post(where, update(1), secret=secret_of(one)[:-1]) == 403
        assert one.people.subscribers() == ()


@pytest.mark.parametrize(
    ("content", "how", "status"),
    [
        (update(1), {"kind": "text/plain"}, 403),
        (update(1), {"kind": "application/x-www-form-urlencoded"}, 403),
        (update(1), {"method": "GET"}, 405),
        (update(1), {"method": "PUT"}, 405),
        (b"", {"size": 10_000_000}, 413),
        (b" " * (webhook.MAX_BODY_BYTES + 1), {}, 413),
        (update(1)[:-5], {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 200_000, {}, 400),
        (b"5", {}, 200),
        (b'{"message": {}}', {}, 200),
        (b'{"update_id": "1", "message": {}}', {}, 200),
    ],
)
async def test_what_is_no_update_changes_nothing(
    tmp_path: Path, content: bytes, how: dict[str, Any], status: int
) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        assert await post(where, content, secret=secret_of(one), **how) == status
        assert one.people.subscribers() == ()
        assert await post(where, update(1), secret=secret_of(one), kind="application/json; charset=utf-8") == 200
        assert len(one.people.subscribers()) == 1


async def test_an_update_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "READ_WITHIN", 0.1)
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        content = update(1)
        assert await post(where, content, secret=secret_of(one), size=len(content) + 1) == 413
        assert one.people.subscribers() == ()


async def test_telegram_is_told_what_to_send_and_no_more(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        (how,) = one.api.hook.set_as
        assert how["url"] == URL
        assert how["secret_token"] == secret_of(one)
        assert json.loads(how["allowed_updates"]) == ["message", "callback_query", "my_chat_member"]
        assert how.get("drop_pending_updates", "false").lower() == "false"


async def test_the_secret_is_in_no_log_and_in_no_repr(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "telegram", "uvicorn", "uvicorn.error"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        await post(where, update(1), secret="a-wrong-secret-of-somebody")
        await post(where, update(1)[:-5], secret=secret_of(one))
        one.api.says(READER, "/help")
        await all_taken(one)
        assert len(caplog.messages) > 10
        for hidden in (secret_of(one), one.api.token, "a-wrong-secret-of-somebody"):
            assert all(hidden not in line for line in caplog.messages)
            assert hidden not in repr(one.bot.hook)


def test_without_a_secret_of_ones_own_it_is_made_from_the_token() -> None:
    made = webhook.made_secret(botapi.TOKEN)
    assert made == webhook.made_secret(botapi.TOKEN)
    assert made != webhook.made_secret(botapi.TOKEN + "x")
    assert made not in botapi.TOKEN
    assert len(made) == 64


# ── once, and never lost ──────────────────────────────────────────────────────────────────────────


async def test_what_can_not_be_written_is_not_acknowledged_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> bool:
        raise StateError("the disk is full")

    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        with monkeypatch.context() as patch:
            patch.setattr(People, "take", full)
            number = one.api.says(READER, "/subscribe")
            await until(lambda: (number, 503) in one.api.hook.answers)
            assert one.people.subscribers() == ()
        await all_taken(one)
        assert len(one.people.subscribers()) == 1
        assert len(one.api.texts(str(READER))) == 1


async def test_updates_that_come_in_another_order_are_all_handled_and_each_once_over_restarts(tmp_path: Path) -> None:
    where = hooked(free_port())
    people = {number: 1_000 + number for number in (202, 203, 204, 205)}

    async def come(one: Scene, door: str, *numbers: int) -> None:
        for number in numbers:
            assert await post(door, update(number, people[number], "/help"), secret=secret_of(one)) == 200
        await all_taken(one)

    async with scene(tmp_path, bot=where) as one:
        for person in people.values():
            one.api.add_chat(str(person), kind="private")
        async with sent_to(one) as door:
            await come(one, door, 205, 203, 205, 204)
            assert [len(one.api.texts(str(person))) for person in people.values()] == [0, 1, 1, 1]
        one.app.store.close()
        async with scene(tmp_path, bot=where, clock=one.clock, api=one.api) as later, sent_to(later) as door:
            await come(later, door, 203, 204, 205, 202)
            assert [len(one.api.texts(str(person))) for person in people.values()] == [1, 1, 1, 1]


async def test_an_answer_that_telegram_does_not_hear_repeats_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        one.api.hook.keeps_open = lambda update: len(one.api.hook.answers) < 3
        one.api.says(READER, "/help")
        await all_taken(one)
        assert [status for _, status in one.api.hook.answers] == [200, 200, 200]
        assert len(one.api.texts(str(READER))) == 1


async def test_numbers_are_forgotten_when_they_can_not_come_again(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        one.api.add_chat(str(READER), kind="private")
        assert await post(where, update(7, READER, "/help"), secret=secret_of(one)) == 200
        await all_taken(one)
        assert one.people.was_handled(7, one.clock())
        one.clock.forward(days=7)
        assert not one.people.was_handled(7, one.clock())
        await one.bot.tend_once()
        assert await post(where, update(7, READER, "/help"), secret=secret_of(one)) == 200
        await all_taken(one)
        assert len(one.api.texts(str(READER))) == 2


# ── one way and the other ─────────────────────────────────────────────────────────────────────────


async def test_from_sent_to_asked_nothing_is_lost_and_nothing_repeats(tmp_path: Path) -> None:
    async with hearing("sent", tmp_path) as (one, heard):
        one.api.says(READER, "/help")
        await heard()  # type: ignore[misc]
        # Handled and not acknowledged; and one before it that was never handed over.
        lost = one.api.says(STRANGER, "/help")
        kept = one.api.says(READER, "/status")
        one.bot.sent(next(found for found in one.api.updates if found["update_id"] == kept))
        assert lost < kept
        await one.bot.let_go()
        assert one.api.hook.url == ""
        one.app.store.close()
        async with hearing("asked", tmp_path, clock=one.clock, api=one.api) as (_, asked):
            one.api.hook.proxy = "127.0.0.1:1"
            for _ in range(3):
                await asked()  # type: ignore[misc]
        assert [len(one.api.texts(str(who))) for who in (READER, STRANGER)] == [2, 1]
        assert one.api.updates == []  # each was confirmed


async def test_from_asked_to_sent_nothing_is_lost_and_nothing_repeats(tmp_path: Path) -> None:
    async with hearing("asked", tmp_path) as (one, heard):
        one.api.says(READER, "/help")
        await heard()  # type: ignore[misc]
        one.api.says(READER, "/status")  # comes between
        one.app.store.close()
        async with hearing("sent", tmp_path, clock=one.clock, api=one.api) as (_, sent):
            await sent()  # type: ignore[misc]
        assert len(one.api.texts(str(READER))) == 2


async def test_a_hook_that_another_program_left_is_taken_away(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.turn()
        one.api.hook.set({"url": "https://elsewhere.example/"})
        with pytest.raises(Conflict, match="webhook is active"):
            await one.turn()
        one.bot.tell_conflict(Conflict("oh"))
        one.api.says(READER, "/help")
        await one.turn()
        assert one.api.hook.url == ""
        assert len(one.api.texts(str(READER))) == 1


# ── what operators hear ───────────────────────────────────────────────────────────────────────────


def told(one: Scene, words: str) -> int:
    return sum(words in text for text in one.api.texts("-100123"))


async def look(one: Scene, *, seconds: float = 60) -> None:
    one.clock.forward(seconds=seconds)
    await one.bot.look_once()
    await one.deliver(times=2)


async def test_a_hook_that_is_taken_away_is_told_once_set_again_and_told_to_be_over(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        await look(one)
        one.api.hook.remove()
        with pytest.raises(Conflict) as caught:
            await look(one)
        one.bot.tell_conflict(caught.value)
        await look(one)
        assert one.api.hook.url == URL
        assert told(one, "another program takes its updates") == 1
        await look(one)
        assert told(one, "The bot answers again.") == 1
        assert one.app.store.open_notices() == ()


async def test_two_programs_that_take_turns_are_told_of_twice_and_not_every_minute(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        for _ in range(30):
            one.api.hook.remove()
            with pytest.raises(Conflict) as caught:
                await look(one)
            one.bot.tell_conflict(caught.value)
            await look(one)
            await look(one)
        assert told(one, "another program takes its updates") == 2
        assert told(one, "The bot answers again.") == 1
        for _ in range(61):
            await look(one)
        assert told(one, "The bot answers again.") == 2


async def test_that_telegram_can_not_reach_us_is_told_with_its_words_and_its_end(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one) as where:
        one.clock.forward(seconds=10)
        one.api.hook.proxy = "127.0.0.1:1"
        one.api.says(READER, "/help")
        await until(lambda: one.api.hook.error)
        for _ in range(3):
            await look(one, seconds=20)
        assert told(one, "Connection refused") == 1
        assert told(one, URL) == 1
        one.api.hook.proxy = where
        await all_taken(one)
        await look(one)
        assert told(one, "The bot hears again.") == 1


async def test_what_failed_before_we_listened_is_not_told(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        one.api.says(READER, "/help")
        one.api.hook.error, one.api.hook.error_at = "Connection refused", one.clock.seconds() - 5
        await look(one, seconds=1)
        assert told(one, "hears nothing") == 0


async def test_an_address_that_telegram_refuses_is_told(tmp_path: Path) -> None:
    bot = hooked(free_port()).replace("https://bot.example.org", "http://127.0.0.1:1")
    async with scene(tmp_path, bot=bot) as one:
        for _ in range(2):
            with pytest.raises(SendError):
                await look(one)
        await one.deliver(times=2)
        assert told(one, "its address is refused") == 1
        assert not one.bot._is_alone


async def test_where_nothing_can_listen_it_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "LOOK_EVERY", timedelta(seconds=0.1))
    port = free_port()
    async with scene(tmp_path, bot=hooked(port)) as one:
        one.api.hook.proxy = f"127.0.0.1:{port}"
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
        serving = asyncio.create_task(one.bot.serve(lambda: True))
        await until(one.app.store.open_notices)
        assert "bot.listen" in one.app.store.open_notices()[0].text
        taken.close()
        await taken.wait_closed()
        one.api.says(READER, "/help")
        await until(lambda: one.api.texts(str(READER)))
        assert one.app.store.open_notices() == ()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert one.api.hook.url == "", "Telegram keeps what comes while nobody listens"


async def test_a_store_that_can_not_be_written_ends_no_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "LOOK_EVERY", timedelta(seconds=0.1))

    def full(*_: object, **__: object) -> None:
        raise StateError("the disk is full")

    port = free_port()
    async with scene(tmp_path, bot=hooked(port)) as one:
        one.api.hook.proxy = f"127.0.0.1:{port}"
        with monkeypatch.context() as patch:
            patch.setattr(type(one.app.store), "open_notices", full)
            patch.setattr(type(one.app.store), "tell", full)
            one.bot.tell_conflict(Conflict("oh"))
            serving = asyncio.create_task(one.bot.serve(lambda: True))
            await asyncio.sleep(0.3)
        one.api.says(READER, "/help")
        await until(lambda: one.api.texts(str(READER)))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_letting_go_that_fails_is_no_reason_to_stay(tmp_path: Path) -> None:
    async with scene(tmp_path, bot=hooked(free_port())) as one, sent_to(one):
        one.api.token = "987654321:another-token-by-now-0123456789abcdef"
        await one.bot.let_go()
        assert one.api.hook.url == URL


async def test_an_address_that_is_taken_is_told_with_its_key() -> None:
    app = webhook.built("s", lambda raw: None)
    async with doorway.listening(app, "127.0.0.1:0", key="bot.listen") as (host, port):
        with pytest.raises(ConfigError, match=r"bot\.listen: .* can't be listened on"):
            async with doorway.listening(app, f"{host}:{port}", key="bot.listen"):
                pass


async def test_the_loops_follow_the_settings_from_one_way_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LONG_POLL", "LOOK_EVERY", "TEND_EVERY", "HOOK_EVERY"):
        monkeypatch.setattr(daemon, name, timedelta(seconds=0.05))
    port = free_port()
    async with scene(tmp_path) as one:
        one.api.hook.proxy = f"127.0.0.1:{port}"
        asked = one.app.settings
        sent = replace(asked, bot=replace(asked.bot, webhook=URL, listen=f"127.0.0.1:{port}"))
        running = asyncio.create_task(daemon.run(one.app))
        for number, settings in enumerate((asked, sent, asked), start=1):
            one.app.settings = settings
            await until(lambda: (one.api.hook.url == URL) is (one.app.settings is sent))
            one.clock.forward(seconds=10)
            one.api.says(READER, "/help")
            await until(lambda: len(one.api.texts(str(READER))) == number)  # noqa: B023 - within the turn
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# ── by both ways: whose order it is ───────────────────────────────────────────────────────────────


FOREIGN: list[dict[str, Any]] = [
    {"from": {"id": STRANGER, "is_bot": False}},
    {"forward_origin": {"type": "user"}},
    {"via_bot": {"id": 5, "is_bot": True}},
    {"sender_chat": {"id": -100123, "type": "channel"}},
    {"from": {"id": 1_087_968_824, "is_bot": True}},
    {"from": {"id": 777_000, "is_bot": False}},
    {"chat": {"id": -200, "type": "group"}},
]


@WAYS
@pytest.mark.parametrize("more", FOREIGN)
async def test_an_order_that_is_not_an_administrators_own_does_nothing(
    tmp_path: Path, way: str, more: dict[str, Any]
) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        number = one.api.says(ADMIN, "/hold main", **more)
        await heard()  # type: ignore[misc]
        assert one.people.was_handled(number, one.clock())
        assert not any(state.paused_at for state in one.app.store.channel_states().values())
        assert one.people.acts(one.clock() - timedelta(days=1)) == ()


@WAYS
@pytest.mark.parametrize("kind", ["edited_message", "channel_post"])
async def test_edits_and_channel_posts_are_nobodys_orders(tmp_path: Path, way: str, kind: str) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        chat = {"id": ADMIN, "type": "private"}
        one.api.hears(**{kind: {"message_id": 1, "date": 1, "chat": chat, "from": {"id": ADMIN}, "text": "/hold main"}})
        await heard()  # type: ignore[misc]
        assert not any(state.paused_at for state in one.app.store.channel_states().values())


@WAYS
async def test_an_administrators_order_is_done_once(tmp_path: Path, way: str) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        one.api.says(ADMIN, "/hold main")
        await heard()  # type: ignore[misc]
        assert one.app.store.channel_states()["main"].paused_at
        assert len(one.people.acts(one.clock() - timedelta(days=1))) == 1


@WAYS
async def test_a_button_counts_for_who_may_in_its_own_message_and_once(tmp_path: Path, way: str) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        one.tells(alert(1), channels=["reviewers"])
        await one.deliver(times=2)
        await one.bot.tend_once()
        message = next(got.message_id for got in one.api.accepted if got.chat == "-100777")
        data = next(iter(one.api.buttons("-100777", message).values()))
        one.api.presses(STRANGER, "-100777", message, data)
        one.api.presses(22, "-100123", message, data)
        one.api.presses(22, "-100777", message, "x" * 64)
        await heard()  # type: ignore[misc]
        assert list(one.app.store.export("labels")) == []
        one.api.presses(22, "-100777", message, data)
        await heard()  # type: ignore[misc]
        assert len(list(one.app.store.export("labels"))) == 1
        assert len(one.api.toasts) == 4


@WAYS
async def test_a_flood_of_commands_is_answered_sixteen_times_and_alerts_go_out(tmp_path: Path, way: str) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        for _ in range(100):
            one.api.says(READER, "/help")
        one.tells(alert(1, "Editor stabbed"), channels=["main"])
        await heard()  # type: ignore[misc]
        await one.deliver(times=2)
        assert 1 <= len(one.api.texts(str(READER))) + len(one.people.answers()) <= 17
        assert any("Editor stabbed" in text for text in one.api.texts("-100123"))
        one.says_nothing_wrong()


@WAYS
async def test_a_foreign_chat_is_left_and_told(tmp_path: Path, way: str) -> None:
    async with hearing(way, tmp_path) as (one, heard):
        one.api.add_chat("-555")
        one.api.hears(
            my_chat_member={
                "chat": {"id": -555, "type": "supergroup"},
                "from": {"id": STRANGER, "is_bot": False},
                "new_chat_member": {"status": "member"},
            }
        )
        await heard()  # type: ignore[misc]
        await one.deliver(times=2)
        assert one.api.left == ["-555"]
        assert one.api.texts("-555") == []
        assert told(one, "-555") == 1


@WAYS
async def test_what_was_asked_while_the_bot_was_down_is_answered_once(tmp_path: Path, way: str) -> None:
    async with hearing(way, tmp_path) as (one, _):
        one.api.hook.proxy = "127.0.0.1:1"
        one.app.store.close()
        one.api.says(READER, "/help")
        async with hearing(way, tmp_path, clock=one.clock, api=one.api) as (_, heard):
            await heard()  # type: ignore[misc]
        assert len(one.api.texts(str(READER))) == 1
