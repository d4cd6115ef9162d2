"""Parts for tests of the sample feeds: the start of the week, and an asker that speaks plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from monitor.demo.items import DemoItem
from monitor.demo.server import DemoSite

START = datetime(2026, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@asynccontextmanager
async def asking(now: datetime = START) -> AsyncIterator[tuple[DemoSite, httpx.AsyncClient]]:
    """A running site as of `now`, and a client that talks to it and follows nothing."""
    async with DemoSite(START) as site, httpx.AsyncClient(base_url=site.url, trust_env=False) as client:
        site.now = now
        yield site, client


async def raw(site: DemoSite, request: bytes, *, then_close: bool = False) -> bytes:
    """Send bytes as they are, return all that comes back."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        if then_close:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def hours() -> Iterator[datetime]:
    """Every hour of the week and the one after it."""
    return (START + HOUR * n for n in range(24 * 7 + 1))


def of_feed(site: DemoSite, slug: str) -> list[DemoItem]:
    return [item for item in site.truth() if item.feed == slug]
