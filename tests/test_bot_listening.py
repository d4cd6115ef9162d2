"""Updates: each handled once over restarts, odd ones passed over, rivals told of once, nothing secret in a log."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import bot as bot_room
from monitor.bot import commands, daemon
from monitor.bot.updates import Odd, number_of, read
from monitor.bot.wire import Conflict
from monitor.errors import SendError, StateError
from monitor.model import Answer, Effects, Message
from tests import botapi
from tests.bot_parts import READER, STRANGER, Scene, alert, scene


def again(folder: Path, one: Scene) -> object:
    """The process ended, and another one starts with what is stored."""
    one.app.store.close()
    return scene(folder, clock=one.clock, api=one.api)


CONFLICT = botapi.Fault(
    status=409,
    body=b'{"ok": false, "error_code": 409, "description": "Conflict: terminated by other getUpdates request"}',
)


async def test_what_was_written_while_the_bot_was_down_is_answered_once_after_the_start(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.says(READER, "/help")
        one.api.says(STRANGER, "/help")
        await one.turn()
        assert [len(one.api.texts(str(who))) for who in (READER, STRANGER)] == [1, 1]
        async with again(tmp_path, one) as later:
            await later.turn(times=2)
        assert [len(one.api.texts(str(who))) for who in (READER, STRANGER)] == [1, 1]


async def test_an_update_that_comes_again_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        number = one.api.says(READER, "/subscribe")
        update = one.api.updates[0]
        for _ in range(3):
            one.bot.listener.take(update, now=one.clock(), at=0.0)
        assert len(one.people.answers()) == 1
        assert one.people.next_update(one.clock()) == number + 1
        assert not one.people.take(number, Effects(forget=(str(READER),)), now=one.clock())
        assert len(one.people.subscribers()) == 1


async def test_a_crash_before_the_write_loses_nothing_and_after_it_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as one:
        one.api.says(READER, "/subscribe")
        taken = one.people.take

        def full(*_: object, **__: object) -> bool:
            raise StateError("the disk is full")

        monkeypatch.setattr(type(one.people), "take", full)
        with pytest.raises(StateError):
            await one.turn()
        monkeypatch.undo()
        assert one.people.subscribers() == ()
        assert taken is not None
        await one.turn()
        assert len(one.people.subscribers()) == 1
        assert len(one.api.texts(str(READER))) == 1


async def test_an_answer_that_was_cut_off_is_sent_again_and_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.script_chat(str(READER), botapi.RESET_AFTER)
        one.api.says(READER, "/help")
        await one.turn()
        async with again(tmp_path, one) as later:
            later.clock.forward(seconds=5)
            await later.bot.answer()
            await later.bot.answer()
        first, second = one.api.texts(str(READER))
        assert second.startswith("(possible repeat)")
        assert second.endswith(first)


async def test_an_answer_nobody_waits_for_any_more_is_let_go(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.says(READER, "/help")
        one.api.script_chat(str(READER), botapi.html(502), times=20)
        await one.turn()
        assert len(one.people.answers()) == 1
        one.clock.forward(hours=2)
        await one.bot.answer()
        assert one.people.answers() == ()


@pytest.mark.parametrize("fault", [botapi.forbidden("bot was blocked by the user"), botapi.bad_request("no")])
async def test_an_answer_that_is_refused_is_not_tried_again(tmp_path: Path, fault: botapi.Fault) -> None:
    async with scene(tmp_path) as one:
        one.api.script_chat(str(READER), fault)
        one.api.says(READER, "/help")
        await one.turn()
        assert one.people.answers() == ()


async def test_five_failures_are_enough_for_an_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.script_chat(str(READER), botapi.html(502), times=20)
        one.api.says(READER, "/help")
        await one.turn()
        for _ in range(6):
            one.clock.forward(seconds=5)
            await one.bot.answer()
        assert one.people.answers() == ()
        assert sum(method == "sendMessage" for method, _, _ in one.api.requests) == 5


async def test_answers_wait_for_the_pace_of_their_chat(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        answers = tuple(Answer(chat=str(READER), message=Message(text=f"{n}")) for n in range(30))
        one.api.says(READER, "hello")
        one.people.take(50, Effects(answers=answers), now=one.clock())
        for _ in range(70):
            one.clock.forward(seconds=1)
            await one.bot.answer()
        assert [text for text in one.api.texts(str(READER)) if text.isdecimal()] == [f"{n}" for n in range(30)]
        one.says_nothing_wrong()


# ── odd updates ───────────────────────────────────────────────────────────────────────────────────


async def test_a_bug_of_ours_in_one_update_is_logged_and_the_next_one_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(turn: object) -> Effects:
        raise ZeroDivisionError("oh")

    monkeypatch.setitem(commands.COMMANDS, "status", broken)  # type: ignore[arg-type]
    async with scene(tmp_path) as one:
        one.api.says(READER, "/status")
        one.api.says(STRANGER, "/help")
        await one.turn()
        assert one.api.texts(str(READER)) == ["Something went wrong here. Please try again later."]
        assert len(one.api.texts(str(STRANGER))) == 1
        assert "a bug in Longarm stopped an update" in caplog.text
        assert one.people.next_update(one.clock()) == 103


@pytest.mark.parametrize(
    "update",
    [
        {"message": 5},
        {"message": {"chat": {}}},
        {"message": []},
        {"callback_query": {}},
        {"callback_query": {"from": {"id": "x"}}},
        {"my_chat_member": {"chat": 1}},
        {"poll": {}},
        {},
    ],
)
async def test_updates_in_another_form_are_passed_over(tmp_path: Path, update: dict[str, object]) -> None:
    async with scene(tmp_path) as one:
        one.api.hears(**update)
        one.api.says(READER, "/help")
        await one.turn()
        assert len(one.api.texts(str(READER))) == 1
        assert one.people.next_update(one.clock()) == 103


@pytest.mark.parametrize("raw", [None, 5, [], {}, {"update_id": "1"}, {"update_id": True}, {"update_id": -1}])
async def test_what_has_no_number_is_nothing(tmp_path: Path, raw: object) -> None:
    assert number_of(raw) is None
    async with scene(tmp_path) as one:
        assert one.bot.listener.take(raw, now=one.clock(), at=0.0).toast is None
        assert one.people.next_update(one.clock()) == 0


def test_an_update_is_read_whatever_stands_in_it() -> None:
    assert read({"update_id": 3, "message": {"from": None, "chat": None}}) == Odd(number=3)


async def test_after_a_week_of_silence_smaller_numbers_are_heard(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.says(READER, "/help")
        await one.turn()
        one.clock.forward(days=8)
        one.api.updates.clear()
        one.api._last_update = 4
        one.api.says(READER, "/status")
        await one.turn()
        assert len(one.api.texts(str(READER))) == 2
        assert one.people.next_update(one.clock()) == 6


# ── rivals and failures ───────────────────────────────────────────────────────────────────────────


async def test_a_second_poller_is_told_to_operators_once_and_sending_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.update_faults.extend([CONFLICT] * 3)
        for _ in range(3):
            with pytest.raises(Conflict) as caught:
                await one.turn()
            one.bot.tell_conflict(caught.value)
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=4)
        told = one.api.texts("-100123")
        assert sum("another program takes its updates" in text for text in told) == 1
        assert any("Editor stabbed" in text for text in told)
        await one.turn()
        await one.deliver(times=2)
        assert any("The bot answers again." in text for text in one.api.texts("-100123"))
        assert one.app.store.open_notices() == ()


@pytest.mark.parametrize(
    ("fault", "permanent"),
    [
        (botapi.unauthorized(), True),
        (botapi.html(502), False),
        (botapi.not_ok(), False),
        (botapi.bad_request("no"), True),
        (botapi.forbidden(), True),
        (botapi.too_many(7), False),
        (botapi.raw(b'{"ok": true, "result": 5}'), None),
    ],
)
async def test_what_telegram_answers_instead_is_an_error_of_ours(
    tmp_path: Path, fault: botapi.Fault, permanent: bool | None
) -> None:
    async with scene(tmp_path) as one:
        one.api.update_faults.append(fault)
        if permanent is None:
            assert await one.bot.listen_once(wait=timedelta(0)) == 0
            return
        with pytest.raises(SendError) as caught:
            await one.turn()
        assert caught.value.permanent is permanent
        assert one.api.token not in str(caught.value)


async def test_no_log_of_any_level_holds_the_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "telegram"):  # a test before may have quieted the libraries
        caplog.set_level(logging.DEBUG, logger=name)
    async with scene(tmp_path) as one:
        one.api.update_faults.extend([botapi.OK, botapi.unauthorized(), botapi.RESET_BEFORE])
        for _ in range(3):
            one.api.says(READER, "/help")
            try:
                await one.turn()
            except SendError as error:
                daemon._failed("listening", error)
    assert "the bot failed" in caplog.messages
    assert len(caplog.messages) > 10
    assert all(one.api.token not in line for line in caplog.messages)


# ── chats that are not ours ───────────────────────────────────────────────────────────────────────


def added(one: Scene, chat: int, status: str = "member", kind: str = "supergroup", username: str = "") -> None:
    one.api.hears(
        my_chat_member={
            "chat": {"id": chat, "type": kind, "username": username},
            "from": {"id": STRANGER, "is_bot": False},
            "old_chat_member": {"status": "left"},
            "new_chat_member": {"status": status},
        }
    )


async def test_a_foreign_chat_is_left_without_a_word_and_operators_hear_of_it_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.add_chat("-555")
        added(one, -555)
        added(one, -555, "administrator")
        await one.turn()
        await one.deliver(times=3)
        assert one.api.left == ["-555", "-555"]
        assert one.api.texts("-555") == []
        assert sum("-555" in text for text in one.api.texts("-100123")) == 1


async def test_the_chats_of_the_settings_are_not_left(tmp_path: Path) -> None:
    more = '[[channels]]\nname = "named"\ntype = "telegram"\nchat = "@Longarm_Alerts"\n'
    async with scene(tmp_path, more=more) as one:
        added(one, -100123, "administrator", "channel")
        added(one, -99, "administrator", "channel", "longarm_alerts")
        added(one, READER, "member", "private")
        added(one, -98, "kicked")
        await one.turn()
        assert one.api.left == []


async def test_groups_hear_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        for text in ("/help", "/status@longarm_bot", "hello"):
            one.api.says(READER, text, kind="group")
        await one.turn()
        assert one.api.accepted == []


# ── the loops ─────────────────────────────────────────────────────────────────────────────────────


async def until(fact: object) -> None:
    for _ in range(1_000):
        if fact():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_the_bot_runs_beside_the_watch_and_follows_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "LONG_POLL", timedelta(0))
    monkeypatch.setattr(daemon, "LOOK_EVERY", timedelta(seconds=0.1))
    monkeypatch.setattr(bot_room, "LOOK_EVERY", timedelta(seconds=0.01))
    monkeypatch.setattr(daemon, "TEND_EVERY", timedelta(seconds=0.05))
    async with scene(tmp_path) as one:
        settings = one.app.settings
        one.app.settings = replace(settings, bot=replace(settings.bot, enabled=False))
        running = asyncio.create_task(bot_room.run(one.app))
        one.api.says(READER, "/help")
        await asyncio.sleep(0.1)
        assert one.api.accepted == []
        one.app.settings = settings
        await until(lambda: one.api.texts(str(READER)))
        one.app.settings = replace(settings, bot=replace(settings.bot, enabled=False))
        await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_the_loops_go_on_after_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LONG_POLL", "AFTER_CONFLICT", "AFTER_REFUSAL", "FIRST_REST", "LONGEST_REST", "TEND_EVERY"):
        monkeypatch.setattr(daemon, name, timedelta(seconds=0.01))
    async with scene(tmp_path) as one:
        one.api.update_faults.extend([CONFLICT, botapi.html(502), botapi.unauthorized(), botapi.OK])
        broken = [StateError("the disk is full"), ValueError("oh")]
        tend = one.bot.tend_once

        async def tending() -> None:
            if broken:
                raise broken.pop(0)
            await tend()

        monkeypatch.setattr(type(one.bot), "tend_once", lambda self: tending())
        serving = asyncio.create_task(one.bot.serve(lambda: True))
        one.api.says(READER, "/help")
        await until(lambda: one.api.texts(str(READER)) and not broken)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert len(one.api.texts(str(READER))) == 1
