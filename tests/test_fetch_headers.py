"""What headers say is clamped, cut or dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.headers import cookies, fresh_for, link, plain, retry_after

NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("1", MINUTE),
        ("0", None),
        ("31536000", DAY),
        ("9" * 12, DAY),
        ("9" * 400, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Tue, 10 Nov 2026 08:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 10 Nov 2026 08:00:01 GMT", MINUTE),
        ("Tue, 10 Nov 2026 09:05:00 +0100", timedelta(minutes=5)),
        ("Tue, 10 Nov 2026 08:05:00 -0000", timedelta(minutes=5)),
        ("Tue, 10 Nov 2026 07:00:00 GMT", None),
        ("Fri, 10 Nov 2096 07:00:00 GMT", DAY),
        ("Tue, 99 Nov 2026 07:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Tue, 10 Nov 2026 08:05:00 GMT" + " " * 99 + "x", None),
    ],
)
def test_retry_after(value: str, wait: timedelta | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == wait


def test_a_date_is_measured_from_the_answers_own_date_first() -> None:
    fields = {"retry-after": "Tue, 10 Nov 2026 08:05:00 GMT", "date": "Tue, 10 Nov 2026 08:02:00 GMT"}
    assert retry_after(fields, NOW - timedelta(days=900)) == timedelta(minutes=3)
    assert retry_after({"retry-after": fields["retry-after"]}, None) is None
    assert retry_after({}, NOW) is None


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, timedelta(minutes=10)),
        ({"cache-control": 'public, MAX-AGE = "600", immutable'}, timedelta(minutes=10)),
        ({"cache-control": "max-age=0"}, timedelta(0)),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=31536000"}, DAY),
        ({"cache-control": "max-age=600, no-cache"}, None),
        ({"cache-control": "no-store"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=600", "expires": "Tue, 10 Nov 2026 09:00:00 GMT"}, timedelta(minutes=10)),
        ({"expires": "Tue, 10 Nov 2026 09:00:00 GMT"}, timedelta(hours=1)),
        ({"expires": "Tue, 10 Nov 2027 09:00:00 GMT"}, DAY),
        ({"expires": "Tue, 10 Nov 2020 09:00:00 GMT"}, None),
        ({"expires": "0"}, None),
    ],
)
def test_freshness(fields: dict[str, str], wait: timedelta | None) -> None:
    assert fresh_for(fields, NOW) == wait


@given(st.text(max_size=100), st.text(max_size=100))
def test_no_text_breaks_a_reader_or_leaves_the_limits(value: str, date: str) -> None:
    wait = retry_after({"retry-after": value, "date": date}, NOW)
    assert wait is None or MINUTE <= wait <= DAY
    fresh = fresh_for({"expires": value, "date": date, "cache-control": value}, NOW)
    assert fresh is None or timedelta(0) <= fresh <= DAY
    assert plain(value).isprintable()
    assert all(name.isascii() and held.isascii() for name, held in cookies([value, date], {}).items())


@pytest.mark.parametrize("value", ['"a\r\nb"', '"\xe9"', "x" * 2000, "\x00"])
def test_a_value_that_could_not_be_sent_back_is_dropped(value: str) -> None:
    assert plain(value) == ""


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ("Max-Age=0", False),
        ("max-age=-1", False),
        ("Max-Age=60", True),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Expires=Fri, 01 Jan 2100 00:00:00 GMT", True),
        ("Expires=never", True),
        ("Max-Age=x", True),
    ],
)
def test_a_cookie_that_is_over_is_taken_out(attributes: str, kept: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert ("a" in cookies([f"a=2; {attributes}"], {"a": "1"}, now)) is kept


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ('<https://hub.test/>; rel="hub"', "https://hub.test/"),
        ('<https://a.test/>; rel=self, </hub>; title="x"; rel=hub', "/hub"),
        ('<https://a.test/>; rel="self hub"', "https://a.test/"),
        ('<https://a.test/>; rel="HUB", <https://b.test/>; rel=hub', "https://a.test/"),
        ("<https://a.test/>; rel=hubs", ""),
        ("https://a.test/; rel=hub", ""),
        ("<é>; rel=hub", ""),
        ("", ""),
        ("<" * 50_000, ""),
    ],
)
def test_the_target_of_a_relation_is_found_in_a_link_header(value: str, target: str) -> None:
    assert link(value, "hub") == target


def test_cookies_are_read_without_their_attributes() -> None:
    lines = ["a=1; Path=/; Secure", "b=", "a=2", "c d=3", "e=4\x00", "noequals"]
    assert cookies(lines, {"z": "0"}) == {"z": "0", "a": "2", "b": ""}
