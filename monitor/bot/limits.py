"""How often may somebody ask? Pure but for its memory; `at` is a parameter, in seconds of a clock that never jumps.

Each person has ten commands at hand and gets another one every six seconds; all together have a hundred, and get five a
second. Alerts are not touched by it: they take another way. Nothing here is stored: a restart begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

EACH = (10.0, 1 / 6)
ALL = (100.0, 5.0)
"""How many at once, and how many more a second."""
REMEMBERED = 10_000


class Grant(Enum):
    """Whether a command is carried out; `TELL`: no, and say so: once in a flood."""

    YES = auto()
    TELL = auto()
    NO = auto()


@dataclass(slots=True)
class _Purse:
    left: float
    at: float
    told: bool = False

    def refill(self, at: float, full: float, rate: float) -> None:
        self.left = min(full, self.left + max(at - self.at, 0.0) * rate)
        self.at = at


@dataclass(slots=True)
class Limits:
    """What everybody has left."""

    _persons: dict[int, _Purse] = field(default_factory=dict)
    _all: _Purse | None = None

    def ask(self, person: int, at: float, *, trusted: bool = False) -> Grant:
        """Say whether `person` may give a command now, and count it. The `trusted` are not bound by what all may."""
        everybody = self._all = self._all or _Purse(ALL[0], at)
        everybody.refill(at, *ALL)
        mine = self._persons.pop(person, None) or _Purse(EACH[0], at)
        mine.refill(at, *EACH)
        self._persons[person] = mine  # the last one asked is the last one forgotten
        if len(self._persons) > REMEMBERED:
            del self._persons[next(iter(self._persons))]
        if mine.left < 1:
            tell, mine.told = not mine.told, True
            return Grant.TELL if tell else Grant.NO
        if everybody.left < 1 and not trusted:
            return Grant.NO
        mine.told = mine.told and mine.left < EACH[0] / 2
        mine.left -= 1
        everybody.left = max(everybody.left - 1, 0.0)
        return Grant.YES
