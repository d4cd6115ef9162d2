"""The weekly digest of a private subscriber: what their filters choose, in their language, once, and only if wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import app as watch_app
from monitor.bot import filters
from monitor.model import SUBSCRIBER, ChannelRules, Facts
from tests import botapi
from tests.bot_parts import READER, STRANGER, Scene, alert, scene
from tests.deliver_parts import SetClock
from tests.store_parts import an_outcome
from tests.test_bot_subscribing import _again

CHINA = Facts(origin_states=("CN",), host_states=("GB",), codes=("violence",), stage="charge")
IRAN = Facts(origin_states=("IR",), host_states=("DE",), codes=("surveillance",), stage="trial")
WEDNESDAY = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)


def wednesday() -> SetClock:
    return SetClock(now=WEDNESDAY)


async def monday(one: Scene, *, at: datetime = MONDAY) -> int:
    """Let the hour of the digest come, and send it; return for how many channels it was queued."""
    one.clock.now = at
    count = watch_app.digest_pass(one.app, one.clock())
    await one.deliver(times=4)
    return count


def digests(one: Scene, person: int, name: str = "Overseas policing week") -> list[str]:
    return [text for text in one.api.texts(str(person)) if text.startswith(name)]


async def test_a_subscriber_gets_the_digest_of_what_their_filters_choose_once(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        said = await one.answer(READER, "/subscribe states=IR")
        assert "The digest comes every Monday" in said
        one.tells(alert(1, "From China"), facts=CHINA)
        one.tells(alert(2, "From Iran"), facts=IRAN)
        assert await monday(one) == 1
        (got,) = digests(one, READER)
        assert "From Iran" in got
        assert "From China" not in got
        assert digests(one, -100123) == []
        assert await monday(one) == 0
        async with _again(tmp_path, one) as again:  # type: ignore[attr-defined]
            assert await monday(again) == 0
            assert len(digests(again, READER)) == 1
            one.says_nothing_wrong()


async def test_it_speaks_the_language_in_which_the_person_subscribed(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe", language="de")
        await one.says(STRANGER, "/language fa")
        await one.says(STRANGER, "/subscribe", language="de")
        one.tells(alert(1, "Editor stabbed"))
        await monday(one)
        assert "Editor stabbed" in digests(one, READER, "Repression im Ausland: die Woche")[0]
        assert "Editor stabbed" in digests(one, STRANGER, "هفتهٔ سرکوب فرامرزی")[0]


async def test_the_digest_that_is_asked_for_has_filters_and_language_too(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe states=IR")
        one.tells(alert(1, "From China"), facts=CHINA)
        one.tells(alert(2, "From Iran"), facts=IRAN)
        one.clock.now = MONDAY
        (got,) = await one.says(READER, "/digest", language="de")
        assert got.startswith("Overseas policing week")
        assert ("From Iran" in got, "From China" in got) == (True, False)
        (other,) = await one.says(STRANGER, "/digest", language="tr")
        assert other.startswith("Sınır ötesi baskı haftası")
        assert "From China" in other


async def test_whoever_opts_out_gets_none_and_keeps_the_filters(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe states=CN score=0.9")
        said = await one.answer(READER, "/subscribe digest=off")
        assert "states=CN score=0.9" in said
        assert "/subscribe digest=on" in said
        one.tells(alert(1, "From China"), facts=CHINA)
        assert await monday(one) == 0
        assert "digest=on" in await one.answer(READER, "/subscribe states=CN"), "other filters are no wish for digests"
        assert await monday(one) == 0
        await one.says(READER, "/subscribe digest=on")
        assert await monday(one) == 0, "last week's was not wanted when it came"
        one.tells(alert(2, "From China again"), facts=CHINA)
        assert await monday(one, at=MONDAY.replace(day=30)) == 1
        assert "From China again" in digests(one, READER)[0]


@pytest.mark.parametrize("text", ["digest=never", "digest="])
async def test_a_wish_that_is_neither_on_nor_off_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(filters.Unknown, match=text):
        filters.digest_wish(text)
    async with scene(tmp_path) as one:
        assert "digest=off" in await one.answer(READER, f"/subscribe {text}")
        assert one.people.subscribers() == ()


async def test_whoever_paused_gets_none_afterwards_neither(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        await one.says(READER, "/pause")
        one.tells(alert(1, "While away"))
        assert await monday(one) == 0
        await one.says(READER, "/pause")
        assert await monday(one) == 0
        assert digests(one, READER) == []


async def test_a_pause_that_ended_before_the_hour_costs_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        await one.says(READER, "/pause")
        await one.says(READER, "/pause")
        assert await monday(one) == 1
        assert "Editor stabbed" in digests(one, READER)[0]


async def test_whoever_subscribes_later_is_not_told_of_the_week_before(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        one.tells(alert(1, "Editor stabbed"))
        one.clock.now = MONDAY
        await one.says(READER, "/subscribe")
        assert await monday(one) == 0
        await one.says(READER, "/stop")
        await one.says(READER, "/subscribe")
        assert await monday(one) == 0
        assert await monday(one, at=MONDAY.replace(day=30)) == 1


async def test_a_machine_that_slept_over_the_hour_sends_it_late_and_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        assert await monday(one, at=MONDAY.replace(day=25)) == 1
        assert "Sent late" in digests(one, READER)[0]


async def test_a_digest_waits_out_a_fault_and_comes_once(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        one.api.script_chat(str(READER), botapi.too_many(30))
        await monday(one)
        assert digests(one, READER) == []
        one.clock.forward(seconds=40)
        await one.deliver(times=3)
        assert len(digests(one, READER)) == 1


async def test_a_chat_that_refuses_digests_is_deleted_like_one_that_refuses_alerts(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        one.api.script_chat(str(READER), botapi.forbidden("bot was blocked by the user"), times=5)
        await monday(one)
        for _ in range(3):
            await one.tend()
            one.clock.forward(hours=13)
            await one.tend()
            await one.deliver(times=2)
        await one.tend()
        assert one.people.subscribers() == ()
        assert not [line for line in one.app.store.export("deliveries") if line["channel"].startswith(SUBSCRIBER)]
        assert one.app.store.open_notices() == ()


async def test_how_single_feeds_stand_is_told_to_channels_and_not_to_readers(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday(), more='digest = "mon 08:00"\n') as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        state = one.app.store.feed_state(one.app.settings.feeds[0].url)
        assert state is not None
        failing = replace(state, failures=3, error_kind="timeout", failing_since=WEDNESDAY)
        one.app.store.record(replace(an_outcome(), state=failing), [], now=one.clock())
        assert await monday(one) == 2
        await one.deliver(times=6)
        line = next(text for text in digests(one, READER)[0].splitlines() if text.startswith("Feeds:"))
        assert line == "Feeds: 0 of 1 fine"
        operators = next(text for text in digests(one, -100777)[0].splitlines() if text.startswith("Feeds:"))
        assert "Harbour Wire" in operators


async def test_people_who_subscribed_before_there_were_digests_get_them(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe")
        with one.app.store._writing() as connection:
            connection.exec_driver_sql('UPDATE people SET filters = \'{"states": [], "least": 0.0}\'')
        one.bot.take_up_subscribers()
        one.tells(alert(1, "Editor stabbed"))
        assert await monday(one) == 1


async def test_mydata_shows_what_is_kept_of_digests(tmp_path: Path) -> None:
    async with scene(tmp_path, clock=wednesday()) as one:
        await one.says(READER, "/subscribe digest=off")
        said = await one.answer(READER, "/mydata")
        assert '"digest": false' in said
        assert '"digest_from": "2026-W47"' in said
        assert one.people.subscribers()[0].rules == ChannelRules(
            name=one.people.subscribers()[0].channel, digest_from="2026-W47", language="en"
        )
