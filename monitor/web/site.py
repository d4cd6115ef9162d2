"""What every page has at hand, and how it is drawn. Reads the store; what is wanted is left as an errand."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.compose import is_odd_host, language_name, moment, shown_host, source_name
from monitor.config import Settings
from monitor.errands import Errand, ErrandKind, Errands
from monitor.model import Feed
from monitor.store import Review, Store
from monitor.store.review import Glance
from monitor.text import clean_line, safe_url
from monitor.web.memory import Kept, Memory
from monitor.web.queues import (
    Candidate,
    Drawer,
    Queue,
    Thresholds,
    WeekMissed,
    candidates,
    missed_in,
    still_open,
)
from monitor.web.shield import visitor

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.environment import TemplateModule

T = TypeVar("T")

HERE = Path(__file__).parent
NAVIGATION = (
    ("/review/alerts", "Review"),
    ("/digest", "Digest"),
    ("/stories", "Stories"),
    ("/search", "Search"),
    ("/feeds", "Feeds"),
    ("/channels", "Channels"),
    ("/incidents", "Incidents"),
    ("/model", "Model"),
    ("/", "Status"),
)

View = Callable[["Site", Request], Response]


@dataclass(slots=True)
class Site:
    """The pages of one state. `key` draws samples; `open_to_all`: nobody needs to log in."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    key: bytes
    open_to_all: bool
    review: Review = field(init=False)
    errands: Errands = field(init=False)
    memory: Memory = field(init=False)
    kept: Kept = field(init=False)
    feeds: dict[str, Feed] = field(init=False)
    _made_of: tuple[Glance, ...] = ()
    _made: dict[str, Any] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.review = Review(self.store)
        self.errands = Errands(self.settings.state_dir)
        self.memory = Memory(self.review, self.store.labels, self.errands.waiting, self.clock)
        self.kept = Kept(self.clock)
        self.feeds = {feed.url: feed for feed in self.settings.feeds}

    def thresholds(self) -> Thresholds:
        """What makes an alert, and how near a near miss is."""
        return Thresholds(alert_at=self.settings.alert_at, band=self.settings.bot.near_band, feeds=self.feeds)

    def drawer(self) -> Drawer:
        """What draws the weekly samples."""
        return Drawer(key=self.key, tz=self.settings.timezone, now=self.clock())

    def queue(self, kind: Queue, rater: str) -> tuple[str, ...]:
        """Ids of what `rater` is to see, in order."""
        found = self.derived("candidates", self._candidates)
        ids = still_open(kind, found[kind], self.memory.said(), rater=rater)
        gone = self.review.withdrawn_articles()  # what is kept of the month may be older than a withdrawal
        return tuple(one for one in ids if one not in gone) if gone else ids

    def _candidates(self, glances: tuple[Glance, ...]) -> dict[Queue, tuple[Candidate, ...]]:
        """What the queues hold, whatever was labelled."""
        samples = self.derived("samples", self.drawer().samples)
        make = functools.partial(
            candidates,
            thresholds=self.thresholds(),
            draw=lambda _: tuple(one for week in samples[1::-1] for one in week.drawn),
            now=self.clock(),
        )
        return {kind: make(kind, glances) for kind in Queue}

    def missed(self) -> tuple[WeekMissed, ...]:
        """What was missed in each of the last weeks, newest first."""
        said = self.memory.said()
        return tuple(missed_in(one, said) for one in self.derived("samples", self.drawer().samples))

    def derived(self, name: str, make: Callable[[tuple[Glance, ...]], T]) -> T:
        """What `make` makes of the month of glances; made once, until the month is another one."""
        glances = self.memory.glances()
        with self._turn:
            if self._made_of is not glances:
                self._made_of, self._made = glances, {}
            if name in self._made:
                known: T = self._made[name]
                return known
        # Outside of the turn: two may make the same, but nobody waits for what they did not ask for.
        made = make(glances)
        with self._turn:
            if self._made_of is glances:
                self._made[name] = made
        return made

    def ask(self, request: Request, kind: ErrandKind, about: str, **wanted: Any) -> None:
        """Leave an errand in the visitor's name.

        Raises:
            StateError: it could not be written.
        """
        by = visitor(request).session.name
        self.errands.ask(Errand(kind=kind, by=by, at=self.clock(), about=about, **wanted))

    def feed_name(self, url: str, title: str = "") -> str:
        """What people call a feed; no address that may hold a key."""
        configured = self.feeds[url].name if url in self.feeds else ""
        return source_name(configured, title, url=url)


def feed_key(url: str) -> str:
    """A feed in the address of a page: its own address may hold a key."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


# ── drawing ───────────────────────────────────────────────────────────────────────────────────────


def page(site: Site, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Draw `template` for whoever asks."""
    who = visitor(request)
    html = _environment().get_template(f"{template}.html.jinja").render(
        who=who,
        here=values.pop("here", request.url.path),
        navigation=NAVIGATION if who.is_in else (),
        open_to_all=site.open_to_all,
        now=site.clock(),
        when=functools.partial(_when, site),
        feed_name=site.feed_name,
        **values,
    )  # fmt: skip
    return HTMLResponse(html, status)


def fragment(template: str, **values: object) -> TemplateModule:
    """Draw a part of a page that is the same for everybody, and may be kept: a template shows it as it was drawn."""
    return _environment().get_template(f"{template}.html.jinja").make_module(dict(values))


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to import

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(HERE / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        line=clean_line,
        tag=tag,
        language=language_name,
        host=shown_host,
        safe_url=safe_url,
        odd_host=is_odd_host,
        feed_key=feed_key,
    )
    return environment


def tag(language: str) -> str:
    """A language tag fit for an attribute, or nothing."""
    bare = language.replace("_", "-")
    return bare if bare.replace("-", "").isalnum() and bare.isascii() else ""


def _when(site: Site, at: datetime | None) -> str:
    return moment(at, site.settings.timezone) if at else "never"


def refusal(site: Site, request: Request, status: int, why: str) -> Response:
    """Say that something can't be had; whatever was asked for is not repeated."""
    return page(site, request, "refusal", status, here="/", title=_TITLES.get(status, _FAILED), why=why)


_FAILED = "That did not work"
_TITLES = {
    400: "That can't be answered",
    401: "Log in first",
    403: "That is not allowed",
    404: "There is no such page",
    409: "It is too late for that",
    405: "That can't be done here",
    429: "Too many tries",
    500: "Something failed here",
}


def chosen(request: Request, name: str, allowed: Sequence[str]) -> str:
    """A query parameter that is one of `allowed`; "" otherwise."""
    found = request.query_params.get(name, "")
    return found if found in allowed else ""
