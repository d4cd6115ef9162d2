"""Many stories at once become lists, held rows go in time; nothing is lost at any point."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.bursts import Words
from monitor.alerts.folding import Folding
from monitor.errors import SendError
from monitor.model import ChannelRules, Delivery, DeliveryState, Notice
from tests.deliver_parts import START, Said, Scene, scene, story_row

WORDS = Words(feeds={}, tz=ZoneInfo("UTC"))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, channels={"main": Said("main"), "ops": Said("ops")}) as set_up:
        set_up.rules = [ChannelRules(name="main"), ChannelRules(name="ops", operators=True)]
        set_up.folding = Folding(words=WORDS, burst=5)
        yield set_up


def texts(stage: Scene, name: str = "main") -> list[str]:
    channel = stage.channels[name]
    assert isinstance(channel, Said)
    return [text for text, _ in channel.sent]


def queue(stage: Scene, *numbers: int) -> None:
    stage.queue(*(story_row(f"story:{n:03}", queued_at=stage.clock()) for n in numbers))


def held(number: int, cause: str = "flood-feed:x", **after: float) -> Delivery:
    made = story_row(f"story:{number:03}")
    return replace(made, state=DeliveryState.HELD, cause=cause, not_before=START + timedelta(**after))


async def test_three_hundred_stories_at_once_are_five_alerts_and_lists_that_name_all_others(stage: Scene) -> None:
    queue(stage, *range(300))
    await stage.deliver_all()
    sent = texts(stage)
    assert sent[:5] == [f"alert of story:{n:03}" for n in range(5)]
    assert sent[5].startswith("295 more new stories (1/")
    listed = "\n".join(sent[5:])
    assert [listed.count(f"• alert of story:{n:03}") for n in range(5, 300)] == [1] * 295
    assert len(sent) < 12
    assert set(stage.states()) == {"sent"}


async def test_five_stories_are_told_one_by_one_and_a_sixth_too(stage: Scene) -> None:
    queue(stage, *range(5))
    await stage.deliver_all()
    stage.clock.forward(minutes=1)
    queue(stage, 5)
    await stage.deliver_all()
    assert texts(stage) == [f"alert of story:{n:03}" for n in range(6)]


async def test_a_wave_over_many_feeds_is_gathered_while_feeds_are_asked_and_two_minutes_at_most(stage: Scene) -> None:
    asking = [True]
    stage.folding = Folding(words=WORDS, burst=5, gathering=lambda: asking[0])
    for n in range(8):
        queue(stage, n)
        await stage.deliver()
        stage.clock.forward(seconds=1)
    assert len(texts(stage)) == 5
    report = await stage.deliver()
    assert (report.waiting, report.sent) == (3, 0)
    asking[0] = False
    await stage.deliver_all()
    assert texts(stage)[5].startswith("3 more new stories\n\n• alert of story:005\n• ")
    asking[0] = True
    queue(stage, 8, 9)
    stage.clock.forward(minutes=2)
    await stage.deliver_all()
    assert texts(stage)[6].startswith("2 more new stories\n")


async def test_after_ten_quiet_minutes_stories_are_told_one_by_one_again(stage: Scene) -> None:
    queue(stage, *range(8))
    await stage.deliver_all()
    stage.clock.forward(minutes=11)
    queue(stage, 8, 9)
    await stage.deliver_all()
    assert texts(stage)[-2:] == ["alert of story:008", "alert of story:009"]


async def test_notices_are_not_folded_and_do_not_wait_for_lists(stage: Scene) -> None:
    stage.folding = Folding(words=WORDS, burst=1, gathering=lambda: True)
    queue(stage, *range(4))
    stage.queue_keys("notice:x:1")
    await stage.deliver_all()
    assert texts(stage) == ["alert of story:000", "alert of notice:x:1"]


async def test_a_list_that_is_refused_gives_its_stories_back_each_to_go_alone(stage: Scene) -> None:
    stage.folding = Folding(words=WORDS, burst=1)
    queue(stage, 0, 1, 2)
    await stage.deliver()
    stage.clock.forward(seconds=5)
    queue(stage, 3, 4)
    main = stage.channels["main"]
    assert isinstance(main, Said)
    main.will = [SendError("too odd", permanent=True)]
    await stage.deliver_all()
    # 3 and 4 were one list, which was refused
    assert texts(stage)[-2:] == ["alert of story:003", "alert of story:004"]
    assert stage.states().count("dead") == 1


async def test_a_restart_between_folding_and_sending_loses_nothing(stage: Scene) -> None:
    main = stage.channels["main"]
    assert isinstance(main, Said)
    queue(stage, *range(8))
    main.will = [None] * 5 + [SendError("502")]
    await stage.deliver()
    stage.again()
    stage.clock.forward(minutes=1)
    await stage.deliver_all()
    assert len(texts(stage)) == 6
    assert set(stage.states()) == {"sent"}


async def test_what_has_been_tried_is_not_folded(stage: Scene) -> None:
    stage.folding = Folding(words=WORDS, burst=1)
    main = stage.channels["main"]
    assert isinstance(main, Said)
    queue(stage, 0)
    main.will = [SendError("timeout", outcome_unknown=True)]
    await stage.deliver()
    queue(stage, 1, 2, 3)
    stage.clock.forward(minutes=2)
    await stage.deliver_all()
    assert texts(stage)[0] == "alert of story:000"
    assert main.sent[0] == ("alert of story:000", True)
    assert set(stage.states()) == {"sent"}


# ── held rows ─────────────────────────────────────────────────────────────────────────────────────


async def test_held_stories_go_as_one_list_when_the_flood_is_over_and_operators_hear_of_it(stage: Scene) -> None:
    notice = Notice(key="flood-feed:x", text="too much")
    stage.store.tell(notice, [], now=START)
    stage.queue(held(1, hours=1), held(2, hours=2), held(3, hours=2))
    for _ in range(2):
        stage.clock.forward(minutes=59)
        await stage.deliver_all()
    assert texts(stage) == []
    stage.clock.forward(minutes=3)
    await stage.deliver_all()
    (only,) = texts(stage)
    assert only.startswith("3 stories that were held back\n\n• alert of story:001\n")
    assert stage.store.open_notices() == ()
    assert set(stage.states()) == {"sent"}


async def test_one_held_story_goes_as_it_is(stage: Scene) -> None:
    stage.queue(held(1, minutes=5))
    stage.clock.forward(minutes=6)
    await stage.deliver_all()
    assert texts(stage) == ["alert of story:001"]


async def test_what_is_released_by_hand_goes_at_once_and_is_folded_like_any_wave(stage: Scene) -> None:
    stage.queue(*(held(n, hours=1) for n in range(9)))
    assert stage.store.release("main", now=stage.clock()) == 9
    await stage.deliver_all()
    assert texts(stage)[:5] == [f"alert of story:{n:03}" for n in range(5)]
    assert texts(stage)[5].startswith("4 more new stories")


async def test_a_flood_is_told_to_be_over_where_it_was_told(stage: Scene) -> None:
    notice = Notice(key="flood-feed:x", text="too much")
    told = replace(story_row("notice:flood-feed:x:202611160900", "ops"), story_id="")
    stage.store.tell(notice, [told], now=START)
    stage.clock.forward(hours=1, minutes=1)
    await stage.deliver_all()
    assert texts(stage, "ops")[-1].startswith("Solved: Nothing is held any more")
    await stage.deliver_all()
    assert len(texts(stage, "ops")) == 2
