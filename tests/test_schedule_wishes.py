"""What a feed says of when it wants to be asked: from its bytes to the next poll."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import FetchError, FetchFailure
from monitor.ingest import rhythm, wire
from monitor.ingest.parse import parse_bytes
from monitor.model import Feed, FeedState, Fetched, NotModified, ParsedFeed
from monitor.poll import remembered

NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = Feed(url="https://news.test/rss")
ITEM = "<item><title>One</title><link>https://news.test/1</link></item>"


def parsed(head: str, items: str = ITEM) -> ParsedFeed:
    body = f'<rss version="2.0"><channel><title>T</title>{head}{items}</channel></rss>'
    return parse_bytes(body.encode(), url=FEED.url)


def after(answer: Fetched | NotModified | FetchError, shown: ParsedFeed | None, before: FeedState) -> FeedState:
    return remembered(before, FEED, answer, shown, NOW, every=timedelta(minutes=15), rng=random.Random(1))


@pytest.mark.parametrize(
    ("head", "hours", "days"),
    [
        ("", (), ()),
        ("<skipHours><hour>23</hour>\n <hour> 0 </hour><hour>5</hour></skipHours>", (0, 5, 23), ()),
        ("<skipDays><day>Sunday</day><day>saturday</day></skipDays>", (), (5, 6)),
        ("<skipHours><hour>24</hour><hour>25</hour><hour>-1</hour><hour>x</hour></skipHours>", (0,), ()),
        ("<skipDays><day>Someday</day></skipDays>", (), ()),
        ("<skipHours><hour>3</hour>", (3,), ()),
        ("<skipHours>" + "<hour>1</hour>" * 5_000 + "<hour>2</hour></skipHours>", (1,), ()),
    ],
)
def test_hours_and_days_to_be_skipped_are_read_from_the_feed(
    head: str, hours: tuple[int, ...], days: tuple[int, ...]
) -> None:
    shown = parsed(head)
    assert (shown.skip_hours, shown.skip_days) == (hours, days)


def test_what_an_item_tells_of_skipping_is_no_wish_of_the_feed() -> None:
    told = "<item><title>RSS</title><description><![CDATA[<skipHours><hour>3</hour></skipHours>]]></description></item>"
    assert parsed("", told).skip_hours == ()


def test_wishes_travel_from_the_parsers_process_unchanged() -> None:
    shown = parsed("<ttl>90</ttl><skipHours><hour>3</hour></skipHours><skipDays><day>Friday</day></skipDays>")
    assert wire.unpacked(json.loads(json.dumps(wire.packed(shown)))) == shown
    assert (shown.ttl, shown.skip_hours, shown.skip_days) == (timedelta(minutes=90), (3,), (4,))


def test_a_ttl_holds_after_the_poll_that_said_it_and_after_those_that_found_nothing_changed() -> None:
    first = after(Fetched(body=b"", url=FEED.url), parsed("<ttl>180</ttl>"), FeedState(url=FEED.url))
    assert first.next_poll_at == NOW + 3 * HOUR
    assert len(first.rhythm) <= 2_000
    second = after(NotModified(url=FEED.url), None, first)
    assert second.next_poll_at == NOW + 3 * HOUR


def test_how_long_an_answer_calls_itself_fresh_counts_for_that_answer() -> None:
    first = after(
        Fetched(body=b"", url=FEED.url, fresh_for=5 * HOUR), parsed("<ttl>180</ttl>"), FeedState(url=FEED.url)
    )
    assert first.next_poll_at == NOW + 5 * HOUR
    assert after(NotModified(url=FEED.url), None, first).next_poll_at == NOW + 3 * HOUR


def test_a_failure_changes_nothing_of_what_was_learned() -> None:
    first = after(Fetched(body=b"", url=FEED.url), parsed("<ttl>180</ttl>"), FeedState(url=FEED.url))
    failed = after(FetchError(FetchFailure.TIMEOUT, "too slow"), None, first)
    assert failed.rhythm == first.rhythm
    assert rhythm.decoded(failed.rhythm).wish.quiet == 3 * HOUR
