"""Builds the concrete parts and holds them: the only place that does.

    opened    everything, from the settings at the start; closed in the end
    take      what other settings need beside it, while passes are under way

It decides nothing about feeds, articles or messages, and knows no clock: `app` calls it and runs what it built.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO

import classifiers
from monitor import log, moving
from monitor.alerts import deliver, policy
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.console import ConsoleChannel
from monitor.alerts.pacing import REQUEST_LASTS
from monitor.config import ChannelSettings, Settings
from monitor.config.difference import moved_feeds
from monitor.errors import ModelError, StateError
from monitor.ingest import rhythm, schedule
from monitor.ingest.fetch import Fetcher
from monitor.ingest.fulltext import FullText
from monitor.ingest.guard import Guard
from monitor.ingest.parse import Parser
from monitor.model import SUBSCRIBER, ChannelRules, Feed, Person
from monitor.poll import Watch
from monitor.public.files import Publisher
from monitor.store import People, Store
from monitor.websub.subscribing import Subscriptions, key_of

if TYPE_CHECKING:
    from monitor.alerts.channels.telegram import TelegramLine

_log = log.get(__name__)

HOW_TO_ADD_A_BOT = (
    "no LONGARM_TELEGRAM_TOKEN is set, so channel “{name}” writes to this console instead. "
    "To send to Telegram: get a token from @BotFather, add the bot to the channel as an administrator, "
    "and start again with LONGARM_TELEGRAM_TOKEN=<token>."
)


def utc_now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class App:
    """Everything built and open. `warnings` are lines for the person who started it.

    Other settings replace `settings`, `watch` and `channels` in one step, never a part of them: a pass that began takes
    them once and goes on with those. `stack` closes in the end what is put on it.
    """

    settings: Settings
    store: Store
    watch: Watch
    channels: Mapping[str, Channel]
    pacer: deliver.Pacer
    stack: contextlib.AsyncExitStack
    stream: TextIO
    warnings: tuple[str, ...] = ()
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    line: TelegramLine | None = None
    """The connections that subscribers' channels share."""
    subscribers: tuple[Person, ...] = ()
    """Persons who are channels beside those of the settings."""
    sound: set[str] = field(default_factory=set)
    """Passes whose last run went well."""
    publisher: Publisher = field(default_factory=Publisher)
    rest_until: dict[str, float] = field(default_factory=dict)
    """When, by the loop's clock, a pass that failed is tried again."""


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    *,
    now: datetime | None = None,
    stream: TextIO | None = None,
    clock: Callable[[], datetime] | None = None,
    new_feeds_at_once: bool = False,
) -> AsyncIterator[App]:
    """Open store, model, parser, fetcher and channels; close them in the end.

    Feeds that are new become due one after another, or all now with `new_feeds_at_once`.

    Raises:
        StateError: the stored state can't be used.
        ModelError: there is no usable model.
    """
    moment = now or utc_now()
    classifier = load_classifier(settings)
    async with contextlib.AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.state_dir, url=_database(settings), now=moment))
        fetcher = await stack.enter_async_context(_fetcher(settings, clock))
        parser = await stack.enter_async_context(Parser())
        store.configure_chats({channel.name: channel.chat for channel in settings.channels})
        channels, warnings = build_channels(settings, store, stream=stream or sys.stdout)
        _take_over(store, settings, moment)
        store.sync_feeds(settings.feeds, _first_polls(settings.feeds, moment, at_once=new_feeds_at_once))
        moving.remember(settings.state_dir, settings.feeds)
        watch = Watch(
            store=store,
            fetcher=fetcher,
            parser=parser,
            classifier=classifier,
            feeds={},
            rules=_rules(settings),
            channels=(),
            timezone=settings.timezone,
            clock=clock,
            full_text=_full_text(settings, fetcher, parser),
            push=_push(settings) if clock else None,
        )
        deliver.recover(store, moment)
        tried = store.recent_sends(moment - timedelta(minutes=1) - REQUEST_LASTS)
        pacer = deliver.Pacer.primed(tried, channels, now=moment)
        app = App(
            settings=settings,
            store=store,
            watch=_configured(watch, settings, channels),
            channels=channels,
            pacer=pacer,
            stack=stack,
            stream=stream or sys.stdout,
            warnings=(*settings.warnings, *warnings),
        )
        stack.push_async_callback(_close_channels, app)
        subscribe(app, People(store).subscribers() if settings.bot.subscriptions else ())
        yield app


async def _close_channels(app: App) -> None:
    for channel in app.channels.values():
        await channel.aclose()


def _take_over(store: Store, settings: Settings, now: datetime) -> None:
    """Let feeds whose address was edited while nothing ran go on with their memory."""
    for before, after in moved_feeds(moving.watched_before(settings.state_dir), settings.feeds):
        try:
            moving.take_over(store, before, after, now)
        except StateError as error:  # no reason not to start: the feed begins anew then
            _log.warning("a feed that moved could not take its memory along", feed=after.name, error=str(error))


def _fetcher(settings: Settings, clock: Callable[[], datetime] | None) -> Fetcher:
    return Fetcher(
        Guard(settings.allow),
        user_agent=settings.user_agent,
        proxy=settings.proxy,
        contact=settings.contact,
        clock=clock or utc_now,
    )


def _full_text(settings: Settings, fetcher: Fetcher, parser: Parser) -> FullText | None:
    return FullText(fetcher, parser, user_agent=settings.user_agent) if settings.read_pages else None


def _push(settings: Settings) -> Subscriptions | None:
    callback = settings.websub.callback
    return Subscriptions(callback, key_of(settings.state_dir)) if callback else None


@contextlib.asynccontextmanager
async def heard_by_hubs(app: App) -> AsyncIterator[None]:
    """Listen for hubs inside the block, where they are wanted.

    Raises:
        ConfigError: the address can't be listened on.
    """
    if app.watch.push is None:
        yield
        return
    from monitor.websub.serving import listening  # noqa: PLC0415 - only where hubs are wanted

    app.watch.push.use(app.watch.feeds)
    async with listening(app.watch.push, app.settings.websub.listen, clock=app.watch.clock or utc_now):
        yield


def _rules(settings: Settings) -> policy.Rules:
    return policy.Rules(alert_at=settings.alert_at, digest_at=settings.digest_at)


def _configured(watch: Watch, settings: Settings, channels: Mapping[str, Channel]) -> Watch:
    """The watch with all that stands in the settings."""
    return replace(
        watch,
        feeds={feed.url: feed for feed in settings.feeds},
        rules=_rules(settings),
        channels=channel_rules(settings),
        timezone=settings.timezone,
        every=settings.poll_every,
        first_poll_window=settings.first_poll_window,
        limits=settings.limits,
        tiers=settings.tiers,
        editable=frozenset(name for name, channel in channels.items() if channel.can_edit),
    )


def reprice(app: App) -> None:
    """Set what a request must be worth, so that all feeds together stay under the settings' requests an hour.

    Feeds with an `every` of their own take theirs first. Takes half a second for 2,000 feeds.
    """
    app.watch = replace(app.watch, price=_price(app) if app.settings.requests_per_hour else None)


def _price(app: App) -> float:
    feeds = [feed for feed in app.settings.feeds if feed.enabled]
    fixed = sum(timedelta(hours=1) / feed.every for feed in feeds if feed.every)
    adaptive = {feed.url for feed in feeds if not feed.every}
    known = [rhythm.decoded(state.rhythm) for state in app.store.feed_states() if state.url in adaptive]
    return schedule.price_within(max(app.settings.requests_per_hour - fixed, 0.0), known)


def _first_polls(feeds: Iterable[Feed], now: datetime, *, at_once: bool = False) -> dict[str, datetime]:
    enabled = [feed.url for feed in feeds if feed.enabled]
    return {
        url: now if at_once else schedule.first_poll_at(index, len(enabled), now) for index, url in enumerate(enabled)
    }


def load_classifier(settings: Settings) -> classifiers.Classifier:
    """The model trained in this state directory, or else the shipped one.

    Raises:
        ModelError: the one that should be used is missing or damaged.
    """
    own = settings.state_dir / "model"
    try:
        return classifiers.load(own if (own / "manifest.json").exists() else None)
    except (OSError, ValueError) as error:
        raise ModelError(str(error)) from error


# ── subscribers ───────────────────────────────────────────────────────────────────────────────────


def subscribe(app: App, persons: tuple[Person, ...]) -> None:
    """Let `persons` be channels from now on, beside those of the settings, and nobody else.

    They hear what their filters choose by the same outbox, and share one connection. Without a token nobody can be
    written to, and nobody is a channel.
    """
    token = app.settings.telegram_token
    known = persons if token is not None and app.settings.bot.enabled else ()
    app.subscribers = known
    channels = {name: channel for name, channel in app.channels.items() if not name.startswith(SUBSCRIBER)}
    for person in known:
        app.store.configure_chats({person.channel: person.chat})
        before = app.channels.get(person.channel)
        channels[person.channel] = before or _subscriber_channel(app, person)
    app.channels = channels
    app.watch = _heard(app.watch, app.settings, channels, known)


def _subscriber_channel(app: App, person: Person) -> Channel:
    from monitor.alerts.channels.telegram import TelegramChannel, TelegramLine  # noqa: PLC0415 - 0.4 s to import

    token = app.settings.telegram_token
    assert token is not None
    if app.line is None:
        app.line = TelegramLine(token=token.reveal(), api_url=app.settings.bot.api_url)
        app.stack.push_async_callback(app.line.aclose)
    return TelegramChannel(name=person.channel, token=token.reveal(), chat=person.chat, line=app.line, is_private=True)


def _heard(watch: Watch, settings: Settings, channels: Mapping[str, Channel], persons: tuple[Person, ...]) -> Watch:
    """The watch with everybody who listens."""
    return replace(
        watch,
        channels=(*channel_rules(settings), *(person.rules for person in persons)),
        editable=frozenset(name for name, channel in channels.items() if channel.can_edit),
    )


def channel_rules(settings: Settings) -> tuple[ChannelRules, ...]:
    """What each channel wants to hear."""
    return tuple(channel.rules for channel in settings.channels)


# ── channels ──────────────────────────────────────────────────────────────────────────────────────


def build_channels(settings: Settings, store: Store, *, stream: TextIO) -> tuple[dict[str, Channel], list[str]]:
    """Build the configured channels; one that lacks its secret writes to the console, and says so."""
    states = store.channel_states()
    channels: dict[str, Channel] = {}
    warnings: list[str] = []
    for channel in settings.channels:
        chat = states[channel.name].chat if channel.name in states and states[channel.name].chat else channel.chat
        channels[channel.name], said = build_channel(channel, settings, chat, stream)
        warnings += said
    return channels, warnings


def build_channel(
    channel: ChannelSettings, settings: Settings, chat: str, stream: TextIO
) -> tuple[Channel, tuple[str, ...]]:
    """Build one channel, and what to tell the person who lacks its secret."""
    if channel.type == "telegram" and settings.telegram_token is not None:
        from monitor.alerts.channels.telegram import TelegramChannel  # noqa: PLC0415 - 0.4 s to import

        token = settings.telegram_token.reveal()
        log.hide(token)
        telegram = TelegramChannel(
            name=channel.name, token=token, chat=chat, topic=channel.topic, api_url=channel.api_url
        )
        return telegram, ()
    if channel.type == "apprise" and channel.apprise_url is not None:
        from monitor.alerts.channels.apprise import AppriseChannel  # noqa: PLC0415 - slow to import

        log.hide(channel.apprise_url.reveal())
        return AppriseChannel(name=channel.name, url=channel.apprise_url.reveal()), ()
    lacks = {
        "telegram": HOW_TO_ADD_A_BOT.format(name=channel.name),
        "apprise": f"channel “{channel.name}” writes to this console: "
        f"the variable {channel.url_env}, which holds its URL, is not set",
    }
    console = ConsoleChannel(name=channel.name, stream=stream)
    return console, (lacks[channel.type],) if channel.type in lacks else ()


def _database(settings: Settings) -> str | None:
    return settings.database_url.reveal() if settings.database_url else None


# ── other settings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of taking other settings: lines for people, and the channels that are to be closed."""

    warnings: tuple[str, ...] = ()
    left: tuple[Channel, ...] = ()


def take(app: App, settings: Settings, *, now: datetime, tell: Callable[[tuple[str, ...]], None]) -> Taken:
    """Put what `settings` need in the place of what there is; `tell` is called with the warnings, just before.

    What is the same stays: a channel keeps its connections, and what it learned of its chat. The state itself can't be
    another one while it is open.

    Raises:
        StateError: it could not be recorded; `app` is as it was.
    """
    before = app.settings
    settings = replace(
        settings,
        state_dir=before.state_dir,
        database_url=before.database_url,
        web_password=before.web_password,
        read_pages=before.read_pages,
    )
    app.store.configure_chats({channel.name: channel.chat for channel in settings.channels})
    channels, warnings = _channels_beside(app, settings)
    known = {feed.url for feed in before.feeds if feed.enabled}
    new = [feed for feed in settings.feeds if feed.url not in known]
    app.store.sync_feeds(settings.feeds, _first_polls(new, now))
    said = tuple(line for line in (*settings.warnings, *warnings) if line not in app.warnings)
    tell(said)
    persons = People(app.store).subscribers() if settings.bot.subscriptions else ()
    if _same_bot(before, settings):
        channels |= {name: channel for name, channel in app.channels.items() if name.startswith(SUBSCRIBER)}
    else:
        app.line = None
    fresh = {name for name, channel in channels.items() if app.channels.get(name) is not channel}
    for name in fresh:  # its chat or its token is another one: what was refused before may be taken now
        app.store.resume_channel(name)
    left = tuple(channel for name, channel in app.channels.items() if channels.get(name) is not channel)
    fetcher = _fetcher_beside(app, settings)
    watch = app.watch
    if fetcher is not watch.fetcher:
        watch = replace(watch, fetcher=fetcher, full_text=_full_text(settings, fetcher, watch.parser))
    app.settings, app.channels, app.watch = settings, channels, _configured(watch, settings, channels)
    reprice(app)
    subscribe(app, persons)
    app.pacer.told -= set(channels)
    app.pacer.proved -= fresh
    app.warnings = (*settings.warnings, *warnings)
    return Taken(warnings=said, left=left)


def _same_bot(before: Settings, after: Settings) -> bool:
    return before.telegram_token == after.telegram_token and before.bot.api_url == after.bot.api_url


def _channels_beside(app: App, settings: Settings) -> tuple[dict[str, Channel], list[str]]:
    known = {channel.name: channel for channel in app.settings.channels}
    same_token = settings.telegram_token == app.settings.telegram_token
    changed = [
        channel
        for channel in settings.channels
        if channel.name not in known
        or replace(known[channel.name], rules=channel.rules) != channel
        or (channel.type == "telegram" and not same_token)
    ]
    built, warnings = build_channels(replace(settings, channels=tuple(changed)), app.store, stream=app.stream)
    channels = {channel.name: built.get(channel.name) or app.channels[channel.name] for channel in settings.channels}
    lacking = {channel.name for channel in settings.channels if channel.name not in built}
    return channels, warnings + [line for line in app.warnings if any(f"“{name}”" in line for name in lacking)]


def _fetcher_beside(app: App, settings: Settings) -> Fetcher:
    """The fetcher; another one where the network is used in another way. The old one serves the polls under way."""
    before = app.settings
    if all(getattr(before, key) == getattr(settings, key) for key in ("allow", "user_agent", "proxy", "contact")):
        return app.watch.fetcher
    fetcher = _fetcher(settings, app.watch.clock)
    app.stack.push_async_callback(fetcher.aclose)
    return fetcher
