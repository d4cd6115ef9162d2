"""Commands that run or look at the watch: run, demo, digest, status, doctor, channels."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import (
    ago,
    config_option,
    emit,
    json_option,
    now,
    read_store,
    say,
    settings,
    table,
    write_store,
)
from monitor.errors import AlreadyRunning, ConfigError, LongarmError, NoStateYet
from monitor.model import DIGEST_LANGUAGES, ChannelRules, ChannelState

if TYPE_CHECKING:
    from monitor.doctor import Finding

_log_options = (
    click.option(
        "--log-level",
        default="INFO",
        show_default=True,
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    ),
    click.option("--log-json", is_flag=True, help="One JSON object a line instead of text."),
)


def _logged(command: Any) -> Any:
    for option in reversed(_log_options):
        command = option(command)
    return command


@click.command()
@config_option
@click.option("--once", is_flag=True, help="Poll everything due, deliver, exit.")
@_logged
def run(config: Path, once: bool, log_level: str, log_json: bool) -> None:
    """Poll feeds, score articles, send alerts and digests, until stopped.

    An edit of the configuration is taken up within a minute, or at once at SIGHUP; one that can't be used is told.

    \b
    Example:
      LONGARM_TELEGRAM_TOKEN_FILE=token longarm run --config feeds.toml
    """
    from monitor import app, log  # noqa: PLC0415
    from monitor.reload import Edits  # noqa: PLC0415

    log.configure(level=log_level, json=log_json)
    loaded = settings(config)
    if once:
        report = asyncio.run(app.run_once(loaded))
        log.get(__name__).info(
            "polled", feeds=report.polled, failed=report.failed, new=report.new, announced=report.announced
        )
    else:
        from monitor import bot  # noqa: PLC0415

        edits = Edits(config, os.environ)
        asyncio.run(app.run(loaded, edits=edits, beside=lambda opened: bot.run(opened, edits)))


@click.command()
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep what is written here; a temporary folder otherwise.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 168),
    default=168,
    show_default=True,
    help="How much of the week to play.",
)
def demo(state: Path | None, hours: int) -> None:
    """Play a week of bundled sample news through the real code, in fast-forward.

    \b
    Example:
      longarm demo --state demo-state
    """
    from monitor import log  # noqa: PLC0415
    from monitor.demo.play import play  # noqa: PLC0415

    log.configure(level="ERROR")
    folder = state or Path(tempfile.mkdtemp(prefix="longarm-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise LongarmError(f"{folder}: is not empty; name an empty folder, or delete it")
    asyncio.run(play(folder, hours=hours))


@click.command()
@config_option
@click.option("--week", help="An ISO week such as 2026-W47; the last whole week otherwise.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "svg", "png"]),
    default="text",
    show_default=True,
    help="svg and png are one picture of the half year; png needs the extra “pictures”.",
)
@click.option("--channel", "name", help="As this channel gets it, in its language; everything otherwise.")
@click.option(
    "--language",
    type=click.Choice(DIGEST_LANGUAGES),
    help="What the digest says for itself; headlines stay as they are.",
)
def digest(config: Path, week: str | None, form: str, name: str | None, language: str | None) -> None:
    """Show the digest of a week, from what is stored.

    \b
    Example:
      longarm digest --week 2026-W47 --format html > week.html
    """
    from monitor.digest import picture, queueing  # noqa: PLC0415
    from monitor.sampling import Sampled  # noqa: PLC0415

    loaded = settings(config)
    rules = _rules(loaded, name) if name else ChannelRules(name="")
    rules = replace(rules, language=language or rules.language)
    if form == "png":
        picture.must_be_there()
    with read_store(loaded) as store:
        feeds = {feed.url: feed for feed in loaded.feeds}
        drawn = "svg" if form == "png" else form
        said = queueing.shown(
            store,
            week=week,
            form=drawn,
            tz=loaded.timezone,
            now=now(),
            feeds=feeds,
            rules=rules,
            missed=Sampled(store, loaded.state_dir, loaded.timezone),
        )
    click.echo(picture.as_png(said) if form == "png" else said, nl=form != "png")


def _rules(loaded: Any, name: str) -> ChannelRules:
    found: dict[str, ChannelRules] = {channel.name: channel.rules for channel in loaded.channels}
    if name not in found:
        raise ConfigError(f"--channel: no channel is called “{name}”; known are {', '.join(found)}")
    return found[name]


_QUIET_TOO_LONG = timedelta(minutes=30)
_WAITS_TOO_LONG = timedelta(minutes=10)


@click.command()
@config_option
@json_option
@click.option("--alive", is_flag=True, help="Only whether it polls and sends: for health checks.")
def status(config: Path, as_json: bool, alive: bool) -> int:
    """Say how the watch is doing; exit code 1 when something needs a person.

    \b
    Example:
      longarm status --json
    """
    loaded = settings(config)
    moment = now()
    with read_store(loaded) as store:
        counts = store.counts()
        if alive:
            polls = [state.polled_at for state in store.feed_states() if state.polled_at]
            return _alive(loaded, polls, store.waiting_since(), moment)
        notices = store.open_notices()
        paused = [state for state in store.channel_states().values() if state.paused_at]
    if as_json:
        emit({**counts, "notices": [asdict(n) for n in notices], "paused": [asdict(p) for p in paused]})
    else:
        table("Longarm", ("what", "count"), [(key.replace("_", " "), value) for key, value in counts.items()])
        for channel in paused:
            say(f"paused: channel “{channel.channel}” since {ago(channel.paused_at, moment)} ago: {channel.reason}")
            say(f"        mend that, then: longarm channels resume {channel.channel}")
        for notice in notices:
            say(f"open: {notice.text}")
    return 1 if paused or notices else 0


def _alive(loaded: Any, polls: list[datetime], waiting: dict[str, datetime], moment: datetime) -> int:
    from monitor.wishes import held_until  # noqa: PLC0415

    if not polls or moment - max(polls) > _QUIET_TOO_LONG:
        silent = f"for {ago(max(polls), moment)}" if polls else "yet"
        raise LongarmError(f"no feed was polled {silent}; is the daemon running?")
    rules = [channel.rules for channel in loaded.channels]
    quiet = {rule.name for rule in rules if held_until(rule, tz=loaded.timezone, now=moment) is not None}
    for name, since in waiting.items():
        if name not in quiet and moment - since > _WAITS_TOO_LONG:
            raise LongarmError(f"channel “{name}”: a message waits since {since:%d %b %H:%M} UTC; see `longarm status`")
    click.echo("alive")
    return 0


@click.command()
@config_option
@json_option
def doctor(config: Path, as_json: bool) -> int:
    """Check configuration, state, clock, model, channel rights and the bot; say what to do. Sends nothing.

    \b
    Example:
      longarm doctor
    """
    findings = asyncio.run(_examined(config))
    if as_json:
        for finding in findings:
            emit(asdict(finding))
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.fine else 'BAD '} {finding.what}: {finding.says}")
            if finding.mend:
                say(f"     -> {finding.mend}")
    return 0 if all(finding.fine for finding in findings) else 1


async def _examined(config: Path) -> list[Finding]:
    from monitor.bot.checking import check  # noqa: PLC0415 - imports python-telegram-bot
    from monitor.doctor import examine  # noqa: PLC0415

    return [*await examine(config, os.environ, now()), *await check(config, os.environ, now())]


@click.group()
def channels() -> None:
    """List, test, resume and release channels.

    \b
    Example:
      longarm channels list
    """


@channels.command("list")
@config_option
@json_option
def channels_list(config: Path, as_json: bool) -> None:
    """Show the channels, what they get, and whether they are paused.

    \b
    Example:
      longarm channels list --json
    """
    loaded = settings(config)
    states: dict[str, ChannelState] = {}
    with contextlib.suppress(NoStateYet), read_store(loaded) as store:  # before the first run none is paused
        states = store.channel_states()
    rows = []
    for channel in loaded.channels:
        state = states.get(channel.name)
        rows.append(
            {
                "name": channel.name,
                "type": channel.type,
                "chat": (state.chat if state else "") or channel.chat,
                "alerts": channel.rules.alerts,
                "digest": channel.rules.digest or "no",
                "state": f"paused: {state.reason}" if state and state.paused_at else "fine",
            }
        )
    if as_json:
        for row in rows:
            emit(row)
        return
    table(f"{len(rows)} channels", tuple(rows[0]) if rows else (), [tuple(row.values()) for row in rows])


@channels.command("test")
@click.argument("name")
@config_option
def channels_test(name: str, config: Path) -> None:
    """Send a test message to the channel NAME; say what is missing if it does not arrive.

    \b
    Example:
      longarm channels test main
    """
    problems = asyncio.run(_test(config, name))
    if problems:
        raise LongarmError(f"channel “{name}”: {'; '.join(problems)}")
    click.echo(f"channel “{name}”: the test message was accepted")


async def _test(config: Path, name: str) -> tuple[str, ...]:
    from monitor.doctor import one_channel  # noqa: PLC0415
    from monitor.errors import SendError  # noqa: PLC0415
    from monitor.model import Message  # noqa: PLC0415

    async with one_channel(settings(config), name) as channel:
        problems = await channel.check()
        if problems:
            return problems
        try:
            await channel.send(
                Message(text="Longarm: this is a test message. Alerts will come here."), possible_repeat=False
            )
        except SendError as error:
            return (str(error),)
    return ()


@channels.command("resume")
@click.argument("name")
@config_option
def channels_resume(name: str, config: Path) -> None:
    """Send again to a channel that was paused; its queue was kept.

    \b
    Example:
      longarm channels resume main
    """
    from monitor import errands  # noqa: PLC0415

    loaded = settings(config)
    try:
        with write_store(loaded) as store:
            _must_be_known(store, name)
            store.resume_channel(name)
    except AlreadyRunning:
        with read_store(loaded) as store:
            _must_be_known(store, name)
        errands.ask_to_resume(loaded.state_dir, name)
        click.echo(f"channel “{name}”: the running `longarm run` was asked to resume it, and does so within seconds")
    else:
        click.echo(f"channel “{name}”: resumed; its queue is sent by the next `longarm run`")


@channels.command("release")
@click.argument("name")
@config_option
def channels_release(name: str, config: Path) -> None:
    """Send what was held back for a channel, because too much came at once or a feed changed.

    \b
    Example:
      longarm channels release main
    """
    from monitor import errands  # noqa: PLC0415

    loaded = settings(config)
    if name not in {channel.name for channel in loaded.channels}:
        raise LongarmError(f"{name}: no channel has this name; `longarm channels list` shows them")
    try:
        with write_store(loaded) as store:
            count = store.release(name, now=now())
    except AlreadyRunning:
        errands.ask_to_release(loaded.state_dir, name)
        click.echo(f"channel “{name}”: the running `longarm run` was asked to release it, and does so within seconds")
    else:
        click.echo(f"channel “{name}”: {count} held messages released; they are sent by the next `longarm run`")


def _must_be_known(store: Any, name: str) -> None:
    if name not in store.channel_states():
        raise LongarmError(f"{name}: no channel of this name is paused; `longarm channels list` shows them")
