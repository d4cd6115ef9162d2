"""Reading ahead in a second process changes nothing but the time it takes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess

import pytest

from monitor.cli import ahead, common
from monitor.cli.ahead import CHUNK, Chunk, Given, ReadingAhead
from monitor.errors import LongarmError
from monitor.model import Article
from monitor.stories import stream
from monitor.stories.stream import Read, Stream

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TITLES = (
    "Exiled journalist stabbed outside his home in Paris by two men",
    "Journaliste en exil poignardé devant son domicile à Paris",
    "Five recipes for lemon cake that need no butter at all",
)
_Row = tuple[Given, Read | None]


def given(count: int) -> list[Given]:
    rows = []
    for n in range(count):
        at = NOW + timedelta(seconds=n)
        title = TITLES[n % 3] if n % 3 == 2 else f"{TITLES[n % 3]} {n}"
        article = Article(id=str(n), feed="", title=title, published_at=at, first_seen_at=at)
        rows.append((n, article))
    return rows


def chunks(rows: Sequence[Given]) -> Iterator[Chunk]:
    for first in range(0, len(rows), CHUNK):
        yield rows[first : first + CHUNK], True


def child() -> BaseProcess:
    (only,) = multiprocessing.active_children()
    return only


def test_every_article_is_handed_on_in_its_order_with_what_was_read_of_it() -> None:
    rows = given(5 * CHUNK)
    handed = [row for row in ReadingAhead(processors=2).handed_on(chunks(rows)) if row]
    assert [row for row, _ in handed] == rows
    read = [(article, one) for (_, article), one in handed if one]
    assert len(read) == 4 * CHUNK, "all but the first, which came before it was worth it"
    assert all(one == stream.read(article) for article, one in read[:30])


def test_stories_are_the_same_whoever_reads() -> None:
    def found(rows: Iterator[_Row | None]) -> list[str]:
        told = Stream()
        return [told.add(row[0][1], row[1]) for row in rows if row]

    rows = given(3 * CHUNK)
    alone = found(ReadingAhead(processors=1).handed_on(chunks(rows)))
    assert found(ReadingAhead(processors=2).handed_on(chunks(rows))) == alone
    assert len(set(alone)) < len(alone)


@pytest.mark.parametrize(("count", "processors"), [(5 * CHUNK, 1), (CHUNK, 2)])
def test_no_process_is_started_for_few_articles_or_without_a_second_processor(count: int, processors: int) -> None:
    handed = list(ReadingAhead(processors=processors).handed_on(chunks(given(count))))
    assert len(handed) == count
    assert all(row and row[1] is None for row in handed)


def test_nothing_is_held_back_where_nothing_more_is_waiting() -> None:
    rows = given(5 * CHUNK)
    asked: list[int] = []

    def slowly() -> Iterator[Chunk]:
        yield from chunks(rows[: 3 * CHUNK])
        yield rows[3 * CHUNK : 4 * CHUNK], False
        asked.append(len(handed))
        yield rows[4 * CHUNK :], False
        asked.append(len(handed))
        yield (), False

    handed: list[_Row] = []
    pauses: list[int] = []
    for row in ReadingAhead(processors=2).handed_on(slowly()):
        if row:
            handed.append(row)
        else:
            pauses.append(len(handed))
    assert asked == [4 * CHUNK, 5 * CHUNK]
    assert pauses == [5 * CHUNK]


def test_a_bad_line_takes_nothing_from_those_that_are_under_way() -> None:
    rows = given(4 * CHUNK)

    def broken() -> Iterator[Chunk]:
        yield from chunks(rows)
        raise LongarmError("line 1025")

    handed: list[_Row | None] = []
    with pytest.raises(LongarmError, match="1025"):
        handed.extend(ReadingAhead(processors=2).handed_on(broken()))
    assert [row[0] for row in handed if row] == rows


def test_where_the_second_process_dies_nothing_is_lost() -> None:
    rows = given(6 * CHUNK)
    handed = []
    for row in ReadingAhead(processors=2).handed_on(chunks(rows)):
        handed.append(row)
        if len(handed) == 2 * CHUNK + 1:
            reader = child()
            reader.kill()
            reader.join()
    assert [row[0] for row in handed if row] == rows
    assert handed[-1] == (rows[-1], None)


def test_the_second_process_ends_with_the_line_to_it() -> None:
    reading = ReadingAhead(processors=2)
    assert len(list(reading.handed_on(chunks(given(3 * CHUNK))))) == 3 * CHUNK
    reader = child()
    assert reader.is_alive()
    del reading
    reader.join(20)
    assert reader.exitcode == 0


def test_what_waits_in_a_pipe_comes_together_and_a_pause_is_told_once() -> None:
    out, into = os.pipe()
    arriving = common._arriving(out, 3, 0.001)
    os.write(into, b"1\n2\n")
    assert next(arriving) == ([b"1", b"2"], False)
    assert next(arriving) == ([], False)
    os.write(into, b"3\n4\n5\n6\n7")
    assert next(arriving) == ([b"3", b"4", b"5", b"6"], False)
    os.close(into)
    assert list(arriving) == [([b"7"], True)]
    os.close(out)


def test_the_processors_that_may_be_used_are_counted() -> None:
    assert 1 <= ahead._processors() <= (os.cpu_count() or 1)
