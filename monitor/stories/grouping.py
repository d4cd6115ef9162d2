"""Same event? Decides which story an article belongs to, or that it opens one.

Pure: recent stories come in, places go out. It never changes a place once given, so a story's id can stand in
a message that was sent. The order in which a poll lists its articles changes nothing: they are sorted by time
first.

The reasoning. To put two events into one story is the worse error: the second is never announced. To tell one
event twice costs a reader some seconds. So everything below leans towards "another story":

- One address is one article, whatever its headline has become, and however long ago it was seen.
- A copy of a text joins at once: word for word under another headline or masthead, or reworded.
- Two articles are alike by the cosine of their TF-IDF vectors (`stories.likeness`): headline thrice, names and numbers
  weighted up. How rare a word is, is counted over the articles of the window themselves, with smoothing, because in a
  watch where every item is about exile and arrest those words say nothing.
- An article joins a story if it is alike to one of its members **and** not unlike its lead: with the nearest member
  alone, a chain of follow-ups would drag a story from one event to the next; with the lead alone, the third day of a
  story would be a new one; and the last arrival is just the one most likely to have drifted.
- Where one of two has only a headline, each headline must say what the other says, turn for turn: "attacked" and "man
  arrested over attack" are two (`stories.turns`).
- Headlines that are one form filled in twice (another number, another name in one place) are different stories, however
  alike. Headlines that count and agree in no number, or texts that name nobody in common, must be much more alike.
- What many report at once is an affair, and takes headlines that follow it by looser likeness (`stories.affairs`); an
  article with a summary says enough to be judged by itself.
- Live blogs, digests and round-ups speak of many events. They would glue them together, so they join nothing and
  nothing joins them, but copies of the same one.
- Only one language: a translation shares no words. What joins across languages comes after this, from facts.
- Only within a window (four days): the same words a month later are another event.

Rejected: k-means and other batch clustering (a story would change after it was sent); MinHash alone (finds
copies, not the second newsroom's words); sentence embeddings (half a gigabyte of model, and a score that
nobody can explain); comparing with the last arrival only.

Cost: an article is compared with at most some dozens of recent articles that share its rarest words, so it
grows with the recent stories' number of those, never with the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import Article, Facts, Member, Placed, Story
from monitor.stories import affairs, agreement, crosslingual, likeness
from monitor.stories.addresses import Addresses
from monitor.stories.likeness import Document
from monitor.stories.window import Item, Near, Window
from monitor.text import canonical_url, clean_line, tokens

WINDOW = timedelta(days=4)
COPY_WINDOW = timedelta(days=30)
"""A text that comes again word for word is a copy for so long; nothing else joins after the window."""
ALIKE = 0.50
"""From here an article is about the event of a story's member (fixed on the pairs in tests/stories_parts.py)."""
ALIKE_BY_NAMES = 0.42
"""From here, if two names or more stand in both headlines."""
NOT_UNLIKE_LEAD = 0.20
CLASHING = 0.68
"""From here even texts that share no name, or count differently, are one event."""
COPY_LEAST = 0.30
_CANDIDATES = 16
_MEMBERS_COMPARED = 40


def place(
    articles: Sequence[Article],
    stories: Sequence[Story],
    *,
    now: datetime,
    window: timedelta = WINDOW,
    facts: Mapping[str, Facts] | None = None,
    across_languages: bool = True,
) -> list[Placed]:
    """Give every article its place among `stories`, in order of time: whoever opens a story comes before its others.

    An article that is a member of a story already keeps its place. Stories silent for longer than `window`
    before an article are not joined. `now` bounds dates from the future. `facts`: of articles by id; what opens a story
    and has facts may join one in another language by them (`stories.crosslingual`), unless `across_languages` is off.
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
    whole: dict[str, str] = {}
    for story, member, document in members:
        part = _part(story, document)
        whole[part] = story.id
        grouper.remember(document, member, story_id=part)
    placed = {article.id: grouper.settle(article, document) for article, document in new}
    found = [
        placed.get(article.id)
        or Placed(article=article, story_id=homes[article.id], opens=False, evidence="was in it before")
        for article in arrived
    ]
    found = [replace(place, story_id=whole.get(place.story_id, place.story_id)) for place in found]
    return crosslingual.rejoined(found, stories, facts, now=now) if across_languages and facts else found


def _part(story: Story, document: Document) -> str:
    """The id under which words are compared: a story that is told in several languages has a lead in each."""
    lead = _read_member(story, story.members[0]).language
    return story.id if document.language == lead else f"{story.id} {document.language}"


def _read(article: Article) -> Document:
    return likeness.read(article.title, article.summary, article.text[: likeness.COPY_CHARS], article.language)


def read_once(article: Article) -> Document:
    """Read an article that will be placed now and not asked for again."""
    return likeness.read_once(article.title, article.summary, article.text[: likeness.COPY_CHARS], article.language)


def _read_member(story: Story, member: Member) -> Document:
    return likeness.read(member.title, member.summary, "", member.language or story.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """A story to join, "" for none, and why: what is `said` of the article or story `title`, what is `added`."""

    story_id: str
    said: str
    title: str = ""
    added: str = ""

    @property
    def evidence(self) -> str:
        """In words. Made only where somebody reads it."""
        return f"{self.said} “{clean_line(self.title, 80)}”{self.added}" if self.title else self.said


class Grouper:
    """Places articles one after another; remembers those of the window.

    `follows_affairs`: whether headlines alone join the affair that they follow (`stories.affairs`).
    """

    def __init__(self, window: timedelta = WINDOW, *, follows_affairs: bool = True) -> None:
        self._follows_affairs = follows_affairs
        self._window = Window(window, max(window, COPY_WINDOW), _MEMBERS_COMPARED)
        self._addresses = Addresses()

    def add(self, article: Article, document: Document | None = None) -> str:
        """Place `article`, which comes in order of time, and give its story's id: that of the story's first article.

        `document`: what `read_once` read of it, where somebody has.
        """
        document = document or read_once(article)
        self.count(document)
        return self._settle(article, document)[0]

    def place_one(self, article: Article) -> Placed:
        """Place `article`, which comes in order of time, and say why."""
        document = read_once(article)
        self.count(document)
        return self.settle(article, document)

    def count(self, document: Document) -> None:
        """Count the words of a document that will be placed or remembered."""
        self._window.count(document)

    def remember(self, document: Document, member: Member, *, story_id: str) -> None:
        """Take in a counted article whose place is known; a story's lead first."""
        url = canonical_url(member.url)
        item = self._window.weighed(document, title=member.title, host=_host(url), at=member.at, story_id=story_id)
        self._window.keep(item)
        self._addresses.remember(url, document, title=member.title, feed=member.feed, story_id=story_id)

    def settle(self, article: Article, document: Document) -> Placed:
        """Place an article that was counted, and say why."""
        story_id, match = self._settle(article, document)
        return Placed(article=article, story_id=story_id, opens=not match.story_id, evidence=match.evidence)

    def _settle(self, article: Article, document: Document) -> tuple[str, _Match]:
        self._window.forget(article.at)
        url = canonical_url(article.url)
        item = self._window.weighed(document, title=article.title, host=_host(url), at=article.at, story_id=article.id)
        match = self._same_address(url, document, article.feed) or self._copied(item) or self._told(item)
        story_id = match.story_id or article.id
        self._window.keep(replace(item, story_id=story_id) if match.story_id else item)
        self._addresses.remember(url, document, title=article.title, feed=article.feed, story_id=story_id)
        return story_id, match

    def _same_address(self, url: str, document: Document, feed: str) -> _Match | None:
        seen = self._addresses.find(url, document, feed) if url else None
        if seen is None:
            return None
        return _Match(story_id=seen.story_id, said="same address as", title=seen.title)

    def _copied(self, item: Item) -> _Match | None:
        """The story of an article with the same text, whatever the headlines are."""
        found = self._window.of_one_text(item)
        # A text that one site puts under headlines that have nothing to do with each other is its advertisement.
        is_advertisement = any(
            other.host == item.host
            and likeness.contained(item.document, other.document) >= agreement.SAME_TEXT
            and not agreement.headlines_agree(item.document, other.document)
            for other in found
        )
        for other in found:
            if self._is_copy(item, other, hosts_may_tell=not is_advertisement):
                share = likeness.contained(item.document, other.document)
                added = f": {share:.0%} of the text word for word"
                return _Match(story_id=other.story_id, said="copy of", title=other.title, added=added)
        return None

    @staticmethod
    def _is_copy(item: Item, other: Item, *, hosts_may_tell: bool = False) -> bool:
        one_host = bool(item.host) and item.host == other.host
        hosts_differ = hosts_may_tell and bool(item.host and other.host) and not one_host
        return agreement.is_copy(item.document, other.document, one_host=one_host, hosts_differ=hosts_differ)

    def _told(self, item: Item) -> _Match:
        """The story of the event that an article tells, by its words."""
        near = self._window.alike(item, _CANDIDATES)
        if not near:
            return _Match(story_id="", said="nothing like it")
        for row in near:
            if row.alike >= COPY_LEAST and (self._is_copy(item, row.item) or _is_reworded_elsewhere(item, row.item)):
                return _Match(story_id=row.item.story_id, said="copy of", title=row.item.title)
        for row in self._nearest_of_stories(near):
            if self._belongs(item, row):
                return _Match(story_id=row.item.story_id, said=f"{row.alike:.2f} to", title=row.item.title)
        if self._may_follow(item) and (match := self._of_an_affair(item, near)):
            return match
        added = ", but another event by its form, names, numbers or turn" if near[0].alike >= ALIKE else ""
        return _Match(story_id="", said=f"{near[0].alike:.2f} to", title=near[0].item.title, added=added)

    def _nearest_of_stories(self, near: Sequence[Near]) -> list[Near]:
        """The nearest article of each story, where it is alike."""
        first: dict[str, Near] = {}
        for row in near:
            if row.alike >= ALIKE_BY_NAMES:
                first.setdefault(row.item.story_id, row)
        return list(first.values())

    def _may_follow(self, item: Item) -> bool:
        # A summary says enough to be judged by itself.
        return self._follows_affairs and item.document.is_bare and not item.document.is_roundup

    def _of_an_affair(self, item: Item, near: Sequence[Near]) -> _Match | None:
        if affair := affairs.followed(item, near, self._window):
            said, others = "follows the affair", ""
        elif affair := affairs.begun(item, near):
            said, others = "one affair with", " and others"
        else:
            return None
        lead = self._window.groups[affair.story_id].lead.title
        added = f"{others}: {_shared(item, affair.shared)}"
        return _Match(story_id=affair.story_id, said=said, title=lead, added=added)

    def _belongs(self, item: Item, near: Near) -> bool:
        one, other = item.document, near.item.document
        if one.is_roundup or other.is_roundup or not agreement.headlines_agree(one, other):
            return False
        if near.alike < ALIKE and agreement.names_shared(one, other) < 2:
            return False
        if not agreement.share_enough(one, other):
            return False
        if (one.is_bare or other.is_bare) and not agreement.says_the_same(one, other):
            return False
        if near.alike < CLASHING and self._clash(one, other):
            return False
        group = self._window.groups[near.item.story_id]
        if item.alike(group.lead) < NOT_UNLIKE_LEAD:
            return False
        compared = (group.lead, near.item, *group.latest)
        return not any(agreement.differ_in_a_slot(one, member.document) for member in compared)

    @staticmethod
    def _clash(one: Document, other: Document) -> bool:
        return (
            agreement.numbers_clash(one, other)
            or agreement.names_clash(one, other)
            or agreement.names_swapped(one, other)
        )


def _is_reworded_elsewhere(item: Item, other: Item) -> bool:
    """Say whether two sites have one text in other words. Word for word may be an advertisement."""
    hosts_differ = bool(item.host and other.host) and item.host != other.host
    one, against = item.document, other.document
    if not hosts_differ or likeness.contained(one, against) >= agreement.SAME_TEXT:
        return False
    return not agreement.differ_in_a_slot(one, against) and agreement.is_reworded(one, against)


def _host(url: str) -> str:
    return url.split("/", 3)[2] if url else ""


def _shared(item: Item, stems: Sequence[str]) -> str:
    """The words of a headline or text behind `stems`, as they stand there, the first four."""
    words: dict[str, str] = {}
    for token in tokens(item.title):
        words.setdefault(likeness.stem_of(token), token)
    return ", ".join(words.get(stem, stem) for stem in stems[:4])
