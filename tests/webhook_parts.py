"""Parts for tests of the webhook: a bot that is sent its updates over real HTTP, as far as a reverse proxy hands them on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from monitor import doorway
from monitor.bot import webhook
from tests.bot_parts import Scene, scene
from tests.botapi import BotApi
from tests.deliver_parts import SetClock

URL = "https://bot.example.org/telegram"


def hooked(port: int) -> str:
    """What [bot] needs."""
    return f'webhook = "{URL}"\nlisten = "127.0.0.1:{port}"\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def until(fact: Callable[[], object]) -> None:
    for _ in range(1_000):
        if fact():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


@contextlib.asynccontextmanager
async def sent_to(one: Scene) -> AsyncIterator[str]:
    """Let the bot listen inside the block, and Telegram send there; the address, host:port."""
    assert one.bot.hook is not None
    async with doorway.listening(webhook.built(one.bot.hook.secret, one.bot.sent), one.bot.hook.listen, key="x") as (
        host,
        port,
    ):
        one.api.hook.proxy = f"{host}:{port}"
        await one.bot.look_once()
        try:
            yield one.api.hook.proxy
        finally:
            one.api.hook.proxy = "127.0.0.1:1"  # nobody listens there


async def all_taken(one: Scene) -> None:
    """Wait until Telegram got rid of everything, and let the bot answer."""
    await until(lambda: not one.api.updates)
    await until(lambda: not one.bot._following)
    one.bot.take_up_subscribers()
    one.clock.forward(seconds=2)
    await one.bot.answer()
    await one.bot.draw()


@contextlib.asynccontextmanager
async def hearing(
    way: str, folder: Path, *, clock: SetClock | None = None, api: BotApi | None = None, bot: str = ""
) -> AsyncIterator[tuple[Scene, Callable[[], object]]]:
    """A scene, and what lets the bot hear what was said, by `way`: "asked" or "sent"."""
    more = hooked(free_port()) if way == "sent" else ""
    async with scene(folder, bot=bot + more, clock=clock, api=api) as one:
        if way == "asked":

            async def asked() -> None:
                await one.turn()
                one.clock.forward(seconds=2)
                await one.bot.answer()
                await one.bot.draw()

            yield one, asked
            return
        async with sent_to(one):

            async def sent() -> None:
                one.clock.forward(seconds=3)
                await all_taken(one)

            yield one, sent
