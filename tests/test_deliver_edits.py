"""What becomes of edits and replies on their way: nobody is pinged twice, nothing new waits for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from monitor.errors import SendError
from monitor.model import ChannelRules
from tests import botapi
from tests.deliver_parts import CHANNEL, GROUP, Said, Scene, edit, reply, row, scene, telegram

OPERATORS = (ChannelRules(name="main"), ChannelRules(name="ops", operators=True))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as set_up:
        set_up.rules = OPERATORS
        yield set_up
        assert set_up.api.violations == []


@pytest.fixture
async def said(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, channels={"main": Said("main"), "ops": Said("ops")}) as set_up:
        set_up.rules = OPERATORS
        yield set_up


def main(stage: Scene) -> Said:
    channel = stage.channels["main"]
    assert isinstance(channel, Said)
    return channel


async def sent(stage: Scene, *keys: str) -> None:
    stage.queue_keys(*keys or ("story:1",))
    await stage.deliver_all()
    stage.clock.forward(minutes=2)


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_message_is_edited_and_nothing_new_comes(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit(text="alert of story:1, also: Reuters")])
    await stage.deliver_all()
    assert stage.api.shown(CHANNEL) == {1: "alert of story:1, also: Reuters"}
    assert len(stage.api.texts()) == 1
    assert stage.line("story:1/edit:1")["remote_id"] == "1"


async def test_an_edit_is_made_after_a_restart_too(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit()])
    stage.again()
    await stage.deliver_all()
    assert stage.api.shown(CHANNEL) == {1: "alert of story:1, again"}


async def test_an_edit_cut_off_by_a_crash_is_made_once_more_and_changes_nothing(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit()])
    (waiting,) = stage.store.pending(stage.clock())
    await stage.channels["main"].edit("1", waiting.message)
    stage.store.mark_sending(waiting.id, stage.clock())
    stage.clock.forward(minutes=1)
    stage.again()
    await stage.deliver_all()
    assert stage.line("story:1/edit:1")["state"] == "sent"
    assert stage.api.shown(CHANNEL) == {1: "alert of story:1, again"}


async def test_new_alerts_go_before_edits_that_were_queued_earlier(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit()])
    stage.queue_keys("story:2", "story:3")
    await stage.deliver_all()
    assert [got.text for got in stage.api.accepted][1:] == [
        "alert of story:2", "alert of story:3", "alert of story:1, again",
    ]  # fmt: skip


async def test_edits_leave_half_of_the_chats_minute_to_what_is_new(stage: Scene) -> None:
    await sent(stage, *(f"story:{n:02}" for n in range(18)))
    stage.store.queue([edit(f"story:{n:02}") for n in range(18)])
    await stage.deliver_all()
    assert sum(got.edited for got in stage.api.accepted) == 10
    stage.queue_keys("story:90", "story:91")
    asked_at = stage.clock()
    await stage.deliver_all()
    assert stage.api.texts()[-2:] == ["alert of story:90", "alert of story:91"]
    assert stage.clock() - asked_at < timedelta(seconds=3)
    stage.clock.forward(minutes=1)
    await stage.deliver_all()
    assert sum(got.edited for got in stage.api.accepted) == 18


@pytest.mark.parametrize("why", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
async def test_an_edit_of_what_is_gone_ends_quietly_and_is_never_a_new_message(stage: Scene, why: str) -> None:
    stage.channels["ops"] = Said("ops")
    await sent(stage)
    stage.store.queue([edit()])
    stage.api.script_chat(CHANNEL, botapi.bad_request(why))
    report = await stage.deliver()
    assert (report.dead, report.notices, report.paused) == (1, [], 0)
    assert stage.store.open_notices() == ()
    assert stage.line("story:1/edit:1")["state"] == "dead"
    stage.queue_keys("story:2")
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:1", "alert of story:2"]


async def test_a_message_that_was_deleted_by_hand_is_neither_edited_nor_sent_again(stage: Scene) -> None:
    await sent(stage)
    stage.api.forget(CHANNEL, 1)
    stage.store.queue([edit()])
    await stage.deliver_all()
    assert stage.line("story:1/edit:1")["state"] == "dead"
    assert len(stage.api.accepted) == 1


async def test_a_chat_that_lets_nothing_be_edited_is_not_paused_for_it(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit()])
    stage.api.script_chat(CHANNEL, botapi.forbidden())
    await stage.deliver_all()
    assert stage.store.channel_states()["main"].paused_at is None if stage.store.channel_states() else True
    assert stage.line("story:1/edit:1")["state"] == "dead"


async def test_a_chat_that_wants_silence_gets_it_for_edits_too(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([edit()])
    stage.api.script_chat(CHANNEL, botapi.too_many(30))
    await stage.deliver_all()
    assert not any(got.edited for got in stage.api.accepted)
    stage.clock.forward(seconds=31)
    await stage.deliver_all()
    assert stage.api.shown(CHANNEL) == {1: "alert of story:1, again"}


async def test_an_edit_that_fails_is_tried_again_and_alarms_nobody_and_holds_nothing_back(said: Scene) -> None:
    await sent(said)
    said.store.queue([edit()])
    main(said).will = [SendError("502")] * 8
    for _ in range(8):
        await said.deliver()
        said.clock.forward(minutes=16)
    ops = said.channels["ops"]
    assert isinstance(ops, Said)
    assert ops.sent == []
    said.queue_keys("story:2")
    await said.deliver_all()
    assert main(said).sent[-1] == ("alert of story:2", False)
    assert main(said).edited == [("1", "alert of story:1, again")]


async def test_a_revoked_token_met_by_an_edit_pauses_the_account_like_any_other(said: Scene) -> None:
    await sent(said)
    said.store.queue([edit()])
    main(said).will = [SendError("revoked", permanent=True, about="account")]
    report = await said.deliver()
    assert report.paused == 1
    assert said.line("story:1/edit:1")["state"] == "pending"


async def test_a_group_that_moved_has_no_message_to_edit_any_more_and_is_followed(stage: Scene) -> None:
    stage.queue_keys("story:1", channel="group")
    await stage.deliver_all()
    stage.clock.forward(minutes=1)
    stage.api.add_chat("-100777")
    stage.api.script_chat(GROUP, botapi.migrated(-100777))
    stage.store.queue([edit(channel="group")])
    await stage.deliver_all()
    assert stage.store.channel_states()["group"].chat == "-100777"
    assert stage.line("story:1/edit:1")["state"] == "dead"
    assert stage.api.texts("-100777") == []


async def test_the_same_number_in_another_chat_is_another_message_and_left_alone(stage: Scene) -> None:
    await sent(stage)
    stage.channels["main"].move(GROUP)
    stage.queue_keys("story:2", channel="group")
    stage.api._numbers = 0  # chats count for themselves
    await stage.deliver_all()
    stage.store.queue([edit(), reply()])
    await stage.deliver_all()
    assert stage.line("story:1/edit:1")["state"] == "dead"
    assert [(got.text, got.reply_to, got.edited) for got in stage.api.accepted if got.chat == GROUP] == [
        ("alert of story:2", None, False), ("news of story:1: stage:verdict", None, False),
    ]  # fmt: skip


async def test_the_marks_of_a_late_or_repeated_message_stay_on_it(said: Scene) -> None:
    main(said).will = [SendError("timeout", outcome_unknown=True)]
    said.queue_keys("story:1")
    await said.deliver_all()
    said.clock.forward(hours=3)
    await said.deliver_all()
    said.store.queue([edit()])
    await said.deliver_all()
    mark = "(possible repeat) (delayed, from 16 Nov 09:00 UTC) "
    assert main(said).edited == [("1", f"{mark}alert of story:1, again")]


async def test_edits_go_in_quiet_hours_as_they_ping_nobody(said: Scene) -> None:
    said.rules = [ChannelRules(name="main", quiet=(time(10), time(18)))]
    await sent(said)
    said.store.queue([edit()])
    said.clock.forward(hours=1)
    await said.deliver_all()
    assert main(said).edited == [("1", "alert of story:1, again")]


async def test_what_is_reworded_while_a_pass_is_under_way_goes_out_in_the_newest_words(stage: Scene) -> None:
    channel = stage.channels["group"] = telegram(stage.api, "group", GROUP)
    stage.queue(row("story:1", "main"), replace(row("story:2", "main"), story_id="2"))
    real = stage.channels["main"].send

    async def sending(message: object, **options: object) -> str:
        stage.store.queue([replace(row("story:2", "main", "story:2 in newer words"), story_id="2")])
        return await real(message, **options)  # type: ignore[arg-type]

    stage.channels["main"].send = sending  # type: ignore[method-assign]
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:1", "story:2 in newer words"]
    await channel.aclose()


# ── replies ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_real_change_answers_the_first_message(stage: Scene) -> None:
    await sent(stage)
    stage.store.queue([reply()])
    await stage.deliver_all()
    (_, got) = stage.api.accepted
    assert (got.text, got.reply_to, got.edited) == ("news of story:1: stage:verdict", 1, False)


async def test_an_answer_to_what_is_gone_is_a_message_like_any_other(stage: Scene) -> None:
    await sent(stage)
    stage.api.forget(CHANNEL, 1)
    stage.store.queue([reply()])
    await stage.deliver_all()
    assert (stage.api.accepted[-1].text, stage.api.accepted[-1].reply_to) == ("news of story:1: stage:verdict", None)


async def test_replies_keep_the_order_of_the_chat(stage: Scene) -> None:
    await sent(stage)
    stage.queue_keys("story:2")
    stage.store.queue([reply()])
    stage.queue_keys("story:3")
    await stage.deliver_all()
    assert stage.api.texts()[1:] == ["alert of story:2", "news of story:1: stage:verdict", "alert of story:3"]


async def test_a_reply_whose_outcome_is_unknown_is_marked_as_a_repeat(said: Scene) -> None:
    await sent(said)
    said.store.queue([reply()])
    main(said).will = [SendError("timeout", outcome_unknown=True)]
    await said.deliver_all()
    said.clock.forward(minutes=2)
    await said.deliver_all()
    assert main(said).sent[-1] == ("news of story:1: stage:verdict", True)
    assert main(said).answered[-1] == "1"
