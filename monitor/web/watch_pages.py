"""How the watch is doing: status, feeds, channels, incidents, and the few things that one click may ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.errands import ErrandKind
from monitor.errors import StateError
from monitor.health import standing
from monitor.log import redacted_url
from monitor.model import EPOCH, Decision, Feed, FeedState
from monitor.store.review import Glance
from monitor.web.charts import sparkline
from monitor.web.shield import visitor
from monitor.web.site import Site, feed_key, page, refusal

DAYS = 30
MUTES = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
_INCIDENTS = 200
_DEAD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One feed as the pages show it. `days` counts its articles of the last thirty days, oldest first."""

    key: str
    name: str
    url: str
    feed: Feed | None
    state: FeedState | None
    says: str
    is_well: bool
    days: tuple[int, ...]
    alerts: int
    muted_until: datetime | None
    is_asked: bool = False

    @property
    def line(self) -> str:
        """Points of its sparkline."""
        return sparkline(self.days)

    @property
    def articles(self) -> int:
        """How many came."""
        return sum(self.days)


# ── status ────────────────────────────────────────────────────────────────────────────────────────


def status_page(site: Site, request: Request) -> Response:
    """Say how it stands: feeds, incidents, what waits, what was missed."""
    rows = _rows(site)
    said = site.memory.said()
    polled = [row.state.polled_at for row in rows if row.state and row.state.polled_at]
    days = site.derived("decisions", lambda glances: _days(glances, site.clock()))
    return page(
        site,
        request,
        "status",
        rows=rows,
        well=sum(row.is_well for row in rows),
        enabled=sum(row.feed is not None and row.feed.enabled for row in rows),
        polled_at=max(polled, default=None),
        incidents=[one for one in site.review.incidents(_INCIDENTS) if one.closed_at is None],
        waiting=site.review.waiting(site.clock() - _DEAD_FOR),
        decided=site.derived("decided", lambda glances: Counter(one.decision.value for one in glances if one.recent)),
        alerts_line=sparkline(days[Decision.ALERT]),
        articles_line=sparkline([sum(counts) for counts in zip(*days.values(), strict=True)]),
        weeks=site.missed(),
        errands=len(site.errands.waiting()),
        labelled=len(said),
    )


def _days(glances: Sequence[Glance], now: datetime) -> dict[Decision, list[int]]:
    counts = {decision: [0] * DAYS for decision in Decision}
    for one in glances:
        ago = (now - one.at) // timedelta(days=1)
        if one.recent and 0 <= ago < DAYS:
            counts[one.decision][DAYS - 1 - ago] += 1
    return counts


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


def feeds_page(site: Site, request: Request) -> Response:
    """List the feeds, those in trouble first."""
    rows = sorted(_rows(site), key=lambda row: (row.is_well, row.name.casefold()))
    wanted = request.query_params.get("q", "").strip().casefold()[:100]
    rows = [row for row in rows if wanted in f"{row.name} {row.url}".casefold()]
    return page(site, request, "feeds", rows=rows, wanted=wanted)


def feed_page(site: Site, request: Request) -> Response:
    """Show one feed: its health, its articles of late."""
    row = next((row for row in _rows(site) if row.key == request.path_params["feed"]), None)
    if row is None:
        return refusal(site, request, 404, "There is no such feed.")
    url = row.state.url if row.state else row.feed.url if row.feed else ""
    ids = [one.id for one in site.memory.glances() if one.feed == url][:-51:-1]
    found = {one.article.id: one for one in site.store.judged(ids)}
    return page(site, request, "feed", row=row, found=[found[one] for one in ids if one in found])


def _rows(site: Site) -> list[FeedRow]:
    now = site.clock()
    states = {state.url: state for state in site.store.feed_states()}
    muted = site.review.muted(now)
    asked = {one.about for one in site.errands.waiting() if one.kind is ErrandKind.CHECK}
    days, alerts = site.derived("by feed", lambda glances: _by_feed(glances, now))
    for errand in site.errands.waiting():
        if errand.kind is ErrandKind.MUTE:
            muted[errand.about] = errand.until
        elif errand.kind is ErrandKind.WAKE:
            muted.pop(errand.about, None)
    return [
        _row(site, url, states.get(url), tuple(days.get(url, [0] * DAYS)), alerts[url], muted.get(url), url in asked)
        for url in (*site.feeds, *(url for url in states if url not in site.feeds))
    ]


def _by_feed(glances: Sequence[Glance], now: datetime) -> tuple[dict[str, list[int]], Counter[str]]:
    """Articles a day of each feed, oldest day first, and its alerts."""
    days: dict[str, list[int]] = {}
    alerts: Counter[str] = Counter()
    for one in glances:
        ago = (now - one.at) // timedelta(days=1)
        if one.recent and 0 <= ago < DAYS:
            days.setdefault(one.feed, [0] * DAYS)[DAYS - 1 - ago] += 1
            alerts[one.feed] += one.decision is Decision.ALERT
    return days, alerts


def _row(
    site: Site,
    url: str,
    state: FeedState | None,
    days: tuple[int, ...],
    alerts: int,
    muted_until: datetime | None,
    is_asked: bool,
) -> FeedRow:
    feed = site.feeds.get(url)
    says, is_well = _says(feed, state)
    return FeedRow(
        key=feed_key(url),
        name=site.feed_name(url, state.title if state else ""),
        url=redacted_url(url),
        feed=feed,
        state=state,
        says=says,
        is_well=is_well,
        days=days,
        alerts=alerts,
        muted_until=muted_until,
        is_asked=is_asked,
    )


def _says(feed: Feed | None, state: FeedState | None) -> tuple[str, bool]:
    """What is to be said of a feed, and whether it is well."""
    if feed is None:
        return "not in the configuration any more", True
    if not feed.enabled:
        return f"disabled: {feed.note}" if feed.note else "disabled", True
    if state is None or state.polled_at is None:
        return "not asked yet", True
    if state.failures:
        return f"{state.error} ({state.failures} times in a row)", False
    wrong = standing(state)
    return ("; ".join(one.words for one in wrong), False) if wrong else ("fine", True)


def act_on_feed(site: Site, request: Request) -> Response:
    """Ask a feed now, mute it for a while, or wake it."""
    what = visitor(request).field("do")
    url = next((url for url in _known(site) if feed_key(url) == request.path_params["feed"]), "")
    if not url:
        return refusal(site, request, 404, "There is no such feed.")
    try:
        if what == "check":
            site.ask(request, ErrandKind.CHECK, url)
        elif what == "wake":
            site.ask(request, ErrandKind.WAKE, url, until=EPOCH)
        elif what in MUTES:
            site.ask(request, ErrandKind.MUTE, url, until=site.clock() + MUTES[what])
        else:
            return refusal(site, request, 400, "A feed can be asked now, muted, or heard again.")
    except StateError as error:
        return refusal(site, request, 500, str(error))
    back = "/feeds" if visitor(request).field("from") == "list" else f"/feeds/{feed_key(url)}"
    return RedirectResponse(back, status_code=303)


def _known(site: Site) -> tuple[str, ...]:
    return (*site.feeds, *(state.url for state in site.store.feed_states()))


# ── channels and incidents ────────────────────────────────────────────────────────────────────────


def channels_page(site: Site, request: Request) -> Response:
    """List the channels with what waits for them."""
    waiting: dict[str, dict[str, int]] = {}
    for one in site.review.waiting(site.clock() - _DEAD_FOR):
        waiting.setdefault(one.channel, {})[one.state.value] = one.count
    return page(
        site,
        request,
        "channels",
        channels=site.settings.channels,
        states=site.store.channel_states(),
        since=site.store.waiting_since(),
        waiting=waiting,
        asked={(one.kind.value, one.about) for one in site.errands.waiting()},
    )


def act_on_channel(site: Site, request: Request) -> Response:
    """Send to a channel again that was paused, or send what was held back for it."""
    what, name = visitor(request).field("do"), request.path_params["channel"]
    kinds = {"resume": ErrandKind.RESUME, "release": ErrandKind.RELEASE}
    if what not in kinds or name not in {channel.name for channel in site.settings.channels}:
        return refusal(site, request, 404, "There is no such channel, or nothing like that to do with it.")
    try:
        site.ask(request, kinds[what], name)
    except StateError as error:
        return refusal(site, request, 500, str(error))
    return RedirectResponse("/channels", status_code=303)


def incidents_page(site: Site, request: Request) -> Response:
    """List what operators were told of."""
    return page(site, request, "incidents", incidents=site.review.incidents(_INCIDENTS))
