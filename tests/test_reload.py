"""An edit of feeds.toml while it is in use: taken up whole, or refused and told; nothing in flight is lost."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import app, config, reload
from monitor.errors import StateError
from monitor.model import Delivery, Message, Notice
from monitor.reload import Edited, Edits, Refused
from monitor.store import Store
from tests.botapi import TOKEN, in_thread
from tests.deliver_parts import Said
from tests.reload_parts import DESK, HOUR, A, B, scene
from tests.test_whole_daemon import started
from tests.whole_parts import (
    ALL,
    CUP,
    EDITOR,
    Site,
    command,
    door,
    environment,
    rss,
    serving,
    table,
    write_toml,
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"wire": rss("The Wire", [EDITOR]), "sport": rss("Sport", [CUP])}) as served:
        yield served


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


def written(folder: Path, *names: str) -> Path:
    return write_toml(folder, *(table("feeds", url=f"https://{name}.example/rss", name=name) for name in names))


def names(found: Edited | Refused | None) -> list[str]:
    assert isinstance(found, Edited)
    return [feed.name for feed in found.settings.feeds]


def test_a_file_is_believed_when_two_looks_find_the_same(tmp_path: Path) -> None:
    edits = Edits(written(tmp_path, "a"), {})
    assert edits.look() is None
    found = edits.look()
    assert names(found) == ["a"]
    assert isinstance(found, Edited)
    edits.settle(found)
    assert edits.look() is edits.look() is None
    written(tmp_path, "a", "b")
    assert edits.look() is None
    assert names(edits.look()) == ["a", "b"]


def test_a_file_that_is_still_being_written_is_waited_for_even_where_its_half_is_valid(tmp_path: Path) -> None:
    path = written(tmp_path, "a", "b", "c")
    edits, whole = Edits(path, {}), path.read_text()
    for length in (whole.index("[[feeds]]", 80), len(whole) // 2, len(whole) - 5):
        path.write_text(whole[:length])
        assert edits.look() is None
    path.write_text(whole)
    assert edits.look() is None
    assert names(edits.look()) == ["a", "b", "c"]


def test_an_edit_comes_again_until_it_is_settled(tmp_path: Path) -> None:
    edits = Edits(written(tmp_path, "a"), {})
    assert [edits.look() is None for _ in range(3)] == [True, False, False]


def test_a_file_that_an_editor_replaces_is_seen_with_the_same_size_and_time(tmp_path: Path) -> None:
    path = written(tmp_path, "aaa")
    edits, stat = Edits(path, {}), path.stat()
    edits.settle(edits.look(at_once=True))  # type: ignore[arg-type]
    draft = path.with_name("draft")
    draft.write_text(path.read_text().replace("aaa", "bbb"))
    os.utime(draft, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    draft.replace(path)
    assert path.stat().st_size == stat.st_size
    assert edits.look() is None
    assert names(edits.look()) == ["bbb"]


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a")
    edits = Edits(path, {})
    load = config.load

    def slowly(*arguments: object) -> config.Settings:
        found = load(path, {})
        written(tmp_path, "a", "b")
        return found

    monkeypatch.setattr(reload.config, "load", slowly)
    assert edits.look(at_once=True) is None
    monkeypatch.undo()
    assert names(edits.look(at_once=True)) == ["a", "b"]


def test_whoever_asks_is_answered_at_once_and_anew_for_files_of_secrets_may_have_changed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    edits = Edits(written(tmp_path, "a"), {"LONGARM_TELEGRAM_TOKEN_FILE": str(token)})
    first = edits.look(at_once=True)
    assert isinstance(first, Edited)
    edits.settle(first)
    token.write_text(TOKEN[:-3] + "new")
    second = edits.look(at_once=True)
    assert isinstance(second, Edited)
    assert first.settings.telegram_token != second.settings.telegram_token


def test_a_mistake_is_named_with_line_key_and_mend(tmp_path: Path) -> None:
    path = written(tmp_path, "a")
    path.write_text(path.read_text() + 'evry = "1h"\n')
    found = Edits(path, {}).look(at_once=True)
    assert isinstance(found, Refused)
    assert found.problems == ('feeds.toml:11: feeds[1].evry: unknown key; did you mean "every"?',)
    assert found.problems[0] in found.notice.text
    assert str(tmp_path) not in found.notice.text


def test_of_many_mistakes_five_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a")
    path.write_text(path.read_text() + "".join(f"odd{number} = 1\n" for number in range(8)))
    found = Edits(path, {}).look(at_once=True)
    assert isinstance(found, Refused)
    assert found.notice.text.count("unknown key") == 5
    assert found.notice.text.endswith("and 3 more; `longarm doctor` names them all")


def test_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    path = written(tmp_path, "a")
    edits = Edits(path, {})
    path.unlink()
    assert edits.look() is None
    found = edits.look()
    assert isinstance(found, Refused)
    assert found.problems == ("feeds.toml: is gone; put it back",)


# ── in use ────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_look_finds_what_is_in_use_and_says_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        settings = it.app.settings
        await it.look()
        assert it.app.settings is settings
        assert await it.deliver() == ""


async def test_a_feed_that_is_added_is_asked_by_the_next_poll_and_told_in_one_message(
    tmp_path: Path, site: Site
) -> None:
    sport = table("feeds", url=site.feed("sport"), name="Sport")
    async with scene(tmp_path, sport) as it:
        await it.look(sport, table("feeds", url=site.feed("wire"), name="Wire", **ALL), DESK)
        told = await it.deliver()
        assert told.count("New settings are in use.") == 1
        assert "Feeds added (1): “Wire”" in told
        assert "Attention" not in told
        assert it.open_keys() == []
        await it.poll()
        assert EDITOR.title[:30] in await it.deliver()


async def test_other_thresholds_hold_from_the_next_poll_on(tmp_path: Path, site: Site) -> None:
    wire = table("feeds", url=site.feed("wire"), name="Wire")
    async with scene(tmp_path, wire) as it:
        await it.look(wire, DESK, relevance="alert_at = 0.0\ndigest_at = 0.0")
        assert "relevance.alert_at 0.8 → 0" in await it.deliver()
        site.pages["wire"] = rss("The Wire", [CUP])
        await it.poll()
        assert CUP.title[:20] in await it.deliver()


async def test_a_feed_that_is_taken_out_and_put_back_or_renamed_knows_what_it_told(tmp_path: Path, site: Site) -> None:
    wire = table("feeds", url=site.feed("wire"), name="Wire", **ALL)
    sport = table("feeds", url=site.feed("sport"), name="Sport")
    async with scene(tmp_path, wire, sport) as it:
        await it.poll()
        assert EDITOR.title[:30] in await it.deliver()
        known = it.state(site.feed("wire"))
        await it.look(sport, DESK)
        assert "Feeds removed, their memory kept (1): “Wire”" in await it.deliver()
        assert it.state(site.feed("wire")) == known
        await it.poll(after=2 * HOUR)
        assert site.asked.count("wire") == 1
        await it.look(sport, wire.replace('"Wire"', '"The Wire"'), DESK)
        await it.deliver()
        await it.poll(after=3 * HOUR)
        assert site.asked.count("wire") == 2
        assert await it.deliver() == ""


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


class Closable(Said):
    closed = False

    async def aclose(self) -> None:
        self.closed = True


def row(number: int, channel: str) -> Delivery:
    return Delivery(key=f"x:{number}", channel=channel, message=Message(text=f"message {number}"))


async def test_what_waits_for_a_channel_that_is_taken_out_is_sent_when_it_comes_back(tmp_path: Path) -> None:
    second = table("channels", name="second", type="console")
    async with scene(tmp_path, A, second) as it:
        it.app.store.queue([row(1, "second")])
        await it.look(A, DESK)
        told = await it.deliver()
        assert "Channels removed, what waits for them kept (1): “second”" in told
        assert "Messages wait for the channel “second”" in told
        assert "message 1" not in told
        await it.look(A, DESK, second)
        assert "message 1" in await it.deliver()
        assert "channel-unconfigured:second" not in it.open_keys()
        it.app.store.queue([row(2, "second")])
        await it.look(A, DESK)
        await it.deliver()
        assert "channel-unconfigured:second" in it.open_keys()


async def test_a_channel_is_closed_when_the_message_on_its_way_has_ended(tmp_path: Path) -> None:
    second = table("channels", name="second", type="console")
    async with scene(tmp_path, A, second) as it:
        going = asyncio.Event()

        class Slow(Closable):
            async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:
                await going.wait()
                assert not self.closed
                return await super().send(message, possible_repeat=possible_repeat, reply_to=reply_to)

        slow = Slow("second")
        it.app.channels = {**it.app.channels, "second": slow}
        it.app.store.queue([row(1, "second")])
        sends = {name: work for name, _, work in app._jobs(it.app)}["deliver"]
        await sends()
        while not it.app.pacer._in_flight.get(slow.account):
            await asyncio.sleep(0)
        it.write(A, DESK)
        app.look(it.app, it.edits, now=app.utc_now(), at_once=True)
        assert "second" not in it.app.channels
        await asyncio.sleep(0)
        assert not slow.closed
        going.set()
        await asyncio.gather(*it.app.tasks)
        assert slow.closed
        assert slow.sent == [("message 1", False)]
        assert it.app.store.delivery("x:1", "second").state == "sent"  # type: ignore[union-attr]


async def test_a_channel_that_only_wants_something_else_keeps_its_connections(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        desk = it.app.channels["desk"]
        await it.look(A, DESK + 'languages = ["en"]\n')
        assert it.app.channels["desk"] is desk
        assert it.app.watch.channels[0].languages == ("en",)
        assert "Channel “desk”: languages none → en" in await it.deliver()


async def test_a_chat_that_refused_is_tried_again_when_its_address_is_mended(tmp_path: Path) -> None:
    main = table("channels", name="main", type="telegram", chat="@wrong_chat")
    async with scene(tmp_path, A, main) as it:
        it.app.store.pause_channel("main", "no such chat", app.utc_now())
        it.app.pacer.proved.add("main")
        await it.look(A, DESK, main.replace("wrong", "right"))
        assert it.app.store.channel_states()["main"].paused_at is None
        assert "main" not in it.app.pacer.proved
        assert len([line for line in it.app.warnings if "“main”" in line]) == 1


async def test_another_token_makes_the_channels_anew_that_use_it(tmp_path: Path) -> None:
    main = table("channels", name="main", type="telegram", chat="@a_chat")
    async with scene(tmp_path, A, main) as it:
        desk, before = it.app.channels["desk"], it.app.channels["main"]
        for token in (TOKEN, TOKEN[:-3] + "new"):
            found = app.take(it.app, config.load(it.edits.path, {"LONGARM_TELEGRAM_TOKEN": token}), now=app.utc_now())
            assert found.lines() == ("LONGARM_TELEGRAM_TOKEN changed",)
            await asyncio.gather(*it.app.tasks)
            assert it.app.channels["main"] is not before
            assert it.app.channels["desk"] is desk
            before = it.app.channels["main"]
        assert it.app.warnings == ()


async def test_the_operators_of_the_new_settings_hear_of_them(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.look(A, table("channels", name="quiet", type="console", operators=False))
        assert it.app.store.pending(app.utc_now()) == []
        assert any("no channel has operators = true" in line for line in it.app.warnings)
        await it.look(A, DESK)
        assert "Channels added (1): “desk”" in await it.deliver()


async def test_a_warning_of_the_new_settings_is_told_with_them(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.look(A, DESK, table("channels", name="idle", type="console", alerts=False, operators=False))
        assert "But: channel “idle” has no alerts" in await it.deliver()


async def test_what_was_open_about_a_feed_that_is_gone_is_closed(tmp_path: Path) -> None:
    async with scene(tmp_path, A, B) as it:
        it.app.store.tell(Notice(key="feed-fails:https://b.example/rss", text="x"), [], now=app.utc_now())
        await it.look(A, DESK)
        assert it.open_keys() == []


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_broken_edit_is_told_once_and_what_was_read_before_stays_in_use(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        settings = it.app.settings
        await it.look(A + "evry = 1\n", DESK)
        told = await it.deliver()
        assert told.count("Attention: The settings were edited and can't be used") == 1
        assert "feeds[1].evry: unknown key" in told
        for _ in range(3):
            await it.look()
        assert await it.deliver() == ""
        assert it.app.settings is settings
        await it.look(A + "evry = 2\nlang = 'en'\n", DESK)
        assert "feeds[1].lang" in await it.deliver()
        assert len(it.open_keys()) == 1


async def test_mending_it_closes_it_in_one_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.look(A + "evry = 1\n", DESK)
        await it.deliver()
        await it.look(A, DESK)
        told = await it.deliver()
        assert told.count("Solved: The settings are in order again.") == 1
        assert "New settings" not in told
        await it.look(A + "evry = 1\n", DESK, "# again\n")
        await it.deliver()
        await it.look(A, B, DESK)
        told = await it.deliver()
        assert "Feeds added (1): “B”" in told
        assert "Solved" not in told
        assert it.open_keys() == []


async def test_a_file_that_is_gone_stays_in_use_is_told_once_and_solved_by_its_return(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        path = it.edits.path
        kept = path.read_bytes()
        path.unlink()
        await it.look()
        await it.look()
        assert (await it.deliver()).count("feeds.toml: is gone; put it back") == 1
        assert len(it.app.watch.feeds) == 1
        path.write_bytes(kept)
        await it.look()
        assert "Solved" in await it.deliver()


async def test_a_mistake_from_before_a_restart_is_solved_by_the_first_look(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.look(A + "evry = 1\n", DESK)
        assert len(it.open_keys()) == 1
    async with scene(tmp_path) as it:
        await it.look()
        assert it.open_keys() == []


async def test_what_could_not_be_recorded_is_not_taken_up_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StateError("the disk is full")

    async with scene(tmp_path) as it:
        look = {name: work for name, _, work in app._jobs(it.app, it.edits)}["settings"]
        it.write(A, B, DESK)
        with monkeypatch.context() as patch:
            patch.setattr(Store, "sync_feeds", full)
            for _ in range(3):
                await look()
        assert len(it.app.watch.feeds) == 1
        assert it.open_keys() == ["pass-fails:settings"]
        await look()
        assert len(it.app.watch.feeds) == 2
        assert it.open_keys() == []


# ── what is built once ────────────────────────────────────────────────────────────────────────────


async def test_the_state_stays_where_it_is_until_the_next_start(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        path = write_toml(tmp_path, A, DESK)
        path.write_text(path.read_text().replace('"state"', '"other"'))
        await it.look()
        assert "From the next start on: monitor.state" in await it.deliver()
        assert it.app.settings.state_dir == tmp_path / "state"
        assert not (tmp_path / "other").exists()


async def test_the_network_is_used_in_the_new_way_by_the_next_poll(tmp_path: Path, site: Site) -> None:
    wire = table("feeds", url=site.feed("wire"), name="Wire")
    async with scene(tmp_path, wire) as it:
        before = it.app.watch.fetcher
        path = write_toml(tmp_path, wire, DESK)
        path.write_text(path.read_text().replace('["127.0.0.1/32"]', "[]"))
        await it.look()
        assert it.app.watch.fetcher is not before
        await it.poll()
        assert site.asked == []
        assert it.app.store.feed_states()[0].error_kind == "blocked-address"


# ── as a process ──────────────────────────────────────────────────────────────────────────────────


def test_sighup_has_an_edit_taken_up_at_once_and_a_daemon_goes_on_after_a_broken_one(
    tmp_path: Path, site: Site
) -> None:
    with in_thread() as api:
        main = table("channels", name="main", type="telegram", chat="-100123", api_url=api.url, operators=True)
        sport, wire = (table("feeds", url=site.feed(name), name=name, every="5m", **ALL) for name in ("sport", "wire"))
        toml = write_toml(tmp_path, sport, main)
        with started(toml) as daemon:
            daemon.wait_for(lambda: "polled" in daemon.events)
            write_toml(tmp_path, sport, main, wire + "evry = 1\n")
            daemon.running.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda: any("unknown key" in text for text in api.texts()))
            write_toml(tmp_path, sport, main, wire)
            daemon.running.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda: any(EDITOR.link in text for text in api.texts()))
            assert any("Feeds added (1): “wire”" in text for text in api.texts())
            daemon.stop()


def test_the_end_of_its_terminal_ends_it(tmp_path: Path) -> None:
    toml = write_toml(tmp_path, table("feeds", url="https://wire.invalid/rss"))
    own, theirs = pty.openpty()
    log = (tmp_path / "log").open("wb")
    with subprocess.Popen(
        command("run", "--config", toml), stdin=theirs, stdout=log, stderr=log, env=environment(),
        start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    ) as daemon, log:  # fmt: skip
        os.close(theirs)
        deadline = time.monotonic() + 40
        while b"running" not in (tmp_path / "log").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.close(own)
        assert daemon.wait(20) == 0, (tmp_path / "log").read_text()


def test_help_says_that_edits_are_taken_up() -> None:
    assert "SIGHUP" in door("run", "--help").out
