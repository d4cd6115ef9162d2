"""Whether the wall clock jumped. Reads the clocks that it is given, and no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

CLOCK_JUMP = timedelta(seconds=2)


class Clock:
    """Tells by how much the wall clock jumped, measured against the monotonic one."""

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = (wall(), monotonic())

    def jump(self) -> timedelta:
        """How far the wall clock jumped since the last call; zero for less than two seconds."""
        wall, monotonic = self._wall(), self._monotonic()
        expected = self._last[0] + timedelta(seconds=monotonic - self._last[1])
        self._last = (wall, monotonic)
        jump = wall - expected
        return jump if abs(jump) >= CLOCK_JUMP else timedelta(0)
