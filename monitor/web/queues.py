"""Which article is reviewed next? Pure: what was decided and what people said come in, an order goes out.

    alerts   what was alerted, newest first: was it right?
    near     what missed the alert threshold by little, nearest first
    sample   dropped articles drawn at random: the only way to learn what is missed without knowing it
    split    articles on which raters disagree

A story is shown by its highest article, so that nobody judges copies. How the sample is drawn: `digest.sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.digest.missed import Missed
from monitor.digest.sample import Labels, Vote, drawn, is_decided, missed_of, vote
from monitor.digest.select import Week
from monitor.model import Decision, Feed, Label, LabelValue
from monitor.store.review import Glance

LATELY = timedelta(days=14)
MOST = 500
"""A longer queue is nobody's."""


class Queue(StrEnum):
    """The queues, as addresses and tabs name them."""

    ALERTS = "alerts"
    NEAR = "near"
    SAMPLE = "sample"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which score an article of a feed is an alert, and how far below it is a near miss."""

    alert_at: float
    band: float
    feeds: Mapping[str, Feed]

    def of(self, feed: str) -> float:
        """The threshold of `feed`."""
        own = self.feeds[feed].alert_at if feed in self.feeds else None
        return self.alert_at if own is None else own


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekSample:
    """What was drawn of the `dropped` articles of a week, in the order in which it is to be labelled."""

    week: str
    dropped: int
    drawn: tuple[Glance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekMissed:
    """What a week's sample says so far. `drawn` articles are in it."""

    week: str
    drawn: int
    missed: Missed


def is_split(labels: Sequence[Label]) -> bool:
    """Whether as many raters say that it is relevant as that it is not, and some do."""
    return vote(labels) is Vote.UNSURE and any(map(is_decided, labels))


# ── the queues ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that may be reviewed. `siblings`: the articles of its story, itself among them."""

    id: str
    siblings: tuple[str, ...]


def candidates(
    kind: Queue,
    glances: Sequence[Glance],
    *,
    thresholds: Thresholds,
    draw: Callable[[Sequence[Glance]], Sequence[Glance]],
    now: datetime,
) -> tuple[Candidate, ...]:
    """What a queue holds whatever was labelled, in order. `draw` chooses the sample; `SPLIT` comes of labels alone."""
    if kind is Queue.SAMPLE:
        return tuple(Candidate(id=one.id, siblings=(one.id,)) for one in draw(glances))
    lately = [one for one in glances if one.at >= now - LATELY]
    if kind is Queue.ALERTS:
        chosen = [one for one in lately if one.decision is Decision.ALERT]
        chosen.sort(key=lambda one: one.at, reverse=True)
    elif kind is Queue.NEAR:
        chosen = [one for one in lately if one.decision is not Decision.ALERT and one.recent]
        chosen = [one for one in chosen if 0 < thresholds.of(one.feed) - one.score <= thresholds.band]
        chosen.sort(key=lambda one: (thresholds.of(one.feed) - one.score, one.id))
    else:
        return ()
    return tuple(_by_story(chosen, lately))


def still_open(kind: Queue, found: Sequence[Candidate], labels: Labels, *, rater: str) -> tuple[str, ...]:
    """Ids of the articles that `rater` is to see, in order; at most MOST."""
    if kind is Queue.SPLIT:
        contested = [article_id for article_id, said in labels.items() if is_split(said)]
        return tuple(sorted(contested, key=lambda one: labels[one][-1].at, reverse=True))[:MOST]
    if kind is Queue.SAMPLE:
        return tuple(one.id for one in found if not labels.get(one.id))[:MOST]
    known = {article_id for article_id, said in labels.items() if any(label.rater == rater for label in said)}
    return tuple(one.id for one in found if known.isdisjoint(one.siblings))[:MOST]


def _by_story(chosen: Sequence[Glance], lately: Iterable[Glance]) -> Iterator[Candidate]:
    """The highest article of each story, where the first of its articles stood; those without a story as they are."""
    best: dict[str, Glance] = {}
    for one in chosen:
        if one.story_id and (one.story_id not in best or one.score > best[one.story_id].score):
            best[one.story_id] = one
    siblings: dict[str, list[str]] = {story: [] for story in best}
    for one in lately:
        if one.story_id in siblings:
            siblings[one.story_id].append(one.id)
    for one in chosen:
        if not one.story_id:
            yield Candidate(id=one.id, siblings=(one.id,))
        elif one.story_id in best:
            yield Candidate(id=best.pop(one.story_id).id, siblings=tuple(siblings[one.story_id]))


# ── the sample ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Draws samples. `key` is secret; `now` tells which weeks there are: this one and the `weeks` before it."""

    key: bytes
    tz: ZoneInfo
    now: datetime
    weeks: int = 4

    def __call__(self, glances: Sequence[Glance]) -> tuple[Glance, ...]:
        """The samples of last week and this one, in the order in which they are to be labelled."""
        return tuple(one for week in self.samples(glances)[1::-1] for one in week.drawn)

    def samples(self, glances: Sequence[Glance]) -> tuple[WeekSample, ...]:
        """The sample of each week that `glances` reach back to, newest week first."""
        found = []
        for name, start, end in self.spans():
            if glances and end <= glances[0].at:
                break
            dropped = _dropped(glances, start, end)
            found.append(WeekSample(week=name, dropped=len(dropped), drawn=tuple(self.sample(dropped))))
        return tuple(found)

    def sample(self, dropped: Sequence[Glance]) -> list[Glance]:
        """A random sample of articles, in a random order; the same one whenever it is asked for."""
        return drawn(dropped, self.key, lambda one: one.id)

    def spans(self) -> list[tuple[str, datetime, datetime]]:
        """Name, beginning and end of each week, this one first."""
        today = self.now.astimezone(self.tz).date()
        weeks = (Week.of(today - timedelta(days=7 * ago)) for ago in range(self.weeks + 1))
        return [(str(week), *week.span(self.tz)) for week in weeks]


def missed_in(sample: WeekSample, labels: Labels) -> WeekMissed:
    """What the labels of a week's sample say was missed."""
    estimate = missed_of(sample.dropped, (one.id for one in sample.drawn), labels)
    return WeekMissed(week=sample.week, drawn=len(sample.drawn), missed=estimate)


def _dropped(glances: Sequence[Glance], start: datetime, end: datetime) -> list[Glance]:
    """What nobody was shown of what was news then."""
    return [one for one in glances if start <= one.at < end and one.decision is Decision.DROP and one.recent]


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTally:
    """What people said of a code that the classifier gave: `kept` as it is, given `otherwise`, or `missed` by it."""

    code: str
    given: int
    judged: int
    kept: int
    otherwise: int
    missed: int


def code_tallies(given: Mapping[str, int], labelled: Mapping[str, Glance], labels: Labels) -> tuple[CodeTally, ...]:
    """Compare the codes of labelled articles with what people said of them; a plain "relevant" keeps the codes.

    `given` counts how often each code was given at all, in the codebook's order; `labelled` are articles by id.
    """
    found = []
    for code, times in given.items():
        kept = otherwise = gone = 0
        for article_id, said in labels.items():
            newest = said[-1] if said else None
            if newest is None or article_id not in labelled or vote(said) is not Vote.RELEVANT:
                continue
            machine, person = labelled[article_id].codes, newest.codes
            if code in machine and not person:
                kept += newest.value is LabelValue.RELEVANT
                otherwise += newest.value is LabelValue.WRONG_CODE
            elif person:
                kept += code in machine and code in person
                otherwise += code in machine and code not in person
                gone += code in person and code not in machine
        found.append(
            CodeTally(
                code=code, given=times, judged=kept + otherwise, kept=kept, otherwise=otherwise, missed=gone
            )
        )  # fmt: skip
    return tuple(found)
