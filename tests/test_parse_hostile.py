"""Feeds made to hurt: nothing is opened, nothing grows, nothing takes long, and good neighbours survive."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.ingest.parse import parse_bytes
from monitor.model import ParsedFeed
from tests.parse_parts import ATOM, GOOD, URL, atom, item, no_feed, one, parsed, rss

N = 50_000


def titles(body: bytes, **options: object) -> list[str]:
    return [entry.title for entry in parsed(body, **options).entries]


def laughs() -> str:
    lines = [f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)]
    return "<!DOCTYPE r [<!ENTITY l0 'lol'>" + "".join(lines) + "]>"


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (laughs(), "&l9;"),
        ("<!DOCTYPE r [<!ENTITY l9 '" + "x" * N + "'>]>", "&l9;" * 1_000),
        ('<!DOCTYPE r [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>', "&l9;"),
        ('<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>', "&l9;"),
        ("<!DOCTYPE r [" + "<!ENTITY a 'b'>\n" * 40_000 + "]>", "&l9;"),
        ("<!ENTITY a 'b'>\n" * 40_000, "&l9;"),
        ("<!DOCTYPE r [<!-- ' ]> --><!ELEMENT r ANY><!ENTITY x ']>'>]>", "&l9;"),
    ],
    ids=["laughs", "quadratic", "file", "parameter", "flood", "bare flood", "quotes"],
)
def test_entities_of_a_documents_own_are_never_expanded(head: str, title: str):
    started = time.process_time()
    feed = parsed(rss(item(title=title) + GOOD, head=head))
    assert time.process_time() - started < 3
    assert [entry.title for entry in feed.entries] == [title[:1_000], "Good"]
    assert feed.warnings == ("entities that the document defines itself were left out",)


def test_a_document_type_without_entities_changes_nothing():
    for doctype in (
        '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://a.example/x.dtd">',
        r'<!DOCTYPE r "\1\g<0>">',
    ):
        feed = parsed(rss(GOOD, head=doctype))
        assert feed.entries[0].title == "Good"
        assert feed.warnings == ()


@pytest.mark.parametrize("head", ["<!DOCTYPE r [", "<!DOCTYPE '", "<!DOCTYPE r [<!-- ", "<!-- ", "<?php "])
def test_a_prolog_that_never_ends_is_skipped(head: str):
    assert titles(rss(GOOD, head=head)) == ["Good"]


@pytest.mark.parametrize(
    "markup",
    [
        "<author>{}</author>",
        "<author><![CDATA[{}]]></author>",
        '<x:creator xmlns:x="http://purl.org/dc/elements/1.1/">{}</x:creator>',
        "<managingEditor>{}</managingEditor>",
        "<author><b>{}</b></author>",
    ],
)
def test_an_endless_author_costs_nothing(markup: str):
    started = time.process_time()
    body = rss("<item><title>A</title>" + markup.format("a." * 40_000) + "</item>" + GOOD)
    assert titles(body) == ["A", "Good"]
    assert time.process_time() - started < 2


def test_authors_never_closed_lose_their_tags():
    assert titles(rss("<item><author>" + "<author>" * 1_000 + "a." * 20_000 + "<title>A</title></item>" + GOOD)) == [
        "A",
        "Good",
    ]


def test_a_modest_author_stays_whole():
    entry = one(
        atom("<entry><author><name>Ana &amp; Bo</name><uri>https://a.example/" + "x" * 300 + "</uri></author></entry>")
    )
    assert entry.author == "Ana & Bo"


@pytest.mark.parametrize("flood", ["<item/>", "<item>", "<item ", "<entry/>", "<x:item/>", "<ITEM></ITEM>"])
def test_a_flood_of_entries_is_cut_before_it_is_parsed(flood: str):
    started = time.process_time()
    feed = parsed(rss(flood * N))
    assert time.process_time() - started < 3
    assert len(feed.entries) <= 500
    assert f"{N} entries, more than are read at once: {N - 500} left out" in feed.warnings


def test_of_too_many_entries_the_first_are_kept():
    assert titles(rss("".join(item(title=str(n)) for n in range(20))), max_entries=3) == ["0", "1", "2"]
    newest_first = "".join(item(title=str(n), pubDate=f"{n} Nov 2025") for n in range(20, 0, -1))
    assert titles(rss(newest_first), max_entries=3) == ["20", "19", "18"]


def test_of_too_many_entries_the_last_are_kept_where_the_feed_runs_from_old_to_new():
    oldest_first = "".join(f"<entry><title>{n}</title><updated>2025-11-{n:02}</updated></entry>" for n in range(1, 21))
    assert titles(atom(oldest_first), max_entries=3) == ["18", "19", "20"]


def test_item_tags_inside_of_text_are_not_counted():
    inside = "<item><title>A</title><description><![CDATA[" + "<item>" * 20 + "]]></description></item><!--<item>-->"
    feed = parsed(rss(inside + GOOD), max_entries=3)
    assert [entry.title for entry in feed.entries] == ["A", "Good"]
    assert feed.warnings == ()


@pytest.mark.parametrize(
    "flood",
    ["<a ", "<", "<div>", "<b><p>", "<table><b>", "&", "&amp;", "<!--", "<![CDATA[", "<script>", "&#x"],
)
def test_floods_of_markup_in_a_summary_cost_nothing(flood: str):
    started = time.process_time()
    assert titles(rss(f"<item><title>A</title><description><![CDATA[{flood * N}]]></description></item>")) == ["A"]
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "flood", ["<!--", "<![CDATA[", "<", "<?a ", "<![CDATA[a]]>", "&", ' base="', "<author>", "]]>"]
)
def test_floods_of_markup_between_items_cost_nothing(flood: str):
    started = time.process_time()
    feed = parsed(rss(GOOD + flood * N))
    assert time.process_time() - started < 4
    assert [entry.title for entry in feed.entries] == ["Good"]


def test_one_huge_token_and_one_huge_title_are_taken():
    assert titles(rss(f'<item a="{"x" * 2_000_000}"><title>A</title></item>')) == ["A"]
    assert titles(rss(item(title="x" * 2_000_000))) == ["x" * 1_000]


def test_impossible_character_references_damage_only_themselves():
    bad = "a&#xD800;b&#x110000;c&#xFFFFFFFFF;d&#0;e&#99999999999;f&#65;&#x42;&#60;&#10;&#146;&#65g"
    assert titles(rss(item(title=bad) + GOOD)) == ["a\ufffdb\ufffdc\ufffdd\ufffde\ufffdfAB< ’Ag", "Good"]


def test_html_entities_and_bare_ampersands_are_what_they_look_like():
    assert titles(rss(item(title="Jos&eacute; &amp; AT&T &unknown; R&D &lt;3"))) == ["José & AT&T &unknown; R&D <3"]
    assert one(rss(item(link="https://a.example/?a=1&b=2&copy=3"))).url == "https://a.example/?a=1&b=2&copy=3"


def test_control_characters_are_removed():
    assert titles(rss(item(title="a\x00b\x07c\x1b[31m\ufffe\tz") + GOOD)) == ["abc[31m z", "Good"]


def test_scripts_never_reach_a_field():
    script = "&lt;script>alert(1)&lt;/script>hi&lt;style>x&lt;/style>"
    entry = one(rss(item(title=script, description=script, author=script)))
    assert (entry.title, entry.summary, entry.author) == ("hi", "hi", "hi")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "JaVaScRiPt:x",
        "data:text/html,x",
        "tg://resolve?domain=x",
        "intent:x",
        "file:///etc/passwd",
        "vbscript:x",
        "http://",
        "http://[::1",
        "https://a.example:99999/",
        "https://a.example/" + "x" * 5_000,
    ],
)
def test_links_that_are_not_http_are_dropped(link: str):
    feed = parsed(rss(item(title="A", link=link) + GOOD))
    assert [(entry.title, entry.url) for entry in feed.entries] == [("A", ""), ("Good", "https://news.example/good")]


def test_a_foreign_xml_base_gives_no_link_its_host():
    for base in ("https://evil.example/", "//evil.example/x", "https://evil.example&#47;", "javascript:x"):
        for attribute in ("xml:base", "base"):
            feed = parsed(atom(f'<entry {attribute}="{base}"><title>A</title><link href="a"/></entry>'))
            assert [entry.url for entry in feed.entries] == ["https://news.example/world/a"]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://www.news.example/x/", "https://www.news.example/x/a"),
        ("https://cdn.news.example/", "https://cdn.news.example/a"),
        ("/blog/", "https://news.example/blog/a"),
    ],
)
def test_an_xml_base_on_the_own_site_counts(base: str, url: str):
    assert one(atom(f"<entry xml:base='{base}'><link href='a'/></entry>")).url == url


# ── cut connections ───────────────────────────────────────────────────────────────────────────────


def test_a_cut_feed_keeps_its_whole_entries_at_every_byte():
    body = rss(
        item(title="One", guid="1") + item(title="Two", guid="2") + "<item><title><![CDATA[Three]]></title></item>"
    )
    whole = parsed(body)
    second_start = body.index(b"<item>", body.index(b"One"))
    for end in range(second_start, len(body) - 1):
        feed = parsed(body[:end])
        assert feed.truncated
        assert feed.entries == whole.entries[: len(feed.entries)]
        assert len(feed.entries) >= 1
    assert not whole.truncated


def test_a_cut_atom_feed_says_so():
    body = atom("<entry><title>A</title></entry><entry><title>B")
    feed = parsed(body[: body.index(b"B")])
    assert feed.truncated
    assert [entry.title for entry in feed.entries] == ["A"]
    assert feed.warnings == ("the document is cut off: its whole entries are used",)


def test_the_only_entry_of_a_cut_feed_is_kept():
    body = rss("<item><title>A</title><description>half a ")
    feed = parsed(body[: body.index(b"half") + 6])
    assert feed.truncated
    assert [entry.title for entry in feed.entries] == ["A"]


def test_what_follows_the_documents_end_is_ignored():
    feed = parsed(rss(GOOD) + b"<!-- cached --><script>x</script><item><title>no</title></item>")
    assert [entry.title for entry in feed.entries] == ["Good"]
    assert not feed.truncated


def test_an_empty_feed_is_no_error():
    for body in (rss(""), b"<rss/>", f"<feed {ATOM}/>".encode(), b"<rss version='2.0'><channel/></rss>"):
        feed = parsed(body)
        assert feed.entries == ()
        assert not feed.truncated


def test_a_failure_inside_of_the_feed_parser_is_a_parse_error(monkeypatch: pytest.MonkeyPatch):
    import feedparser

    def broken(*args: object, **kwargs: object) -> None:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(feedparser, "parse", broken)
    with no_feed("broken beyond repair .UnicodeEncodeError"):
        parsed(rss(GOOD))


# ── any bytes ─────────────────────────────────────────────────────────────────────────────────────

_WORDS = (
    "<rss> <channel> <item> <entry> <title> <link> <author> </author> </item> </entry> </title> </rss> <feed> </feed> "
    "<![CDATA[ ]]> <!-- --> <!DOCTYPE [ ]> & &#xD800; &eacute; &#9; xml:base=' ' <?xml ?> <guid> <pubDate> </pubDate> "
    '{ } "items" : [ ] , "id" <html> \x00 é خبر a.a. <content> </content> <div> </div> <source> </source>'
)
_BITS = st.sampled_from(_WORDS.split(" "))
_SOUP = st.lists(_BITS, max_size=60).map(lambda bits: " ".join(bits).encode())
_INSIDE = st.binary(max_size=200).map(lambda inside: rss("<item><title>").replace(b"<title>", b"<title>" + inside, 1))


def ends_well(body: bytes, content_type: str = "") -> None:
    try:
        feed = parse_bytes(body, url=URL, content_type=content_type)
    except ParseError:
        return
    assert isinstance(feed, ParsedFeed)
    for entry in feed.entries:
        "".join((entry.id, entry.title, entry.url, entry.summary, entry.text, entry.author)).encode()
        assert entry.url == "" or entry.url.startswith(("http://", "https://"))
        assert "\0" not in entry.title + entry.summary + entry.text


@given(
    body=st.one_of(st.binary(max_size=300), _SOUP, _INSIDE), content_type=st.one_of(st.just(""), st.text(max_size=40))
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_end_in_a_feed_or_a_parse_error(body: bytes, content_type: str):
    ends_well(body, content_type)


@pytest.mark.soak
@given(body=st.one_of(st.binary(max_size=2_000), _SOUP, _INSIDE))
@settings(max_examples=50_000, deadline=None)
def test_any_bytes_end_in_a_feed_or_a_parse_error_for_long(body: bytes):
    ends_well(body)
