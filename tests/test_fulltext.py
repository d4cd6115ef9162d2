"""The page behind an article: every state it can end in, politeness, bounds, and what a second look makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classifiers import Score, Text
from monitor.alerts.policy import Rules, verdict
from monitor.ingest import fulltext, page, robots
from monitor.ingest.fulltext import FullText, Page, PageState
from monitor.ingest.parse import Parser
from monitor.model import Article, Decision, Feed
from monitor.second_look import FULL_TEXT_CHARS, Ruled, second_look, wants_page
from tests.fetch_parts import Asked, Site, answer, fetcher, guard, redirect
from tests.whole_parts import Ran, door

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HTML = ("Content-Type", "text/html; charset=utf-8")
PARAGRAPH = "Two men followed the exiled editor from her office to the station, the police of the city said on Monday."
BODY = f"""<html><head><title>Editor followed – The Wire</title><link rel="canonical" href="/2026/editor">
<meta name="description" content="She fled in 2019."></head><body><nav><a href="/">Home</a></nav><article>
<h1>Editor followed</h1>{"".join(f"<p>{PARAGRAPH} It was day {n}.</p>" for n in range(6))}</article></body></html>""".encode()
NO_ROBOTS = answer(404, b"no")


def an_article(url: str, name: str = "a", **more: Any) -> Article:
    return Article(id=name, feed="https://wire.test/rss", title="Editor followed", url=url, first_seen_at=NOW, **more)


@asynccontextmanager
async def reading(**options: Any) -> AsyncIterator[FullText]:
    fetching = options.pop("fetching", {})
    async with Parser() as parser, fetcher(guard(), **fetching) as asking:
        yield FullText(asking, parser, **{"pace": timedelta(0), **options})


async def read_one(site: Site, target: str = "/a", **options: Any) -> Page:
    async with reading(**options) as full_text:
        return (await full_text.read([an_article(site.url(target))], now=NOW))["a"]


# ── what comes of a page ──────────────────────────────────────────────────────────────────────────


async def test_a_page_is_read_for_its_text_title_summary_and_own_address() -> None:
    async with Site({"/a": answer(200, BODY, HTML)}) as site:
        found = await read_one(site)
        assert (found.state, found.checked_at, found.reason) == (PageState.READ, NOW, "")
        assert found.title == "Editor followed – The Wire"
        assert found.summary == "She fled in 2019."
        assert found.url == site.url("/2026/editor")
        assert found.text.count("Two men followed") == 6
        assert "Home" not in found.text
        assert [asked.target for asked in site.asked] == ["/robots.txt", "/a"]


async def test_a_page_without_a_description_gets_its_first_paragraph_as_summary() -> None:
    async with Site({"/a": answer(200, f"<title>T</title><p>{PARAGRAPH}</p>".encode(), HTML)}) as site:
        found = await read_one(site)
        assert (found.state, found.summary) == (PageState.READ, PARAGRAPH)


async def test_a_page_without_text_is_read_and_says_so() -> None:
    async with Site({"/a": answer(200, b"<html><body>Accept cookies?</body></html>", HTML)}) as site:
        found = await read_one(site)
        assert found.state is PageState.READ
        assert len(found.text) < 40


@pytest.mark.parametrize(
    ("given", "state", "reason"),
    [
        (answer(200, b"%PDF-1.7", ("Content-Type", "application/pdf")), PageState.NOT_HTML, "not a web page"),
        (answer(200, b"PK\3\4"), PageState.NOT_HTML, "not a web page"),
        (answer(403, b"no"), PageState.BLOCKED, "403"),
        (answer(451, b"no"), PageState.BLOCKED, "451"),
        (answer(404, b"no"), PageState.FAILED, "404"),
        (answer(500, b"no"), PageState.FAILED, "500"),
        (redirect("/"), PageState.FAILED, "home page"),
        (redirect("http://10.0.0.1/"), PageState.BLOCKED, "private"),
        (answer(200, b"x", HTML, ("Content-Length", "99999999"), length=False), PageState.TOO_LARGE, "larger than"),
    ],
    ids=str,
)
async def test_what_is_no_readable_page_says_what_came_instead(given: bytes, state: PageState, reason: str) -> None:
    async with Site({"/a": given, "/": answer(200, BODY, HTML)}) as site:
        found = await read_one(site)
        assert (found.state, found.text, found.title) == (state, "", "")
        assert reason in found.reason


async def test_a_private_address_is_not_dialled() -> None:
    async with (
        Site({"/a": answer(200, BODY, HTML)}) as site,
        Parser() as parser,
        fetcher(guard("127.0.0.2/32")) as asking,
    ):
        full_text = FullText(asking, parser)
        found = await full_text.read([an_article(site.url("/a"))], now=NOW)
        assert found["a"].state is PageState.BLOCKED
        assert site.connections == 0


async def test_a_page_without_a_type_is_told_by_its_first_character() -> None:
    async with Site({"/a": answer(200, BODY)}) as site:
        assert (await read_one(site)).state is PageState.READ


async def hang(_: Asked, __: object) -> None:
    await asyncio.Event().wait()


async def test_a_page_that_does_not_come_in_time_is_left() -> None:
    async with Site({"/a": hang}) as site:
        found = await read_one(site, seconds=0.2)
        assert (found.state, found.text) == (PageState.TIMEOUT, "")
        by_fetcher = await read_one(site, fetching={"total_timeout": timedelta(seconds=0.2)})
        assert by_fetcher.state is PageState.TIMEOUT


async def test_a_page_that_breaks_the_readers_limits_fails_alone() -> None:
    slow = b"<p " + b" ".join(b"a%d=1" % n for n in range(100_000)) + b">x"
    async with Site({"/a": answer(200, slow, HTML), "/b": answer(200, BODY, HTML)}) as site:
        async with Parser(cpu_seconds=1) as parser, fetcher() as asking:
            full_text = FullText(asking, parser, pace=timedelta(0))
            ones = [an_article(site.url("/a"), "a"), an_article(site.url("/b"), "b")]
            found = await full_text.read(ones, now=NOW)
        assert found["a"].state is PageState.FAILED
        assert "more processor time than a page may" in found["a"].reason
        assert found["b"].state is PageState.READ


async def test_a_bug_in_the_reading_costs_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Parser, "read_article", broken)
    async with Site({"/a": answer(200, BODY, HTML)}) as site:
        found = await read_one(site)
        assert (found.state, "ZeroDivisionError" in found.reason) == (PageState.FAILED, True)


async def test_a_canonical_address_on_another_site_is_not_believed() -> None:
    body = BODY.replace(b'href="/2026/editor"', b'href="https://reuters.com/editor"')
    async with Site({"/a": answer(200, body, HTML)}) as site:
        assert (await read_one(site)).url == site.url("/a")


# ── robots.txt ────────────────────────────────────────────────────────────────────────────────────

TEXT = ("Content-Type", "text/plain")


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (answer(200, b"User-agent: *\nDisallow: /a", TEXT), PageState.REFUSED),
        (answer(200, b"User-agent: *\nDisallow: /*a$", TEXT), PageState.REFUSED),
        (answer(200, b"User-agent: *\nDisallow: /\nAllow: /a", TEXT), PageState.READ),
        (answer(200, b"User-agent: other\nDisallow: /", TEXT), PageState.READ),
        (answer(200, b"", TEXT), PageState.READ),
        (answer(200, b"\xff\xfe\x00nonsense", TEXT), PageState.READ),
        (answer(404, b"no"), PageState.READ),
        (answer(403, b"no"), PageState.READ),
        (answer(410, b"no"), PageState.READ),
        (answer(429, b"no"), PageState.REFUSED),
        (answer(500, b"no"), PageState.REFUSED),
        (answer(503, b"no"), PageState.REFUSED),
        (answer(200, b"x" * (robots.MAX_BYTES + 1), TEXT), PageState.REFUSED),
    ],
    ids=str,
)
async def test_robots_txt_is_honoured(given: bytes, state: PageState) -> None:
    async with Site({"/a": answer(200, BODY, HTML), "/robots.txt": given}) as site:
        assert (await read_one(site, user_agent="Mozilla/5.0 (compatible; feed reader)")).state is state
        assert ("/a" in [asked.target for asked in site.asked]) == (state is PageState.READ)


async def test_robots_txt_is_asked_for_once_a_day_and_a_failed_one_after_an_hour() -> None:
    pages = {f"/{name}": answer(200, BODY, HTML) for name in "abcd"}
    async with Site({**pages, "/robots.txt": [answer(500, b"no"), NO_ROBOTS]}) as site, reading() as full_text:

        async def state(name: str, later: timedelta) -> PageState:
            found = await full_text.read([an_article(site.url(f"/{name}"))], now=NOW + later)
            return found["a"].state

        assert await state("a", timedelta(0)) is PageState.REFUSED
        assert await state("b", timedelta(minutes=59)) is PageState.REFUSED
        assert await state("c", timedelta(minutes=61)) is PageState.READ
        assert await state("d", timedelta(hours=24)) is PageState.READ
        assert [asked.target for asked in site.asked].count("/robots.txt") == 2


async def test_the_robots_txt_of_the_site_that_a_link_leads_to_counts_too() -> None:
    rules = answer(200, b"User-agent: *\nDisallow: /", TEXT)
    async with Site({"/b": answer(200, BODY, HTML), "/robots.txt": rules}) as there, Site() as here:
        here.pages["/a"] = redirect(there.url("/b"))
        found = await read_one(here)
        assert (found.state, found.text) == (PageState.REFUSED, "")


async def test_a_robots_txt_made_to_keep_the_reader_busy_allows_nothing() -> None:
    hostile = b"".join(b"User-agent: a%d\n" % n for n in range(20_000)) + b"Disallow: /x%d\n" * 15_000
    async with Site({"/a": answer(200, BODY, HTML), "/robots.txt": answer(200, hostile, TEXT)}) as site:
        async with Parser(cpu_seconds=1) as parser, fetcher() as asking:
            found = await FullText(asking, parser).read([an_article(site.url("/a"))], now=NOW)
        assert found["a"].state is PageState.REFUSED


# ── politeness and bounds ─────────────────────────────────────────────────────────────────────────


async def test_a_page_is_asked_for_once_a_day_whatever_came_of_it() -> None:
    async with Site({"/a": answer(200, BODY, HTML), "/b": answer(404, b"no")}) as site, reading() as full_text:
        ones = [an_article(site.url("/a"), "1"), an_article(site.url("/a"), "2"), an_article(site.url("/b"), "3")]
        for hours in (0, 23):
            found = await full_text.read(ones, now=NOW + timedelta(hours=hours))
            assert [found[name].state for name in "123"] == [PageState.READ, PageState.READ, PageState.FAILED]
        assert sorted(asked.target for asked in site.asked) == ["/a", "/b", "/robots.txt"]
        await full_text.read(ones[:1], now=NOW + timedelta(hours=24))
        assert [asked.target for asked in site.asked].count("/a") == 2


async def test_two_pages_of_a_host_keep_their_distance_and_two_hosts_do_not_wait() -> None:
    at: dict[str, float] = {}

    async def page_at(asked: Asked, writer: asyncio.StreamWriter) -> None:
        at[asked.headers["host"] + asked.target] = asyncio.get_running_loop().time()
        writer.write(answer(200, BODY, HTML))
        await writer.drain()

    async with Site({"/a": page_at, "/b": page_at}) as site, Parser() as parser:
        known = guard("127.0.0.1/32", one_test="127.0.0.1", other_test="127.0.0.1")
        urls = [site.url("/a", "one.test"), site.url("/b", "one.test"), site.url("/a", "other.test")]
        async with fetcher(known) as asking:
            full_text = FullText(asking, parser, pace=timedelta(seconds=0.5))
            await full_text.read([an_article(url, str(n)) for n, url in enumerate(urls)], now=NOW)
    first, second = sorted(moment for target, moment in at.items() if target.startswith("one.test"))
    (other,) = [moment for target, moment in at.items() if target.startswith("other.test")]
    assert second - first >= 0.45
    assert other < second


async def test_pages_beyond_what_a_minute_allows_are_skipped_and_not_remembered() -> None:
    async with Site({f"/{name}": answer(200, BODY, HTML) for name in "abc"}) as site, reading(pages=2) as full_text:
        ones = [an_article(site.url(f"/{name}"), name) for name in "abc"]
        found = await full_text.read(ones, now=NOW)
        assert [found[name].state for name in "abc"] == [PageState.READ, PageState.READ, PageState.SKIPPED]
        again = await full_text.read(ones, now=NOW)
        assert again["c"].state is PageState.SKIPPED
        full_text._allowance._spent.clear()  # a minute later
        assert (await full_text.read(ones, now=NOW))["c"].state is PageState.READ


async def test_a_page_whose_turn_would_come_too_late_is_skipped() -> None:
    async with Site({f"/{name}": answer(200, BODY, HTML) for name in "ab"}) as site:
        async with reading(pace=timedelta(seconds=30), seconds=10) as full_text:
            ones = [an_article(site.url(f"/{name}"), name) for name in "ab"]
            found = await full_text.read(ones, now=NOW)
        assert [found[name].state for name in "ab"] == [PageState.READ, PageState.SKIPPED]


def test_what_a_minute_allows_comes_back_after_a_minute() -> None:
    allowance = fulltext._Allowance(pages=3, seconds=20)
    allowance.spend(100, 2, 5)
    assert allowance.left(100) == (1, 15)
    allowance.spend(110, 2, 30)
    assert allowance.left(159.9) == (0, 0)
    assert allowance.left(160) == (1, 0)
    assert allowance.left(170) == (3, 20)


async def test_an_article_without_a_link_and_one_behind_a_search_engine_are_skipped_unasked() -> None:
    url = "https://news.google.com/rss/articles/CBMiWkFVX3lxTFBxOTV0bkxYZ0VhRHh2c3FJd2t5d0ZzV3hRUE9fX0FBQUFBQUFB?oc=5"
    async with reading() as full_text:
        found = await full_text.read([an_article("", "1"), an_article(url, "2")], now=NOW)
    assert [found[name].state for name in "12"] == [PageState.SKIPPED, PageState.SKIPPED]
    assert found["2"].url == url


async def test_a_search_link_is_read_at_the_publishers_address() -> None:
    async with Site({"/a": answer(200, BODY, HTML)}) as site, reading() as full_text:
        wrapped = f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&url={site.url('/a')}&c=1"
        found = await full_text.read([an_article(wrapped)], now=NOW)
        assert found["a"].state is PageState.READ
        assert found["a"].url.startswith(site.url())


async def test_giving_up_a_reading_leaves_nothing_behind() -> None:
    async with Site({"/a": hang}) as site, reading() as full_text:
        task = asyncio.create_task(full_text.read([an_article(site.url("/a"))], now=NOW))
        async with asyncio.timeout(5):
            while not site.asked:
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert full_text._pages == {}


def test_only_so_much_is_remembered() -> None:
    from collections import OrderedDict

    kept: OrderedDict[str, int] = OrderedDict()
    for number in range(5):
        fulltext._remember(kept, str(number), number, 3)
    fulltext._remember(kept, "2", 2, 3)
    assert list(kept) == ["3", "4", "2"]


# ── reading without the extra ─────────────────────────────────────────────────────────────────────


def test_with_trafilatura_text_outside_of_paragraphs_is_read_and_menus_are_not() -> None:
    pytest.importorskip("trafilatura")
    body = BODY.replace(b"<p>", b"<div>").replace(b"</p>", b"</div>")
    assert page.read_page(body).text == ""
    found = page.read_article(body, "text/html", url="https://wire.test/a")
    assert found.text.count("Two men followed") == 6
    assert "Home" not in found.text


def test_without_trafilatura_paragraphs_are_read_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "trafilatura", None)
    found = page.read_article(BODY, "text/html", url="https://wire.test/a")
    assert found.text.count("Two men followed") == 6
    assert found.canonical == "https://wire.test/2026/editor"


def test_a_page_that_breaks_trafilatura_is_read_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    trafilatura = pytest.importorskip("trafilatura")

    def broken(*_: object, **__: object) -> str:
        raise ValueError

    monkeypatch.setattr(trafilatura, "extract", broken)
    assert page.read_article(BODY, "text/html", url="https://wire.test/a").text.count("Two men followed") == 6


# ── explain ───────────────────────────────────────────────────────────────────────────────────────


async def test_explain_reads_a_page_as_a_second_look_does_and_says_what_came_of_it() -> None:
    async with Site({"/a": answer(200, BODY, HTML), "/b": answer(200, b"%PDF", ("Content-Type", "text/pdf"))}) as site:

        async def explained(target: str) -> Ran:
            return await asyncio.to_thread(door, "explain", site.url(target), "--allow", "127.0.0.1/32")

        ran = await explained("/a")
        assert ran.code == 0
        assert ran.out.startswith("Editor followed – The Wire\npage: read, ")
        assert f"from {site.url('/2026/editor')}" in ran.out
        ran = await explained("/b")
        assert (ran.code, ran.out) == (1, "")
        assert ran.said == [f"longarm: {site.url('/b')}: the page was not read (not-html): not a web page"]
        assert [asked.target for asked in site.asked] == ["/robots.txt", "/a", "/robots.txt", "/b"]


# ── a second look ─────────────────────────────────────────────────────────────────────────────────

RULES = Rules(alert_at=0.8, digest_at=0.5)
FEED = Feed(url="https://wire.test/rss")


@dataclass(frozen=True)
class ByText:
    """Scores 0.9 what tells of two men, `otherwise` anything else."""

    otherwise: float = 0.6
    with_text: float = 0.9
    name: str = "by-text"

    def score(self, texts: Sequence[Text]) -> list[Score]:
        return [Score(value=self.with_text if "Two men" in text.text else self.otherwise) for text in texts]


@dataclass(frozen=True)
class Looks:
    full_text: FullText | None
    classifier: ByText
    rules: Rules = RULES


def ruled(article: Article, value: float, feed: Feed = FEED) -> Ruled:
    score = Score(value=value)
    return article, score, verdict(score, article, feed, RULES)


Looked = Callable[..., Any]


async def looked(
    site: Site, value: float, *, classifier: ByText | None = None, target: str = "/a", **more: Any
) -> Ruled:
    async with reading() as full_text:
        watch = Looks(full_text, classifier or ByText(otherwise=value))
        (row,) = await second_look(watch, FEED, [ruled(an_article(site.url(target), **more), value)], NOW)
        return row


async def test_an_unsure_article_is_judged_again_with_its_pages_text() -> None:
    async with Site({"/a": answer(200, BODY, HTML)}) as site:
        article, score, ruling = await looked(site, 0.4)
        assert (score.value, ruling.decision) == (0.9, Decision.ALERT)
        assert ruling.rule == "0.90 >= alert_at 0.80, with the text of its page"
        assert (article.page_state, article.summary) == ("read", "She fled in 2019.")
        assert "Two men" in article.text


async def test_a_page_never_lowers_what_the_articles_own_words_gave() -> None:
    async with Site({"/a": answer(200, BODY, HTML)}) as site:
        article, score, ruling = await looked(site, 0.6, classifier=ByText(with_text=0.1))
        assert (score.value, ruling.decision, article.page_state) == (0.6, Decision.DIGEST, "read")
        assert "page" not in ruling.rule


async def test_an_alert_with_a_bare_headline_gets_a_summary_and_stays_an_alert() -> None:
    async with Site({"/a": answer(200, BODY, HTML)}) as site:
        article, score, ruling = await looked(site, 0.85, classifier=ByText(with_text=0.0))
        assert (score.value, ruling.decision, article.summary) == (0.85, Decision.ALERT, "She fled in 2019.")


async def test_an_article_whose_page_can_not_be_had_stays_as_it_was() -> None:
    async with Site({"/a": answer(500, b"no")}) as site:
        article, score, ruling = await looked(site, 0.6)
        assert (score.value, ruling.decision, article.page_state, article.text) == (0.6, Decision.DIGEST, "failed", "")


async def test_the_feeds_own_summary_and_longer_text_are_kept() -> None:
    async with Site({"/a": answer(200, b"<title>T</title><p>Two men.</p>", HTML)}) as site:
        article, _, _ = await looked(site, 0.6, summary="Its own.", text="Longer than the page is by far.")
        assert (article.summary, article.text) == ("Its own.", "Longer than the page is by far.")


async def test_rows_keep_their_order_and_those_that_are_sure_are_not_read() -> None:
    async with Site({"/a": answer(200, BODY, HTML), "/c": answer(200, BODY, HTML)}) as site, reading() as full_text:
        rows = [
            ruled(an_article(site.url("/a"), "a"), 0.4),
            ruled(an_article(site.url("/b"), "b"), 0.1),
            ruled(an_article(site.url("/c"), "c"), 0.7),
        ]
        found = await second_look(Looks(full_text, ByText()), FEED, rows, NOW)
        assert [row[0].id for row in found] == ["a", "b", "c"]
        assert [row[0].page_state for row in found] == ["read", "", "read"]
        assert "/b" not in [asked.target for asked in site.asked]


async def test_where_reading_is_switched_off_nothing_changes() -> None:
    rows = [ruled(an_article("https://wire.test/a"), 0.6)]
    assert await second_look(Looks(None, ByText()), FEED, rows, NOW) == rows


@pytest.mark.parametrize(
    ("value", "more", "feed", "wanted"),
    [
        (0.35, {}, FEED, True),
        (0.34, {}, FEED, False),
        (0.79, {"summary": "A summary."}, FEED, True),
        (0.80, {"summary": "A summary."}, FEED, False),
        (0.80, {"text": "A text."}, FEED, False),
        (0.95, {}, FEED, True),
        (float("nan"), {}, FEED, False),
        (0.6, {"recent": False}, FEED, False),
        (0.6, {"text": "x" * FULL_TEXT_CHARS}, FEED, False),
        (0.6, {}, Feed(url="https://wire.test/rss", alert_at=0.55, digest_at=0.5), True),
        (0.6, {"summary": "A summary."}, Feed(url="https://wire.test/rss", alert_at=0.55, digest_at=0.5), False),
        (0.6, {}, Feed(url="https://wire.test/rss", alert_at=0.99, digest_at=0.9), False),
    ],
)
def test_which_articles_want_their_page(value: float, more: dict[str, Any], feed: Feed, wanted: bool) -> None:
    assert wants_page(ruled(an_article("https://wire.test/a", **more), value, feed), feed, RULES) is wanted


def test_an_article_without_a_link_wants_no_page() -> None:
    assert not wants_page(ruled(an_article(""), 0.6), FEED, RULES)


def test_no_other_room_asks_for_pages_by_itself() -> None:
    source = (Path(fulltext.__file__)).read_text(encoding="utf-8")
    assert "import httpx" not in source
    assert "urlopen" not in source
