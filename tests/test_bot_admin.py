"""Administrators' orders: who may give them, what they do, and that each is noted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import config
from monitor.alerts import deliver
from monitor.alerts.channels.console import ConsoleChannel
from monitor.bot.admin import COMMANDS
from monitor.model import EPOCH, DeliveryKind, Facts, FeedState, Outcome, Update
from monitor.store import Store
from monitor.store.withdrawing import WORDS, without_line
from tests.bot_parts import ADMIN, READER, REVIEW, STRANGER, Scene, alert, queued, scene, told_as
from tests.deliver_parts import linked
from tests.store_parts import FEED, a_story, an_outcome, judged

UNKNOWN = "I know no such command. /help names all of them."


def noted(one: Scene) -> list[tuple[int, str, str]]:
    return [(act.by, act.what, act.about) for act in one.people.acts(EPOCH)]


@pytest.mark.parametrize("command", [*COMMANDS, "FEEDS", "redact@longarm_bot"])
async def test_to_strangers_orders_do_not_exist(tmp_path: Path, command: str) -> None:
    async with scene(tmp_path) as one:
        assert await one.answer(STRANGER, f"/{command} main 1") == UNKNOWN
        assert await one.answer(STRANGER, "/nonsense main 1") == UNKNOWN
        assert "administrators" not in "".join(await one.says(STRANGER, "/help"))
        assert noted(one) == []


async def test_administrators_are_told_what_they_may_order(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        _, orders = await one.says(ADMIN, "/help")
        assert all(f"/{name}" in orders for name in COMMANDS)


async def test_an_order_in_a_group_is_nobodys(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.api.says(ADMIN, "/hold main", kind="group")
        await one.turn()
        assert one.api.accepted == []
        assert noted(one) == []


async def test_whoever_is_taken_off_the_list_is_a_stranger_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        assert "1 feeds" in await one.answer(ADMIN, "/feeds")
        settings = one.app.settings
        one.app.settings = replace(settings, bot=replace(settings.bot, admins=()))
        assert await one.answer(ADMIN, "/feeds") == UNKNOWN


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


async def test_feeds_names_those_in_trouble_without_their_addresses(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        failing = FeedState(url=FEED, failures=3, failing_since=one.clock(), error="no", error_kind="timeout")
        one.app.store.record(Outcome(state=failing), [], now=one.clock())
        said = await one.answer(ADMIN, "/feeds")
        assert "1 feeds, 1 to look at" in said
        assert "Harbour Wire: timeout, 3 times since 16 Nov 09:00 UTC" in said
        assert FEED not in said
        await one.says(ADMIN, "/mute harbour 2")
        assert "Harbour Wire: muted until" in await one.answer(ADMIN, "/feeds")


async def test_what_a_muted_feed_brings_is_held_and_told_in_the_end(tmp_path: Path) -> None:
    from monitor import telling

    async with scene(tmp_path) as one:
        said = await one.answer(ADMIN, "/mute harbour wire 5")
        assert said.startswith("Harbour Wire: what it brings is held until 16 Nov 14:00")
        feed = one.app.watch.feeds[FEED]
        row = alert(1, "Editor stabbed")
        outcome = Outcome(state=an_outcome().state, judged=(row,), announce=(told_as(row, Facts()),))
        after, mail = telling.told(one.app.watch, feed, FeedState(url=FEED), outcome, one.clock())
        one.app.store.record(after, mail, now=one.clock())
        await one.deliver(times=3)
        assert one.api.texts("-100123") == []
        one.clock.forward(hours=6)
        await one.deliver(times=3)
        assert any("Editor stabbed" in text for text in one.api.texts("-100123"))
        assert noted(one) == [(ADMIN, "mute", "Harbour Wire")]


async def test_a_mute_can_be_ended(tmp_path: Path) -> None:
    from monitor import telling

    async with scene(tmp_path) as one:
        await one.says(ADMIN, "/mute harbour")
        feed = one.app.watch.feeds[FEED]
        row = alert(1, "Editor stabbed")
        outcome = Outcome(state=an_outcome().state, judged=(row,), announce=(told_as(row, Facts()),))
        after, mail = telling.told(one.app.watch, feed, FeedState(url=FEED), outcome, one.clock())
        one.app.store.record(after, mail, now=one.clock())
        assert "heard again" in await one.answer(ADMIN, "/mute harbour 0")
        await one.deliver(times=3)
        assert any("Editor stabbed" in text for text in one.api.texts("-100123"))
        await one.tend()
        assert one.people.muted(one.clock()) == ()


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("/mute", "/mute FEED"),
        ("/mute harbour 9999", "/mute FEED"),
        ("/mute nowhere", "No feeds are called “nowhere”"),
        ("/hold nowhere", "Which channel? There are: main, reviewers"),
        ("/release", "Which channel?"),
        ("/threshold", "/threshold SCORE"),
        ("/threshold 7", "/threshold SCORE"),
        ("/threshold x", "/threshold SCORE"),
        ("/label", "/label ID VALUE"),
        ("/label abcdef maybe", "/label ID VALUE"),
        ("/label abcdef relevant", "No reports have an id"),
        ("/redact", "/redact ID WHY"),
        ("/redact abcdef", "/redact ID WHY"),
        ("/redact abc wrong", "No reports have an id"),
        ("/acts", "Nothing in four weeks."),
    ],
)
async def test_an_order_that_cannot_be_carried_out_says_why(tmp_path: Path, order: str, answer: str) -> None:
    async with scene(tmp_path) as one:
        assert (await one.answer(ADMIN, order)).startswith(answer)
        assert noted(one) == []


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


async def test_hold_keeps_everything_over_restarts_and_release_sends_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(ADMIN, "/hold main")
        one.app.store.queue([queued("x", "main", "an alert")])
        await one.deliver(times=2)
        deliver.recover(one.app.store, one.clock())  # what a start does
        await one.deliver(times=2)
        assert one.api.texts("-100123") == []
        await one.says(ADMIN, "/release main")
        await one.deliver(times=2)
        assert one.api.texts("-100123") == ["an alert"]
        assert noted(one) == [(ADMIN, "hold", "main"), (ADMIN, "release", "main")]


async def test_release_lets_held_rows_go(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.app.store.queue([queued("x", "main", "an alert")])
        assert one.app.store.hold("main") == 1
        await one.says(ADMIN, "/release main")
        await one.deliver(times=2)
        assert one.api.texts("-100123") == ["an alert"]


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


async def test_threshold_says_what_it_would_mean_and_is_written_when_confirmed(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.tells(alert(1), alert(2))
        before = (tmp_path / "feeds.toml").read_text()
        said = await one.answer(ADMIN, "/threshold 0.95")
        assert "alert_at 0.8 → 0.95" in said
        assert "0 articles would have been worth an alert instead of 2" in said
        assert "/threshold 0.95 yes" in said
        assert (tmp_path / "feeds.toml").read_text() == before
        await one.says(ADMIN, "/threshold 0,95 yes")
        after = (tmp_path / "feeds.toml").read_text()
        assert after == before.replace("alert_at = 0.8 #", "alert_at = 0.95 #")
        assert noted(one) == [(ADMIN, "threshold", "0.8 → 0.95")]
        await one.says(ADMIN, "/reload")
        assert one.app.settings.alert_at == 0.95


async def test_a_threshold_that_the_file_does_not_take_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        said = await one.answer(ADMIN, "/threshold 0.2 yes")
        assert "would not load with the change, nothing was written" in said
        assert str(tmp_path) not in said
        assert config.load(tmp_path / "feeds.toml", {}).alert_at == 0.8
        assert noted(one) == []


async def test_without_a_file_that_is_followed_the_line_is_named(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.bot.listener.desk = replace(one.bot.listener.desk, edits=None)
        assert "set relevance.alert_at in feeds.toml" in await one.answer(ADMIN, "/threshold 0.9")
        assert await one.answer(ADMIN, "/reload") == "No file is followed here."


async def test_reload_reads_the_file_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        path = tmp_path / "feeds.toml"
        text = path.read_text()
        path.write_text(text.replace("alert_at = 0.8 ", "alert_at = 0.9 "))
        assert "was read" in await one.answer(ADMIN, "/reload")
        assert one.app.settings.alert_at == 0.9
        path.write_text(text.replace("alert_at = 0.8 ", "alert_at = 8 "))
        assert "expected a number between 0 and 1" in await one.answer(ADMIN, "/reload")
        assert one.app.settings.alert_at == 0.9


def test_a_threshold_is_written_where_no_table_stands_and_in_windows_spelling(tmp_path: Path) -> None:
    from monitor.config.writing import set_alert_at

    path = tmp_path / "feeds.toml"
    path.write_bytes(b'\xef\xbb\xbf# mine\r\n[[feeds]]\r\nurl = "https://x.test/"\r\n')
    set_alert_at(path, {}, 0.9)
    content = path.read_bytes()
    assert config.load(path, {}).alert_at == 0.9
    assert content.startswith(b'\xef\xbb\xbf# mine\r\n[[feeds]]\r\nurl = "https://x.test/"\r\n')
    assert content.count(b"\n") == content.count(b"\r\n")


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


async def test_label_is_kept_under_the_number(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1))
        assert (await one.answer(ADMIN, f"/label {story[:8]} wrong-code violence")).endswith("wrong-code")
        (label,) = one.app.store.labels()
        assert (label.rater, label.value, label.codes) == (f"tg:{ADMIN}", "wrong-code", ("violence",))
        assert "Known codes" in await one.answer(ADMIN, f"/label {story[:8]} wrong-code murder")
        assert "label" in await one.answer(ADMIN, "/acts")


async def test_redact_edits_every_message_and_keeps_silent_from_then_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        await one.says(READER, "/subscribe")
        (story,) = one.tells(alert(1, "Editor stabbed"))
        await one.deliver(times=3)
        update = Update(story_id=story, article_id=story, stage="trial")
        one.app.store.queue(
            [
                replace(
                    queued(update.key, "main", "Update on: Editor stabbed"),
                    kind=DeliveryKind.REPLY,
                    about=f"story:{story}",
                    story_id=story,
                )
            ]
        )
        await one.deliver(times=3)
        said = await one.answer(ADMIN, f"/redact {story[:8]} it names a child")
        assert "3 channels were told" in said
        await one.deliver(times=6)
        for chat in ("-100123", REVIEW, str(READER)):
            shown = [text for text in one.api.shown(chat).values() if "Editor stabbed" in text]
            assert shown == [], chat
            assert WORDS in one.api.shown(chat).values()
        (redaction,) = one.people.redactions()
        assert (redaction.story_id, redaction.by, redaction.why) == (story, ADMIN, "it names a child")
        assert noted(one) == [(ADMIN, "redact", story)]
        assert "child" not in "".join(got.text for got in one.api.accepted if got.chat != str(ADMIN))
        one.says_nothing_wrong()


async def test_a_withdrawn_story_is_found_nowhere(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.clock.forward(days=-7)
        (story,) = one.tells(alert(1, "Editor stabbed"), facts=Facts(people=("Jan Nowak",)), case="new")
        one.clock.forward(days=7)
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        for asked in ("/latest", "/search stabbed", "/digest", f"/why {story[:8]}", "/case Jan Nowak"):
            assert "Editor" not in "".join(await one.says(READER, asked)), asked
        assert one.app.store.search(["stabbed"]) == []
        week = one.app.store.judged_between(one.clock() - timedelta(days=30), one.clock())
        assert week.stories == ()
        assert week.judged == ()


async def test_what_joins_a_withdrawn_story_is_told_to_nobody(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1, "Editor stabbed"), channels=["main"])
        await one.deliver(times=2)
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        await one.deliver(times=2)
        count = len(one.api.accepted)
        row = judged(2, story=story, title="Editor stabbed, again")
        grown = a_story(row, id=story)
        mail = [
            replace(queued(f"story:{story}", name, "Editor stabbed, again"), story_id=story)
            for name in one.app.channels
        ]
        one.app.store.record(Outcome(state=an_outcome().state, judged=(row,), grown=(grown,)), mail, now=one.clock())
        await one.deliver(times=3)
        assert len(one.api.accepted) == count


async def test_what_waits_is_put_away_and_never_goes(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1, "Editor stabbed"))
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        await one.deliver(times=4)
        assert one.api.texts("-100123") == []
        assert {line["state"] for line in one.app.store.export("deliveries")} == {"dead"}


async def test_what_is_on_its_way_loses_its_words(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1, "Editor stabbed"), channels=["main"])
        row = one.app.store.pending(one.clock())[0]
        one.app.store.mark_sending(row.id, one.clock())
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        one.app.store.settle_retry(row.id, "cut off", one.clock())
        await one.deliver(times=3)
        assert one.api.texts("-100123") == [WORDS]


async def test_its_line_is_taken_out_of_lists(tmp_path: Path) -> None:
    async with scene(tmp_path, more="[alerts]\nburst = 1\n") as one:
        stories = one.tells(*(alert(n, f"Report {n}") for n in range(5)), channels=["main"])
        await one.deliver(times=4)
        await one.says(ADMIN, f"/redact {stories[2][:8]} wrong")
        await one.says(ADMIN, f"/redact {stories[4][:8]} wrong too")
        await one.deliver(times=6)
        shown = next(text for text in one.api.shown("-100123").values() if "more new stories" in text)
        lines = [line for line in shown.splitlines() if line.startswith("•")]
        assert ["withdrawn" in line for line in lines] == [False, True, False, True]
        assert "Report 1" in lines[0]
        assert "Report 3" in lines[2]
        assert not any("Report 2" in text or "Report 4" in text for text in one.api.shown("-100123").values())
        links = [got.links for got in one.api.accepted if got.edited][-1]
        assert sorted(links) == ["https://harbour-wire.example/1", "https://harbour-wire.example/3"]


async def test_a_list_that_waits_loses_the_line_before_it_goes(tmp_path: Path) -> None:
    async with scene(tmp_path, more="[alerts]\nburst = 1\n") as one:
        stories = one.tells(*(alert(n, f"Report {n}") for n in range(3)), channels=["main"])
        one.app.store.pause_channel("main", "for the test", one.clock())
        row = one.app.store.delivery(f"story:{stories[1]}", "main")
        assert row is not None
        one.app.store.resume_channel("main")
        from monitor.model import Burst, Message

        ids = tuple(one.app.store.delivery(f"story:{story}", "main").id for story in stories[1:])  # type: ignore[union-attr]
        whole = replace(queued("burst:1/1", "main", ""), message=Message(text="2 more\n\n• Report 1\n• Report 2"))
        one.app.store.fold([Burst(delivery=whole, names=ids)], now=one.clock())
        await one.says(ADMIN, f"/redact {stories[1][:8]} wrong")
        await one.deliver(times=4)
        assert "2 more\n\n• (withdrawn)\n• Report 2" in one.api.texts("-100123")


def test_a_list_that_is_none_says_only_that_it_was_withdrawn() -> None:
    message = linked("Two\n• first (a)\n• second (b)", "second", "https://b.test/")
    assert without_line(message, 5).text == WORDS
    kept = without_line(message, 0)
    assert kept.text == "Two\n• (withdrawn)\n• second (b)"
    span = kept.spans[0]
    assert kept.text[span.start : span.start + span.length] == "second"


async def test_channels_that_cannot_edit_and_digests_that_went_out_are_named(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.app.channels = {**one.app.channels, "paper": Fixed(name="paper", stream=one.app.stream)}
        (story,) = one.tells(alert(1, "Editor stabbed"), channels=["main"])
        paper = replace(queued(f"story:{story}", "paper", "Editor stabbed"), story_id=story)
        digest = replace(
            queued("digest:2026-W46/1", "main", ""),
            message=linked("Editor", "Editor", "https://harbour-wire.example/1"),
        )
        one.app.store.queue([paper, digest])
        await one.deliver(times=4)
        said = await one.answer(ADMIN, f"/redact {story[:8]} wrong")
        assert "can't be edited, say it there: paper" in said
        assert "These digests name it and stay as they are: digest:2026-W46/1 in main" in said


class Fixed(ConsoleChannel):
    """A channel that can't take a word back."""

    @property
    def can_edit(self) -> bool:
        return False


async def test_an_article_without_a_story_cannot_be_withdrawn(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        row = judged(1, story="")
        one.app.store.record(an_outcome(row), [], now=one.clock())
        assert "belongs to no story" in await one.answer(ADMIN, f"/redact {row.article.id[:8]} wrong")


async def test_a_store_that_is_opened_again_knows_what_is_withdrawn(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        (story,) = one.tells(alert(1, "Editor stabbed"))
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        await one.says(ADMIN, f"/redact {story[:8]} wrong")
        one.app.store.close()
        with Store.open(tmp_path / "state", now=one.clock()) as again:
            assert again.search(["stabbed"]) == []
