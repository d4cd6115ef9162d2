"""Does an article belong to an affair: an event that many report, each in other words?

Pure. Two headlines that share a name and little else may tell two events, and are kept apart. Where several newsrooms
write of one thing within days, it is an affair, and what follows is told under it: its articles have a signature, words
that many of them share and few others have.

- An affair begins where an article is somewhat like several others at once, by two names or words at least. (One is not
  enough: in a watch on exiles "Hong Kong" stands in everything.)
- An article follows an affair if it is like the sum of its articles and shares a word that is the affair's own.
- Forms filled in ("site 12 blocked") and what came long after the beginning never follow.
- A name that comes up once a day for a fortnight is a topic, and what it stands in are events of their own.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher

from monitor.stories import agreement, likeness
from monitor.stories.window import Group, Item, Near, Window
from monitor.text import tokens

SOMEWHAT_ALIKE = 0.30
SUPPORT = 0.6
"""So alike the neighbours must be together, and at least two of them."""
SIZE = 3
MANY = 3
FOLLOWS = 0.15
SIGNATURE_SHARE = 0.25
OWN = 0.30
"""This share of the window's articles with a word are the affair's: then it is its own."""
SPAN = timedelta(days=14)
A_DAY = 2.5
"""Headlines a day from which a name that many use is an affair and no topic."""
FORM_WORDS = 5
"""Headlines that share so many words in a row are one form; who follows an affair says it in other words."""
_COLLOCATED = 0.75
_COMPARED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Affair:
    """The story of an affair, and what an article shares with it."""

    story_id: str
    shared: tuple[str, ...]
    alike: float


def followed(item: Item, near: Sequence[Near], window: Window) -> Affair | None:
    """Give the affair that `item` follows; `near`: the remembered articles like it, the nearest first."""
    best: Affair | None = None
    for story_id in dict.fromkeys(row.item.story_id for row in near):
        group = window.groups[story_id]
        if len(group.headlines) < SIZE or item.at - group.first_at > SPAN:
            continue
        alike = group.alike(item)
        if alike < FOLLOWS or (best and alike <= best.alike):
            continue
        signature = _signature(item, group, window)
        if signature and not _is_form(item, [row.item for row in near if row.item.story_id == story_id]):
            best = Affair(story_id=story_id, shared=signature, alike=alike)
    return best


def is_topic(headlines: int, life: timedelta) -> bool:
    """Say whether so many headlines within so long are too few a day to be of one affair."""
    return headlines < A_DAY * max(1.0, life / timedelta(days=1))


def begun(item: Item, near: Sequence[Near]) -> Affair | None:
    """Give the story in which `item` and the articles near it begin an affair."""
    seen: dict[str, Near] = {}
    for row in near:
        if row.alike >= SOMEWHAT_ALIKE and row.item.document.headline != item.document.headline:
            seen.setdefault(row.item.document.headline, row)
    rows = [row for row in seen.values() if not row.item.document.is_roundup]
    if len(rows) < 2 or sum(row.alike for row in rows) < SUPPORT or _is_form(item, [row.item for row in rows]):
        return None
    shared = _independent(item, rows)
    if len(shared) < 2 and not _is_name_of_many(item, shared, rows):
        return None
    weight: dict[str, float] = {}
    for row in rows:
        weight[row.item.story_id] = weight.get(row.item.story_id, 0.0) + row.alike
    story_id = max(sorted(weight), key=lambda key: weight[key])
    return Affair(story_id=story_id, shared=shared, alike=rows[0].alike)


@functools.lru_cache(maxsize=1)
def _states() -> frozenset[str]:
    """The stems of states' names, which stand in everything a watch on states finds."""
    from classifiers import concepts  # noqa: PLC0415 - brings numpy, and is needed only where headlines stand alone

    forms = (form.strip(" $") for _, form in concepts.stems(concepts.LEXICON / "states.tsv"))
    return frozenset(stem for form in forms for token in tokens(form) if (stem := likeness.stem_of(token)))


def _signature(item: Item, group: Group, window: Window) -> tuple[str, ...]:
    """The words of `item` that many of the affair's articles have and few others; heaviest first."""
    least = max(2.0, group.size * SIGNATURE_SHARE)
    document = item.document
    found = tuple(
        stem
        for stem in item.looked_up
        if stem not in _states()
        and group.stems[stem] >= least
        and group.stems[stem] >= OWN * window.commonness(document.language, stem)
    )
    # One word is a signature only if it is a name, or a number like that of a flight.
    is_enough = len(found) > 1 or any(stem in document.capitals or not stem.isalpha() for stem in found)
    return found if is_enough else ()


def _independent(item: Item, rows: Sequence[Near]) -> tuple[str, ...]:
    """The words shared with two of `rows` or more, heaviest first; two words that always stand together are one."""
    holders: Mapping[str, set[int]] = {
        stem: found
        for stem in item.looked_up
        if stem not in _states() and len(found := {at for at, row in enumerate(rows) if stem in row.item.vector}) >= 2
    }
    kept: list[str] = []
    for stem, found in holders.items():
        if not any(_one_phrase(stem, other, found, holders[other], item, rows) for other in kept):
            kept.append(stem)
    return tuple(kept)


def _is_name_of_many(item: Item, shared: tuple[str, ...], rows: Sequence[Near]) -> bool:
    """Say whether all that is shared is one name or number, but with many: the flight that everybody looks for."""
    return any(
        (stem in item.document.capitals or not stem.isalpha()) and sum(stem in row.item.vector for row in rows) >= MANY
        for stem in shared
    )


def _one_phrase(stem: str, other: str, found: set[int], of_other: set[int], item: Item, rows: Sequence[Near]) -> bool:
    """Say whether two words stand side by side wherever either stands: "Hong Kong" is one word in two."""
    if len(found & of_other) < _COLLOCATED * len(found | of_other):
        return False
    pair = {stem, other}
    titles = (item.document.title, *(rows[at].item.document.title for at in found & of_other))
    return all(any(set(two) == pair for two in itertools.pairwise(title)) for title in titles)


def _is_form(item: Item, others: Sequence[Item]) -> bool:
    """Say whether the article is a form filled in, the others being the same form."""
    title = item.document.title
    for other in others[:_COMPARED]:
        against = other.document.title
        run = SequenceMatcher(None, title, against, autojunk=False).find_longest_match().size
        if run >= FORM_WORDS and set(title) != set(against):
            return True
        if agreement.differ_in_a_slot(item.document, other.document):
            return True
    return False
