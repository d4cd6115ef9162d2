"""What a clumsy or a hostile day brings, across the rooms: filters, full disks, odd input, a channel resumed by hand."""

from __future__ import annotations

import asyncio
import io
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import app, config, errands
from monitor.errors import SendError, StateError
from monitor.model import Delivery, Message, Notice, Outcome
from monitor.poll import poll_due
from monitor.store import Store
from tests.deliver_parts import Said
from tests.whole_parts import (
    ALL,
    CUP,
    EDITOR,
    Site,
    command,
    door,
    environment,
    process,
    rss,
    serving,
    table,
    write_toml,
)

HOUR = timedelta(hours=1)
ITEM = '{"id": "1", "title": "t"}'


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"wire": rss("The Wire", [EDITOR]), "sport": rss("Sport", [CUP])}) as served:
        yield served


def a_watch(folder: Path, *tables: str) -> config.Settings:
    return config.load(write_toml(folder, *tables), {})


# ── filters ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_channel_hears_of_a_story_when_the_first_report_it_wants_joins_it(tmp_path: Path, site: Site) -> None:
    settings = a_watch(
        tmp_path,
        table("feeds", url=site.feed("wire"), **ALL),
        table("feeds", url=site.feed("exile"), tags=["exile"], **ALL),
        table("channels", name="all", type="console"),
        table("channels", name="exile", type="console", tags=["exile"]),
    )
    now = app.utc_now() + timedelta(seconds=1)
    async with app.opened(settings, now=now, stream=io.StringIO(), new_feeds_at_once=True) as opened:
        site.pages["exile"] = rss("Exile", [])
        await poll_due(opened.watch, now)
        assert [line["channel"] for line in opened.store.export("deliveries")] == ["all"]
        for later in (1, 2):
            copies = [replace(EDITOR, slug=f"copy-{number}") for number in range(later)]
            site.pages["exile"] = rss("Exile", copies)
            await poll_due(opened.watch, now + later * HOUR)
        told = [(line["channel"], line["story"]) for line in opened.store.export("deliveries")]
        assert [channel for channel, _ in told] == ["all", "exile"]
        assert len({story for _, story in told}) == 1


# ── a disk that is full ───────────────────────────────────────────────────────────────────────────


async def test_no_site_is_asked_for_what_could_not_be_recorded(tmp_path: Path, site: Site) -> None:
    settings = a_watch(tmp_path, table("feeds", url=site.feed("wire")))
    async with app.opened(settings, stream=io.StringIO(), new_feeds_at_once=True) as opened:
        opened.store._free_bytes_floor = 10**18
        with pytest.raises(StateError, match="nothing new is taken in"):
            await poll_due(opened.watch, app.utc_now() + HOUR)
        assert site.asked == []
        opened.store._free_bytes_floor = 0
        await poll_due(opened.watch, app.utc_now() + HOUR)
        assert site.asked == ["wire"]


async def test_after_a_poll_that_could_not_be_recorded_sites_are_left_alone_for_a_while(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(*_: object, **__: object) -> None:
        raise StateError("disk I/O error")

    settings = a_watch(tmp_path, table("feeds", url=site.feed("wire")))
    async with app.opened(settings, stream=io.StringIO(), new_feeds_at_once=True) as opened:
        polls = {name: work for name, _, work in app._jobs(opened)}["poll"]
        with monkeypatch.context() as patch:
            patch.setattr(Store, "record", record)
            for _ in range(3):
                await polls()
                await asyncio.gather(*opened.tasks)
        assert site.asked == ["wire"]
        opened.rest_until.clear()
        await polls()
        await asyncio.gather(*opened.tasks)
        assert site.asked == ["wire", "wire"]
        assert opened.store.open_notices() == ()


# ── incidents ─────────────────────────────────────────────────────────────────────────────────────


async def test_what_nothing_would_ever_end_is_closed_by_housekeeping(tmp_path: Path) -> None:
    url = "https://wire.example/rss"
    settings = a_watch(tmp_path, table("feeds", url=url), table("channels", name="desk", type="console"))
    now = app.utc_now()
    kept = {f"feed-fails:{url}", f"feed-moved:{url}:https://new.example/", "channel-fails:desk", "pass-fails:poll"}
    over = {"feed-fails:https://gone.example/", "feed-moved:https://gone.example/:https://b.example/"}
    over |= {"channel-fails:gone", "channel-waits:gone"}
    async with app.opened(settings, stream=io.StringIO()) as opened:
        for key in sorted(kept | over):
            opened.store.tell(Notice(key=key, text="x"), [], now=now)
        opened.store.tell(Notice(key="backfill:x", text="x"), [], now=now)
        app.tend_pass(opened, now + HOUR)
        assert {notice.key for notice in opened.store.open_notices()} == kept | {"backfill:x"}
        app.tend_pass(opened, now + timedelta(days=8))
        assert {notice.key for notice in opened.store.open_notices()} == kept


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_channel_is_resumed_beside_the_running_daemon(tmp_path: Path) -> None:
    url = table("feeds", url="https://wire.example/rss")
    settings = a_watch(tmp_path, url, table("channels", name="desk", type="console"))
    path = tmp_path / "feeds.toml"
    async with app.opened(settings, stream=io.StringIO()) as opened:
        desk = Said("desk", will=[SendError("kicked", permanent=True, about="chat")])
        opened.channels["desk"] = desk  # type: ignore[index]
        opened.store.queue([Delivery(key="story:1", channel="desk", message=Message(text="x"))])
        await app.deliver_pass(opened, app.utc_now())
        assert "desk" in opened.store.channel_states()
        assert (await app.deliver_pass(opened, app.utc_now())).sent == 0
        other = door("channels", "resume", "other", "--config", path)
        assert (other.code, "no channel of this name is paused" in other.err) == (1, True)
        asked = door("channels", "resume", "desk", "--config", path)
        assert (asked.code, asked.err) == (0, "")
        assert "was asked to resume it" in asked.out
        errands.ask_to_resume(settings.state_dir, "not configured")
        assert (await app.deliver_pass(opened, app.utc_now())).sent == 1
        assert not (settings.state_dir / errands.RESUME).exists()


def test_a_daemon_that_only_has_a_console_says_how_to_add_telegram(tmp_path: Path) -> None:
    path = write_toml(tmp_path, table("feeds", url="https://wire.invalid/rss", enabled=True))
    with subprocess.Popen(
        command("run", "--config", path), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment()
    ) as daemon:
        assert daemon.stderr is not None
        said = [daemon.stderr.readline().decode() for _ in range(2)]
        daemon.terminate()
    hint, running = said
    assert "@BotFather" in hint
    assert "LONGARM_TELEGRAM_TOKEN=<token>" in hint
    assert "running feeds=1" in running
    assert daemon.returncode == 0


def test_a_message_that_waits_for_the_end_of_quiet_hours_is_no_reason_for_alarm(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    around = f"{now - HOUR:%H:%M}-{now + HOUR:%H:%M}"
    feed = table("feeds", url="https://wire.example/rss")
    paths = {
        quiet: write_toml(tmp_path / name, feed, table("channels", name="desk", type="console", **quiet_table))
        for name, quiet, quiet_table in (("night", True, {"quiet": around}), ("day", False, {}))
    }
    said = {}
    for quiet, path in paths.items():
        settings = config.load(path, {})
        with Store.open(settings.state_dir, now=now) as store:
            store.sync_feeds(settings.feeds, {})
            (state,) = store.feed_states()
            row = Delivery(
                key="story:1", channel="desk", message=Message(text="x"), queued_at=now - timedelta(minutes=30)
            )
            store.record(Outcome(state=replace(state, polled_at=now)), [row], now=now)
        said[quiet] = door("status", "--alive", "--config", path)
    assert (said[True].code, said[True].out) == (0, "alive\n")
    assert said[False].code == 1
    assert "channel “desk”: a message waits since" in said[False].err


# ── odd input ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["score", "group"])
def test_json_that_is_nested_too_deeply_is_said_with_its_line(command: str) -> None:
    ran = door(command, given=ITEM + "\n" + "[" * 200_000)
    assert (ran.code, ran.err) == (
        1,
        "longarm: standard input:2: nested too deeply; an object with id and title is expected\n",
    )


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08\x00cut", b"no gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff"]
)
def test_a_gzip_file_that_is_damaged_or_cut_is_said_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "items.jsonl.gz"
    file.write_bytes(content)
    ran = door("score", file)
    assert (ran.code, ran.err) == (1, f"longarm: {file}: no whole gzip file; pack it again\n")


@pytest.mark.parametrize("command", ["score", "group"])
def test_half_a_surrogate_pair_comes_out_as_it_went_in(command: str) -> None:
    ran = door(command, given='{"id": "é\\ud800", "title": "x \\udfff y"}')
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0]["id"] == "é\ud800"


def test_into_a_pipe_everything_goes_as_utf_8_whatever_the_terminal_speaks() -> None:
    ran = process("group", given='{"id": "流亡", "title": "流亡異議人士"}\n', PYTHONIOENCODING="latin-1")
    assert (ran.code, ran.out) == (0, '{"id": "流亡", "story": "流亡"}\n')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("score", "--alert-at", "nan"), "nan is no score from 0 to 1"),
        (("replay", "--alert-at", "nan"), "nan is no score from 0 to 1"),
        (("export", "articles", "--since", "999999999999d"), "lies before the beginning of the calendar"),
    ],
)
def test_numbers_that_are_none_are_wrong_use(arguments: tuple[str, ...], said: str) -> None:
    ran = door(*arguments)
    assert ran.code == 2
    assert said in ran.err
