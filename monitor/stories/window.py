"""What grouping remembers: the articles of the window, their stories, and indexes by words and by shingles.

Decides nothing. Memory and look-ups are bounded by the window: an article is forgotten, and its words no longer
counted, when the window has passed over it; a long list of articles with one word lets go of its oldest.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter, neg

import numpy as np
import numpy.typing as npt

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
_SUMS = 4_096
"""Articles there is room for at first; the room grows with the window."""

_Numbers = npt.NDArray[np.int64]
_Weights = npt.NDArray[np.float64]


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

    def alike(self, other: Item) -> float:
        """The cosine of both vectors: 0..1."""
        one, against = self.vector, other.vector
        # fsum, because the order of a set changes from run to run.
        return math.fsum([one[stem] * against[stem] for stem in self.document.words & other.document.words])


class _Postings:
    """The latest articles with one word, by their numbers, and what the word weighs in each: flat, for NumPy."""

    __slots__ = ("numbers", "weights")

    def __init__(self) -> None:
        self.numbers = array("q")
        self.weights = array("d")

    def add(self, number: int, weight: float) -> None:
        """List an article; a full list lets go of its oldest."""
        self.numbers.append(number)
        self.weights.append(weight)
        if len(self.numbers) > _POSTINGS:
            self.drop_first()

    def drop_first(self) -> None:
        """Let go of the oldest."""
        del self.numbers[0], self.weights[0]


class _Words:
    """The words of one language: how many articles have each, and which have it among their weightiest."""

    __slots__ = ("articles", "frequency", "lists")

    def __init__(self) -> None:
        self.articles = 0
        self.frequency: dict[str, int] = {}
        self.lists: dict[str, _Postings] = {}

    def count(self, document: Document) -> None:
        """Count the words of an article."""
        self.articles += 1
        frequency = self.frequency
        for stem, _ in document.stems:
            frequency[stem] = frequency.get(stem, 0) + 1

    def discount(self, document: Document) -> None:
        """Count them no longer."""
        self.articles -= 1
        frequency = self.frequency
        for stem, _ in document.stems:
            left = frequency.get(stem, 0) - 1
            if left > 0:
                frequency[stem] = left
            else:
                frequency.pop(stem, None)

    def list(self, item: Item, number: int) -> None:
        """List an article under its weightiest words."""
        for stem in item.looked_up:
            found = self.lists.get(stem)
            if found is None:
                found = self.lists[stem] = _Postings()
            found.add(number, item.vector[stem])

    def unlist(self, item: Item, number: int) -> None:
        """List the oldest article no longer."""
        for stem in item.looked_up:
            found = self.lists.get(stem)
            if found and found.numbers[0] == number:  # a full list has let go of it before
                found.drop_first()
                if not found.numbers:
                    del self.lists[stem]


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
        self._words: dict[str, _Words] = {}
        self._sketches: dict[int, deque[Item]] = {}
        self._items: dict[int, Item] = {}
        self._first = self._next = 0
        self._sums = np.zeros(_SUMS)
        self._newest: datetime | None = None
        self._copies: deque[Item] = deque()
        self.groups: dict[str, Group] = {}

    def count(self, document: Document) -> None:
        """Count the words of a document that will be remembered."""
        words = self._words.get(document.language)
        if words is None:
            words = self._words[document.language] = _Words()
        words.count(document)

    def weighed(self, document: Document, *, title: str, host: str, at: datetime, story_id: str) -> Item:
        """Weigh a counted document by how rare its words are in the window; it is not remembered yet."""
        words = self._words[document.language]
        vector = likeness.vector(document, words.frequency, words.articles + _SMOOTHING)
        heaviest = sorted(zip(map(neg, vector.values()), vector, strict=True))[:LOOKED_UP]
        return Item(
            story_id=story_id,
            title=title,
            host=host,
            at=at,
            document=document,
            vector=vector,
            looked_up=tuple([stem for _, stem in heaviest]),
        )

    def keep(self, item: Item) -> None:
        """Remember an article that was counted and placed; a story's lead first."""
        group = self.groups.get(item.story_id)
        if group is None:
            group = Group(lead=item, first_at=item.at, latest=deque(maxlen=self._members_compared))
            self.groups[item.story_id] = group
        group.add(item)
        self._words[item.document.language].list(item, self._next)
        self._items[self._next] = item
        self._next += 1
        self._newest = max(self._newest, item.at) if self._newest else item.at
        if item.document.sketch:
            for value in item.document.sketch[:_SKETCH_LISTED]:
                found = self._sketches.get(value)
                if found is None:
                    found = self._sketches[value] = deque(maxlen=_SKETCH_POSTINGS)
                found.append(item)
            self._copies.append(item)

    def forget(self, at: datetime) -> None:
        """Let go of what came more than the window before `at`."""
        while self._items and self._items[self._first].at + self._span < at:
            item = self._items.pop(self._first)
            words = self._words[item.document.language]
            words.unlist(item, self._first)
            words.discount(item.document)
            if not words.articles:
                del self._words[item.document.language]
            self._first += 1
            group = self.groups[item.story_id]
            group.living -= 1
            if not group.living:
                del self.groups[item.story_id]
        while self._copies and self._copies[0].at + self._copy_span < at:
            item = self._copies.popleft()
            for value in item.document.sketch[:_SKETCH_LISTED]:
                found = self._sketches.get(value)
                if found and found[0] is item:  # a full list has let go of it before
                    found.popleft()
                    if not found:
                        del self._sketches[value]

    def commonness(self, language: str, stem: str) -> int:
        """In how many remembered articles a stem is among the weightiest (at most 150)."""
        words = self._words.get(language)
        found = words.lists.get(stem) if words else None
        return len(found.numbers) if found else 0

    def alike(self, item: Item, most: int) -> list[Near]:
        """The remembered articles of the window around `item` that share a weighty word, the nearest first."""
        exact = [Near(other, item.alike(other)) for other in self._likeliest(item, most)]
        exact.sort(key=lambda row: (-row.alike, row.item.story_id, row.item.title))
        return exact

    def _likeliest(self, item: Item, most: int) -> list[Item]:
        """Those that weigh most in the words they share, by the rarest of these: there are visits only for so many."""
        lists = self._words[item.document.language].lists
        rows = [(len(found.numbers), stem, found) for stem in item.looked_up if (found := lists.get(stem))]
        rows.sort(key=itemgetter(0, 1))
        numbers, weights = array("q"), array("d")
        sizes: list[int] = []
        for size, _, found in rows:
            if numbers and len(numbers) + size > _VISITS:
                break
            numbers += found.numbers
            weights += found.weights
            sizes.append(size)
        if not numbers:
            return []
        factors = np.array([item.vector[stem] for _, stem, _ in rows[: len(sizes)]])
        nearest = self._summed(np.frombuffer(numbers, np.int64), np.frombuffer(weights) * factors.repeat(sizes))
        others: Iterable[Item] = map(self._items.__getitem__, nearest)
        if self._newest and item.at < self._newest:  # a late one: what is remembered may lie too far ahead of it
            early, late = item.at - self._span, item.at + self._span
            others = (other for other in others if early <= other.at <= late)
        return list(islice(others, most))

    def _summed(self, numbers: _Numbers, products: _Weights) -> Iterator[int]:
        """Numbers of the articles whose products add up to more than nothing, the largest sum first.

        Of equals the one that comes first in `numbers`.
        """
        places = numbers - self._first
        if self._next - self._first > len(self._sums):
            self._sums = np.zeros(2 * (self._next - self._first))
        np.add.at(self._sums, places, products)
        sums = self._sums[places]
        self._sums[places] = 0.0
        above = (sums >= _FAINT).nonzero()[0]
        order = above[(-sums[above]).argsort(kind="stable")]
        return iter(dict.fromkeys(numbers[order].tolist()))

    def of_one_text(self, item: Item) -> list[Item]:
        """The articles of the copies' window that share some shingles with `item`, those that share most first."""
        hits: Counter[Item] = Counter()
        for value in item.document.sketch:
            if found := self._sketches.get(value):
                hits.update(found)
        enough = [(count, other) for other, count in hits.items() if count >= _SHARED_SHINGLES]
        enough.sort(key=lambda row: (-row[0], row[1].at, row[1].story_id, row[1].title))
        return [other for _, other in enough[:LOOKED_UP] if abs(other.at - item.at) <= self._copy_span]
