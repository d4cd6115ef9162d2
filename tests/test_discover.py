"""Which feeds stand behind an address, what is wrong with one, and whose address a search's link really is."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.ingest import discover, page, robots
from monitor.ingest.discover import Probe, discovered, probe, probes
from monitor.ingest.fetch import Fetcher
from monitor.ingest.page import FeedLink, WebPage, web_page
from monitor.ingest.parse import Parser, parse_bytes
from monitor.links import display_host, is_wrapped, unwrapped
from monitor.model import Feed
from tests.fetch_parts import Site, answer, fetcher, guard, redirect

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HTML = ("Content-Type", "text/html")


def rss(title: str = "Wire", published: str = "Mon, 23 Nov 2026 08:00:00 GMT") -> bytes:
    item = f"<item><title>Exile followed</title><link>https://w.test/1</link>{published and f'<pubDate>{published}</pubDate>'}</item>"
    return f'<rss version="2.0"><channel><title>{title}</title>{item}</channel></rss>'.encode()


EMPTY = b'<rss version="2.0"><channel><title>Empty</title></channel></rss>'
JSON = b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", "title": "A", "date_published": "2026-11-23T08:00:00Z"}]}'


def html(*links: str, title: str = "The Wire", body: str = "") -> bytes:
    return (
        f"<!doctype html><html><head><title>{title}</title>{''.join(links)}</head><body>{body}</body></html>".encode()
    )


def alternate(href: str, kind: str = "application/rss+xml", title: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


@asynccontextmanager
async def asking(**options: Any) -> AsyncIterator[tuple[Fetcher, Parser]]:
    async with Parser() as parser, fetcher(options.pop("use", None), **options) as asked:
        yield asked, parser


async def probed(site: Site, target: str = "/feed", **options: Any) -> Probe:
    async with asking(**options) as (asked, parser):
        return await probe(asked, parser, site.url(target), now=NOW)


async def found(site: Site, target: str = "/", **options: Any) -> list[str]:
    async with asking() as (asked, parser):
        ones = await discovered(asked, parser, site.url(target), now=NOW, **options)
        return [one.url.removeprefix(site.url("")) for one in ones if one.parsed]


# ── one address ───────────────────────────────────────────────────────────────────────────────────


async def test_a_feed_that_is_fine_has_no_problem_and_no_doubt() -> None:
    async with Site({"/feed": answer(200, rss())}) as site:
        one = await probed(site)
        assert (one.problem, one.doubts, one.mend, one.moved_to) == ("", (), "", "")
        assert one.parsed is not None
        assert (one.parsed.title, one.parsed.format, one.newest_at) == ("Wire", "rss", NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("body", "doubt", "mend"),
    [
        (EMPTY, "it has no entries", "look at it again tomorrow"),
        (rss(published=""), "none of its entries has a date", ""),
        (rss(published="Mon, 24 Aug 2026 08:00:00 GMT"), "its newest entry is 92 days old", "look for a newer feed: longarm feeds add"),
    ],
)  # fmt: skip
async def test_a_feed_that_is_empty_undated_or_stale_is_doubted(body: bytes, doubt: str, mend: str) -> None:
    async with Site({"/feed": answer(200, body)}) as site:
        one = await probed(site)
        assert one.problem == ""
        assert one.doubts == (doubt,)
        assert one.mend.startswith(mend)


async def test_a_feed_that_moved_says_where_to() -> None:
    async with Site({"/feed": redirect("/new", 301), "/new": answer(200, rss())}) as site:
        one = await probed(site)
        assert one.moved_to == one.found_at == site.url("/new")
        assert one.doubts == ("it has moved for good",)
        assert one.mend == "write its new address into the configuration"


@pytest.mark.parametrize(
    ("given", "problem", "mend"),
    [
        (answer(403, b"no"), "403", "user_agent"),
        (answer(404, b"no"), "404", "longarm feeds add http://127.0.0.1"),
        (answer(410, b"no"), "410", "successor"),
        (answer(429, b"no"), "429", "ask it less often"),
        (answer(500, b"no"), "500", ""),
        (answer(304), "not modified", ""),
        (answer(200, b"{}"), "not a feed", "look for a feed: longarm feeds add"),
    ],
    ids=str,
)
async def test_what_is_wrong_and_the_likely_mend_are_said(given: bytes, problem: str, mend: str) -> None:
    async with Site({"/feed": given}) as site:
        one = await probed(site)
        assert problem in one.problem
        assert mend in one.mend
        assert (one.parsed, one.newest_at) == (None, None)


async def test_an_address_of_ones_own_network_says_how_it_may_be_asked() -> None:
    async with Site({"/feed": answer(200, rss())}) as site:
        one = await probed(site, use=guard("10.0.0.0/8"))
        assert "allow" in one.mend
        assert site.connections == 0


async def test_a_web_page_is_named_with_the_feeds_that_it_names() -> None:
    async with Site({"/feed": answer(200, html(alternate("/rss"), alternate("/comments/rss")), HTML)}) as site:
        one = await probed(site)
        assert one.problem == "not a feed: an HTML page"
        assert one.mend == f"feeds found there: {site.url('/rss')}, {site.url('/comments/rss')}"
        assert one.page.title == "The Wire"


async def test_a_page_that_breaks_the_readers_limits_names_no_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ParseError("too much", killed=True)

    monkeypatch.setattr(Parser, "web_page", broken)
    async with Site({"/feed": answer(200, html(alternate("/rss")), HTML)}) as site:
        one = await probed(site)
        assert one.page == WebPage()
        assert one.mend.startswith("look for a feed")
    monkeypatch.setattr(Parser, "parse", broken)
    async with Site({"/feed": answer(200, rss())}) as site:
        assert (await probed(site)).problem == "too much"


async def test_configured_feeds_are_asked_as_the_daemon_asks_them() -> None:
    async with Site({"/a": answer(200, rss("A")), "/b": answer(404, b"no")}) as site, asking() as (asked, parser):
        feeds = [Feed(url=site.url("/a"), user_agent="Own/1.0"), Feed(url=site.url("/b"))]
        rows = {one.url: one async for one in probes(asked, parser, feeds, now=NOW)}
        assert rows[site.url("/a")].parsed is not None
        assert "404" in rows[site.url("/b")].problem
        assert "Own/1.0" in {request.headers["user-agent"] for request in site.asked}


# ── behind a page ─────────────────────────────────────────────────────────────────────────────────


async def test_an_address_that_is_a_feed_itself_is_found_with_one_request() -> None:
    async with Site({"/feed": answer(200, rss())}) as site:
        assert await found(site, "/feed") == ["/feed"]
        assert len(site.asked) == 1


async def test_advertised_feeds_are_found_in_their_order_without_trying_other_places() -> None:
    links = (alternate("/world.xml"), alternate("/all.json", "application/feed+json"), alternate("/gone"))
    pages = {"/": answer(200, html(*links), HTML), "/world.xml": answer(200, rss()), "/all.json": answer(200, JSON)}
    async with Site({**pages, "/feed": answer(200, rss())}) as site:
        assert await found(site) == ["/world.xml", "/all.json"]
        assert "/feed" not in [asked.target for asked in site.asked]


async def test_where_none_is_advertised_links_are_tried_and_then_well_known_places() -> None:
    page_with_link = html(body='<a href="/about">About</a><a href="/service/rss-feeds/world">RSS</a>')
    async with Site({"/": answer(200, page_with_link, HTML), "/service/rss-feeds/world": answer(200, rss())}) as site:
        assert await found(site) == ["/service/rss-feeds/world"]
        assert "/about" not in [asked.target for asked in site.asked]
    async with Site({"/": answer(200, html(), HTML), "/atom.xml": answer(200, rss())}) as site:
        assert await found(site) == ["/atom.xml"]


async def test_the_same_feed_under_two_addresses_is_named_once() -> None:
    pages = {"/": answer(200, html(alternate("/a"), alternate("/b")), HTML), "/a": redirect("/b", 301)}
    async with Site({**pages, "/b": answer(200, rss())}) as site:
        assert len(await found(site)) == 1


async def test_a_site_without_feeds_says_what_the_address_is() -> None:
    async with Site({"/": answer(200, html(), HTML)}) as site, asking() as (asked, parser):
        (one,) = await discovered(asked, parser, site.url("/"), now=NOW)
        assert one.problem == "not a feed: an HTML page"


async def test_no_more_addresses_are_asked_than_allowed() -> None:
    many = html(*(alternate(f"/{n}") for n in range(200)))
    async with Site({"/": answer(200, many, HTML)}) as site:
        assert await found(site) == []
        assert len(site.asked) == discover.MAX_REQUESTS
    async with Site({"/": answer(200, many, HTML)}) as site:
        await found(site, max_requests=3)
        assert len(site.asked) == 3


async def test_a_page_can_not_lead_into_the_own_network() -> None:
    async with Site(
        {"/": answer(200, html(alternate("http://10.0.0.1/feed"), alternate("file:///etc/passwd")), HTML)}
    ) as site:
        async with asyncio.timeout(20):
            assert await found(site) == []


# ── what a page names ─────────────────────────────────────────────────────────────────────────────


def test_links_are_absolute_each_once_and_advertised_ones_first() -> None:
    body = html(
        alternate("/b?x=1&amp;y=2", title="B &amp; more"),
        alternate("/a", "text/html"),
        alternate("javascript:alert(1)"),
        alternate("/c", "application/atom+xml; charset=utf-8"),
        '<link rel="stylesheet" type="application/rss+xml" href="/no">',
        body='<a href="/rss.xml#top" title="All">x</a><a href="/press">y</a><a href="/b?x=1&amp;y=2">z</a><a>n</a>',
    )
    assert web_page(body, "text/html", url="https://w.test/x/").feeds == (
        FeedLink(url="https://w.test/b?x=1&y=2", title="B & more"),
        FeedLink(url="https://w.test/c"),
        FeedLink(url="https://w.test/rss.xml", title="All", advertised=False),
    )


@pytest.mark.parametrize(
    ("href", "is_like"),
    [
        ("/feed", True), ("/rss", True), ("/rss.xml", True), ("/atom/", True), ("/feeds/posts", True), ("?feed=rss2", True),
        ("https://feeds.w.test/all", True), ("/press", False), ("/feedback", False), ("/atomic-energy", False), ("", False),
    ],
)  # fmt: skip
def test_which_links_look_like_feeds(href: str, is_like: bool) -> None:
    assert bool(web_page(html(body=f'<a href="{href}">x</a>'), url="https://w.test/").feeds) is is_like


def test_a_page_names_at_most_fifty_feeds() -> None:
    assert len(web_page(html(*(alternate(f"/{n}") for n in range(80))), url="https://w.test/").feeds) == 50


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reading_of_a_page_fail(body: bytes) -> None:
    assert isinstance(web_page(body, url="https://w.test/"), WebPage)
    assert isinstance(page.read_page(body, url="https://w.test/").canonical, str)


def test_the_jobs_are_done_the_same_in_the_child() -> None:
    from monitor.ingest.parser_child import _answer

    body = html(alternate("/rss"), body="<p>A paragraph that is long enough to be one of the article.</p>")
    where = {"url": "https://w.test/", "content_type": "text/html"}
    assert _answer("links", where, body)["links"]["title"] == "The Wire"
    assert "long enough" in _answer("page", where, body)["page"]["text"]
    asked = {"url": "https://w.test/a", "user_agent": "X"}
    assert _answer("robots", asked, b"User-agent: *\nDisallow: /a") == {"robots": False}
    assert robots.allows(b"", url="https://w.test/a", user_agent="")


# ── links of news searches ────────────────────────────────────────────────────────────────────────


def google_id(url: bytes, amp: bytes = b"") -> str:
    def text(number: int, value: bytes) -> bytes:
        size = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 0x7F | 0x80, len(value) >> 7])
        return bytes([number << 3 & 0x7F | 2]) + size + value

    raw = b"\x08\x13" + text(4, url) + (b"\xd2\x01" + bytes([len(amp)]) + amp)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


SHORT = "https://www.rfa.org/english/news/uyghur/abroad-11232026.html"
LONG = "https://www.rfa.org/" + "a" * 300


@pytest.mark.parametrize(
    ("link", "inner"),
    [
        (f"https://news.google.com/rss/articles/{google_id(SHORT.encode())}?oc=5", SHORT),
        (f"https://news.google.com/articles/{google_id(LONG.encode())}", LONG),
        (f"https://news.google.com/rss/articles/{google_id(SHORT.encode(), b'https://amp.rfa.org/x')}?oc=5", SHORT),
        ("http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&tid=1&url=https%3a%2f%2fw.test%2fa%3fb%3d1&c=9&mkt=en-us", "https://w.test/a?b=1"),
        ("https://www.bing.com/news/APIclick.aspx?URL=http://w.test/a", "http://w.test/a"),
    ],
    ids=["google", "google long", "google with amp", "bing", "bing in other letters"],
)  # fmt: skip
def test_a_search_link_gives_the_publishers_address(link: str, inner: str) -> None:
    assert unwrapped(link) == inner
    assert not is_wrapped(link)
    assert unwrapped(inner) == inner


@pytest.mark.parametrize(
    "link",
    [
        "https://w.test/a?url=https://other.test/",
        "https://bing.com.evil.test/news/apiclick.aspx?url=https://w.test/",
        "https://www.bing.com/search?q=x&url=https://w.test/",
        "https://www.bing.com/news/apiclick.aspx?url=javascript:alert(1)",
        "https://www.bing.com/news/apiclick.aspx?url=https://user:pw@/",
        "https://www.bing.com/news/apiclick.aspx",
        f"https://news.google.com.evil.test/rss/articles/{google_id(SHORT.encode())}",
        "https://news.google.com/rss/articles/CBMiWkFVX3lxTFBxOTV0bkxYZ0VhRHh2c3FJd2t5d0ZzV3hRUE9fX0FBQUFBQUFB?oc=5",
        f"https://news.google.com/rss/articles/{google_id(SHORT.encode())[:40]}",
        f"https://news.google.com/rss/articles/{google_id(b'javascript:alert(document.domain)')}",
        "https://news.google.com/rss/search?q=x",
        "not an address",
        "",
    ],
)
def test_any_other_address_stays_as_it_is(link: str) -> None:
    assert unwrapped(link) == link


def test_a_link_that_can_not_be_unwrapped_is_known_and_shows_its_true_host() -> None:
    link = "https://news.google.com/rss/articles/CBMiWkFVX3lxTFBxOTV0bkxYZ0VhRHh2c3FJd2t5d0ZzV3hRUE9fX0FBQUFBQUFB?oc=5"
    assert is_wrapped(link)
    assert display_host(unwrapped(link)) == "news.google.com"
    assert is_wrapped("https://www.bing.com/news/apiclick.aspx?url=nothing")
    assert not is_wrapped("https://www.rfa.org/a")
    assert not is_wrapped("")


@given(st.text(max_size=80))
def test_no_id_makes_the_unwrapping_fail(article_id: str) -> None:
    link = f"https://news.google.com/rss/articles/{article_id}"
    assert unwrapped(link) == link or unwrapped(link).startswith(("http://", "https://"))


@given(st.binary(min_size=12, max_size=80))
def test_no_bytes_in_an_id_make_the_unwrapping_fail(raw: bytes) -> None:
    link = f"https://news.google.com/rss/articles/{base64.urlsafe_b64encode(raw).decode()}"
    assert unwrapped(link).startswith(("http://", "https://"))


def test_a_search_feeds_entries_have_the_publishers_addresses() -> None:
    link = f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&amp;url={SHORT.replace(':', '%3a').replace('/', '%2f')}&amp;c=1"
    feed = parse_bytes(
        f"<rss><channel><item><title>A</title><link>{link}</link></item></channel></rss>".encode(), url=""
    )
    assert [entry.url for entry in feed.entries] == [SHORT]
