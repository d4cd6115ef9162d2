"""Dates, encodings and addresses as feeds really write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.ingest.decode import decoded
from monitor.ingest.fields import absolute, language, moment, same_site
from tests.parse_parts import GOOD, item, one, parsed, rss


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 24 Nov 2025 06:40:00 GMT",
        "Mon, 24 Nov 2025 07:40:00 +0100",
        "Mon, 24 Nov 2025 07:40:00 CET",
        "Mon, 24 November 2025 01:40:00 EST",
        "24 Nov 25 06:40 UT",
        "Lun, 24 nov 2025 07:40:00 +0100",
        "Nov 24, 2025 06:40",
        "Mon, 24 Nov 2025 6:40 am GMT",
        "2025-11-24T06:40:00Z",
        "2025-11-24T06:40Z",
        "2025-11-24t06:40:00.123456+00:00",
        "2025-11-24 12:10:00 +05:30",
        "2025-11-24T01:40:00-0500",
        " 2025/11/24 6:40 ",
        "2025-11-24T06:40:00+99:99",
    ],
)
def test_dates_in_use_are_understood(date: str):
    assert moment(date) == at(2025, 11, 24, 6, 40)


def test_dates_of_a_day_begin_at_midnight():
    assert moment("24 Nov 2025") == moment("2025-11-24") == at(2025, 11, 24)
    assert moment("Mon, 24 Sept 2025 8:19 pm GMT") == at(2025, 9, 24, 20, 19)
    assert moment("2025-11-24T07:40:60Z") == at(2025, 11, 24, 7, 40, 59)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Nov",
        "Mon, 31 Feb 2025 10:00:00 GMT",
        "2025-02-31T10:00:00Z",
        "2025-13-01",
        "0000-00-00",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "+9999",
        "-001",
        "1732434000",
        "Mon, 30 Nov 99999 10:00:00 GMT",
        "٢٠٢٤-٠١-٠٢T10:00:00Z",
        "Mon, ٢٤ Nov 2025 07:40:00 GMT",
        "Mon, 24 Nov 2025 27:40:00 GMT",
        "1" * 10_000,
    ],
)
def test_dates_that_can_not_be_are_none(date: str):
    assert moment(date) is None
    entry = one(rss(item(title="A", pubDate=date)))
    assert (entry.title, entry.published_at) == ("A", None)


def test_far_dates_stay_as_they_are_given():
    assert moment("2099-01-01") == at(2099, 1, 1)
    assert moment("Thu, 01 Jan 1970 00:00:00 GMT") == at(1970, 1, 1)


@given(st.text(max_size=60))
@example("Nov : 1")
@example("2025-11-24T06:40:00+24:00")
def test_no_text_breaks_the_date_reader(text: str):
    found = moment(text)
    assert found is None or found.tzinfo is UTC


# ── encodings ─────────────────────────────────────────────────────────────────────────────────────

WORDS = "Изгнание журналиста"


def in_encoding(declared: str, actual: str, words: str = WORDS) -> bytes:
    return f'<?xml version="1.0" encoding="{declared}"?><rss><channel>{item(title=words)}</channel></rss>'.encode(
        actual
    )


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("windows-1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-16-le"),
        ("utf-16", "utf-16-be"),
        ("utf-8", "utf-16-le"),
        ("utf-32", "utf-32"),
        ("utf-32", "utf-32-be"),
        ("utf-16", "utf-8"),
        ("iso-8859-1", "utf-8"),
        ("us-ascii", "utf-8"),
        ("no-such-thing", "utf-8"),
    ],
)
def test_encodings_are_recognised_also_where_they_are_declared_wrong(declared: str, actual: str):
    assert one(in_encoding(declared, actual)).title == WORDS


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("gb2312", "海外警察站"), ("big5", "跨國鎮壓"), ("shift_jis", "亡命記者"), ("euc-kr", "망명 기자")],
)
def test_east_asian_encodings_are_understood(encoding: str, words: str):
    assert one(in_encoding(encoding, encoding, words)).title == words


def test_ebcdic_is_understood():
    assert one(in_encoding("cp037", "cp037", "hello")).title == "hello"


def test_the_header_speaks_for_a_document_that_says_nothing():
    body = rss(item(title=WORDS)).decode().encode("cp1251")
    assert one(body, content_type='text/xml; charset="windows-1251"').title == WORDS


@pytest.mark.parametrize(
    "name", ["utf-7", "punycode", "rot13", "unicode_escape", "idna", "raw_unicode_escape", "base64"]
)
def test_encodings_that_are_none_are_not_obeyed(name: str):
    feed = parsed(in_encoding(name, "ascii", "+ADw-b \\u0041 uryyb"), content_type=f"text/xml; charset={name}")
    assert feed.entries[0].title == "+ADw-b \\u0041 uryyb"
    assert feed.warnings == (f"the encoding “{name}” is not one of feeds: ignored",)


def test_a_few_damaged_characters_do_not_spoil_the_rest():
    body = rss(item(title=WORDS)).replace(b"<title>", b"<title>\xd0", 2)
    text, warnings = decoded(body)
    assert WORDS in text
    assert warnings == ("bytes that are not utf-8, read as utf-8 with gaps",)
    assert parsed(body).entries[0].title == f"\ufffd{WORDS}"


def test_bytes_that_are_not_utf8_at_all_are_windows_1252():
    feed = parsed(in_encoding("utf-8", "cp1252", "Señor “exilé”") + b"\x81")
    assert feed.entries[0].title == "Señor “exilé”"
    assert feed.warnings == ("bytes that are not utf-8, read as windows-1252",)


def test_a_wrong_header_is_named_in_a_warning():
    feed = parsed(rss(item(title=WORDS)), content_type="text/xml; charset=iso-8859-1")
    assert feed.entries[0].title == WORDS
    assert feed.warnings == ("says cp1252, read as utf-8",)


@given(st.binary(max_size=100), st.text(max_size=30))
def test_no_bytes_break_the_decoder(body: bytes, content_type: str):
    decoded(body, content_type)[0].encode("utf-8", "surrogatepass")


# ── addresses and languages ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        (" https://a.example/x y ", "https://a.example/x%20y"),
        ("HTTPS://A.example/X", "HTTPS://A.example/X"),
        ("?p=1", "https://news.example/f?p=1"),
        ("http://a.example\n/x", "http://a.example/x"),
        ("", ""),
        ("mailto:a@b.example", ""),
        ("https://a.example:0/", ""),
    ],
)
def test_addresses_become_absolute_or_nothing(href: str, expected: str):
    found = absolute(href, "https://news.example/f")
    assert found.lower() == expected.lower()


def test_sites_are_one_when_one_host_lies_under_the_other():
    assert same_site("https://www.a.example/", "http://a.example:8080/x")
    assert same_site("https://cdn.a.example/", "https://a.example/")
    assert not same_site("https://ba.example/", "https://a.example/")
    assert not same_site("/x", "https://a.example/")
    assert not same_site("http://[::1", "https://a.example/")


@pytest.mark.parametrize(
    ("raw", "tag"),
    [("en", "en"), ("zh_Hant_TW", "zh-Hant-TW"), (" fr ", "fr"), ("", ""), ("english, really", ""), ("<b>", "")],
)
def test_languages_are_tags_or_nothing(raw: str, tag: str):
    assert language(raw) == tag
    assert parsed(rss(GOOD, channel=f"<language><![CDATA[{raw}]]></language>")).language == tag
