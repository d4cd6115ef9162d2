"""What each feed format says, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from monitor.ingest.parse import describe
from tests.parse_parts import GOOD, URL, atom, item, no_feed, one, parsed, rss


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_an_rss_item_becomes_an_entry_with_every_field():
    body = rss(
        item(
            title="Exiled &amp; threatened",
            link="https://news.example/a?x=1&amp;y=2",
            guid="tag:1",
            pubDate="Mon, 24 Nov 2025 07:40:00 +0100",
            description="&lt;p&gt;One &lt;b&gt;two&lt;/b&gt;&lt;/p&gt;&lt;p&gt;three&amp;nbsp;four&lt;/p&gt;",
            author="ana@news.example (Ana)",
        ).replace("</item>", "<content:encoded><![CDATA[<p>Full <i>text</i></p>]]></content:encoded></item>"),
        channel="<title>The News</title><link>https://news.example/</link><language>en-GB</language><ttl>60</ttl>",
        attributes=' xmlns:content="http://purl.org/rss/1.0/modules/content/"',
    )
    feed = parsed(body)
    assert (feed.title, feed.format, feed.language, feed.url) == ("The News", "rss", "en-GB", "https://news.example/")
    assert feed.ttl == timedelta(hours=1)
    assert not feed.truncated
    assert feed.warnings == ()
    (entry,) = feed.entries
    assert entry.id == "tag:1"
    assert entry.title == "Exiled & threatened"
    assert entry.url == "https://news.example/a?x=1&y=2"
    assert entry.published_at == at(2025, 11, 24, 6, 40)
    assert entry.summary == "One two three four"
    assert entry.text == "Full text"
    assert "Ana" in entry.author
    assert entry.language == "en-GB"
    hashed = "\0".join((entry.title, entry.url, entry.summary, entry.text))
    assert entry.raw_hash == hashlib.sha256(hashed.encode()).hexdigest()


def test_an_atom_entry_becomes_an_entry_with_its_own_language_and_the_alternate_link():
    entry = one(
        atom(
            '<entry xml:lang="fa"><id>urn:1</id><title type="html">&lt;b&gt;خبر&lt;/b&gt;</title>'
            '<link rel="self" href="https://api.example/1"/><link href="/fa/1"/><updated>2025-11-24T10:00:00Z</updated>'
            "<published>2025-11-23T10:00:00.5+03:30</published><author><name>N</name></author>"
            '<summary>S</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Long</p></div></content>'
            "</entry>",
            attributes=' xml:lang="en"',
        )
    )
    assert (entry.id, entry.title, entry.language, entry.author) == ("urn:1", "خبر", "fa", "N")
    assert entry.url == "https://news.example/fa/1"
    assert entry.published_at == at(2025, 11, 23, 6, 30)
    assert entry.updated_at == at(2025, 11, 24, 10)
    assert (entry.summary, entry.text) == ("S", "Long")


def test_atom_without_a_publication_date_takes_the_update():
    entry = one(atom("<entry><id>1</id><title>x</title><updated>2025-11-24T10:00:00Z</updated></entry>"))
    assert entry.published_at == entry.updated_at == at(2025, 11, 24, 10)


def test_rdf_is_understood_with_its_dates():
    body = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="/"><title>R</title>'
        b"<items><rdf:Seq/></items></channel>"
        b'<item rdf:about="https://news.example/1"><title>x</title><link>https://news.example/1</link>'
        b"<dc:date>2025-11-24</dc:date><dc:creator>C</dc:creator></item></rdf:RDF>"
    )
    feed = parsed(body)
    assert (feed.format, feed.title) == ("rdf", "R")
    assert feed.entries[0].published_at == at(2025, 11, 24)
    assert feed.entries[0].author == "C"


@pytest.mark.parametrize(
    ("body", "format_name"),
    [
        (b'<rss version="0.91"><channel><item><title>x</title></item></channel></rss>', "rss"),
        (b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>x</title></entry></feed>', "atom"),
        (b'<CHANNEL HREF="http://a.example/"><ITEM HREF="/x"><TITLE>x</TITLE></ITEM></CHANNEL>', "rss"),
        (b"<feed><entry><title>x</title></entry></feed>", "atom"),
    ],
)
def test_old_formats_are_understood(body: bytes, format_name: str):
    feed = parsed(body)
    assert feed.format == format_name
    assert [entry.title for entry in feed.entries] == ["x"]


def test_a_guid_that_is_an_address_stands_in_for_a_missing_link():
    assert one(rss(item(guid="https://news.example/1"))).url == "https://news.example/1"


@pytest.mark.parametrize("guid", ["<guid>42</guid>", "<guid isPermaLink='false'>https://news.example/1</guid>"])
def test_a_guid_that_is_no_permalink_gives_no_link(guid: str):
    assert one(rss(f"<item><title>x</title>{guid}</item>")).url == ""


def test_the_first_page_among_several_links_is_the_entrys():
    entry = one(
        atom(
            '<entry><link type="application/pdf" href="/x.pdf"/><link type="text/html" href="/x"/>'
            '<link type="text/html" href="/y"/></entry>'
        )
    )
    assert entry.url == "https://news.example/x"
    assert one(atom('<entry><link type="application/pdf" href="/x.pdf"/></entry>')).url == "https://news.example/x.pdf"


def test_an_item_without_guid_and_link_is_kept():
    entry = one(rss(item(title="Alone")))
    assert (entry.title, entry.id, entry.url) == ("Alone", "", "")


def test_two_items_with_one_guid_are_both_kept():
    feed = parsed(rss(item(title="A", guid="g") + item(title="B", guid="g")))
    assert [(entry.title, entry.id) for entry in feed.entries] == [("A", "g"), ("B", "g")]


def test_the_longest_readable_content_is_the_text():
    entry = one(
        atom(
            '<entry><content type="text">short</content><content type="html">rather longer</content>'
            '<content type="image/png">aGVsbG8gaGVsbG8gaGVsbG8=</content></entry>'
        )
    )
    assert entry.text == "rather longer"


def test_long_fields_are_cut():
    title, author = "t" * 2_000, "a" * 2_000
    long = item(title=title, description="d" * 9_000, author=author, guid="g" * 3_000)
    entry = one(rss(long.replace("</item>", f"<content:encoded>{'c' * 30_000}</content:encoded></item>")))
    assert (len(entry.title), len(entry.summary), len(entry.text)) == (1_000, 4_000, 20_000)
    assert len(entry.author) == 320
    assert len(entry.id) == 1_000
    other = one(rss(item(guid="g" * 3_001)))
    assert other.id != entry.id


@pytest.mark.parametrize(
    ("channel", "ttl"),
    [
        ("<ttl>30</ttl>", timedelta(minutes=30)),
        ("<ttl>0</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>999999999</ttl>", timedelta(days=7)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", timedelta(hours=6)),
        ("<sy:updatePeriod> hourly </sy:updatePeriod>", timedelta(hours=1)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>999</sy:updateFrequency>", timedelta(minutes=1)),
        ("<sy:updatePeriod>never</sy:updatePeriod>", None),
    ],
)
def test_a_feeds_wish_for_its_interval_is_read(channel: str, ttl: timedelta | None):
    body = rss(GOOD, channel=channel, attributes=' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"')
    assert parsed(body).ttl == ttl


def test_what_parse_prints_is_json():
    line = describe(parsed(rss(item(title="x", link="/1", pubDate="24 Nov 2025") + GOOD)), "file.xml")
    assert json.loads(json.dumps(line)) == {
        "source": "file.xml",
        "title": "T",
        "entries": [
            {
                "id": "",
                "title": "x",
                "url": "https://news.example/1",
                "published": "2025-11-24T00:00:00+00:00",
                "summary": "",
            },
            {"id": "good", "title": "Good", "url": "https://news.example/good", "published": None, "summary": ""},
        ],
        "warnings": [],
    }


# ── JSON Feed ─────────────────────────────────────────────────────────────────────────────────────


def json_feed(*items: object, **fields: object) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": list(items), **fields}).encode()


def test_a_json_feed_is_read():
    feed = parsed(
        json_feed(
            {
                "id": 7,
                "url": "/7",
                "title": "T",
                "content_html": "<p>Body</p><script>x</script>",
                "summary": "S",
                "date_published": "2025-11-24T10:00:00+01:00",
                "date_modified": "2025-11-25T10:00:00Z",
                "authors": [{"url": "x"}, {"name": "Ana"}],
                "language": "es",
            },
            title="Feed",
            home_page_url="https://news.example/",
            language="en",
        )
    )
    assert (feed.title, feed.format, feed.language, feed.url) == ("Feed", "json", "en", "https://news.example/")
    (entry,) = feed.entries
    assert (entry.id, entry.url, entry.title) == ("7", "https://news.example/7", "T")
    assert (entry.summary, entry.text, entry.author, entry.language) == ("S", "Body", "Ana", "es")
    assert (entry.published_at, entry.updated_at) == (at(2025, 11, 24, 9), at(2025, 11, 25, 10))


def test_a_json_item_uses_what_it_has():
    entry = one(json_feed({"id": "https://news.example/x", "content_text": "Just text", "author": {"name": "B"}}))
    assert (entry.url, entry.text, entry.author) == ("https://news.example/x", "Just text", "B")
    assert one(json_feed({"id": True, "external_url": "https://b.example/"})).url == "https://b.example/"
    modified = one(json_feed({"id": "1", "date_modified": "2025-11-25"}))
    assert modified.published_at == modified.updated_at == at(2025, 11, 25)


def test_json_values_of_a_wrong_kind_count_as_absent():
    feed = parsed(json_feed(None, "x", {"id": None, "title": ["a"], "url": 5, "authors": "x", "content_html": None}))
    (entry,) = feed.entries
    assert (entry.id, entry.title, entry.text, entry.author) == ("", "", "", "")
    assert feed.warnings == ("2 items are no objects: left out",)


def test_a_json_feed_is_recognised_without_its_version():
    assert parsed(b'{"items": [{"id": "1", "title": "x"}]}').entries[0].title == "x"


def test_json_with_a_lone_surrogate_is_kept():
    entry = one(b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"\\ud800","title":"a\\ud800b"}]}')
    assert entry.title == "a\ufffdb"
    entry.id.encode()


def test_a_long_json_feed_keeps_its_newest_end():
    old_first = [{"id": str(n), "date_published": f"2025-11-{n:02}"} for n in range(1, 11)]
    kept = parsed(json_feed(*old_first), max_entries=3)
    assert [entry.id for entry in kept.entries] == ["8", "9", "10"]
    assert kept.warnings == ("10 entries, more than are read at once: 7 left out",)
    kept = parsed(json_feed(*reversed(old_first)), max_entries=3)
    assert [entry.id for entry in kept.entries] == ["10", "9", "8"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"items": [', "JSON that is cut off"),
        (b'{"items": nonsense, "more": 1}', "JSON that is broken at character 10"),
        (b'{"items":' + b"[" * 100_000, "nested too deep"),
        (b"[1, 2]", "JSON without a list of items"),
        (b'{"items": {}}', "JSON without a list of items"),
        (b'{"items": [{"id": 1}, 2]}', "no JSON Feed"),
        (b'{"items": [' + b"1" * 5_000 + b"]}", "JSON that is"),
    ],
)
def test_json_that_is_no_feed_is_said_to_be_none(body: bytes, why: str):
    with no_feed(why):
        parsed(body)


# ── no feed at all ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the answer is empty"),
        (b" \n ", "the answer is empty"),
        (b"404 Not Found", "neither XML nor JSON"),
        (b"\x1f\x8b\x08\x00nonsense", "neither XML nor JSON"),
        (b"<?xml version='1.0'?>", "neither XML nor JSON"),
        (b"<!DOCTYPE html><p>Sorry</p>", "an HTML page$"),
        (b"<html><body>Sorry", "an HTML page$"),
        (b"<opml version='2.0'><body/></opml>", "OPML"),
        (b"<urlset><url><loc>x</loc></url></urlset>", "another kind .<urlset>"),
    ],
)
def test_what_is_no_feed_is_said_to_be_none(body: bytes, why: str):
    with no_feed(why):
        parsed(body)


def test_an_html_page_is_told_by_its_content_type_too():
    with no_feed("an HTML page"):
        parsed(b"<div>Sorry</div>", content_type="text/html; charset=utf-8")
    assert parsed(rss(GOOD), content_type="text/html").entries[0].title == "Good"


def test_an_html_page_names_the_feed_it_advertises():
    page = (
        b'<html><head><link rel=stylesheet href="/x.css"><link rel="alternate" hreflang="fr" href="/fr">'
        b"<link rel='alternate' type='application/atom+xml' href='javascript:x'>"
        b'<link rel="Alternate home" type="application/rss+xml" title="News" href="../feed?a=1&amp;b=2">'
    )
    with no_feed(r"an HTML page; try https://news\.example/feed\?a=1&b=2$"):
        parsed(page)


def test_a_servers_words_before_the_feed_are_left_out():
    for words in ("Warning: mkdir() failed\n", "<br />\n<b>Warning</b>: x<br />\n", "\ufeff\n \n", "<!-- hi -->"):
        feed = parsed(words.encode() + rss(GOOD))
        assert [entry.title for entry in feed.entries] == ["Good"]
        assert bool(feed.warnings) == ("Warning" in words)


def test_relative_links_are_resolved_against_the_final_address():
    assert one(rss(item(link="story/1")), url="https://a.example/x/y.xml").url == "https://a.example/x/story/1"
    assert one(rss(item(link="//b.example/1")), url="https://a.example/x").url == "https://b.example/1"
    assert one(rss(item(link="/1")), url=URL).url == "https://news.example/1"
