"""Read the sample outlets and what is true of their items. Touches only the files of this package.

A file's first line describes the outlet, every further line one item. Times in the files are hours after the start of
the demo week, so that the week can be played at any date. `relevant`, `event`, `role`, `hard` and `case` are the truth
that checks compare with; nothing that is served may hold them.

An event lies within one language, as a story does: one case told in Persian and in English makes two events. A later
stage of a case (plea, then sentence) is an event of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any

FEEDS_DIR = Path(__file__).parent / "feeds"
WEEK = timedelta(days=7)
FIRST_POLL_WINDOW = timedelta(hours=24)
"""The default of the poll: at a feed's first poll only what is younger may alert."""

FORMATS = ("rss", "atom", "rdf", "json")


class Role(StrEnum):
    """What an item is there to show."""

    FIRST = "first"
    COPY = "copy"
    REWORDED = "reworded"
    REPORT = "report"
    SAME_LINK = "same-link"
    FOLLOW_UP = "follow-up"
    OLD = "old"
    HARD = "hard"
    EVERYDAY = "everyday"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEdit:
    """A later wording of an item under the same address."""

    at: datetime
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoItem:
    """One item of a sample feed, and the truth of it.

    `appears_at`: from when the feed can be seen to hold it (after an outage, if it came during one). `guid` and `link`
    may be empty. `title` and `summary` may hold HTML, as feeds do. `hard`: the family of a hard negative. `case`: names
    the case where several events are its stages.
    """

    feed: str
    guid: str
    link: str
    title: str
    summary: str
    language: str
    appears_at: datetime
    published_at: datetime
    relevant: bool
    event: str
    role: Role
    hard: str = ""
    case: str = ""
    edits: tuple[DemoEdit, ...] = ()

    def wording(self, now: datetime) -> tuple[str, str, datetime]:
        """Title, summary and the time of the last change, as of `now`."""
        title, summary, changed_at = self.title, self.summary, self.appears_at
        for edit in self.edits:
            if edit.at <= now:
                title, summary, changed_at = edit.title, edit.summary, edit.at
        return title, summary, changed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which an outlet answers 503, and after how long it asks to be tried again."""

    begins_at: datetime
    ends_at: datetime
    retry_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """An invented outlet with its items in the order of their appearance.

    `moved`: known under an old address that redirects for good. `changing_guids`: gives every item another guid at each
    poll.
    """

    slug: str
    title: str
    home: str
    language: str
    format: str
    items: tuple[DemoItem, ...]
    encoding: str = "utf-8"
    zone: tzinfo
    moved: bool = False
    changing_guids: bool = False
    outage: Outage | None = None

    def down_at(self, now: datetime) -> Outage | None:
        """The outage that lasts at `now`, if one does."""
        outage = self.outage
        return outage if outage and outage.begins_at <= now < outage.ends_at else None


def outlets(start: datetime) -> tuple[Outlet, ...]:
    """Read all sample outlets, dated for a week that begins at `start` (aware), in order of their slugs.

    Raises:
        ValueError: `start` is naive, or a file is not as the module says; the text names file and line.
    """
    if start.tzinfo is None:
        raise ValueError("start has no time zone: pass an aware datetime")
    return tuple(read_outlet(path, start) for path in sorted(FEEDS_DIR.glob("*.jsonl")))


def read_outlet(path: Path, start: datetime) -> Outlet:
    """Read one outlet's file. Raises as `outlets` does."""
    number = 1
    try:
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        outlet = _outlet(json.loads(first), start)
        items = []
        for number, line in enumerate(rest, 2):  # noqa: B007 - the number is for the error
            items.append(_item(json.loads(line), outlet, start))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path.name}:{number}: not a line of a sample feed: {error!r}") from error
    items.sort(key=lambda item: (item.appears_at, item.published_at))
    return replace(outlet, items=tuple(items))


def _outlet(head: Mapping[str, Any], start: datetime) -> Outlet:
    return Outlet(
        slug=head["slug"],
        title=head["title"],
        home=head["home"],
        language=head["language"],
        format=FORMATS[FORMATS.index(head["format"])],
        items=(),
        encoding=head.get("encoding", "utf-8"),
        zone=timezone(timedelta(hours=head.get("utc_offset", 0))),
        moved=head.get("moved", False),
        changing_guids=head.get("changing_guids", False),
        outage=_outage(head.get("outage"), start),
    )


def _item(row: Mapping[str, Any], outlet: Outlet, start: datetime) -> DemoItem:
    appears_at = _at(start, row["at"])
    outage = outlet.down_at(appears_at)
    if outage:
        appears_at = outage.ends_at  # nobody can see it before
    return DemoItem(
        feed=outlet.slug,
        guid=row["guid"],
        link=row["link"],
        title=row["title"],
        summary=row["summary"],
        language=row["language"],
        appears_at=appears_at,
        published_at=_at(start, row["published"]),
        relevant=row["relevant"],
        event=row["event"],
        role=Role(row["role"]),
        hard=row.get("hard", ""),
        case=row.get("case", ""),
        edits=tuple(
            DemoEdit(at=_at(start, edit["at"]), title=edit["title"], summary=edit["summary"])
            for edit in row.get("edits", ())
        ),
    )


def _outage(row: Mapping[str, float] | None, start: datetime) -> Outage | None:
    if row is None:
        return None
    return Outage(
        begins_at=_at(start, row["from"]),
        ends_at=_at(start, row["until"]),
        retry_after=timedelta(seconds=row["retry_after"]),
    )


def _at(start: datetime, hours: float) -> datetime:
    # Whole minutes: feeds' dates have no finer grain that matters.
    return start + timedelta(minutes=round(hours * 60))


def expected_events(items: Iterable[DemoItem], *, start: datetime, until: datetime | None = None) -> tuple[str, ...]:
    """Name the events that must alert, once each, in a watch from `start` to `until` (not included; a week without it).

    In order of first appearance. What the first poll finds is expected only if it is younger than a day.
    """
    end = until or start + WEEK
    wanted = [
        item
        for item in items
        if item.relevant
        and item.appears_at < end
        and (item.appears_at > start or item.published_at > start - FIRST_POLL_WINDOW)
    ]
    wanted.sort(key=lambda item: item.appears_at)
    return tuple(dict.fromkeys(item.event for item in wanted))
