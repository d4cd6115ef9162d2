"""The tables and keys of feeds.toml, and their defaults. pydantic walks them; `values` decides on each value.

Only this module and `loading` know pydantic. Its messages are never shown: they quote what was typed, and are written
for programmers. `said` turns them into ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from monitor.config import choices, positions, values
from monitor.config.searches import Provider
from monitor.config.settings import (
    DEFAULT_API_URL,
    DEFAULT_USER_AGENT,
    BotSettings,
    ChannelType,
    PublicSettings,
    WebSettings,
    WebsubSettings,
)
from monitor.model import Limits

Flag = Annotated[bool, PlainValidator(values.flag)]
Fraction = Annotated[float, PlainValidator(values.fraction)]
OptionalFraction = Annotated[float | None, PlainValidator(values.fraction)]
OptionalEvery = Annotated[timedelta | None, PlainValidator(values.every)]
Line = Annotated[str, PlainValidator(values.line)]
Lines = tuple[Line, ...]
Language = Annotated[str, PlainValidator(values.language)]
UserAgent = Annotated[str, PlainValidator(values.user_agent)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Table = TypeVar("Table", bound=_Table)


class MonitorTable(_Table):
    """[monitor]."""

    timezone: Annotated[ZoneInfo, PlainValidator(values.timezone)] = ZoneInfo("UTC")
    user_agent: UserAgent = DEFAULT_USER_AGENT
    state: Annotated[Path, PlainValidator(values.folder)] = Path("state")
    poll_every: Annotated[timedelta, PlainValidator(values.every)] = timedelta(minutes=15)
    first_poll_hours: Annotated[timedelta, PlainValidator(values.hours)] = timedelta(hours=24)
    keep_text_days: Annotated[timedelta, PlainValidator(values.days)] = timedelta(days=90)
    digest_review: Annotated[str, PlainValidator(choices.digest_review)] = ""


class NetworkTable(_Table):
    """[network]."""

    allow: tuple[Annotated[str, PlainValidator(values.allow)], ...] = ()
    proxy: Annotated[str, PlainValidator(values.proxy)] = ""
    contact: Annotated[str, PlainValidator(values.contact)] = ""
    requests_per_hour: Annotated[int, PlainValidator(values.requests)] = 0


class RelevanceTable(_Table):
    """[relevance]."""

    alert_at: Fraction = 0.80
    digest_at: Fraction = 0.50
    read_pages: Flag = True


class AlertsTable(_Table):
    """[alerts]."""

    burst: Annotated[int, PlainValidator(values.burst)] = Limits().burst
    feed_cap: Annotated[int, PlainValidator(values.cap)] = Limits().feed_cap
    channel_cap: Annotated[int, PlainValidator(values.cap)] = Limits().channel_cap
    story_cap: Annotated[int, PlainValidator(values.cap)] = Limits().story_cap


class SourcesTable(_Table):
    """[sources]."""

    first: tuple[Annotated[str, PlainValidator(values.host)], ...] = ()
    last: tuple[Annotated[str, PlainValidator(values.host)], ...] = ()
    mirrors: tuple[Annotated[str, PlainValidator(values.host)], ...] = ()


class BotTable(_Table):
    """[bot]."""

    enabled: Flag = False
    admins: tuple[Annotated[int, PlainValidator(values.person)], ...] = ()
    raters: tuple[Annotated[int, PlainValidator(values.person)], ...] = ()
    subscriptions: Flag = False
    max_subscribers: Annotated[int, PlainValidator(values.subscribers)] = BotSettings().max_subscribers
    near_misses: Annotated[int, PlainValidator(values.near_misses)] = BotSettings().near_misses
    near_band: Fraction = BotSettings().near_band
    webhook: Annotated[str, PlainValidator(values.callback)] = ""
    listen: Annotated[str, PlainValidator(values.listen)] = BotSettings().listen
    api_url: Annotated[str, PlainValidator(values.api_url)] = DEFAULT_API_URL


class PublicTable(_Table):
    """[public]."""

    enabled: Flag = False
    title: Line = PublicSettings().title
    url: Annotated[str, PlainValidator(values.url)] = ""
    channels: Lines = ()


class WebTable(_Table):
    """[web]."""

    hosts: tuple[Annotated[str, PlainValidator(values.site)], ...] = ()
    user_header: Annotated[str, PlainValidator(values.header)] = ""
    proxies: tuple[Annotated[str, PlainValidator(values.network)], ...] = WebSettings().proxies


class WebsubTable(_Table):
    """[websub]."""

    callback: Annotated[str, PlainValidator(values.callback)] = ""
    listen: Annotated[str, PlainValidator(values.listen)] = WebsubSettings().listen


class _Source(_Table):
    """What feeds and searches have in common."""

    every: OptionalEvery = None
    alert_at: OptionalFraction = None
    digest_at: OptionalFraction = None
    tags: Lines = ()
    user_agent: UserAgent = ""
    proxy: Annotated[str, PlainValidator(values.own_proxy)] = ""
    enabled: Flag = True
    note: Annotated[str, PlainValidator(values.note)] = ""


class FeedTable(_Source):
    """[[feeds]]."""

    url: Annotated[str, PlainValidator(values.url)]
    name: Line = ""
    language: Language = ""


class SearchTable(_Source):
    """[[searches]]."""

    provider: Annotated[Provider, PlainValidator(lambda found: Provider(values.one_of(found, *Provider)))]
    query: dict[Language, Annotated[str, PlainValidator(values.query)]]
    name: Line = ""


class ChannelTable(_Table):
    """[[channels]]."""

    name: Annotated[str, PlainValidator(values.channel)]
    type: Annotated[ChannelType, PlainValidator(lambda found: ChannelType(values.one_of(found, *ChannelType)))]
    chat: Annotated[str, PlainValidator(values.chat)] = ""
    topic: Annotated[int | None, PlainValidator(values.topic)] = None
    api_url: Annotated[str, PlainValidator(values.api_url)] = DEFAULT_API_URL
    url_env: Annotated[str, PlainValidator(values.variable)] = ""
    alerts: Flag = True
    digest: Annotated[str, PlainValidator(values.digest)] = ""
    languages: tuple[Language, ...] = ()
    states: tuple[Annotated[str, PlainValidator(values.state)], ...] = ()
    hosts: tuple[Annotated[str, PlainValidator(values.state)], ...] = ()
    codes: tuple[Annotated[str, PlainValidator(values.code)], ...] = ()
    stages: tuple[Annotated[str, PlainValidator(choices.stage)], ...] = ()
    tags: Lines = ()
    min_score: Fraction = 0.0
    must: tuple[Annotated[str, PlainValidator(choices.wish)], ...] = ()
    never: tuple[Annotated[str, PlainValidator(choices.wish)], ...] = ()
    quiet: Annotated[tuple[time, time] | None, PlainValidator(values.quiet)] = None
    urgent: tuple[Annotated[str, PlainValidator(choices.code_or_stage)], ...] = ()
    silent: Flag = False
    operators: Annotated[bool | None, PlainValidator(values.flag)] = None
    language: Annotated[str, PlainValidator(values.digest_language)] = ""
    review: Flag = False
    enabled: Flag = True


class File(_Table):
    """The whole of feeds.toml."""

    monitor: MonitorTable = MonitorTable()
    network: NetworkTable = NetworkTable()
    relevance: RelevanceTable = RelevanceTable()
    alerts: AlertsTable = AlertsTable()
    sources: SourcesTable = SourcesTable()
    public: PublicTable = PublicTable()
    bot: BotTable = BotTable()
    web: WebTable = WebTable()
    websub: WebsubTable = WebsubTable()
    feeds: tuple[FeedTable, ...] = ()
    searches: tuple[SearchTable, ...] = ()
    channels: tuple[ChannelTable, ...] = ()


# ── pydantic's errors in our words ────────────────────────────────────────────────────────────────

_TABLES: Mapping[str, type[_Table]] = {
    "monitor": MonitorTable,
    "network": NetworkTable,
    "relevance": RelevanceTable,
    "alerts": AlertsTable,
    "sources": SourcesTable,
    "public": PublicTable,
    "bot": BotTable,
    "web": WebTable,
    "websub": WebsubTable,
    "feeds": FeedTable,
    "searches": SearchTable,
    "channels": ChannelTable,
}
_MANY = ("feeds", "searches", "channels")
_NEEDED = {
    "url": 'expected url = "https://…", the address of the feed',
    "provider": 'expected provider = "google-news" or "bing-news"',
    "query": 'expected query = { en = "…" }, the words to search for in each language',
    "name": 'expected name = "…", by which the channel is remembered',
    "type": 'expected type = "telegram", "apprise" or "console"',
}
# Names that other programs use for the same thing, and secrets that must not stand in the file.
_OTHERWISE = {
    "interval": "every", "lang": "language", "title": "name", "chat_id": "chat", "channel": "chat", "thread": "topic",
    "threshold": "alert_at", "tz": "timezone", "state_dir": "state", "search": "searches", "feed": "feeds",
}  # fmt: skip
_TOKEN_KEYS = ("token", "bot_token", "telegram_token", "api_key")


def problems(error: ValidationError) -> list[tuple[positions.Path, str]]:
    """Return (path, text) of everything that pydantic found, in our words."""
    found = error.errors(include_url=False)
    return [said(tuple(part for part in item["loc"] if part != "[key]"), dict(item)) for item in found]


def said(path: positions.Path, error: Mapping[str, Any]) -> tuple[positions.Path, str]:
    """Say one error of pydantic. Knows the kinds that the tables above can bring about."""
    kind, found = error["type"], error["input"]
    if kind == "extra_forbidden":
        return path, f"unknown key{_instead(path)}"
    if kind == "missing":
        return path, f"is missing; {_NEEDED[str(path[-1])]}"
    if kind == "value_error":
        return path, str(error["ctx"]["error"])
    if kind == "tuple_type" and path[-1] in _MANY:
        return path, f"found {values.shown(found)}; expected tables, each under [[{path[-1]}]] in two brackets"
    if kind == "tuple_type":
        return path, f'found {values.shown(found)}; expected a list, such as ["…", "…"]'
    return path, f"found {values.shown(found)}; expected a table{_header(path)}"


def _header(path: positions.Path) -> str:
    if len(path) == 1 and path[0] in _TABLES:
        return f", under [{path[0]}]"
    return " of keys and values" if isinstance(path[-1], int) else ' such as { en = "…" }'


def _instead(path: positions.Path) -> str:
    key = str(path[-1])
    table = _TABLES[str(path[0])] if len(path) > 1 else File
    if key in _TOKEN_KEYS:
        return "; secrets don't belong in this file: set the variable LONGARM_TELEGRAM_TOKEN"
    if key == "url" and table is ChannelTable:
        return '; the address of an apprise channel is a secret: name its variable, url_env = "LONGARM_…"'
    other = _OTHERWISE.get(key)
    if other in table.model_fields:
        return f'; did you mean "{other}"?'
    near = difflib.get_close_matches(key, list(table.model_fields), n=1, cutoff=0.5)
    homes = [name for name, known in _TABLES.items() if key in known.model_fields]
    if homes and not near:
        return "; it belongs under " + " or ".join(f"[[{name}]]" if name in _MANY else f"[{name}]" for name in homes)
    return f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(table.model_fields)}"


def valid(table: type[Table], raw: object) -> Table | None:
    """Return `raw` as an instance of `table`, or None where it has problems: those are said elsewhere."""
    try:
        return table.model_validate(raw)
    except ValidationError:
        return None
