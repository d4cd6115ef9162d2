"""What the commands on feeds share: asking sites as the daemon does, and showing what they said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from monitor.errors import LongarmError

_MAX_LINE = 1_000

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.ingest.fetch import Fetcher
    from monitor.ingest.parse import Parser


@asynccontextmanager
async def asking(loaded: Settings) -> AsyncIterator[tuple[Fetcher, Parser]]:
    """Open what asks feeds and pages, and what reads them."""
    from monitor.ingest.fetch import Fetcher  # noqa: PLC0415
    from monitor.ingest.guard import Guard  # noqa: PLC0415
    from monitor.ingest.parse import Parser  # noqa: PLC0415

    async with (
        Parser() as parser,
        Fetcher(
            Guard(loaded.allow), user_agent=loaded.user_agent, proxy=loaded.proxy, contact=loaded.contact
        ) as fetcher,
    ):
        yield fetcher, parser


def address(text: str) -> str:
    """What a person typed as the address of a site; https:// is added where no scheme stands.

    Raises:
        LongarmError: it is no address of a site.
    """
    from monitor.config import values  # noqa: PLC0415

    try:
        return values.url(text if "://" in text else f"https://{text}")
    except ValueError as error:
        raise LongarmError(str(error)) from None


def echo(line: str, *, err: bool = False) -> None:
    """Print a line that holds what a site or a file said: it must not repaint the terminal."""
    from monitor.log import escaped  # noqa: PLC0415

    shown = escaped(line)
    click.echo(shown if len(shown) <= _MAX_LINE else f"{shown[:_MAX_LINE]}…", err=err)
