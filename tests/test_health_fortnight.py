"""Two weeks of many feeds of which some misbehave in turn: what operators hear, and what is stored in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.stories.identity import _notice_key
from tests.health_parts import DAY, HOUR, START, Site, World, world

KINDS = (
    "old", "403", "404", "410", "401", "451", "429", "500", "httpx.ConnectError", "httpx.ConnectTimeout", "page",
    "nothing", "empty", "silent", "undated", "unlinked", "untitled", "german", "bland", "liar", "elsewhere", "archive",
    "guids", "moved",
)  # fmt: skip
INCIDENTS = {
    "silent": "silent", "old": "stale", "empty": "empty", "undated": "form", "unlinked": "form", "untitled": "form",
    "german": "language", "bland": "no-hits", "liar": "validators",
}  # fmt: skip
LASTS = 4 * DAY
WITHOUT_END = {"elsewhere", "archive", "guids", "moved"}


def incident(site: Site) -> str:
    """The key under which its fault must be told."""
    kind = site.faults[0][2]
    if kind == "elsewhere":
        return f"notice:odd-feed:{site.url}"
    if kind in ("archive", "guids"):
        return f"notice:{_notice_key('backfill' if kind == 'archive' else 'changing-ids', site.feed)}"
    if kind == "moved":
        return f"notice:feed-moved:{site.url}:https://{site.host}/moved"
    return f"notice:feed-{INCIDENTS.get(kind, 'fails')}:{site.url}"


def misbehaving(
    number: int, kind: str, begins: datetime, *, days: float, every: timedelta | None, lasts: timedelta = LASTS
) -> Site:
    busy = {"bland": 30.0}.get(kind, 12.0)
    faults = ((START - DAY if kind == "old" else begins, begins + lasts, kind),)
    hits = 0.4 if kind == "bland" else 0.0
    return Site(number, per_day=busy, days=days, hits=hits, faults=faults, every=every)


def well(number: int, *, days: float, every: timedelta | None) -> Site:
    """One in four brings what matters; they are slow and busy."""
    return Site(number, per_day=2 + number % 23, days=days, hits=0.2 * (number % 4 == 0), every=every)


def told_once_and_ended_once(it: World, bad: Sequence[Site], *, ends: bool = True) -> None:
    begun, over = it.begun(), it.over()
    expected = Counter(incident(site) for site in bad)
    gaps = {key for key in begun if key.startswith("notice:gap:")}
    assert begun - Counter({key: begun[key] for key in gaps}) == expected
    endless = {
        incident(site) for site in bad if site.faults[0][2] in WITHOUT_END or (not ends and "liar" in site.faults[0])
    }
    assert over == Counter({key: 1 for key in expected if key not in endless})


def all_stored_once(it: World, sites: Sequence[Site], until: datetime) -> None:
    stored = Counter(line["url"] for line in it.store.export("articles"))
    for site in sites:
        shown = [item for item in site.items if START <= item.at < until - 6 * HOUR]
        assert shown
        assert {stored[f"https://{item.host}/{item.slug}"] for item in shown} == {1}


async def test_a_week_in_which_each_kind_of_fault_is_told_once_and_its_end_once(tmp_path: Path) -> None:
    days, every = 7.5, 3 * HOUR
    bad = [misbehaving(n, kind, START + 2 * DAY + n * HOUR / 2, days=days, every=every) for n, kind in enumerate(KINDS)]
    good = [well(len(bad) + n, days=days, every=every) for n in range(4)]
    with world(tmp_path, [*bad, *good]) as it:
        await it.run(START + days * DAY, step=HOUR)
        told_once_and_ended_once(it, bad, ends=False)
        all_stored_once(it, good, START + days * DAY)
        assert it.store.open_notices() != ()
        assert not any(state.failures for state in it.store.feed_states())


@pytest.mark.soak
async def test_a_fortnight_of_three_hundred_feeds_of_which_forty_misbehave_in_turn(tmp_path: Path) -> None:
    days = 14.0
    kinds = (*KINDS, *(kind for kind in KINDS if kind != "old"))[:40]
    bad = [
        misbehaving(n, kind, START + 2 * DAY + n * 4 * HOUR, days=days, every=None, lasts=3 * DAY)
        for n, kind in enumerate(kinds)
    ]
    good = [well(len(bad) + n, days=days, every=None) for n in range(260)]
    with world(tmp_path, [*bad, *good]) as it:
        await it.run(START + days * DAY)
        told_once_and_ended_once(it, bad)
        all_stored_once(it, good, START + days * DAY)
