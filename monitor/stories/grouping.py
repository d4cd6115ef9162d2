"""Same event? Decides which story an article belongs to, or that it opens one.

Pure: recent stories come in, places go out. It never changes a place once given, so a story's id can stand in
a message that was sent. The order in which a poll lists its articles changes nothing: they are sorted by time
first.

The reasoning. To put two events into one story is the worse error: the second is never announced. To tell one
event twice costs a reader some seconds. So everything below leans towards "another story":

- Two articles are alike by the cosine of their TF-IDF vectors (`stories.likeness`): headline thrice, names and numbers
  weighted up. How rare a word is, is counted over the articles of the window themselves, with smoothing,
  because in a watch where every item is about exile and arrest those words say nothing. - An article joins a
  story if it is alike to one of its members **and** not unlike its lead: with the nearest member alone, a
  chain of follow-ups would drag a story from one event to the next; with the lead alone, the third day of a
  story would be a new one; and the last arrival is just the one most likely to have drifted. - Headlines that
  are one form filled in twice (another number, another name in one place) are different stories, however
  alike. Headlines that count and agree in no number, or texts that name nobody in common, must be much more
  alike. - Live blogs, digests and round-ups speak of many events. They would glue them together, so they join
  nothing and nothing joins them, but copies of the same one. - A copy of an agency's text under another
  masthead joins at once, whatever else is said here. - Only one language: a translation shares no words, and
  a story is told to each language's readers once. - Only within a window (four days): the same words a month
  later are another event.

Rejected: k-means and other batch clustering (a story would change after it was sent); MinHash alone (finds
copies, not the second newsroom's words); sentence embeddings (half a gigabyte of model, and a score that
nobody can explain); comparing with the last arrival only.

Cost: an article is compared with at most some dozens of recent articles that share its rarest words, so it
grows with the recent stories' number of those, never with the archive.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import Article, Member, Placed, Story
from monitor.stories import likeness
from monitor.stories.likeness import Document
from monitor.text import clean_line

WINDOW = timedelta(days=4)
ALIKE = 0.42
"""From here an article is about the event of a story's member (fixed on the pairs in tests/stories_parts.py)."""
NOT_UNLIKE_LEAD = 0.20
CLASHING = 0.68
"""From here even texts that share no name, or count differently, are one event."""
COPY_LEAST = 0.30
_SMOOTHING = 60.0
_LOOKED_UP = 16
_CANDIDATES = 16
_POSTINGS = 150
_VISITS = 1_500
_MEMBERS_COMPARED = 40


def place(
    articles: Sequence[Article], stories: Sequence[Story], *, now: datetime, window: timedelta = WINDOW
) -> list[Placed]:
    """Give every article its place among `stories`, in order of time: whoever opens a story comes before its others.

    An article that is a member of a story already keeps its place. Stories silent for longer than `window`
    before an article are not joined. `now` bounds dates from the future.
    """
    grouper = Grouper(window=window)
    homes = {member.article_id: story.id for story in stories for member in story.members}
    in_order = sorted(stories, key=lambda story: story.id)
    members = [(story, member, _read_member(story, member)) for story in in_order for member in story.members]
    arrived = sorted(articles, key=lambda article: (min(article.at, now), article.id))
    new = [(article, _read(article)) for article in arrived if article.id not in homes]
    # All are counted before the first is weighed, so that nothing depends on who came first.
    for document in (*(row[2] for row in members), *(document for _, document in new)):
        grouper.count(document)
    for story, member, document in members:
        grouper.remember(document, member.title, at=member.at, story_id=story.id)
    placed = {article.id: grouper.settle(article, document) for article, document in new}
    return [
        placed.get(article.id)
        or Placed(article=article, story_id=homes[article.id], opens=False, evidence="was in it before")
        for article in arrived
    ]


def _read(article: Article) -> Document:
    return likeness.read(article.title, article.summary, article.text[: likeness.LEAD_CHARS], article.language)


def _read_member(story: Story, member: Member) -> Document:
    return likeness.read(member.title, member.summary, "", member.language or story.language)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Item:
    """An article that is remembered: read, weighed and placed."""

    story_id: str
    title: str
    document: Document
    vector: dict[str, float]
    looked_up: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Group:
    """A story as grouping keeps it. `items[0]` is the lead."""

    first_at: datetime
    last_at: datetime
    items: list[_Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    near: _Item
    alike: float
    joins: bool
    is_copy: bool = False


def _said(match: _Match | None) -> str:
    """The evidence for a place, in words."""
    if match is None:
        return "nothing like it"
    title = clean_line(match.near.title, 80)
    if match.is_copy:
        return f"copy of “{title}”"
    if not match.joins and match.alike >= ALIKE:
        return f"{match.alike:.2f} to “{title}”, but another event by its form, names or numbers"
    return f"{match.alike:.2f} to “{title}”"


class Grouper:
    """Places articles one after another; keeps those of the window, with an index by their weightiest words."""

    def __init__(self, window: timedelta = WINDOW) -> None:
        self._window = window
        self._frequency: dict[tuple[str, str], int] = {}
        self._counted: dict[str, int] = {}
        self._index: dict[tuple[str, str], deque[_Item]] = {}
        self._groups: dict[str, _Group] = {}
        self._ends: list[tuple[datetime, str]] = []

    def add(self, article: Article) -> str:
        """Place `article`, which comes in order of time, and give its story's id: that of the story's first article."""
        document = _read(article)
        self.count(document)
        return self.settle(article, document).story_id

    def count(self, document: Document) -> None:
        """Count the words of a document that will be placed or remembered."""
        language = document.language
        self._counted[language] = self._counted.get(language, 0) + 1
        for stem, _ in document.stems:
            self._frequency[language, stem] = self._frequency.get((language, stem), 0) + 1

    def remember(self, document: Document, title: str, *, at: datetime, story_id: str) -> None:
        """Take in an article whose place is known; a story's lead first."""
        self._keep(self._item(document, title, story_id), at)

    def settle(self, article: Article, document: Document) -> Placed:
        """Place an article that was counted, and say why."""
        self._forget(article.at)
        item = self._item(document, article.title, article.id)
        match = self._nearest(item, article.at)
        if match is None or not match.joins:
            self._keep(item, article.at)
            return Placed(article=article, story_id=article.id, opens=True, evidence=_said(match))
        self._keep(replace(item, story_id=match.near.story_id), article.at)
        return Placed(article=article, story_id=match.near.story_id, opens=False, evidence=_said(match))

    def _item(self, document: Document, title: str, story_id: str) -> _Item:
        language, total = document.language, self._counted.get(document.language, 0) + _SMOOTHING

        def rarity(stem: str) -> float:
            return math.log(1.0 + total / (self._frequency.get((language, stem), 0) + 1.0))

        vector = likeness.vector(document, rarity)
        heaviest = heapq.nsmallest(_LOOKED_UP, vector, key=lambda stem: (-vector[stem], stem))
        return _Item(story_id=story_id, title=title, document=document, vector=vector, looked_up=tuple(heaviest))

    def _keep(self, item: _Item, at: datetime) -> None:
        group = self._groups.get(item.story_id)
        if group is None:
            self._groups[item.story_id] = _Group(first_at=at, last_at=at, items=[item])
            heapq.heappush(self._ends, (at + self._window, item.story_id))
        else:
            group.first_at, group.last_at = min(group.first_at, at), max(group.last_at, at)
            group.items.append(item)
        for stem in item.looked_up:
            self._index.setdefault((item.document.language, stem), deque(maxlen=_POSTINGS)).append(item)

    def _forget(self, at: datetime) -> None:
        """Let go of stories that ended more than a window ago (late articles can still join younger ones)."""
        while self._ends and self._ends[0][0] + self._window < at:
            _, story_id = heapq.heappop(self._ends)
            group = self._groups[story_id]
            if group.last_at + self._window * 2 >= at:
                heapq.heappush(self._ends, (group.last_at + self._window, story_id))
                continue
            del self._groups[story_id]
            self._unlist(group)

    def _unlist(self, group: _Group) -> None:
        for item in group.items:
            for stem in item.looked_up:
                key = (item.document.language, stem)
                left = self._index.get(key, deque())
                if item in left:  # a full list has let go of its oldest before
                    left.remove(item)
                    if not left:
                        del self._index[key]

    def _nearest(self, item: _Item, at: datetime) -> _Match | None:
        """The item whose story is joined, else the most alike one."""
        ranked = self._candidates(item, at)
        for other, alike in ranked:
            if alike >= COPY_LEAST and likeness.is_copy(item.document, other.document):
                return _Match(near=other, alike=alike, joins=True, is_copy=True)
        refused: set[str] = set()
        for other, alike in ranked:
            if alike < ALIKE:
                break
            if other.story_id not in refused and self._belongs(item, other, alike):
                return _Match(near=other, alike=alike, joins=True)
            refused.add(other.story_id)
        return _Match(near=ranked[0][0], alike=ranked[0][1], joins=False) if ranked else None

    def _belongs(self, item: _Item, near: _Item, alike: float) -> bool:
        one, other = item.document, near.document
        if one.is_roundup or other.is_roundup or not likeness.headlines_agree(one, other):
            return False
        if not likeness.share_enough(one, other):
            return False
        if alike < CLASHING and (likeness.numbers_clash(one, other) or likeness.names_clash(one, other)):
            return False
        items = self._groups[near.story_id].items
        if likeness.cosine(item.vector, items[0].vector) < NOT_UNLIKE_LEAD:
            return False
        compared = (items[0], near, *items[1:][-_MEMBERS_COMPARED:])
        return not any(likeness.differ_in_a_slot(one, member.document) for member in compared)

    def _candidates(self, item: _Item, at: datetime) -> list[tuple[_Item, float]]:
        """The most alike items of living stories, the nearest first."""
        language, visits = item.document.language, 0
        sums: dict[_Item, float] = {}
        lists = [(len(found), stem, found) for stem in item.looked_up if (found := self._index.get((language, stem)))]
        for size, stem, found in sorted(lists, key=lambda row: row[:2]):
            if sums and visits + size > _VISITS:
                break
            visits += size
            weight = item.vector[stem]
            for other in found:
                sums[other] = sums.get(other, 0.0) + weight * other.vector[stem]
        living = [(other, part) for other, part in sums.items() if self._is_living(other, at)]
        likeliest = heapq.nlargest(_CANDIDATES, living, key=lambda row: row[1])
        exact = [(other, likeness.cosine(item.vector, other.vector)) for other, _ in likeliest]
        return sorted(exact, key=lambda row: (-row[1], row[0].story_id, row[0].title))

    def _is_living(self, item: _Item, at: datetime) -> bool:
        group = self._groups[item.story_id]
        return group.first_at - self._window <= at <= group.last_at + self._window
