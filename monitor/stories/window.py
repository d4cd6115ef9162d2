"""What grouping remembers: the articles of the window, their stories, and indexes by words and by shingles.

Decides nothing. Memory and look-ups are bounded by the window: an article is forgotten, and its words no longer
counted, when the window has passed over it; a long list of articles with one word lets go of its oldest.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeVar

from monitor.stories import likeness
from monitor.stories.likeness import Document

LOOKED_UP = 16
_SMOOTHING = 60.0
_POSTINGS = 150
_VISITS = 800
_FAINT = 0.05
"""Below this nobody asks how alike two articles are."""
_SKETCH_LISTED = 12
_SKETCH_POSTINGS = 24
_SHARED_SHINGLES = 3

Key = tuple[str, str]
_K = TypeVar("_K")
_P = TypeVar("_P")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Item:
    """An article that is remembered: read, weighed and placed. `host`: of its address, "" where there is none."""

    story_id: str
    title: str
    host: str
    at: datetime
    document: Document
    vector: dict[str, float]
    looked_up: tuple[str, ...]

    @property
    def keys(self) -> Iterator[Key]:
        """Under what it is listed."""
        return ((self.document.language, stem) for stem in self.looked_up)


_Posting = tuple[Item, float]
"""An article and what the word weighs in it: the look-up visits some hundreds for each article that comes."""


@dataclass(slots=True, kw_only=True)
class Group:
    """A story as grouping keeps it: its lead, its latest members, in how many of its articles each stem stands."""

    lead: Item
    first_at: datetime
    latest: deque[Item]
    headlines: set[str] = field(default_factory=set)
    stems: Counter[str] = field(default_factory=Counter)
    weights: dict[str, float] = field(default_factory=dict)
    squared: float = 0.0
    size: int = 0
    living: int = 0

    def add(self, item: Item) -> None:
        """Take in a member."""
        self.first_at = min(self.first_at, item.at)
        self.latest.append(item)
        self.size += 1
        self.living += 1
        self.headlines.add(item.document.headline)
        for stem in item.looked_up:
            before, weight = self.weights.get(stem, 0.0), item.vector[stem]
            self.stems[stem] += 1
            self.weights[stem] = before + weight
            self.squared += weight * (2.0 * before + weight)

    def alike(self, item: Item) -> float:
        """The cosine of an article and the sum of the members: 0..1."""
        product = sum(item.vector[stem] * self.weights.get(stem, 0.0) for stem in item.looked_up)
        return product / math.sqrt(self.squared) if self.squared else 0.0


@dataclass(frozen=True, slots=True)
class Near:
    """A remembered article and how alike it is, 0..1."""

    item: Item
    alike: float


class Window:
    """The remembered articles. They come in order of time, late ones excepted."""

    def __init__(self, span: timedelta, copy_span: timedelta, members_compared: int) -> None:
        self._span, self._copy_span = span, copy_span
        self._members_compared = members_compared
        self._frequency: Counter[Key] = Counter()
        self._counted: Counter[str] = Counter()
        self._lists: dict[Key, deque[_Posting]] = {}
        self._sketches: dict[int, deque[Item]] = {}
        self._order: deque[Item] = deque()
        self._newest: datetime | None = None
        self._copies: deque[Item] = deque()
        self.groups: dict[str, Group] = {}

    def count(self, document: Document) -> None:
        """Count the words of a document that will be remembered."""
        self._counted[document.language] += 1
        self._frequency.update((document.language, stem) for stem, _ in document.stems)

    def weighed(self, document: Document, *, title: str, host: str, at: datetime, story_id: str) -> Item:
        """Weigh a counted document by how rare its words are in the window; it is not remembered yet."""
        language, total = document.language, self._counted[document.language] + _SMOOTHING
        frequency = self._frequency
        vector = likeness.vector(
            document, lambda stem: math.log(1.0 + total / (frequency.get((language, stem), 0) + 1.0))
        )
        heaviest = sorted(vector, key=lambda stem: (-vector[stem], stem))[:LOOKED_UP]
        return Item(
            story_id=story_id,
            title=title,
            host=host,
            at=at,
            document=document,
            vector=vector,
            looked_up=tuple(heaviest),
        )

    def keep(self, item: Item) -> None:
        """Remember an article that was counted and placed; a story's lead first."""
        group = self.groups.get(item.story_id)
        if group is None:
            group = Group(lead=item, first_at=item.at, latest=deque(maxlen=self._members_compared))
            self.groups[item.story_id] = group
        group.add(item)
        for key in item.keys:
            self._lists.setdefault(key, deque(maxlen=_POSTINGS)).append((item, item.vector[key[1]]))
        self._order.append(item)
        self._newest = max(self._newest, item.at) if self._newest else item.at
        if item.document.sketch:
            for value in item.document.sketch[:_SKETCH_LISTED]:
                self._sketches.setdefault(value, deque(maxlen=_SKETCH_POSTINGS)).append(item)
            self._copies.append(item)

    def forget(self, at: datetime) -> None:
        """Let go of what came more than the window before `at`."""
        while self._order and self._order[0].at + self._span < at:
            item = self._order.popleft()
            for key in item.keys:
                _drop(self._lists, key, (item, item.vector[key[1]]))
            language = item.document.language
            self._counted[language] -= 1
            for stem, _ in item.document.stems:
                self._frequency[language, stem] -= 1
                if self._frequency[language, stem] <= 0:
                    del self._frequency[language, stem]
            group = self.groups[item.story_id]
            group.living -= 1
            if not group.living:
                del self.groups[item.story_id]
        while self._copies and self._copies[0].at + self._copy_span < at:
            item = self._copies.popleft()
            for value in item.document.sketch[:_SKETCH_LISTED]:
                _drop(self._sketches, value, item)

    def commonness(self, language: str, stem: str) -> int:
        """In how many remembered articles a stem is among the weightiest (at most 150)."""
        return len(self._lists.get((language, stem), ()))

    def alike(self, item: Item, most: int) -> list[Near]:
        """The remembered articles of the window around `item` that share a weighty word, the nearest first."""
        visits = 0
        sums: defaultdict[Item, float] = defaultdict(float)
        lists = [(len(found), key, found) for key in item.keys if (found := self._lists.get(key))]
        lists.sort(key=lambda row: row[:2])
        vector = item.vector
        for size, key, found in lists:
            if sums and visits + size > _VISITS:
                break
            visits += size
            weight = vector[key[1]]
            for other, its_weight in found:
                sums[other] += weight * its_weight
        near = [row for row in sums.items() if row[1] >= _FAINT]
        if self._newest and item.at < self._newest:  # a late one: what is remembered may lie too far ahead of it
            early, late = item.at - self._span, item.at + self._span
            near = [row for row in near if early <= row[0].at <= late]
        near.sort(key=itemgetter(1), reverse=True)
        likeliest = near[:most]
        exact = [Near(other, likeness.cosine(vector, other.vector)) for other, _ in likeliest]
        exact.sort(key=lambda row: (-row.alike, row.item.story_id, row.item.title))
        return exact

    def of_one_text(self, item: Item) -> list[Item]:
        """The articles of the copies' window that share some shingles with `item`, those that share most first."""
        hits: Counter[Item] = Counter()
        for value in item.document.sketch:
            hits.update(self._sketches.get(value, ()))
        enough = [(count, other) for other, count in hits.items() if count >= _SHARED_SHINGLES]
        enough.sort(key=lambda row: (-row[0], row[1].at, row[1].story_id, row[1].title))
        return [other for _, other in enough[:LOOKED_UP] if abs(other.at - item.at) <= self._copy_span]


def _drop(lists: dict[_K, deque[_P]], key: _K, entry: _P) -> None:
    found = lists.get(key)
    if found and found[0] == entry:  # a full list has let go of its oldest before
        found.popleft()
        if not found:
            del lists[key]
