"""Serve the sample outlets over HTTP/1.1 on loopback, as of a virtual time that the caller sets.

Listens on 127.0.0.1 and a free port only, keeps no connection open, reads no wall clock. It behaves as feeds on the
open web do: validators and 304, gzip, an outlet that moved, one that is down for a day.

    async with DemoSite(start) as site:
        feeds = site.feeds()
        site.now += timedelta(minutes=15)
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

from monitor.demo import items
from monitor.demo.formats import page
from monitor.demo.items import DemoItem, Outlet
from monitor.model import Feed

REQUEST_SECONDS = 10
MAX_REQUEST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class DemoSite:
    """The sample outlets on loopback. `now` is the virtual time; `answered` counts answers by status code."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.answered: Counter[int] = Counter()
        self._now = start
        self._outlets = {outlet.slug: outlet for outlet in items.outlets(start)}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=MAX_REQUEST_BYTES, backlog=128)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def now(self) -> datetime:
        """The virtual time that answers are given for."""
        return self._now

    @now.setter
    def now(self, value: datetime) -> None:
        if value.tzinfo is None:
            raise ValueError("now has no time zone: pass an aware datetime")
        self._now = value

    @property
    def url(self) -> str:
        """Where the site answers, without a slash at the end. Raises RuntimeError outside of `async with`."""
        if self._server is None:
            raise RuntimeError("the demo site is not running: use it in `async with`")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def feeds(self) -> tuple[Feed, ...]:
        """The subscriptions to the sample outlets, as a `feeds.toml` would hold them."""
        return tuple(
            Feed(
                url=f"{self.url}/old/{outlet.slug}" if outlet.moved else f"{self.url}/{outlet.slug}",
                name=outlet.title,
                language=outlet.language,
            )
            for outlet in self._outlets.values()
        )

    def truth(self) -> tuple[DemoItem, ...]:
        """All items of the week with the truth of them, in order of appearance."""
        every = (item for outlet in self._outlets.values() for item in outlet.items)
        return tuple(sorted(every, key=lambda item: (item.appears_at, item.published_at, item.feed)))

    def expected_events(self, until: datetime | None = None) -> tuple[str, ...]:
        """Name the events that must alert once each when watched from `start` to `until` (a week without it)."""
        return items.expected_events(self.truth(), start=self.start, until=until)

    # ── HTTP ──────────────────────────────────────────────────────────────────────────────────────

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # every coroutine of a server runs as one
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._respond(head))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(self._bytes(_Answer(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), head_only=False))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the asker went away or never asked
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _respond(self, head: bytes) -> bytes:
        request_line, *lines = head.decode("latin-1").split("\r\n")
        words = request_line.split(" ")
        if len(words) != 3 or not words[1].startswith("/"):
            return self._bytes(_Answer(status=HTTPStatus.BAD_REQUEST), head_only=False)
        method, target, _ = words
        asked = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value
        }
        if method not in {"GET", "HEAD"}:
            answer = _Answer(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        else:
            answer = self._answer(target.partition("?")[0].strip("/"), asked)
        return self._bytes(answer, head_only=method == "HEAD")

    def _answer(self, path: str, asked: Mapping[str, str]) -> _Answer:
        outlet = self._outlets.get(path.removeprefix("old/"))
        if outlet is None or (path.startswith("old/") and not outlet.moved):
            return _Answer(status=HTTPStatus.NOT_FOUND, headers={"Content-Type": "text/plain"}, body=b"not here\n")
        if path.startswith("old/"):
            return _Answer(status=HTTPStatus.MOVED_PERMANENTLY, headers={"Location": f"/{outlet.slug}"})
        outage = outlet.down_at(self._now)
        if outage:
            seconds = int(outage.retry_after.total_seconds())
            return _Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(seconds)})
        return self._feed(outlet, asked)

    def _feed(self, outlet: Outlet, asked: Mapping[str, str]) -> _Answer:
        current = page(outlet, self._now, feed_url=f"{self.url}/{outlet.slug}")
        etag = f'"{hashlib.sha256(current.body).hexdigest()[:20]}"'
        headers = {
            "ETag": etag,
            "Last-Modified": format_datetime(current.modified_at.astimezone(UTC), usegmt=True),
            "Vary": "Accept-Encoding",
        }
        if _unchanged(asked, etag, current.modified_at):
            return _Answer(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        body = current.body
        headers["Content-Type"] = current.content_type
        if _takes_gzip(asked.get("accept-encoding", "")):
            body = gzip.compress(body, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return _Answer(status=HTTPStatus.OK, headers=headers, body=body)

    def _bytes(self, answer: _Answer, *, head_only: bool) -> bytes:
        self.answered[int(answer.status)] += 1
        lines = [
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
            f"Date: {format_datetime(self._now.astimezone(UTC), usegmt=True)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        if answer.status is not HTTPStatus.NOT_MODIFIED:
            lines.append(f"Content-Length: {len(answer.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head if head_only else head + answer.body


def _unchanged(asked: Mapping[str, str], etag: str, modified_at: datetime) -> bool:
    tags = asked.get("if-none-match", "")
    if tags:  # decides alone: https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
        return tags == "*" or etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    since = asked.get("if-modified-since", "")
    try:
        return bool(since) and parsedate_to_datetime(since) >= modified_at.replace(microsecond=0)
    except (ValueError, TypeError):
        return False


def _takes_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, _, quality = coding.partition(";")
        if name.strip() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0"}
    return False
