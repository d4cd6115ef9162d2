"""Parts for the fetcher's tests: a scriptable site on loopback, and builders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from monitor.ingest.fetch import Fetcher
from monitor.ingest.guard import Guard
from monitor.model import Feed, FeedState

LOOPBACK = "127.0.0.1/32"
RSS = b'<rss version="2.0"><channel><title>News</title></channel></rss>'


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]


Script = bytes | Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = RSS, *headers: tuple[str, str], length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers)]
    if length and status != 304:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(to: str, status: int = 302, *headers: tuple[str, str]) -> bytes:
    return answer(status, b"", ("Location", to), *headers)


@dataclass(slots=True)
class Site:
    """A raw server on loopback. `pages`: target -> one answer, or several in order (the last one stays)."""

    pages: dict[str, Script | list[Script]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    now: int = 0
    most: int = 0
    tls: Any = None
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    def url(self, target: str = "/", host: str = "127.0.0.1") -> str:
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{target}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        self.connections += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            fields = dict(line.split(": ", 1) for line in head[1:] if line)
            asked = Asked(method, target, {name.lower(): value for name, value in fields.items()})
            self.asked.append(asked)
            script = self._next(target)
            if isinstance(script, bytes):
                writer.write(script)
                await writer.drain()
            else:
                await script(asked, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.now -= 1
            self._tasks.discard(task)
            writer.close()

    def _next(self, target: str) -> Script:
        script = self.pages.get(target, answer(404, b"no"))
        if isinstance(script, list):
            return script.pop(0) if len(script) > 1 else script[0]
        return script


def names(**known: str | Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver: "news_test" stands for news.test; several addresses as a list."""
    table = {name.replace("_", "."): [ips] if isinstance(ips, str) else list(ips) for name, ips in known.items()}

    async def resolve(host: str, port: int) -> Sequence[str]:
        return table.get(host, [])

    return resolve


def guard(*allow: str, **known: str | Sequence[str]) -> Guard:
    return Guard(allow or (LOOPBACK,), resolver=names(**known))


def fetcher(use: Guard | None = None, **options: Any) -> Fetcher:
    return Fetcher(use or guard(), **{"user_agent": "Mozilla/5.0", **options})


def feed(url: str, **more: Any) -> Feed:
    return Feed(url=url, **more)


def state(url: str, **more: Any) -> FeedState:
    return FeedState(url=url, **more)
