"""What anybody may ask the bot: the commands, the languages, how often, and what nobody learns."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.bot import words
from monitor.bot.commands import COMMANDS
from monitor.bot.limits import ALL, EACH, Grant, Limits
from monitor.model import Decision, Facts
from tests.bot_parts import ADMIN, READER, STRANGER, alert, near, scene
from tests.botapi import pings
from tests.store_parts import FEED, an_outcome, judged

FACTS = Facts(origin_states=("CN",), host_states=("GB",), codes=("violence",), stage="charge")


async def test_start_and_help_name_every_command(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        first = await one.answer(READER, "/start")
        again = await one.answer(READER, "/help@longarm_bot")
        assert first.endswith(again)
        assert {name.removeprefix("/") for name in pings(again)} == set(COMMANDS) - {"start", "help"}
        one.says_nothing_wrong()


async def test_subscriptions_are_not_named_where_they_are_not_offered(tmp_path: Path) -> None:
    async with scene(tmp_path, bot="") as one:
        settings = one.app.settings
        one.app.settings = replace(settings, bot=replace(settings.bot, subscriptions=False))
        assert "/subscribe" not in await one.answer(READER, "/help")
        assert await one.answer(READER, "/subscribe") == "Subscriptions are not offered here."
        assert one.people.person(str(READER)) is None


async def test_status_counts_and_names_no_feed(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1))
        said = await one.answer(READER, "/status")
        assert "Feeds watched: 1" in said
        assert "Reports told within seven days: 1" in said
        assert FEED not in said
        assert "Harbour" not in said


async def test_latest_names_the_newest_stories_with_link_place_and_id(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        assert await one.answer(READER, "/latest") == "Nothing was found."
        old, new = one.tells(alert("old"), alert("new"), facts=FACTS)
        said = await one.answer(READER, "/latest")
        assert said.startswith("The newest reports")
        assert "CN → GB · charge · violence" in said
        assert old[:12] in said
        assert new[:12] in said
        links = [link for got in one.api.accepted for link in got.links if got.chat == str(READER)]
        assert set(links) == {"https://harbour-wire.example/old", "https://harbour-wire.example/new"}


async def test_latest_respects_the_askers_filters(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert("a"), facts=FACTS)
        one.tells(alert("b"), facts=replace(FACTS, origin_states=("IR",), host_states=("DE",)))
        await one.says(READER, "/subscribe states=IR")
        said = await one.answer(READER, "/latest")
        assert "IR → DE" in said
        assert "CN → GB" not in said


async def test_search_finds_what_holds_every_word_and_nothing_that_was_dropped(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1, "Editor stabbed in London"), alert(2, "Editor promoted in London"))
        dropped = judged(3, Decision.DROP, title="Stabbed in London, the musical")
        one.app.store.record(an_outcome(dropped), [], now=one.clock())
        said = await one.answer(READER, "/search stabbed london")
        assert "Editor stabbed" in said
        assert "promoted" not in said
        assert "musical" not in said
        assert await one.answer(READER, "/search nowhere") == "Nothing was found."
        assert "/search Nairobi" in await one.answer(READER, "/search x")


async def test_what_is_searched_for_and_found_pings_nobody(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1, "Hear @admin and /stop@longarm_bot #tag on evil.example"))
        await one.says(READER, "/search @admin /stop #tag")
        await one.says(READER, "/search evil")
        found = [got for got in one.api.accepted if got.chat == str(READER)]
        assert len(found) == 2
        assert all(got.pings == () for got in found)
        one.says_nothing_wrong()


async def test_why_gives_score_reasons_rule_codes_and_story(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1, "Editor stabbed"), facts=FACTS)
        said = await one.answer(READER, f"/why {story[:8]}")
        for piece in ("Editor stabbed", "0.93", "rule of alert", "secret police", "+1.50", "football", "-0.40",
                      "violence", "CN → GB", "charge", story[:12]):  # fmt: skip
            assert piece in said


async def test_why_may_answer_the_alert_itself(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver()
        sent = next(got for got in one.api.accepted if got.chat == str(READER) and "Editor stabbed" in got.text)
        said = await one.answer(READER, "/why", reply_to_message={"message_id": sent.message_id})
        assert "Score: 0.93" in said


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/why", "Which report?"),
        ("/why zzzzzzzz", "Which report?"),
        ("/why abc", "Which report?"),
        ("/why ffffffffffff", "No report has this id."),
        ("/case", "Which name?"),
        ("/case Nobody Known", "Nothing was found."),
        ("/language", "Which language?"),
        ("/digest", "There was no report last week."),
        ("/pause", "You are not subscribed."),
        ("/stop", "Nothing is kept of you."),
        ("/mydata", "Nothing is kept of you."),
        ("hello", "I know no such command."),
        ("/", "I know no such command."),
        ("/unheard_of", "I know no such command."),
    ],
)
async def test_what_cannot_be_answered_is_said_so(tmp_path: Path, asked: str, answer: str) -> None:
    async with scene(tmp_path) as one:
        assert (await one.answer(READER, asked)).startswith(answer)


async def test_case_tells_an_affair_in_order_of_time_by_any_spelling_of_a_name_or_by_its_id(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        facts = replace(FACTS, people=("Lu Jianwang",))
        (first,) = one.tells(alert(1, "Editor charged"), facts=facts, case="new")
        one.clock.forward(days=3)
        (second,) = one.tells(alert(2, "Editor convicted"), facts=replace(facts, stage="verdict"), case=first)
        for asked in ("/case Lu Jianwang", "/case lu jianwang", "/case 卢建旺", "/case Jianwang", f"/case {first[:8]}"):
            said = await one.answer(READER, asked)
            lines = [line for line in said.splitlines() if line.startswith("•")]
            assert said.startswith("Lu Jianwang")
            assert ["charged" in lines[0], "convicted" in lines[1]] == [True, True], asked
            assert second[:12] in lines[1]


async def test_digest_gives_last_week_without_the_state_of_feeds(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.clock.forward(days=-7)
        one.tells(alert(1, "Editor stabbed"))
        one.clock.forward(days=7)
        said = "\n".join(await one.says(READER, "/digest"))
        assert "Editor stabbed" in said


# ── languages ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", [tag for tag in words.LANGUAGES if tag != "en"])
async def test_each_language_says_everything_in_its_own_words(tmp_path: Path, language: str) -> None:
    english, translated = words.speaking("en"), words.speaking(language)
    for text in TEXTS:
        assert translated(text) != english(text), text
        assert _places(translated(text)) == _places(text), text


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}|/[a-z]+", text))


def _texts() -> list[str]:
    """Every text that stands in a call of `tr` or is named as a constant to be translated."""
    folder = Path(words.__file__).parent
    found = set()
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                named = name == "tr" or (isinstance(node.func, ast.Call) and "speaking" in ast.dump(node.func))
                if named and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
            is_text = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            if is_text and getattr(node.targets[0], "id", "") in ("_FAILED", "_UNKNOWN", "_TOO_MANY"):
                found.add(node.value.value)
    return sorted(found)


TEXTS = _texts()


def test_the_texts_are_found_at_all() -> None:
    assert len(TEXTS) > 45
    assert "I know no such command. /help names all of them." in TEXTS


@pytest.mark.parametrize(
    ("own", "telegram", "chosen"),
    [
        ("", "de-AT", "de"),
        ("", "zh-hans", "zh-Hans"),
        ("", "zh-TW", "zh-Hant"),
        ("", "zh", "zh-Hans"),
        ("", "xx", "en"),
        ("", "", "en"),
        ("fr", "de", "fr"),
        ("gone", "de", "de"),
    ],
)
def test_ones_own_choice_goes_before_telegrams_word(own: str, telegram: str, chosen: str) -> None:
    assert words.chosen(own, telegram) == chosen


async def test_the_persons_language_decides_and_language_changes_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        german = await one.answer(READER, "/latest", language="de")
        assert german == words.speaking("de")("Nothing was found.")
        await one.says(READER, "/language français", language="de")
        french = await one.answer(READER, "/latest", language="de")
        assert french == words.speaking("fr")("Nothing was found.")
        assert french != german


# ── how often ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_thousand_commands_a_minute_are_answered_ten_times_and_alerts_go_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        for _ in range(1_000):
            one.api.says(STRANGER, "/status")
        one.app.store.queue([])
        one.tells(alert(1, "Editor stabbed"))
        began = one.clock.seconds()
        await one.turn(times=10)
        granted = EACH[0] + EACH[1] * (one.clock.seconds() - began)
        await one.deliver()
        assert any("Editor stabbed" in text for text in one.api.texts("-100123"))
        for _ in range(40):
            one.clock.forward(seconds=2)
            await one.bot.answer()
        texts = one.api.texts(str(STRANGER))
        assert texts.count("Too many commands at once; please wait a minute.") == 1
        assert len(texts) <= granted + 1, "a few more come back in the time that this takes, and one says so"
        assert one.api.updates == [] or one.people.next_update(one.clock()) > 1_000
        one.says_nothing_wrong()


def test_everybody_together_has_a_limit_that_trusted_persons_do_not_feel() -> None:
    limits = Limits()
    granted = sum(limits.ask(person, 0.0) is Grant.YES for person in range(1_000))
    assert granted == ALL[0]
    assert limits.ask(5_000, 0.0) is Grant.NO
    assert limits.ask(ADMIN, 0.0, trusted=True) is Grant.YES
    assert limits.ask(5_001, 1.0) is Grant.YES


def test_one_person_is_told_once_and_may_ask_again_later() -> None:
    limits = Limits()
    asked = [limits.ask(1, 0.0) for _ in range(13)]
    assert asked == [Grant.YES] * 10 + [Grant.TELL, Grant.NO, Grant.NO]
    assert limits.ask(1, 6.0) is Grant.YES
    assert limits.ask(1, 6.1) is Grant.NO
    assert [limits.ask(1, 100.0) for _ in range(11)] == [Grant.YES] * 10 + [Grant.TELL]


def test_a_flood_of_persons_does_not_fill_the_memory() -> None:
    limits = Limits()
    for person in range(10_500):
        limits.ask(person, float(person))
    assert len(limits._persons) == 10_000


# ── who is nobody's order ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "more",
    [
        {"forward_origin": {"type": "user"}},
        {"forward_date": 1},
        {"via_bot": {"id": 5, "is_bot": True}},
        {"sender_chat": {"id": -5}},
        {"from": {"id": 1_087_968_824, "is_bot": True}},
        {"from": {"id": 777_000, "is_bot": False}},
        {"chat": {"id": -200, "type": "group"}},
        {"chat": {"id": 999, "type": "private"}},
        {"from": None},
    ],
)
async def test_forwards_stand_ins_and_groups_are_not_answered(tmp_path: Path, more: dict[str, object]) -> None:
    async with scene(tmp_path) as one:
        one.api.says(ADMIN, "/help", **more)
        await one.turn()
        assert one.api.accepted == []
        assert one.people.next_update(one.clock()) == 102


async def test_edits_and_channel_posts_are_not_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        chat = {"id": READER, "type": "private"}
        for kind in ("edited_message", "channel_post", "something_new"):
            one.api.hears(**{kind: {"message_id": 1, "chat": chat, "from": {"id": READER}, "text": "/help"}})
        await one.turn()
        assert one.api.accepted == []


async def test_a_story_found_alone_is_named_by_its_article(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        row = near("lonely", title="Lonely near report", story="")
        one.app.store.record(an_outcome(row), [], now=one.clock())
        one.clock.forward(seconds=1)
        said = await one.answer(READER, "/search lonely")
        assert row.article.id[:12] in said


async def test_a_row_older_than_the_searched_time_is_not_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1, "Editor stabbed"))
        one.clock.now += timedelta(days=91)
        assert await one.answer(READER, "/search stabbed") == "Nothing was found."
