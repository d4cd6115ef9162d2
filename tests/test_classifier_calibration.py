"""What a decision value means depends on how much of the text the model knows, and on the language."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers import calibration
from classifiers.calibration import ENOUGH, EVEN, LEAST_ITEMS, PREVALENCE, Calibration, Floats

SHORT, LONG = 8, 60
HALF = np.log((1 - PREVALENCE) / PREVALENCE)
"""Log-odds that a text must bring from its words to be as likely relevant as not at PREVALENCE."""


def drawn(rng: np.random.Generator, count: int, share: float, spread: float) -> tuple[Floats, Floats]:
    """Values of `count` texts whose log-odds, at equal shares, are the value divided by `spread`; and their labels."""
    labels = (rng.random(count) < share).astype(float)
    # Two normal densities a distance d apart have log-odds d * x: here x is value / (spread * d), with d = 4.
    values = (rng.normal(size=count) + np.where(labels == 1, 2.0, -2.0)) * 4.0 * spread
    return values, labels


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    rng = np.random.default_rng(7)
    short, short_labels = drawn(rng, 20_000, 0.1, 0.4)
    long, long_labels = drawn(rng, 20_000, 0.6, 1.0)
    return calibration.fit(
        np.concatenate([short, long]),
        np.concatenate([short_labels, long_labels]),
        np.array([SHORT] * 20_000 + [LONG] * 20_000),
        [""] * 40_000,
    )


@pytest.mark.parametrize(("amount", "spread"), [(SHORT, 0.4), (LONG, 1.0)])
def test_a_headline_needs_a_smaller_value_than_a_report_for_the_same_probability(
    fitted: Calibration, amount: int, spread: float
) -> None:
    for odds, expected in ((HALF, 0.5), (HALF + np.log(4), 0.8)):
        found = fitted.probabilities(np.array([odds * spread]), np.array([amount]), [""])[0]
        assert found == pytest.approx(expected, abs=0.06)


def test_how_often_headlines_are_relevant_in_the_corpus_does_not_count(fitted: Calibration) -> None:
    undecided = fitted.probabilities(np.zeros(2), np.array([SHORT, LONG]), ["", ""])
    assert undecided == pytest.approx([PREVALENCE] * 2, abs=0.04), "0.1 of the short and 0.6 of the long were relevant"


def test_the_share_that_is_stated_shifts_every_probability() -> None:
    values, labels = drawn(np.random.default_rng(5), 4_000, 0.3, 1.0)
    amounts, languages = np.full(4_000, SHORT), ["en"] * 4_000
    usual, even = (calibration.fit(values, labels, amounts, languages, share=share) for share in (PREVALENCE, EVEN))
    odds = [
        np.log(p / (1 - p)) for p in (one.probabilities(values[:50], amounts[:50], [""] * 50) for one in (usual, even))
    ]
    assert odds[1] - odds[0] == pytest.approx(np.full(50, HALF), abs=1e-6)


def test_beyond_enough_words_more_change_nothing(fitted: Calibration) -> None:
    values = np.array([1.0, 1.0, 1.0])
    found = fitted.probabilities(values, np.array([ENOUGH, ENOUGH + 1, 5_000]), [""] * 3)
    assert found[0] == found[1] == found[2]
    assert fitted.probabilities(values[:1], np.array([ENOUGH - 10]), [""])[0] != found[0]


def test_a_language_has_numbers_of_its_own_where_the_corpus_has_enough_of_it() -> None:
    rng = np.random.default_rng(11)
    plain, plain_labels = drawn(rng, 4_000, 0.3, 1.0)
    shifted, shifted_labels = drawn(rng, 4_000, 0.3, 1.0)
    few, few_labels = drawn(rng, LEAST_ITEMS - 1, 0.3, 1.0)
    fitted = calibration.fit(
        np.concatenate([plain, shifted + 3.0, few]),
        np.concatenate([plain_labels, shifted_labels, few_labels]),
        np.full(8_000 + LEAST_ITEMS - 1, LONG),
        ["en-GB"] * 4_000 + ["zh-Hant"] * 4_000 + ["sv"] * (LEAST_ITEMS - 1),
    )
    assert set(fitted.by_language) == {"en", "zh"}
    english, chinese, swedish, unknown = fitted.probabilities(
        np.full(4, HALF), np.full(4, LONG), ["EN", "zh-Hans", "sv", ""]
    )
    assert english == pytest.approx(0.5, abs=0.08)
    assert chinese < english - 0.2, "its values lie three higher, so the same value means less"
    assert swedish == unknown


def test_nothing_to_calibrate_gives_nothing() -> None:
    plain = Calibration(general=(1.0, 0.0, 0.0, 0.0), by_language={})
    assert plain.probabilities(np.zeros(0), np.zeros(0), []).shape == (0,)
