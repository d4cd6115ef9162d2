"""Private subscriptions: the same outbox, the same rules; nothing kept but chat and filters; gone when asked for."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import app as watch_app
from monitor import config
from monitor.bot import filters
from monitor.model import SUBSCRIBER, ChannelRules, Facts
from tests import botapi
from tests.bot_parts import ADMIN, READER, STRANGER, alert, scene
from tests.store_parts import an_outcome

CHINA = Facts(origin_states=("CN",), host_states=("GB",), codes=("violence",), stage="charge")
IRAN = Facts(origin_states=("IR",), host_states=("DE",), codes=("surveillance",), stage="trial")


def texts(one: object, person: int, word: str) -> list[str]:
    return [text for text in one.api.texts(str(person)) if word in text]  # type: ignore[attr-defined]


async def test_a_subscriber_gets_alerts_by_the_same_outbox_from_now_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(0, "Told before"))
        said = await one.answer(READER, "/subscribe")
        assert "You are subscribed" in said
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        assert len(texts(one, READER, "Editor stabbed")) == 1
        assert texts(one, READER, "Told before") == []
        assert texts(one, -100123, "Editor stabbed") != []
        row = next(line for line in one.app.store.export("deliveries") if line["channel"].startswith(SUBSCRIBER))
        assert row["state"] == "sent"
        one.says_nothing_wrong()


async def test_filters_choose_and_can_be_changed(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        said = await one.answer(READER, "/subscribe states=ir,cn hosts=DE stages=trial codes=surveillance score=0.9")
        assert "states=IR,CN hosts=DE codes=surveillance stages=trial score=0.9" in said
        one.tells(alert(1, "From China"), facts=CHINA)
        one.tells(alert(2, "From Iran"), facts=IRAN)
        await one.deliver(times=2)
        assert texts(one, READER, "From China") == []
        assert len(texts(one, READER, "From Iran")) == 1
        assert "none: every report" in await one.answer(READER, "/subscribe all")
        one.tells(alert(3, "Again from China"), facts=CHINA)
        await one.deliver(times=2)
        assert len(texts(one, READER, "Again from China")) == 1


async def test_a_filter_by_score_leaves_lower_ones_out(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe score=0,95")
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        assert texts(one, READER, "Editor stabbed") == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("states=ZZ", "ZZ"),
        ("colour=red", "colour=red"),
        ("red", "red"),
        ("states=", "states="),
        ("score=2", "score=2"),
        ("score=x", "score=x"),
        ("codes=murder", "murder"),
        (f"tags={','.join(map(str, range(30)))}", "tags="),
    ],
)
def test_a_word_that_is_no_filter_is_named(text: str, word: str) -> None:
    with pytest.raises(filters.Unknown, match=word):
        filters.parsed(text)


@pytest.mark.parametrize("text", ["", "languages=en,zh-Hant states=CN tags=ngo score=0.9", "stages=trial,verdict"])
def test_filters_are_written_as_they_are_read(text: str) -> None:
    assert filters.spoken(filters.parsed(text)) == text


def test_other_words_for_filters_are_understood() -> None:
    assert filters.parsed("lang=EN state=cn، threshold=0.9 all") == ChannelRules(
        name="", languages=("en",), states=("CN",), least=0.9
    )


async def test_an_unknown_filter_subscribes_nobody_and_says_what_there_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        said = await one.answer(READER, "/subscribe states=@admin")
        assert "overseas-station" in said
        assert "stages=allegation" in said
        assert one.people.subscribers() == ()
        assert [got.pings for got in one.api.accepted] == [()]


async def test_pause_holds_off_and_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        assert (await one.answer(READER, "/pause")).startswith("Paused")
        one.tells(alert(1, "While away"))
        await one.deliver(times=2)
        assert await one.answer(READER, "/pause") == "It goes on."
        one.tells(alert(2, "Back again"))
        await one.deliver(times=2)
        assert texts(one, READER, "While away") == []
        assert len(texts(one, READER, "Back again")) == 1


async def test_mydata_shows_all_that_is_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe states=CN")
        said = await one.answer(READER, "/mydata")
        kept = json.loads(said[said.index("{") : said.rindex("}") + 1])
        assert kept["chat"] == str(READER)
        assert kept["filters"] == "states=CN"
        with sqlite3.connect(tmp_path / "state" / "longarm.db") as database:
            columns = {row[1] for row in database.execute("PRAGMA table_info(people)")}
        assert columns == {"id", "chat", "language", "subscribed", "paused", "filters", "failures", "refused_at"}
        wishes = {"digest", "digest_from"}  # they stand in the column of filters
        assert set(kept) == columns - {"failures", "refused_at"} | {"refusals_in_a_row"} | wishes


async def test_stop_deletes_every_trace(tmp_path: Path) -> None:
    person = 987_654_321
    async with scene(tmp_path) as one:
        await one.says(person, "/language de")
        await one.says(person, "/subscribe")
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        one.tells(alert(2, "Still queued"))
        channel = one.app.subscribers[0].channel
        assert await one.answer(person, "/stop") == "Alles, was über dich gespeichert war, ist gelöscht."
        assert channel not in one.app.channels
        await one.deliver(times=2)
        assert texts(one, person, "Still queued") == []
    stored = dump(tmp_path / "state" / "longarm.db")
    assert str(person) not in stored
    assert channel not in stored


def dump(path: Path) -> str:
    """Every row of every table; of the search index, which can't be listed, the tables that it is kept in."""
    with sqlite3.connect(path) as database:
        real = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        names = [name for (name,) in database.execute(real)]
        assert "deliveries" in names
        return "\n".join(f"{row}" for name in names for row in database.execute(f'SELECT * FROM "{name}"'))


async def test_there_is_a_limit_to_subscribers_and_those_who_are_may_change_filters(tmp_path: Path) -> None:
    async with scene(tmp_path, bot="max_subscribers = 1") as one:
        await one.says(READER, "/subscribe")
        assert "no room" in await one.answer(STRANGER, "/subscribe")
        assert "states=CN" in await one.answer(READER, "/subscribe states=CN")
        assert "states=CN" in await one.answer(READER, "/subscribe")
        assert len(one.people.subscribers()) == 1


async def test_subscribers_are_channels_after_a_restart_and_an_edit_of_the_settings(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe states=CN")
        clock, api = one.clock, one.api
        async with _again(tmp_path, one) as again:
            assert [person.chat for person in again.app.subscribers] == [str(READER)]
            settings = replace(again.app.settings, alert_at=0.85)
            watch_app.take(again.app, settings, now=clock())
            again.tells(alert(1, "Editor stabbed"), facts=CHINA)
            await again.deliver(times=2)
            off = replace(settings, bot=replace(settings.bot, subscriptions=False))
            watch_app.take(again.app, off, now=clock())
            assert [name for name in again.app.channels if name.startswith(SUBSCRIBER)] == []
            watch_app.take(again.app, settings, now=clock())
            again.tells(alert(2, "Second report"), facts=CHINA)
            await again.deliver(times=2)
        assert len(texts(one, READER, "Editor stabbed")) == 1
        assert len(texts(one, READER, "Second report")) == 1
        assert api.violations == []


def _again(folder: Path, one: object) -> object:
    one.app.store.close()  # type: ignore[attr-defined]
    return scene(folder, clock=one.clock, api=one.api)  # type: ignore[attr-defined]


async def test_another_token_means_other_connections(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        before = one.app.channels[one.app.subscribers[0].channel]
        text = one.bot.edits.path.read_text()  # type: ignore[union-attr]
        path = tmp_path / "feeds.toml"
        path.write_text(text)
        other = config.load(path, {"LONGARM_TELEGRAM_TOKEN": one.api.token.replace("AAtest", "BBtest")})
        watch_app.take(one.app, other, now=one.clock())
        after = one.app.channels[one.app.subscribers[0].channel]
        assert after is not before
        assert after.chat == before.chat


# ── chats that refuse ─────────────────────────────────────────────────────────────────────────────


async def test_a_chat_that_refuses_three_times_is_deleted_and_operators_hear_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        one.api.script_chat(str(READER), botapi.forbidden("bot was blocked by the user"), times=5)
        one.tells(alert(1, "Editor stabbed"))
        for _ in range(2):
            await one.deliver(times=2)
            await one.tend()
            assert len(one.people.subscribers()) == 1
            one.clock.forward(hours=13)
            await one.tend()
        await one.deliver(times=2)
        await one.tend()
        assert one.people.subscribers() == ()
        told = one.api.texts("-100123")
        assert [text for text in told if "refuse" in text or "block" in text] == []
        assert all("sub:" not in notice.key for notice in one.app.store.open_notices())
        assert one.app.store.open_notices() == ()


async def test_a_chat_that_takes_messages_again_begins_anew(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        one.api.script_chat(str(READER), botapi.forbidden("bot was blocked by the user"))
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        await one.tend()
        assert one.people.subscribers()[0].failures == 1
        one.clock.forward(hours=13)
        await one.tend()
        await one.deliver(times=2)
        await one.tend()
        assert one.people.subscribers()[0].failures == 0
        assert len(texts(one, READER, "Editor stabbed")) == 1


async def test_a_flood_for_one_subscriber_is_held_and_no_news_for_operators(tmp_path: Path) -> None:
    async with scene(tmp_path, more="[alerts]\nchannel_cap = 1\n") as one:
        await one.says(READER, "/subscribe")
        from monitor.alerts import breaker
        from monitor.model import Delivery, Flow, Message

        channel = one.app.subscribers[0].channel
        mail = [
            Delivery(key=f"story:{n}", channel=name, message=Message(text="x"), story_id=str(n))
            for n in range(3)
            for name in (channel, "main")
        ]
        source = breaker.Source(url="u", name="u", articles=3, alerts=3, announced=("0", "1", "2"))
        rows, notices = breaker.held(mail, Flow(), one.app.settings.limits, source, now=one.clock(), odd=False)
        assert sum(row.state == "held" for row in rows) == 4
        assert [notice.key for notice in notices] == ["flood-channel:main"]


async def test_a_subscribers_number_stands_in_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    person = 987_654_321
    async with scene(tmp_path) as one:
        await one.says(person, "/subscribe")
        one.api.script_chat(str(person), botapi.bad_request("message is odd"))
        one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=2)
        assert str(person) not in caplog.text
        assert one.api.token not in caplog.text
        dead = [line for line in one.app.store.export("deliveries") if line["state"] == "dead"]
        assert len(dead) == 1
        assert str(person) not in dead[0]["error"]


async def test_once_without_the_bot_subscribers_are_told_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        one.app.store.record(an_outcome(), [], now=one.clock())
        async with _again(tmp_path, one) as again:
            assert {rules.name for rules in again.app.watch.channels} == {
                "main", "reviewers", again.app.subscribers[0].channel
            }  # fmt: skip
            assert again.app.subscribers[0].channel in again.app.watch.editable


async def test_an_administrator_is_a_reader_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        assert "You are subscribed" in await one.answer(ADMIN, "/subscribe")
        one.clock.now += timedelta(seconds=1)
        assert await one.answer(ADMIN, "/stop") == "Everything that was kept of you is deleted."
