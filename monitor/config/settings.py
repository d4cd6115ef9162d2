"""What the rest of the program gets to see of the configuration: values only, checked, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.alerts.sources import Tiers
from monitor.config.environment import Secret
from monitor.model import ChannelRules, Feed, Limits

DEFAULT_API_URL = "https://api.telegram.org"
DEFAULT_USER_AGENT = "Mozilla/5.0 (compatible; feed reader)"
"""No product, no version: a site should not be able to serve this reader something else by its name."""


class ChannelType(StrEnum):
    """How a channel is reached."""

    TELEGRAM = "telegram"
    APPRISE = "apprise"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One enabled channel. `chat` is "@name" or a number as text; `apprise_url` is None while `url_env` is unset."""

    name: str
    type: ChannelType = ChannelType.CONSOLE
    chat: str = ""
    topic: int | None = None
    api_url: str = DEFAULT_API_URL
    url_env: str = ""
    apprise_url: Secret | None = None
    rules: ChannelRules
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """What the bot may be asked, and by whom. `admins` and `raters` are Telegram's numbers of persons.

    `near_misses` a day are shown to reviewers, of scores at most `near_band` under the threshold. `webhook` is the
    public address that Telegram sends updates to (empty: it is asked for them), `listen` the host:port to which a
    reverse proxy hands on what comes there.
    """

    enabled: bool = False
    admins: tuple[int, ...] = ()
    raters: tuple[int, ...] = ()
    subscriptions: bool = False
    max_subscribers: int = 200
    near_misses: int = 10
    near_band: float = 0.15
    webhook: str = ""
    listen: str = "127.0.0.1:8082"
    api_url: str = DEFAULT_API_URL


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSettings:
    """The public feeds. `url` is the address of the folder they are served from, or empty; `channels` are public."""

    enabled: bool = False
    title: str = "Longarm"
    url: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Who may ask for the review pages. `hosts` are the names they go by beside this machine's own.

    `user_header` is where a reverse proxy at one of `proxies` (networks) names who has logged in with it; empty: none.
    """

    hosts: tuple[str, ...] = ()
    user_header: str = ""
    proxies: tuple[str, ...] = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsubSettings:
    """How hubs reach us. `callback` is the public address, without a slash at its end (empty: no hub is asked).

    `listen` is the host:port to which a reverse proxy hands on what comes there.
    """

    callback: str = ""
    listen: str = "127.0.0.1:8081"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration. `feeds` holds the disabled ones too, and one feed for each language of a search.

    `state_dir` is relative to the folder of feeds.toml, unless absolute. `proxy` may hold a password and is therefore
    not shown; `contact` is a mail address that sites are told. `digest_review` is the weekly moment until which digests
    wait for people, "tue 12:00" ("": they don't). `warnings` are lines for the person who starts this.
    """

    feeds: tuple[Feed, ...]
    channels: tuple[ChannelSettings, ...]
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    user_agent: str = DEFAULT_USER_AGENT
    state_dir: Path = Path("state")
    poll_every: timedelta = timedelta(minutes=15)
    first_poll_window: timedelta = timedelta(hours=24)
    keep_text: timedelta = timedelta(days=90)
    digest_review: str = ""
    allow: tuple[str, ...] = ()
    proxy: str = field(default="", repr=False)
    contact: str = ""
    requests_per_hour: int = 0
    alert_at: float = 0.80
    digest_at: float = 0.50
    read_pages: bool = True
    telegram_token: Secret | None = None
    webhook_secret: Secret | None = None
    database_url: Secret | None = None
    web_password: Secret | None = None
    limits: Limits = field(default_factory=Limits)
    tiers: Tiers = field(default_factory=Tiers)
    public: PublicSettings = field(default_factory=PublicSettings)
    bot: BotSettings = field(default_factory=BotSettings)
    web: WebSettings = field(default_factory=WebSettings)
    websub: WebsubSettings = field(default_factory=WebsubSettings)
    warnings: tuple[str, ...] = ()
