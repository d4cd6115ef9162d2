"""Is the bot fit to be talked to? Asks Telegram, changes and sends nothing; no token stands in what it finds.

Only the server of `[bot] api_url` is asked. Whether another program polls with the same token can't be asked without
taking its updates away: the running watch meets that by itself, and `longarm status` tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from monitor import config
from monitor.alerts.channels.telegram import TelegramLine
from monitor.bot.wire import Me, Sending, Wire
from monitor.config import Settings
from monitor.doctor import Finding
from monitor.errors import ConfigError, LongarmError
from monitor.text import display_host

TIMEOUT = timedelta(seconds=10)
LATELY = timedelta(hours=1)


async def check(path: Path, environ: Mapping[str, str], now: datetime) -> list[Finding]:
    """Look at the bot's token, where its updates go, who may order, and what it hears; nothing where it is not enabled.

    A configuration that can't be used is somebody else's finding.
    """
    try:
        settings = config.load(path, environ)
    except ConfigError:
        return []
    if not settings.bot.enabled:
        return []
    if settings.telegram_token is None:
        mend = "get a token from @BotFather, and set LONGARM_TELEGRAM_TOKEN or LONGARM_TELEGRAM_TOKEN_FILE"
        return [Finding(what="bot token", fine=False, says="none is set: the bot answers nobody", mend=mend)]
    line = TelegramLine(token=settings.telegram_token.reveal(), api_url=settings.bot.api_url, timeout=TIMEOUT)
    wire = Wire(line)
    try:
        me = await wire.me()
        sending = await wire.sent_to()
    except LongarmError as error:
        mend = "is it the bot's newest token, and can this machine reach [bot] api_url? @BotFather shows the token"
        return [Finding(what="bot token", fine=False, says=f"{error}", mend=mend)]
    finally:
        await line.aclose()
    return [
        Finding(what="bot token", fine=True, says=f"@{me.username} answers"),
        _updates(settings, sending, now),
        _persons(settings, me),
        _privacy(me),
    ]


def _updates(settings: Settings, sending: Sending, now: datetime) -> Finding:
    what, wanted = "bot updates", settings.bot.webhook
    at = _site(sending.url)
    if sending.url and sending.url != wanted:
        mode = "are asked for" if not wanted else f"are to be sent to {_site(wanted)}"
        mend = "`longarm run` takes it over; if another program uses this bot, give that one a token of its own"
        says = f"Telegram sends them to {at}, while in feeds.toml they {mode}"
        return Finding(what=what, fine=False, says=says, mend=mend)
    if not wanted:
        return Finding(what=what, fine=True, says="`longarm run` asks for them; no webhook is set")
    if not sending.url:
        says = f"are to be sent to {_site(wanted)}; `longarm run` tells Telegram so"
        return Finding(what=what, fine=True, says=says)
    if sending.failed and sending.failed_at and now - sending.failed_at < LATELY:
        mend = f"does the reverse proxy hand on to {settings.bot.listen}, and does `longarm run` run?"
        says = f"Telegram can't deliver them to {at}: {sending.failed} ({sending.waiting} wait)"
        return Finding(what=what, fine=False, says=says, mend=mend)
    return Finding(what=what, fine=True, says=f"are sent to {at}, {sending.waiting} wait")


def _site(url: str) -> str:
    """Its host alone: in the path many programs put the token."""
    return display_host(url) or "an address"


def _persons(settings: Settings, me: Me) -> Finding:
    bot = settings.bot
    says = f"admins: {len(bot.admins)}, raters: {len(bot.raters)}"
    how = "write the person's number, which a bot such as @userinfobot tells, under [bot]"
    if me.id in (*bot.admins, *bot.raters):
        return Finding(what="bot persons", fine=False, says=f"{says}; one is the bot itself", mend=how)
    if any(channel.review for channel in settings.channels) and not bot.raters:
        return Finding(what="bot persons", fine=False, says=f"{says}: nobody's press counts", mend=how)
    return Finding(what="bot persons", fine=True, says=says, mend="" if bot.admins else f"for /redact and /hold: {how}")


def _privacy(me: Me) -> Finding:
    if not me.hears_groups:
        return Finding(what="bot privacy", fine=True, says="what people say in groups is not sent to it")
    says = "what people say in its groups is sent to it, and it needs none of that"
    return Finding(what="bot privacy", fine=False, says=says, mend="@BotFather: /setprivacy, Enable")
