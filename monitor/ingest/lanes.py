"""Lets at most so many requests go to one host at once. Counts only: it knows neither URLs nor HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager


class Lanes:
    """At most `per_host` requests at once to one host. Lanes that nobody uses are forgotten."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._lanes: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[None]:
        """Wait for a place in `host`'s lane and hold it."""
        semaphore, users = self._lanes.setdefault(host, (asyncio.Semaphore(self._per_host), []))
        users.append(None)
        try:
            async with semaphore:
                yield
        finally:
            users.pop()
            if not users:
                del self._lanes[host]


class Place:
    """A place in one host's lane. To change lanes it leaves one before it waits for the next: no two wait in a ring."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._held = AsyncExitStack()
        self._host: str | None = None

    async def move(self, host: str) -> None:
        """Be in `host`'s lane, waiting if need be."""
        if host == self._host:
            return
        await self.leave()
        await self._held.enter_async_context(self._lanes.hold(host))
        self._host = host

    async def leave(self) -> None:
        """Be in no lane."""
        self._host = None
        await self._held.aclose()
