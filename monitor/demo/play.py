"""Plays the sample week: the real app against the sample site, hour by hour in virtual time."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor import app, config
from monitor.demo.server import DemoSite
from monitor.digest import queueing
from monitor.model import Decision, Feed
from monitor.poll import poll_due

START = datetime(2026, 2, 9, tzinfo=UTC)
"""Monday of the sample week."""

WEEK = "2026-W07"
STEP = timedelta(hours=1)
DIGEST_AFTER = timedelta(hours=9)


async def play(folder: Path, *, hours: int) -> None:
    """Play `hours` of the week into `folder`; alerts and the digest go to standard output."""
    folder.mkdir(parents=True, exist_ok=True)
    async with DemoSite(START) as site:
        path = folder / "feeds.toml"
        path.write_text(feeds_toml(site.feeds()), encoding="utf-8")
        settings = config.load(path, {})
        print(f"A week of sample news, {len(settings.feeds)} feeds, in fast-forward. Alerts as a channel shows them:\n")
        async with app.opened(settings, now=START, stream=sys.stdout) as opened:
            polls = await _hours(site, opened, hours)
            summary = _summary(opened, polls)
            week = queueing.shown(
                opened.store, week=WEEK, form="text", tz=settings.timezone, now=site.now, feeds=opened.watch.feeds
            )
    print(f"\n{'─' * 72}\nThe weekly digest:\n\n{week}\n{'─' * 72}")
    print(summary)
    print(_where(folder))


async def _hours(site: DemoSite, opened: app.App, hours: int) -> int:
    polls = 0
    end = START + timedelta(hours=hours) + DIGEST_AFTER
    now = START
    while now <= end:
        site.now = now
        polls += (await poll_due(opened.watch, now)).polled
        app.digest_pass(opened, now)
        while (await app.deliver_pass(opened, now)).progressed:
            pass
        now += STEP
    return polls


def feeds_toml(feeds: tuple[Feed, ...]) -> str:
    """The configuration of the sample week, as a person would write it."""
    lines = [
        "# Written by `longarm demo`: sample feeds on this machine.",
        "[monitor]",
        'timezone = "UTC"',
        'state = "state"',
        "[network]",
        'allow = ["127.0.0.1/32"]',
        "[relevance]",
        "read_pages = false",  # the sample articles have none
        "[[channels]]",
        'name = "console"',
        'type = "console"',
        "alerts = true",
        'digest = "mon 08:00"',
    ]
    for feed in feeds:
        lines += ["[[feeds]]", f'url = "{feed.url}"', f'name = "{feed.name}"', 'every = "1h"']
        if feed.language:
            lines.append(f'language = "{feed.language}"')
    return "\n".join(lines) + "\n"


def _summary(opened: app.App, polls: int) -> str:
    articles = list(opened.store.export("articles"))
    stories = list(opened.store.export("stories"))
    deliveries = list(opened.store.export("deliveries"))
    alerted = sum(1 for article in articles if article["verdict"] == Decision.ALERT.value)
    sent = [row["kind"] for row in deliveries if row["state"] == "sent" and row["story"]]
    return (
        f"{polls} polls · {len(articles)} articles · {alerted} of them worth an alert · "
        f"{len(stories)} stories · {sent.count('send')} alerts sent, each story once · "
        f"{sent.count('edit')} edited as more sources came, {sent.count('reply')} answered by what was really new"
    )


def _where(folder: Path) -> str:
    state = folder / "state"
    return (
        f"written: {state}/digests (the digest as a page, Markdown and text), {state} (the database), "
        f"{folder}/feeds.toml (the settings)\n"
        f"look:    longarm search --config {folder}/feeds.toml police\n"
        f"         longarm status --config {folder}/feeds.toml\n"
        "next:    edit feeds.toml, then make run"
    )
