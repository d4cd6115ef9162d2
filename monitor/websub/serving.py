"""Listens for hubs: one address a feed, which answers a verification and takes messages. Nothing else is there.

It decides nothing (`subscribing` does), says nothing about itself, and reads no more of a message than its signature
needs. Meant to stand behind a reverse proxy that speaks TLS.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor import log
from monitor.errors import ConfigError
from monitor.websub.subscribing import Subscriptions, Verification

_log = log.get(__name__)

MAX_BODY_BYTES = 4 * 2**20
READ_WITHIN = 10.0
"""Seconds for a whole message."""

_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class _Server(uvicorn.Server):
    """The library's server; signals stay with the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


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
        return _nothing(404) if answer is None else PlainTextResponse(answer, headers=_HEADERS)

    async def take(request: Request) -> Response:
        if not subscriptions.expects(_path(request)):
            return _nothing(404)
        body = await _body(request)
        if body is None:
            return _nothing(413)
        subscriptions.pushed(_path(request), body, request.headers.get("x-hub-signature", ""))
        return _nothing(202)  # whether the signature was right is not told to whoever may be trying

    where = "/{path:path}"
    return Starlette(routes=[Route(where, verify, methods=["GET"]), Route(where, take, methods=["POST"])])


def _path(request: Request) -> str:
    """The last part of the address: a reverse proxy may or may not have taken off what stands before it."""
    return str(request.path_params["path"]).rpartition("/")[2]


def _nothing(status: int) -> Response:
    return Response(status_code=status, headers=_HEADERS)


async def _body(request: Request) -> bytes | None:
    """The whole message, or None where it is too large, too slow or cut off."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)


@asynccontextmanager
async def listening(
    subscriptions: Subscriptions, listen: str, *, clock: Callable[[], datetime]
) -> AsyncIterator[tuple[str, int]]:
    """Listen at `listen` ("host:port") inside the block; give the address that was taken.

    Raises:
        ConfigError: it can't be listened on.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    try:
        where = socket.create_server((bare, int(port)), family=socket.AF_INET6 if ":" in bare else socket.AF_INET)
    except OSError as error:
        why = error.strerror or "no such address"
        raise ConfigError(f"websub.listen: {listen} can't be listened on ({why}); name a free address") from None
    config = uvicorn.Config(
        built(subscriptions, clock), log_config=None, access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", ws="none", limit_concurrency=100, timeout_keep_alive=10, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[where]))
    _log.info("listening for hubs", address=listen)
    try:
        yield where.getsockname()[:2]
    finally:
        server.should_exit = True
        await task
        where.close()
