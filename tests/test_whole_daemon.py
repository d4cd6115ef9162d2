"""The daemon: it starts, watches and tells; it stops when it is asked to; it goes on when the clock is set."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

import classifiers
from classifiers import Score, Text
from monitor import app, config
from monitor.errors import StateError
from monitor.model import Delivery, Message, Outcome
from monitor.poll import Watch, poll_due
from monitor.store import Store
from tests.botapi import HANG_AFTER, TOKEN, BotApi, in_thread
from tests.whole_parts import (
    ALL,
    CUP,
    EDITOR,
    NOTICE,
    REPEAT,
    STATION,
    Site,
    command,
    environment,
    process,
    rss,
    serving,
    table,
    write_toml,
)

STOPS_WITHIN = 8.0


# ── as a process ──────────────────────────────────────────────────────────────────────────────────


class Daemon:
    """`longarm run` in a process of its own. What it logs is in `said`."""

    def __init__(self, toml: Path) -> None:
        self.log = toml.with_name("log.jsonl")
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                command("run", "--config", toml, "--log-json"), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=environment(LONGARM_TELEGRAM_TOKEN=TOKEN), cwd="/",
            )  # fmt: skip

    @property
    def events(self) -> list[str]:
        return [str(json.loads(line)["event"]) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def wait_for(self, fact: Callable[[], object], seconds: float = 40.0) -> None:
        """Wait until `fact`; fail when the daemon ends before."""
        deadline = time.monotonic() + seconds
        while not fact():
            assert self.running.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to stop; return how long it took. It must end with 0."""
        begun = time.monotonic()
        self.running.send_signal(number)
        assert self.running.wait(60) == 0, self.log.read_text()
        return time.monotonic() - begun


@contextmanager
def started(toml: Path) -> Iterator[Daemon]:
    daemon = Daemon(toml)
    try:
        yield daemon
    finally:
        daemon.running.kill()
        daemon.running.wait()
    said = daemon.log.read_text()
    assert TOKEN not in said
    assert "Traceback" not in said


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"wire": rss("The Wire", [EDITOR]), "sport": rss("Sport", [CUP])}) as served:
        yield served


@pytest.fixture
def api() -> Iterator[BotApi]:
    with in_thread() as served:
        yield served


def settings_for(folder: Path, site: Site, api: BotApi, *feeds: str) -> Path:
    return write_toml(
        folder,
        *(table("feeds", url=site.feed(feed), every="5m", **ALL) for feed in feeds),
        table("channels", name="main", type="telegram", chat="-100123", api_url=api.url, operators=True),
    )


def test_it_starts_polls_tells_and_stops_when_asked_to(tmp_path: Path, site: Site, api: BotApi) -> None:
    toml = settings_for(tmp_path, site, api, "wire")
    left = [f"left from before {number}" for number in range(2)]
    with Store.open(tmp_path / "state", now=datetime.now(UTC)) as store:
        store.queue([Delivery(key=text, channel="main", message=Message(text=text)) for text in left])
    with started(toml) as daemon:
        daemon.wait_for(lambda: daemon.events.count("sent") == 3)
        second = process("run", "--config", toml, LONGARM_TELEGRAM_TOKEN=TOKEN)
        assert (second.code, len(second.said)) == (3, 1)
        assert f"already running (pid {daemon.running.pid})" in second.err
        assert daemon.stop() < STOPS_WITHIN
    assert daemon.events[0] == "running"
    assert daemon.events[-1] == "stopping"
    assert site.asked == ["wire"]
    assert api.texts()[:2] == left
    assert EDITOR.link in api.texts()[2]
    assert api.violations == []
    assert process("run", "--once", "--config", toml, LONGARM_TELEGRAM_TOKEN=TOKEN).code == 0  # the lock is free
    assert len(api.accepted) == 3


def test_ctrl_c_stops_it_as_well(tmp_path: Path, site: Site, api: BotApi) -> None:
    with started(settings_for(tmp_path, site, api, "sport")) as daemon:
        daemon.wait_for(lambda: "polled" in daemon.events)
        assert daemon.stop(signal.SIGINT) < STOPS_WITHIN


def test_a_site_and_a_chat_that_hang_hold_up_neither_the_others_nor_the_stop(
    tmp_path: Path, site: Site, api: BotApi
) -> None:
    site.hanging.add("slow")
    toml = settings_for(tmp_path, site, api, "slow", "wire")
    api.script(HANG_AFTER)
    with started(toml) as daemon:
        daemon.wait_for(lambda: "slow" in site.asked and len(api.accepted) == 1)
        assert daemon.stop() < STOPS_WITHIN
    # Whether the alert arrived was not known at the stop: it comes again, marked, as soon as there is a next start.
    site.hanging.clear()
    site.pages["slow"] = rss("Slow", [STATION])
    assert process("run", "--once", "--config", toml, LONGARM_TELEGRAM_TOKEN=TOKEN).code == 0
    told = [text for text in api.texts() if EDITOR.link in text]
    assert [text.startswith(REPEAT) for text in told] == [False, True]
    assert sum(STATION.link in text for text in api.texts()) == 1


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────


class Hands:
    """A wall clock and a monotonic one that are moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = datetime(2026, 11, 16, 9, tzinfo=UTC), 100.0

    def clock(self) -> app.Clock:
        return app.Clock(lambda: self.wall, lambda: self.monotonic)

    def pass_by(self, seconds: float, *, jump: float = 0.0) -> None:
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds + jump)


@pytest.mark.parametrize("jump", [2.0, -2.0, 3600.0, -3600.0, 86_400.0 * 400, -86_400.0 * 400])
def test_a_clock_that_is_set_is_seen_once_and_by_how_much(jump: float) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_by(1)
    assert clock.jump() == timedelta(0)
    hands.pass_by(1, jump=jump)
    assert clock.jump() == timedelta(seconds=jump)
    hands.pass_by(5000)
    assert clock.jump() == timedelta(0)


def test_a_clock_that_is_slewed_has_not_jumped() -> None:
    hands = Hands()
    clock = hands.clock()
    for _ in range(100):
        hands.pass_by(1, jump=0.5)
        assert clock.jump() == timedelta(0)


def a_watch(folder: Path, *tables: str) -> config.Settings:
    console = table("channels", name="desk", type="console", operators=True)
    return config.load(write_toml(folder, *tables, console), {})


@pytest.mark.parametrize("jump", [timedelta(hours=-3), timedelta(hours=3)])
async def test_when_the_clock_is_set_waits_move_with_it_and_the_jobs_wake(tmp_path: Path, jump: timedelta) -> None:
    hands = Hands()
    settings = a_watch(tmp_path, table("feeds", url="https://wire.example/rss"))
    async with app.opened(settings, stream=io.StringIO()) as opened:
        waits_until = app.utc_now() + timedelta(minutes=10)
        (state,) = opened.store.feed_states()
        opened.store.record(Outcome(state=replace(state, next_poll_at=waits_until)), (), now=app.utc_now())
        row = Delivery(key="story:1", channel="desk", message=Message(text="x"), not_before=waits_until)
        opened.store.queue([row])
        woken = asyncio.Event()
        with scheduled(woken, at=app.utc_now() + timedelta(hours=3)) as scheduler:
            clock = hands.clock()
            hands.pass_by(1, jump=jump.total_seconds())
            keeper = asyncio.create_task(app._keep_time(opened, scheduler, clock))
            await asyncio.wait_for(woken.wait(), 20)
            keeper.cancel()
        assert opened.store.feed_states()[0].next_poll_at == waits_until + jump
        pending = opened.store.pending(waits_until + jump - timedelta(seconds=1))
        assert pending == []
        assert [one.key for one in opened.store.pending(waits_until + jump)] == ["story:1"]


@contextmanager
def scheduled(woken: asyncio.Event, *, at: datetime) -> Iterator[AsyncIOScheduler]:
    """A scheduler with a job that would sit still until `at`, as all do when the clock is set back."""

    async def job() -> None:
        woken.set()

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_job(job, "interval", hours=1, next_run_time=at, misfire_grace_time=None)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.shutdown(wait=False)


async def test_a_store_that_can_not_be_written_when_the_clock_is_set_is_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands()
    settings = a_watch(tmp_path, table("feeds", url="https://wire.example/rss"))
    async with app.opened(settings, stream=io.StringIO()) as opened:
        full, shifted = [True], []

        def shift(self: Store, delta: timedelta) -> None:
            if full:
                raise StateError("the disk is full")
            shifted.append(delta)

        monkeypatch.setattr(Store, "shift_schedule", shift)
        woken = asyncio.Event()
        with scheduled(woken, at=app.utc_now() + timedelta(hours=3)) as scheduler:
            clock = hands.clock()
            hands.pass_by(1, jump=-3600)
            keeper = asyncio.create_task(app._keep_time(opened, scheduler, clock))
            await asyncio.wait_for(woken.wait(), 20)
            assert [notice.key for notice in opened.store.open_notices()] == ["pass-fails:clock"]
            full.clear()
            while not shifted:
                await asyncio.sleep(0.02)
            assert not keeper.done()
            keeper.cancel()
        assert shifted == [timedelta(hours=-1)]
        assert opened.store.open_notices() == ()


# ── trouble inside ────────────────────────────────────────────────────────────────────────────────


class Breaking:
    """A classifier with a bug that one text brings out."""

    name = "breaking"

    def __init__(self) -> None:
        self._model = classifiers.load()

    def score(self, texts: Sequence[Text]) -> list[Score]:
        if any(text.title == NOTICE.title for text in texts):
            raise KeyError("a bug")
        return self._model.score(texts)


async def test_a_feed_on_which_the_program_itself_fails_stops_no_other_and_is_shown(tmp_path: Path, site: Site) -> None:
    site.pages["poison"] = rss("Poison", [NOTICE])
    feeds = [table("feeds", url=site.feed(name), every="5m", **ALL) for name in ("poison", "wire", "sport")]
    heard = io.StringIO()
    async with app.opened(a_watch(tmp_path, *feeds), stream=heard, new_feeds_at_once=True) as opened:
        watch: Watch = replace(opened.watch, classifier=Breaking())
        now = app.utc_now() + timedelta(seconds=1)
        report = await poll_due(watch, now)
        assert (report.polled, report.failed, report.new) == (3, 1, 2)
        (state,) = [one for one in opened.store.feed_states() if one.failures]
        assert state.url == site.feed("poison")
        assert "KeyError" in state.error
        assert state.next_poll_at > now + timedelta(minutes=4)  # not again and again
        assert (await poll_due(watch, now)).polled == 0
        # Mended, it loses nothing.
        report = await poll_due(opened.watch, now + timedelta(hours=2))
        assert report.new == 1


async def test_a_pass_that_fails_is_told_operators_and_again_when_it_works(tmp_path: Path) -> None:
    heard = io.StringIO()
    async with app.opened(a_watch(tmp_path, table("feeds", url="https://wire.example/rss")), stream=heard) as opened:

        def fail() -> None:
            raise StateError("the disk is full")

        for work in (fail, fail, lambda: None, lambda: None):
            app._guarded(opened, "digest", work)
            while (await app.deliver_pass(opened, app.utc_now())).progressed:
                pass
        assert opened.store.open_notices() == ()
    told = heard.getvalue()
    assert told.count("Attention: The digest pass failed: the disk is full") == 1
    assert told.count("Solved: The digest pass works again") == 1


async def test_a_pass_that_failed_before_the_restart_is_solved_after_it(tmp_path: Path) -> None:
    settings = a_watch(tmp_path, table("feeds", url="https://wire.example/rss"))

    async def fail() -> None:
        raise StateError("the disk is full")

    async def work() -> None:
        """Nothing goes wrong."""

    for what in (fail, work):
        async with app.opened(settings, stream=io.StringIO()) as opened:
            app._start(opened, "poll", what())
            await asyncio.gather(*opened.tasks)
            assert bool(opened.store.open_notices()) == (what is fail)
