"""Reads articles ahead in a second process, while this one places those before them.

Decides nothing about stories, and changes nothing but the time it takes: whatever is not read here is read where it is
placed. Only what waits already is read ahead; no answer waits for an article that has not come. Without a second
processor, for a few articles, and where the second process dies, nothing is.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection

from monitor.errors import LongarmError
from monitor.model import Article
from monitor.stories import stream
from monitor.stories.stream import Read

CHUNK = 256
"""Articles that go to the second process together."""
_WORTH_IT = 2 * CHUNK
"""Articles that must have come without a pause before it is started."""
_SELDOM = (100_000, 100, 100)

Given = tuple[object, Article]
"""An article, and its id as it was given."""
Chunk = tuple[Sequence[Given], bool]
"""What came together, and whether more is waiting. Nothing, and nothing waiting: a pause."""


class ReadingAhead:
    """Hands on articles in their order, with what was read of them. `processors`: how many this process may use."""

    def __init__(self, *, processors: int | None = None) -> None:
        self._is_wanted = (_processors() if processors is None else processors) > 1
        self._reader: Connection | None = None
        self._came = 0

    def handed_on(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Given, Read | None] | None]:
        """Yield every article of `chunks`, with what was read of it, if anything was; None for a pause.

        Raises:
            LongarmError: what `chunks` raised, after all that came before.
        """
        sent: Sequence[Given] = ()
        try:
            for rows, is_more in chunks:
                reads = self._received(sent)
                self._start_if_worth_it(rows, is_more=is_more)
                # There is never more than one chunk under way: each end of the line reads while the other writes.
                before, sent = sent, rows if self._is_sent(rows) else ()
                yield from zip(before, reads, strict=True)
                if not sent:
                    yield from ((row, None) for row in rows)
                elif not is_more:
                    yield from zip(sent, self._received(sent), strict=True)
                    sent = ()
                if not rows and not is_more:
                    yield None
        except LongarmError:
            yield from zip(sent, self._received(sent), strict=True)
            raise
        yield from zip(sent, self._received(sent), strict=True)

    def _start_if_worth_it(self, rows: Sequence[Given], *, is_more: bool) -> None:
        self._came = self._came + len(rows) if is_more else 0
        if self._is_wanted and self._came >= _WORTH_IT:
            self._is_wanted = False
            # A copy of this process, which has its tables in memory already.
            context = multiprocessing.get_context("fork")
            self._reader, end = context.Pipe()
            context.Process(target=_read_all, args=(end, self._reader), daemon=True).start()
            end.close()

    def _is_sent(self, rows: Sequence[Given]) -> bool:
        if self._reader is None or len(rows) < CHUNK // 4:
            return False
        try:
            self._reader.send([article for _, article in rows])
        except OSError:
            self._reader = None
        return self._reader is not None

    def _received(self, rows: Sequence[Given]) -> Sequence[Read | None]:
        if self._reader is None or not rows:
            return [None] * len(rows)
        try:
            reads: list[Read] = self._reader.recv()
        except (EOFError, OSError):  # it has died; what it was to read is read where it is placed
            self._reader = None
            return [None] * len(rows)
        return reads


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _read_all(line: Connection, other_end: Connection) -> None:
    """Read what comes over `line`, until the other process ends."""
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the other process that is stopped
    try:
        while True:
            line.send([stream.read(article) for article in line.recv()])
    except (EOFError, OSError):
        return


def seldom_collected() -> None:
    """Have this process look for cycles even more seldom than the command line does.

    What is remembered of articles has none, and to walk through all of it costs a sixth of the time.
    """
    gc.set_threshold(*_SELDOM)
