"""The command that brings the public feeds up to date by hand."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import config_option, read_store, settings
from monitor.errors import ConfigError


@click.command()
@config_option
def public(config: Path) -> None:
    """Write the public feeds, Atom and JSON, of what public channels were told; say which files changed.

    `longarm run` does so by itself. The files stand in state/public: alerts.atom, alerts.json, digest.atom and
    digest.json. [public] in the configuration turns them on and says which channels are public.

    \b
    Example:
      longarm public --config feeds.toml
    """
    from monitor.public.files import Publisher  # noqa: PLC0415
    from monitor.sampling import Sampled  # noqa: PLC0415

    loaded = settings(config)
    if not loaded.public.enabled:
        raise ConfigError(f"{config}: public.enabled is false; set enabled = true under [public] to have the feeds")
    if not loaded.public.channels:
        raise ConfigError(
            f'{config}: no channel is public; name those that are under [public]: channels = ["…"], or give one a chat '
            'with a public name, chat = "@…"'
        )
    with read_store(loaded) as store:
        sampled = Sampled(store, loaded.state_dir, loaded.timezone)
        changed = Publisher().publish(store, loaded, missed=sampled)
    for path in changed:
        click.echo(f"{path}: written")
    if not changed:
        click.echo("the public feeds are up to date")
