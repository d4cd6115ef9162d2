"""The passes and the clock: what is done again and again, and what asks when.

APScheduler asks every few seconds "what is due?"; the answers are in the database (`next_poll_at`, `not_before`,
digest keys), so restarts and missed runs need no code here. One thing does: a wall clock that jumps. APScheduler
compares wall times and would sit still for as long as the clock was set back, so `Clock` measures the jump against
the monotonic clock, shifts the stored times by it and wakes the jobs.

The parts are built in `wiring`. While the daemon runs, an edit of feeds.toml is taken up between two passes: each pass
goes on with the configuration that it began with. docs/design/what-happens-when-feeds-toml-changes.md
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from monitor import errands, log, moving, over, reload, wiring
from monitor.alerts import deliver, render
from monitor.alerts.bursts import Words
from monitor.alerts.channels.base import Channel
from monitor.alerts.folding import Folding
from monitor.clock import Clock
from monitor.compose import from_own_words
from monitor.config import Settings
from monitor.config.difference import Difference, difference, shown_name
from monitor.digest import queueing
from monitor.digest.files import DigestFiles
from monitor.errors import LongarmError
from monitor.model import Delivery, Feed, Notice
from monitor.poll import PollReport, poll_due
from monitor.reload import Edited, Edits, Refused
from monitor.sampling import Sampled
from monitor.wiring import App, build_channel, load_classifier, opened, utc_now
from monitor.wishes import held_until

__all__ = ["App", "Clock", "build_channel", "load_classifier", "opened", "utc_now"]

_log = log.get(__name__)

POLL_EVERY = timedelta(seconds=5)
DELIVER_EVERY = timedelta(seconds=1)
DIGEST_EVERY = timedelta(seconds=30)
TEND_EVERY = timedelta(hours=24)
LOOK_EVERY = timedelta(seconds=10)
IN_FLIGHT_ENDS_WITHIN = timedelta(seconds=4)
"""How long a stop waits for what is in flight: on a busy machine, too, the whole is over in eight seconds."""
REST_AFTER_FAILURE = timedelta(seconds=30)
Moved = tuple[tuple[Feed, Feed], ...]
"""Feeds that moved: as they were, as they are."""
CONSOLE_ONLY = (
    "alerts go to this console only. To send them to Telegram: get a token from @BotFather, add the bot to the channel "
    'as an administrator, add [[channels]] with type = "telegram" and its chat to feeds.toml, and start again with '
    "LONGARM_TELEGRAM_TOKEN=<token>."
)


# ── passes ────────────────────────────────────────────────────────────────────────────────────────


async def deliver_pass(app: App, now: datetime) -> deliver.DeliveryReport:
    """Send what may be sent now."""
    errands.heed(app.settings.state_dir, app.store, app.channels, now)
    return await deliver.deliver_pending(
        app.store,
        app.channels,
        now=now,
        clock=app.watch.clock,
        pace=app.pacer,
        rules=app.watch.channels,
        tz=app.settings.timezone,
        folding=_folding(app),
    )


def _folding(app: App) -> Folding:
    words = Words(feeds=app.watch.feeds, tz=app.settings.timezone, tiers=app.settings.tiers)
    return Folding(words=words, burst=app.settings.limits.burst, gathering=lambda: bool(app.watch.in_flight))


def digest_pass(app: App, now: datetime) -> int:
    """Queue the digests whose hour has come; return how many."""
    settings = app.settings
    if settings.digest_review:  # what reviewers said up to now still holds
        errands.settle(settings.state_dir, app.store)
    files = DigestFiles(settings.state_dir / "digests")
    return queueing.queue_due(
        app.store,
        app.watch.channels,
        tz=settings.timezone,
        now=now,
        write=files,
        feeds=app.watch.feeds,
        review=settings.digest_review,
        missed=_sampled(app),
        draw=files.drawn,
        shows={name for name, channel in app.channels.items() if channel.shows_pictures},
    )


def _sampled(app: App) -> Sampled:
    return Sampled(app.store, app.settings.state_dir, app.settings.timezone)


def publish(app: App) -> None:
    """Bring the public feeds up to date."""
    app.publisher.publish(app.store, app.settings, missed=_sampled(app))


def tend_pass(app: App, now: datetime) -> None:
    """Housekeeping: forget old text, close what is over, look whether the database is still whole."""
    app.store.purge(now, text_after=app.settings.keep_text)
    over.close_passing(app.store, now)
    over.close(app.store, app.watch.feeds, app.channels, now)
    wiring.reprice(app)
    app.store.check()


# ── another configuration ─────────────────────────────────────────────────────────────────────────


def look(app: App, edits: Edits, *, now: datetime, at_once: bool = False) -> None:
    """Take an edit of feeds.toml up, or say once what is wrong with it; `at_once` without waiting whether it is whole.

    Raises:
        StateError: it could not be recorded; nothing was changed, and the next look tries again.
    """
    found = edits.look(at_once=at_once)
    if isinstance(found, Edited):
        _close_refused(app, now, silently=bool(take(app, found.settings, now=now)))
        edits.settle(found)
    elif isinstance(found, Refused):
        for problem in found.problems:
            _log.error("settings not used", problem=problem)
        if found.notice.key not in (notice.key for notice in app.store.open_notices()):
            _close_refused(app, now, silently=True)
        _tell(app, found.notice)
        edits.settle(found)


def _close_refused(app: App, now: datetime, *, silently: bool) -> None:
    for notice in app.store.open_notices():
        if notice.key.startswith(reload.INCIDENT) and silently:
            app.store.close_notice(notice.key, now)
        elif notice.key.startswith(reload.INCIDENT):
            _tell(app, Notice(key=notice.key, text="The settings are in order again.", closes=True))


def take(app: App, settings: Settings, *, now: datetime) -> Difference:
    """Use `settings` from now on; what can't be changed while running stays. Return what differs, which is told.

    Passes under way go on with what they began with: their channels are closed when they have ended, and a feed that
    moved is asked at its new address when no poll of the old one is under way.

    Raises:
        StateError: it could not be recorded; everything is as it was.
    """
    found = difference(app.settings, settings)
    if settings == app.settings:
        return found
    taken = wiring.take(app, settings, now=now, tell=functools.partial(_tell_taken, app, settings, found, now))
    if found:
        _log.info("new settings in use", what="; ".join(found.lines()))
    _say(taken.warnings)
    over.close(app.store, app.watch.feeds, app.channels, now)
    app.watch.in_flight.update(after.url for _, after in found.moved)  # nobody asks them until they have their memory
    _start(app, "move", _move(app, found.moved, _hurried(found, settings), _under_way(app, "poll")))
    _start(app, "close", _close_left(taken.left, _under_way(app, "deliver")))
    return found


def _under_way(app: App, name: str) -> set[asyncio.Task[Any]]:
    return {task for task in app.tasks if task.get_name() == name}


def _tell_taken(app: App, settings: Settings, found: Difference, now: datetime, warnings: tuple[str, ...]) -> None:
    if not found:
        return
    message = from_own_words(reload.told(found, warnings)).message(silent=True)
    key = f"settings:{now:%Y%m%d%H%M%S%f}"
    rules = [channel.rules for channel in settings.channels if channel.rules.operators]
    held = {one.name: held_until(one, tz=settings.timezone, now=now) for one in rules}
    app.store.queue(
        [
            Delivery(key=key, channel=name, message=message, not_before=until, queued_at=now)
            for name, until in held.items()
        ]
    )


def _hurried(found: Difference, settings: Settings) -> tuple[Feed, ...]:
    """The feeds that are to be asked more often than before: their next poll may lie hours ahead."""
    names = {name for name, changes in found.feeds if any(change.key == "every" for change in changes)}
    return tuple(feed for feed in settings.feeds if feed.every and shown_name(feed) in names)


async def _close_left(channels: tuple[Channel, ...], sending: set[asyncio.Task[Any]]) -> None:
    """Close channels that are not used any more once no message is under way in one of them."""
    if sending:
        await asyncio.wait(sending)
    for channel in channels:
        await channel.aclose()


async def _move(app: App, moved: Moved, hurried: tuple[Feed, ...], polls: set[asyncio.Task[Any]]) -> None:
    """Let moved feeds take their memory over once no poll is under way that could still add to it."""
    try:
        if polls:
            await asyncio.wait(polls)
        while True:
            if _guarded(app, "move", lambda: _hand_on(app, moved, hurried)):
                return
            await asyncio.sleep(REST_AFTER_FAILURE.total_seconds())
    finally:
        app.watch.in_flight.difference_update(after.url for _, after in moved)


def _hand_on(app: App, moved: Moved, hurried: tuple[Feed, ...]) -> None:
    for before, after in moved:
        moving.take_over(app.store, before, after, utc_now())
    for feed in hurried:
        moving.hurry(app.store, feed, utc_now())
    moving.remember(app.settings.state_dir, app.settings.feeds)


async def run_once(settings: Settings, *, now: datetime | None = None, stream: TextIO | None = None) -> PollReport:
    """Poll everything due, queue due digests, deliver until nothing more can be sent at once; then close."""
    async with opened(settings, now=now, stream=stream, new_feeds_at_once=True) as app:
        _say(app.warnings)
        errands.settle(app.settings.state_dir, app.store)
        report = await poll_due(app.watch, now or utc_now())
        while digest_pass(app, now or utc_now()):
            pass
        while (await deliver_pass(app, now or utc_now())).progressed:
            pass
        publish(app)
        return report


def _say(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        _log.warning(warning)


# ── the daemon ────────────────────────────────────────────────────────────────────────────────────


async def run(
    settings: Settings,
    *,
    edits: Edits | None = None,
    stream: TextIO | None = None,
    beside: Callable[[App], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; what is in flight then gets four seconds to end.

    With `edits` the file is followed, and read at once at SIGHUP. `beside` runs as long as the daemon does.
    """
    from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 - only the daemon needs it

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings, stream=stream, clock=utc_now) as app, wiring.heard_by_hubs(app):
        _say(app.warnings)
        if all(channel.type == "console" for channel in settings.channels):
            _log.info(CONSOLE_ONLY)
        scheduler = AsyncIOScheduler(timezone=UTC)
        if edits is not None:
            loop.add_signal_handler(signal.SIGHUP, _hung_up(app, edits, stop))
        for name, seconds, work in _jobs(app, edits):
            scheduler.add_job(
                work, "interval", seconds=seconds, id=name, coalesce=True, max_instances=1,
                misfire_grace_time=None, next_run_time=utc_now(),
            )  # fmt: skip
        scheduler.start()
        keeper = asyncio.create_task(_keep_time(app, scheduler, Clock(utc_now, loop.time)))
        companion = asyncio.create_task(beside(app)) if beside else None
        _log.info("running", feeds=len(app.watch.feeds), channels=len(app.channels), pid=os.getpid())
        await stop.wait()
        _log.info("stopping")
        keeper.cancel()
        if companion is not None:
            companion.cancel()
            app.tasks.add(companion)
        scheduler.shutdown(wait=False)
        await _finish(app)


def _hung_up(app: App, edits: Edits, stop: asyncio.Event) -> Callable[[], None]:
    """What SIGHUP means: "read the settings", or the end, where it tells that the terminal was closed."""
    had_terminal = os.isatty(0)

    def heard() -> None:
        if had_terminal and not os.isatty(0):
            stop.set()
        else:
            _log.info("asked to read the settings")
            _guarded(app, "settings", lambda: look(app, edits, now=utc_now(), at_once=True))

    return heard


def _jobs(app: App, edits: Edits | None = None) -> list[tuple[str, float, Callable[[], Coroutine[Any, Any, None]]]]:
    async def poll() -> None:
        # After a failure it rests: what could not be recorded is due still, and would be fetched again at every tick.
        if asyncio.get_running_loop().time() < app.rest_until.get("poll", 0):
            return
        # A pass waits for the slowest site; the next one starts meanwhile and leaves out what is still in flight.
        _start(app, "poll", _poll_pass(app))

    async def send() -> None:
        if not any(task.get_name() == "deliver" for task in app.tasks):
            _start(app, "deliver", _deliver_pass(app))

    async def push() -> None:
        if app.watch.push is None:
            return
        app.watch.push.use(app.watch.feeds)
        _guarded(app, "push", functools.partial(app.watch.push.hurry, app.store, app.watch.in_flight, utc_now()))
        if not any(task.get_name() == "hubs" for task in app.tasks):
            _start(app, "hubs", app.watch.push.ask_hubs(app.watch.fetcher, utc_now()))

    async def digests() -> None:
        _guarded(app, "digest", lambda: digest_pass(app, utc_now()))

    async def public() -> None:
        _guarded(app, "public", lambda: publish(app))

    async def asked() -> None:
        _guarded(app, "errands", lambda: errands.settle(app.settings.state_dir, app.store))

    async def tend() -> None:
        _guarded(app, "tend", lambda: tend_pass(app, utc_now()))

    async def settings() -> None:
        if edits is not None:
            _guarded(app, "settings", lambda: look(app, edits, now=utc_now()))

    return [
        ("poll", POLL_EVERY.total_seconds(), poll),
        ("deliver", DELIVER_EVERY.total_seconds(), send),
        ("push", POLL_EVERY.total_seconds(), push),
        ("digest", DIGEST_EVERY.total_seconds(), digests),
        ("public", LOOK_EVERY.total_seconds(), public),
        ("errands", DELIVER_EVERY.total_seconds(), asked),
        ("tend", TEND_EVERY.total_seconds(), tend),
        ("settings", LOOK_EVERY.total_seconds(), settings),
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
        _, late = await asyncio.wait(app.tasks, timeout=IN_FLIGHT_ENDS_WITHIN.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
