"""How fast may a chat be written to? The memory of a sender, as far as it needs one between passes.

Pure but for what it is told: `now` is a parameter. Counts attempts, not successes, and counts each from its end: the
service saw it at some moment before that, so gaps at the service are never smaller than here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from monitor.alerts.channels.base import Channel
from monitor.errors import StateError

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
REQUEST_LASTS = timedelta(seconds=20)
"""At most so long after a try was begun its request reaches the service: then it fails."""
_MOMENT = timedelta(milliseconds=50)


class Pacer:
    """Says how long a channel must wait, and holds what must outlive a pass.

    `proved`: channels and accounts whose last attempt went well; before that, an account is asked by one channel at a
    time. `owed`: settlements that the store could not write, to be written before anything else is sent. `told`: names
    of channels with rows and without configuration that operators have been told of.
    """

    def __init__(self) -> None:
        self.proved: set[str] = set()
        self.owed: list[Callable[[], None]] = []
        self.told: set[str] = set()
        self._chats: dict[str, deque[datetime]] = {}
        self._accounts: dict[str, deque[datetime]] = {}
        self._in_flight: dict[str, int] = {}

    @classmethod
    def primed(
        cls, recent: Iterable[tuple[str, datetime]], channels: Mapping[str, Channel], *, now: datetime | None = None
    ) -> Pacer:
        """Return a pacer that knows the attempts of another process: (channel name, when begun). Others are left out.

        `now`, when that process was surely over: of when its attempts ended nothing is known, so each counts from the
        latest moment at which the service can have seen it. Without it each counts from its begin.
        """
        pacer = cls()
        for name, at in sorted(recent, key=lambda attempt: attempt[1]):
            if name in channels:
                pacer._note(channels[name], min(at + REQUEST_LASTS, now) if now else at)
        return pacer

    def wait(self, channel: Channel, now: datetime, *, sparing: bool = False) -> timedelta:
        """How long `channel` must wait until its chat and its account may be written to; zero: go ahead.

        `sparing`: only half of the chat's minute is used, so that what comes next finds the other half free.
        """
        if channel.pace is None:
            return timedelta(0)
        flying = self._in_flight.get(channel.account, 0)
        if flying >= channel.pace.account_per_second:
            return _MOMENT
        chat = _recent(self._chats, channel.chat, now - MINUTE)
        account = _recent(self._accounts, channel.account, now - SECOND)
        free_at = (
            _free_at(chat, channel.pace.chat_per_second, SECOND),
            _free_at(chat, max(channel.pace.chat_per_minute // (2 if sparing else 1), 1), MINUTE),
            _free_at(account, channel.pace.account_per_second - flying, SECOND),
        )
        return max([at - now for at in free_at if at is not None and at > now], default=timedelta(0))

    def begins(self, channel: Channel) -> None:
        """Note that a request is on its way; it counts as if it ended now."""
        self._in_flight[channel.account] = self._in_flight.get(channel.account, 0) + 1

    def ends(self, channel: Channel, at: datetime) -> None:
        """Note that a request ended, whatever came of it."""
        self._in_flight[channel.account] -= 1
        self._note(channel, at)

    def shift(self, delta: timedelta) -> None:
        """Move what is remembered by `delta`, by which the wall clock jumped."""
        for kept in (self._chats, self._accounts):
            for key, times in kept.items():
                kept[key] = deque(at + delta for at in times)

    def owe(self, settle: Callable[[], None]) -> None:
        """Write `settle` now, or before the next pass when the store can't be written.

        Raises:
            StateError: it could not be written now.
        """
        try:
            settle()
        except StateError:
            self.owed.append(settle)
            raise

    def pay(self) -> None:
        """Write what is owed.

        Raises:
            StateError: the store still can't be written.
        """
        while self.owed:
            self.owed[0]()
            del self.owed[0]

    def _note(self, channel: Channel, at: datetime) -> None:
        if channel.pace is not None:
            self._chats.setdefault(channel.chat, deque()).append(at)
            self._accounts.setdefault(channel.account, deque()).append(at)


def _recent(kept: dict[str, deque[datetime]], key: str, since: datetime) -> deque[datetime]:
    times = kept.get(key, deque())
    while times and times[0] <= since:
        times.popleft()
    return times


def _free_at(times: deque[datetime], limit: int, window: timedelta) -> datetime | None:
    """When fewer than `limit` of `times` lie within the last `window`; None where so few are known."""
    return times[-limit] + window if len(times) >= limit else None
