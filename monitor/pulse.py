"""How all feeds together answer. Pure: it remembers in memory what polls brought, and is told the rest at the start.

    network     more than half of the feeds that were asked lately, of those that answered before, fail: one
                incident, and until it is over a failure says nothing of a feed
    flood       so many feeds went blind within an hour: the further ones are told together
    no hits     nothing at all for digest or alerts where ten would be usual: the classifier, or the world

Which feed is in trouble is decided by `health`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.errors import FetchFailure
from monitor.habits import TIMES_USUAL, Trouble
from monitor.model import FeedState, Notice
from monitor.text import display_host

LATELY = timedelta(minutes=30)
FEEDS_LEAST = 5
"""Fewer than these don't make a flood of notices, and say too little of a network."""
DOWN_FROM, UP_BELOW = 1 / 2, 1 / 4
NO_NETWORK_AFTER, NO_NETWORK_FROM = timedelta(hours=24), 1 / 10
"""Where some answer for so long, the others are dead: half of a list may be, when a provider closes."""
ALOUD = 10
"""Feeds that are told one by one within an hour."""
ALOUD_WITHIN = timedelta(hours=1)
EXPECTED_MOST = 2.0
"""What one feed counts for at most: it takes five to say that the classifier is blind, and one speaks for itself."""
NETWORK, FLOOD, NO_HITS = "network", "feeds-blind", "no-hits"
"""Keys of the incidents."""
_KEPT = timedelta(hours=12)
_BY_PROXY = FetchFailure.PROXY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    at: datetime
    host: str
    kind: str
    failing_since: datetime | None


@dataclass(slots=True, kw_only=True)
class Pulse:
    """What is known of all feeds together. `down_since`: more than half fail; `up_since`: not any more."""

    down_since: datetime | None = None
    up_since: datetime | None = None
    primed: bool = False
    _answers: OrderedDict[str, _Answer] = field(default_factory=OrderedDict)
    _aloud: deque[datetime] = field(default_factory=deque)
    _muted: set[tuple[str, Trouble]] = field(default_factory=set)
    _expected: dict[str, float] = field(default_factory=dict)
    _articles: int = 0
    _finds_nothing: bool = False

    def prime(
        self,
        states: Iterable[FeedState],
        muted: Iterable[tuple[str, Trouble]],
        incidents: Sequence[tuple[str, datetime]],
    ) -> None:
        """Take up what was known before a restart: feeds, troubles told in a flood, incidents that are not over."""
        begun = dict(incidents)
        for state in sorted((one for one in states if one.polled_at), key=lambda one: str(one.polled_at)):
            self._keep(state)
        self._muted = set(muted)
        self.down_since = begun.get(NETWORK)
        self._finds_nothing = NO_HITS in begun
        self.primed = True

    # ── the network ───────────────────────────────────────────────────────────────────────────────

    def heard(self, state: FeedState, now: datetime) -> tuple[Notice, ...]:
        """Take in the state of a feed after its poll at `now`; say whether the network went down or came back."""
        self._keep(state)
        if not state.failures and self.down_since is None:
            return ()
        asked = self._asked_lately(now)
        failing = [one for one in asked if one.kind]
        if self.down_since is None:
            by_proxy = sum(one.kind == _BY_PROXY for one in failing)
            enough = len(asked) >= FEEDS_LEAST or by_proxy == len(asked) > 1
            if not enough or len(failing) <= DOWN_FROM * len(asked):
                return ()
            self.down_since = now
            return (Notice(key=NETWORK, text=_down(failing, len(asked))),)
        answering = len(asked) - len(failing)
        if len(failing) < UP_BELOW * max(len(asked), 1):
            text = f"Feeds answer again: {answering} of the {len(asked)} that were asked lately."
        elif now - self.down_since >= NO_NETWORK_AFTER and answering >= NO_NETWORK_FROM * len(asked):
            text = f"It is not the network: {answering} of the {len(asked)} feeds that were asked lately answer. "
            text += "Those that don't are told by themselves from now on."
        else:
            return ()
        self.down_since, self.up_since = None, now
        return (Notice(key=NETWORK, text=text, closes=True),)

    def is_victim(self, state: FeedState) -> bool:
        """Say whether a feed that fails now does so because everything does."""
        if self.down_since is None:
            return False
        return state.failing_since is None or state.failing_since >= self.down_since - LATELY * 2

    def _keep(self, state: FeedState) -> None:
        if state.polled_at is None or state.succeeded_at is None:
            return  # one that never answered is more likely misspelt: old lists are full of dead feeds
        self._answers[state.url] = _Answer(
            at=state.polled_at,
            host=display_host(state.url),
            kind=state.error_kind if state.failures else "",
            failing_since=state.failing_since if state.failures else None,
        )
        self._answers.move_to_end(state.url)

    def _asked_lately(self, now: datetime) -> list[_Answer]:
        """Feeds of the last half hour, or the last five; a feed that failed long before says nothing."""
        since = (self.down_since or now) - LATELY * 2
        found: list[_Answer] = []
        for answer in reversed(self._answers.values()):
            if now - answer.at > (LATELY if len(found) >= FEEDS_LEAST else _KEPT):
                break
            if answer.failing_since is None or answer.failing_since >= since:
                found.append(answer)
        return found

    # ── floods ────────────────────────────────────────────────────────────────────────────────────

    def may_tell(self, url: str, kind: Trouble, now: datetime) -> bool:
        """Say whether a feed's trouble is told by itself; if not it is one of those that are told together."""
        while self._aloud and not timedelta() <= now - self._aloud[0] < ALOUD_WITHIN:
            self._aloud.popleft()
        if len(self._aloud) >= ALOUD:
            self._muted.add((url, kind))
            return False
        self._aloud.append(now)
        return True

    def ended(self, url: str, kind: Trouble) -> tuple[Notice, ...]:
        """Take in that a trouble which was told together with others is over."""
        self._muted.discard((url, kind))
        if self._muted:
            return ()
        return (Notice(key=FLOOD, text="None of the feeds that went blind together is blind any more.", closes=True),)

    # ── hits ──────────────────────────────────────────────────────────────────────────────────────

    def found(self, url: str, expected: float, articles: int, hits: int) -> tuple[Notice, ...]:
        """Take in what a poll brought, and how many hits were to be expected of it."""
        if hits:
            was_dry, self._finds_nothing = self._finds_nothing, False
            self._expected.clear()
            self._articles = 0
            text = "There are articles that matter again."
            return (Notice(key=NO_HITS, text=text, closes=True),) if was_dry else ()
        self._expected[url] = self._expected.get(url, 0.0) + expected
        self._articles += articles
        usual = sum(min(one, EXPECTED_MOST) for one in self._expected.values())
        if usual < TIMES_USUAL or self._finds_nothing:
            return ()
        self._finds_nothing = True
        text = (
            f"None of the last {self._articles:,} articles of all feeds matters, where more than {TIMES_USUAL:.0f} "
            "would be usual. Does the classifier work? longarm doctor says so; longarm explain shows it at work."
        )
        return (Notice(key=NO_HITS, text=text),)


def flood_notice(name: str) -> Notice:
    """Tell operators that more feeds went blind than are told one by one; `name` is the first of those."""
    text = (
        f"More than {ALOUD} feeds went blind within an hour; from “{name}” on they are not told one by one. Is it this "
        "machine's network, its proxy, or one site that has many of them? All: longarm feeds list --sort errors"
    )
    return Notice(key=FLOOD, text=text)


_CAUSES = {
    FetchFailure.PROXY.value: "the proxy does not answer. Is it (Tor?) running where [network] or the feeds say?",
    FetchFailure.DNS.value: "no name is found. Does this machine have a network, and a name server that answers?",
    FetchFailure.TIMEOUT.value: "nothing is answered in time. Does this machine have a network?",
    FetchFailure.CONNECT.value: "no connection comes about. Is there a network, or a firewall between?",
    FetchFailure.TLS.value: "no certificate is in order. Is the clock right; does somebody sit in between?",
    FetchFailure.BLOCKED_ADDRESS.value: "names lead to private addresses. Does the name server tell the truth?",
    "not-a-feed": "web pages come instead of feeds. Does this network want a login first?",
}  # fmt: skip


def _down(failing: Sequence[_Answer], asked: int) -> str:
    kind, count = Counter(one.kind for one in failing).most_common(1)[0]
    hosts = {one.host for one in failing}
    begun = min(one.failing_since for one in failing if one.failing_since)
    if len(hosts) == 1 and kind != _BY_PROXY:
        what = f"all of them at {hosts.pop()}; that site has trouble, or refuses us"
    else:
        said = _CAUSES.get(kind, f"mostly “{kind}” ({count})")
        what = f"{said} Longarm's own network is more likely the cause than the feeds"
    return (
        f"{len(failing)} of the {asked} feeds that were asked lately fail since {begun:%d %b %H:%M} UTC: {what}. "
        "Nothing is forgotten; they are asked again at their usual times."
    )
