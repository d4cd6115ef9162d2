"""Answers that lie, stall or flood: each ends as one told error, bounded in time and memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import FetchError, FetchFailure
from monitor.model import Fetched
from tests.fetch_parts import RSS, Asked, Script, Site, answer, feed, fetcher, redirect, state

SHORT = timedelta(seconds=0.3)


async def refused(script: Script, **options: object) -> FetchError:
    async with Site({"/": script}) as site, fetcher(**options) as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
        assert "MARKER" not in str(error.value)
        site.pages["/"] = answer()
        assert isinstance(
            await web.fetch(feed(site.url()), state(site.url())), Fetched
        )  # it harmed nothing that follows
    return error.value


def test_bombs_stop_at_the_cap_and_memory_stays_near_it() -> None:
    program = Path(__file__).with_name("fetch_memory.py")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.{program.stem}"],
        cwd=program.parent.parent,
        check=True,
        capture_output=True,
        timeout=100,
    )
    found = json.loads(done.stdout)
    assert {target: said for target, (said, _) in found.items()} == {
        "/warm": "fetched",
        "/gzip": "too-large",
        "/br": "too-large",
        "/zstd": "too-large",
        "/stacked": "encoding",
        "/endless": "too-large",
    }
    assert sum(rise for _, rise in found.values()) < 40, found  # the cap is 10 MB


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    error = await refused(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx")
    assert error.kind is FetchFailure.TOO_LARGE
    assert "10 MB" in str(error)


async def test_a_body_at_the_cap_passes_and_one_byte_more_does_not() -> None:
    for size, fits in ((1000, True), (1001, False)):
        for body, extra in ((b"x" * size, ()), (gzip.compress(b"x" * size, mtime=0), (("Content-Encoding", "gzip"),))):
            async with Site({"/": answer(200, body, *extra)}) as site, fetcher(max_body_bytes=1000) as web:
                if fits:
                    assert len((await web.get(site.url())).body) == size
                    continue
                with pytest.raises(FetchError) as error:
                    await web.get(site.url())
                assert error.value.kind is FetchFailure.TOO_LARGE


async def test_a_body_without_end_or_length_stops_at_the_cap() -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"MARKER" * 1000)
            await writer.drain()

    assert (await refused(endless, max_body_bytes=50_000)).kind is FetchFailure.TOO_LARGE


async def slow_body(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def slow_head(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: MARKER\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def slow_redirect(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.12)
    writer.write(redirect("/"))


@pytest.mark.parametrize("script", [slow_body, slow_head, silent, slow_redirect])
async def test_the_whole_fetch_has_one_deadline(script: Script) -> None:
    before = time.monotonic()
    error = await refused(script, total_timeout=SHORT)
    assert error.kind is FetchFailure.TIMEOUT
    assert time.monotonic() - before < 3
    assert "0.3 s" in str(error)


async def reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nMARK")
    await writer.drain()
    writer.transport.abort()


async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    "script",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nMARKER",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nMARKER",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nMARKER\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: MARKER\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"MARKER" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: MARKER\r\n" % n for n in range(5000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nBad\x00Header: MARKER\r\n\r\n",
        b"HTTP/9.9 MARKER\r\n\r\n",
        b"<rss>MARKER</rss>",
        b"SSH-2.0-MARKER\r\n",
        b"\x00\xff" * 100,
        hang_up,
    ],
    ids=range(13),
)
async def test_what_is_not_proper_http_is_a_protocol_error(script: Script) -> None:
    assert (await refused(script)).kind is FetchFailure.PROTOCOL


async def test_a_connection_that_breaks_off_is_told() -> None:
    assert (await refused(reset)).kind in (FetchFailure.CONNECT, FetchFailure.PROTOCOL)


async def test_two_hundred_headers_pass() -> None:
    fields = [(f"X-{n}", "v") for n in range(199)]  # and Content-Length
    async with Site({"/": answer(200, RSS, *fields)}) as site, fetcher() as web:
        assert (await web.get(site.url())).body == RSS
    assert (await refused(answer(200, RSS, *fields, ("X-More", "v")))).kind is FetchFailure.PROTOCOL


@pytest.mark.parametrize(
    ("encoding", "body", "kind"),
    [
        ("gzip", RSS, FetchFailure.ENCODING),
        ("br", RSS, FetchFailure.ENCODING),
        ("zstd", RSS, FetchFailure.ENCODING),
        ("compress", RSS, FetchFailure.ENCODING),
        ("MARKER", RSS, FetchFailure.ENCODING),
        ("gzip, br", gzip.compress(RSS, mtime=0), FetchFailure.ENCODING),
        ("gzip", gzip.compress(RSS, mtime=0)[:-5], FetchFailure.PROTOCOL),
        ("gzip", gzip.compress(b"", mtime=0), FetchFailure.EMPTY),
        ("gzip", b"", FetchFailure.EMPTY),
    ],
)
async def test_a_body_that_is_not_encoded_as_said_is_refused(encoding: str, body: bytes, kind: FetchFailure) -> None:
    assert (await refused(answer(200, body, ("Content-Encoding", encoding)))).kind is kind


async def test_encodings_in_two_header_lines_count_as_two() -> None:
    page = answer(200, gzip.compress(RSS, mtime=0), ("Content-Encoding", "gzip"), ("Content-Encoding", "gzip"))
    assert (await refused(page)).kind is FetchFailure.ENCODING


@pytest.mark.parametrize(
    "cookie", ["a" * 9000, "\xff=\xfe", "=", ";;;", "a=b; Expires=" + "1" * 4000, "a=b; Max-Age=x"]
)
async def test_a_strange_cookie_harms_nothing(cookie: str) -> None:
    async with Site({"/": redirect("/b", 302, ("Set-Cookie", cookie)), "/b": answer()}) as site, fetcher() as web:
        assert (await web.get(site.url())).body == RSS


async def test_cookies_are_few() -> None:
    lines = [("Set-Cookie", f"c{n}=v") for n in range(100)]
    async with Site({"/": redirect("/b", 302, *lines), "/b": answer()}) as site, fetcher() as web:
        await web.get(site.url())
    assert site.asked[1].headers["cookie"].count("=") == 20
