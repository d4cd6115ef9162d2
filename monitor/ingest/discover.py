"""An address -> is it a feed, and what is wrong with it? A web page -> the feeds behind it.

    probe        one address asked and parsed: what it is, how fresh, what is wrong and the likely mend
    discovered   a page's own links first, then the places where sites keep their feeds

Everything goes through the one guarded fetcher, and what comes back is read in the parser's child process. A discovery
asks for at most `MAX_REQUESTS` addresses. Nothing is stored, and no feed is chosen here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urljoin

from monitor.errors import FetchError, FetchFailure, ParseError
from monitor.ingest.fetch import ACCEPT_FEEDS, Fetcher
from monitor.ingest.page import FeedLink, WebPage
from monitor.ingest.parser_pool import Parser
from monitor.model import EPOCH, Feed, FeedState, Fetched, NotModified, ParsedFeed

MAX_REQUESTS = 16
"""How many addresses one discovery asks for: the page, what it names, then well-known places."""

STALE_AFTER = timedelta(days=60)
"""A news feed whose newest entry is older is probably kept for old subscribers only."""

WELL_KNOWN = (
    "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds/posts/default",
    "/rss/all",
)  # fmt: skip
"""Where sites keep their feeds, likeliest first: WordPress, Drupal and many of their own, static sites, Blogger."""

_ACCEPT = ACCEPT_FEEDS.replace("*/*;q=0.5", "text/html;q=0.8, */*;q=0.5")

_MENDS = {
    FetchFailure.BLOCKED_ADDRESS: "if it is your own server, name it under [network] allow",
    FetchFailure.DNS: "look whether the address is spelled right, or whether the site still exists",
    FetchFailure.TLS: "open it in a browser; if that warns too, the site must mend its certificate",
    FetchFailure.TIMEOUT: "try again later; a proxy may help if it never answers from here",
    FetchFailure.CONNECT: "try again later; a proxy may help if it never answers from here",
    FetchFailure.NOT_FOUND: "look for the feed's new place: {look}",
    FetchFailure.GONE: "look for its successor: {look}",
    FetchFailure.FORBIDDEN: 'give the feed another user_agent = "…", or set a proxy',
    FetchFailure.RATE_LIMITED: 'ask it less often: every = "1h"',
    FetchFailure.LEGAL: "a proxy in another country may help",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an address gave. `parsed` is None unless it is a feed.

    `url` as it was asked; `found_at` where it ended; `moved_to` the address that a permanent redirect names. `problem`
    is why it can't be used, `doubts` what should be looked at; `mend` what to do about them. `page`: what a web page is
    called, and the feeds it names. All may be empty.
    """

    url: str
    found_at: str = ""
    moved_to: str = ""
    parsed: ParsedFeed | None = None
    problem: str = ""
    doubts: tuple[str, ...] = ()
    mend: str = ""
    page: WebPage = field(default_factory=WebPage)

    @property
    def newest_at(self) -> datetime | None:
        """When its newest entry was published; None where none has a date, or it is no feed."""
        entries = self.parsed.entries if self.parsed else ()
        return max((entry.published_at for entry in entries if entry.published_at), default=None)


async def probes(fetcher: Fetcher, parser: Parser, feeds: Sequence[Feed], *, now: datetime) -> AsyncIterator[Probe]:
    """Probe `feeds` at once, as the daemon would ask them; yield each as its answer comes."""
    async for feed, _, answer in fetcher.many([(feed, FeedState(url=feed.url), True) for feed in feeds]):
        yield await _probe(parser, feed.url, answer, now)


async def probe(fetcher: Fetcher, parser: Parser, url: str, *, now: datetime = EPOCH) -> Probe:
    """Ask for one address, a feed or a web page. Staleness is judged at `now`. Never raises for an address."""
    answer: Fetched | FetchError
    try:
        answer = await fetcher.get(url, accept=_ACCEPT)
    except FetchError as error:
        answer = error
    return await _probe(parser, url, answer, now)


async def _probe(parser: Parser, url: str, answer: Fetched | NotModified | FetchError, now: datetime) -> Probe:
    if isinstance(answer, FetchError):
        return Probe(url=url, problem=str(answer), mend=_MENDS.get(answer.kind, "").format(look=_look(url)))
    if isinstance(answer, NotModified):
        return Probe(url=url, found_at=answer.url, problem="it answered 304 though nothing was known of it")
    moved_to = answer.permanent_url if answer.permanent_url != url else ""
    try:
        parsed = await parser.parse(answer.body, url=answer.url, content_type=answer.content_type)
    except ParseError as error:
        page = WebPage() if error.killed else await _web_page(parser, answer)
        named = ", ".join(link.url for link in page.feeds[:3])
        return Probe(
            url=url,
            found_at=answer.url,
            moved_to=moved_to,
            problem=str(error).partition("; try ")[0],
            mend=f"feeds found there: {named}" if named else f"look for a feed: {_look(answer.url)}",
            page=page,
        )
    found = Probe(url=url, found_at=answer.url, moved_to=moved_to, parsed=parsed, doubts=parsed.warnings)
    return _doubted(found, now)


async def _web_page(parser: Parser, answer: Fetched) -> WebPage:
    try:
        return await parser.web_page(answer.body, url=answer.url, content_type=answer.content_type)
    except ParseError:
        return WebPage()


def _doubted(found: Probe, now: datetime) -> Probe:
    """The probe of a feed, with what should be looked at."""
    assert found.parsed is not None
    doubts, mends = list(found.doubts), []
    if found.moved_to:
        doubts.append("it has moved for good")
        mends.append("write its new address into the configuration")
    if not found.parsed.entries:
        doubts.append("it has no entries")
        mends.append("look at it again tomorrow; a feed that stays empty is probably abandoned")
    elif found.newest_at is None:
        doubts.append("none of its entries has a date")
    elif now - found.newest_at > STALE_AFTER:
        doubts.append(f"its newest entry is {(now - found.newest_at).days} days old")
        mends.append(f"look for a newer feed: {_look(found.url)}")
    return replace(found, doubts=tuple(doubts), mend="; ".join(mends))


def _look(url: str) -> str:
    return f"longarm feeds add {urljoin(url, '/')}"


# ── discovery ─────────────────────────────────────────────────────────────────────────────────────


async def discovered(
    fetcher: Fetcher, parser: Parser, url: str, *, now: datetime, max_requests: int = MAX_REQUESTS
) -> tuple[Probe, ...]:
    """Find the feeds at or behind `url`, the likeliest first, each asked and parsed; the address itself if it is one.

    Where the page advertises feeds that work, well-known places are not tried. If there is none at all, the one probe
    that is given back says what is wrong with `url`.
    """
    first = await probe(fetcher, parser, url, now=now)
    if first.parsed is not None:
        return (first,)
    found: dict[str, Probe] = {}
    left = max_requests - 1
    for group in _groups(first.page.feeds, first.found_at or url):
        tried = group[:left]
        left -= len(tried)
        for one in await asyncio.gather(*(probe(fetcher, parser, address, now=now) for address in tried)):
            if one.parsed is not None:
                found.setdefault(one.found_at, one)
        if found:
            break
    return tuple(found.values()) or (first,)


def _groups(links: Sequence[FeedLink], url: str) -> Iterator[list[str]]:
    """Addresses to try, in groups: a later group only where the earlier ones had no feed."""
    advertised = [link.url for link in links if link.advertised]
    linked = [link.url for link in links if not link.advertised and link.url not in advertised]
    tried = {url, *advertised, *linked}
    yield advertised
    yield linked[: MAX_REQUESTS // 2]
    yield [place for path in WELL_KNOWN if (place := urljoin(url, path)) not in tried]
