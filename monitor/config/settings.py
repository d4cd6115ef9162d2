"""What the rest of the program gets to see of the configuration: values only, checked, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.config.environment import Secret
from monitor.model import ChannelRules, Feed

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration. `feeds` holds the disabled ones too, and one feed for each language of a search.

    `state_dir` is relative to the folder of feeds.toml, unless absolute. `proxy` may hold a password and is therefore
    not shown. `warnings` are lines for the person who starts the program.
    """

    feeds: tuple[Feed, ...]
    channels: tuple[ChannelSettings, ...]
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    user_agent: str = DEFAULT_USER_AGENT
    state_dir: Path = Path("state")
    poll_every: timedelta = timedelta(minutes=15)
    first_poll_window: timedelta = timedelta(hours=24)
    keep_text: timedelta = timedelta(days=90)
    allow: tuple[str, ...] = ()
    proxy: str = field(default="", repr=False)
    alert_at: float = 0.80
    digest_at: float = 0.50
    telegram_token: Secret | None = None
    database_url: Secret | None = None
    web_password: Secret | None = None
    warnings: tuple[str, ...] = ()
