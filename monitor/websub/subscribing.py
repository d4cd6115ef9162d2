"""Which hub is asked for which feed, and what a hub's word is worth: the feed is asked sooner. Nothing else, ever.

    learn     a feed names its hub: it is to be subscribed to
    ask_hubs  to subscribe us, and again before a lease ends
    verified  a hub asks whether we meant it: only what was asked for is confirmed
    pushed    a signed message came. What it says is not read
    hurry     the feeds of which news were told become due

Polling goes on as if there were no hub. docs/design/when-is-a-push-believed.md. The leases are in memory: addresses and
secrets come from one key on disk, so a hub that knows us from before a restart is still understood after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from monitor import log
from monitor.errors import FetchError, StateError
from monitor.ingest.fetch import Fetcher
from monitor.model import EPOCH, Feed, Fetched, Outcome, ParsedFeed
from monitor.store import Store

_log = log.get(__name__)

KEY_FILE = "websub.key"
LEASE = timedelta(days=10)
LEASE_LIMITS = (timedelta(minutes=5), timedelta(days=30))
PUSHED_EVERY = timedelta(minutes=1)
"""A hub makes a feed be asked no more often than this."""
MOST_AT_ONCE = 10
"""Hubs asked in one pass: after a start a thousand feeds may want to be subscribed to."""

_RENEW_AT = 0.8  # of the lease
_RETRY, _LONGEST_RETRY = timedelta(hours=1), timedelta(hours=24)
_KEY_BYTES = 32
_CHALLENGE = re.compile(r"[!-~]{1,512}")
_SIGNATURE = re.compile(r"(sha1|sha256|sha384|sha512)=([0-9a-fA-F]{40,128})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What stands between us and one hub. `awaited`: it was asked and has not verified yet.

    `ask_at` is when the hub is to be asked next; `tries` counts in a row without being verified.
    """

    hub: str
    topic: str
    awaited: bool = False
    lease_until: datetime = EPOCH
    ask_at: datetime = EPOCH
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a hub's GET says, as it stood in the query."""

    mode: str = ""
    topic: str = ""
    challenge: str = ""
    lease_seconds: str = ""


def key_of(state_dir: Path) -> bytes:
    """Read the key from which addresses and secrets are made; make it where there is none.

    Raises:
        StateError: it can't be read or written.
    """
    path = state_dir / KEY_FILE
    try:
        if not path.exists():
            draft = path.with_name(f".{KEY_FILE}.new")
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(os.urandom(_KEY_BYTES))
            draft.replace(path)
        key = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path}: can't be read or written ({error.strerror}); see to its folder's rights") from None
    if len(key) != _KEY_BYTES:
        raise StateError(f"{path}: is damaged; remove it, and hubs are asked anew at the next start")
    return key


class Subscriptions:
    """The feeds' subscriptions. `callback` is the public address under which hubs reach us, without a slash at its end.

    Used from one event loop.
    """

    def __init__(self, callback: str, key: bytes) -> None:
        self._callback = callback
        self._key = key
        self._feeds: Mapping[str, Feed] = {}
        self._urls: dict[str, str] = {}  # by the last part of the callback's address
        self._known: dict[str, Subscription] = {}
        self._due: set[str] = set()

    def use(self, feeds: Mapping[str, Feed]) -> None:
        """Take `feeds` as those that are watched. What is known of others is forgotten, and hubs are not answered."""
        if feeds is self._feeds:
            return
        self._feeds = feeds
        self._urls = {self.path(url): url for url, feed in feeds.items() if _wanted(feed)}
        watched = set(self._urls.values())
        self._known = {url: one for url, one in self._known.items() if url in watched}
        self._due &= watched

    def path(self, url: str) -> str:
        """The part of the callback's address that stands for a feed: nobody but its hub can know it."""
        return self._made("path", url)[:40]

    def secret(self, url: str) -> str:
        """What a feed's hub signs with."""
        return self._made("secret", url)

    def subscription(self, url: str) -> Subscription | None:
        """What is known of a feed's hub."""
        return self._known.get(url)

    def learn(self, feed: Feed, answer: Fetched, parsed: ParsedFeed) -> None:
        """Take note of the hub that a feed names, or that it names none any more. Headers go before the feed's text."""
        hub, topic = answer.hub or parsed.hub, answer.self_url or parsed.self_url
        if not hub or not topic or not _wanted(feed):
            self._known.pop(feed.url, None)
            return
        known = self._known.get(feed.url)
        if known is None or (known.hub, known.topic) != (hub, topic):
            self._known[feed.url] = Subscription(hub=hub, topic=topic)

    # ── what we do ────────────────────────────────────────────────────────────────────────────────

    async def ask_hubs(self, fetcher: Fetcher, now: datetime) -> None:
        """Ask the hubs whose turn it is, a few at a time."""
        wanted = [url for url, one in self._known.items() if one.ask_at <= now]
        await asyncio.gather(*(self._ask(url, fetcher, now) for url in wanted[:MOST_AT_ONCE]))

    def hurry(self, store: Store, in_flight: Collection[str], now: datetime) -> None:
        """Make feeds due of which news were told. One that is being asked, or just was, is asked once more after it.

        Raises:
            StateError: the state could not be written; the feeds are tried again at the next pass.
        """
        for url in tuple(self._due):
            state = store.feed_state(url)
            if state is None or state.failures:  # what failed is asked again when that is polite
                self._due.discard(url)
            elif url not in in_flight and (state.polled_at is None or now - state.polled_at >= PUSHED_EVERY):
                if state.next_poll_at > now:
                    store.record(Outcome(state=replace(state, next_poll_at=now)), (), now=now)
                self._due.discard(url)

    async def _ask(self, url: str, fetcher: Fetcher, now: datetime) -> None:
        one = self._known[url]
        wait = min(_RETRY * 2 ** min(one.tries, 10), _LONGEST_RETRY)
        # Noted before the hub is asked: it may verify before it answers.
        self._known[url] = replace(one, awaited=True, ask_at=now + wait, tries=one.tries + 1)
        form = (
            ("hub.mode", "subscribe"),
            ("hub.topic", one.topic),
            ("hub.callback", f"{self._callback}/{self.path(url)}"),
            ("hub.secret", self.secret(url)),
            ("hub.lease_seconds", f"{LEASE.total_seconds():.0f}"),
        )
        try:
            await fetcher.post(one.hub, form)
        except FetchError as error:
            _log.info("a hub can't be subscribed to", feed=log.redacted_url(url), error=str(error))

    # ── what hubs say ─────────────────────────────────────────────────────────────────────────────

    def verified(self, path: str, asked: Verification, now: datetime) -> str | None:
        """Answer a hub that asks whether we meant it: what to send back, or None where we did not.

        https://www.w3.org/TR/websub/#hub-verifies-intent
        """
        url = self._urls.get(path, "")
        one = self._known.get(url)
        if one is None or asked.topic != one.topic:
            return None
        if asked.mode == "denied":
            self._known[url] = replace(one, awaited=False, lease_until=EPOCH, ask_at=now + _LONGEST_RETRY)
            _log.info("a hub refuses the subscription", feed=log.redacted_url(url))
            return ""
        if asked.mode != "subscribe" or not one.awaited or not _CHALLENGE.fullmatch(asked.challenge):
            return None
        lease = _lease(asked.lease_seconds)
        self._known[url] = replace(one, awaited=False, lease_until=now + lease, ask_at=now + lease * _RENEW_AT, tries=0)
        _log.info("subscribed", feed=log.redacted_url(url), until=(now + lease).isoformat(timespec="minutes"))
        return asked.challenge

    def expects(self, path: str) -> bool:
        """Whether a message may come to this address."""
        return path in self._urls

    def pushed(self, path: str, body: bytes, signature: str) -> bool:
        """Take a message; say whether it was signed with the feed's secret. One that was not changes nothing.

        https://www.w3.org/TR/websub/#signature-validation
        """
        url = self._urls.get(path)
        match = _SIGNATURE.fullmatch(signature.strip())
        if url is None or match is None:
            return False
        # SHA-1 too: the hubs in widest use know no other, and what is known against it does not touch HMAC.
        right = hmac.new(self.secret(url).encode(), body, match[1]).hexdigest()
        if not hmac.compare_digest(right, match[2].lower()):
            return False
        self._due.add(url)
        return True

    def _made(self, what: str, url: str) -> str:
        return hmac.new(self._key, f"{what}\0{url}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _wanted(feed: Feed) -> bool:
    """A feed with a proxy of its own is not to learn who we are, and the callback would tell it."""
    return feed.enabled and not feed.proxy


def _lease(seconds: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,12}", seconds):
        return LEASE
    given = timedelta(seconds=min(int(seconds), LEASE_LIMITS[1].total_seconds()))
    return max(given, LEASE_LIMITS[0])
