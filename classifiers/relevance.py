"""Is a text relevant? Fit, score, save, load.

A linear model over TF-IDF features (`features`), calibrated on held-out folds grouped by event, so that a value can be
read as a probability at the prevalence the model card names. Scoring needs NumPy only; scikit-learn is imported when a
model is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Score, Text, storage
from classifiers.corpus_files import CODES, Item
from classifiers.features import BUCKETS, Counts, Occurrences, counted, occurrences, weighted
from classifiers.normalize import MAX_CHARS, normalize, unmasked
from classifiers.reasons import Explained

Floats = npt.NDArray[np.float64]

BATCH = 1_000
REASONS_FROM = 0.3
"""Texts that score below get no reasons and codes: nobody is shown them, and most of the stream is there."""

_SHORT = 90
"""A text of so many words is scored as a whole. Longer ones are scored in windows and the best counts, so that
stuffing can't hide an item."""

_WINDOW = 36
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s*(?=\S)")
_MOST_PARTS = 400
_LONG_WORDS = 15
"""More characters a word than this on average: a script without spaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceModel:
    """A fitted model. Arrays are dense over BUCKETS; `slope`, `intercept` calibrate a decision value (log-odds)."""

    idf: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    code_weights: npt.NDArray[np.float32]
    code_bias: Floats
    bias: float
    slope: float
    intercept: float
    name: str

    def score(self, texts: Sequence[Text]) -> list[Score]:
        """Score texts in their order; see `classifiers.Classifier`."""
        return [
            score for at in range(0, len(texts), BATCH) for score in self._batch(texts[at : at + BATCH], REASONS_FROM)
        ]

    def explain(self, text: Text) -> Score:
        """Score one text, with reasons and codes however low it scores."""
        return self._batch([text], 0.0)[0]

    def decision_values(self, texts: Sequence[Text]) -> Floats:
        """Raw log-odds of each text, before calibration."""
        parts, owner, _ = _all_parts(texts)
        values, *_ = self._decide(parts)
        best = np.full(len(texts), -np.inf)
        np.maximum.at(best, owner, values)
        return best

    def _batch(self, texts: Sequence[Text], reasons_from: float) -> list[Score]:
        parts, owner, masked = _all_parts(texts)
        values, found, counts, contributions = self._decide(parts)
        best: dict[int, int] = {}
        for part, text in enumerate(owner.tolist()):
            if text not in best or values[part] > values[best[text]]:
                best[text] = part
        probabilities = 1.0 / (1.0 + np.exp(-(self.slope * values + self.intercept)))
        has_words = np.bincount(counts.row, minlength=len(parts)) > 0
        probabilities[~has_words] = 0.0
        chosen = [best[text] for text in range(len(texts))]
        shown = np.array([part for part in chosen if probabilities[part] >= reasons_from], dtype=np.int64)
        codes = self._codes(counts, np.unique(shown))
        explained = Explained(found, counts, contributions, self.idf, shown)
        scores: list[Score] = []
        for text, part in zip(texts, chosen, strict=True):
            value = float(probabilities[part])
            original = f"{text.title} {text.summary} {text.text}"[:MAX_CHARS]
            told = value >= reasons_from
            scores.append(
                Score(
                    value=round(value, 4),
                    codes=_likeliest(codes[part]) if told else (),
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

    def _codes(self, counts: Counts, rows: npt.NDArray[np.int64]) -> dict[int, Floats]:
        """Probability of each of the nine codes for each of `rows`; meant for texts that are relevant."""
        shown = np.zeros(counts.rows, dtype=bool)
        shown[rows] = True
        wanted = shown[counts.row]
        row = np.searchsorted(rows, counts.row[wanted])
        some = Counts(row=row, bucket=counts.bucket[wanted], count=counts.count[wanted], rows=len(rows))
        values = weighted(some, self.idf).astype(np.float64)
        columns = [
            np.bincount(row, weights=values * self.code_weights[i][some.bucket], minlength=len(rows))
            for i in range(len(CODES))
        ]
        probabilities = 1.0 / (1.0 + np.exp(-(np.stack(columns, axis=1) + self.code_bias)))
        return dict(zip(rows.tolist(), probabilities, strict=True))

    def save(self, folder: Path, about: dict[str, Any]) -> str:
        """Write the model to `folder`; return its digest. Only buckets in use are stored, weights as 16-bit floats."""
        used = np.flatnonzero(self.idf > 0)
        arrays: storage.Arrays = {
            "buckets": used.astype(np.uint32),
            "idf": self.idf[used].astype(np.float16),
            "weights": self.weights[used].astype(np.float16),
            "code_weights": self.code_weights[:, used].astype(np.float16),
            "code_bias": self.code_bias,
            "scalars": np.array([self.bias, self.slope, self.intercept]),
        }
        return storage.save(folder, arrays, about)

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

        bias, slope, intercept = stored.arrays["scalars"].tolist()
        return cls(
            idf=dense(stored.arrays["idf"]),
            weights=dense(stored.arrays["weights"]),
            code_weights=dense(stored.arrays["code_weights"]),
            code_bias=stored.arrays["code_bias"],
            bias=bias,
            slope=slope,
            intercept=intercept,
            name=f"relevance-{stored.digest}",
        )


def _likeliest(probabilities: Floats) -> tuple[str, ...]:
    """Codes at 0.5 or above, likeliest first; the likeliest one alone where none is."""
    order = np.argsort(-probabilities, kind="stable")
    named = [CODES[i] for i in order if probabilities[i] >= 0.5]
    return tuple(named or [CODES[int(order[0])]])


def parts_of(text: Text) -> list[str]:
    """The normalised parts that are scored one by one: the whole when it is short, else title with each window."""
    body = f"{text.summary}\n{text.text}" if text.text and text.text != text.summary else text.summary
    whole = normalize(f"{text.title} \n {body}" if body else text.title)
    if len(whole) <= 3 * _SHORT or (len(whole) <= _LONG_WORDS * _SHORT and len(whole.split()) <= _SHORT):
        return [whole]
    titles = (
        [normalize(text.title)] if len(text.title.split()) <= _WINDOW else list(map(normalize, _windows(text.title)))
    )
    bodies = [normalize(window) for line in body[:MAX_CHARS].split("\n") for window in _windows(line)]
    # A title that is itself too long is padding: its windows stand alone, and so do the body's.
    head = f"{titles[0]} \n " if len(titles) == 1 else ""
    parts = [*titles, *(head + window for window in bodies if window.strip())]
    return parts[:_MOST_PARTS] or [whole]


def _windows(line: str) -> list[str]:
    """Sentences of a line, and each two neighbours; a long sentence as overlapping windows of _WINDOW words."""
    units = [piece for sentence in _SENTENCE.split(line) if sentence.strip() for piece in _pieces(sentence)]
    pairs = [f"{a} {b}" for a, b in pairwise(units)]
    return [*units, *pairs]


def _pieces(sentence: str) -> list[str]:
    words = sentence.split()
    if len(sentence) > _LONG_WORDS * len(words):
        size = 3 * _WINDOW
        return [sentence[at : at + size] for at in range(0, max(len(sentence) - size // 3, 1), size * 2 // 3)]
    if len(words) <= _WINDOW:
        return [sentence]
    return [" ".join(words[at : at + _WINDOW]) for at in range(0, max(len(words) - _WINDOW // 3, 1), _WINDOW * 2 // 3)]


def _all_parts(texts: Sequence[Text]) -> tuple[list[str], npt.NDArray[np.int64], list[bool]]:
    parts: list[str] = []
    owner: list[int] = []
    masked: list[bool] = []
    for index, text in enumerate(texts):
        mine = parts_of(text)
        meant = unmasked(f"{text.title} \n {text.summary}")
        if meant is not None:
            mine.append(normalize(meant))
        parts += mine
        owner += [index] * len(mine)
        masked.append(meant is not None)
    return parts, np.array(owner, dtype=np.int64), masked


def item_text(item: Item) -> Text:
    """A corpus item as it is scored."""
    return Text(title=item.title, summary=item.summary, language=item.language)
