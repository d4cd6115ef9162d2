"""A week's random sample of what nobody was shown: what is drawn, and what people's labels say of the rest. Pure.

It is drawn by a keyed hash of the ids: who writes articles can't aim at it, everybody draws the same one, and one that
grows through the week stays a random one. Only labels from its beginning on, without a gap, say something of the week:
articles that were labelled for another reason would not be random any more.
"""

from __future__ import annotations

import heapq
import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from monitor.digest.missed import Missed, missed
from monitor.model import Label, LabelValue

_T = TypeVar("_T")

SAMPLE = 60
"""Articles drawn of each week. With none relevant among them, at most one in seventeen was missed (95 %)."""

Labels = Mapping[str, Sequence[Label]]
"""What counts of what was said of each article: of each rater the newest, in order of time."""


class Vote(StrEnum):
    """What people together say of an article."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not-relevant"
    UNSURE = "unsure"


def vote(labels: Sequence[Label]) -> Vote | None:
    """What most say; unsure where as many say the contrary, None where nobody said anything."""
    counts = Counter(label.value is not LabelValue.NOT_RELEVANT for label in labels if is_decided(label))
    if counts[True] == counts[False]:
        return Vote.UNSURE if labels else None
    return Vote.RELEVANT if counts[True] > counts[False] else Vote.NOT_RELEVANT


def is_decided(label: Label) -> bool:
    """Whether somebody took a side."""
    return label.value is not LabelValue.UNSURE


def by_article(labels: Iterable[Label]) -> dict[str, tuple[Label, ...]]:
    """Sort labels by what they are about; their order stays."""
    found: dict[str, list[Label]] = {}
    for label in labels:
        found.setdefault(label.article_id, []).append(label)
    return {article_id: tuple(said) for article_id, said in found.items()}


def drawn(ones: Iterable[_T], key: bytes, id_of: Callable[[_T], str]) -> list[_T]:
    """A random sample, in a random order in which it is to be labelled; the same one whenever it is asked for."""
    return heapq.nsmallest(SAMPLE, ones, key=lambda one: hmac.digest(key, id_of(one).encode(), "sha256"))


def missed_of(dropped: int, sample: Iterable[str], labels: Labels) -> Missed:
    """What the labels of a `sample` (ids, in order) of so many `dropped` articles say was missed."""
    votes: Counter[Vote] = Counter()
    for article_id in sample:
        said = vote(labels.get(article_id, ()))
        if said is None:
            break
        votes[said] += 1
    return missed(
        dropped,
        relevant=votes[Vote.RELEVANT],
        not_relevant=votes[Vote.NOT_RELEVANT],
        unsure=votes[Vote.UNSURE],
    )
