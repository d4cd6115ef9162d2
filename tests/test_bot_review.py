"""Review in a chat: buttons under alerts and near misses, whose presses count, and that nothing counts twice."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from classifiers.corpus_files import CODES
from monitor.model import DeliveryKind, LabelValue, Message
from tests import botapi
from tests.bot_parts import RATER, REVIEW, STRANGER, Scene, alert, near, queued, scene

SHOWN = ["✅ relevant", "❌ not", "🤷 unsure", "🏷 wrong code", "↩ undo"]


async def card(one: Scene, name: object = 1, title: str = "Editor stabbed") -> int:
    """Tell reviewers of a story; return the message's id once it has buttons."""
    one.tells(alert(name, title), channels=["reviewers"])
    await one.deliver(times=2)
    await one.tend(times=2)
    return next(got.message_id for got in one.api.accepted if got.chat == REVIEW and title in got.text)


async def press(one: Scene, message: int, button: str, person: int = RATER, **more: str) -> str:
    """Press the button whose text begins so; return what is said to whoever pressed."""
    data = next(data for text, data in one.api.buttons(REVIEW, message).items() if text.startswith(button))
    return await send(one, message, data, person, **more)


async def send(one: Scene, message: int, data: str, person: int = RATER, chat: str = REVIEW, **more: str) -> str:
    before = len(one.api.toasts)
    one.api.presses(person, chat, message, data, **more)
    await one.turn()
    await one.tend()
    assert len(one.api.toasts) == before + 1
    return one.api.toasts[-1][1]


def said(one: Scene) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(label.rater, label.value.value, label.codes) for label in one.app.store.labels()]


async def test_each_alert_of_a_review_chat_gets_buttons_that_say_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        found = one.api.buttons(REVIEW, message)
        assert list(found) == SHOWN
        assert len(set(found.values())) == 5
        assert all(len(data) == 16 and int(data, 16) >= 0 for data in found.values())
        one.tells(alert(2, "For the main channel"), channels=["main"])
        await one.deliver(times=2)
        await one.tend()
        assert {chat for chat, _ in one.api.keyboards} == {REVIEW}
        one.says_nothing_wrong()


async def test_a_press_counts_and_the_buttons_show_how_many(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        assert await press(one, message, "✅") == "Noted: relevant"
        assert await press(one, message, "✅", RATER + 1) == "Noted: relevant"
        assert said(one) == [(f"tg:{RATER}", "relevant", ()), (f"tg:{RATER + 1}", "relevant", ())]
        assert list(one.api.buttons(REVIEW, message)) == ["✅ relevant 2", *SHOWN[1:]]


async def test_the_newest_press_of_a_person_counts(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        await press(one, message, "✅")
        await press(one, message, "❌")
        assert said(one) == [(f"tg:{RATER}", "not-relevant", ())]
        assert list(one.api.buttons(REVIEW, message))[:2] == ["✅ relevant", "❌ not 1"]


@pytest.mark.parametrize("again", ["✅", "↩"])
async def test_pressing_again_or_undo_takes_it_back_and_every_press_is_kept(tmp_path: Path, again: str) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        await press(one, message, "✅")
        assert await press(one, message, again) == "Taken back."
        assert said(one) == []
        assert list(one.api.buttons(REVIEW, message)) == SHOWN
        assert [line["value"] for line in one.app.store.export("labels")] == ["relevant", "withdrawn"]
        assert await press(one, message, "↩") == "There is nothing to take back."


async def test_a_wrong_code_is_chosen_from_a_list(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        assert await press(one, message, "🏷") == "Choose the right code."
        assert list(one.api.buttons(REVIEW, message)) == [*CODES, "← back"]
        assert await press(one, message, "← back") == ""
        assert list(one.api.buttons(REVIEW, message)) == SHOWN
        await press(one, message, "🏷")
        assert await press(one, message, "forced-return") == "Noted: wrong-code forced-return"
        assert said(one) == [(f"tg:{RATER}", "wrong-code", ("forced-return",))]
        await press(one, message, "🏷")
        assert "forced-return 1" in one.api.buttons(REVIEW, message)


async def test_presses_of_others_change_nothing_and_are_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        assert await press(one, message, "✅", STRANGER) == "Only reviewers' presses count here."
        assert said(one) == []
        german = await press(one, message, "✅", STRANGER, language="de")
        assert german == "Hier zählt nur, was Prüfende drücken."


async def test_a_stranger_who_presses_for_ever_is_answered_without_a_word(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        data = one.api.buttons(REVIEW, message)["✅ relevant"]
        for _ in range(15):
            one.api.presses(STRANGER, REVIEW, message, data)
        await one.turn()
        assert [text for _, text in one.api.toasts].count("") == 5


async def test_unknown_foreign_and_old_buttons_have_no_meaning(tmp_path: Path) -> None:
    nothing = "This button has no meaning any more."
    async with scene(tmp_path) as one:
        first, second = await card(one, 1, "First report"), await card(one, 2, "Second report")
        data = one.api.buttons(REVIEW, first)["✅ relevant"]
        assert await send(one, first, "0" * 16) == nothing
        assert await send(one, first, "x" * 300) == nothing
        assert await send(one, first, "") == nothing
        assert await send(one, second, data) == nothing
        assert await send(one, first, data, chat="-200") == nothing
        await one.turn()
        one.clock.forward(days=91)
        assert await send(one, first, data) == nothing
        assert said(one) == []


async def test_a_chat_that_is_not_for_review_any_more_has_no_meaning_either(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        settings = one.app.settings
        plain = tuple(replace(channel, review=False) for channel in settings.channels)
        one.app.settings = replace(settings, channels=plain)
        assert await press(one, message, "✅") == "This button has no meaning any more."


async def test_a_press_that_telegram_repeats_counts_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        data = one.api.buttons(REVIEW, message)["✅ relevant"]
        one.api.presses(RATER, REVIEW, message, data)
        update = one.api.updates[0]
        for _ in range(3):
            one.bot.listener.take(update, now=one.clock(), at=0.0)
        assert [line["value"] for line in one.app.store.export("labels")] == ["relevant"]


async def test_an_edit_of_the_alert_keeps_its_buttons(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        await press(one, message, "✅")
        key = next(line["key"] for line in one.app.store.export("deliveries"))
        edit = replace(
            queued(f"{key}/edit", "reviewers", "Editor stabbed, more sources"), kind=DeliveryKind.EDIT, about=key
        )
        one.app.store.queue([edit])
        await one.deliver(times=3)
        assert one.api.shown(REVIEW)[message] == "Editor stabbed, more sources"
        assert list(one.api.buttons(REVIEW, message)) == ["✅ relevant 1", *SHOWN[1:]]


async def test_labels_outlast_the_buttons(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        await press(one, message, "❌")
        one.clock.forward(days=100)
        await one.tend()
        with sqlite3.connect(tmp_path / "state" / "longarm.db") as database:
            assert database.execute("SELECT count(*) FROM review_presses").fetchone() == (0,)
        assert said(one) == [(f"tg:{RATER}", "not-relevant", ())]


async def test_buttons_wait_while_telegram_fails_and_are_let_be_where_the_message_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1, "Editor stabbed"), channels=["reviewers"])
        await one.deliver(times=2)
        one.api.script_chat(REVIEW, botapi.html(502))
        await one.tend()
        assert one.api.keyboards == {}
        assert len(one.people.stale_cards()) == 1
        await one.tend()
        assert len(one.api.keyboards) == 1
        message = next(iter(one.api.keyboards))[1]
        one.api.forget(REVIEW, message)
        await press(one, message, "✅")
        assert one.people.stale_cards() == ()
        assert len(said(one)) == 1


async def test_a_chat_that_moved_leaves_its_old_cards_alone(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        message = await card(one)
        one.app.channels["reviewers"].move("-100888")
        data = one.api.buttons(REVIEW, message)["✅ relevant"]
        one.api.presses(RATER, REVIEW, message, data)
        await one.turn()
        assert one.people.stale_cards() == ()


# ── near misses ───────────────────────────────────────────────────────────────────────────────────


async def test_near_misses_are_shown_to_reviewers_alone_the_nearest_first_and_not_more_than_allowed(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, bot="near_misses = 2\nnear_band = 0.1") as one:
        one.tells(near("a", 0.72), near("b", 0.79), near("c", 0.75), near("far", 0.6), channels=[])
        await one.tend(times=2)
        await one.deliver(times=3)
        shown = one.api.texts(REVIEW)
        assert [text.splitlines()[:2] for text in shown] == [["Near miss:", "Title b"], ["Near miss:", "Title c"]]
        assert all(got.silent for got in one.api.accepted if got.chat == REVIEW)
        assert one.api.texts("-100123") == []
        await one.tend(times=3)
        message = one.api.accepted[0].message_id
        assert await press(one, message, "❌") == "Noted: not-relevant"
        one.says_nothing_wrong()


async def test_a_day_later_the_next_near_misses_are_shown_and_none_twice(tmp_path: Path) -> None:
    async with scene(tmp_path, bot="near_misses = 1") as one:
        one.tells(near("a", 0.79), channels=[])
        await one.tend()
        one.clock.forward(hours=23)
        one.tells(near("b", 0.79), channels=[])
        await one.tend()
        one.clock.forward(hours=2)
        await one.tend()
        await one.deliver(times=3)
        assert [text.splitlines()[1] for text in one.api.texts(REVIEW)] == ["Title a", "Title b"]


async def test_a_feed_with_a_threshold_of_its_own_is_measured_by_it(tmp_path: Path) -> None:
    async with scene(tmp_path, bot="near_band = 0.1") as one:
        url, feed = next(iter(one.app.watch.feeds.items()))
        one.app.watch = replace(one.app.watch, feeds={url: replace(feed, alert_at=0.95)})
        one.tells(near("a", 0.88), near("b", 0.79), channels=[])
        await one.tend()
        await one.deliver(times=2)
        assert [text.splitlines()[1] for text in one.api.texts(REVIEW)] == ["Title a"]


async def test_stories_that_a_list_told_get_a_card_of_their_own(tmp_path: Path) -> None:
    async with scene(tmp_path, more="[alerts]\nburst = 1\n") as one:
        one.tells(*(alert(n, f"Report {n}") for n in range(3)), channels=["reviewers"])
        await one.deliver(times=4)
        assert any("2 more new stories" in text for text in one.api.texts(REVIEW))
        await one.tend(times=2)
        await one.deliver(times=4)
        await one.tend(times=2)
        lists = [text.splitlines()[1] for text in one.api.texts(REVIEW) if text.startswith("From a list:")]
        assert lists == ["Report 1", "Report 2"]
        assert len([one for one in one.api.keyboards.values() if one]) == 3


def test_a_withdrawn_label_is_a_value_like_others() -> None:
    assert LabelValue("withdrawn") is LabelValue.WITHDRAWN
    assert Message(text="x").silent is False
