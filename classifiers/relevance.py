"""Is a text relevant? Fit, score, save, load.

A linear model over TF-IDF features (`features`), calibrated on held-out folds grouped by event, so that a value can be
read as a probability at the prevalence the model card names. Scoring needs NumPy only; scikit-learn is imported when a
model is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Score, Text, storage
from classifiers.calibration import Calibration
from classifiers.codes import CodeModel
from classifiers.corpus_files import Item
from classifiers.features import BUCKETS, Counts, Occurrences, amounts, counted, occurrences, weighted
from classifiers.normalize import MAX_CHARS
from classifiers.parts import all_parts
from classifiers.reasons import Explained

Floats = npt.NDArray[np.float64]

BATCH = 1_000
REASONS_FROM = 0.3
"""Texts that score below get no reasons and codes: nobody is shown them, and most of the stream is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceModel:
    """A fitted model. Arrays are dense over BUCKETS; `calibration` turns a decision value into a probability."""

    idf: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    bias: float
    calibration: Calibration
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
        values, found, counts, contributions = self._decide(parts)
        languages = [texts[text].language for text in owner.tolist()]
        known = amounts(counts.row, counts.bucket, len(parts))
        probabilities = self.calibration.probabilities(values, known, languages)
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

    def _decide(self, parts: Sequence[str]) -> tuple[Floats, Occurrences, Counts, Floats]:
        found = occurrences(parts)
        counts = counted(found, len(parts), self.idf > 0)
        contributions = weighted(counts, self.idf).astype(np.float64) * self.weights[counts.bucket]
        values = np.bincount(counts.row, weights=contributions, minlength=len(parts)) + self.bias
        return np.asarray(values, dtype=np.float64), found, counts, contributions

    def save(self, folder: Path, about: dict[str, Any]) -> str:
        """Write the model to `folder`; return its digest. Only buckets in use are stored, weights as 16-bit floats."""
        used = np.flatnonzero(self.idf > 0)
        arrays: storage.Arrays = {
            "buckets": used.astype(np.uint32),
            "idf": self.idf[used].astype(np.float16),
            "weights": self.weights[used].astype(np.float16),
            "code_weights": self.codes.weights[:, used].astype(np.float16),
            "code_bias": self.codes.bias,
            "code_thresholds": self.codes.thresholds,
            "scalars": np.array([self.bias, *self.calibration.general]),
            "by_language": np.array(list(self.calibration.by_language.values())).reshape(-1, 2),
        }
        return storage.save(folder, arrays, {**about, "calibrated": list(self.calibration.by_language)})

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

        bias, *general = stored.arrays["scalars"].tolist()
        own = zip(stored.about["calibrated"], stored.arrays["by_language"].tolist(), strict=True)
        return cls(
            idf=dense(stored.arrays["idf"]),
            weights=dense(stored.arrays["weights"]),
            bias=bias,
            calibration=Calibration(
                general=(general[0], general[1], general[2], general[3]),
                by_language={name: (pair[0], pair[1]) for name, pair in own},
            ),
            codes=CodeModel(
                weights=dense(stored.arrays["code_weights"]),
                bias=stored.arrays["code_bias"],
                thresholds=stored.arrays["code_thresholds"],
            ),
            name=f"relevance-{stored.digest}",
        )


def item_text(item: Item) -> Text:
    """A corpus item as it is scored."""
    return Text(title=item.title, summary=item.summary, language=item.language)
