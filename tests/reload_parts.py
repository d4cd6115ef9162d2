"""A watch that is open, and its feeds.toml that is edited under it."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from monitor import app, config
from monitor.model import FeedState
from monitor.reload import Edits
from tests.whole_parts import table, write_toml

HOUR = timedelta(hours=1)
DESK = table("channels", name="desk", type="console", operators=True)
A = table("feeds", url="https://a.example/rss", name="A")
B = table("feeds", url="https://b.example/rss", name="B")


@dataclass
class Scene:
    """A watch that is open, its feeds.toml, and what its console shows. Time goes on as the test says."""

    folder: Path
    app: app.App
    edits: Edits
    heard: io.StringIO

    def write(self, *tables: str, relevance: str = "") -> None:
        write_toml(self.folder, *tables, relevance=relevance)

    async def look(self, *tables: str, relevance: str = "") -> None:
        """Write the file, look at it, and wait until everything that follows from it is done."""
        if tables:
            self.write(*tables, relevance=relevance)
        app.look(self.app, self.edits, now=app.utc_now(), at_once=True)
        await asyncio.gather(*(task for task in self.app.tasks if task.get_name() in ("move", "close")))

    async def poll(self, *, after: timedelta = HOUR) -> None:
        await app.poll_due(self.app.watch, app.utc_now() + after)

    async def deliver(self) -> str:
        """Send all; return what the console showed since the last time."""
        self.heard.seek(0)
        self.heard.truncate()
        while (await app.deliver_pass(self.app, app.utc_now())).progressed:
            pass
        return " ".join(self.heard.getvalue().replace("\u2060", "").split())

    def open_keys(self) -> list[str]:
        return [notice.key for notice in self.app.store.open_notices()]

    def state(self, url: str) -> FeedState:
        """What is remembered of a feed."""
        found = self.app.store.feed_state(url)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def scene(folder: Path, *tables: str) -> AsyncIterator[Scene]:
    heard = io.StringIO()
    path = write_toml(folder, *(tables or (A,)), DESK)
    async with app.opened(config.load(path, {}), stream=heard, new_feeds_at_once=True) as opened:
        yield Scene(folder=folder, app=opened, edits=Edits(path, {}), heard=heard)
