"""Fetches feeds: conditional GET through the address guard. The only room that speaks HTTP to news sites.

    lane       at most two requests at once to one host, 32 in all      waiting costs no deadline
    hop        policy on the URL, then the guard's own addresses are dialled (docs/design/what-the-fetcher-may-dial.md)
    redirect   at most five, each one a hop like the first, all of them by the feed's own proxy if it has one
    cookies    stay with their origin and their feed, in memory; a page's die with its fetch
    body       read raw up to the cap, decoded up to the cap
    answer     Fetched, NotModified, or FetchError

The environment (proxies, .netrc) is not looked at. It stores nothing, and an error's text has no byte of an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx

from monitor.errors import FetchError, FetchFailure
from monitor.ingest import headers, unpack
from monitor.ingest.dial import FOREIGN, Route, Routes, default_ssl_context, translated
from monitor.ingest.guard import Guard
from monitor.ingest.lanes import Lanes, Place
from monitor.model import Feed, FeedState, Fetched, NotModified

ACCEPT_FEEDS = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
MAX_HEADERS = 200
MOVES_NEEDED = 3  # so many polls must have named an address before it is asked instead of the written one

_CONNECT_SECONDS = 10.0
_MAX_WAITING = 4  # answers that nobody has taken yet; each may be as large as the cap
_MAX_ORIGINS = 6  # as many as a chain of redirects has hops

_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FULL = frozenset({200, 203})

Headers = tuple[tuple[str, str], ...]
Origin = tuple[str, str, int | None]
Jar = dict[Origin, dict[str, str]]


_REFUSALS = {
    401: (FetchFailure.UNAUTHORIZED, "wants a login (401)"),
    403: (FetchFailure.FORBIDDEN, "refuses us (403); another user_agent or a proxy may help"),
    404: (FetchFailure.NOT_FOUND, "has no such page (404); check the feed's address"),
    410: (FetchFailure.GONE, "says that this feed is gone for good (410); look for its successor"),
    429: (FetchFailure.RATE_LIMITED, "is asked too often (429); it is left alone for longer"),
    451: (FetchFailure.LEGAL, "may not answer for legal reasons (451); a proxy elsewhere may help"),
}


def _refusal(status: int, fields: Mapping[str, str], where: str, now: datetime | None) -> FetchError:
    kind, words = _REFUSALS.get(status, (FetchFailure.STATUS, f"answers with status {status}, not with a feed"))
    if 500 <= status <= 599:
        kind, words = FetchFailure.SERVER, f"has trouble of its own ({status}); it is tried again later"
    if status in (204, 205):
        kind, words = FetchFailure.EMPTY, f"answers with nothing ({status})"
    wait = headers.retry_after(fields, now) if status in (429, 503) else None
    return FetchError(kind, f"{where} {words}", status=status, retry_after=wait)


# ── the fetcher ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What is asked for, over all hops. `fields` are request headers; `jar` is added to as answers come.

    With a `body` it is a POST.
    """

    url: str
    fields: Headers
    max_body_bytes: int
    route: Route
    jar: Jar
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class _Trail:
    """Where a chain of hops stands. `permanent` while only 301 and 308 have come."""

    url: httpx.URL
    host: str
    hops: int = 0
    permanent: bool = True
    permanent_url: str = ""

    @property
    def where(self) -> str:
        return f"{self.host}, after a redirect" if self.hops else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The last hop's answer: 200 with a decoded body, or 304."""

    status: int
    url: str
    fields: httpx.Headers
    body: bytes
    permanent_url: str


class Fetcher:
    """Fetches feeds and pages through `guard`. Use it as an async context manager.

    `proxy`: "socks5h://…" or "http://…"; names are then resolved by the proxy. A feed's own goes before it. `contact`
    is a mail address that every site is told (From); empty: none. `max_body_bytes` counts decoded bytes.
    `total_timeout` is for one whole fetch with its redirects; waiting for a free lane does not count. `clock` is only
    asked where an answer names a date but has none itself. `transport` replaces the guarded one (tests).
    """

    def __init__(
        self,
        guard: Guard,
        *,
        user_agent: str,
        proxy: str = "",
        contact: str = "",
        max_body_bytes: int = 10 * 2**20,
        total_timeout: timedelta = timedelta(seconds=30),
        per_host: int = 2,
        concurrency: int = 32,
        max_redirects: int = 5,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._contact = contact
        self._max_body_bytes = max_body_bytes
        self._total_seconds = total_timeout.total_seconds()
        self._max_redirects = max_redirects
        self._clock = clock
        self._lanes = Lanes(per_host)
        self._slots = asyncio.Semaphore(concurrency)
        self._jars: dict[str, Jar] = {}
        self._routes = Routes(guard, ssl_context=ssl_context or default_ssl_context(), proxy=proxy, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is open."""
        await self._routes.aclose()

    async def fetch(self, feed: Feed, state: FeedState, *, unconditional: bool = False) -> Fetched | NotModified:
        """Ask for a feed, conditionally unless told otherwise. Raises FetchError.

        A feed that moved within its own site is asked at its new address, and at the written one if that fails.
        """
        async with self._place(_host(feed.url)) as place:
            return await self._fetch(feed, state, unconditional, place)

    async def many(
        self, pairs: Sequence[tuple[Feed, FeedState, bool]]
    ) -> AsyncIterator[tuple[Feed, FeedState, Fetched | NotModified | FetchError]]:
        """Fetch (feed, state, unconditional) triples; yield answers in the order in which they come.

        At most a handful of answers wait to be taken: a slow reader slows the fetching instead of filling memory.
        """
        waiting = asyncio.Semaphore(_MAX_WAITING)

        async def one(
            feed: Feed, state: FeedState, unconditional: bool
        ) -> tuple[Feed, FeedState, Fetched | NotModified | FetchError]:
            answer: Fetched | NotModified | FetchError
            async with self._place(_host(feed.url)) as place:
                try:
                    answer = await self._fetch(feed, state, unconditional, place)
                except FetchError as error:
                    answer = error
                await waiting.acquire()  # its slot is given back only when there is room for the answer
            return feed, state, answer

        tasks = [asyncio.create_task(one(*pair)) for pair in pairs]
        try:
            for done in asyncio.as_completed(tasks):
                row = await done
                waiting.release()
                yield row
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def get(
        self, url: str, *, accept: str = "*/*", max_body_bytes: int | None = None, proxy: str = ""
    ) -> Fetched:
        """Fetch any other page through the same guard, by `proxy` where one is named. Raises FetchError."""
        ask = _Ask(
            url=url,
            fields=self._fields(accept),
            max_body_bytes=max_body_bytes or self._max_body_bytes,
            route=self._routes.of(proxy),
            jar={},
        )
        async with self._place(_host(url)) as place:
            return self._fetched(await self._answer(ask, place, conditional=False))

    async def post(self, url: str, form: Sequence[tuple[str, str]]) -> None:
        """Send a form through the same guard; nothing is followed or read. Raises FetchError, also for a refusal."""
        kind = ("content-type", "application/x-www-form-urlencoded")
        ask = _Ask(
            url=url,
            fields=(*self._fields("*/*"), kind),
            max_body_bytes=0,
            route=self._routes.of(""),
            jar={},
            body=urlencode(form).encode("ascii"),
        )
        trail = _Trail(url=httpx.URL(), host=_host(url) or "the address")
        async with self._place(_host(url)):
            with self._in_our_words(ask, trail):
                async with asyncio.timeout(self._total_seconds):
                    trail.url = self._checked(url, None, trail, ask.route)
                    response = await self._sent(ask, trail)
                    await response.aclose()
        if not response.is_success:
            raise _refusal(response.status_code, response.headers, trail.where, self._now())

    # What follows runs inside of a lane.

    @asynccontextmanager
    async def _place(self, host: str) -> AsyncIterator[Place]:
        place = Place(self._lanes)
        try:
            await place.move(host)  # first the lane, then the slot: a hung host's queue must not take the slots
            async with self._slots:
                yield place
        finally:
            await place.leave()

    async def _fetch(self, feed: Feed, state: FeedState, unconditional: bool, place: Place) -> Fetched | NotModified:
        validators = () if unconditional else _validators(state)
        ask = _Ask(
            url=feed.url,
            fields=(*self._fields(ACCEPT_FEEDS, feed.user_agent), *validators),
            max_body_bytes=self._max_body_bytes,
            route=self._routes.of(feed.proxy),
            jar=self._jars.setdefault(feed.url, {}),
        )
        answer = None
        if _moved_within_site(feed, state):
            try:
                answer = await self._answer(replace(ask, url=state.moved_to), place, conditional=bool(validators))
            except FetchError:
                await place.move(_host(feed.url))
        if answer is None:
            answer = await self._answer(ask, place, conditional=bool(validators))
        if answer.status == 304:
            return self._not_modified(answer, by_hash=False)
        fetched = self._fetched(answer)
        return self._not_modified(answer, by_hash=True) if fetched.body_hash == state.body_hash else fetched

    def _fields(self, accept: str, user_agent: str = "") -> Headers:
        name = user_agent or self._user_agent
        return (
            *((("user-agent", name),) if name else ()),
            *((("from", self._contact),) if self._contact else ()),
            ("accept", accept),
            ("accept-encoding", unpack.ACCEPTED),
            ("connection", "close"),
        )

    async def _answer(self, ask: _Ask, place: Place, *, conditional: bool) -> _Answer:
        """Run one whole fetch, redirects included, under one deadline."""
        trail = _Trail(url=httpx.URL(), host=_host(ask.url) or "the address")
        with self._in_our_words(ask, trail), _emptied_on_trouble(ask.jar):
            async with asyncio.timeout(self._total_seconds):
                answer = await self._chain(ask, trail, place)
                if answer.status == 304 and not conditional:  # some cache's mistake: once more, past it
                    fields = (*ask.fields, ("cache-control", "no-cache"))
                    answer = await self._chain(replace(ask, fields=fields), trail, place)
        if answer.status == 304 and not conditional:
            why = f'{trail.where} says "not modified" though no earlier version was named'
            raise FetchError(FetchFailure.PROTOCOL, why, status=304)
        if answer.status != 304 and not answer.body.strip():
            raise FetchError(FetchFailure.EMPTY, f"{trail.where} answers with an empty page", status=answer.status)
        return answer

    @contextmanager
    def _in_our_words(self, ask: _Ask, trail: _Trail) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            why = f"{trail.where}: not answered in full within {self._total_seconds:g} s"
            raise FetchError(FetchFailure.TIMEOUT, why) from None
        except unpack.TooLarge:
            raise _too_large(trail.where, ask.max_body_bytes) from None
        except unpack.CutShort:
            raise FetchError(FetchFailure.PROTOCOL, f"{trail.where}: the answer is cut short") from None
        except unpack.BadEncoding as error:
            raise FetchError(FetchFailure.ENCODING, f"{trail.where}: {error}") from None
        except FOREIGN as error:
            raise translated(error, trail.where, by_proxy=ask.route.by_proxy, own_proxy=ask.route.own) from None

    async def _chain(self, ask: _Ask, trail: _Trail, place: Place) -> _Answer:
        """Follow redirects, each checked like the first address."""
        trail.hops, trail.permanent, trail.permanent_url = 0, True, ""
        trail.url = self._checked(ask.url, None, trail, ask.route)
        while True:
            await place.move(trail.url.host)
            response = await self._sent(ask, trail)
            try:
                self._keep_cookies(ask.jar, trail.url, response)
                target = self._redirect(response, trail, ask.route)
                if target is None:
                    return await self._ended(ask, trail, response)
            finally:
                await response.aclose()
            _step(trail, target, response)

    async def _sent(self, ask: _Ask, trail: _Trail) -> httpx.Response:
        try:
            return await ask.route.transport.handle_async_request(_request(ask, trail.url))
        except FetchError as error:  # the guard's, which does not know where it happened
            raise FetchError(error.kind, f"{trail.where}: {error}") from None

    def _checked(self, text: str, base: httpx.URL | None, trail: _Trail, route: Route) -> httpx.URL:
        """Check an address as it stands, and again as it is read by the parser that is dialled from."""
        try:
            if base is None:
                self._guard.check_url(text, by_proxy=route.by_proxy)
            elif "\\" in text:
                raise FetchError(FetchFailure.SCHEME, "the address holds a backslash")
            url = (base.join(text) if base else httpx.URL(text)).copy_with(fragment=None)
            self._guard.check_url(str(url), by_proxy=route.by_proxy)
            port = url.port or (443 if url.scheme == "https" else 80)
            self._guard.check_target(url.raw_host.decode("ascii"), port, by_proxy=route.by_proxy)
        except FetchError as error:
            raise FetchError(error.kind, f"{trail.where}: {error}") from None
        return url

    def _redirect(self, response: httpx.Response, trail: _Trail, route: Route) -> httpx.URL | None:
        if len(response.headers.raw) > MAX_HEADERS:
            raise FetchError(FetchFailure.PROTOCOL, f"{trail.where}: the answer has over {MAX_HEADERS} headers")
        if response.status_code not in _REDIRECTS:
            return None
        location = response.headers.get("location", "").strip()
        if not location:
            raise FetchError(FetchFailure.PROTOCOL, f"{trail.where} redirects to nowhere", status=response.status_code)
        if trail.hops >= self._max_redirects:
            raise FetchError(FetchFailure.REDIRECTS, f"{trail.host} redirects more than {self._max_redirects} times")
        trail.hops += 1
        return self._checked(location, trail.url, trail, route)

    async def _ended(self, ask: _Ask, trail: _Trail, response: httpx.Response) -> _Answer:
        body = b""
        if response.status_code in _FULL:
            body = await _body(response, ask.max_body_bytes, trail.where)
        elif response.status_code != 304:
            raise _refusal(response.status_code, response.headers, trail.where, self._now())
        return _Answer(
            status=response.status_code,
            url=str(trail.url),
            fields=response.headers,
            body=body,
            permanent_url=trail.permanent_url,
        )

    def _keep_cookies(self, jar: Jar, url: httpx.URL, response: httpx.Response) -> None:
        lines = response.headers.get_list("set-cookie")
        if not lines:
            return
        jar[_origin(url)] = headers.cookies(lines, jar.pop(_origin(url), {}), self._now())
        while len(jar) > _MAX_ORIGINS:
            del jar[next(iter(jar))]

    def _now(self) -> datetime | None:
        return self._clock() if self._clock else None

    def _fetched(self, answer: _Answer) -> Fetched:
        return Fetched(
            body=answer.body,
            url=answer.url,
            content_type=headers.plain(answer.fields.get("content-type", "")),
            etag=headers.plain(answer.fields.get("etag", "")),
            last_modified=headers.plain(answer.fields.get("last-modified", "")),
            body_hash=hashlib.sha256(answer.body).hexdigest(),
            permanent_url=answer.permanent_url,
            fresh_for=headers.fresh_for(answer.fields, self._now()),
            hub=_linked(answer, "hub"),
            self_url=_linked(answer, "self"),
        )

    def _not_modified(self, answer: _Answer, *, by_hash: bool) -> NotModified:
        return NotModified(
            url=answer.url,
            by_hash=by_hash,
            etag=headers.plain(answer.fields.get("etag", "")),
            last_modified=headers.plain(answer.fields.get("last-modified", "")),
            permanent_url=answer.permanent_url,
            fresh_for=headers.fresh_for(answer.fields, self._now()),
        )


# ── parts of a hop ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _emptied_on_trouble(jar: Jar) -> Iterator[None]:
    """A cookie may be what the site refuses, and would be sent for ever."""
    try:
        yield
    except BaseException:
        jar.clear()
        raise


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port


def _request(ask: _Ask, url: httpx.URL) -> httpx.Request:
    cookies = "; ".join(f"{name}={value}" for name, value in ask.jar.get(_origin(url), {}).items())
    fields = [*ask.fields, *([("cookie", cookies)] if cookies else [])]
    raw = [(name.encode("ascii"), value.encode("utf-8")) for name, value in fields]
    method, limits = "POST" if ask.body else "GET", {"timeout": {"connect": _CONNECT_SECONDS}}
    return httpx.Request(method, url, headers=raw, content=ask.body or None, extensions=limits)


def _step(trail: _Trail, target: httpx.URL, response: httpx.Response) -> None:
    """Go on to `target`. A move to plain http is never learned."""
    downgrade = trail.url.scheme == "https" and target.scheme == "http"
    trail.permanent = trail.permanent and response.status_code in _PERMANENT and not downgrade
    if trail.permanent:
        trail.permanent_url = str(target)
    trail.url = target


async def _body(response: httpx.Response, max_bytes: int, where: str) -> bytes:
    name = unpack.encoding(response.headers.get("content-encoding", ""))
    said = response.headers.get("content-length", "")
    if re.fullmatch(r"[0-9]{1,18}", said) and int(said) > max_bytes:
        raise _too_large(where, max_bytes)
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > max_bytes:
            raise _too_large(where, max_bytes)
    return unpack.decoded(raw, name, max_bytes=max_bytes)


def _too_large(where: str, max_bytes: int) -> FetchError:
    return FetchError(FetchFailure.TOO_LARGE, f"{where}: the answer is larger than {max_bytes / 2**20:g} MB")


def _validators(state: FeedState) -> Headers:
    named = (("if-none-match", headers.plain(state.etag)), ("if-modified-since", headers.plain(state.last_modified)))
    return tuple((name, value) for name, value in named if value)


def _linked(answer: _Answer, rel: str) -> str:
    target = headers.link(answer.fields.get("link", ""), rel)
    try:
        return str(httpx.URL(answer.url).join(target)) if target else ""
    except (httpx.InvalidURL, UnicodeError):
        return ""


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, UnicodeError):
        return ""


def _moved_within_site(feed: Feed, state: FeedState) -> bool:
    """Another site's address is never taken for good: whoever buys a dead domain would inherit the feed."""
    if not state.moved_to or state.moved_seen < MOVES_NEEDED:
        return False
    return _host(state.moved_to).removeprefix("www.") == _host(feed.url).removeprefix("www.") != ""
