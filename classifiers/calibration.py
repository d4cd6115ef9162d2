"""From a decision value to a probability: Platt's two numbers, one pair for all and one a language where data allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PREVALENCE = 0.12
"""Share of relevant texts at which a calibrated value is a probability: a stream that was searched for the subject."""

LEAST_ITEMS = 500
"""A language with fewer held-out items has no numbers of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """(slope, intercept) for all texts, and for those of a language, by its first subtag ("zh")."""

    general: tuple[float, float]
    by_language: Mapping[str, tuple[float, float]]

    def probabilities(self, values: Floats, languages: Sequence[str]) -> Floats:
        """Probabilities at PREVALENCE of decision `values`; `languages` are hints (BCP 47) and may be empty."""
        pairs = np.array([self.by_language.get(name.split("-")[0].lower(), self.general) for name in languages])
        pairs = pairs.reshape(-1, 2)
        return np.asarray(1.0 / (1.0 + np.exp(-(pairs[:, 0] * values + pairs[:, 1]))), dtype=np.float64)


def fit(values: Floats, labels: npt.NDArray[Any], languages: Sequence[str]) -> Calibration:
    """Fit on held-out decision `values`."""
    names = np.array([name.split("-")[0].lower() for name in languages])
    general = _platt(values, labels)
    own = {
        name: _platt(values[names == name], labels[names == name])
        for name, count in sorted(Counter(names.tolist()).items())
        if count >= LEAST_ITEMS and 0 < labels[names == name].sum() < count
    }
    return Calibration(general=general, by_language=own)


def _platt(values: Floats, labels: npt.NDArray[Any]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only to fit

    model = LogisticRegression(C=1e6).fit(values[:, None], labels)
    share = labels.mean()
    shift = np.log(PREVALENCE / (1 - PREVALENCE)) - np.log(share / (1 - share))
    return float(model.coef_[0, 0]), float(model.intercept_[0] + shift)
