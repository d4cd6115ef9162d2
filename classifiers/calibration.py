"""From a decision value to a probability, by how much of the text the model knows, and by language where data allow.

The same decision value means more in a headline than in a long report: a long text has more words that can add up, for
and against, and its values lie further from zero. So a headline of ten words is not asked for the value of a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
General = tuple[float, float, float, float]

PREVALENCE = 0.2
"""Share of relevant texts at which a calibrated value is a probability: a stream that was searched for the subject."""

EVEN = 0.5
"""The share where nothing speaks for another one: texts about a state of which the corpus tells little."""

LEAST_ITEMS = 1000
"""A language with fewer held-out values has no numbers of its own."""

ENOUGH = 30
"""From so many known words and word pairs on, more of them change nothing: that is a headline with a short sentence.
The corpus has too few long items to tell what a value means in them."""

_SHARES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Weights of (value, log amount, their product, 1) that give log-odds; by language (slope, intercept) of those.

    A language is its first subtag ("zh").
    """

    general: General
    by_language: Mapping[str, tuple[float, float]]

    def probabilities(self, values: Floats, amounts: npt.NDArray[Any], languages: Sequence[str]) -> Floats:
        """Probabilities of decision `values`, at the share that was stated when this was fitted.

        `amounts`: how many different known words and word pairs each text has. `languages` are hints (BCP 47) and may
        be empty.
        """
        odds = _columns(values, amounts) @ np.array(self.general)
        pairs = np.array([self.by_language.get(name.split("-")[0].lower(), (1.0, 0.0)) for name in languages])
        pairs = pairs.reshape(-1, 2)
        return np.asarray(1.0 / (1.0 + np.exp(-(pairs[:, 0] * odds + pairs[:, 1]))), dtype=np.float64)


def fit(
    values: Floats,
    labels: npt.NDArray[Any],
    amounts: npt.NDArray[Any],
    languages: Sequence[str],
    *,
    share: float = PREVALENCE,
) -> Calibration:
    """Fit on held-out decision `values`; `amounts` and `languages` as in `Calibration.probabilities`.

    `share`: how many of all texts are relevant where the values will be used, between 0 and 1.
    """
    columns = _columns(values, amounts)
    weights, intercept = _logistic(columns[:, :3], labels, _even(amounts, labels))
    general = (*weights.tolist(), intercept + _logit(share))
    odds = columns @ np.array(general)
    names = np.array([name.split("-")[0].lower() for name in languages])
    own = {
        name: _platt(odds[names == name], labels[names == name], share)
        for name, count in sorted(Counter(names.tolist()).items())
        if count >= LEAST_ITEMS and 0 < labels[names == name].sum() < count
    }
    return Calibration(general=general, by_language=own)


def _columns(values: Floats, amounts: npt.NDArray[Any]) -> Floats:
    known = np.log1p(np.minimum(amounts, ENOUGH))
    return np.column_stack([values, known, values * known, np.ones(len(values))])


def _even(amounts: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Floats:
    """Weights by which relevant and other items count alike among those of about one amount.

    Otherwise the fit would learn how often headlines are relevant in the corpus, which says nothing of the news.
    """
    known = np.minimum(amounts, ENOUGH)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _SHARES + 1)[1:-1]))
    share = np.digitize(known, edges)
    weights = np.zeros(len(labels))
    for number in np.unique(share):
        here = share == number
        for label in (0, 1):
            those = here & (labels == label)
            weights[those] = here.sum() / 2 / max(those.sum(), 1)
    return weights


def _platt(odds: Floats, labels: npt.NDArray[Any], share: float) -> tuple[float, float]:
    weights, intercept = _logistic(odds[:, None], labels)
    return float(weights[0]), intercept + _logit(share) - _logit(labels.mean())


def _logistic(columns: Floats, labels: npt.NDArray[Any], weights: Floats | None = None) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only to fit

    model = LogisticRegression(C=1e6, max_iter=1000).fit(columns, labels, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
