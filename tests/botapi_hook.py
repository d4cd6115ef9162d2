"""How a Bot API server sends updates to a webhook: one chat's in order, chats side by side, until they are taken.

Part of `botapi`. What is sent to the public address arrives at `proxy`, as if a reverse proxy handed it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
AGAIN_AFTER = 0.15


@dataclass
class Hook:
    """The webhook of a bot; `url` is "" while there is none."""

    proxy: str = ""
    """host:port."""
    url: str = ""
    secret: str = ""
    allowed: tuple[str, ...] = ()
    set_as: list[Json] = field(default_factory=list)
    """How it was set, each time."""
    answers: list[tuple[int, int]] = field(default_factory=list)
    """Update and status of each answer, 0 where there was none."""
    keeps_open: Callable[[Json], bool] = lambda update: False
    """Whether to behave as if the answer about an update had been lost on its way."""
    error: str = ""
    error_at: float = 0.0
    _rests: dict[str, float] = field(default_factory=dict)
    _sending: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def set(self, form: dict[str, str]) -> str:
        """Set it; return what is wrong with the request, "" for nothing."""
        url, secret = form.get("url", ""), form.get("secret_token", "")
        if not url.startswith("https://"):
            return "bad webhook: An HTTPS URL must be provided for webhook"
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            return "secret token contains unallowed characters"
        self.url, self.secret = url, secret
        self.allowed = tuple(json.loads(form.get("allowed_updates", "[]")))
        self.set_as.append(dict(form))
        self.error, self.error_at = "", 0.0
        self._rests.clear()
        return ""

    def remove(self) -> None:
        self.url = ""

    def info(self, waiting: int) -> Json:
        found: Json = {"url": self.url, "has_custom_certificate": False, "pending_update_count": waiting}
        if self.error:
            found |= {"last_error_date": int(self.error_at), "last_error_message": self.error}
        return found

    async def pump(self, updates: list[Json], clock: Callable[[], float]) -> None:
        """Send what waits, for as long as the server runs."""
        try:
            while True:
                await asyncio.sleep(0.01)
                for update in list(updates) if self.url else ():
                    self._send_soon(update, updates, clock)
        finally:
            for task in tuple(self._sending.values()):
                task.cancel()

    def _send_soon(self, update: Json, updates: list[Json], clock: Callable[[], float]) -> None:
        kind = next(name for name in update if name != "update_id")
        if self.allowed and kind not in self.allowed:
            updates.remove(update)
            return
        queue = queue_of(update)
        if queue in self._sending or time.monotonic() < self._rests.get(queue, 0.0):
            return
        task = asyncio.create_task(self._send(update, updates, clock))
        self._sending[queue] = task
        task.add_done_callback(lambda _: self._sending.pop(queue, None))

    async def _send(self, update: Json, updates: list[Json], clock: Callable[[], float]) -> None:
        status = 0
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            status = await asyncio.wait_for(post(self.proxy, json.dumps(update).encode(), secret=self.secret), 10)
        self.answers.append((update["update_id"], status))
        if status == 200 and not self.keeps_open(update):
            with contextlib.suppress(ValueError):
                updates.remove(update)
        else:
            self.error = f"Wrong response from the webhook: {status}" if status else "Connection refused"
            self.error_at = clock()
            self._rests[queue_of(update)] = time.monotonic() + AGAIN_AFTER


def queue_of(update: Json) -> str:
    """Updates of one chat are sent one after another."""
    about = next(value for name, value in update.items() if name != "update_id")
    chat = about.get("chat") or about.get("message", {}).get("chat") if isinstance(about, dict) else None
    return str((chat or {}).get("id", ""))


async def post(
    where: str,
    content: bytes,
    *,
    secret: str | None,
    kind: str = "application/json",
    method: str = "POST",
    size: int | None = None,
) -> int:
    """Send a request to `where` (host:port); return the status of the answer. `secret` None: without the header."""
    host, _, port = where.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        shown = "" if secret is None else f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\n"
        length = len(content) if size is None else size
        head = f"{method} /telegram HTTP/1.1\r\nHost: bot.example.org\r\nContent-Type: {kind}\r\n{shown}"
        writer.write(f"{head}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode("latin-1") + content)
        line = await reader.readline()
        if not line:
            raise asyncio.IncompleteReadError(b"", None)
        return int(line.split()[1])
    finally:
        writer.close()
