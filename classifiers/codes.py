"""Which codebook codes does a relevant text carry? One linear model a code, over the features of relevance.

Fitted on relevant items alone: it says what kind of relevant thing a text tells, never whether it is relevant. Each
code has a threshold of its own, chosen on held-out events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.corpus_files import CODES, Item
from classifiers.features import Counts, weighted

Floats = npt.NDArray[np.float64]

_STRENGTH = 10.0
_SOLVER = "lbfgs"
_LEAST_ITEMS = 3
"""What stands in fewer relevant items tells their codes and no others."""
_FOLDS = 3
_GRID = np.arange(0.2, 0.71, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeModel:
    """`weights` of shape (9, BUCKETS), `bias` and `thresholds` of shape (9,), in the order of CODES."""

    weights: npt.NDArray[np.float32]
    bias: Floats
    thresholds: Floats

    def probabilities(
        self, counts: Counts, idf: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
    ) -> dict[int, Floats]:
        """Probability of each code for each of `rows` (sorted, unique) of `counts`."""
        shown = np.zeros(counts.rows, dtype=bool)
        shown[rows] = True
        wanted = shown[counts.row]
        row = np.searchsorted(rows, counts.row[wanted])
        some = Counts(row=row, bucket=counts.bucket[wanted], count=counts.count[wanted], rows=len(rows))
        values = weighted(some, idf).astype(np.float64)
        columns = [
            np.bincount(row, weights=values * self.weights[i][some.bucket], minlength=len(rows))
            for i in range(len(CODES))
        ]
        return dict(zip(rows.tolist(), _logistic(np.stack(columns, axis=1) + self.bias), strict=True))

    def likeliest(self, probabilities: Floats) -> tuple[str, ...]:
        """Codes at their thresholds or above, likeliest first; the nearest one alone where none is."""
        order = np.argsort(-probabilities, kind="stable")
        named = [CODES[i] for i in order if probabilities[i] >= self.thresholds[i]]
        return tuple(named or [CODES[int(np.argmax(probabilities / self.thresholds))]])


def _logistic(values: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-values))


def fit(matrix: Any, items: Sequence[Item]) -> CodeModel:
    """Fit on the relevant of `items`; `matrix` holds their TF-IDF features, a row an item (sparse)."""
    from classifiers.train import linear  # noqa: PLC0415 - scikit-learn, only to fit

    relevant = [index for index, item in enumerate(items) if item.label]
    rows = matrix[relevant]
    used = np.flatnonzero(rows.getnnz(axis=0) >= _LEAST_ITEMS)
    rows = rows[:, used]
    events = np.array([items[index].event for index in relevant])
    weights, bias = np.zeros((len(CODES), matrix.shape[1])), np.full(len(CODES), -5.0)
    thresholds = np.full(len(CODES), 0.5)
    for number, code in enumerate(CODES):
        labels = np.array([code in items[index].codes for index in relevant])
        if 0 < labels.sum() < len(labels):
            weights[number, used], bias[number] = linear(rows, labels, _STRENGTH, solver=_SOLVER)
            thresholds[number] = _threshold(rows, labels, events)
    return CodeModel(weights=weights.astype(np.float32), bias=bias, thresholds=thresholds)


def none(columns: int) -> CodeModel:
    """A model that knows no code, for measuring relevance alone."""
    return CodeModel(
        weights=np.zeros((len(CODES), columns), dtype=np.float32),
        bias=np.full(len(CODES), -5.0),
        thresholds=np.full(len(CODES), 0.5),
    )


def _threshold(rows: Any, labels: npt.NDArray[np.bool_], events: npt.NDArray[Any]) -> float:
    """The threshold of the best F1 on held-out events; 0.5 where too few events carry the code."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415

    from classifiers.train import linear  # noqa: PLC0415

    if len(set(events[labels])) < 10 * _FOLDS:
        return 0.5
    values = np.zeros(len(labels))
    for seen, held in GroupKFold(_FOLDS, shuffle=True, random_state=0).split(rows, labels, events):
        weights, bias = linear(rows[seen], labels[seen], _STRENGTH, solver=_SOLVER)
        values[held] = _logistic(rows[held] @ weights + bias)
    f1 = [2 * (labels & (values >= at)).sum() / (labels.sum() + (values >= at).sum()) for at in _GRID]
    return float(_GRID[int(np.argmax(f1))])
