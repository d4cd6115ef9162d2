"""Is a text relevant? Fit, score, save, load.

A linear model over TF-IDF features (`features`), calibrated on held-out folds, so that a value can be read as a
probability at the prevalence the model card names. A text that names a state of which the corpus tells too little is
decided by weights that were fitted without knowing states. Scoring needs NumPy only; scikit-learn is imported when a
model is fitted.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Score, Text, storage
from classifiers.calibration import Calibration
from classifiers.codes import CodeModel
from classifiers.concepts import ORIGINS
from classifiers.corpus_files import Item
from classifiers.features import BUCKETS, Counts, amounts, counted, naming, occurrences, weighted
from classifiers.normalize import MAX_CHARS
from classifiers.parts import all_parts
from classifiers.reasons import Explained

Floats = npt.NDArray[np.float64]

BATCH = 1_000
REASONS_FROM = 0.3
"""Texts that score below get no reasons and codes: nobody is shown them, and most of the stream is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A fitted linear decision: weights (dense over BUCKETS), bias, and what its values mean."""

    weights: npt.NDArray[np.float32]
    bias: float
    calibration: Calibration

    def decide(self, counts: Counts, values: Floats, languages: Sequence[str]) -> tuple[Floats, Floats]:
        """Probability of each row of `counts`, and what each entry, whose TF-IDF is in `values`, adds to log-odds."""
        contributions = values * self.weights[counts.bucket]
        summed = np.bincount(counts.row, weights=contributions, minlength=counts.rows)
        known = amounts(counts.row, counts.bucket, counts.rows)
        values = np.asarray(summed + self.bias, dtype=np.float64)
        return self.calibration.probabilities(values, known, languages), contributions


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceModel:
    """A fitted model. `idf` is dense over BUCKETS.

    `stateless` decides about texts that name a state of origin that is not among `familiar`, `usual` about all others.
    """

    idf: npt.NDArray[np.float32]
    usual: Linear
    stateless: Linear
    familiar: tuple[str, ...]
    codes: CodeModel
    name: str

    def score(self, texts: Sequence[Text]) -> list[Score]:
        """Score texts in their order; see `classifiers.Classifier`."""
        return [
            score for at in range(0, len(texts), BATCH) for score in self._batch(texts[at : at + BATCH], REASONS_FROM)
        ]

    def explain(self, text: Text) -> Score:
        """Score one text, with reasons and codes however low it scores."""
        return self._batch([text], 0.0)[0]

    def _batch(self, texts: Sequence[Text], reasons_from: float) -> list[Score]:
        parts, owner, masked = all_parts(texts)
        found = occurrences(parts)
        counts = counted(found, len(parts), self.idf > 0)
        probabilities, contributions = self._decide(counts, [texts[text].language for text in owner.tolist()])
        has_words = np.bincount(counts.row, minlength=len(parts)) > 0
        probabilities[~has_words] = 0.0
        best: dict[int, int] = {}
        for part, text in enumerate(owner.tolist()):
            if text not in best or probabilities[part] > probabilities[best[text]]:
                best[text] = part
        chosen = [best[text] for text in range(len(texts))]
        shown = np.array([part for part in chosen if probabilities[part] >= reasons_from], dtype=np.int64)
        codes = self.codes.probabilities(counts, self.idf, np.unique(shown))
        explained = Explained(found, counts, contributions, self.idf, shown)
        scores: list[Score] = []
        for text, part in zip(texts, chosen, strict=True):
            value = float(probabilities[part])
            original = f"{text.title} {text.summary} {text.text}"[:MAX_CHARS]
            told = value >= reasons_from
            scores.append(
                Score(
                    value=round(value, 4),
                    codes=self.codes.likeliest(codes[part]) if told else (),
                    reasons=explained.strongest(part, original) if told else (),
                    model=self.name,
                    obfuscated=masked[len(scores)],
                )
            )
        return scores

    def _decide(self, counts: Counts, languages: Sequence[str]) -> tuple[Floats, Floats]:
        """Probability of each row, and what each entry of `counts` adds to its log-odds."""
        values = weighted(counts, self.idf).astype(np.float64)
        probabilities, contributions = self.usual.decide(counts, values, languages)
        strange = np.zeros(counts.rows, dtype=bool)
        strange[counts.row[_strange_states(self.familiar)[counts.bucket]]] = True
        if strange.any():
            others, others_contributions = self.stateless.decide(counts, values, languages)
            probabilities = np.where(strange, others, probabilities)
            contributions = np.where(strange[counts.row], others_contributions, contributions)
        return probabilities, contributions

    def save(self, folder: Path, about: dict[str, Any]) -> str:
        """Write the model to `folder`; return its digest. Only buckets in use are stored, weights as 16-bit floats."""
        used = np.flatnonzero(self.idf > 0)
        linears = (self.usual, self.stateless)
        by_language = [linear.calibration.by_language for linear in linears]
        arrays: storage.Arrays = {
            "buckets": used.astype(np.uint32),
            "idf": self.idf[used].astype(np.float16),
            "weights": np.stack([linear.weights[used] for linear in linears]).astype(np.float16),
            "code_weights": self.codes.weights[:, used].astype(np.float16),
            "code_bias": self.codes.bias,
            "code_thresholds": self.codes.thresholds,
            "scalars": np.array([[linear.bias, *linear.calibration.general] for linear in linears]),
            "by_language": np.array([pair for own in by_language for pair in own.values()]).reshape(-1, 2),
        }
        named = {"calibrated": [list(own) for own in by_language], "familiar": list(self.familiar)}
        return storage.save(folder, arrays, {**about, **named})

    @classmethod
    def load(cls, folder: Path | None = None) -> RelevanceModel:
        """Load the model of `folder`, or the shipped one; see `classifiers.load`."""
        stored = storage.load(folder or storage.BUNDLED)
        used = stored.arrays["buckets"].astype(np.int64)
        if len(used) and int(used.max()) >= BUCKETS:
            raise ValueError(f"{folder or storage.BUNDLED}: its buckets are not this version's; run `longarm train`")

        def dense(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            full = np.zeros((*values.shape[:-1], BUCKETS), dtype=np.float32)
            full[..., used] = values
            return full

        pairs = iter(stored.arrays["by_language"].tolist())
        usual, stateless = (
            Linear(
                weights=dense(weights),
                bias=bias,
                calibration=Calibration(
                    general=(general[0], general[1], general[2], general[3]),
                    by_language={name: tuple(next(pairs)) for name in languages},
                ),
            )
            for weights, (bias, *general), languages in zip(
                stored.arrays["weights"], stored.arrays["scalars"].tolist(), stored.about["calibrated"], strict=True
            )
        )
        return cls(
            idf=dense(stored.arrays["idf"]),
            usual=usual,
            stateless=stateless,
            familiar=tuple(stored.about["familiar"]),
            codes=CodeModel(
                weights=dense(stored.arrays["code_weights"]),
                bias=stored.arrays["code_bias"],
                thresholds=stored.arrays["code_thresholds"],
            ),
            name=f"relevance-{stored.digest}",
        )


@functools.lru_cache(maxsize=4)
def _strange_states(familiar: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Which of all BUCKETS name a state of origin that is not among `familiar`."""
    return naming(ORIGINS.difference(familiar))


def item_text(item: Item) -> Text:
    """A corpus item as it is scored."""
    return Text(title=item.title, summary=item.summary, language=item.language)
