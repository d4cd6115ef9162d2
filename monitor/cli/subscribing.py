"""Commands that change which feeds are watched: add, import; and export, their other direction."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.asking import address, asking, echo
from monitor.cli.common import ago, config_option, now, settings
from monitor.errors import FetchError, LongarmError, ParseError

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.config.writing import Added
    from monitor.ingest.discover import Probe
    from monitor.ingest.guard import Guard
    from monitor.ingest.opml import FeedList, Listed
    from monitor.model import Feed


_MAX_TITLE = 60
"""So much of a feed's own title becomes its name."""


# ── add ───────────────────────────────────────────────────────────────────────────────────────────


@click.command("add")
@click.argument("url")
@config_option
@click.option("--yes", is_flag=True, help="Take the likeliest feed without asking.")
@click.option("--pick", type=click.IntRange(1), metavar="N", help="Take the Nth of the feeds found, without asking.")
@click.option("--name", default="", help="What to call it; the feed's own title otherwise.")
@click.option("--tag", "tags", multiple=True, help="A tag for it; may be given several times.")
def add(url: str, config: Path, yes: bool, pick: int | None, name: str, tags: tuple[str, ...]) -> None:
    """Find the feeds at or behind an address, show them, and write the chosen one into feeds.toml.

    Comments, order and blank lines of the file stay as they are. Where nobody can be asked (no terminal), --yes or
    --pick is needed.

    \b
    Example:
      longarm feeds add example.org --tag ngo
    """
    loaded = settings(config)
    moment = now()
    found = asyncio.run(_discovered(loaded, address(url), moment))
    for number, one in enumerate(found, 1):
        echo(f"{number}  {_about(one, moment)}")
        for entry in (one.parsed.entries if one.parsed else ())[:2]:
            echo(f"   · {entry.title}")
    chosen = _picked(found, yes=yes, pick=pick)
    if chosen is not None:
        _tell_added(_write(config, [_as_feed(chosen, name, tags)]), config)


async def _discovered(loaded: Settings, url: str, moment: datetime) -> tuple[Probe, ...]:
    from monitor.ingest.discover import discovered  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415

    async with asking(loaded) as (fetcher, parser):
        found = await discovered(fetcher, parser, url, now=moment)
    if found[0].parsed is None:
        named = f" (it is called “{found[0].page.title}”)" if found[0].page.title else ""
        raise LongarmError(f"{redacted_url(url)}: no feed found: {found[0].problem}{named}")
    return found


def _about(one: Probe, moment: datetime) -> str:
    assert one.parsed is not None
    newest = f"newest {ago(one.newest_at, moment)} old" if one.newest_at else "no dates"
    doubts = f" ({'; '.join(one.doubts)})" if one.doubts else ""
    return f"{one.parsed.title or 'without a title'}: {one.url}, {len(one.parsed.entries)} entries, {newest}{doubts}"


def _picked(found: Sequence[Probe], *, yes: bool, pick: int | None) -> Probe | None:
    """The feed that is wanted; None where a person wants none of them."""
    if pick is not None:
        if pick > len(found):
            raise LongarmError(f"--pick {pick}: only {len(found)} feeds were found")
        return found[pick - 1]
    if yes:
        return found[0]
    if not sys.stdin.isatty():
        raise LongarmError("nobody can be asked here; say --yes, or --pick N for one of the above")
    number = click.prompt("Which one? (0: none)", type=click.IntRange(0, len(found)), default=1)
    return found[number - 1] if number else None


def _as_feed(one: Probe, name: str, tags: tuple[str, ...]) -> Feed:
    from monitor.model import Feed  # noqa: PLC0415
    from monitor.text import clean_line  # noqa: PLC0415

    assert one.parsed is not None
    return Feed(
        url=one.moved_to or one.url,
        name=name or clean_line(one.parsed.title, _MAX_TITLE),
        language=_language(one.parsed.language),
        tags=tags,
    )


def _language(found: str) -> str:
    """A feed's own word on its language, if it is a tag that the configuration takes."""
    from monitor.config import values  # noqa: PLC0415

    try:
        return values.language(found)
    except ValueError:
        return ""


def _write(config: Path, feeds: Sequence[Feed]) -> Added:
    from monitor.config.writing import add_feeds  # noqa: PLC0415

    return add_feeds(config, os.environ, feeds)


def _tell_added(added: Added, config: Path) -> None:
    from monitor.log import redacted_url  # noqa: PLC0415

    for feed in added.new:
        echo(f"added to {config}: {feed.name or 'a feed'} ({redacted_url(feed.url)})")
    for feed, name in added.known:
        echo(f"not added: {redacted_url(feed.url)} stands in {config} already, as “{redacted_url(name)}”")


# ── import ────────────────────────────────────────────────────────────────────────────────────────


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@config_option
@click.option("--dry-run", is_flag=True, help="Only show what would be added, what is known, what can't be used.")
def take_in(file: Path, config: Path, dry_run: bool) -> None:
    """Add the feeds of an OPML list to feeds.toml; folders and categories become tags.

    Feeds that stand there already are left as they are; those whose address can't be used are named and left out.

    \b
    Example:
      longarm feeds import subscriptions.opml --dry-run
    """
    from monitor.config.writing import sorted_out  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415

    loaded = settings(config)
    listed = _read_list(file)
    usable, unusable = _usable(listed, loaded)
    added = sorted_out(loaded.feeds, usable)
    if not dry_run and added.new:
        added = _write(config, usable)
    word = "would be added" if dry_run else "added"
    for feed in added.new:
        tags = f"  [{', '.join(feed.tags)}]" if feed.tags else ""
        echo(f"{word}: {feed.name or 'no name'} ({redacted_url(feed.url)}){tags}")
    for feed, name in added.known:
        echo(f"known: {redacted_url(feed.url)}, as “{redacted_url(name)}”")
    for reason in unusable:
        echo(f"can't be used: {reason}")
    for warning in listed.warnings:
        echo(f"note: {warning}")
    echo(f"{len(added.new)} {word}, {len(added.known)} known, {len(unusable)} can't be used")


def _read_list(file: Path) -> FeedList:
    from monitor.ingest import opml  # noqa: PLC0415

    from_pipe = str(file) == "-"
    with sys.stdin.buffer if from_pipe else file.open("rb") as stream:
        body = stream.read(opml.MAX_BYTES + 1)
    try:
        return opml.read(body)
    except ParseError as error:
        raise LongarmError(f"{'standard input' if from_pipe else file}: {error}") from None


def _usable(listed: FeedList, loaded: Settings) -> tuple[list[Feed], list[str]]:
    """The feeds of a list as the configuration takes them, and why others can't be used, in the list's order."""
    from monitor.ingest.guard import Guard  # noqa: PLC0415

    guard = Guard(loaded.allow)
    usable: list[Feed] = []
    unusable = [f"{name}: no address" for name in listed.skipped]
    for one in listed.feeds:
        try:
            usable.append(_checked(one, guard, by_proxy=bool(loaded.proxy)))
        except (ValueError, FetchError) as error:
            unusable.append(f"{one.name or 'no name'}: {error}")
    return usable, unusable


def _checked(one: Listed, guard: Guard, *, by_proxy: bool) -> Feed:
    from monitor.config import values  # noqa: PLC0415
    from monitor.model import Feed  # noqa: PLC0415

    url = values.url(one.url)
    guard.check_url(url, by_proxy=by_proxy)
    host, port = values.host_of(url)
    usual = 443 if url.lower().startswith("https") else 80
    guard.check_target(host.strip("[]"), int(port or usual), by_proxy=by_proxy)
    return Feed(url=url, name=one.name, language=_language(one.language), tags=one.tags, enabled=one.enabled)


# ── export ────────────────────────────────────────────────────────────────────────────────────────


@click.command("export")
@config_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; standard output otherwise.")
@click.option("--with-keys", is_flag=True, help="Also feeds whose address holds a key or password of yours.")
def give_out(config: Path, output: Path | None, with_keys: bool) -> None:
    """Write the feeds of feeds.toml, searches too, as an OPML 2.0 list for other readers.

    Tags become categories, disabled feeds comments. Feeds whose address seems to hold a secret are left out and named.

    \b
    Example:
      longarm feeds export --output longarm.opml
    """
    from monitor.config.loading import keys_in  # noqa: PLC0415
    from monitor.ingest import opml  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415

    loaded = settings(config)
    kept = [feed for feed in loaded.feeds if with_keys or not keys_in(feed.url)]
    text = opml.written([_named(feed) for feed in kept], title="Longarm feeds", now=now())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_bytes(text)
    for feed in loaded.feeds:
        if feed not in kept:
            click.echo(f"longarm: left out, its address holds a key: {redacted_url(feed.url)}", err=True)


def _named(feed: Feed) -> Feed:
    from monitor.log import redacted_url  # noqa: PLC0415

    return feed if feed.name else replace(feed, name=redacted_url(feed.url))
