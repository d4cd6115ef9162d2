"""Conditional GET, statuses, redirects and cookies, over real HTTP on loopback."""

from __future__ import annotations

import hashlib
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from monitor.errors import ConfigError, FetchError, FetchFailure
from monitor.ingest.guard import Guard
from monitor.model import Fetched, NotModified
from tests.fetch_parts import RSS, Site, answer, feed, fetcher, guard, redirect, state

HASH = hashlib.sha256(RSS).hexdigest()


async def test_a_first_fetch_brings_the_body_and_what_to_remember() -> None:
    page = answer(
        200,
        RSS,
        ("ETag", '"a1"'),
        ("Last-Modified", "Tue, 10 Nov 2026 08:00:00 GMT"),
        ("Content-Type", "application/rss+xml"),
        ("Cache-Control", "public, max-age=600"),
    )
    async with Site({"/rss?key=1": page}) as site, fetcher() as web:
        url = site.url("/rss?key=1#frag")
        got = await web.fetch(feed(url), state(url))
    assert got == Fetched(
        body=RSS,
        url=site.url("/rss?key=1"),
        content_type="application/rss+xml",
        etag='"a1"',
        last_modified="Tue, 10 Nov 2026 08:00:00 GMT",
        body_hash=HASH,
        fresh_for=timedelta(minutes=10),
    )


async def test_a_request_tells_nothing_that_identifies_us() -> None:
    async with Site({"/": answer()}) as site, fetcher() as web:
        await web.fetch(feed(site.url()), state(site.url()))
        await web.fetch(feed(site.url(), user_agent="Own/1"), state(site.url()))
    assert dict(site.asked[0].headers) == {
        "host": f"127.0.0.1:{site.port}",
        "user-agent": "Mozilla/5.0",
        "accept": site.asked[0].headers["accept"],
        "accept-encoding": "gzip, br, zstd",
        "connection": "close",
    }
    assert site.asked[1].headers["user-agent"] == "Own/1"


async def test_no_user_agent_at_all_is_possible() -> None:
    async with Site({"/": answer()}) as site, fetcher(user_agent="") as web:
        await web.get(site.url())
    assert "user-agent" not in site.asked[0].headers


async def test_validators_are_sent_back_and_a_304_is_no_body() -> None:
    async with (
        Site({"/": answer(304, b"", ("ETag", '"a2"'), ("Cache-Control", "max-age=60"))}) as site,
        fetcher() as web,
    ):
        known = state(site.url(), etag='"a1"', last_modified="Tue, 10 Nov 2026 08:00:00 GMT")
        got = await web.fetch(feed(site.url()), known)
    assert got == NotModified(url=site.url(), etag='"a2"', fresh_for=timedelta(minutes=1))
    assert site.asked[0].headers["if-none-match"] == '"a1"'
    assert site.asked[0].headers["if-modified-since"] == "Tue, 10 Nov 2026 08:00:00 GMT"


async def test_an_unconditional_fetch_sends_no_validators() -> None:
    async with Site({"/": answer()}) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url(), etag='"a1"'), unconditional=True)
    assert isinstance(got, Fetched)
    assert "if-none-match" not in site.asked[0].headers


async def test_a_304_to_a_question_that_named_nothing_is_asked_again_once() -> None:
    async with Site({"/": [answer(304), answer()]}) as site, fetcher() as web:
        assert isinstance(await web.fetch(feed(site.url()), state(site.url())), Fetched)
    assert [asked.headers.get("cache-control") for asked in site.asked] == [None, "no-cache"]


async def test_a_304_for_ever_to_a_question_that_named_nothing_is_an_error() -> None:
    async with Site({"/": answer(304)}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url(), etag='"a"'), unconditional=True)
    assert error.value.kind is FetchFailure.PROTOCOL
    assert len(site.asked) == 2


async def test_a_body_that_is_the_known_one_is_not_modified() -> None:
    async with Site({"/": answer(200, RSS, ("ETag", '"new"'))}) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url(), body_hash=HASH))
    assert got == NotModified(url=site.url(), by_hash=True, etag='"new"')


async def test_validators_that_could_not_be_sent_back_are_not_kept() -> None:
    page = answer(200, RSS, ("ETag", '"\xe4"'), ("Last-Modified", "x" * 2000))
    async with Site({"/": page}) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url(), etag='"a\r\nb"'))
    assert isinstance(got, Fetched)
    assert (got.etag, got.last_modified) == ("", "")
    assert "if-none-match" not in site.asked[0].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, FetchFailure.UNAUTHORIZED),
        (403, FetchFailure.FORBIDDEN),
        (404, FetchFailure.NOT_FOUND),
        (410, FetchFailure.GONE),
        (429, FetchFailure.RATE_LIMITED),
        (451, FetchFailure.LEGAL),
        (500, FetchFailure.SERVER),
        (503, FetchFailure.SERVER),
        (599, FetchFailure.SERVER),
        (204, FetchFailure.EMPTY),
        (206, FetchFailure.STATUS),
        (300, FetchFailure.STATUS),
        (400, FetchFailure.STATUS),
        (418, FetchFailure.STATUS),
    ],
)
async def test_each_status_has_its_reason_and_quotes_nothing(status: int, kind: FetchFailure) -> None:
    page = answer(status, b"" if status == 204 else b"MARKER-BODY", ("X-Marker", "MARKER-HEADER"), length=status != 204)
    async with Site({"/rss?key=MARKER-KEY": page}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url("/rss?key=MARKER-KEY")), state(site.url()))
    assert (error.value.kind, error.value.status, error.value.retry_after) == (kind, status, None)
    assert str(error.value).startswith("127.0.0.1 ")
    assert "MARKER" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "value", "wait"),
    [
        (429, "120", timedelta(minutes=2)),
        (503, "31536000", timedelta(hours=24)),
        (503, "1", timedelta(minutes=1)),
        (500, "120", None),
        (429, "-5", None),
    ],
)
async def test_retry_after_is_obeyed_within_limits(status: int, value: str, wait: timedelta | None) -> None:
    async with Site({"/": answer(status, b"", ("Retry-After", value))}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.retry_after == wait


async def test_a_retry_date_is_measured_by_the_given_clock_when_the_answer_has_no_date() -> None:
    def clock() -> datetime:
        return datetime(2026, 11, 10, 8, tzinfo=UTC)

    page = answer(503, b"", ("Retry-After", "Tue, 10 Nov 2026 08:10:00 GMT"))
    async with Site({"/": page}) as site, fetcher(clock=clock) as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.retry_after == timedelta(minutes=10)


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
async def test_an_empty_answer_is_an_error_and_not_a_feed_without_entries(body: bytes) -> None:
    async with Site({"/": answer(200, body)}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.kind is FetchFailure.EMPTY


# ── redirects ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int) -> None:
    async with Site({"/": redirect("b?x=1", status), "/b?x=1": answer()}) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url(), etag='"a"'))
    assert isinstance(got, Fetched)
    assert got.url == site.url("/b?x=1")
    assert got.permanent_url == (site.url("/b?x=1") if status in (301, 308) else "")
    assert site.asked[1].headers["if-none-match"] == '"a"'
    assert site.connections == 2


async def test_only_the_leading_permanent_hops_are_learned() -> None:
    pages = {
        "/": redirect("/1", 301),
        "/1": redirect("/2", 308),
        "/2": redirect("/3", 302),
        "/3": redirect("/4", 301),
        "/4": answer(),
    }
    async with Site(pages) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url()))
    assert got.permanent_url == site.url("/2")


async def test_a_chain_longer_than_five_ends() -> None:
    pages = {f"/{n}": redirect(f"/{n + 1}") for n in range(9)}
    async with Site({**pages, "/5": answer()}) as site, fetcher() as web:
        assert isinstance(await web.fetch(feed(site.url("/0")), state(site.url())), Fetched)
        site.pages["/5"] = pages["/5"]
        site.asked.clear()
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url("/0")), state(site.url()))
    assert error.value.kind is FetchFailure.REDIRECTS
    assert len(site.asked) == 6


async def test_a_redirect_to_itself_ends() -> None:
    async with Site({"/": redirect("/", 301)}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.kind is FetchFailure.REDIRECTS


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
        "unix:/run/docker.sock",
        "http://good.test@127.0.0.1/",
        "http://a\\@b/",
        "\\\\evil.test\\",
        "http://[::1",
        "http://news.test:99999/",
        "/a\tb",
    ],
)
async def test_a_redirect_to_what_is_no_plain_address_is_refused(target: str) -> None:
    async with Site({"/": redirect(target)}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.kind is FetchFailure.SCHEME
    assert str(error.value).startswith("127.0.0.1, after a redirect: ")
    assert "evil" not in str(error.value)
    assert len(site.asked) == 1


async def test_a_redirect_without_a_target_is_an_error() -> None:
    async with Site({"/": answer(302, b"")}) as site, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.kind is FetchFailure.PROTOCOL


async def test_cookies_stay_with_their_origin_and_their_feed() -> None:
    async with Site() as other, Site() as site, fetcher() as web:
        site.pages["/"] = redirect("/wall", 302, ("Set-Cookie", "seen=1; Path=/; HttpOnly"), ("Set-Cookie", "bad"))
        site.pages["/wall"] = redirect(other.url("/there"), 302, ("Set-Cookie", "secret=2"))
        other.pages["/there"] = redirect("/end")
        other.pages["/end"] = answer(200, RSS, ("Set-Cookie", "late=3"))
        await web.fetch(feed(site.url()), state(site.url()))
        await web.get(other.url("/end"))
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, "seen=1"]
    assert [asked.headers.get("cookie") for asked in other.asked] == [None, None, None]


async def test_a_feed_sends_its_cookies_at_its_next_poll_and_no_other_feed_or_page_does() -> None:
    async with Site() as site, fetcher() as web:
        site.pages["/a"] = [answer(200, RSS, ("Set-Cookie", "a=1")), answer(200, RSS, ("Set-Cookie", "a=2"))]
        site.pages["/b"] = answer(200, RSS, ("Set-Cookie", "b=1"))
        for target in ("/a", "/b", "/a", "/a"):
            await web.fetch(feed(site.url(target)), state(site.url(target)))
        await web.get(site.url("/a"))
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, None, "a=1", "a=2", None]


async def test_another_fetcher_knows_no_cookies() -> None:
    async with Site({"/": answer(200, RSS, ("Set-Cookie", "a=1"))}) as site:
        for _ in range(2):
            async with fetcher() as web:
                await web.fetch(feed(site.url()), state(site.url()))
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, None]


async def test_a_refusal_empties_the_feeds_jar() -> None:
    async with Site() as site, fetcher() as web:
        site.pages["/"] = [answer(200, RSS, ("Set-Cookie", "a=1")), answer(403, b"no"), answer()]
        await web.fetch(feed(site.url()), state(site.url()))
        with pytest.raises(FetchError):
            await web.fetch(feed(site.url()), state(site.url()))
        await web.fetch(feed(site.url()), state(site.url()))
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, "a=1", None]


async def test_a_jar_holds_few_origins() -> None:
    async with AsyncExitStack() as stack:
        sites = [await stack.enter_async_context(Site()) for _ in range(8)]
        web = await stack.enter_async_context(fetcher())
        targets = sites[1:]
        sites[0].pages["/"] = [redirect(site.url("/x"), 302) for site in targets]
        for site in targets:
            site.pages["/x"] = answer(200, RSS, ("Set-Cookie", "a=1"))
        for _ in targets:
            await web.fetch(feed(sites[0].url()), state(sites[0].url()))
        assert [len(jar) for jar in web._jars.values()] == [6]


async def test_a_contact_is_told_only_where_one_is_set() -> None:
    async with Site({"/": answer()}) as site, fetcher() as web, fetcher(contact="desk@news.test") as named:
        for one in (web, named):
            await one.fetch(feed(site.url()), state(site.url()))
            await one.get(site.url())
    assert [asked.headers.get("from") for asked in site.asked] == [None, None, "desk@news.test", "desk@news.test"]


# ── feeds that moved ──────────────────────────────────────────────────────────────────────────────


async def test_a_feed_that_moved_within_its_site_is_asked_there_after_three_polls() -> None:
    async with Site({"/old": redirect("/new", 301), "/new": answer()}) as site, fetcher() as web:
        for seen in (2, 3):
            known = state(site.url("/old"), moved_to=site.url("/new"), moved_seen=seen)
            got = await web.fetch(feed(site.url("/old")), known)
            assert got.url == site.url("/new")
    assert [asked.target for asked in site.asked] == ["/old", "/new", "/new"]


async def test_a_move_that_proves_wrong_falls_back_to_the_written_address() -> None:
    async with Site({"/old": answer(), "/new": answer(404)}) as site, fetcher() as web:
        known = state(site.url("/old"), moved_to=site.url("/new"), moved_seen=3)
        got = await web.fetch(feed(site.url("/old")), known)
    assert got.url == site.url("/old")


async def test_a_move_to_another_site_is_never_taken_for_good() -> None:
    async with Site({"/": answer(), "/new": answer()}) as site:
        use = guard("127.0.0.1/32", a_test="127.0.0.1", b_test="127.0.0.1")
        async with fetcher(use) as web:
            written = site.url("/", "a.test")
            got = await web.fetch(feed(written), state(written, moved_to=site.url("/new", "b.test"), moved_seen=9))
    assert got.url == written


# ── where it may go ───────────────────────────────────────────────────────────────────────────────


async def test_a_refused_address_hears_not_one_byte() -> None:
    async with Site({"/": answer()}) as site:
        use = Guard(["127.0.0.2/32"], resolver=guard(inner_test="127.0.0.1").addresses)
        async with fetcher(use) as web:
            for host in ("127.0.0.1", "localhost", "inner.test", "2130706433", "127.1", "127。0。0。1", "[::1]"):
                with pytest.raises(FetchError) as error:
                    await web.fetch(feed(site.url("/", host)), state(site.url()))
                assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
    assert site.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2",
        "inner.test",
        "mixed.test",
        "2130706434",
        "0x7f.2",
        "localhost",
        "[::ffff:127.0.0.2]",
        "127。0。0。2",
    ],
)
async def test_a_redirect_to_a_refused_address_is_refused(host: str) -> None:
    async with Site({"/": answer()}) as inside, Site() as site:
        site.pages["/"] = (
            f"HTTP/1.1 302 Found\r\nLocation: {inside.url('/', host)}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        use = guard("127.0.0.1/32", inner_test="127.0.0.2", mixed_test=["127.0.0.1", "10.0.0.1"])
        async with fetcher(use) as web:
            with pytest.raises(FetchError) as error:
                await web.fetch(feed(site.url()), state(site.url()))
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
    assert "after a redirect" in str(error.value)
    assert "inner" not in str(error.value)
    assert inside.connections == 0


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing() -> None:
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with Site({"/": answer()}) as site, fetcher(Guard(["127.0.0.1/32"], resolver=rebinding)) as web:
        url = site.url("/", "news.test")
        assert isinstance(await web.fetch(feed(url), state(url)), Fetched)
        with pytest.raises(FetchError):  # no connection was kept: the second poll looks the name up again
            await web.fetch(feed(url), state(url))
    assert asked == ["news.test", "news.test"]
    assert site.asked[0].headers["host"] == f"news.test:{site.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with Site({"/": answer()}) as site:
        use = guard("127.0.0.0/8", news_test=["127.0.0.9", "127.0.0.1"], dead_test=["127.0.0.9", "127.0.0.8"])
        async with fetcher(use) as web:
            assert isinstance(await web.get(site.url("/", "news.test")), Fetched)
            with pytest.raises(FetchError) as error:
                await web.get(site.url("/", "dead.test"))
    assert error.value.kind is FetchFailure.CONNECT


async def test_an_unknown_name_is_not_found() -> None:
    async with fetcher(guard()) as web:
        with pytest.raises(FetchError) as error:
            await web.get("http://nowhere.test/")
    assert error.value.kind is FetchFailure.DNS
    assert str(error.value) == "nowhere.test: the name has no address; check its spelling"


@pytest.mark.parametrize("url", ["http://①②⑦.test:80/", "http://" + "ä" * 80 + ".test/", "not an address", "http://"])
async def test_an_address_that_cannot_be_read_is_refused(url: str) -> None:
    async with fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed(url), state(url))
    assert error.value.kind in (FetchFailure.SCHEME, FetchFailure.DNS)


async def test_the_environments_proxy_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Site({"/": answer()}) as proxy, Site({"/": answer()}) as site:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert os.environ["HTTP_PROXY"]
        async with fetcher() as web:
            await web.get(site.url())
    assert (proxy.connections, site.connections) == (0, 1)


async def test_a_page_is_got_by_the_same_guard() -> None:
    async with Site({"/": answer(200, b"<html>", ("Content-Type", "text/html"))}) as site, fetcher() as web:
        got = await web.get(site.url(), accept="text/html")
        assert got.body == b"<html>"
        assert site.asked[0].headers["accept"] == "text/html"
        with pytest.raises(FetchError) as error:
            await web.get(site.url(), max_body_bytes=3)
        assert error.value.kind is FetchFailure.TOO_LARGE
        with pytest.raises(FetchError):
            await web.get("http://10.0.0.1/")


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1", "nonsense", "socks5h://", "http://[::1", "http://:pass@"])
def test_a_proxy_that_is_none_is_told_without_its_password(proxy: str) -> None:
    with pytest.raises(ConfigError) as error:
        fetcher(proxy=proxy)
    assert "pass" not in str(error.value)


def test_the_client_that_dials_is_built_on_public_parts_of_httpx() -> None:
    assert isinstance(fetcher()._routes.of("").transport, httpx.AsyncBaseTransport)
