"""Stored articles through the pure part again: what would have been alerted, and what would differ?

Reads the store and changes nothing. Fetching, identity and delivery are left out; scoring, verdicts and grouping are
the ones that run live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from classifiers import Classifier, Text
from monitor.alerts import policy
from monitor.model import Article, Decision, Feed
from monitor.store import Store
from monitor.stories.stream import Stream

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One article then and now. `story`: id of its story, empty for a dropped article; `evidence`: why it is that."""

    id: str
    title: str
    score_was: float
    score_would: float
    was: str
    would: str
    story: str
    evidence: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """An article that would join a story: the evidence, in words, and the title of the story's lead."""

    id: str
    title: str
    story: str
    lead: str
    evidence: str

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole replay. `alerts` counts stories; `merges` are the articles that would join another's story."""

    articles: int
    alerts: int
    rows: tuple[Row, ...]
    merges: tuple[Merge, ...]


def replay(
    store: Store, classifier: Classifier, *, feeds: Mapping[str, Feed], rules: policy.Rules, since: datetime
) -> Report:
    """Replay the articles first seen since `since`, in order of time."""
    verdicts = {row["id"]: row for row in store.export("articles", since=since)}
    stream = Stream(may_meet=lambda _title, _summary: True)  # all that is placed matters
    leads: dict[str, str] = {}
    alerted: set[str] = set()
    rows: list[Row] = []
    merges: list[Merge] = []
    for article, value, decided in _ruled(store, classifier, feeds, rules, since):
        story = evidence = ""
        if decided is not Decision.DROP:
            placed = stream.place_one(article)
            story, evidence = placed.story_id, placed.evidence
            lead = leads.setdefault(story, article.title)
            if not placed.opens:
                merges.append(Merge(id=article.id, title=article.title, story=story, lead=lead, evidence=evidence))
            if decided is Decision.ALERT:
                alerted.add(story)
        then = verdicts[article.id]
        rows.append(
            Row(
                id=article.id,
                title=article.title,
                score_was=float(then["score"] or 0.0),
                score_would=value,
                was=str(then["verdict"]),
                would=decided.value,
                story=story,
                evidence=evidence,
            )
        )
    return Report(articles=len(rows), alerts=len(alerted), rows=tuple(rows), merges=tuple(merges))


def _ruled(
    store: Store, classifier: Classifier, feeds: Mapping[str, Feed], rules: policy.Rules, since: datetime
) -> Iterator[tuple[Article, float, Decision]]:
    batch: list[Article] = []
    for article in store.articles(since):
        batch.append(article)
        if len(batch) == _BATCH:
            yield from _rule(batch, classifier, feeds, rules)
            batch = []
    yield from _rule(batch, classifier, feeds, rules)


def _rule(
    batch: list[Article], classifier: Classifier, feeds: Mapping[str, Feed], rules: policy.Rules
) -> Iterator[tuple[Article, float, Decision]]:
    texts = [Text(title=a.title, summary=a.summary, text=a.text, language=a.language) for a in batch]
    for article, score in zip(batch, classifier.score(texts) if texts else [], strict=True):
        feed = feeds.get(article.feed, Feed(url=article.feed))
        yield article, score.value, policy.verdict(score, article, feed, rules).decision
