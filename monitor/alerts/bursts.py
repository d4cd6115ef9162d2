"""When many stories come at once: which are told alone, and how the others are told together. Pure.

A chat takes five new stories within ten minutes one by one. What comes beyond is told in one list: stage, route,
headline, host and link of each story. The first five are the first in the queue, not the highest scores: a chat hears
things in the order in which they came, a score says how sure the classifier is and not how grave the matter, and
whoever floods a feed writes for the score.

A list is worth waiting for a little: as long as feeds are still being asked, for two minutes at most, so that a wave
over many feeds becomes one list and not thirty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.alerts.layout import course, headline, pointer, voice
from monitor.alerts.sources import SHIPPED, Tiers
from monitor.compose import Composer, headline_of, isolated, moment
from monitor.model import Burst, Delivery, DeliveryKind, DeliveryState, Feed, SpanKind, Story

WINDOW = timedelta(minutes=10)
GATHER = timedelta(minutes=2)
TITLE_CHARS = 120
PARTS = 10
"""More messages of lists than this nobody reads; the rest is counted in the last of them, and is in the digest. A story
that was only counted is told after all when another alert joins it."""
_HEAD_UNITS = 200
_LIST = "burst:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of one channel's waiting stories: ids of rows to `fold` now, and of rows to `leave` for later."""

    fold: tuple[int, ...] = ()
    leave: frozenset[int] = frozenset()


def plan(waiting: Sequence[Delivery], *, sent_alone: int, burst: int, gathering: bool, now: datetime) -> Plan:
    """Decide on what waits for one channel, in order of queueing.

    `sent_alone`: how many stories it got within the last ten minutes. `gathering`: feeds are being asked right now.
    What was queued before a list that waits goes alone: in a later list it would come behind what came after it.
    """
    last_list = max((row.id for row in waiting if is_list(row)), default=-1)
    stories = [row for row in waiting if is_foldable(row) and row.id > last_list]
    alone = sum(bool(row.story_id) and row.kind is DeliveryKind.SEND for row in waiting) - len(stories)
    beyond = stories[max(burst - sent_alone - alone, 0) :]
    if not beyond:
        return Plan()
    oldest = min(row.not_before or row.queued_at for row in beyond)
    if gathering and timedelta(0) <= now - oldest < GATHER:
        return Plan(leave=frozenset(row.id for row in beyond))
    # One alone is no list: it goes as it is.
    return Plan(fold=tuple(row.id for row in beyond)) if len(beyond) > 1 else Plan()


def is_list(row: Delivery) -> bool:
    """Say whether a row tells others."""
    return row.key.startswith(_LIST)


def is_foldable(row: Delivery) -> bool:
    """Say whether a row is a story's first message that was never tried."""
    return (
        row.kind is DeliveryKind.SEND
        and bool(row.story_id)
        and not row.attempts
        and not row.error
        and row.state in (DeliveryState.PENDING, DeliveryState.HELD)
    )


# ── the list ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What lists are written with."""

    feeds: Mapping[str, Feed]
    tz: ZoneInfo
    tiers: Tiers = SHIPPED


def lists(
    rows: Sequence[Delivery], stories: Mapping[str, Story], words: Words, *, why: str, now: datetime
) -> list[Burst]:
    """Tell `rows` of one channel in as few messages as it takes.

    `why` is how each begins: "12 more new stories". Only the first message makes a sound, and none
    where no story of them would have made one.
    """
    parts: list[tuple[Composer, list[int]]] = []
    counted: tuple[int, ...] = ()
    for number, row in enumerate(rows):
        entry = _entry(row, stories.get(row.story_id), words)
        if not parts or not _fits(parts[-1][0], entry):
            if len(parts) == PARTS:
                counted = tuple(one.id for one in rows[number:])
                parts[-1][0].add(f"\nand {len(counted)} more; all of them are in the digest\n")
                break
            parts.append((Composer(), []))
        parts[-1][0].extend(entry)
        parts[-1][1].append(row.id)
    return [
        Burst(
            delivery=_delivery(
                rows[0],
                number,
                len(parts),
                composer,
                why=why,
                now=now,
                silent=number > 1 or all(row.message.silent for row in rows),
            ),
            names=tuple(ids),
            counts=counted if number == len(parts) else (),
        )
        for number, (composer, ids) in enumerate(parts, start=1)
    ]


def _fits(whole: Composer, entry: Composer) -> bool:
    room = Composer().add("x" * _HEAD_UNITS, SpanKind.BOLD).extend(entry)
    return whole.fits(room)


def _entry(row: Delivery, story: Story | None, words: Words) -> Composer:
    composer = Composer().add("• ")
    if story is None:  # its articles are gone; what was to be said of it is not
        return composer.add(isolated(headline_of(row.message))).add("\n")
    member = voice(story, words.tiers)
    if top := course(story.facts):
        composer.add(f"{top}: ")
    # Behind words of ours the line runs from left to right, whatever the headline's own direction.
    composer.extend(pointer(headline(member, TITLE_CHARS), member.url, words.tiers))
    return composer.add(f", {moment(member.at, words.tz)}\n")


def _delivery(
    first: Delivery, number: int, count: int, entries: Composer, *, why: str, now: datetime, silent: bool
) -> Delivery:
    which = f" ({number}/{count})" if count > 1 else ""
    message = Composer().add(f"{why}{which}", SpanKind.BOLD).add("\n\n").extend(entries).message(silent=silent)
    return Delivery(key=f"{_LIST}{first.id}/{number}", channel=first.channel, message=message, queued_at=now)
