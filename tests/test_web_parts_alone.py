"""The pure parts of the pages: queues, samples, what was missed, highlights, charts, memory."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import Reason
from monitor.digest.missed import interval, missed
from monitor.digest.sample import SAMPLE, Labels, Vote, vote
from monitor.errands import Errand, ErrandKind
from monitor.errors import StateError
from monitor.model import Decision, Feed, Label, LabelValue
from monitor.store.review import Glance
from monitor.web import charts, model_pages, queues
from monitor.web.highlight import pieces
from monitor.web.memory import FRESH_FOR, WHOLE_FOR, WINDOW, Memory
from monitor.web.queues import Drawer, Queue, Thresholds
from tests.store_parts import NOW
from tests.web_parts import DAY, HOUR, Clock

RULES = Thresholds(alert_at=0.8, band=0.15, feeds={"own": Feed(url="own", alert_at=0.6)})


def a_glance(name: str, score: float = 0.1, decision: Decision = Decision.DROP, **changes: object) -> Glance:
    made = Glance(
        id=name, at=NOW - HOUR, feed="f", language="en", score=score, decision=decision, story_id="", recent=True
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def said(value: str, rater: str = "ana", article: str = "a", at: datetime = NOW, **changes: object) -> Label:
    return Label(article_id=article, rater=rater, value=LabelValue(value), at=at, **changes)  # type: ignore[arg-type]


def in_queue(
    kind: Queue, glances: Sequence[Glance], labels: Labels | None = None, rater: str = "ana"
) -> tuple[str, ...]:
    found = queues.candidates(kind, glances, thresholds=RULES, draw=a_drawer(), now=NOW)
    return queues.still_open(kind, found, labels or {}, rater=rater)


def a_drawer(now: datetime = NOW, key: bytes = b"k") -> Drawer:
    return Drawer(key=key, tz=ZoneInfo("Europe/Madrid"), now=now)


# ── votes and queues ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("values", "is_said"),
    [
        ((), None),
        (("relevant",), Vote.RELEVANT),
        (("not-relevant",), Vote.NOT_RELEVANT),
        (("wrong-code",), Vote.RELEVANT),
        (("unsure",), Vote.UNSURE),
        (("unsure", "relevant"), Vote.RELEVANT),
        (("relevant", "not-relevant"), Vote.UNSURE),
        (("relevant", "not-relevant", "not-relevant"), Vote.NOT_RELEVANT),
    ],
)
def test_the_majority_of_those_who_are_sure_decides(values: tuple[str, ...], is_said: Vote | None) -> None:
    labels = [said(value, rater=str(number)) for number, value in enumerate(values)]
    assert vote(labels) is is_said
    assert queues.is_split(labels) == (set(values) == {"relevant", "not-relevant"} and is_said is Vote.UNSURE)


def test_alerts_are_reviewed_newest_first_and_a_story_once() -> None:
    glances = [
        a_glance("old", 0.9, Decision.ALERT, at=NOW - 20 * DAY),
        a_glance("first", 0.85, Decision.ALERT, at=NOW - 3 * HOUR, story_id="s"),
        a_glance("other", 0.9, Decision.ALERT, at=NOW - 2 * HOUR, story_id="t"),
        a_glance("copy", 0.95, Decision.ALERT, story_id="s"),
        a_glance("follow-up", 0.6, Decision.DIGEST, story_id="s"),
    ]
    assert in_queue(Queue.ALERTS, glances) == ("copy", "other")
    # Who has judged one article of a story has judged the story.
    assert in_queue(Queue.ALERTS, glances, {"follow-up": (said("relevant"),)}) == ("other",)
    assert in_queue(Queue.ALERTS, glances, {"copy": (said("relevant"),)}, rater="ben") == ("copy", "other")


def test_near_misses_come_nearest_first_by_their_feeds_threshold() -> None:
    glances = [
        a_glance("far", 0.60), a_glance("near", 0.79), a_glance("at", 0.80), a_glance("mid", 0.70, Decision.DIGEST),
        a_glance("own", 0.59, feed="own"), a_glance("above own", 0.79, feed="own"), a_glance("archive", 0.79, recent=False),
    ]  # fmt: skip
    assert in_queue(Queue.NEAR, glances) == ("near", "own", "mid")


def test_disagreements_are_for_all_raters() -> None:
    labels = {"a": (said("relevant", "ana"), said("not-relevant", "ben")), "b": (said("relevant"),)}
    assert in_queue(Queue.SPLIT, [], labels) == ("a",)


# ── the sample ────────────────────────────────────────────────────────────────────────────────────


def week_of(count: int, prefix: str = "x") -> list[Glance]:
    return [a_glance(f"{prefix}{number}", at=NOW - timedelta(minutes=number)) for number in range(count)]


def test_the_sample_is_drawn_of_what_nobody_was_shown() -> None:
    dropped = week_of(200)
    others = [
        a_glance("alert", 0.9, Decision.ALERT),
        a_glance("digest", 0.6, Decision.DIGEST),
        a_glance("old", recent=False),
    ]
    drawn = in_queue(Queue.SAMPLE, [*dropped, *others])
    assert len(drawn) == SAMPLE
    assert set(drawn) <= {one.id for one in dropped}
    assert drawn == in_queue(Queue.SAMPLE, [*reversed(dropped), *others])
    assert {one.id for one in a_drawer(key=b"other").sample(dropped)} != set(drawn)
    assert in_queue(Queue.SAMPLE, dropped, {drawn[0]: (said("relevant"),)}) == drawn[1:]


def test_every_article_is_as_likely_to_be_drawn_as_any_other() -> None:
    dropped = week_of(600)
    times = dict.fromkeys((one.id for one in dropped), 0)
    for number in range(300):
        for one in a_drawer(key=str(number).encode()).sample(dropped):
            times[one.id] += 1
    expected = 300 * SAMPLE / 600
    spread = sum((count - expected) ** 2 / expected for count in times.values())
    assert spread < 760  # chi-squared with 599 degrees of freedom: beyond it once in 100,000


def test_a_week_is_estimated_from_the_labels_at_its_beginning_alone() -> None:
    dropped = week_of(500)
    drawer = a_drawer()
    (sample, *_) = drawer.samples(dropped)
    ids = [one.id for one in sample.drawn]
    labels = {one: (said("not-relevant", article=one),) for one in ids[:10]}
    labels[ids[3]] = (said("relevant", article=ids[3]),)
    labels |= {one: (said("relevant", article=one),) for one in ids[20:30]}  # after a gap: not random any more
    found = queues.missed_in(sample, labels)
    assert (found.missed.labelled, found.missed.relevant) == (10, 1)
    assert found.missed.estimate == pytest.approx(50)
    assert found.missed.low < 50 < found.missed.high


def test_weeks_before_the_first_article_are_left_out() -> None:
    assert len(a_drawer().samples(week_of(5))) == 1
    assert len(a_drawer().samples([])) == 5
    names = [name for name, _, _ in a_drawer().spans()]
    assert names == ["2026-W47", "2026-W46", "2026-W45", "2026-W44", "2026-W43"]


# ── what was missed ───────────────────────────────────────────────────────────────────────────────


def test_no_labels_say_nothing_and_all_labels_say_everything() -> None:
    nothing = missed(1_000, relevant=0, not_relevant=0)
    assert (nothing.estimate, nothing.low, nothing.high) == (None, 0, 1_000)
    whole = missed(10, relevant=2, not_relevant=8)
    assert (whole.estimate, whole.low, whole.high) == (2, 2, 2)


def test_what_people_are_unsure_of_widens_the_upper_end_alone() -> None:
    sure, unsure = missed(1_000, relevant=1, not_relevant=49), missed(1_000, relevant=1, not_relevant=46, unsure=3)
    assert unsure.high > sure.high
    assert unsure.low == pytest.approx(sure.low)


def test_more_labels_than_articles_are_no_sample() -> None:
    with pytest.raises(ValueError, match="a sample is a part"):
        missed(3, relevant=2, not_relevant=2)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (0, 60, 0.0, 0.0596),
    ],
)
def test_the_interval_is_that_of_the_tables(hits: int, tries: int, low: float, high: float) -> None:
    assert interval(hits, tries) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(1, 80), st.data())
def test_the_interval_s_ends_have_a_tail_of_a_fortieth(tries: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, tries))
    low, high = interval(hits, tries)

    def at_most(count: int, share: float) -> float:
        exact = Fraction(share)
        return float(sum(math.comb(tries, k) * exact**k * (1 - exact) ** (tries - k) for k in range(count + 1)))

    assert low <= hits / tries <= high
    if hits < tries:
        assert at_most(hits, high) == pytest.approx(0.025, abs=1e-6)
    if hits:
        assert 1 - at_most(hits - 1, low) == pytest.approx(0.025, abs=1e-6)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        hits = sum(chance.random() < 0.03 for _ in range(60))
        found = missed(5_000, relevant=hits, not_relevant=60 - hits)
        held += found.low <= 150 <= found.high
    assert held >= 380


# ── highlights ────────────────────────────────────────────────────────────────────────────────────


@given(st.text(max_size=200), st.lists(st.text(max_size=12), max_size=6))
def test_the_pieces_are_the_text(text: str, terms: list[str]) -> None:
    found = pieces(text, [Reason(term=term, weight=1.0) for term in terms])
    assert "".join(piece.text for piece in found) == text


@pytest.mark.parametrize(
    ("text", "term", "marked"),
    [
        ("Exile exiles EXILE", "exile", ["Exile", "EXILE"]),
        ("overseas  police\nstation", "police station", ["police\nstation"]),
        ("海外警察站", "警察", ["警察"]),
        ("المعارض معارض", "معارض", ["معارض"]),
        ("a.b axb", "a.b", ["a.b"]),
        ("c++ and c", "c++", ["c++"]),
        ("nothing", "", []),
    ],
)
def test_a_reason_is_found_as_a_word_where_words_stand_apart(text: str, term: str, marked: list[str]) -> None:
    assert [piece.text for piece in pieces(text, [Reason(term=term, weight=1.0)]) if piece.weight] == marked


def test_of_reasons_that_overlap_the_longer_one_is_marked() -> None:
    found = pieces("red notice", [Reason(term="red", weight=1.0), Reason(term="red notice", weight=-2.0)])
    assert [(piece.text, piece.weight) for piece in found] == [("red notice", -2.0)]


def test_a_text_full_of_reasons_is_marked_within_bounds() -> None:
    found = pieces("a " * 5_000, [Reason(term="a", weight=1.0)])
    assert sum(piece.weight > 0 for piece in found) <= 400


# ── figures ───────────────────────────────────────────────────────────────────────────────────────


def test_a_sparkline_runs_from_edge_to_edge() -> None:
    assert charts.sparkline([]) == charts.sparkline([3]) == ""
    points = [tuple(map(float, point.split(","))) for point in charts.sparkline([0, 5, 10]).split()]
    assert [x for x, _ in points] == [0, 60, 120]
    assert points[0][1] > points[1][1] > points[2][1] >= 0
    assert charts.sparkline([0, 0])


def test_precision_and_recall_are_steps_by_score() -> None:
    labels = {name: (said(value, article=name),) for name, value in
              {"a": "relevant", "b": "not-relevant", "c": "relevant", "d": "unsure", "e": "relevant"}.items()}  # fmt: skip
    scores = {"a": 0.9, "b": 0.85, "c": 0.85, "d": 0.5, "e": 0.2, "unlabelled": 0.99}
    found = model_pages.measured(scores, labels, 0.8)
    assert (found.labelled, found.relevant) == (4, 3)
    assert found.at_threshold == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found.precision_recall is not None
    assert len(found.precision_recall.points.split()) == 3
    assert found.bins[-1] == (pytest.approx(0.9), 1.0, 1)
    empty = model_pages.measured({}, {}, 0.8)
    assert (empty.precision_recall, empty.calibration, empty.at_threshold) == (None, None, None)


def test_counts_above_are_those_of_a_replay_by_hand() -> None:
    scores = [0.0, 0.29, 0.3, 0.8, 1.0]
    counts = model_pages.counts_above(scores)
    assert len(counts) == 101
    assert [counts[at] for at in (0, 29, 30, 31, 80, 81, 100)] == [5, 4, 3, 2, 2, 1, 1]


def test_codes_are_tallied_by_what_the_newest_rater_said() -> None:
    glances = {name: a_glance(name, codes=("violence",)) for name in "abcde"}
    labels = {
        "a": (said("relevant", article="a"),),
        "b": (said("wrong-code", article="b", codes=("response",)),),
        "c": (said("relevant", article="c", codes=("violence", "response")),),
        "d": (said("not-relevant", article="d"),),
        "e": (said("wrong-code", article="e"),),
        "gone": (said("relevant", article="gone"),),
    }
    violence, response = queues.code_tallies({"violence": 5, "response": 0}, glances, labels)
    assert (violence.given, violence.judged, violence.kept, violence.otherwise) == (5, 4, 2, 2)
    assert (response.given, response.judged, response.missed) == (0, 0, 2)


# ── memory ────────────────────────────────────────────────────────────────────────────────────────


class Shelf:
    """What a store would read."""

    def __init__(self, ones: list[Glance]) -> None:
        self.ones, self.asked, self.fails, self.labels = ones, list[datetime](), False, 1

    def glances(self, since: datetime, limit: int) -> list[Glance]:
        self.asked.append(since)
        if self.fails:
            raise StateError("gone")
        return [one for one in self.ones if one.at >= since][:limit]

    def newest_label(self) -> int:
        return self.labels


def settled() -> None:
    for thread in threading.enumerate():
        if thread.name == "glances":
            thread.join(5)


def test_what_is_new_is_read_beside_and_what_is_old_is_forgotten() -> None:
    shelf, clock = Shelf([a_glance("old", at=NOW - WINDOW + HOUR), a_glance("new", at=NOW - HOUR)]), Clock()
    memory = Memory(shelf, list, tuple, clock)
    memory.warm()
    settled()
    assert [one.id for one in memory.glances()] == ["old", "new"]
    shelf.ones.append(a_glance("newer", at=NOW))
    assert len(memory.glances()) == 2
    clock.at = NOW + FRESH_FOR
    memory.glances()
    settled()
    assert [one.id for one in memory.glances()] == ["old", "new", "newer"]
    assert shelf.asked[-1] > shelf.asked[0]
    clock.at = NOW + 2 * HOUR
    memory.glances()
    settled()
    assert [one.id for one in memory.glances()] == ["new", "newer"]
    assert clock.at - NOW > WHOLE_FOR


def test_what_can_t_be_read_now_is_what_it_was() -> None:
    shelf, clock = Shelf([a_glance("one")]), Clock()
    memory = Memory(shelf, list, tuple, clock)
    memory.glances()
    shelf.fails, clock.at = True, NOW + HOUR
    memory.glances()
    settled()
    assert [one.id for one in memory.glances()] == ["one"]
    settled()


def test_labels_that_wait_count_at_once() -> None:
    kept = [said("relevant", "ana"), said("not-relevant", "ben")]
    waiting = [
        Errand(kind=ErrandKind.LABEL, by="ana", at=NOW, label=said("withdrawn", "ana")),
        Errand(kind=ErrandKind.LABEL, by="cleo", at=NOW, label=said("unsure", "cleo", article="b")),
        Errand(kind=ErrandKind.LABEL, by="cleo", at=NOW, label=said("withdrawn", "cleo", article="b")),
        Errand(kind=ErrandKind.CHECK, by="cleo", at=NOW, about="f"),
    ]
    shelf = Shelf([])
    memory = Memory(shelf, lambda: kept, lambda: waiting, Clock())
    assert {key: [label.rater for label in value] for key, value in memory.said().items()} == {"a": ["ben"]}
    waiting.clear()
    assert [label.rater for label in memory.said()["a"]] == ["ana", "ben"]
    kept.pop()
    assert len(memory.said()["a"]) == 2
    shelf.labels = 2
    assert len(memory.said()["a"]) == 1
