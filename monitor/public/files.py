"""The public feeds as files in `state/public`: written whole or not at all, and only when they changed.

Asks the store what public channels were told, and puts it into files that a web server may serve. It is told which
channels are public; it serves nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from monitor.config import Settings
from monitor.digest import render, select
from monitor.digest.frame import Frame
from monitor.digest.missed import Missed
from monitor.errors import StateError
from monitor.model import ChannelRules, Delivery, Label, Story, WeekData
from monitor.public import entries, formats
from monitor.public.entries import PublicEntry, PublicFeed

FOLDER = "public"
ALERTS, DIGEST = "alerts", "digest"
Estimated = Callable[[select.Week], Missed | None]
NAMES = ("alerts.atom", "alerts.json", "digest.atom", "digest.json")


class ToldStore(Protocol):
    """What the feeds are read from."""

    def told(self, channels: Sequence[str], limit: int) -> Sequence[Delivery]:
        """Rows sent about the stories last told in `channels`, and the rows of digests for them."""
        ...

    def stories(self, ids: Sequence[str]) -> dict[str, Story]:
        """Stories by id."""
        ...

    def withdrawn(self) -> frozenset[str]:
        """Ids of stories that are told no more, which nothing else here gives any more."""
        ...

    def labels(self) -> Sequence[Label]:
        """The labels that count, in order of time."""
        ...

    def judged_between(self, start: datetime, end: datetime) -> WeekData:
        """What was first seen in [start, end)."""
        ...


@dataclass(slots=True)
class Publisher:
    """Writes the feeds. Remembers what they were made of, so that a pass in which nothing changed costs little."""

    _made_of: object = None
    _pages: dict[object, PublicEntry] = field(default_factory=dict)

    def publish(self, store: ToldStore, settings: Settings, *, missed: Estimated = lambda _: None) -> tuple[Path, ...]:
        """Bring the files up to date and return those that changed; while `public.enabled` is false, delete them.

        `missed` is what a random sample says was missed in a week: a digest says so where it is sent, and here.

        Raises:
            StateError: the store can't be read, or a file not be written.
        """
        folder = settings.state_dir / FOLDER
        try:
            if not settings.public.enabled:
                return _deleted(folder)
            return self._published(store, settings, folder, missed)
        except OSError as error:
            name = error.filename or folder
            raise StateError(
                f"{name}: the public feeds could not be written ({error.strerror or error}); make room or mend the "
                "rights, then they are brought up to date by themselves"
            ) from error

    def _published(self, store: ToldStore, settings: Settings, folder: Path, missed: Estimated) -> tuple[Path, ...]:
        rows = store.told(settings.public.channels, entries.NEWEST)
        labels, withdrawn = store.labels(), store.withdrawn()
        made_of = (tuple(rows), tuple(labels), withdrawn, settings)
        if made_of == self._made_of and all((folder / name).exists() for name in NAMES):
            return ()
        about = [row for row in rows if row.story_id]
        stories = store.stories(list(dict.fromkeys(row.story_id for row in about)))
        languages = {story.id: story.language for story in stories.values()}
        without = entries.taken_back(stories.values(), labels)
        told = entries.of_stories(about, languages, without)
        weeks = self._digests(store, settings, [row for row in rows if not row.story_id], labels, withdrawn, missed)
        title, base = settings.public.title, settings.public.url
        feeds = (
            PublicFeed(name=ALERTS, title=title, base=base, entries=told),
            PublicFeed(name=DIGEST, title=f"{title}: weekly digest", base=base, entries=weeks),
        )
        changed = [path for feed in feeds for path in _written(folder, feed)]
        self._made_of = made_of
        return tuple(changed)

    def _digests(
        self,
        store: ToldStore,
        settings: Settings,
        rows: Sequence[Delivery],
        labels: Sequence[Label],
        withdrawn: frozenset[str],
        missed: Estimated,
    ) -> tuple[PublicEntry, ...]:
        rules = {channel.name: channel.rules for channel in settings.channels}
        made: dict[object, PublicEntry] = {}
        for week, channel, at in entries.digests_told(rows):
            if channel in rules:
                key = (week, at, rules[channel], settings.timezone, settings.feeds, tuple(labels), withdrawn)
                made[key] = self._pages.get(key) or _digest(store, settings, rules[channel], week, at, labels, missed)
        self._pages = made
        return tuple(made.values())


def _digest(
    store: ToldStore,
    settings: Settings,
    rules: ChannelRules,
    name: str,
    at: datetime,
    labels: Sequence[Label],
    missed: Estimated,
) -> PublicEntry:
    week, tz = select.Week.parse(name), settings.timezone
    data = store.judged_between(*week.span(tz))
    data = _without(data, entries.taken_back(data.stories, labels))
    feeds = {feed.url: feed for feed in settings.feeds}
    digest = select.select(data, rules, week, feeds=feeds, tz=tz, missed=missed(week))
    # A feed reader takes no pictures and shows their words as text.
    page = render.as_html(digest, pictures=False)
    return entries.of_digest(name, f"{Frame(digest.language).say('name')} {name}", page, at, digest.language)


def _without(data: WeekData, taken_back: Collection[str]) -> WeekData:
    """The week without stories that people took back."""
    return replace(
        data,
        stories=tuple(story for story in data.stories if story.id not in taken_back),
        judged=tuple(row for row in data.judged if row.story_id not in taken_back),
        turns=tuple(turn for turn in data.turns if turn.story_id not in taken_back),
        editions=tuple(edition for edition in data.editions if edition.story_id not in taken_back),
        cases=tuple(
            replace(case, chapters=tuple(one for one in case.chapters if one.story_id not in taken_back))
            for case in data.cases
        ),
    )


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def _written(folder: Path, feed: PublicFeed) -> list[Path]:
    forms = {"atom": formats.as_atom, "json": formats.as_json}
    return [path for suffix, form in forms.items() if _replaced(path := folder / f"{feed.name}.{suffix}", form(feed))]


def _replaced(path: Path, content: bytes) -> bool:
    """Put `content` into `path`, whole or not at all; False, and nothing is touched, if it is there already."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # a command may write beside the daemon
    try:
        draft.write_bytes(content)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _deleted(folder: Path) -> tuple[Path, ...]:
    there = [path for name in NAMES if (path := folder / name).exists()]
    for path in there:
        path.unlink()
    return tuple(there)
