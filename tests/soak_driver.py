"""`longarm` on a clock that runs faster than ours: `python soak_driver.py SPEED WALL MONOTONIC ARGUMENT…`.

A script, started by test_soak_delivery.py. It was WALL (seconds since 1970) when this machine's monotonic clock showed
MONOTONIC, and since then SPEED seconds pass in each of ours: for the wall clock, for whatever asyncio waits for, and
for the scheduler. Everything else is the program as it is.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, tzinfo
from typing import Any

import apscheduler.schedulers.base

from monitor import wiring


def fast(speed: float, wall: float, began: float) -> float:
    """The time, as seconds since 1970."""
    return wall + (time.monotonic() - began) * speed


def main(speed: float, wall: float, began: float, arguments: list[str]) -> None:
    def now(tz: tzinfo | None = UTC) -> datetime:
        return datetime.fromtimestamp(fast(speed, wall, began), tz)

    class FastLoop(asyncio.SelectorEventLoop):
        """Its clock is the fast one; what it waits for in the selector are our seconds."""

        def __init__(self) -> None:
            super().__init__()
            select = self._selector.select  # type: ignore[attr-defined]
            self._selector.select = lambda timeout=None: select(timeout / speed if timeout else timeout)  # type: ignore[attr-defined]

        def time(self) -> float:
            return fast(speed, wall, began)

    class FastDatetime(datetime):
        """The scheduler asks this one."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return now(tz)

    class FastPolicy(asyncio.DefaultEventLoopPolicy):
        """Makes such loops."""

        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            return FastLoop()

    wiring.utc_now = now  # before `app` takes it over by name
    apscheduler.schedulers.base.datetime = FastDatetime
    asyncio.set_event_loop_policy(FastPolicy())
    from monitor.cli import main as longarm

    longarm(arguments)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
