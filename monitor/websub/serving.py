"""Listens for hubs: one address a feed, which answers a verification and takes messages. Nothing else is there.

It decides nothing (`subscribing` does), says nothing about itself, and reads no more of a message than its signature
needs. Meant to stand behind a reverse proxy that speaks TLS.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor import doorway, log
from monitor.websub.subscribing import Subscriptions, Verification

_log = log.get(__name__)

MAX_BODY_BYTES = 4 * 2**20
READ_WITHIN = 10.0
"""Seconds for a whole message."""


def built(subscriptions: Subscriptions, clock: Callable[[], datetime]) -> Starlette:
    """What answers hubs."""

    async def verify(request: Request) -> Response:
        query = request.query_params
        asked = Verification(
            mode=query.get("hub.mode", ""),
            topic=query.get("hub.topic", ""),
            challenge=query.get("hub.challenge", ""),
            lease_seconds=query.get("hub.lease_seconds", ""),
        )
        answer = subscriptions.verified(_path(request), asked, clock())
        return doorway.nothing(404) if answer is None else PlainTextResponse(answer, headers=doorway.HEADERS)

    async def take(request: Request) -> Response:
        if not subscriptions.expects(_path(request)):
            return doorway.nothing(404)
        body = await doorway.body(request, at_most=MAX_BODY_BYTES, within=READ_WITHIN)
        if body is None:
            return doorway.nothing(413)
        subscriptions.pushed(_path(request), body, request.headers.get("x-hub-signature", ""))
        return doorway.nothing(202)  # whether the signature was right is not told to whoever may be trying

    where = "/{path:path}"
    return Starlette(routes=[Route(where, verify, methods=["GET"]), Route(where, take, methods=["POST"])])


def _path(request: Request) -> str:
    """The last part of the address: a reverse proxy may or may not have taken off what stands before it."""
    return str(request.path_params["path"]).rpartition("/")[2]


@asynccontextmanager
async def listening(
    subscriptions: Subscriptions, listen: str, *, clock: Callable[[], datetime]
) -> AsyncIterator[tuple[str, int]]:
    """Listen at `listen` ("host:port") inside the block; give the address that was taken.

    Raises:
        ConfigError: it can't be listened on.
    """
    async with doorway.listening(built(subscriptions, clock), listen, key="websub.listen") as where:
        _log.info("listening for hubs", address=listen)
        yield where
