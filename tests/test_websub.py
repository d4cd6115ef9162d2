"""Hubs: whom we ask, what we confirm, and what a push may bring about. Over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from monitor.errors import ConfigError, FetchError, FetchFailure, StateError
from monitor.ingest.guard import Guard
from monitor.ingest.parse import parse_bytes
from monitor.model import EPOCH, Feed, FeedState, Fetched, Outcome, ParsedFeed
from monitor.store import Store
from monitor.websub import serving
from monitor.websub.subscribing import LEASE, Subscriptions, Verification, key_of
from tests.fetch_parts import Site, answer, feed, fetcher, state
from tests.store_parts import NOW, opened

URL = "https://news.test/rss"
TOPIC = "https://news.test/feed"
CALLBACK = "https://reader.test/hook"
KEY = b"k" * 32
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Hub:
    """A hub on loopback: it notes what it was asked for, and answers with `status`."""

    status: int = 202
    forms: list[dict[str, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        self.forms.append(dict(parse_qsl(body.decode())))
        writer.write(answer(self.status, b"", ("Location", "http://127.0.0.1:9/")))
        await writer.drain()
        writer.close()


def subscriptions(*feeds: Feed, callback: str = CALLBACK) -> Subscriptions:
    made = Subscriptions(callback, KEY)
    made.use({one.url: one for one in feeds or (Feed(url=URL),)})
    return made


def told(made: Subscriptions, hub: str = "https://hub.test/", topic: str = TOPIC, one: Feed | None = None) -> None:
    made.learn(one or Feed(url=URL), Fetched(body=b"x", url=URL), ParsedFeed(hub=hub, self_url=topic))


def asked(mode: str = "subscribe", topic: str = TOPIC, challenge: str = "c1", lease: str = "") -> Verification:
    return Verification(mode=mode, topic=topic, challenge=challenge, lease_seconds=lease)


def signed(made: Subscriptions, body: bytes = b"news", method: str = "sha256", url: str = URL) -> str:
    return f"{method}={hmac.new(made.secret(url).encode(), body, method).hexdigest()}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as found:
        found.sync_feeds([Feed(url=URL)], {URL: NOW})
        yield found


def polled(store: Store, at: datetime = NOW, due: datetime = NOW + HOUR, failures: int = 0) -> None:
    known = FeedState(url=URL, baselined_at=NOW, polled_at=at, next_poll_at=due, failures=failures)
    store.record(Outcome(state=known), (), now=NOW)


def due_at(store: Store) -> datetime:
    found = store.feed_state(URL)
    assert found is not None
    return found.next_poll_at


# ── what a feed names ─────────────────────────────────────────────────────────────────────────────


def test_an_atom_feed_names_its_hub_and_itself() -> None:
    text = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><link rel="hub" href="/hub"/>'
        b'<link rel="self" href="https://news.test/feed"/><entry><id>1</id><title>T</title></entry></feed>'
    )
    parsed = parse_bytes(text, url=URL)
    assert (parsed.hub, parsed.self_url) == ("https://news.test/hub", TOPIC)


def test_an_rss_feed_names_its_hub_by_atom_links() -> None:
    text = (
        b'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>N</title>'
        b'<atom:link rel="hub" href="https://hub.test/"/><atom:link rel="self" href="https://news.test/feed"/>'
        b"<item><title>T</title></item></channel></rss>"
    )
    parsed = parse_bytes(text, url=URL)
    assert (parsed.hub, parsed.self_url) == ("https://hub.test/", TOPIC)


@pytest.mark.parametrize(
    ("hubs", "hub"),
    [
        (
            '[{"type": "rssCloud", "url": "https://a.test/"}, {"type": "WebSub", "url": "https://b.test/"}]',
            "https://b.test/",
        ),
        ('["x"]', ""),
        ("3", ""),
    ],
)
def test_a_json_feed_names_its_hub(hubs: str, hub: str) -> None:
    text = f'{{"version": "https://jsonfeed.org/version/1.1", "title": "N", "items": [], "feed_url": "{TOPIC}", "hubs": {hubs}}}'
    parsed = parse_bytes(text.encode(), url=URL)
    assert (parsed.hub, parsed.self_url) == (hub, TOPIC)


def test_a_hub_that_is_no_web_address_is_none() -> None:
    text = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><link rel="hub" href="file:///etc/passwd"/></feed>'
    )
    assert parse_bytes(text, url=URL).hub == ""


async def test_a_link_header_names_the_hub_and_goes_before_the_text() -> None:
    link = ("Link", '</hub>; rel="hub", <https://news.test/feed>; rel=self')
    async with Site({"/": answer(200, b"x", link)}) as site, fetcher() as web:
        got = await web.fetch(feed(site.url()), state(site.url()))
        assert isinstance(got, Fetched)
        assert (got.hub, got.self_url) == (site.url("/hub"), TOPIC)
    made = subscriptions()
    made.learn(Feed(url=URL), got, ParsedFeed(hub="https://other.test/", self_url="https://other.test/feed"))
    known = made.subscription(URL)
    assert known is not None
    assert (known.hub, known.topic) == (got.hub, TOPIC)


# ── asking a hub ──────────────────────────────────────────────────────────────────────────────────


async def test_a_hub_is_asked_for_the_feed_that_names_it() -> None:
    hub, made = Hub(), subscriptions()
    async with hub.up() as where, fetcher() as web:
        told(made, where)
        await made.ask_hubs(web, NOW)
        await made.ask_hubs(web, NOW)  # once is enough
    assert hub.forms == [
        {
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.callback": f"{CALLBACK}/{made.path(URL)}",
            "hub.secret": made.secret(URL),
            "hub.lease_seconds": "864000",
        }
    ]
    assert hub.heads[0].startswith("POST / HTTP/1.1")


async def test_a_hub_that_refuses_or_never_verifies_is_asked_less_and_less() -> None:
    hub, made = Hub(status=500), subscriptions()
    async with hub.up() as where, fetcher() as web:
        told(made, where)
        for hours in (0, 0.9, 1, 2.9, 3, 6.9, 7):
            await made.ask_hubs(web, NOW + hours * HOUR)
        assert len(hub.forms) == 4
        await made.ask_hubs(web, NOW + 1000 * HOUR)
    known = made.subscription(URL)
    assert known is not None
    assert known.ask_at - (NOW + 1000 * HOUR) <= 24 * HOUR


async def test_a_lease_is_renewed_before_it_ends() -> None:
    hub, made = Hub(), subscriptions()
    async with hub.up() as where, fetcher() as web:
        told(made, where)
        await made.ask_hubs(web, NOW)
        assert made.verified(made.path(URL), asked(lease="36000"), NOW) == "c1"
        for hours in (7.9, 8):
            await made.ask_hubs(web, NOW + hours * HOUR)
        assert len(hub.forms) == 2
        assert made.verified(made.path(URL), asked(challenge="c2"), NOW + 8 * HOUR) == "c2"


@pytest.mark.parametrize(
    "hub", ["http://10.0.0.1/", "http://localhost/", "http://169.254.169.254/", "http://hub.test:22/"]
)
async def test_a_hub_is_dialled_only_where_a_feed_would_be(hub: str) -> None:
    async with fetcher(Guard(())) as web:
        with pytest.raises(FetchError) as error:
            await web.post(hub, [("a", "b")])
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS


async def test_a_hub_that_redirects_is_not_followed() -> None:
    hub = Hub(status=307)
    async with hub.up() as where, fetcher() as web:
        with pytest.raises(FetchError):
            await web.post(where, [("a", "b")])
    assert len(hub.forms) == 1


@pytest.mark.parametrize("one", [Feed(url=URL, proxy="socks5h://127.0.0.1:9"), Feed(url=URL, enabled=False)])
def test_a_feed_that_must_not_know_us_or_rests_is_not_subscribed_to(one: Feed) -> None:
    made = subscriptions(one)
    told(made, one=one)
    assert made.subscription(URL) is None
    assert not made.pushed(made.path(URL), b"news", signed(made))


def test_a_feed_that_names_no_hub_any_more_is_forgotten_and_another_hub_is_asked_anew() -> None:
    made = subscriptions()
    told(made)
    first = made.subscription(URL)
    told(made)
    assert made.subscription(URL) is first
    told(made, hub="https://other.test/")
    assert made.subscription(URL) != first
    told(made, topic="")
    assert made.subscription(URL) is None


def test_a_feed_that_is_not_watched_any_more_is_forgotten() -> None:
    made = subscriptions()
    told(made)
    made.use({})
    assert made.subscription(URL) is None
    assert not made.expects(made.path(URL))


# ── verification ──────────────────────────────────────────────────────────────────────────────────


async def awaiting() -> Subscriptions:
    made = subscriptions()
    async with Hub().up() as where, fetcher() as web:
        told(made, where)
        await made.ask_hubs(web, NOW)
    return made


@pytest.mark.parametrize(
    "verification",
    [
        asked(mode="unsubscribe"),
        asked(mode=""),
        asked(topic="https://other.test/"),
        asked(challenge=""),
        asked(challenge="a b"),
        asked(challenge="<é>"),
        asked(challenge="x" * 513),
    ],
)
async def test_only_what_was_asked_for_is_confirmed(verification: Verification) -> None:
    made = await awaiting()
    assert made.verified(made.path(URL), verification, NOW) is None
    assert made.verified("nonsense", asked(), NOW) is None
    assert made.verified(made.path(URL), asked(), NOW) == "c1"


async def test_what_was_confirmed_is_not_confirmed_twice_and_what_was_never_asked_not_at_all() -> None:
    made = await awaiting()
    assert made.verified(made.path(URL), asked(), NOW) == "c1"
    assert made.verified(made.path(URL), asked(challenge="c2"), NOW) is None
    other = subscriptions()
    told(other)
    assert other.verified(other.path(URL), asked(), NOW) is None


async def test_a_hub_that_denies_is_left_alone_for_a_day() -> None:
    made = await awaiting()
    assert made.verified(made.path(URL), asked(mode="denied"), NOW) == ""
    known = made.subscription(URL)
    assert known is not None
    assert (known.awaited, known.ask_at) == (False, NOW + 24 * HOUR)


@pytest.mark.parametrize(
    ("said", "lease"),
    [
        ("3600", HOUR),
        ("", LEASE),
        ("-1", LEASE),
        ("x", LEASE),
        ("0", timedelta(minutes=5)),
        ("9" * 12, timedelta(days=30)),
    ],
)
async def test_a_lease_is_believed_within_bounds(said: str, lease: timedelta) -> None:
    made = await awaiting()
    made.verified(made.path(URL), asked(lease=said), NOW)
    known = made.subscription(URL)
    assert known is not None
    assert known.lease_until == NOW + lease


# ── pushes ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_push_makes_its_feed_due(store: Store, method: str) -> None:
    made = subscriptions()
    polled(store)
    assert made.pushed(made.path(URL), b"news", signed(made, method=method))
    made.hurry(store, (), NOW + timedelta(minutes=2))
    assert due_at(store) == NOW + timedelta(minutes=2)


def test_a_push_that_is_not_signed_rightly_changes_nothing(store: Store) -> None:
    made = subscriptions(Feed(url=URL), Feed(url="https://b.test/"))
    polled(store)
    right = signed(made)
    for signature in (
        "",
        "sha256=",
        "md5=" + "0" * 32,
        "sha256=" + "0" * 64,
        right[:-1],
        signed(made, url="https://b.test/"),
    ):
        assert not made.pushed(made.path(URL), b"news", signature)
    assert not made.pushed(made.path(URL), b"other", right)
    assert not made.pushed("nonsense", b"news", right)
    made.hurry(store, (), NOW + timedelta(minutes=2))
    assert due_at(store) == NOW + HOUR


def test_a_push_is_understood_after_a_restart(store: Store) -> None:
    polled(store)
    before, after = subscriptions(), subscriptions()
    assert after.pushed(before.path(URL), b"news", signed(before))


def test_many_pushes_make_one_poll_a_minute(store: Store) -> None:
    made = subscriptions()
    polled(store)
    for second in (1, 30, 59):
        made.pushed(made.path(URL), b"news", signed(made))
        made.hurry(store, (), NOW + timedelta(seconds=second))
        assert due_at(store) == NOW + HOUR
    made.hurry(store, (), NOW + timedelta(seconds=60))
    assert due_at(store) == NOW + timedelta(seconds=60)


def test_a_push_during_a_poll_is_followed_by_another_poll(store: Store) -> None:
    made = subscriptions()
    polled(store)
    made.pushed(made.path(URL), b"news", signed(made))
    made.hurry(store, {URL}, NOW + timedelta(minutes=5))
    assert due_at(store) == NOW + HOUR
    made.hurry(store, (), NOW + timedelta(minutes=6))
    assert due_at(store) == NOW + timedelta(minutes=6)


def test_a_push_never_makes_a_feed_later_or_a_failing_one_sooner(store: Store) -> None:
    made = subscriptions()
    for due, failures in ((NOW - HOUR, 0), (NOW + HOUR, 3)):
        polled(store, due=due, failures=failures)
        made.pushed(made.path(URL), b"news", signed(made))
        made.hurry(store, (), NOW + timedelta(minutes=5))
        assert due_at(store) == due


# ── the key ───────────────────────────────────────────────────────────────────────────────────────


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert len(key) == 32
    assert key_of(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "websub.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["websub.key"]


def test_a_key_that_is_damaged_or_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="see to its folder's rights"):
        key_of(tmp_path / "none")
    (tmp_path / "websub.key").write_bytes(b"short")
    with pytest.raises(StateError, match="is damaged"):
        key_of(tmp_path)


def test_addresses_and_secrets_differ_by_feed_and_key() -> None:
    one, other = Subscriptions(CALLBACK, KEY), Subscriptions(CALLBACK, b"o" * 32)
    made = {
        one.path(URL),
        one.path("x"),
        other.path(URL),
        one.secret(URL)[:40],
        one.secret("x")[:40],
        other.secret(URL)[:40],
    }
    assert len(made) == 6
    assert hashlib.sha256(URL.encode()).hexdigest()[:40] not in made


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def listening(made: Subscriptions) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving.listening(made, "127.0.0.1:0", clock=lambda: NOW) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client,
    ):
        yield client


async def test_the_whole_way_from_a_hub_to_a_feed_that_is_due(store: Store) -> None:
    hub, made = Hub(), subscriptions()
    polled(store)
    async with hub.up() as where, fetcher() as web, listening(made) as client:
        told(made, where)
        await made.ask_hubs(web, NOW)
        form = hub.forms[0]
        path = form["hub.callback"].removeprefix("https://reader.test")
        query = {
            "hub.mode": "subscribe",
            "hub.topic": form["hub.topic"],
            "hub.challenge": "abc",
            "hub.lease_seconds": "7200",
        }
        confirmed = await client.get(path, params=query)
        assert (confirmed.status_code, confirmed.text) == (200, "abc")
        assert confirmed.headers["content-type"].startswith("text/plain")
        signature = hmac.new(form["hub.secret"].encode(), b"<rss/>", "sha256").hexdigest()
        sent = await client.post(path, content=b"<rss/>", headers={"X-Hub-Signature": f"sha256={signature}"})
        assert (sent.status_code, sent.content) == (202, b"")
    made.hurry(store, (), NOW + timedelta(minutes=2))
    assert due_at(store) == NOW + timedelta(minutes=2)
    assert "server" not in sent.headers


async def test_a_wrong_signature_is_answered_like_a_right_one_and_an_unknown_address_is_not_there(store: Store) -> None:
    made = subscriptions()
    polled(store)
    async with listening(made) as client:
        wrong = await client.post(f"/{made.path(URL)}", content=b"x", headers={"X-Hub-Signature": "sha256=" + "0" * 64})
        assert wrong.status_code == 202
        assert (await client.post("/hook/unknown", content=b"x")).status_code == 404
        assert (await client.get(f"/{made.path(URL)}")).status_code == 404
        assert (await client.get("/")).status_code == 404
    made.hurry(store, (), NOW + timedelta(minutes=2))
    assert due_at(store) == NOW + HOUR


async def test_a_message_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_BODY_BYTES", 1000)
    made = subscriptions()
    async with listening(made) as client:
        path = f"/{made.path(URL)}"
        large = await client.post(path, content=b"x" * 1001, headers={"X-Hub-Signature": signed(made, b"x" * 1001)})
        whole = await client.post(path, content=b"x" * 1000, headers={"X-Hub-Signature": signed(made, b"x" * 1000)})
    assert (large.status_code, whole.status_code) == (413, 202)


async def test_a_message_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "READ_WITHIN", 0.05)
    made = subscriptions()
    async with serving.listening(made, "127.0.0.1:0", clock=lambda: NOW) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST /{made.path(URL)} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()


async def test_an_address_that_is_taken_is_told_with_its_key() -> None:
    made = subscriptions()
    async with serving.listening(made, "127.0.0.1:0", clock=lambda: NOW) as (host, port):
        with pytest.raises(ConfigError, match=r"websub\.listen"):
            async with serving.listening(made, f"{host}:{port}", clock=lambda: NOW):
                raise AssertionError


def test_what_is_not_known_yet_is_due_to_be_asked() -> None:
    made = subscriptions()
    told(made)
    known = made.subscription(URL)
    assert known is not None
    assert (known.awaited, known.ask_at, known.lease_until) == (False, EPOCH, EPOCH)
