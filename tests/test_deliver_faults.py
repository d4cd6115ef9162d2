"""Every way in which Telegram is known to fail, as its server fails: what becomes of the message, and of all others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.alerts.channels.base import TELEGRAM_PACE
from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.deliver import Pacer
from monitor.alerts.pacing import REQUEST_LASTS
from monitor.model import ChannelRules
from tests import bot_parts, botapi
from tests.botapi import Fault
from tests.deliver_parts import CHANNEL, GROUP, QUICK, START, Said, Scene, linked, row, scene, telegram

REPEAT = "(possible repeat) "
LATE = "(delayed, from 16 Nov 09:00 UTC) "


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    """Two chats of one bot, and operators who are reached in another way."""
    async with scene(tmp_path) as made:
        for name, chat in (("main", CHANNEL), ("group", GROUP)):
            made.channels[name] = telegram(made.api, name, chat, timeout=QUICK, sleep=made.clock.sleep)
        made.channels["ops"] = Said("ops")
        made.rules = (ChannelRules(name="main"), ChannelRules(name="group"), ChannelRules(name="ops", operators=True))
        yield made
        assert made.api.violations == []
        assert all(made.api.token not in str(line) for line in made.store.export("deliveries"))
        assert all(made.api.token not in text for text in told(made))


def told(stage: Scene) -> list[str]:
    ops = stage.channels["ops"]
    assert isinstance(ops, Said)
    return [text for text, _ in ops.sent]


def arrived(stage: Scene, chat: str = CHANNEL) -> list[str]:
    return stage.api.texts(chat)


async def fails(stage: Scene, fault: Fault, *, times: int = 1) -> None:
    """Let two alerts wait for a chat and one for another, and the first chat fail; then let the process be restarted."""
    stage.api.script_chat(CHANNEL, fault, times=times)
    stage.queue_keys("story:1", "story:2")
    stage.queue_keys("story:3", channel="group")
    await stage.deliver_all()
    stage.again()


# ── what passes ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Passing:
    """`waits`: seconds until the message is sent again. `mark` stands before it then; `taken`: the first one arrived."""

    fault: Fault
    waits: float
    mark: str = ""
    taken: bool = False
    told: int = 0


PASSING = {
    "429": Passing(botapi.too_many(2), 2),
    "429 of half a day": Passing(botapi.too_many(43_838), 43_838, mark=LATE, told=1),
    "429 without a number": Passing(botapi.too_many(None), 15),
    "500": Passing(botapi.empty(500), 15),
    "502 of a proxy": Passing(botapi.html(502), 15),
    "504": Passing(botapi.empty(504), 15),
    "a login page": Passing(botapi.html(200), 15),
    "not ok": Passing(botapi.not_ok(), 15),
    "taken, then silence": Passing(botapi.HANG_AFTER, 60, mark=REPEAT, taken=True),
    "taken, then a reset": Passing(botapi.RESET_AFTER, 60, mark=REPEAT, taken=True),
    "taken, half an answer": Passing(botapi.HALF_AFTER, 60, mark=REPEAT, taken=True),
    "taken, an answer without a message": Passing(
        botapi.raw(b'{"ok":true,"result":{}}', accepts=True), 60, mark=REPEAT, taken=True
    ),
    "silence": Passing(botapi.HANG_BEFORE, 60, mark=REPEAT),
    "a reset": Passing(botapi.RESET_BEFORE, 60, mark=REPEAT),
}


@pytest.mark.parametrize("case", PASSING.values(), ids=PASSING)
async def test_what_passes_is_waited_for_over_a_restart_in_order_while_other_chats_go_on(
    stage: Scene, case: Passing
) -> None:
    await fails(stage, case.fault)
    first = ["alert of story:1"] if case.taken else []
    assert arrived(stage) == first
    assert arrived(stage, GROUP) == ["alert of story:3"]
    # Looking back, other time than that of the wait has passed by now: that of the attempt itself.
    passed = (stage.clock() - START).total_seconds()
    stage.clock.forward(seconds=case.waits - passed - 1)
    await stage.deliver_all()
    assert arrived(stage) == first
    stage.clock.forward(seconds=passed + 1)
    await stage.deliver_all()
    second = LATE if case.mark == LATE else ""
    assert arrived(stage) == [*first, f"{case.mark}alert of story:1", f"{second}alert of story:2"]
    assert len(told(stage)) == 2 * case.told, "and of its end"


async def test_a_server_that_can_not_be_reached_was_sent_nothing(stage: Scene) -> None:
    here = stage.channels["main"]
    stage.channels["main"] = TelegramChannel(
        name="main", token=stage.api.token, chat=CHANNEL, api_url="http://127.0.0.1:1", timeout=QUICK
    )
    await fails(stage, botapi.OK)
    await stage.channels["main"].aclose()
    stage.channels["main"] = here
    stage.clock.forward(seconds=15)
    await stage.deliver_all()
    assert arrived(stage) == ["alert of story:1", "alert of story:2"]


async def test_three_days_without_telegram_lose_nothing_and_are_told(stage: Scene) -> None:
    for chat in (CHANNEL, GROUP):
        stage.api.script_chat(chat, botapi.html(502), times=400)
    stage.queue_keys(*(f"story:{number}" for number in range(5)))
    stage.queue_keys("story:9", channel="group")
    for _ in range(3 * 24):
        await stage.deliver_all()
        stage.clock.forward(hours=1)
        if stage.clock().hour == 12:
            stage.again()
    assert arrived(stage) == []
    assert len(told(stage)) == 2, "one for each chat"
    stage.api.clear()
    stage.clock.forward(hours=1)
    await stage.deliver_all()
    assert arrived(stage) == [f"{LATE}alert of story:{number}" for number in range(5)]
    assert arrived(stage, GROUP) == [f"{LATE}alert of story:9"]
    assert len(told(stage)) == 4


# ── what is mended at once ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        botapi.bad_request("message is too long"),
        botapi.bad_request("can't parse entities: unsupported start tag"),
        botapi.bad_request("ENTITY_BOUNDS_INVALID"),
    ],
    ids=["too long", "entities", "bounds"],
)
async def test_a_form_that_telegram_does_not_take_is_sent_plainer_and_not_dropped(stage: Scene, fault: Fault) -> None:
    stage.api.script_chat(CHANNEL, fault)
    stage.queue(replace(row(), message=linked("Editor stabbed in the street", "stabbed", "https://wire.example/1")))
    await stage.deliver_all()
    (got,) = stage.api.accepted
    assert got.text.startswith("Editor")
    assert stage.states() == ["sent"]


async def test_a_group_that_became_a_supergroup_is_followed_over_a_restart_and_told(stage: Scene) -> None:
    stage.api.add_chat("-100777")
    await fails(stage, botapi.migrated(-100777))
    assert arrived(stage, "-100777") == ["alert of story:1", "alert of story:2"]
    stage.queue_keys("story:4")
    stage.clock.forward(minutes=1)
    await stage.deliver_all()
    assert arrived(stage, "-100777")[-1] == "alert of story:4"
    assert sum("has a new id" in text for text in told(stage)) == 1


# ── what does not pass by itself ──────────────────────────────────────────────────────────────────

REFUSALS = {
    "kicked": (botapi.forbidden(), "as an administrator"),
    "blocked": (botapi.forbidden("bot was blocked by the user"), "blocked by the user"),
    "deactivated": (botapi.forbidden("user is deactivated"), "deactivated"),
    "no such chat": (botapi.bad_request("chat not found"), "check the id"),
    "no right": (
        botapi.bad_request("not enough rights to send text messages to the chat"),
        "Not enough rights to send text",
    ),
    "topic closed": (botapi.bad_request("TOPIC_CLOSED"), "open the topic again"),
}


@pytest.mark.parametrize(("fault", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_chat_that_refuses_is_paused_told_with_the_reason_and_resumed_with_its_queue(
    stage: Scene, fault: Fault, words: str
) -> None:
    stage.api.script_chat(CHANNEL, fault, times=5)
    stage.queue_keys("story:1", "story:2")
    stage.queue_keys("story:3", channel="group")
    for _ in range(30):
        await stage.deliver_all()
        stage.clock.forward(days=1)
    assert sum(chat == CHANNEL for _, chat, _ in stage.api.requests) == 1, "it is not asked again and again"
    assert arrived(stage, GROUP) == ["alert of story:3"]
    (said,) = told(stage)
    assert words in said
    assert "longarm channels resume main" in said
    stage.api.clear()
    stage.store.resume_channel("main")
    await stage.deliver_all()
    assert [text.removeprefix(LATE) for text in arrived(stage)] == ["alert of story:1", "alert of story:2"]


@pytest.mark.parametrize("fault", [botapi.unauthorized(), botapi.not_found()], ids=["401", "404"])
async def test_a_token_that_is_refused_costs_a_request_in_five_minutes_and_heals(stage: Scene, fault: Fault) -> None:
    stage.api.script(*[fault] * 100)
    stage.queue_keys("story:1", "story:2")
    stage.queue_keys("story:3", channel="group")
    began = stage.clock()
    while stage.clock() - began < timedelta(hours=1):
        await stage.deliver_all()
        stage.clock.forward(seconds=20)
    assert len(stage.api.requests) <= 13
    (said,) = told(stage)
    assert "refuses the bot's token" in said
    stage.api.clear()
    stage.clock.forward(minutes=5)
    await stage.deliver_all()
    assert [text.removeprefix(LATE) for text in arrived(stage)] == ["alert of story:1", "alert of story:2"]
    assert len(told(stage)) == 2


async def test_a_new_bot_takes_the_chats_of_a_deleted_one_over_and_tells_nothing_twice(stage: Scene) -> None:
    stage.queue_keys("story:1")
    await stage.deliver_all()
    stage.api.token = "555555555:AAthe-next-bot-after-the-first-was-deleted"
    stage.queue_keys("story:2")
    await stage.deliver_all()
    assert arrived(stage) == ["alert of story:1"]
    await stage.channels["main"].aclose()
    stage.channels["main"] = telegram(stage.api, "main", CHANNEL, timeout=QUICK)
    stage.clock.forward(minutes=5)
    stage.again()
    stage.store.resume_channel("main")
    await stage.deliver_all()
    assert arrived(stage) == ["alert of story:1", "alert of story:2"]


async def test_a_message_that_is_never_taken_is_put_away_told_and_holds_nothing_back(stage: Scene) -> None:
    await fails(stage, botapi.bad_request("MESSAGE_INVALID"))
    assert arrived(stage) == ["alert of story:2"]
    assert stage.states()[:2] == ["dead", "sent"]
    (said,) = told(stage)
    assert "story:1" in said
    assert sum(chat == CHANNEL for _, chat, _ in stage.api.requests) == 2


async def test_what_people_delete_in_a_chat_is_not_sent_again(stage: Scene) -> None:
    await fails(stage, botapi.OK)
    stage.api.forget(CHANNEL, stage.api.accepted[0].message_id)
    for _ in range(5):
        stage.clock.forward(hours=1)
        stage.again()
        await stage.deliver_all()
    assert arrived(stage) == ["alert of story:1", "alert of story:2"]


async def test_who_comes_in_the_middle_hears_what_is_new_from_then_on_and_no_backlog(tmp_path: Path) -> None:
    async with bot_parts.scene(tmp_path) as one:
        one.tells(bot_parts.alert(1, "Before"))
        await one.deliver(times=2)
        one.tells(bot_parts.alert(2, "Under way"), channels=["main"])
        await one.answer(bot_parts.READER, "/subscribe")
        await one.deliver(times=3)
        one.tells(bot_parts.alert(3, "After"))
        await one.deliver(times=3)
        heard = "".join(one.api.texts(str(bot_parts.READER))[1:])
        assert "After" in heard
        assert "Before" not in heard
        assert "Under way" not in heard


# ── after a crash ─────────────────────────────────────────────────────────────────────────────────


def test_what_another_process_tried_counts_from_when_it_may_have_arrived_at_the_latest() -> None:
    said = Said("main", pace=TELEGRAM_PACE)
    long_ago, just_now = START - timedelta(minutes=1), START - timedelta(seconds=0.2)
    for tried, free_after in ((just_now, 1.0), (long_ago, 0.0)):
        pace = Pacer.primed([("main", tried)], {"main": said}, now=START)
        assert pace.wait(said, START) == timedelta(seconds=free_after)
    full = Pacer.primed([("main", long_ago)] * 20, {"main": said}, now=START)
    assert full.wait(said, START) == REQUEST_LASTS
