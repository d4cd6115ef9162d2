"""The page behind an article -> its text, for articles whose feed says too little.

    unwrapped   a search's link leads to the publisher's address where that can be read off it   links
    allowed     the address guard, then the site's robots.txt (kept for a day)                   ingest.fetch, robots
    paced       one page of a host every five seconds, so many pages and seconds a minute in all
    read        in the parser's child process                                                    ingest.parser_pool

It always ends in a `Page` whose state says what came of it, and never raises for a page: an article must not be lost
because its page can't be had. It decides nothing about articles (`second_look` does), and stores nothing: what it read
is remembered for a day in memory, so that no page is asked for twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from monitor import log
from monitor.errors import FetchError, FetchFailure, ParseError
from monitor.ingest.fetch import Fetcher
from monitor.ingest.lanes import Lanes
from monitor.ingest.page import Reading
from monitor.ingest.parser_pool import Parser
from monitor.ingest.robots import MAX_BYTES as MAX_ROBOTS_BYTES
from monitor.links import is_wrapped, unwrapped
from monitor.model import Article, Fetched

T = TypeVar("T")
_log = log.get(__name__)

PAGES_A_MINUTE = 20
SECONDS_A_MINUTE = 20.0
PACE = timedelta(seconds=5)
KEPT = timedelta(days=1)
ROBOTS_RETRY = timedelta(hours=1)
"""A robots.txt that could not be had forbids for so long; then it is asked for again."""

MAX_PAGE_BYTES = 4 * 2**20
MAX_TEXT_CHARS = 20_000
MAX_SUMMARY_CHARS = 500
MAX_TITLE_CHARS = 1_000
_PAGES_KEPT = 500
_SITES_KEPT = 500
_ACCEPT = "text/html,application/xhtml+xml;q=0.9"


class PageState(StrEnum):
    """What came of reading a page. The value is what is stored and shown."""

    READ = "read"
    REFUSED = "refused-by-robots"
    NOT_HTML = "not-html"
    BLOCKED = "blocked"
    FAILED = "failed"
    TOO_LARGE = "too-large"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An article's page. `text`, `title` and `summary` are empty unless it was read; `reason` says why it was not.

    `url` is where it was found, or its own canonical address on the same site.
    """

    state: PageState
    url: str
    checked_at: datetime
    title: str = ""
    summary: str = ""
    text: str = ""
    reason: str = ""


_BLOCKED = {
    FetchFailure.BLOCKED_ADDRESS, FetchFailure.SCHEME, FetchFailure.UNAUTHORIZED, FetchFailure.FORBIDDEN,
    FetchFailure.LEGAL, FetchFailure.RATE_LIMITED,
}  # fmt: skip
_STATES = {
    **dict.fromkeys(_BLOCKED, PageState.BLOCKED),
    FetchFailure.TIMEOUT: PageState.TIMEOUT,
    FetchFailure.TOO_LARGE: PageState.TOO_LARGE,
}


@dataclass(slots=True, kw_only=True)
class _Allowance:
    """What may still be spent of a minute. Times are those of the event loop, in seconds."""

    pages: int
    seconds: float
    _spent: deque[tuple[float, int, float]] = field(default_factory=deque)

    def left(self, at: float) -> tuple[int, float]:
        """Pages and seconds that are left at `at`."""
        while self._spent and self._spent[0][0] <= at - 60:
            self._spent.popleft()
        pages = self.pages - sum(row[1] for row in self._spent)
        return max(0, pages), max(0.0, self.seconds - sum(row[2] for row in self._spent))

    def spend(self, at: float, pages: int, seconds: float) -> None:
        """Take what was used off."""
        self._spent.append((at, pages, seconds))


@dataclass(frozen=True, slots=True)
class _Robots:
    """A site's robots.txt; None: it could not be had, so nothing may be asked."""

    body: bytes | None
    asked_at: datetime


class FullText:
    """Reads articles' pages through `fetcher` and `parser`, politely and bounded; see the module.

    `pace`: time between two pages of one host. `pages` and `seconds` bound what all reading together may take in any
    minute: a poll waits for it.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        parser: Parser,
        *,
        user_agent: str = "",
        pace: timedelta = PACE,
        pages: int = PAGES_A_MINUTE,
        seconds: float = SECONDS_A_MINUTE,
    ) -> None:
        self._fetcher = fetcher
        self._parser = parser
        self._user_agent = user_agent
        self._pace = pace.total_seconds()
        self._allowance = _Allowance(pages=pages, seconds=seconds)
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._robots: OrderedDict[str, _Robots] = OrderedDict()
        self._robots_lanes = Lanes(1)
        self._next_at: OrderedDict[str, float] = OrderedDict()

    async def read(self, articles: Sequence[Article], *, now: datetime, proxy: str = "") -> Mapping[str, Page]:
        """Read the pages of `articles`, the first ones first; by article id, each with what came of it. Never raises.

        `proxy` is their feed's own: a site that must not see us there must not see us here. Empty: the usual way.
        An article whose turn does not come within what a minute allows is `skipped`, and not remembered as read.
        """
        urls = {article.id: unwrapped(article.url) for article in articles}
        found = {url: page for url in dict.fromkeys(urls.values()) if (page := self._known(url, now))}
        unread = [url for url in dict.fromkeys(urls.values()) if url not in found]
        loop = asyncio.get_running_loop()
        started = loop.time()
        pages, seconds = self._allowance.left(started)
        asked = unread[:pages] if seconds > 0 else []
        found |= {url: _page(PageState.SKIPPED, url, now, "enough pages were read this minute") for url in unread}
        if asked:
            found |= await self._all_of(asked, now, seconds, proxy)
            tried = sum(found[url].state is not PageState.SKIPPED for url in asked)
            self._allowance.spend(started, tried, loop.time() - started)
        return {article_id: found[url] for article_id, url in urls.items()}

    def _known(self, url: str, now: datetime) -> Page | None:
        page = self._pages.get(url)
        return page if page and timedelta(0) <= now - page.checked_at < KEPT else None

    async def _all_of(self, urls: Sequence[str], now: datetime, seconds: float, proxy: str) -> dict[str, Page]:
        deadline = asyncio.get_running_loop().time() + seconds
        tasks = {url: asyncio.create_task(self._one(url, now, deadline, proxy)) for url in urls}
        try:
            await asyncio.wait(tasks.values(), timeout=seconds)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        found = {url: _ended(url, task, now) for url, task in tasks.items()}
        for url, page in found.items():
            if page.state is not PageState.SKIPPED:
                _remember(self._pages, url, page, _PAGES_KEPT)
        return found

    async def _one(self, url: str, now: datetime, deadline: float, proxy: str) -> Page:
        if not url or is_wrapped(url):
            why = "the search engine does not give the publisher's address away" if url else "the article has no link"
            return _page(PageState.SKIPPED, url, now, why)
        try:
            if not await self._allowed(url, now, proxy):
                return _page(PageState.REFUSED, url, now, "the site's robots.txt does not allow it, or can't be had")
            if not await self._turn(url, deadline):
                return _page(PageState.SKIPPED, url, now, "too many pages of this host wait already")
            answer = await self._fetcher.get(url, accept=_ACCEPT, max_body_bytes=MAX_PAGE_BYTES, proxy=proxy)
            if _site(answer.url) != _site(url) and not await self._allowed(answer.url, now, proxy):
                return _page(PageState.REFUSED, url, now, "the robots.txt of the site that it leads to forbids it")
        except FetchError as error:
            return _page(_STATES.get(error.kind, PageState.FAILED), url, now, str(error))
        if not _is_html(answer):
            return _page(PageState.NOT_HTML, answer.url, now, "not a web page")
        if _is_home(answer.url) and not _is_home(url):
            return _page(PageState.FAILED, answer.url, now, "the link leads to the site's home page")
        try:
            reading = await self._parser.read_article(answer.body, url=answer.url, content_type=answer.content_type)
        except ParseError as error:
            return _page(PageState.FAILED, answer.url, now, str(error))
        return _read(reading, answer, now)

    async def _turn(self, url: str, deadline: float) -> bool:
        """Wait until the host may be asked again; False where that would be too late."""
        host = urlsplit(url).hostname or ""
        at = asyncio.get_running_loop().time()
        turn = max(at, self._next_at.get(host, at))
        if turn >= deadline:
            return False
        _remember(self._next_at, host, turn + self._pace, _SITES_KEPT)
        await asyncio.sleep(turn - at)
        return True

    async def _allowed(self, url: str, now: datetime, proxy: str) -> bool:
        site = _site(url)
        async with self._robots_lanes.hold(site):  # two pages of a new site must not both ask for its robots.txt
            robots = await self._robots_of(site, now, proxy)
        if robots.body is None:
            return False
        try:
            return await self._parser.allowed_by(robots.body, url=url, user_agent=self._user_agent)
        except ParseError:
            return False  # a file that breaks the reader's limits allows nothing

    async def _robots_of(self, site: str, now: datetime, proxy: str) -> _Robots:
        known = self._robots.get(site)
        if known and timedelta(0) <= now - known.asked_at < (KEPT if known.body is not None else ROBOTS_RETRY):
            return known
        body: bytes | None
        try:
            answer = await self._fetcher.get(
                f"{site}/robots.txt", accept="text/plain,*/*;q=0.5", max_body_bytes=MAX_ROBOTS_BYTES, proxy=proxy
            )
            body = answer.body
        except FetchError as error:
            if error.kind in (FetchFailure.BLOCKED_ADDRESS, FetchFailure.SCHEME):
                raise  # the page itself would be refused just so, and is told by that reason
            body = b"" if _says_none(error) else None
        robots = _Robots(body, now)
        _remember(self._robots, site, robots, _SITES_KEPT)
        return robots


def _says_none(error: FetchError) -> bool:
    """Whether an answer means that there is no robots.txt: then nothing is forbidden (RFC 9309, 2.3.1.3)."""
    refused = error.status is not None and 400 <= error.status < 500 and error.kind is not FetchFailure.RATE_LIMITED
    return refused or error.kind is FetchFailure.EMPTY


def _remember(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


def _ended(url: str, task: asyncio.Task[Page], now: datetime) -> Page:
    if task.cancelled():
        return _page(PageState.TIMEOUT, url, now, "not read within the time that a poll waits for pages")
    error = task.exception()
    if error is not None:
        _log.error("a bug in Longarm stopped the reading of a page", url=log.redacted_url(url), exc_info=error)
        return _page(PageState.FAILED, url, now, f"Longarm itself failed on it ({type(error).__name__})")
    return task.result()


def _page(state: PageState, url: str, now: datetime, reason: str) -> Page:
    return Page(state=state, url=url, checked_at=now, reason=reason)


def _read(reading: Reading, answer: Fetched, now: datetime) -> Page:
    text = reading.text[:MAX_TEXT_CHARS]
    summary = reading.summary or text.partition("\n")[0]
    return Page(
        state=PageState.READ,
        url=reading.canonical or answer.url,
        checked_at=now,
        title=reading.title[:MAX_TITLE_CHARS],
        summary=summary[:MAX_SUMMARY_CHARS],
        text=text,
        reason="" if text else "no text was found in it",
    )


def _is_html(answer: Fetched) -> bool:
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind:
        return kind in ("text/html", "application/xhtml+xml")
    return answer.body[:500].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
