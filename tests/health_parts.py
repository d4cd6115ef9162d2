"""Sites that misbehave when told to, in memory, polled by the real code into a real store with a clock of our own."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import httpx

from classifiers import Score, Text
from monitor.alerts.policy import Rules
from monitor.errors import ParseError
from monitor.ingest.fetch import Fetcher
from monitor.ingest.guard import Guard
from monitor.ingest.parse import parse_bytes
from monitor.model import ChannelRules, Feed, FeedState, ParsedFeed
from monitor.poll import Watch, poll_due
from monitor.store import Store

START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOWN = 12
NOUNS = "harbour council river market school bridge budget library tram museum forest bakery station theatre".split()
VERBS = "opens closes repairs paints visits buys sells moves studies plans honours protects renames lights".split()
GERMAN = (
    "Die Stadt öffnet heute wieder das alte Rathaus und zeigt den Bürgern die neue Ausstellung über den Hafen".split()
)


# ── what sites serve ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Item:
    slug: str
    title: str
    summary: str
    at: datetime
    host: str


Fault = str
"""A status ("403"), the name of an httpx error, or one of the words that `Site.answer` knows."""


@dataclass
class Site:
    """A feed that publishes `per_day` items. `faults`: (from, until, what). `asked` counts requests."""

    number: int
    per_day: float = 12.0
    days: float = 14.0
    before: float = 7.0
    hits: float = 0.0
    every: timedelta | None = None
    faults: tuple[tuple[datetime, datetime, Fault], ...] = ()
    asked: int = 0
    items: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(self.number)
        at = START - self.before * DAY
        while at < START + self.days * DAY:
            at += rng.expovariate(self.per_day) * DAY
            self.items.append(self._item(len(self.items), at, rng))

    @property
    def host(self) -> str:
        return f"site{self.number}.example"

    @property
    def url(self) -> str:
        return f"https://{self.host}/rss"

    @property
    def feed(self) -> Feed:
        return Feed(url=self.url, name=f"Site {self.number}", every=self.every)

    def _item(self, index: int, at: datetime, rng: random.Random) -> Item:
        words = [rng.choice(NOUNS), rng.choice(VERBS), rng.choice(NOUNS)]
        mark = "dissident " if rng.random() < self.hits else ""
        title = f"{self.number}-{index} {mark}the {words[0]} {words[1]} the {words[2]}"
        return Item(f"item-{index}", title, f"All about it: {' '.join(rng.choices(NOUNS, k=8))}.", at, self.host)

    def fault(self, now: datetime) -> Fault:
        return next((what for start, end, what in self.faults if start <= now < end), "")

    def began(self, now: datetime) -> datetime:
        return next(start for start, end, _ in self.faults if start <= now < end)

    def answer(self, request: httpx.Request, now: datetime) -> httpx.Response:
        self.asked += 1
        fault = self.fault(now)
        if fault.isdigit():
            return answer(int(fault), b"no")
        if fault.startswith("httpx."):
            raise getattr(httpx, fault.removeprefix("httpx."))("made up", request=request)
        if fault == "page":
            page = b"<!doctype html><title>Just a moment...</title><body>Are you human?</body>"
            return answer(200, page, **{"content-type": "text/html"})
        if fault == "nothing":
            return answer(200, b"  ")
        if fault == "moved" and "moved" not in str(request.url):
            return answer(301, b"", location=f"https://{self.host}/moved")
        body = self.body(now, fault)
        tag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        if fault == "liar" and "if-none-match" in request.headers:
            return answer(304, b"", etag=request.headers["if-none-match"])
        if request.headers.get("if-none-match") == tag:
            return answer(304, b"", etag=tag)
        return answer(200, body, etag=tag, **{"content-type": "application/rss+xml"})

    def body(self, now: datetime, fault: Fault) -> bytes:
        until = self.began(now) if fault == "silent" else now
        shown = [item for item in self.items if item.at <= until][-SHOWN:]
        if fault == "old":
            shown = [replace(item, at=item.at - 400 * DAY) for item in self.items[:SHOWN]]
        elif fault == "empty":
            shown = []
        elif fault == "german":
            begun = self.began(now)
            shown = [self._german(item) if item.at >= begun else item for item in shown]
        elif fault == "bland":
            shown = [replace(item, title=item.title.replace("dissident ", "")) for item in shown]
        elif fault == "elsewhere":
            begun = self.began(now)
            fresh = [item for item in shown if item.at >= begun] or shown[-1:]
            shown = [replace(item, host="lucky-casino.example") for item in fresh]
        elif fault == "archive":
            old = [replace(item, slug=f"old-{item.slug}", title=f"Archive {item.title}", at=item.at - 300 * DAY)
                   for item in self.items[:SHOWN]]  # fmt: skip
            shown = [*shown[-5:], *old]
        return rss(self, shown[::-1], fault, now)

    def _german(self, item: Item) -> Item:
        rng = random.Random(item.slug)
        return replace(
            item,
            title=f"{item.title.split()[0]} {' '.join(rng.sample(GERMAN, 12))}",
            summary=" ".join(rng.sample(GERMAN, 16)),
        )


def rss(site: Site, items: Sequence[Item], fault: Fault, now: datetime) -> bytes:
    rows = []
    for item in items:
        guid = f"{item.slug}-{now:%m%d%H%M}" if fault == "guids" else item.slug
        parts = [f"<guid isPermaLink='false'>{guid}</guid>", f"<description>{escape(item.summary)}</description>"]
        if fault != "untitled":
            parts.append(f"<title>{escape(item.title)}</title>")
        if fault != "unlinked":
            parts.append(f"<link>https://{item.host}/{item.slug}</link>")
        if fault != "undated":
            parts.append(f"<pubDate>{format_datetime(item.at)}</pubDate>")
        rows.append(f"<item>{''.join(parts)}</item>")
    head = f"<title>Site {site.number}</title><link>https://{site.host}/</link>"
    return f"<?xml version='1.0'?><rss version='2.0'><channel>{head}{''.join(rows)}</channel></rss>".encode()


def answer(status: int, body: bytes, **fields: str) -> httpx.Response:
    return httpx.Response(status, headers=fields, stream=httpx.ByteStream(body))


class Net(httpx.AsyncBaseTransport):
    """All sites. `down`: the error that every request meets."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self.sites = {site.host: site for site in sites}
        self.now = START
        self.down: Callable[[datetime], str] = lambda now: ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        error = self.down(self.now)
        if error:
            raise getattr(httpx, error)("made up", request=request)
        return self.sites[request.url.host].answer(request, self.now)


# ── who polls them ────────────────────────────────────────────────────────────────────────────────


class Here:
    """The parser without its process: tens of thousands of polls are made."""

    async def parse(self, body: bytes, *, url: str, content_type: str = "", max_entries: int = 500) -> ParsedFeed:
        try:
            return parse_bytes(body, url=url, content_type=content_type)
        except ParseError as error:
            raise ParseError(str(error), killed=error.killed, page_title=error.page_title) from None


class Plain:
    """A classifier that knows one word."""

    name = "plain"

    def score(self, texts: Sequence[Text]) -> list[Score]:
        return [Score(value=0.6 if "dissident" in text.title else 0.05, model="plain:1") for text in texts]


@dataclass
class World:
    """Sites, the watch on them, and what operators were told."""

    net: Net
    watch: Watch
    store: Store

    async def run(self, until: datetime, step: timedelta = timedelta(minutes=15)) -> None:
        while self.net.now < until:
            self.net.now += step
            await poll_due(self.watch, self.net.now)

    def notices(self) -> list[tuple[str, str]]:
        """Key of the delivery and text of each notice, in order."""
        return [(line["key"], line["text"]) for line in self._lines()]

    def begun(self) -> Counter[str]:
        return Counter(key.rpartition(":")[0] for key, _ in self.notices() if not key.endswith("-over"))

    def over(self) -> Counter[str]:
        return Counter(key.rpartition(":")[0] for key, _ in self.notices() if key.endswith("-over"))

    def texts(self, kind: str) -> list[str]:
        return [text for key, text in self.notices() if key.startswith(f"notice:{kind}")]

    def state(self, site: Site) -> FeedState:
        return next(state for state in self.store.feed_states() if state.url == site.url)

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self.store.export("deliveries"):
            if line["channel"] == "ops" and line["key"].startswith("notice:"):
                delivery = self.store.delivery(line["key"], "ops")
                assert delivery is not None
                yield {"key": line["key"], "text": delivery.message.text}


@contextmanager
def world(folder: Path, sites: Sequence[Site], **options: Any) -> Iterator[World]:
    """A watch on `sites` with one channel, that of the operators."""
    net = Net(sites)
    feeds = [site.feed for site in sites]
    with Store.open(folder / "state", now=START) as store:
        store.sync_feeds(feeds, {feed.url: START + index * timedelta(seconds=1) for index, feed in enumerate(feeds)})
        watch = Watch(
            store=store,
            fetcher=Fetcher(Guard(()), user_agent="", transport=net),
            parser=Here(),  # type: ignore[arg-type]
            classifier=Plain(),
            feeds={feed.url: feed for feed in feeds},
            rules=Rules(alert_at=0.8, digest_at=0.5),
            channels=(ChannelRules(name="ops", alerts=False, operators=True),),
            timezone=ZoneInfo("UTC"),
            rng=random.Random(1),
            **options,
        )
        yield World(net, watch, store)
