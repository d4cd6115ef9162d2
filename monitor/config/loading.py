"""From a file and an environment to `Settings`, or to every problem there is, each on a line of its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from monitor import log
from monitor.alerts.sources import Tiers
from monitor.config import checks, positions, schema, values
from monitor.config.environment import Environment, Secret
from monitor.config.searches import search_url
from monitor.config.settings import (
    BotSettings,
    ChannelSettings,
    ChannelType,
    PublicSettings,
    Settings,
    WebSettings,
    WebsubSettings,
)
from monitor.errors import ConfigError
from monitor.model import ChannelRules, Feed, Limits

PROXY_EXAMPLE = "socks5h://user:password@host:9050"
DATABASE_EXAMPLE = "postgresql+psycopg://user:password@host/database"

_SYNTAX = {
    "Cannot overwrite a value": "this key or table stands here for the second time",
    "Invalid value": "a value that is none; texts need quotes",
    "Unclosed array": "a list that is not closed with ]",
    "Unclosed inline table": "a table that is not closed with }",
    "Unterminated string": "a text without its closing quotes",
}
_KEY_PARAMETER = re.compile(r"key|token|auth|secret|pass|sig|access", re.IGNORECASE)


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read `path` and `environ`.

    Raises:
        ConfigError: with every problem: those of the file in its order, then those of the environment.
    """
    environment = Environment(variables=environ)
    document = _Document(name=log.escaped(str(path)), text=_text(path))
    raw = document.parsed()
    file, found = _checked(raw)
    secrets = _Secrets.read(environment, raw)
    lines = (*document.lines(found), *(log.redacted(problem) for problem in environment.problems))
    if file is None or lines:
        raise ConfigError(*lines)
    return _settings(path, file, secrets, tuple(environment.warnings))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _text(path: Path) -> str:
    name = log.escaped(str(path))
    try:
        content = path.read_bytes()
        # A mark at the beginning is what some editors on Windows write; lines may end in their way too.
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise ConfigError(f"{name}: there is no such file; --config names another one") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a folder; --config names the file in it") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: not UTF-8; save the file in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError(f"{name}: can't be read ({reason}); see to it that this user may read it") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    name: str
    text: str

    def parsed(self) -> dict[str, Any]:
        """Return the file as TOML has it; a mistake in TOML itself is the one problem that hides all others."""
        try:
            return tomllib.loads(self.text)
        except RecursionError:
            raise ConfigError(f"{self.name}: lists or tables are nested too deeply; write them flatter") from None
        except ValueError as error:
            raise ConfigError(self._syntax(str(error))) from None

    def _syntax(self, message: str) -> str:
        where = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        what = message[: where.start()] if where else message
        line = where[1] if where and where[1] else str(self.text.rstrip().count("\n") + 1)
        column = f" (column {where[2]})" if where and where[2] else ""
        said = next((ours for theirs, ours in _SYNTAX.items() if what.startswith(theirs)), what[:1].lower() + what[1:])
        return log.escaped(log.redacted(f"{self.name}:{line}: not valid TOML: {said}{column}"))

    def lines(self, found: list[checks.Found]) -> list[str]:
        """Write out what was found, in the order of the file."""
        if not found:
            return []
        places = positions.positions(self.text)
        placed = sorted(((positions.line_of(path, places), path, text) for path, text in found), key=lambda row: row[0])
        return [
            log.redacted(f"{self.name}:{line}: {checks.spoken(path)}: {text}" if path else f"{self.name}: {text}")
            for line, path, text in placed
        ]


def _checked(raw: dict[str, Any]) -> tuple[schema.File | None, list[checks.Found]]:
    found = list(checks.problems(raw))
    try:
        return schema.File.model_validate(raw), found
    except ValidationError as error:
        return None, found + schema.problems(error)


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secrets:
    telegram_token: Secret | None
    webhook_secret: Secret | None
    database_url: Secret | None
    web_password: Secret | None
    proxy: Secret | None
    apprise: Mapping[str, Secret | None]

    @classmethod
    def read(cls, environment: Environment, raw: Mapping[str, Any]) -> _Secrets:
        names = (item.get("url_env") for _, item in checks.tables(raw, "channels") if item.get("enabled") is not False)
        named = dict.fromkeys(name for name in names if isinstance(name, str) and name)
        return cls(
            telegram_token=environment.telegram_token(),
            webhook_secret=environment.webhook_secret(),
            database_url=environment.address("LONGARM_DATABASE_URL", DATABASE_EXAMPLE),
            web_password=environment.web_password(),
            proxy=environment.address("LONGARM_PROXY", PROXY_EXAMPLE, "socks5h|https?"),
            apprise={name: environment.address(name, "mailto://… or matrix://…") for name in named},
        )


# ── building ──────────────────────────────────────────────────────────────────────────────────────


def _settings(path: Path, file: schema.File, secrets: _Secrets, warnings: tuple[str, ...]) -> Settings:
    feeds = tuple(_feeds(file))
    _hide_keys(feeds)
    channels = tuple(_channel(table, secrets) for table in file.channels if table.enabled)
    channels = channels or (_console(),)
    proxy = secrets.proxy.reveal() if secrets.proxy else file.network.proxy
    public = _public(file.public, channels)
    return Settings(
        feeds=feeds,
        channels=channels,
        timezone=file.monitor.timezone,
        user_agent=file.monitor.user_agent,
        state_dir=path.parent / file.monitor.state,
        poll_every=file.monitor.poll_every,
        first_poll_window=file.monitor.first_poll_hours,
        keep_text=file.monitor.keep_text_days,
        digest_review=file.monitor.digest_review,
        allow=file.network.allow,
        proxy=proxy,
        contact=file.network.contact,
        requests_per_hour=file.network.requests_per_hour,
        alert_at=file.relevance.alert_at,
        digest_at=file.relevance.digest_at,
        read_pages=file.relevance.read_pages,
        telegram_token=secrets.telegram_token,
        webhook_secret=secrets.webhook_secret,
        database_url=secrets.database_url,
        web_password=secrets.web_password,
        limits=Limits(**file.alerts.model_dump()),
        tiers=Tiers(**file.sources.model_dump()),
        public=public,
        bot=BotSettings(**file.bot.model_dump()),
        web=WebSettings(**file.web.model_dump()),
        websub=WebsubSettings(**file.websub.model_dump()),
        warnings=(
            *warnings,
            *_doubts(channels),
            *_public_doubts(public),
            *_bot_doubts(file.bot, channels, has_token=secrets.telegram_token is not None),
            *_unreachable(feeds, bool(proxy)),
            *_websub_doubts(file.websub, bool(proxy)),
        ),
    )


def _feeds(file: schema.File) -> Iterator[Feed]:
    for table in file.feeds:
        yield _feed(table, table.url, table.name, table.language)
    for search in file.searches:
        for language, query in search.query.items():
            name = f"{search.name or search.provider.shown_name} ({language})"
            yield _feed(search, search_url(search.provider, query, language), name, language)


def _feed(table: schema.FeedTable | schema.SearchTable, url: str, name: str, language: str) -> Feed:
    return Feed(
        url=url,
        name=name,
        language=language,
        every=table.every,
        alert_at=table.alert_at,
        digest_at=table.digest_at,
        tags=table.tags,
        user_agent=table.user_agent,
        proxy=table.proxy,
        enabled=table.enabled,
        note=table.note,
    )


def _hide_keys(feeds: tuple[Feed, ...]) -> None:
    """Keep the reader's keys that some addresses carry out of the log."""
    for feed in feeds:
        for key in keys_in(feed.url):
            log.hide(key)


def keys_in(url: str) -> list[str]:
    """The values in an address that look like a reader's own keys (…/rss?key=…)."""
    query = url.partition("?")[2].partition("#")[0]
    named = parse_qsl(query, separator="&")
    return [value for name, value in named if _KEY_PARAMETER.search(name) and len(value) >= 8]


def _channel(table: schema.ChannelTable, secrets: _Secrets) -> ChannelSettings:
    # Trouble is told to the person at the console unless they say otherwise, and to a chat's readers only if asked to.
    operators = table.type is ChannelType.CONSOLE if table.operators is None else table.operators
    rules = ChannelRules(
        name=table.name,
        alerts=table.alerts,
        digest=table.digest,
        languages=table.languages,
        states=table.states,
        hosts=table.hosts,
        codes=table.codes,
        stages=table.stages,
        tags=table.tags,
        least=table.min_score,
        must=table.must,
        never=table.never,
        quiet=table.quiet,
        urgent=table.urgent,
        silent=table.silent,
        operators=operators,
        language=table.language,
    )
    return ChannelSettings(
        name=table.name,
        type=table.type,
        chat=table.chat,
        topic=table.topic,
        api_url=table.api_url,
        url_env=table.url_env,
        apprise_url=secrets.apprise.get(table.url_env),
        rules=rules,
        review=table.review,
    )


def _console() -> ChannelSettings:
    """The channel of a file that names none: everything, here."""
    return ChannelSettings(name="console", rules=ChannelRules(name="console", digest="mon 08:00", operators=True))


def _doubts(channels: tuple[ChannelSettings, ...]) -> Iterator[str]:
    if not any(channel.rules.operators for channel in channels):
        yield (
            "no channel has operators = true: a feed that fails is told to nobody but the log; "
            "set it for a channel that the people who run this read"
        )
    for channel in channels:
        rules = channel.rules
        if not (rules.alerts or rules.digest or rules.operators):
            yield f"channel “{channel.name}” has no alerts, no digest and no operators: it will never hear anything"


def _public(table: schema.PublicTable, channels: tuple[ChannelSettings, ...]) -> PublicSettings:
    """Without names those channels are public that anybody can read, and that tell nothing meant for operators."""
    found = (one for one in channels if one.type is ChannelType.TELEGRAM and one.chat.startswith("@"))
    names = table.channels or tuple(one.name for one in found if not (one.rules.operators or one.review))
    return PublicSettings(
        enabled=table.enabled, title=table.title, url=table.url, channels=names if table.enabled else ()
    )


def _public_doubts(public: PublicSettings) -> Iterator[str]:
    if public.enabled and not public.channels:
        yield "[public] is enabled and no channel is public, so its feeds stay empty; name the public ones in channels"


def _bot_doubts(bot: schema.BotTable, channels: tuple[ChannelSettings, ...], *, has_token: bool) -> Iterator[str]:
    if bot.enabled and not has_token:
        yield "[bot] is enabled, and no LONGARM_TELEGRAM_TOKEN is set: the bot answers nobody"
    reviewing = [channel.name for channel in channels if channel.review]
    if reviewing and not bot.enabled:
        yield f"channel “{reviewing[0]}” has review = true, which needs enabled = true under [bot]"
    elif reviewing and not bot.raters:
        yield f"channel “{reviewing[0]}” has review = true, and nobody is named in bot.raters: no press would count"
    if (bot.subscriptions or bot.admins or bot.webhook) and not bot.enabled:
        yield "[bot] has admins, subscriptions or a webhook and is not enabled; set enabled = true"


def _unreachable(feeds: tuple[Feed, ...], has_proxy: bool) -> Iterator[str]:
    for feed in feeds:
        host = values.host_of(feed.url)[0]
        if host.endswith(".onion") and feed.enabled and not (has_proxy or feed.proxy):
            yield (
                f"feed “{feed.name or host}” has an .onion address, which only Tor reaches; "
                'set network.proxy = "socks5h://127.0.0.1:9050", or its enabled = false'
            )


def _websub_doubts(websub: schema.WebsubTable, has_proxy: bool) -> Iterator[str]:
    if websub.callback and has_proxy:
        yield (
            "[websub] has a callback, and feeds are fetched by a proxy: hubs learn the callback's address; "
            "take the callback out if they must not know who reads"
        )
