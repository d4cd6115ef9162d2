"""Many feeds at once: lanes per host, nobody starved, nothing piled up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.errors import FetchError, FetchFailure
from monitor.ingest.lanes import Lanes, Place
from monitor.model import Fetched
from tests.fetch_parts import RSS, Asked, Site, answer, feed, fetcher, guard, redirect, state


async def lingering(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.02)
    writer.write(answer())


async def hung(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def triples(*urls: str) -> list[tuple[object, object, bool]]:
    return [(feed(url), state(url), False) for url in urls]


async def test_every_feed_gets_an_answer_and_an_error_is_one() -> None:
    async with Site({"/a": answer(), "/b": answer(500), "/c": answer(200, b"<c/>")}) as site, fetcher() as web:
        urls = [site.url("/a"), site.url("/b"), site.url("/c"), "ftp://news.test/", "nonsense"]
        got = {asked.url: found async for asked, known, found in web.many(triples(*urls)) if known.url == asked.url}
    assert list(map(type, (got[url] for url in urls))) == [Fetched, FetchError, Fetched, FetchError, FetchError]
    assert got[site.url("/c")].body == b"<c/>"


async def test_one_host_is_asked_two_things_at_once_at_most() -> None:
    pages = {f"/{n}": lingering for n in range(20)}
    async with Site(dict(pages)) as site, fetcher() as web:
        got = [found async for _, _, found in web.many(triples(*map(site.url, pages)))]
    assert len(got) == 20
    assert site.most == 2
    assert web._lanes._lanes == {}


async def test_feeds_that_all_redirect_to_one_host_share_its_lane() -> None:
    async with Site({"/end": lingering}) as site:
        known = {f"h{n}_test": "127.0.0.1" for n in range(12)}
        async with fetcher(guard("127.0.0.1/32", hub_test="127.0.0.1", **known)) as web:
            site.pages["/"] = redirect(site.url("/end", "hub.test"))
            urls = [site.url("/", name.replace("_", ".")) for name in known]
            at_end = 0
            most = 0

            async def counted(asked: Asked, writer: asyncio.StreamWriter) -> None:
                nonlocal at_end, most
                at_end += 1
                most = max(most, at_end)
                await asyncio.sleep(0.02)
                at_end -= 1
                writer.write(answer())

            site.pages["/end"] = counted
            got = [found async for _, _, found in web.many(triples(*urls))]
    assert all(isinstance(found, Fetched) for found in got)
    assert most == 2


async def test_hosts_that_redirect_to_each_other_do_not_wait_in_a_ring() -> None:
    use = guard("127.0.0.1/32", a_test="127.0.0.1", b_test="127.0.0.1")
    async with Site({"/": lingering}) as site, fetcher(use, per_host=1) as web:
        site.pages |= {"/to-b": redirect(site.url("/", "b.test")), "/to-a": redirect(site.url("/", "a.test"))}
        urls = [site.url("/to-b", "a.test"), site.url("/to-a", "b.test")] * 4
        got = [found async for _, _, found in web.many(triples(*urls))]
    assert all(isinstance(found, Fetched) for found in got)


async def test_waiting_for_a_lane_costs_no_deadline() -> None:
    pages = {f"/{n}": lingering for n in range(20)}
    async with Site(dict(pages)) as site, fetcher(per_host=1, total_timeout=timedelta(seconds=0.25)) as web:
        got = [found async for _, _, found in web.many(triples(*map(site.url, pages)))]
    assert all(isinstance(found, Fetched) for found in got)


async def test_a_host_that_hangs_holds_up_no_other() -> None:
    async with Site({f"/{n}": hung for n in range(60)}) as bad, Site({"/": answer()}) as site:
        good = {f"good{n}_test": "127.0.0.1" for n in range(20)}
        async with fetcher(guard("127.0.0.1/32", bad_test="127.0.0.1", **good), concurrency=4) as web:
            urls = [bad.url(f"/{n}", "bad.test") for n in range(60)]
            urls += [site.url("/", name.replace("_", ".")) for name in good]
            answers = web.many(triples(*urls))
            async with asyncio.timeout(5):  # far under the 30 s of one hung fetch
                first = [found async for _, _, found in _taken(answers, 20)]
            await answers.aclose()
    assert all(isinstance(found, Fetched) for found in first)
    assert bad.most <= 2


async def _taken(answers, count):
    for _ in range(count):
        yield await anext(answers)


async def test_a_reader_that_is_slow_slows_the_fetching() -> None:
    known = {f"h{n}_test": "127.0.0.1" for n in range(40)}
    async with Site({"/": answer()}) as site, fetcher(guard("127.0.0.1/32", **known), concurrency=4) as web:
        answers = web.many(triples(*(site.url("/", name.replace("_", ".")) for name in known)))
        await anext(answers)
        await asyncio.sleep(0.3)
        assert len(site.asked) <= 10  # four in hand, four waiting, one taken
        assert len([found async for found in answers]) == 39


async def test_leaving_early_stops_what_is_under_way() -> None:
    async with Site({"/": answer(), "/hung": hung}) as site, fetcher() as web:
        answers = web.many(triples(site.url("/"), site.url("/hung"), *[site.url("/hung")] * 5))
        await anext(answers)
        await answers.aclose()
        assert web._lanes._lanes == {}
        assert (await web.get(site.url("/"))).body == RSS


async def test_a_fault_of_ours_in_one_fetch_is_not_hidden() -> None:
    class Faulty:
        async def handle_async_request(self, request: object) -> object:
            raise ZeroDivisionError

    web = fetcher(transport=Faulty())
    with pytest.raises(ZeroDivisionError):
        async for _ in web.many(triples("https://a.test/", "https://b.test/")):
            pass
    assert web._lanes._lanes == {}


async def test_a_lane_that_is_given_up_while_waiting_is_forgotten() -> None:
    lanes = Lanes(1)
    first, second = Place(lanes), Place(lanes)
    await first.move("a.test")
    await first.move("a.test")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await second.move("a.test")
    await first.leave()
    assert lanes._lanes == {}
    await second.move("a.test")
    await second.leave()


async def test_a_timeout_in_one_of_many_is_an_answer() -> None:
    async with Site({"/": hung}) as site, fetcher(total_timeout=timedelta(seconds=0.1)) as web:
        got = [found async for _, _, found in web.many(triples(site.url()))]
    assert [found.kind for found in got] == [FetchFailure.TIMEOUT]
