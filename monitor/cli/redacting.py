"""The command that withdraws a story. Works beside a running watch, which does it; else it is done at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import config_option, now, read_store, say, settings, write_store
from monitor.errors import AlreadyRunning, LongarmError

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.store import Store

_ID_CHARS = 12


@click.command()
@click.argument("article")
@config_option
@click.option("--why", required=True, help="The reason: noted for operators, never told to readers.")
def redact(article: str, config: Path, why: str) -> None:
    """Withdraw a story that was told, by the id of one of its articles (or the first characters of it).

    Every message that can be edited says from then on that it was withdrawn; what waits never goes; digests, searches
    and public feeds leave the story out, whatever joins it later.

    \b
    Example:
      longarm redact 3f2a9c --why "it names a child"
    """
    from monitor import errands  # noqa: PLC0415
    from monitor.store import People  # noqa: PLC0415

    loaded, reason = settings(config), " ".join(why.split())
    if not reason:
        raise click.BadParameter("it is empty; a reason is expected", param_hint="--why")
    with read_store(loaded) as store:
        story_id = _story(store, article)
        lines = _consequences(loaded, store, story_id)
    try:
        with write_store(loaded) as store:
            People(store).withdraw(story_id, by=errands.BY_HAND, why=reason, now=now())
    except AlreadyRunning:
        errands.ask_to_redact(loaded.state_dir, story_id, reason)
        say(f"{story_id[:_ID_CHARS]}: the running `longarm run` was asked to withdraw it, and does so within seconds")
    else:
        say(f"{story_id[:_ID_CHARS]}: withdrawn; the next `longarm run` edits what was sent")
    for line in lines:
        say(line)


def _story(store: Store, article: str) -> str:
    ids = store.article_ids(article.casefold())
    if len(ids) != 1:
        found = "no article has" if not ids else f"{len(ids)} articles have"
        raise LongarmError(f"{article}: {found} this id; `longarm search` and `longarm export articles` show ids")
    story_id = store.judged(ids)[0].story_id
    if not story_id:
        raise LongarmError(f"{article}: this article belongs to no story; nobody was told of it")
    return story_id


def _consequences(loaded: Settings, store: Store, story_id: str) -> list[str]:
    """Who was told, and what no edit reaches."""
    from monitor.model import SUBSCRIBER  # noqa: PLC0415
    from monitor.store import People  # noqa: PLC0415

    people = People(store)
    told = people.told_in(story_id)
    fixed = [channel.name for channel in loaded.channels if channel.name in told and channel.type != "telegram"]
    story = store.stories([story_id]).get(story_id)
    urls = [member.url for member in story.members if member.url] if story else []
    named = [f"{key} in {name}" for name, key in people.digests_naming(urls) if not name.startswith(SUBSCRIBER)]
    lines = [f"channels that were told: {len(told)}"]
    if fixed:
        lines.append(f"these can't be edited, say it there: {', '.join(fixed)}")
    if named:
        lines.append(f"these digests name it and stay as they are: {', '.join(named)}")
    return lines
