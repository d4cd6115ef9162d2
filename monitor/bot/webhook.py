"""Takes updates that Telegram sends to an address of ours, instead of being asked for them. Decides on none.

A request is Telegram's if it shows the secret that was agreed on; that is looked at before a byte of its text is read,
and nothing of it is written down. It is answered with 200 when the update is written, or was before; until then
Telegram sends it again. docs/design/what-may-the-bot-be-asked.md
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor import doorway, log
from monitor.config import Settings
from monitor.errors import StateError

_log = log.get(__name__)

# https://core.telegram.org/bots/api#setwebhook
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of it
MAX_BODY_BYTES = 2**20
"""An update holds a message of 4,096 characters and the one that it answers; a hundredth of this."""
READ_WITHIN = 10.0
"""Seconds for a whole update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where updates are sent to, and where we listen for them."""

    url: str
    listen: str
    secret: str = field(repr=False)


def hook_of(settings: Settings) -> Hook | None:
    """The hook that the settings ask for; None where Telegram is to be asked."""
    bot, token = settings.bot, settings.telegram_token
    if not bot.webhook or token is None:
        return None
    secret = settings.webhook_secret.reveal() if settings.webhook_secret else made_secret(token.reveal())
    return Hook(url=bot.webhook, listen=bot.listen, secret=secret)


def made_secret(token: str) -> str:
    """A secret that only who has the token can know: the same after a restart, another one with another token."""
    return hmac.new(token.encode(), b"longarm webhook", hashlib.sha256).hexdigest()


def built(secret: str, take: Callable[[object], None]) -> Starlette:
    """What answers Telegram. `take` writes an update down, or raises `StateError`."""
    right = secret.encode()

    async def update(request: Request) -> Response:
        shown = request.headers.get(SECRET_HEADER, "").encode("latin-1")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not hmac.compare_digest(shown, right) or kind != "application/json":
            return doorway.nothing(403)
        body = await doorway.body(request, at_most=MAX_BODY_BYTES, within=READ_WITHIN)
        return doorway.nothing(413) if body is None else _taken(body, take)

    # The secret tells who asks, so the path need not: a reverse proxy may have taken off some of it.
    return Starlette(routes=[Route("/{path:path}", update, methods=["POST"])])


def _taken(body: bytes, take: Callable[[object], None]) -> Response:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return doorway.nothing(400)  # damaged on its way: it is sent again
    try:
        take(raw)
    except StateError as error:
        _log.error("an update could not be written and is to come again", error=str(error))
        return doorway.nothing(503)
    return doorway.nothing(200)
