"""Through the operator's proxy: names go to it unresolved, and its own troubles are told as its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from monitor.alerts import policy
from monitor.errors import FetchError, FetchFailure
from monitor.ingest.fulltext import FullText
from monitor.ingest.guard import Guard
from monitor.ingest.parse import Parser
from monitor.model import EPOCH, Article
from monitor.second_look import second_look
from tests.fetch_parts import RSS, Site, answer, feed, fetcher, guard, redirect, state
from tests.store_parts import a_score


async def never(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up here")


def through(proxy: str, *allow: str):
    return fetcher(Guard(allow, resolver=never), proxy=proxy)


@dataclass(slots=True)
class Socks:
    """A SOCKS5 proxy that answers every request itself, or refuses with `reply`."""

    reply: int = 0
    page: bytes = field(default_factory=answer)
    hosts: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"socks5h://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            self.hosts.append((await reader.readexactly((await reader.readexactly(1))[0])).decode())
        else:
            await reader.readexactly(4 if kind == 1 else 16)
            self.hosts.append("literal")
        await reader.readexactly(2)
        writer.write(bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not self.reply:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.page)
        await writer.drain()
        writer.close()


async def test_a_socks_proxy_is_given_the_name_and_nothing_is_looked_up_here() -> None:
    socks = Socks()
    async with socks.up() as proxy, through(proxy) as web:
        assert (await web.get("http://news.test/rss")).body == RSS
        assert (await web.get("http://abcdef.onion/rss")).body == RSS
    assert socks.hosts == ["news.test", "abcdef.onion"]


async def test_an_http_proxy_is_given_the_name() -> None:
    async with Site({"http://news.test/rss": answer()}) as proxy, through(proxy.url()) as web:
        assert (await web.get("http://news.test/rss")).body == RSS
        with pytest.raises(FetchError) as error:
            await web.get("https://secure.test/rss")  # a 404 to CONNECT
    assert error.value.kind is FetchFailure.PROXY
    assert [asked.method for asked in proxy.asked] == ["GET", "CONNECT"]
    assert proxy.asked[1].target == "secure.test:443"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://localhost/",
        "http://metadata.google.internal/",
        "http://169.254.169.254/",
        "http://news.test:22/",
    ],
)
async def test_a_proxy_does_not_lift_the_guard(url: str) -> None:
    socks = Socks()
    async with socks.up() as proxy, through(proxy) as web:
        with pytest.raises(FetchError) as error:
            await web.get(url)
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
    assert socks.hosts == []


async def test_a_redirect_through_a_proxy_is_checked_too() -> None:
    socks = Socks(page=b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n")
    async with socks.up() as proxy, through(proxy) as web:
        with pytest.raises(FetchError) as error:
            await web.get("http://news.test/")
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
    assert socks.hosts == ["news.test"]


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
async def test_a_proxy_that_is_down_is_named_as_the_cause(scheme: str) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with through(f"{scheme}://name:secret@127.0.0.1:{port}") as web:
        texts = set()
        for url in ("http://a.test/", "https://b.test/"):
            with pytest.raises(FetchError) as error:
                await web.get(url)
            assert error.value.kind is FetchFailure.PROXY
            texts.add(str(error.value))
    assert texts == {"the proxy does not answer; start it or mend proxy under [network]"}  # one incident, one text


async def test_a_site_that_the_proxy_cannot_reach_is_the_sites_trouble() -> None:
    async with Socks(reply=4).up() as proxy, through(proxy) as web:
        with pytest.raises(FetchError) as error:
            await web.get("http://news.test/")
    assert error.value.kind is FetchFailure.CONNECT


async def test_a_proxy_that_speaks_no_socks_is_named_as_the_cause() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(b"x")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server, through(f"socks5h://127.0.0.1:{server.sockets[0].getsockname()[1]}") as web:
        with pytest.raises(FetchError) as error:
            await web.get("http://news.test/")
    assert error.value.kind is FetchFailure.PROXY


# ── a feed's own proxy ────────────────────────────────────────────────────────────────────────────


async def test_a_feed_goes_by_its_own_proxy_and_the_others_by_the_usual_one() -> None:
    usual, own = Socks(), Socks()
    async with usual.up() as one, own.up() as other, through(one) as web:
        for url, proxy in (("http://a.test/", ""), ("http://b.test/", other), ("http://c.test/", "")):
            await web.fetch(feed(url, proxy=proxy), state(url))
    assert (usual.hosts, own.hosts) == (["a.test", "c.test"], ["b.test"])


async def test_a_feed_with_its_own_proxy_is_never_dialled_or_looked_up_from_here() -> None:
    async with Socks().up() as proxy, fetcher(Guard((), resolver=never)) as web:
        asked = [(feed(f"http://{name}.test/", proxy=proxy), state("x"), True) for name in ("a", "b")]
        assert [getattr(got, "body", got) async for _, _, got in web.many(asked)] == [RSS, RSS]


async def test_a_redirect_stays_with_the_feeds_own_proxy_and_its_guard() -> None:
    hops = Site({"http://a.test/": redirect("http://b.test/"), "http://b.test/": redirect("http://10.0.0.1/")})
    async with hops as proxy, fetcher(Guard((), resolver=never)) as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed("http://a.test/", proxy=proxy.url()), state("x"))
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
    assert [asked.target for asked in proxy.asked] == ["http://a.test/", "http://b.test/"]


async def test_a_feeds_own_proxy_that_is_down_costs_only_that_feed() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with Site({"/": answer()}) as site, fetcher() as web:
        lost = feed("http://a.test/", proxy=f"socks5h://127.0.0.1:{port}")
        got = {
            one.url: found
            async for one, _, found in web.many([(lost, state("x"), True), (feed(site.url()), state("y"), True)])
        }
    assert str(got["http://a.test/"]) == "the feed's own proxy does not answer; start it or mend its proxy"
    assert got[site.url()].body == RSS


async def test_a_feeds_own_proxy_that_is_no_address_is_that_feeds_error() -> None:
    async with Site({"/": answer()}) as site, fetcher() as web:
        rows = [(feed("http://a.test/", proxy="http://[::1"), state("x"), True), (feed(site.url()), state("y"), True)]
        got = {one.url: found async for one, _, found in web.many(rows)}
    assert got["http://a.test/"].kind is FetchFailure.PROXY
    assert "[::1" not in str(got["http://a.test/"])
    assert got[site.url()].body == RSS


async def test_the_page_of_an_article_goes_by_its_feeds_own_proxy() -> None:
    page = answer(200, b"<html><body><p>Text</p></body></html>", ("Content-Type", "text/html"))
    pages = {"http://a.test/robots.txt": answer(404, b"no"), "http://a.test/story": page}
    article = Article(id="1", feed="x", title="T", url="http://a.test/story")
    async with Site(pages) as proxy, Parser() as parser, fetcher(Guard((), resolver=never)) as web:
        await FullText(web, parser).read([article], now=EPOCH, proxy=proxy.url())
    assert [asked.target for asked in proxy.asked] == ["http://a.test/robots.txt", "http://a.test/story"]


@dataclass(frozen=True)
class Looking:
    """What a second look needs of a watch."""

    full_text: FullText
    rules: policy.Rules = field(default_factory=lambda: policy.Rules(alert_at=0.8, digest_at=0.5))

    @property
    def classifier(self) -> Looking:
        return self

    def score(self, texts: list[object]) -> list[object]:
        return [a_score(0.6) for _ in texts]


async def test_a_second_look_goes_by_the_feeds_own_proxy() -> None:
    page = answer(200, b"<html><body><p>Text</p></body></html>", ("Content-Type", "text/html"))
    article = Article(id="1", feed="x", title="T", url="http://a.test/story")
    async with (
        Site({"http://a.test/story": page}) as proxy,
        Parser() as parser,
        fetcher(Guard((), resolver=never)) as web,
    ):
        watch, own = Looking(FullText(web, parser)), feed("http://a.test/", proxy=proxy.url())
        row = (article, a_score(0.6), policy.verdict(a_score(0.6), article, own, watch.rules))
        ((looked, _, _),) = await second_look(watch, own, [row], EPOCH)
    assert looked.page_state == "read"
    assert [asked.target for asked in proxy.asked] == ["http://a.test/robots.txt", "http://a.test/story"]


async def test_two_user_agents_are_two_readers_to_a_site_and_nothing_else_names_us() -> None:
    async with Site({"/a": answer(), "/b": answer()}) as site, fetcher(guard()) as web:
        await web.fetch(feed(site.url("/a"), user_agent="One/1"), state("x"))
        await web.fetch(feed(site.url("/b"), user_agent="Two/2"), state("y"))
    assert [asked.headers["user-agent"] for asked in site.asked] == ["One/1", "Two/2"]
    assert set(site.asked[0].headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
