"""Lets many stories go as one list, and held rows go in time. `bursts` and `breaker` decide; this acts.

Every story has a row of its own from the transaction that recorded it, and keeps it: folding only says, in one
transaction, that another row tells it. So there is no moment at which a crash could lose one: before, each goes alone;
after, the list goes; and a list that is refused gives its stories back, each to go alone.

Rejected: making the list when the poll is recorded. A poll is of one feed, so a wave over thirty feeds would be thirty
lists; and a story whose row is a part of another's text can't be found, edited or counted any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.alerts import breaker, bursts
from monitor.alerts.outbox import Outbox
from monitor.model import Burst, Delivery, Notice


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """How lists are made. `burst`: stories that go alone. `gathering` says whether feeds are being asked right now."""

    words: bursts.Words
    burst: int
    gathering: Callable[[], bool] = _never

    def folded(
        self, store: Outbox, channels: Collection[str], now: datetime, limit: int
    ) -> tuple[Sequence[Delivery], int]:
        """Fold what waits in `channels`; return the rows to send, and how many are left for later."""
        rows = store.pending(now, limit)
        if not any(map(bursts.is_foldable, rows)):
            return rows, 0
        waiting = _by_channel([row for row in rows if row.channel in channels])
        alone = store.stories_sent_alone(now - bursts.WINDOW)
        left: set[int] = set()
        lists: list[Burst] = []
        for channel, mine in waiting.items():
            plan = bursts.plan(
                mine, sent_alone=alone.get(channel, 0), burst=self.burst, gathering=self.gathering(), now=now
            )
            left |= plan.leave
            chosen = [row for row in mine if row.id in plan.fold]
            lists += self._lists(store, chosen, f"{len(chosen)} more new stories", now)
        if lists and store.fold(lists, now=now):
            rows = store.pending(now, limit)
        return [row for row in rows if row.id not in left], len(left)

    def let_go(self, store: Outbox, now: datetime) -> tuple[Notice, ...]:
        """Let held rows go whose time has come, those of one channel together; tell what is over with it."""
        for channel, rows in _by_channel(store.held_due(now)).items():
            stories = [row for row in rows if bursts.is_foldable(row)]
            lists = self._lists(store, stories, f"{len(stories)} stories that were held back", now)
            if lists:
                store.fold(lists, now=now)
            told = {number for one in lists for number in (*one.names, *one.counts)}
            store.release(channel, [row.id for row in rows if row.id not in told], now=now)
        incidents, held_for = store.open_incidents()
        return breaker.over(incidents, held_for, now=now)

    def _lists(self, store: Outbox, rows: Sequence[Delivery], why: str, now: datetime) -> list[Burst]:
        if len(rows) < 2:
            return []
        stories = store.stories([row.story_id for row in rows])
        return bursts.lists(rows, stories, self.words, why=why, now=now)


def _by_channel(rows: Sequence[Delivery]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        found.setdefault(row.channel, []).append(row)
    return found
