"""When is a feed blind, and what are operators told of it? Pure: it decides on what one poll showed and what is kept.

    fails       it does not answer, or not with a feed
    (others)    it answers, but differently than its habits let expect                                       habits
    moved       it says that it has another address

Each is one incident: told once with its cause and a likely mend, and again when it is over. A trouble is told when a
later look, an hour on, finds it still; one that returns within half a day of its end is only shown. When most feeds
fail at once that is one incident of all (`pulse`). Nothing here keeps a feed from being asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from monitor import habits as ways
from monitor.compose import source_name
from monitor.errors import FetchFailure, ParseError
from monitor.habits import Found, Habits, Look, Standing, Trouble
from monitor.ingest import rhythm as rhythms
from monitor.log import redacted_url
from monitor.model import EPOCH, Decision, Feed, FeedState, Notice, Outcome, ParsedFeed
from monitor.pulse import Pulse, flood_notice
from monitor.text import clean_line

FULL_FETCH_EVERY = timedelta(hours=24)
MOVES_NEEDED = 3
GONE_NEEDED = 3
CONFIRMED_AFTER = timedelta(hours=1)
RESTS = timedelta(hours=12)
"""A trouble that comes and goes is told twice a day at most."""
ACCEPTED_AFTER = timedelta(days=7)
LONGEST_REST = timedelta(hours=25)
"""More than that (or two intervals) between two good polls is time in which nobody could look."""

_AT_ONCE = {FetchFailure.BLOCKED_ADDRESS.value, FetchFailure.SCHEME.value, FetchFailure.TLS.value}
_SECOND_TIME = {
    "not-a-feed",
    FetchFailure.EMPTY.value,
    FetchFailure.UNAUTHORIZED.value,
    FetchFailure.FORBIDDEN.value,
    FetchFailure.LEGAL.value,
    FetchFailure.NOT_FOUND.value,
}
_TOLD_AFTER = timedelta(hours=24)
_NO_CONFIRMATION = {Trouble.VALIDATORS, Trouble.NO_HITS}
_HABITS = {Trouble.FORM, Trouble.LANGUAGE}


def wants_full_fetch(state: FeedState, now: datetime) -> bool:
    """Whether validators should be left out: a site that says "304" for ever is found out within a day.

    One that was found out is asked for everything until it is trusted again.
    """
    if state.full_fetch_at is None or now - state.full_fetch_at >= FULL_FETCH_EVERY:
        return True
    return bool(state.health) and now < ways.decoded(state.health).distrusted_until


def standing(state: FeedState) -> tuple[Standing, ...]:
    """What is wrong with a feed that answers, as far as operators were told; what fails is in the state itself."""
    if not state.health:
        return ()
    return tuple(one for one in ways.decoded(state.health).standing if one.told and one.kind is not Trouble.FAILS)


def carried_over(health: str) -> str:
    """`FeedState.health` of a feed that goes on under another address: its habits, without what is wrong with it."""
    return ways.encoded(replace(ways.decoded(health), standing=(), rested=()))


def primed(pulse: Pulse, states: list[FeedState], incidents: tuple[tuple[str, datetime], ...]) -> None:
    """Let `pulse` take up what was known before a restart."""
    known = ((state, ways.decoded(state.health)) for state in states if state.health)
    muted = [(state.url, one.kind) for state, kept in known for one in kept.standing if one.told and not one.aloud]
    pulse.prime(states, muted, incidents)


def examined(
    feed: Feed,
    before: FeedState,
    outcome: Outcome,
    *,
    parsed: ParsedFeed | None,
    unchanged: bool,
    pulse: Pulse,
    now: datetime,
) -> Outcome:
    """Return the outcome of a poll with what is kept of the feed's health, and what operators must hear of it.

    `parsed` None: it failed, or nothing had changed; `unchanged`: the site said so itself (304).
    """
    after = outcome.state
    known = ways.decoded(before.health)
    told = list(pulse.heard(after, now))
    if after.failures:
        found: Found = {Trouble.FAILS: _failing(after, now, pulse)}
        kept = known
    else:
        look = _look(feed, before, outcome, parsed=parsed, unchanged=unchanged, now=now)
        told += pulse.found(feed.url, ways.hit_share(known) * len(look.new), len(look.new), look.hits)
        kept, found = ways.looked(known, look)
        found = {**found, Trouble.FAILS: ""}
    incidents = _Incidents(feed, before, after, kept, pulse, now)
    for kind, words in found.items():
        incidents.weigh(kind, words)
    told += [*incidents.told, *_moved(incidents.name, feed, before, after)]
    state = replace(after, health=ways.encoded(incidents.kept))
    return replace(outcome, state=state, notices=(*outcome.notices, *told))


def _look(
    feed: Feed, before: FeedState, outcome: Outcome, *, parsed: ParsedFeed | None, unchanged: bool, now: datetime
) -> Look:
    after = outcome.state
    rows = [row for row in outcome.judged if not row.edited]
    rhythm = rhythms.decoded(after.rhythm)
    shows_other = not set(rhythm.shown) <= set(rhythms.decoded(before.rhythm).shown)
    newer = after.newest_at is None or after.newest_at > (before.newest_at or EPOCH)
    unseen = now - (before.succeeded_at or now)
    return Look(
        at=now,
        entries=parsed.entries if parsed else None,
        unchanged=unchanged,
        new=tuple(row.article for row in rows),
        hits=sum(row.verdict.decision is not Decision.DROP for row in rows),
        brought=bool(parsed and parsed.entries) and (bool(rows) or (shows_other and newer)),
        full=wants_full_fetch(before, now),
        unseen=unseen if unseen > max(LONGEST_REST, 2 * (feed.every or timedelta())) else timedelta(),
        newest_at=after.newest_at,
        full_at=before.full_fetch_at,
        rhythm=rhythm,
    )


# ── incidents ─────────────────────────────────────────────────────────────────────────────────────


class _Incidents:
    """The troubles of one feed on their way through one poll."""

    def __init__(
        self, feed: Feed, before: FeedState, after: FeedState, kept: Habits, pulse: Pulse, now: datetime
    ) -> None:
        self.kept = kept
        self.told: list[Notice] = []
        self.name = source_name(feed.name, after.title, url=feed.url)
        self._feed, self._before, self._after, self._pulse, self._now = feed, before, after, pulse, now

    def weigh(self, kind: Trouble, words: str | None) -> None:
        """Begin, go on with or end the trouble `kind`; None: this poll says nothing of it."""
        known = self.kept.of(kind)
        if words:
            self._goes_on(known or Standing(kind=kind, since=self._now), words)
        elif words == "" and (known or (kind is Trouble.FAILS and self._before.failures)):
            self._ends(kind, known)

    def _goes_on(self, known: Standing, words: str) -> None:
        known = replace(known, words="" if known.kind is Trouble.FAILS else words)
        if not known.told and self._is_sure(known):
            aloud = self._pulse.may_tell(self._feed.url, known.kind, self._now)
            known = replace(known, told=True, aloud=aloud, since=self._begun(known))
            self.told.append(self._notice(known.kind, self._says(known, words)) if aloud else flood_notice(self.name))
        if known.told and known.kind in _HABITS and self._now - known.since >= ACCEPTED_AFTER:
            self._ends(known.kind, known, taken=True)
        else:
            self._keep(known.kind, known)

    def _is_sure(self, known: Standing) -> bool:
        rested = dict(self.kept.rested).get(known.kind)
        if rested is not None and timedelta() <= self._now - rested < RESTS:
            return False
        is_new = self.kept.of(known.kind) is None
        if known.kind is Trouble.FAILS or known.kind in _NO_CONFIRMATION:
            return True
        return not is_new and self._now - known.since >= CONFIRMED_AFTER

    def _begun(self, known: Standing) -> datetime:
        """Silence and failures began before they were worth telling."""
        if known.kind is Trouble.FAILS:
            return self._after.failing_since or self._now
        return self.kept.new_at if known.kind in (Trouble.SILENT, Trouble.STALE) else known.since

    def _ends(self, kind: Trouble, known: Standing | None, *, taken: bool = False) -> None:
        if known is None or known.aloud:
            text = f"Feed “{self.name}” {_TAKEN if taken else _OVER[kind]}."
            self.told.append(self._notice(kind, text, closes=True))
        elif known.told:
            self.told += self._pulse.ended(self._feed.url, kind)
        if taken:
            self.kept = ways.accepted(self.kept, kind)
        if known and known.told:
            rested = tuple(one for one in self.kept.rested if one[0] is not kind)
            self.kept = replace(self.kept, rested=(*rested, (kind, self._now)))
        self._keep(kind, None)

    def _keep(self, kind: Trouble, known: Standing | None) -> None:
        others = tuple(one for one in self.kept.standing if one.kind is not kind)
        self.kept = replace(self.kept, standing=(*others, known) if known else others)

    def _says(self, known: Standing, words: str) -> str:
        begins = f"Feed “{self.name}” {_BEGINS[known.kind]}"
        if known.kind is Trouble.FAILS:
            mend = _FAILURES.get(self._after.error_kind, "")
            text = f"{begins} since {known.since:%d %b %H:%M} UTC: {words}.{' ' if mend else ''}{mend}"
            return f"{text} Its memory is kept; it is asked again at least once a day."
        return f"{begins}{words}. {_MENDS[known.kind]}"

    def _notice(self, kind: Trouble, text: str, *, closes: bool = False) -> Notice:
        return Notice(key=incident(kind, self._feed.url), text=text, closes=closes)


def incident(kind: Trouble, url: str) -> str:
    """The key of a feed's incident."""
    return f"{PREFIX}{kind}:{url}"


PREFIX = "feed-"

_BEGINS = {
    Trouble.FAILS: "fails",
    Trouble.SILENT: "has fallen silent: ",
    Trouble.STALE: "answers, but shows ",
    Trouble.EMPTY: "answers, but shows ",
    Trouble.FORM: "has changed its form: ",
    Trouble.VALIDATORS: "can't be believed when it says that nothing is new: it ",
    Trouble.LANGUAGE: "has changed its language: ",
    Trouble.NO_HITS: "speaks of other things, it seems: ",
}
_MENDS = {
    Trouble.SILENT: "Open its site: has the feed moved, or is an old copy shown to us? (Another user_agent or a proxy "
    "would tell.) If it was given up, take it out of feeds.toml.",
    Trouble.STALE: "Look on its site for the feed that took its place, or take it out of feeds.toml.",
    Trouble.EMPTY: "Open its address: has the site changed, or are the entries kept from us? What was known is kept.",
    Trouble.FORM: "Its articles are still told as far as that goes: without a date as of when they came, without a "
    "link with nothing to open. Look for another feed of the site.",
    Trouble.VALIDATORS: "Nothing needs doing: what was hidden is told now.",
    Trouble.LANGUAGE: "Is it still the same site, or was its name sold? If it is not, take it out of feeds.toml.",
    Trouble.NO_HITS: "Was it taken over, or does the site leave out what we look for? "
    "Try: longarm feeds preview --all with its address",
}
_OVER = {
    Trouble.FAILS: "answers again",
    Trouble.SILENT: "brings something new again",
    Trouble.STALE: "brings something new again",
    Trouble.EMPTY: "shows entries again",
    Trouble.FORM: "has its old form again",
    Trouble.VALIDATORS: "is believed again when it says that nothing is new",
    Trouble.LANGUAGE: "is in its old language again",
    Trouble.NO_HITS: "has articles that matter again",
}
_TAKEN = "stays as it is now; that is taken for usual from now on"


# ── a feed that fails ─────────────────────────────────────────────────────────────────────────────

_FAILURES = {
    FetchFailure.BLOCKED_ADDRESS.value: "If it is yours, name its host and port in [network] allow.",
    FetchFailure.SCHEME.value: "Only http and https are asked: mend its address in feeds.toml.",
    FetchFailure.REDIRECTS.value: "Open it in a browser, and put the address where it ends into feeds.toml.",
    FetchFailure.TIMEOUT.value: "If it opens in a browser, the site may slow us down: try a proxy or a longer every.",
    FetchFailure.DNS.value: "Is its name spelt right, and does the site still exist?",
    FetchFailure.CONNECT.value: "If it opens in a browser, its site may shut us out: a proxy may help.",
    FetchFailure.TLS.value: "Nothing is taken from a site that can't prove who it is; it must mend its certificate.",
    FetchFailure.EMPTY.value: "If it opens in a browser, another user_agent or a proxy may help.",
    FetchFailure.UNAUTHORIZED.value: "Look for an address of the feed that needs no login.",
    FetchFailure.PROXY.value: "Is the proxy running, the feed's own or that of [network]?",
    FetchFailure.TOO_LARGE.value: "Look for a shorter feed of the site.",
}


def _failing(state: FeedState, now: datetime, pulse: Pulse) -> str | None:
    """What fails, in words; None while it may mend itself, or while everything fails."""
    if pulse.is_victim(state):
        return None
    lasts = now - max(state.failing_since or now, pulse.up_since or EPOCH)
    if state.error_kind == FetchFailure.GONE.value:
        is_worth_it = state.gone_seen >= GONE_NEEDED and lasts >= _TOLD_AFTER
    elif state.error_kind in _SECOND_TIME:
        is_worth_it = state.failures >= 2
    else:
        is_worth_it = state.error_kind in _AT_ONCE or lasts >= _TOLD_AFTER
    return state.error if is_worth_it else None


def _moved(name: str, feed: Feed, before: FeedState, after: FeedState) -> Iterator[Notice]:
    if after.failures or after.moved_seen != MOVES_NEEDED or before.moved_seen >= MOVES_NEEDED:
        return
    where = redacted_url(after.moved_to)
    text = f"Feed “{name}” has moved to {where}. Please write the new address into the configuration."
    yield Notice(key=f"{PREFIX}moved:{feed.url}:{after.moved_to}", text=text)


# ── a web page instead of a feed ──────────────────────────────────────────────────────────────────

_TITLE_CHARS = 80
_PAGES = (
    (
        ("just a moment", "attention required", "checking your browser", "ddos", "captcha", "are you human", "robot",
         "security check", "verify", "access denied", "un momento", "un instant", "einen moment", "один момент",
         "请稍候", "請稍候", "しばらくお待ち"),
        "the site tests its visitors: another user_agent, a longer every or a proxy may help",
    ),
    (
        ("for sale", "domain", "parked", "expired", "zu verkaufen", "en vente", "à vendre", "se vende"),
        "its name seems to be for sale: look where the site went",
    ),
    (
        ("log in", "login", "sign in", "anmelden", "connexion", "iniciar sesión", "consent", "cookie", "privacy"),
        "it wants a login or a consent: look for another address of the feed",
    ),
    (("maintenance", "wartung", "mantenimiento", "back soon"), "it is being worked on: that may pass"),
)  # fmt: skip


def page_instead(error: ParseError, url: str) -> ParseError:
    """Say of a body that was no feed where it was found, what its page is called, and what that may mean."""
    if not error.page_title:
        return error
    title = clean_line(error.page_title, _TITLE_CHARS)
    folded = title.casefold()
    means = next((mend for marks, mend in _PAGES if any(mark in folded for mark in marks)), "")
    _, _, tried = str(error).partition("; try ")
    text = f"answers with a web page titled “{title}” at {redacted_url(url)}"
    text += "".join(f"; {said}" for said in (means, tried and f"try {tried}") if said)
    return ParseError(text, killed=error.killed, page_title=error.page_title)
