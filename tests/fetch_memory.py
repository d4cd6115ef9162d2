"""Run as a program: fetches bombs from a server of its own and prints how far memory rose, in megabytes, for each.

A process of its own, because the peak of memory is one number for the whole life of a process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import brotli
import zstandard

from monitor.errors import FetchError
from tests.fetch_parts import Asked, Site, answer, feed, fetcher, state

BOMB_MB = 256
MEGABYTE = bytes(2**20)


def bomb(name: str) -> bytes:
    return b"".join(_squeezed(name))


def _squeezed(name: str) -> Iterator[bytes]:
    engine: Any
    if name == "br":
        engine, finish = brotli.Compressor(quality=5), "finish"
        for _ in range(BOMB_MB):
            yield engine.process(MEGABYTE)
    else:
        zstd = name == "zstd"
        engine = zstandard.ZstdCompressor().compressobj() if zstd else zlib.compressobj(9, zlib.DEFLATED, 31)
        finish = "flush"
        for _ in range(BOMB_MB):
            yield engine.compress(MEGABYTE)
    yield getattr(engine, finish)()


async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
        await writer.drain()


async def measure() -> dict[str, tuple[str, float]]:
    gz = bomb("gzip")
    thrice = zlib.compressobj(9, zlib.DEFLATED, 31)
    pages = {
        "/warm": answer(200, b"warm"),
        "/gzip": answer(200, gz, ("Content-Encoding", "gzip")),
        "/br": answer(200, bomb("br"), ("Content-Encoding", "br")),
        "/zstd": answer(200, bomb("zstd"), ("Content-Encoding", "zstd")),
        "/stacked": answer(200, thrice.compress(gz) + thrice.flush(), ("Content-Encoding", "gzip, gzip, gzip")),
        "/endless": endless,
    }
    found = {}
    async with Site(dict(pages)) as site, fetcher() as web:
        for target in pages:
            before = _peak()
            try:
                await web.fetch(feed(site.url(target)), state(site.url(target)))
                said = "fetched"
            except FetchError as error:
                said = error.kind.value
            found[target] = (said, (_peak() - before) / 1024)
    return found


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    json.dump(asyncio.run(measure()), sys.stdout)
