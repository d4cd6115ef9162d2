"""What the pages keep in memory, so that the next one is there at once: a month of glances, the labels, what was drawn.

It is read anew when it is old or has grown; labels that were left as errands count at once. Used by several threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from monitor import log
from monitor.digest.sample import by_article
from monitor.errands import Errand, labels_of
from monitor.errors import StateError
from monitor.model import EPOCH, Label, LabelValue
from monitor.store.review import Glance

_log = log.get(__name__)
_T = TypeVar("_T")

WINDOW = timedelta(days=35)
"""Five weeks: this one and the four before it."""
MOST_GLANCES = 400_000
FRESH_FOR = timedelta(seconds=30)
WHOLE_FOR = timedelta(minutes=10)
"""Between these only what is new is read; an edit may change what was read before."""
_OVERLAP = timedelta(minutes=10)


class Reads(Protocol):
    """Where it is read from."""

    def glances(self, since: datetime, limit: int) -> Sequence[Glance]:
        """Articles first seen since then, oldest first."""
        ...

    def newest_label(self) -> int:
        """Grows with every label."""
        ...


@dataclass(slots=True)
class Memory:
    """The month and the labels. `labels` reads all that count; `waiting` are errands not done yet."""

    reads: Reads
    labels: Callable[[], Sequence[Label]]
    waiting: Callable[[], Sequence[Errand]]
    clock: Callable[[], datetime]
    _glances: tuple[Glance, ...] = ()
    _read_at: datetime = EPOCH
    _whole_at: datetime = EPOCH
    _labels: tuple[int, dict[str, tuple[Label, ...]]] = (-1, {})
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def glances(self) -> tuple[Glance, ...]:
        """Articles of the last five weeks, oldest first; what is older than half a minute is read anew meanwhile."""
        now = self.clock()
        if self._read_at == EPOCH:
            with self._reading:
                if self._read_at == EPOCH:
                    self._read(now)
        elif not timedelta(0) <= now - self._read_at < FRESH_FOR and self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_beside, args=(now,), name="glances", daemon=True).start()
        return self._glances

    def warm(self) -> None:
        """Begin to read, so that the first page need not wait for all of it."""
        threading.Thread(target=self.glances, name="glances", daemon=True).start()

    def said(self) -> dict[str, tuple[Label, ...]]:
        """What counts of what people said, by article: of each rater the newest, in order of time."""
        newest = self.reads.newest_label()
        if self._labels[0] != newest:
            self._labels = (newest, by_article(self.labels()))
        waiting = labels_of(self.waiting())
        if not waiting:
            return self._labels[1]
        found = dict(self._labels[1])
        for label in waiting:
            others = tuple(one for one in found.pop(label.article_id, ()) if one.rater != label.rater)
            counts = (label,) if label.value is not LabelValue.WITHDRAWN else ()
            if others or counts:
                found[label.article_id] = (*others, *counts)
        return found

    def _read_beside(self, now: datetime) -> None:
        try:
            self._read(now)
        except StateError as error:
            _log.warning("what is new could not be read", error=str(error))
        finally:
            self._reading.release()

    def _read(self, now: datetime) -> None:
        start = now - WINDOW
        is_whole = not timedelta(0) <= now - self._whole_at < WHOLE_FOR
        since = start if is_whole or not self._glances else max(start, self._glances[-1].at - _OVERLAP)
        found = tuple(self.reads.glances(since, MOST_GLANCES))
        kept = () if is_whole else tuple(one for one in self._glances if start <= one.at < since)
        month = (*kept, *found)[-MOST_GLANCES:]
        if is_whole or month != self._glances:  # what was made of the month holds as long as it stays the same one
            self._glances = month
        self._read_at = now
        self._whole_at = now if is_whole else self._whole_at


@dataclass(slots=True)
class Kept:
    """The last `most` things that took time to make, by what they were made of."""

    clock: Callable[[], datetime]
    most: int = 24
    _made: OrderedDict[Hashable, tuple[datetime, Any]] = field(default_factory=OrderedDict)
    _under_way: set[Hashable] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], _T], *, at_most: timedelta = WHOLE_FOR) -> _T:
        """What `make` made under `key`. What is older than half a minute is made anew beside, than `at_most` first."""
        now = self.clock()
        with self._turn:
            made_at, known = self._made.get(key, (EPOCH, None))
            age = now - made_at
            is_old = not timedelta(0) <= age < FRESH_FOR
            is_usable = timedelta(0) <= age < at_most
            begins = is_old and is_usable and key not in self._under_way
            if begins:
                self._under_way.add(key)
        if begins:
            threading.Thread(target=self._make_beside, args=(key, make), name="kept", daemon=True).start()
        if is_usable:
            found: _T = known
            return found
        return self._make(key, make)

    def _make(self, key: Hashable, make: Callable[[], _T]) -> _T:
        now = self.clock()
        made = make()
        with self._turn:
            self._made[key] = (now, made)
            self._made.move_to_end(key)
            while len(self._made) > self.most:
                self._made.popitem(last=False)
        return made

    def _make_beside(self, key: Hashable, make: Callable[[], object]) -> None:
        try:
            self._make(key, make)
        except StateError as error:
            _log.warning("what is shown could not be made anew", error=str(error))
        finally:
            with self._turn:
                self._under_way.discard(key)
