"""Listens at an address for messages from outside, and reads no more of one than it must.

For what stands behind a reverse proxy that speaks TLS, and where each message proves itself: hubs, Telegram. It says
nothing about itself, writes no address, header or text down, and decides on nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from monitor.errors import ConfigError

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class _Server(uvicorn.Server):
    """The library's server; signals stay with the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def nothing(status: int) -> Response:
    """An answer without a word."""
    return Response(status_code=status, headers=HEADERS)


async def body(request: Request, *, at_most: int, within: float) -> bytes | None:
    """The whole message; None where it is longer than `at_most` bytes, takes more than `within` seconds or is cut."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > at_most):
        return None
    read = bytearray()
    try:
        async with asyncio.timeout(within):
            async for chunk in request.stream():
                read += chunk
                if len(read) > at_most:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(read)


@asynccontextmanager
async def listening(app: Starlette, listen: str, *, key: str) -> AsyncIterator[tuple[str, int]]:
    """Listen at `listen` ("host:port", the value of `key`) inside the block; give the address that was taken.

    Raises:
        ConfigError: it can't be listened on.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    try:
        where = socket.create_server((bare, int(port)), family=socket.AF_INET6 if ":" in bare else socket.AF_INET)
    except OSError as error:
        why = error.strerror or "no such address"
        raise ConfigError(f"{key}: {listen} can't be listened on ({why}); name a free address") from None
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", ws="none", limit_concurrency=100, timeout_keep_alive=10, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[where]))
    try:
        yield where.getsockname()[:2]
    finally:
        server.should_exit = True
        await task
        where.close()
