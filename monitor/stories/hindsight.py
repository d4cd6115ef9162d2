"""Which affair does a headline belong to, now that the headlines after it are known? Pure.

For a file of headlines, where nobody waits for the answer to each. `grouping` must place an article at once and never
moves it, and so loses the beginning of an affair, which is none before many have reported it. Here every headline is
held until some hundreds have come after it, and gets its story then. Alerts are never grouped so: they can't wait, and
an affair is more than one event.

The reasoning:

- An affair is known by its words: each counts by how much likelier it is in the affair's headlines than elsewhere; that
  is the rest of the window and, for the words of every day, a table (`everyday.tsv`).
- One word speaks louder than all the rest: the name that everybody uses. So the strongest counts several times. Words
  that the affair never used speak against it.
- A headline goes to the affair that has most to say for itself, if that is enough. What many tell gets more headlines:
  the larger an affair, the less a headline needs.
- Two affairs whose headlines fit each other become one. Where many headlines that have found nothing yet speak of one
  name, the name is what they are about.
- Only an affair of many headlines is a story; in a smaller one each keeps the story of its event.
- Forms filled in ("site 12 blocked") make no affair.

Rejected ways stand in docs/design/when-do-headlines-tell-one-affair.md.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources

from monitor.model import Article
from monitor.stories import affairs, agreement, grouping
from monitor.stories.likeness import Document
from monitor.stories.stream import Read, Stream
from monitor.stories.wordlists import WEEKDAYS

HELD = 500
"""Headlines that must have come after one before its story is given."""
MANY = 8
"""Headlines from which an affair is a story."""
SPAN = timedelta(days=14)
"""An affair takes no more after this, however often it is told."""

# Points are natural logarithms of how much likelier. This and all below was fixed on our own headlines, half of which
# were held out (docs/design/when-do-headlines-tell-one-affair.md).
FITS = 12.0
FITS_ONE = 15.0
"""What a headline needs to begin an affair with a single other."""
FITS_AFFAIR = 18.0
"""What most headlines of one affair need to be of another."""
MOST = 0.6
_STRONGEST = 2.5
_NEVER_USED = 2.0
_TELLING = 1.5
_FOR_SIZE = 2.0
"""So often the logarithm of an affair's size speaks for it."""
_SIZE_COUNTS = 30
"""Above this size an affair has no more for it: it would draw in all that is told beside it."""
_SMOOTHING = 500.0
"""So many headlines more stand beside those of the window: a word told twice among few others is not usual for it."""
_RARE = 2e-3
"""No word is rarer than this elsewhere, else any odd one of two headlines would be a name."""

_NAMED_BY = 4
_SMALL = 3
_OF_THE_NAME = 0.5
_COMPARED = 8
_FORMS_COMPARED = 6
_CANDIDATES = 8
_MERGED = 4
_VISITS = 300
"""Affairs that are looked at for a headline, those with its rarest words first."""
_FORGET_EVERY = 256

_Key = tuple[str, str]
_Known = tuple[str, int, float]
"""A stem, in how many headlines of the window it stands, and how usual it is anyway: 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headline:
    """A headline that is remembered; `story_id` is that of its event."""

    document: Document
    stems: tuple[str, ...]
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A headline's words as they were counted: all, those with a capital inside a sentence, those without any."""

    at: datetime
    language: str
    stems: tuple[str, ...]
    named: tuple[str, ...]
    unnamed: tuple[str, ...]

    def tallies(self, *counters: Counter[_Key]) -> Iterator[tuple[tuple[str, ...], Counter[_Key]]]:
        """Pair all, named and unnamed words with their counters."""
        return zip((self.stems, self.named, self.unnamed), counters, strict=True)


@dataclass(slots=True, kw_only=True, eq=False)
class _Affair:
    """Headlines that share their words. `home`: the story it makes, "" before its first headline was given one."""

    number: int
    language: str
    first_at: datetime
    last_at: datetime
    headlines: list[_Headline] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    stems: Counter[str] = field(default_factory=Counter)
    home: str = ""

    @property
    def size(self) -> int:
        return len(self.headlines)

    def add(self, headline: _Headline) -> None:
        """Take in a headline; one that was told word for word before says nothing new."""
        if headline.document.headline not in self.told:
            self.told.add(headline.document.headline)
            self.headlines.append(headline)
            self.stems.update(headline.stems)


class Hindsight:
    """Gives articles their stories some hundreds of articles later; they come in order of time."""

    def __init__(self, window: timedelta = grouping.WINDOW, *, held: int = HELD) -> None:
        self._stream = Stream(window, follows_affairs=False)
        self._window = window
        self._held = held
        self._waiting: deque[tuple[str, str]] = deque()
        self._affairs: dict[int, _Affair] = {}
        self._of_story: dict[str, _Affair] = {}
        self._index: dict[_Key, dict[int, None]] = {}
        self._frequency: Counter[_Key] = Counter()
        self._counted: Counter[str] = Counter()
        self._order: deque[_Counted] = deque()
        self._named: Counter[_Key] = Counter()
        self._unnamed: Counter[_Key] = Counter()
        self._came = 0

    def add(self, article: Article, read: Read | None = None) -> Iterator[tuple[str, str]]:
        """Take in `article` and yield (article's id, story's id) of what is decided by now, in order of arrival.

        `read`: what `stream.read` gave for it, where somebody has read it.
        """
        read = read or Read(document=grouping.read_once(article))
        document = read.document
        story_id = self._stream.add(article, read)
        if document.is_bare and document.title and not document.is_roundup:
            self._take_in(document, article.at, story_id)
        self._waiting.append((article.id, story_id))
        while len(self._waiting) > self._held:
            yield self._decided()

    def rest(self) -> Iterator[tuple[str, str]]:
        """Yield what is still held, by what is known now."""
        while self._waiting:
            yield self._decided()

    def _decided(self) -> tuple[str, str]:
        article_id, story_id = self._waiting.popleft()
        affair = self._of_story.get(story_id)
        if affair is None or affair.size < MANY or affairs.is_topic(affair.size, affair.last_at - affair.first_at):
            return article_id, story_id
        affair.home = affair.home or story_id
        return article_id, affair.home

    # ── finding an affair ─────────────────────────────────────────────────────────────────────────

    def _take_in(self, document: Document, at: datetime, story_id: str) -> None:
        self._forget(at)
        language, stems = document.language, tuple(sorted(set(document.title)))
        self._count(document, at, stems)
        headline = _Headline(document=document, stems=stems, story_id=story_id)
        fitting = self._fitting(headline, at)
        affair = self._of_story.get(story_id) or (fitting[0] if fitting else None)
        if affair is None or affair.number not in self._affairs:
            affair = _Affair(number=self._came, language=language, first_at=at, last_at=at)
            self._affairs[affair.number] = affair
        self._keep(affair, headline, at)
        for other in fitting[:_MERGED]:
            if other is not affair and other.number in self._affairs and self._are_one(affair, other):
                affair = self._merged(affair, other)
        if affair.size < _SMALL:
            self._gather_by_name(affair, stems)

    def _fitting(self, headline: _Headline, at: datetime) -> list[_Affair]:
        """The affairs that a headline may belong to, the best first."""
        language = headline.document.language
        hits: dict[int, float] = {}
        lists = [found for stem in headline.stems if (found := self._index.get((language, stem)))]
        visits = 0
        for found in sorted(lists, key=len):
            visits += len(found)
            if hits and visits > _VISITS:
                break
            weight = 1.0 / math.sqrt(len(found))
            for number in found:
                hits[number] = hits.get(number, 0.0) + weight
        likeliest = heapq.nsmallest(_CANDIDATES, hits, key=lambda number: (-hits[number], number))
        known = self._known(headline)
        rows = []
        for number in likeliest:
            affair = self._affairs[number]
            if at - affair.last_at > self._window or at - affair.first_at > SPAN:
                continue
            points = self._points(known, affair)
            if points >= (FITS if affair.size > 1 else FITS_ONE) and not _is_form(headline, affair):
                rows.append((-points, number))
        return [self._affairs[number] for _, number in sorted(rows)]

    def _known(self, headline: _Headline) -> list[_Known]:
        """What is known of a headline's words, whatever affair it is held against."""
        language = headline.document.language
        everyday = _everyday().get(language, {})
        return [(stem, self._frequency[language, stem], everyday.get(stem, 0.0) + _RARE) for stem in headline.stems]

    def _points(self, known: Sequence[_Known], affair: _Affair, of: _Affair | None = None) -> float:
        """What speaks for a headline's being of an affair. `of`: the affair it is of, which is no stranger."""
        own, stems = affair.size, affair.stems
        strangers = max(0, self._counted[affair.language] - own - (of.size if of else 1)) + _SMOOTHING
        total = strongest = 0.0
        for stem, frequency, everyday in known:
            count = stems.get(stem, 0)
            if not count:
                total -= _NEVER_USED
                continue
            foreign = frequency - count - (of.stems[stem] if of else 1)
            elsewhere = max(foreign / strangers, everyday)
            points = math.log(count / (own + 0.5) / elsewhere)
            if points > 0:
                total += points
                strongest = max(strongest, points)
        if strongest < _TELLING:
            return -math.inf
        return total + _STRONGEST * strongest + _FOR_SIZE * math.log(min(own, _SIZE_COUNTS))

    # ── affairs become one ────────────────────────────────────────────────────────────────────────

    def _are_one(self, one: _Affair, other: _Affair) -> bool:
        """Say whether most headlines of the smaller affair fit the larger."""
        large, small = (one, other) if one.size >= other.size else (other, one)
        latest = small.headlines[-_COMPARED:]
        fitting = sum(self._points(self._known(headline), large, small) >= FITS_AFFAIR for headline in latest)
        return fitting >= max(1.0, MOST * len(latest))

    def _merged(self, one: _Affair, other: _Affair) -> _Affair:
        large, small = (one, other) if one.size >= other.size else (other, one)
        for headline in small.headlines:
            self._keep(large, headline, small.last_at)
        for story_id, affair in [(row.story_id, self._of_story.get(row.story_id)) for row in small.headlines]:
            if affair is small:
                self._of_story[story_id] = large
        large.first_at = min(large.first_at, small.first_at)
        large.home = large.home or small.home
        self._drop(small)
        return large

    def _gather_by_name(self, affair: _Affair, stems: Sequence[str]) -> None:
        """Make one affair of the small ones that speak of one name and share another word with each other."""
        best: list[_Affair] = []
        best_count = 0
        for stem in stems:
            if not self._is_name(affair.language, stem):
                continue
            holders = [self._affairs[number] for number in self._index.get((affair.language, stem), {})]
            small = _cohering([one for one in holders if one.size <= _SMALL], stem)
            count = sum(one.stems[stem] for one in small)
            is_enough = count >= max(_NAMED_BY, _OF_THE_NAME * sum(one.stems[stem] for one in holders))
            if affair in small and is_enough and count > best_count:
                best, best_count = small, count
        for other in best[1:]:
            best[0] = self._merged(best[0], other)

    def _is_name(self, language: str, stem: str) -> bool:
        """Say whether a word stands with a capital inside sentences, and hardly ever without."""
        named, unnamed = self._named[language, stem], self._unnamed[language, stem]
        return named >= 2 and 5 * unnamed <= named and stem not in WEEKDAYS

    # ── memory ────────────────────────────────────────────────────────────────────────────────────

    def _count(self, document: Document, at: datetime, stems: tuple[str, ...]) -> None:
        counted = _Counted(
            at=at,
            language=document.language,
            stems=stems,
            named=tuple(stem for stem in stems if document.cased and stem in document.names),
            unnamed=tuple(stem for stem in stems if document.cased and stem not in document.capitals),
        )
        self._order.append(counted)
        self._counted[counted.language] += 1
        for tally, counts in counted.tallies(self._frequency, self._named, self._unnamed):
            for stem in tally:
                counts[counted.language, stem] += 1

    def _keep(self, affair: _Affair, headline: _Headline, at: datetime) -> None:
        affair.add(headline)
        affair.last_at = max(affair.last_at, at)
        self._of_story[headline.story_id] = affair
        for stem in headline.stems:
            self._index.setdefault((affair.language, stem), {})[affair.number] = None

    def _drop(self, affair: _Affair) -> None:
        for stem in affair.stems:
            found = self._index[affair.language, stem]
            del found[affair.number]
            if not found:
                del self._index[affair.language, stem]
        del self._affairs[affair.number]

    def _forget(self, at: datetime) -> None:
        """Let go of what came more than the window before `at`."""
        while self._order and at - self._order[0].at > self._window:
            old = self._order.popleft()
            self._counted[old.language] -= 1
            for tally, counts in old.tallies(self._frequency, self._named, self._unnamed):
                for stem in tally:
                    counts[old.language, stem] -= 1
                    if not counts[old.language, stem]:
                        del counts[old.language, stem]
        self._came += 1
        if self._came % _FORGET_EVERY:
            return
        for affair in [one for one in self._affairs.values() if at - one.last_at > self._window]:
            self._drop(affair)
        waiting = {story_id for _, story_id in self._waiting}
        self._of_story = {
            story_id: affair
            for story_id, affair in self._of_story.items()
            if affair.number in self._affairs or story_id in waiting
        }


def _cohering(affairs: Sequence[_Affair], name: str) -> list[_Affair]:
    """Those that share a word with another, besides the name."""
    holders = Counter(stem for affair in affairs for stem in affair.stems)
    return [one for one in affairs if any(holders[stem] > 1 and stem != name for stem in one.stems)]


def _is_form(headline: _Headline, affair: _Affair) -> bool:
    """Say whether a headline is the form that most of an affair's latest are, filled in otherwise."""
    latest = affair.headlines[-_FORMS_COMPARED:]
    forms = sum(agreement.differ_in_a_slot(headline.document, other.document) for other in latest)
    return 2 * forms > len(latest)


@functools.lru_cache(maxsize=1)
def _everyday() -> dict[str, dict[str, float]]:
    """How often headlines of a language use a stem that many of them use: 0..1."""
    rates: dict[str, dict[str, float]] = {}
    table = resources.files("monitor.stories").joinpath("everyday.tsv").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            language, in_ten_thousand, stems = line.split("\t")
            rates.setdefault(language, {}).update(dict.fromkeys(stems.split(), int(in_ten_thousand) / 10_000))
    return rates
