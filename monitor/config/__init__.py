"""feeds.toml and the environment become `Settings`: everything checked, every problem said at once.

    values        one value: a span of time, an address, a language    -> ValueError in our words
    schema        the tables and keys of the file                      pydantic, at this edge only
    checks        what keys mean together                              duplicates, thresholds, channel kinds
    positions     where each key stands in the file                    line numbers
    searches      a query per language -> feeds
    environment   secrets from variables and files
    loading       all of it, in order; `load` is the way in

It reads the file and the files that secrets are kept in, and nothing else: no network, no state, no clock.
"""

from monitor.config.environment import Secret
from monitor.config.loading import load
from monitor.config.settings import DEFAULT_API_URL, DEFAULT_USER_AGENT, ChannelSettings, ChannelType, Settings

__all__ = [
    "DEFAULT_API_URL",
    "DEFAULT_USER_AGENT",
    "ChannelSettings",
    "ChannelType",
    "Secret",
    "Settings",
    "load",
]
