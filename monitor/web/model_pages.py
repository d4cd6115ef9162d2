"""The model: how its scores stand to what people said, and what another threshold would have alerted."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from monitor.digest.sample import Labels, Vote, vote
from monitor.model import Decision, Judged
from monitor.store.review import Glance
from monitor.web.charts import Curve, curve, scatter
from monitor.web.site import Site, page

LATELY = timedelta(days=30)
STEPS = 100
MOST_STORIES = 400
LOWEST = 0.2
"""Stories that scored less are not listed: no sensible threshold lies there."""
_TERMS = 30
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Scores against votes. `relevant` of `labelled` articles are; the curves are empty without either kind."""

    labelled: int
    relevant: int
    precision_recall: Curve | None
    calibration: Curve | None
    bins: tuple[tuple[float, float, int], ...]
    at_threshold: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A story of the last month by its highest article."""

    article_id: str
    score: float
    was: Decision
    vote: Vote | None


def model_page(site: Site, request: Request) -> Response:
    """Show the curves, the top terms and the slider."""
    said = site.memory.said()
    best = site.derived("best", lambda glances: highest(glances, site.clock() - LATELY))
    counts = site.derived("above", lambda _: counts_above([one.score for one, _, _ in best]))
    was = site.derived("alerted", lambda _: sum(decision is Decision.ALERT for _, decision, _ in best))
    at = _threshold(request.query_params.get("at", ""), site.settings.alert_at)
    listed = scored([one for one in best[:MOST_STORIES] if one[0].score >= LOWEST], said)
    found = {row.article.id: row for row in site.store.judged([one.article_id for one in listed])}
    scores = {one.id: one.score for one in site.review.scores(list(said)).values()}
    return page(
        site,
        request,
        "model",
        at=at,
        alert_at=site.settings.alert_at,
        listed=[(one, found[one.article_id]) for one in listed if one.article_id in found],
        counts=counts,
        would=counts[round(at * STEPS)],
        was=was,
        measured=measured(scores, said, site.settings.alert_at),
        terms=terms(list(found.values())),
        models=Counter(row.score.model for row in found.values()).most_common(3),
        lowest=LOWEST,
    )


def _threshold(text: str, usual: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return usual
    return min(max(value, 0.0), 1.0) if value == value else usual  # noqa: PLR0124 - not a number


def highest(glances: Sequence[Glance], since: datetime) -> tuple[tuple[Glance, Decision, tuple[str, ...]], ...]:
    """Each story since then: its highest article, what was done with it, its articles; the highest story first.

    An article without a story is its own.
    """
    best: dict[str, Glance] = {}
    siblings: dict[str, list[str]] = {}
    alerted: set[str] = set()
    for one in glances:
        if one.at < since or not one.recent:
            continue
        story = one.story_id or one.id
        if story not in best or one.score > best[story].score:
            best[story] = one
        if one.story_id:
            siblings.setdefault(story, []).append(one.id)
        if one.decision is Decision.ALERT:
            alerted.add(story)
    listed = sorted(best.items(), key=lambda pair: (-pair[1].score, pair[0]))
    return tuple(
        (one, Decision.ALERT if story in alerted else one.decision, tuple(siblings.get(story, (one.id,))))
        for story, one in listed
    )


def scored(best: Sequence[tuple[Glance, Decision, tuple[str, ...]]], labels: Labels) -> list[Scored]:
    """The stories with what people said of their articles."""
    return [
        Scored(
            article_id=one.id,
            score=one.score,
            was=was,
            vote=_together([said for member in members if (said := vote(labels.get(member, ()))) is not None]),
        )
        for one, was, members in best
    ]


def _together(votes: Sequence[Vote]) -> Vote | None:
    """A story is relevant if one of its articles is."""
    for one in (Vote.RELEVANT, Vote.NOT_RELEVANT, Vote.UNSURE):
        if one in votes:
            return one
    return None


def counts_above(scores: Sequence[float]) -> tuple[int, ...]:
    """How many scores reach each hundredth, from 0.00 to 1.00."""
    values = sorted(scores)
    return tuple(len(values) - bisect.bisect_left(values, step / STEPS - 1e-9) for step in range(STEPS + 1))


def measured(scores: Mapping[str, float], labels: Labels, alert_at: float) -> Measured:
    """Compare scores with votes; what people are unsure of counts nowhere."""
    votes = ((article_id, vote(said)) for article_id, said in labels.items() if article_id in scores)
    rows = sorted(
        ((scores[article_id], said is Vote.RELEVANT) for article_id, said in votes if said and said is not Vote.UNSURE),
        reverse=True,
    )
    relevant = sum(is_so for _, is_so in rows)
    bins = _bins(rows)
    return Measured(
        labelled=len(rows),
        relevant=relevant,
        precision_recall=curve(_steps(rows, relevant)) if relevant else None,
        calibration=scatter(bins) if bins else None,
        bins=bins,
        at_threshold=_at(rows, relevant, alert_at),
    )


def _steps(rows: Sequence[tuple[float, bool]], relevant: int) -> list[tuple[float, float]]:
    """(recall, precision) at each score; articles of one score are one step."""
    points, hits = [], 0
    for number, (score, is_so) in enumerate(rows, start=1):
        hits += is_so
        if number == len(rows) or rows[number][0] != score:
            points.append((hits / relevant, hits / number))
    return points


def _bins(rows: Sequence[tuple[float, bool]]) -> tuple[tuple[float, float, int], ...]:
    """(mean score, share of relevant, count) of each tenth of the scale that holds any."""
    found = []
    for at in range(_BINS):
        inside = [(score, is_so) for score, is_so in rows if min(int(score * _BINS), _BINS - 1) == at]
        if inside:
            count = len(inside)
            found.append((sum(one for one, _ in inside) / count, sum(so for _, so in inside) / count, count))
    return tuple(found)


def _at(rows: Sequence[tuple[float, bool]], relevant: int, alert_at: float) -> tuple[float, float] | None:
    above = [is_so for score, is_so in rows if score >= alert_at]
    return (sum(above) / len(above), sum(above) / relevant) if above and relevant else None


def terms(rows: Sequence[Judged]) -> tuple[tuple[str, int, float], ...]:
    """(term, articles, summed weight) of what moved the listed scores most."""
    counts: Counter[str] = Counter()
    weights: dict[str, float] = {}
    for row in rows:
        for reason in row.score.reasons:
            term = reason.term.casefold()
            counts[term] += 1
            weights[term] = weights.get(term, 0.0) + reason.weight
    best = sorted(weights, key=lambda term: (-abs(weights[term]), term))[:_TERMS]
    return tuple((term, counts[term], weights[term]) for term in best)
