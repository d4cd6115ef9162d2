"""Thousands of real and crafted feeds: how many entries are found, and that nothing breaks."""

from __future__ import annotations

import csv
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.errors import ParseError
from tests.parse_parts import URL, parsed
from tests.shared_data import shared

CORPUS = "data/feed_corpus.tar.xz"
SNAPSHOTS = "data/feed_snapshots.tar.xz"
# The counters of the corpus look for <entry> only in a document whose root is <feed>; these three hold an <item> there,
# which feedparser takes for an entry. Showing one more than the standard asks for loses nobody an article.
KNOWN_DISAGREEMENTS = {
    "kurtmckee__feedparser/tests/wellformed/base/http_entry_contributor_url_base_content_location.xml",
    "kurtmckee__feedparser/tests/wellformed/base/http_entry_contributor_url_base_docuri.xml",
    "kurtmckee__feedparser/tests/wellformed/namespace/unknown-namespace.xml",
}


def files_in(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name (without the archive's top folder) and bytes of every file, in the archive's order."""
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None:
                yield member.name.partition("/")[2], stream.read()


def check_counts(*, every: int) -> None:
    """Parse one file in `every` and compare: nothing but the known files may disagree, nothing may be slow."""
    counts: dict[str, int] = {}
    expected: dict[str, int] = {}
    slow: list[str] = []
    for number, (name, body) in enumerate(files_in(shared(CORPUS))):
        if name == "expected_counts.tsv":
            rows = csv.DictReader(io.StringIO(body.decode()), delimiter="\t")
            expected = {row["file"]: int(row["agree_n"]) for row in rows}
        if name.endswith((".tsv", ".upstream")) or (number % every and name not in KNOWN_DISAGREEMENTS):
            continue
        started = time.process_time()
        try:
            counts[name] = len(parsed(body).entries)
        except ParseError:
            counts[name] = 0
        if time.process_time() - started > 2:
            slow.append(name)
    assert len(counts) >= 5_927 // every
    assert len(expected) == 4_859
    assert {name for name, count in counts.items() if count != expected.get(name, count)} == KNOWN_DISAGREEMENTS
    assert slow == []


@pytest.mark.shared
def test_the_number_of_entries_agrees_with_independent_counters():
    check_counts(every=5)


@pytest.mark.shared
@pytest.mark.soak
def test_the_number_of_entries_agrees_on_every_file():
    check_counts(every=1)


@pytest.mark.shared
def test_real_polls_give_whole_entries():
    polls = entries = 0
    for number, (name, body) in enumerate(files_in(shared(SNAPSHOTS))):
        if number % 6 or not body.lstrip().startswith(b"<"):
            continue
        feed = parsed(body, url=URL)
        polls += 1
        entries += len(feed.entries)
        assert not feed.truncated, name
        assert all(entry.title and entry.url and entry.id and entry.published_at for entry in feed.entries), name
    assert polls >= 10
    assert entries >= 20 * polls
