"""Parsing in child processes that can be killed, so that no feed can stop the watch.

A thread would not do: the work that hostile bytes cause holds the interpreter's lock, and a thread can't be ended. A
fresh process for each feed would do, but costs more than most feeds; so children are kept warm, used for many feeds,
and replaced after a while or when one overran. A child inherits nothing: not the environment with its secrets, not a
file, not the terminal's signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from monitor.errors import ParseError
from monitor.ingest import wire
from monitor.ingest.page import FeedLink, Reading, WebPage
from monitor.model import ParsedFeed

FEEDS_PER_CHILD = 1_000
START_SECONDS = 60.0
T = TypeVar("T")
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {"PYTHONPATH": str(_PACKAGE_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "LANG": "C.UTF-8"}


@dataclass(slots=True, kw_only=True)
class _Child:
    process: asyncio.subprocess.Process
    feeds: int = 0
    killed: bool = False

    @property
    def alive(self) -> bool:
        assert self.process.stdout is not None
        return self.process.returncode is None and not self.process.stdout.at_eof()

    def kill(self) -> None:
        """Kill the process, once: a signal to one that is dead already takes its exit status away from asyncio."""
        if not self.killed and self.process.returncode is None:
            self.killed = True
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()


class Parser:
    """Parses feeds in `workers` child processes; an async context manager.

    Each feed may use `cpu_seconds` of processor time and be worked on for `wall_seconds`; a child holds at most
    `memory_bytes`. Children start when they are first needed.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        cpu_seconds: int = 5,
        memory_bytes: int = 1024**3,
        wall_seconds: float = 20.0,
        feeds_per_child: int = FEEDS_PER_CHILD,
    ) -> None:
        self._command = (sys.executable, "-m", "monitor.ingest.parser_child", str(cpu_seconds), str(memory_bytes))
        self._wall_seconds = wall_seconds
        self._feeds_per_child = feeds_per_child
        self._workers = workers
        self._closed = False
        self._slots = asyncio.Semaphore(workers)
        self._idle: deque[_Child] = deque()
        self._children: list[_Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._idle.clear()
        for child in self._children:
            child.kill()
        for _ in range(self._workers):
            await self._slots.acquire()  # whoever still waits for an answer sees the child gone and clears it away
        for child in tuple(self._children):
            await self._end(child)
        for _ in range(self._workers):
            self._slots.release()

    async def parse(self, body: bytes, *, url: str, content_type: str = "", max_entries: int = 500) -> ParsedFeed:
        """Parse a feed's bytes as `parse_bytes` does.

        Raises:
            ParseError: the bytes are no feed, or (`killed`) parsing them broke the limits.
        """
        header = {"url": url, "content_type": content_type, "max_entries": max_entries}
        return await self._done("feed", header, body, wire.unpacked)

    async def read_article(self, body: bytes, *, url: str, content_type: str = "") -> Reading:
        """Read an article's page as `page.read_article` does.

        Raises:
            ParseError: (`killed`) reading it broke the limits.
        """
        header = {"url": url, "content_type": content_type}
        return await self._done("page", header, body, lambda found: Reading(**found))

    async def web_page(self, body: bytes, *, url: str, content_type: str = "") -> WebPage:
        """Name the feeds of a web page as `page.web_page` does. Raises ParseError (`killed`)."""
        header = {"url": url, "content_type": content_type}
        return await self._done("links", header, body, _web_page)

    async def allowed_by(self, robots_txt: bytes, *, url: str, user_agent: str) -> bool:
        """Say whether a robots.txt allows `url` as `robots.allows` does. Raises ParseError (`killed`)."""
        return await self._done("robots", {"url": url, "user_agent": user_agent}, robots_txt, bool)

    async def _done(self, job: str, header: dict[str, Any], body: bytes, read: Callable[[Any], T]) -> T:
        async with self._slots:
            child = await self._take()
            try:
                answer = await asyncio.wait_for(_ask(child, {"job": job, **header}, body), self._wall_seconds)
                found = read(_result(answer, job))
            except ParseError as error:
                await self._give_back(child, sound=not error.killed)
                raise
            except (TimeoutError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
                reason = await self._overrun(child, error, job)
                raise ParseError(f"the {job} could not be parsed: {reason}", killed=True) from None
            except BaseException:
                await asyncio.shield(self._end(child))  # cancelled: its answer would be taken for the next job's
                raise
            await self._give_back(child, sound=True)
            return found

    async def _take(self) -> _Child:
        """An idle child that lives, or a new one."""
        if self._closed:
            raise ParseError("the feed could not be parsed: the parser was closed", killed=True)
        while self._idle:
            child = self._idle.popleft()
            if child.alive:
                return child
            await self._end(child)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the daemon, which closes its children itself
            )
        except OSError as error:
            raise ParseError(f"the parser process does not start: {error.strerror}", killed=True) from None
        child = _Child(process=process)
        self._children.append(child)
        try:
            await asyncio.wait_for(_answer(child), START_SECONDS)
        except (TimeoutError, EOFError, ValueError) as error:
            reason = await self._overrun(child, error)
            raise ParseError(f"the parser process does not start: {reason}", killed=True) from None
        except BaseException:
            await asyncio.shield(self._end(child))
            raise
        return child

    async def _give_back(self, child: _Child, *, sound: bool) -> None:
        child.feeds += 1
        if sound and child.feeds < self._feeds_per_child:
            self._idle.append(child)
        else:
            await self._end(child)

    async def _overrun(self, child: _Child, error: BaseException, job: str = "feed") -> str:
        """End a child that failed; in words, why it did."""
        if isinstance(error, TimeoutError):
            await self._end(child)
            return f"it took more than {self._wall_seconds:g} s"
        await self._end(child, patience=1.0)
        status = child.process.returncode
        if status == -signal.SIGXCPU:
            return f"it took more processor time than a {job} may"
        return (
            f"the parser process was ended by signal {-status}"
            if status and status < 0
            else "the parser process broke off"
        )

    async def _end(self, child: _Child, *, patience: float = 0.0) -> None:
        """Close a child for good: it is gone, its pipes are closed, nothing is left to the garbage collector."""
        process = child.process
        assert process.stdin is not None
        process.stdin.close()
        if patience:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
        child.kill()
        await process.communicate()
        with contextlib.suppress(OSError):
            await process.stdin.wait_closed()
        self._children.remove(child)


async def _ask(child: _Child, header: dict[str, Any], body: bytes) -> dict[str, Any]:
    assert child.process.stdin is not None
    child.process.stdin.write(wire.frame_of(header))
    child.process.stdin.write(wire.frame(body))
    await child.process.stdin.drain()
    return await _answer(child)


async def _answer(child: _Child) -> dict[str, Any]:
    """The child's next message; EOFError (its subclass IncompleteReadError) when it is gone."""
    stream = child.process.stdout
    assert stream is not None
    length = wire.frame_length(await stream.readexactly(wire.LENGTH_BYTES))
    answer = json.loads(await stream.readexactly(length))
    if not isinstance(answer, dict):
        raise ValueError("not a message")
    return answer


def _web_page(found: dict[str, Any]) -> WebPage:
    return WebPage(title=found["title"], feeds=tuple(FeedLink(**link) for link in found["feeds"]))


def _result(answer: dict[str, Any], job: str) -> Any:
    if "error" in answer:
        title = str(answer.get("page_title", ""))
        raise ParseError(str(answer["error"]), killed=bool(answer.get("killed")), page_title=title)
    return answer[job]
