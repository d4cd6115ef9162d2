"""The outbox against a real store and a Bot API server: what is sent, kept, tried again, put away and told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts import deliver
from monitor.alerts.channels.base import TELEGRAM_PACE
from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.deliver import Pacer, backoff, deliver_pending
from monitor.errors import SendError, StateError
from monitor.model import ChannelRules
from monitor.store import Store
from tests import botapi
from tests.deliver_parts import CHANNEL, GROUP, QUICK, START, Said, Scene, SetClock, row, scene, telegram

OPERATORS = (ChannelRules(name="main"), ChannelRules(name="ops", operators=True))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as set_up:
        yield set_up
        assert set_up.api.violations == []


@pytest.fixture
async def said(tmp_path: Path) -> AsyncIterator[Scene]:
    """Channels "main" and "ops" that do what they are told."""
    async with scene(tmp_path, channels={"main": Said("main"), "ops": Said("ops")}) as set_up:
        set_up.rules = OPERATORS
        yield set_up


def main(stage: Scene) -> Said:
    channel = stage.channels["main"]
    assert isinstance(channel, Said)
    return channel


def told(stage: Scene) -> list[str]:
    """What operators were sent, in order."""
    ops = stage.channels["ops"]
    assert isinstance(ops, Said)
    return [text for text, _ in ops.sent]


# ── the straight way ──────────────────────────────────────────────────────────────────────────────


async def test_rows_arrive_in_the_order_of_queueing_and_are_sent_with_their_remote_id(stage: Scene) -> None:
    stage.queue_keys("story:1", "story:2")
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:1", "alert of story:2"]
    line = stage.line("story:2")
    assert (line["state"], line["attempts"], line["remote_id"]) == ("sent", 1, "2")
    assert not (await stage.deliver()).progressed, "nothing is sent twice"
    assert len(stage.api.accepted) == 2


async def test_a_report_counts_what_was_done_and_what_waits(stage: Scene) -> None:
    stage.queue_keys("story:1", "story:2", "story:3", "story:4")
    stage.queue_keys("story:5", channel="gone")
    report = await stage.deliver()
    assert (report.sent, report.waiting, report.progressed) == (2, 3, True), "one at once, one within a second"
    assert report.unconfigured == ("gone",)


async def test_a_row_of_a_channel_that_is_not_configured_stays_and_operators_are_told_once(said: Scene) -> None:
    said.queue_keys("story:1", channel="gone")
    for _ in range(3):
        await said.deliver()
    assert said.line()["state"] == "pending"
    assert len(told(said)) == 1
    assert "gone" in told(said)[0]


async def test_a_row_that_is_not_pending_any_more_is_not_sent(said: Scene) -> None:
    said.queue_keys("story:1", "story:2")
    (first, second) = said.store.pending(START)
    said.store.hold("main")
    said.store.pending = lambda now, limit=0: [first, second]  # type: ignore[method-assign]
    report = await said.deliver()
    assert (report.sent, main(said).sent) == (0, [])


async def test_without_a_clock_time_passes_as_it_does(stage: Scene) -> None:
    stage.queue_keys("story:1")
    report = await deliver_pending(stage.store, stage.channels, now=START, pace=Pacer())
    assert report.sent == 1
    assert START <= stage.store.recent_sends(START)[0][1] < START + timedelta(seconds=60)


# ── pace ──────────────────────────────────────────────────────────────────────────────────────────


async def test_25_alerts_to_one_chat_keep_a_second_and_20_a_minute(stage: Scene) -> None:
    stage.queue_keys(*(f"story:{n:02}" for n in range(25)))
    await stage.deliver_all()
    assert len(stage.api.accepted) == 20
    assert stage.clock() < START + timedelta(seconds=60)
    stage.clock.forward(minutes=1)
    await stage.deliver_all()
    assert stage.api.texts() == [f"alert of story:{n:02}" for n in range(25)]


async def test_40_chats_at_once_keep_30_a_second(tmp_path: Path) -> None:
    async with scene(tmp_path, channels={}) as stage:
        for n in range(40):
            chat = str(-1000 - n)
            stage.api.add_chat(chat)
            stage.channels[f"c{n}"] = telegram(stage.api, f"c{n}", chat)
            stage.queue_keys("story:1", channel=f"c{n}")
        await stage.deliver_all()
        assert len(stage.api.accepted) == 40
        assert len({got.at for got in stage.api.accepted}) > 1
        assert stage.api.violations == []
        for channel in stage.channels.values():
            await channel.aclose()


async def test_limits_hold_across_a_restart(stage: Scene) -> None:
    stage.queue_keys(*(f"story:{n:02}" for n in range(25)))
    for _ in range(25):
        await stage.deliver()
        stage.again()
    assert len(stage.api.accepted) == 20
    stage.clock.forward(minutes=1)
    await stage.deliver_all()
    assert len(stage.api.accepted) == 25


async def test_a_pass_sleeps_no_longer_than_a_second(stage: Scene) -> None:
    stage.queue_keys(*(f"story:{n}" for n in range(5)))
    before = stage.clock()
    await stage.deliver()
    assert stage.clock() - before <= timedelta(seconds=1)


async def test_a_clock_that_jumps_back_does_not_stop_sending(tmp_path: Path) -> None:
    async with scene(tmp_path, limits=False) as stage:
        stage.queue_keys("story:1", "story:2")
        await stage.deliver_all()
        stage.clock.forward(days=-365)
        stage.pace.shift(timedelta(days=-365))
        stage.queue_keys("story:3")
        await stage.deliver_all()
        assert len(stage.api.accepted) == 3


async def test_two_channels_of_one_chat_share_order_and_pace(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.channels["again"] = telegram(stage.api, "again", CHANNEL)
        for n in range(3):
            stage.queue_keys(f"story:{n}", channel="main")
            stage.queue_keys(f"story:{n}x", channel="again")
        await stage.deliver_all()
        assert stage.api.texts() == [f"alert of story:{n}{x}" for n in range(3) for x in ("", "x")]
        assert stage.api.violations == []
        await stage.channels["again"].aclose()


async def test_a_console_is_not_paced(said: Scene) -> None:
    said.queue_keys(*(f"story:{n}" for n in range(50)))
    report = await said.deliver()
    assert (report.sent, said.clock()) == (50, START)


# ── waits that a chat asks for ────────────────────────────────────────────────────────────────────


async def test_a_chat_that_asks_for_silence_gets_it_and_the_others_go_on(stage: Scene) -> None:
    stage.api.script_chat(CHANNEL, botapi.too_many(30))
    stage.queue_keys("story:1", "story:2")
    stage.queue_keys("story:3", channel="group")
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:3"]
    stage.clock.forward(seconds=31)
    await stage.deliver_all()
    assert stage.api.texts(CHANNEL) == ["alert of story:1", "alert of story:2"]


async def test_twelve_hours_of_silence_outlast_a_restart_and_operators_hear_of_them_and_of_their_end(
    said: Scene,
) -> None:
    main(said).will = [SendError("wait", retry_after=timedelta(seconds=43838))]
    said.queue_keys("story:1", "story:2")
    await said.deliver_all()
    assert len(told(said)) == 1
    assert "wait" in told(said)[0]
    said.clock.forward(hours=12)
    said.again()
    await said.deliver_all()
    assert main(said).sent == []
    said.clock.forward(minutes=11)
    await said.deliver_all()
    assert [text for text, _ in main(said).sent][-1].endswith("alert of story:2")
    assert len(told(said)) == 2
    assert "takes messages again" in told(said)[1]


async def test_silence_holds_for_every_channel_of_the_chat_and_keeps_its_moved_id(said: Scene) -> None:
    said.channels["twin"] = Said("twin", chat="said:main")
    said.store.set_chat("main", "-5")
    main(said).will = [SendError("wait", retry_after=timedelta(seconds=60))]
    said.queue_keys("story:1")
    said.queue_keys("story:2", channel="twin")
    await said.deliver_all()
    said.again()
    await said.deliver_all()
    assert said.states() == ["pending", "pending"]
    assert said.store.channel_states()["main"].chat == "-5"


async def test_429_without_a_number_backs_off_by_itself(stage: Scene) -> None:
    stage.api.script(botapi.too_many(None))
    stage.queue_keys("story:1")
    await stage.deliver_all()
    assert stage.api.accepted == []
    stage.clock.forward(seconds=15)
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:1"]


# ── plain failures ────────────────────────────────────────────────────────────────────────────────


def test_backoff_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [backoff(n).total_seconds() for n in (0, 1, 2, 3, 6, 7, 1000)] == [15, 15, 30, 60, 480, 900, 900]


@pytest.mark.parametrize(
    "fault",
    [botapi.html(502), botapi.empty(504), botapi.html(200), botapi.not_ok(), botapi.html(500)],
    ids=["502", "504", "login page", "not ok", "500"],
)
async def test_an_answer_that_is_no_acceptance_is_tried_again_unmarked(stage: Scene, fault: botapi.Fault) -> None:
    stage.api.script_chat(CHANNEL, fault)
    stage.queue_keys("story:1")
    stage.queue_keys("story:2", channel="group")
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:2"], "the other chat goes on"
    stage.clock.forward(seconds=15)
    await stage.deliver_all()
    assert stage.api.texts(CHANNEL) == ["alert of story:1"]
    assert stage.line()["unknown"] == 0


async def test_three_days_without_the_service_lose_nothing_keep_the_order_and_are_told(said: Scene) -> None:
    main(said).will = [SendError("can't be reached")] * 400
    said.queue_keys(*(f"story:{n}" for n in range(5)))
    for _ in range(3 * 24):
        await said.deliver()
        said.clock.forward(hours=1)
    assert said.states().count("pending") == 5
    assert len(told(said)) == 1
    main(said).will = []
    await said.deliver_all()
    texts = [text for text, _ in main(said).sent]
    assert [text.split()[-1] for text in texts] == [f"story:{n}" for n in range(5)]
    assert all(text.startswith("(delayed, from 16 Nov 09:00 UTC) ") for text in texts)
    assert len(told(said)) == 2
    assert "again" in told(said)[1]


async def test_a_message_that_breaks_the_service_again_and_again_goes_out_short_and_bare_in_turn(said: Scene) -> None:
    said.queue(row(text="word " * 400))
    for _ in range(14):
        main(said).will = [SendError("500")]
        await said.deliver()
        said.clock.forward(minutes=15)
    await said.deliver_all()
    (text, repeat) = main(said).sent[0]
    assert len(text) < 700
    assert not repeat


async def test_a_digest_and_a_message_held_over_quiet_hours_are_not_called_delayed(said: Scene) -> None:
    quiet = replace(row("story:1"), not_before=START + timedelta(hours=9))
    said.queue(quiet)
    said.clock.forward(hours=9, minutes=1)
    said.queue(row("digest:2026-W46/1"))
    await said.deliver_all()
    assert [text for text, _ in main(said).sent] == ["alert of story:1", "alert of digest:2026-W46/1"]


async def test_what_was_queued_before_quiet_hours_and_did_not_get_out_waits_for_their_end(said: Scene) -> None:
    said.rules = [ChannelRules(name="main", quiet=(time(10), time(18)))]
    said.queue_keys("story:1")
    said.clock.forward(hours=1, minutes=30)  # the service was down until half past ten
    report = await said.deliver()
    assert (report.sent, report.waiting, report.unconfigured) == (0, 1, ())
    said.clock.forward(hours=7, minutes=30)
    await said.deliver_all()
    assert [text for text, _ in main(said).sent] == ["(delayed, from 16 Nov 09:00 UTC) alert of story:1"]


async def test_a_bug_in_a_channel_strands_no_row(said: Scene) -> None:
    main(said).will = [ZeroDivisionError()]
    said.queue_keys("story:1")
    await said.deliver_all()
    assert "ZeroDivisionError" in str(said.line()["error"])
    said.clock.forward(minutes=1)
    await said.deliver_all()
    assert main(said).sent == [("alert of story:1", True)]


# ── outcomes that nobody knows ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault", [botapi.HANG_AFTER, botapi.RESET_AFTER, botapi.HALF_AFTER], ids=["hang", "reset", "half"]
)
async def test_a_message_taken_without_an_answer_is_repeated_once_after_a_minute_and_marked(
    tmp_path: Path, fault: botapi.Fault
) -> None:
    async with scene(tmp_path) as stage:
        stage.channels["main"] = telegram(stage.api, "main", CHANNEL, timeout=QUICK)
        stage.api.script(fault)
        stage.queue_keys("story:1", "story:2")
        await stage.deliver_all()
        assert stage.api.texts() == ["alert of story:1"]
        stage.clock.forward(seconds=59)
        assert not (await stage.deliver()).progressed
        stage.clock.forward(seconds=1)
        report = await stage.deliver()
        assert report.repeats == 1
        await stage.deliver_all()
        assert stage.api.texts() == ["alert of story:1", "(possible repeat) alert of story:1", "alert of story:2"]
        assert (stage.line()["unknown"], stage.line()["attempts"]) == (1, 2)
        await stage.channels["main"].aclose()


async def test_a_second_unknown_outcome_is_counted_and_marked_again(said: Scene) -> None:
    main(said).will = [SendError("?", outcome_unknown=True)] * 2
    said.queue_keys("story:1")
    for _ in range(3):
        await said.deliver_all()
        said.clock.forward(minutes=2)
    assert main(said).sent == [("alert of story:1", True)]
    assert said.line()["unknown"] == 2


async def test_a_row_on_its_way_when_the_process_died_is_sent_again_once_and_marked(stage: Scene) -> None:
    stage.queue_keys("story:1", "story:2")
    (first, *_) = stage.store.pending(stage.clock())
    stage.store.mark_sending(first.id, stage.clock())
    stage.clock.forward(seconds=5)
    stage.again()
    await stage.deliver_all()
    assert stage.api.texts() == ["(possible repeat) alert of story:1", "alert of story:2"]
    stage.again()
    await stage.deliver_all()
    assert len(stage.api.accepted) == 2


async def test_a_pass_that_is_stopped_while_sending_leaves_a_row_that_is_repeated_and_marked(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.api.script(botapi.HANG_AFTER)
        stage.queue_keys("story:1")
        task = asyncio.create_task(stage.deliver())
        while not stage.api.accepted:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stage.clock.forward(minutes=2)
        await stage.deliver_all()
        assert stage.api.texts() == ["alert of story:1", "(possible repeat) alert of story:1"]


# ── permanent failures ────────────────────────────────────────────────────────────────────────────


async def test_a_message_that_can_not_be_taken_is_put_away_told_and_holds_nothing_back(said: Scene) -> None:
    main(said).will = [SendError("this message is refused", permanent=True)]
    said.queue_keys("story:1", "story:2")
    report = await said.deliver()
    assert (report.dead, report.sent) == (1, 1)
    assert (said.line()["state"], said.line()["error"]) == ("dead", "this message is refused")
    await said.deliver_all()
    assert len(told(said)) == 1
    assert "story:1" in told(said)[0]


async def test_a_notice_that_can_not_be_taken_bears_no_other_notice(said: Scene) -> None:
    said.channels["ops"] = Said("ops", will=[SendError("refused", permanent=True)])
    said.queue(row("notice:x:202611160900", "ops"))
    report = await said.deliver()
    await said.deliver_all()
    assert len(report.notices) == 1
    assert told(said) == []


@pytest.mark.parametrize("fault", [botapi.forbidden(), botapi.bad_request("chat not found")], ids=["kicked", "unknown"])
async def test_a_chat_that_refuses_is_paused_with_the_reason_its_queue_kept_and_resumed_by_one_command(
    stage: Scene, fault: botapi.Fault
) -> None:
    stage.channels["ops"] = Said("ops")
    stage.rules = OPERATORS
    stage.api.script_chat(CHANNEL, fault)
    stage.queue_keys("story:1", "story:2")
    stage.queue_keys("story:3", channel="group")
    await stage.deliver_all()
    assert stage.api.texts() == ["alert of story:3"]
    assert "main" in stage.store.channel_states()["main"].reason
    assert stage.store.channel_states()["main"].paused_at == stage.clock()
    assert len(told(stage)) == 1
    assert "longarm channels resume main" in told(stage)[0]
    asked = len(stage.api.requests)
    stage.clock.forward(days=1)
    await stage.deliver_all()
    assert len(stage.api.requests) == asked, "nothing is asked while it is paused"
    stage.store.resume_channel("main")
    await stage.deliver_all()
    assert len(stage.api.texts(CHANNEL)) == 2
    assert "again" in told(stage)[-1]


async def test_a_restart_tries_a_refusing_chat_once_more_and_tells_of_the_incident_once(said: Scene) -> None:
    main(said).will = [SendError("kicked", permanent=True, about="chat")] * 3
    said.queue_keys("story:1")
    for _ in range(3):
        await said.deliver_all()
        said.clock.forward(minutes=10)
        said.again()
    assert len(told(said)) == 1
    await said.deliver_all()
    assert [text for text, _ in main(said).sent] == ["alert of story:1"]
    await said.deliver_all()
    assert len(told(said)) == 2


async def test_a_revoked_token_costs_one_request_in_five_minutes_and_heals_by_itself(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.channels["ops"] = Said("ops")
        stage.rules = OPERATORS
        stage.queue_keys("story:1", "story:2")
        stage.queue_keys("story:3", channel="group")
        stage.api.default = botapi.unauthorized()
        for _ in range(60):
            await stage.deliver_all()
            stage.clock.forward(seconds=30)
        assert 5 <= len(stage.api.requests) <= 6
        assert len(told(stage)) == 1
        assert {state.channel for state in stage.store.channel_states().values() if state.paused_at} == {
            "main",
            "group",
        }
        stage.again()
        stage.api.clear()
        stage.clock.forward(minutes=5)
        await stage.deliver_all()
        assert sorted(stage.api.texts()) == ["alert of story:1", "alert of story:2", "alert of story:3"]
        assert "again" in told(stage)[-1]


async def test_a_revoked_token_costs_one_request_even_with_many_chats(tmp_path: Path) -> None:
    async with scene(tmp_path, channels={}) as stage:
        for n in range(10):
            stage.channels[f"c{n}"] = telegram(stage.api, f"c{n}", str(-1000 - n))
            stage.queue_keys("story:1", channel=f"c{n}")
        stage.api.default = botapi.unauthorized()
        report = await stage.deliver()
        assert len(stage.api.requests) == 1
        assert (report.paused, report.waiting) == (10, 9)
        for channel in stage.channels.values():
            await channel.aclose()


async def test_one_silent_chat_at_the_start_keeps_the_others_waiting_for_its_answer_only_once(said: Scene) -> None:
    said.channels["main"] = Said("main", account="one", will=[SendError("timeout", outcome_unknown=True)])
    said.channels["twin"] = Said("twin", account="one")
    said.queue_keys("story:1")
    said.queue_keys("story:2", channel="twin")
    report = await said.deliver()
    assert (report.sent, report.unknown) == (1, 1)


# ── a chat that moves ─────────────────────────────────────────────────────────────────────────────


async def test_a_group_that_became_a_supergroup_is_followed_at_once_and_remembered(stage: Scene) -> None:
    stage.channels["ops"] = Said("ops")
    stage.rules = OPERATORS
    stage.api.add_chat("-100777")
    stage.api.script_chat(GROUP, botapi.migrated(-100777))
    stage.queue_keys("story:1", "story:2", channel="group")
    await stage.deliver_all()
    assert stage.api.texts("-100777") == ["alert of story:1", "alert of story:2"]
    assert stage.store.channel_states()["group"].chat == "-100777"
    assert stage.line()["unknown"] == 0
    assert "-100777" in told(stage)[0]


async def test_a_chat_that_moves_in_circles_is_not_followed_for_ever(said: Scene) -> None:
    main(said).will = [SendError("moved", migrated_to=str(n % 2)) for n in range(100)]
    said.queue_keys("story:1")
    await said.deliver_all(passes=1000)
    assert said.line()["attempts"] == 2
    assert said.line()["state"] == "pending"


# ── a store that can't be written ─────────────────────────────────────────────────────────────────


def broken(monkeypatch: pytest.MonkeyPatch, method: str, *, after: bool = False) -> None:
    """Let one method of the store fail, before or after it did its work."""
    real = getattr(Store, method)

    def failing(self: Store, *args: Any, **kwargs: Any) -> Any:
        if after:
            real(self, *args, **kwargs)
        raise StateError("the disk is full")

    monkeypatch.setattr(Store, method, failing)


async def test_a_message_sent_whose_mark_can_not_be_written_is_marked_later_and_not_repeated(
    said: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    said.queue_keys("story:1")
    said.queue_keys("story:2", channel="ops")
    with monkeypatch.context() as patch:
        broken(patch, "settle_sent")
        for _ in range(3):
            with pytest.raises(StateError):
                await said.deliver()
    await said.deliver_all()
    assert main(said).sent == [("alert of story:1", False)]
    assert told(said) == ["alert of story:2"]
    assert said.states() == ["sent", "sent"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_row_whose_way_can_not_be_marked_is_not_sent_and_not_stuck(
    said: Scene, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    said.queue_keys("story:1")
    with monkeypatch.context() as patch:
        broken(patch, "mark_sending", after=after)
        with pytest.raises(StateError):
            await said.deliver()
    assert main(said).sent == []
    await said.deliver_all()
    assert main(said).sent == [("alert of story:1", False)]


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("settle_retry", SendError("503")),
        ("settle_dead", SendError("poison", permanent=True)),
        ("pause_channel", SendError("kicked", permanent=True, about="chat")),
        ("set_chat", SendError("moved", migrated_to="-7")),
        ("tell", SendError("kicked", permanent=True, about="chat")),
    ],
)
async def test_whatever_can_not_be_written_no_row_stays_on_its_way(
    said: Scene, monkeypatch: pytest.MonkeyPatch, method: str, error: SendError
) -> None:
    main(said).will = [error]
    said.queue_keys("story:1")
    with monkeypatch.context() as patch:
        broken(patch, method)
        with pytest.raises(StateError):
            await said.deliver()
    said.clock.forward(minutes=1)
    said.store.resume_channel("main")
    await said.deliver_all()
    assert said.line()["state"] == ("dead" if method == "settle_dead" else "sent")


async def test_a_store_that_can_only_be_read_sends_nothing(said: Scene) -> None:
    said.queue_keys("story:1")
    said.store.close()
    with Store.open(said.folder, now=START, read_only=True) as store, pytest.raises(StateError):
        await deliver_pending(store, said.channels, now=START, pace=Pacer())
    assert main(said).sent == []
    said.open()


def test_the_store_serves_as_outbox() -> None:
    outbox: type[deliver.Outbox] = Store
    assert outbox is Store


def test_pacing_counts_requests_on_their_way() -> None:
    pace, clock = Pacer(), SetClock()
    chats = [TelegramChannel(name=str(n), token=botapi.TOKEN, chat=str(n)) for n in range(31)]
    for chat in chats[:30]:
        assert pace.wait(chat, clock()) == timedelta(0)
        pace.begins(chat)
    assert pace.wait(chats[30], clock()) > timedelta(0)
    clock.forward(seconds=5)
    for chat in chats[:30]:
        pace.ends(chat, clock())
    assert pace.wait(chats[30], clock()) == timedelta(seconds=1)
    assert pace.wait(chats[0], clock() + timedelta(seconds=1)) == timedelta(0)


def test_a_pacer_is_primed_with_what_is_known_of_configured_channels() -> None:
    said = Said("main", pace=TELEGRAM_PACE)
    pace = Pacer.primed([("main", START), ("gone", START)], {"main": said})
    assert pace.wait(said, START + timedelta(seconds=0.25)) == timedelta(seconds=0.75)
