"""Is the set-up fit to run? Looks at everything, changes and sends nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monitor import app, config
from monitor.alerts.channels.base import Channel
from monitor.errors import AlreadyRunning, ConfigError, LongarmError, ModelError, NoStateYet, StateError
from monitor.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, what it says, and what to do when it is not fine."""

    what: str
    fine: bool
    says: str
    mend: str = ""


async def examine(path: Path, environ: Mapping[str, str], now: datetime) -> list[Finding]:
    """Look at configuration, model, state, clock, channels and feeds, in this order."""
    try:
        settings = config.load(path, environ)
    except ConfigError as error:
        return [
            Finding(what="configuration", fine=False, says=problem, mend=f"edit {path}") for problem in error.problems
        ]
    enabled = sum(feed.enabled for feed in settings.feeds)
    findings = [
        Finding(
            what="configuration",
            fine=True,
            says=f"{path}: {enabled} feeds, {len(settings.channels)} channels",
        ),
        *(Finding(what="configuration", fine=False, says=warning) for warning in settings.warnings),
        _model(settings),
        *_state(settings, now),
    ]
    return findings + [await _channel(settings, channel.name) for channel in settings.channels]


def _model(settings: config.Settings) -> Finding:
    try:
        return Finding(what="model", fine=True, says=app.load_classifier(settings).name)
    except ModelError as error:
        return Finding(what="model", fine=False, says=str(error), mend="longarm train")


def _state(settings: config.Settings, now: datetime) -> list[Finding]:
    url = settings.database_url.reveal() if settings.database_url else None
    try:
        with Store.open(settings.state_dir, url=url, now=now, read_only=True) as store:
            store.check()
            counts = store.counts()
            states = store.feed_states()
            paused = [state for state in store.channel_states().values() if state.paused_at]
    except AlreadyRunning as error:
        return [Finding(what="state", fine=True, says=str(error))]
    except NoStateYet:
        says = f"{'the database' if url else settings.state_dir}: empty; the first run creates it"
        return [Finding(what="state", fine=True, says=says)]
    except StateError as error:
        return [Finding(what="state", fine=False, says=str(error))]
    shown = ("articles", "stories", "labels", "pending", "sent", "held", "dead")
    says = ", ".join(f"{counts[key]} {key}" for key in shown if key in counts)
    findings = [Finding(what="state", fine=True, says=says)]
    latest = max((state.polled_at for state in states if state.polled_at), default=None)
    if latest is not None:
        ahead = latest - now > timedelta(minutes=5)
        mend = "set the clock (NTP); stored times shift when the daemon sees it jump" if ahead else ""
        findings.append(Finding(what="clock", fine=not ahead, says=f"last poll {latest:%Y-%m-%d %H:%M} UTC", mend=mend))
    failing = [state for state in states if state.failures]
    findings.append(
        Finding(
            what="feeds",
            fine=len(failing) < max(len(states), 1),
            says=f"{len(failing)} of {len(states)} failing",
            mend="longarm feeds list --sort errors" if failing else "",
        )
    )
    findings += [
        Finding(
            what=f"channel {state.channel}", fine=False, says=f"paused: {state.reason}",
            mend=f"mend that, then: longarm channels resume {state.channel}",
        )
        for state in paused
    ]  # fmt: skip
    return findings


async def _channel(settings: config.Settings, name: str) -> Finding:
    what = f"channel {name}"
    try:
        async with one_channel(settings, name) as channel:
            problems = await channel.check()
    except LongarmError as error:
        return Finding(what=what, fine=False, says=str(error))
    if problems:
        return Finding(what=what, fine=False, says="; ".join(problems))
    return Finding(what=what, fine=True, says="can be written to")


@contextlib.asynccontextmanager
async def one_channel(settings: config.Settings, name: str) -> AsyncIterator[Channel]:
    """Build one channel without opening the state.

    Raises:
        LongarmError: there is none of this name, or it lacks its secret.
    """
    chosen = next((channel for channel in settings.channels if channel.name == name), None)
    if chosen is None:
        known = ", ".join(channel.name for channel in settings.channels)
        raise LongarmError(f"{name}: no such channel in feeds.toml; it has: {known}")
    channel, warnings = app.build_channel(chosen, settings, chosen.chat, sys.stdout)
    try:
        if warnings:
            raise LongarmError(warnings[0])
        yield channel
    finally:
        await channel.aclose()
