"""How much was missed in a week? An estimate from a random sample of what nobody was shown. Pure.

People label some of the articles that were dropped, drawn at random. The share of relevant ones among them, times all
dropped articles, is what was missed; the interval is Clopper and Pearson's, which never promises more than it holds,
however few were labelled. What people were unsure of counts as relevant at the upper end alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

CONFIDENCE = 0.95
_HALVINGS = 60
"""Each halves what is left of the interval from 0 to 1: far below what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What was missed among `articles` that nobody was shown, of which `labelled` were drawn at random and judged.

    `estimate` and the ends `low` and `high` of the interval count articles; None, 0 and `articles` without labels.
    """

    articles: int
    labelled: int
    relevant: int
    unsure: int
    estimate: float | None
    low: float
    high: float


def missed(articles: int, *, relevant: int, not_relevant: int, unsure: int = 0) -> Missed:
    """Estimate from the labels of a random sample of `articles`; what was seen itself bounds the interval."""
    labelled = relevant + not_relevant + unsure
    if not 0 <= labelled <= articles:
        raise ValueError(f"{labelled} labels of {articles} articles; a sample is a part of them")
    decided = relevant + not_relevant
    low, _ = interval(relevant, labelled)
    _, high = interval(relevant + unsure, labelled)
    return Missed(
        articles=articles,
        labelled=labelled,
        relevant=relevant,
        unsure=unsure,
        estimate=articles * relevant / decided if decided else None,
        low=max(low * articles, float(relevant)),
        high=min(high * articles, float(articles - not_relevant)),
    )


def interval(hits: int, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Give Clopper and Pearson's interval of a share, 0..1, of which `hits` of `tries` were seen; (0, 1) of none."""
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _where(lambda share: 1 - _at_most(hits - 1, tries, share) < tail)
    high = 1.0 if hits == tries else _where(lambda share: _at_most(hits, tries, share) > tail)
    return low, high


def _where(is_below: Callable[[float], bool]) -> float:
    """The share at which `is_below` turns false, which it does once between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return high


def _at_most(hits: int, tries: int, share: float) -> float:
    """How likely at most `hits` of `tries` are, each with `share`; `share` is neither 0 nor 1."""
    log_share, log_rest = math.log(share), math.log1p(-share)
    whole = math.lgamma(tries + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(tries - k + 1) + k * log_share + (tries - k) * log_rest)
        for k in range(hits + 1)
    )
