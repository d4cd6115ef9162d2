"""How good grouping is, with floors below what was measured; see the design pages for the figures."""

from __future__ import annotations

from collections import Counter

import pytest

from tests import stories_measure
from tests.shared_data import shared


def test_headlines_of_invented_affairs_find_together() -> None:
    articles, gold = stories_measure.headline_stories(others=200)
    score = stories_measure.bcubed(gold, stories_measure.grouped(articles))
    assert score.precision >= 0.85, score
    assert score.recall >= 0.52, score


@pytest.mark.parametrize("half", ["tune", "held"])
@pytest.mark.parametrize("file", ["headline_affairs", "affairs_large"])
@pytest.mark.parametrize("others", [0, 600])
def test_the_headlines_of_an_affair_are_one_story_once_all_are_known(half: str, file: str, others: int) -> None:
    articles, gold = stories_measure.headline_affairs(half, others, file)
    score = stories_measure.of_half(gold, stories_measure.in_hindsight(articles))
    assert score.precision >= (0.75 if file == "headline_affairs" else 0.7), score
    assert score.f1 >= 0.72, score
    assert score.f1 >= stories_measure.of_half(gold, stories_measure.plainly(articles, 0.06)).f1 + 0.03


def test_related_headlines_of_one_file_are_hardly_ever_joined() -> None:
    joined, pairs = stories_measure.related_in_one_file(stories_measure.own_pair_rows())
    assert joined <= 0.05 * pairs


@pytest.mark.shared
def test_related_headlines_of_a_real_collection_are_hardly_ever_joined_in_one_file() -> None:
    pairs = stories_measure.real_pairs(shared("data/headlinecause"))
    joined, related = stories_measure.related_in_one_file(pairs)
    assert joined <= 0.05 * related


def test_related_headlines_are_told_apart() -> None:
    pairs = stories_measure.own_pairs()
    assert pairs[False, True] <= 0.05 * (pairs[False, True] + pairs[False, False])
    assert pairs[True, True] >= 0.75 * (pairs[True, True] + pairs[True, False])


@pytest.mark.parametrize(("kind", "recall"), [("exact", 0.98), ("cut", 0.98), ("spun", 0.95)])
def test_copies_are_found(kind: str, recall: float) -> None:
    found, precision = stories_measure.copies_found(300, kind)
    assert found >= recall
    assert precision >= 0.99


@pytest.mark.parametrize("half", ["tune", "held"])
def test_rewordings_made_by_hand_are_found_and_no_other_news_is_taken_for_one(half: str) -> None:
    score = stories_measure.reworded(half)
    assert score.found >= 0.95 * score.copies, score
    assert score.as_copies >= 0.8 * score.copies, score
    assert score.wrong == 0, score


def test_bcubed_counts_as_defined() -> None:
    gold = {"a": "1", "b": "1", "c": "2"}
    one_story = stories_measure.bcubed(gold, dict.fromkeys(gold, "x"))
    assert (round(one_story.precision, 3), one_story.recall) == (0.556, 1.0)
    assert stories_measure.bcubed(gold, gold).f1 == pytest.approx(1.0)


@pytest.mark.shared
def test_related_headlines_of_a_real_collection_are_not_joined() -> None:
    joined: Counter[tuple[str, bool]] = Counter()
    for language, result, left, right in stories_measure.headline_cause(shared("data/headlinecause")):
        kind = "same" if result == "same" else "other"
        joined[kind, stories_measure.joins(left, right, language)] += 1
    assert joined["other", True] <= 0.05 * (joined["other", True] + joined["other", False])


@pytest.mark.shared
def test_real_events_keep_together_and_apart() -> None:
    score = stories_measure.labelled_events(shared("data/relevance_dev.jsonl"))
    assert score.precision >= 0.98, score
    assert score.recall >= 0.88, score


@pytest.mark.shared
def test_every_real_edit_of_a_headline_stays_in_its_story() -> None:
    stay, edits = stories_measure.edited_headlines(shared("data/feed_snapshots.tar.xz"))
    assert stay == edits >= 40
