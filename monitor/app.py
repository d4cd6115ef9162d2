"""Wiring and clock: the only place that builds concrete parts.

APScheduler asks every few seconds "what is due?"; the answers are in the database (`next_poll_at`, `not_before`,
digest keys), so restarts and missed runs need no code here. One thing does: a wall clock that jumps. APScheduler
compares wall times and would sit still for as long as the clock was set back, so `Clock` measures the jump against
the monotonic clock, shifts the stored times by it and wakes the jobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import classifiers
from monitor import log
from monitor.alerts import deliver, policy, render
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.console import ConsoleChannel
from monitor.config import ChannelSettings, Settings
from monitor.digest import queueing
from monitor.errors import LongarmError, ModelError
from monitor.ingest import schedule
from monitor.ingest.fetch import Fetcher
from monitor.ingest.guard import Guard
from monitor.ingest.parse import Parser
from monitor.model import ChannelRules, Notice
from monitor.poll import PollReport, Watch, poll_due
from monitor.store import Store

_log = log.get(__name__)

POLL_EVERY = timedelta(seconds=5)
DELIVER_EVERY = timedelta(seconds=1)
DIGEST_EVERY = timedelta(seconds=30)
TEND_EVERY = timedelta(hours=24)
CLOCK_JUMP = timedelta(seconds=2)
STOP_WITHIN = timedelta(seconds=8)
REST_AFTER_FAILURE = timedelta(seconds=30)
PASSING_FOR = timedelta(days=7)
RESUME = "resume"
"""In the state directory: names of channels that somebody asked to resume, one a line."""

HOW_TO_ADD_A_BOT = (
    "no LONGARM_TELEGRAM_TOKEN is set, so channel “{name}” writes to this console instead. "
    "To send to Telegram: get a token from @BotFather, add the bot to the channel as an administrator, "
    "and start again with LONGARM_TELEGRAM_TOKEN=<token>."
)

CONSOLE_ONLY = (
    "alerts go to this console only. To send them to Telegram: get a token from @BotFather, add the bot to the channel "
    'as an administrator, add [[channels]] with type = "telegram" and its chat to feeds.toml, and start again with '
    "LONGARM_TELEGRAM_TOKEN=<token>."
)


def utc_now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything built and open. `warnings` are lines for the person who started it."""

    settings: Settings
    store: Store
    watch: Watch
    channels: Mapping[str, Channel]
    pacer: deliver.Pacer
    warnings: tuple[str, ...] = ()
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    sound: set[str] = field(default_factory=set)
    """Passes whose last run went well."""
    rest_until: dict[str, float] = field(default_factory=dict)
    """When, by the loop's clock, a pass that failed is tried again."""


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    *,
    now: datetime | None = None,
    stream: TextIO | None = None,
    clock: Callable[[], datetime] | None = None,
    new_feeds_at_once: bool = False,
) -> AsyncIterator[App]:
    """Open store, model, parser, fetcher and channels; close them in the end.

    Feeds that are new become due one after another, or all now with `new_feeds_at_once`.

    Raises:
        StateError: the stored state can't be used.
        ModelError: there is no usable model.
    """
    moment = now or utc_now()
    classifier = load_classifier(settings)
    async with contextlib.AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.state_dir, url=_database(settings), now=moment))
        fetcher = await stack.enter_async_context(
            Fetcher(
                Guard(settings.allow),
                user_agent=settings.user_agent,
                proxy=settings.proxy,
                clock=clock or utc_now,
            )
        )
        parser = await stack.enter_async_context(Parser())
        store.configure_chats({channel.name: channel.chat for channel in settings.channels})
        channels, warnings = build_channels(settings, store, stream=stream or sys.stdout)
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        feeds = {feed.url: feed for feed in settings.feeds}
        store.sync_feeds(settings.feeds, _first_polls(settings, moment, at_once=new_feeds_at_once))
        watch = Watch(
            store=store,
            fetcher=fetcher,
            parser=parser,
            classifier=classifier,
            feeds=feeds,
            rules=policy.Rules(alert_at=settings.alert_at, digest_at=settings.digest_at),
            channels=channel_rules(settings),
            timezone=settings.timezone,
            every=settings.poll_every,
            first_poll_window=settings.first_poll_window,
            clock=clock,
        )
        deliver.recover(store, moment)
        pacer = deliver.Pacer.primed(store.recent_sends(moment - timedelta(minutes=1)), channels)
        yield App(
            settings=settings,
            store=store,
            watch=watch,
            channels=channels,
            pacer=pacer,
            warnings=(*settings.warnings, *warnings),
        )


def _first_polls(settings: Settings, now: datetime, *, at_once: bool) -> dict[str, datetime]:
    enabled = [feed.url for feed in settings.feeds if feed.enabled]
    return {
        url: now if at_once else schedule.first_poll_at(index, len(enabled), now) for index, url in enumerate(enabled)
    }


def load_classifier(settings: Settings) -> classifiers.Classifier:
    """The model trained in this state directory, or else the shipped one.

    Raises:
        ModelError: the one that should be used is missing or damaged.
    """
    own = settings.state_dir / "model"
    try:
        return classifiers.load(own if (own / "manifest.json").exists() else None)
    except (OSError, ValueError) as error:
        raise ModelError(str(error)) from error


def channel_rules(settings: Settings) -> tuple[ChannelRules, ...]:
    """What each channel wants to hear."""
    return tuple(channel.rules for channel in settings.channels)


def build_channels(settings: Settings, store: Store, *, stream: TextIO) -> tuple[dict[str, Channel], list[str]]:
    """Build the configured channels; one that lacks its secret writes to the console, and says so."""
    states = store.channel_states()
    channels: dict[str, Channel] = {}
    warnings: list[str] = []
    for channel in settings.channels:
        chat = states[channel.name].chat if channel.name in states and states[channel.name].chat else channel.chat
        channels[channel.name], said = build_channel(channel, settings, chat, stream)
        warnings += said
    return channels, warnings


def build_channel(
    channel: ChannelSettings, settings: Settings, chat: str, stream: TextIO
) -> tuple[Channel, tuple[str, ...]]:
    """Build one channel, and what to tell the person who lacks its secret."""
    if channel.type == "telegram" and settings.telegram_token is not None:
        from monitor.alerts.channels.telegram import TelegramChannel  # noqa: PLC0415 - 0.4 s to import

        token = settings.telegram_token.reveal()
        log.hide(token)
        telegram = TelegramChannel(
            name=channel.name, token=token, chat=chat, topic=channel.topic, api_url=channel.api_url
        )
        return telegram, ()
    if channel.type == "apprise" and channel.apprise_url is not None:
        from monitor.alerts.channels.apprise import AppriseChannel  # noqa: PLC0415 - slow to import

        log.hide(channel.apprise_url.reveal())
        return AppriseChannel(name=channel.name, url=channel.apprise_url.reveal()), ()
    lacks = {
        "telegram": HOW_TO_ADD_A_BOT.format(name=channel.name),
        "apprise": f"channel “{channel.name}” writes to this console: "
        f"the variable {channel.url_env}, which holds its URL, is not set",
    }
    console = ConsoleChannel(name=channel.name, stream=stream)
    return console, (lacks[channel.type],) if channel.type in lacks else ()


def _database(settings: Settings) -> str | None:
    return settings.database_url.reveal() if settings.database_url else None


# ── passes ────────────────────────────────────────────────────────────────────────────────────────


async def deliver_pass(app: App, now: datetime) -> deliver.DeliveryReport:
    """Send what may be sent now."""
    _resume_asked(app)
    return await deliver.deliver_pending(
        app.store,
        app.channels,
        now=now,
        clock=app.watch.clock,
        pace=app.pacer,
        rules=app.watch.channels,
        tz=app.settings.timezone,
    )


def ask_to_resume(state_dir: Path, channel: str) -> None:
    """Leave word for the process that holds the state: it alone may write there."""
    with (state_dir / RESUME).open("a", encoding="utf-8") as asked:
        asked.write(f"{channel}\n")


def _resume_asked(app: App) -> None:
    asked = app.settings.state_dir / RESUME
    if not asked.exists():
        return
    taken = asked.replace(asked.with_name(f".{RESUME}.taken"))
    for name in taken.read_text(encoding="utf-8").splitlines():
        if name in app.channels:
            app.store.resume_channel(name)
            _log.info("channel resumed by hand", channel=name)
    taken.unlink()


def digest_pass(app: App, now: datetime) -> int:
    """Queue the digests whose hour has come; return how many."""
    return queueing.queue_due(
        app.store,
        app.watch.channels,
        tz=app.settings.timezone,
        now=now,
        write=DigestFiles(app.settings.state_dir / "digests"),
        feeds=app.watch.feeds,
    )


@dataclass(frozen=True, slots=True)
class DigestFiles:
    """Writes a digest's files into the state directory."""

    folder: Path

    def __call__(self, name: str, content: str) -> Path:
        """Write `content` as `name`, whole or not at all; return the path."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / name
        draft = path.with_name(f".{name}.new")
        draft.write_text(content, encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(path)
        return path


def tend_pass(app: App, now: datetime) -> None:
    """Housekeeping: forget old text, close what is over, look whether the database is still whole."""
    app.store.purge(now, text_after=app.settings.keep_text)
    app.store.close_passing(_PASSING, now - PASSING_FOR)
    for notice in app.store.open_notices():
        if _is_about_nothing(notice.key, app):
            app.store.close_notice(notice.key, now)
    app.store.check()


_PASSING = ("backfill:", "changing-ids:", "chat-moved:", "message-refused:")
"""Incidents that have no end: after a while they are closed, so that the next of their kind is told again."""


def _is_about_nothing(key: str, app: App) -> bool:
    """Whether an incident is about a feed or a channel that is not configured any more: nothing would ever end it."""
    kind, _, subject = key.partition(":")
    if kind == "feed-fails":
        return subject not in app.watch.feeds or not app.watch.feeds[subject].enabled
    if kind == "feed-moved":
        return not any(subject.startswith(f"{url}:") for url in app.watch.feeds)
    return kind in ("channel-fails", "channel-waits") and subject not in app.channels


async def run_once(settings: Settings, *, now: datetime | None = None, stream: TextIO | None = None) -> PollReport:
    """Poll everything due, queue due digests, deliver until nothing more can be sent at once; then close."""
    async with opened(settings, now=now, stream=stream, new_feeds_at_once=True) as app:
        _say(app.warnings)
        report = await poll_due(app.watch, now or utc_now())
        digest_pass(app, now or utc_now())
        while (await deliver_pass(app, now or utc_now())).progressed:
            pass
        return report


def _say(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        _log.warning(warning)


# ── the daemon ────────────────────────────────────────────────────────────────────────────────────


class Clock:
    """Tells by how much the wall clock jumped, measured against the monotonic one."""

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = (wall(), monotonic())

    def jump(self) -> timedelta:
        """How far the wall clock jumped since the last call; zero for less than two seconds."""
        wall, monotonic = self._wall(), self._monotonic()
        expected = self._last[0] + timedelta(seconds=monotonic - self._last[1])
        self._last = (wall, monotonic)
        jump = wall - expected
        return jump if abs(jump) >= CLOCK_JUMP else timedelta(0)


async def run(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT; what is in flight then gets eight seconds to end."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 - only the daemon needs it

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings, stream=stream, clock=utc_now) as app:
        _say(app.warnings)
        if all(channel.type == "console" for channel in settings.channels):
            _log.info(CONSOLE_ONLY)
        scheduler = AsyncIOScheduler(timezone=UTC)
        for name, seconds, work in _jobs(app):
            scheduler.add_job(
                work, "interval", seconds=seconds, id=name, coalesce=True, max_instances=1,
                misfire_grace_time=None, next_run_time=utc_now(),
            )  # fmt: skip
        scheduler.start()
        keeper = asyncio.create_task(_keep_time(app, scheduler, Clock(utc_now, loop.time)))
        _log.info("running", feeds=len(app.watch.feeds), channels=len(app.channels), pid=os.getpid())
        await stop.wait()
        _log.info("stopping")
        keeper.cancel()
        scheduler.shutdown(wait=False)
        await _finish(app)


def _jobs(app: App) -> list[tuple[str, float, Callable[[], Coroutine[Any, Any, None]]]]:
    async def poll() -> None:
        # After a failure it rests: what could not be recorded is due still, and would be fetched again at every tick.
        if asyncio.get_running_loop().time() < app.rest_until.get("poll", 0):
            return
        # A pass waits for the slowest site; the next one starts meanwhile and leaves out what is still in flight.
        _start(app, "poll", _poll_pass(app))

    async def send() -> None:
        if not any(task.get_name() == "deliver" for task in app.tasks):
            _start(app, "deliver", _deliver_pass(app))

    async def digests() -> None:
        _guarded(app, "digest", lambda: digest_pass(app, utc_now()))

    async def tend() -> None:
        _guarded(app, "tend", lambda: tend_pass(app, utc_now()))

    return [
        ("poll", POLL_EVERY.total_seconds(), poll),
        ("deliver", DELIVER_EVERY.total_seconds(), send),
        ("digest", DIGEST_EVERY.total_seconds(), digests),
        ("tend", TEND_EVERY.total_seconds(), tend),
    ]


async def _poll_pass(app: App) -> None:
    report = await poll_due(app.watch, utc_now())
    if report.polled:
        _log.info("polled", feeds=report.polled, failed=report.failed, new=report.new, announced=report.announced)


async def _deliver_pass(app: App) -> None:
    report = await deliver_pass(app, utc_now())
    if report.progressed:
        _log.info("delivered", sent=report.sent, retried=report.retried, dead=report.dead)


def _start(app: App, name: str, work: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the top of a task: logged once, counted, shown; the clock goes on
            app.rest_until[name] = asyncio.get_running_loop().time() + REST_AFTER_FAILURE.total_seconds()
            _failed(app, name, error)
        else:
            _worked(app, name)

    task = asyncio.create_task(whole(), name=name)
    app.tasks.add(task)
    task.add_done_callback(app.tasks.discard)


def _guarded(app: App, name: str, work: Callable[[], object]) -> bool:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - as above
        _failed(app, name, error)
        return False
    _worked(app, name)
    return True


def _failed(app: App, name: str, error: Exception) -> None:
    app.sound.discard(name)
    expected = isinstance(error, LongarmError)
    _log.error("pass failed", work=name, error=str(error), exc_info=None if expected else error)
    with contextlib.suppress(LongarmError):  # the store itself may be what fails; the log has it then
        _tell(app, Notice(key=f"pass-fails:{name}", text=f"The {name} pass failed: {error}"))


def _worked(app: App, name: str) -> None:
    """Close what is open about the pass, from before the start too; looked for once after each failure."""
    if name in app.sound:
        return
    key = f"pass-fails:{name}"
    with contextlib.suppress(LongarmError):
        if any(notice.key == key for notice in app.store.open_notices()):
            _tell(app, Notice(key=key, text=f"The {name} pass works again.", closes=True))
        app.sound.add(name)


def _tell(app: App, notice: Notice) -> None:
    now = utc_now()
    mail = render.notice_deliveries(notice, channels=app.watch.channels, tz=app.settings.timezone, now=now)
    app.store.tell(notice, mail, now=now)


async def _keep_time(app: App, scheduler: Any, clock: Clock) -> None:
    owed = timedelta(0)  # what the store could not be told yet
    while True:
        await asyncio.sleep(1)
        jump = clock.jump()
        owed += jump
        if owed and _guarded(app, "clock", functools.partial(app.store.shift_schedule, owed)):
            owed = timedelta(0)
        if jump:
            _log.warning("the wall clock jumped", seconds=round(jump.total_seconds()))
            app.pacer.shift(jump)
            for job in scheduler.get_jobs():
                job.modify(next_run_time=utc_now())


async def _finish(app: App) -> None:
    if app.tasks:
        _, late = await asyncio.wait(app.tasks, timeout=STOP_WITHIN.total_seconds() - 2)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
