"""The Telegram bot: what anybody may ask, subscriptions, administrators' commands, reviewers' buttons.

    wire          requests to Telegram                  updates       raw updates become nouns
    words         the reader's language                 limits        how often somebody may ask
    commands, history, subscribing, filters             what anybody may ask
    admin         what administrators may               review        buttons under alerts
    listening     one update: decide, write, answer     daemon        the loops
    webhook       updates that are sent to us, where they are not asked for
    checking      is it fit to be talked to?

An update is handled exactly once: what it changes is written in one transaction with its number. Alerts to subscribers
take the same outbox as all others. docs/design/what-may-the-bot-be-asked.md
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.reload import Edits
    from monitor.wiring import App

LOOK_EVERY = timedelta(seconds=3)


async def run(app: App, edits: Edits | None = None) -> None:
    """Answer what the bot is asked, for as long as the daemon runs; nothing while it is not enabled."""
    while not app.settings.bot.enabled:  # noqa: ASYNC110 - settings are looked at, they call nobody
        await asyncio.sleep(LOOK_EVERY.total_seconds())
    from monitor.bot.daemon import run as running  # noqa: PLC0415 - imports python-telegram-bot

    await running(app, edits)
