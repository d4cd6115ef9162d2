"""Why a text scored as it did: the terms that moved it, as they stand in the text.

A feature's contribution is spread over the words it covers, so that character n-grams show up as the word that explains
them. In scripts without spaces the best stretches of two to four characters stand for themselves. Words that are common
everywhere ("the", "и", "را") carry a little of every score and explain none; they are left out.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers import Reason
from classifiers.features import BUCKETS, I64, WORD_BUCKETS, Counts, Occurrences, are_concepts
from classifiers.letters import DENSE, letter_classes
from classifiers.normalize import normalize

MOST = 8
"""Reasons given for one text."""

_LEAST = 0.005
_COMMON_IDF = 1.0 + float(np.log(100))
"""A word that stands in more than one text of a hundred explains nothing, unless it is a concept's."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Terms:
    """Stretches of a batch with their log-odds, by row: `row`, `start`, `stop`, `weight` of one length."""

    row: I64
    start: I64
    stop: I64
    weight: _Floats

    def of(self, row: int) -> list[tuple[int, int, float]]:
        first, last = np.searchsorted(self.row, [row, row + 1])
        here = slice(first, last)
        return list(zip(self.start[here].tolist(), self.stop[here].tolist(), self.weight[here].tolist(), strict=True))


class Explained:
    """What the scores of a batch's `rows` are made of. `contributions`: log-odds, one for each entry of `counts`."""

    def __init__(
        self, found: Occurrences, counts: Counts, contributions: _Floats, idf: npt.NDArray[np.float32], rows: I64
    ) -> None:
        self._codes = found.codes
        shown = np.zeros(counts.rows, dtype=bool)
        shown[rows] = True
        # What is said together stands nowhere by itself; what the model does not know weighs nothing.
        wanted = shown[found.row] & (found.stop > found.start) & (idf[found.bucket] > 0)
        row, bucket = found.row[wanted], found.bucket[wanted]
        start, stop = found.start[wanted], found.stop[wanted]
        keys = counts.row * BUCKETS + counts.bucket
        at = np.minimum(np.searchsorted(keys, row * BUCKETS + bucket), max(len(keys) - 1, 0))
        counted = keys[at] == row * BUCKETS + bucket if len(keys) else np.zeros(len(row), dtype=bool)
        row, bucket, start, stop, at = row[counted], bucket[counted], start[counted], stop[counted], at[counted]
        weight = contributions[at] / counts.count[at]
        kind = letter_classes(found.codes)
        dense = kind[start] == DENSE
        self._words = _by_word(kind, row, start, stop, weight, bucket, idf, ~dense)
        self._stretches = _summed(row, start, stop, weight, dense & (stop - start >= 2))

    def strongest(self, row: int, original: str, most: int = MOST) -> tuple[Reason, ...]:
        """Name the terms of text `row`, strongest first, in the spelling of `original`."""
        totals: defaultdict[str, float] = defaultdict(float)
        for start, stop, weight in (*self._words.of(row), *_apart(self._stretches.of(row))):
            totals["".join(map(chr, self._codes[start:stop].tolist()))] += weight
        ranked = sorted(totals.items(), key=lambda term: (-abs(term[1]), term[0]))[:most]
        spelled = _Spelling(original)
        return tuple(Reason(term=spelled(t), weight=round(w, 3)) for t, w in ranked if abs(w) >= _LEAST)


def _by_word(
    kind: npt.NDArray[np.uint8],
    row: I64,
    start: I64,
    stop: I64,
    weight: _Floats,
    bucket: I64,
    idf: npt.NDArray[np.float32],
    spaced: npt.NDArray[np.bool_],
) -> _Terms:
    """Each feature's weight on the words of its first and last letters, half each; words that explain something."""
    edges = np.diff(np.concatenate([[False], kind == 1, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return _summed(row, start, stop, weight, spaced & False)
    row, start, stop, bucket = row[spaced], start[spaced], stop[spaced], bucket[spaced]
    weight = weight[spaced]
    # A stretch may begin or end with the space beside a word.
    first = np.searchsorted(begins, start + (kind[start] == 0), side="right") - 1
    last = np.searchsorted(begins, stop - 1 - (kind[stop - 1] == 0), side="right") - 1
    totals: _Floats = np.bincount(first, weights=weight / 2, minlength=len(begins)).astype(np.float64)
    totals += np.bincount(last, weights=weight / 2, minlength=len(begins))
    whole = (begins[first] == start) & (ends[first] == stop) & (bucket < WORD_BUCKETS) & (idf[bucket] >= _COMMON_IDF)
    explains = np.zeros(len(begins), dtype=bool)
    for words in (first, last):
        explains[words[whole | are_concepts(bucket)]] = True
    rows = np.zeros(len(begins), dtype=np.int64)
    rows[first] = row
    named = np.flatnonzero(explains)
    return _Terms(rows[named], begins[named], ends[named], totals[named])


def _summed(row: I64, start: I64, stop: I64, weight: _Floats, which: npt.NDArray[np.bool_]) -> _Terms:
    """Stretches of `which`, each once with its whole weight, in order of rows."""
    keys = np.stack([row[which], start[which], stop[which]], axis=1)
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    totals = np.bincount(inverse.ravel(), weights=weight[which], minlength=len(unique)).astype(np.float64)
    return _Terms(unique[:, 0], unique[:, 1], unique[:, 2], totals)


def _apart(stretches: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Keep the strongest stretches that don't overlap."""
    kept = []
    taken: set[int] = set()
    for start, stop, weight in sorted(stretches, key=lambda stretch: (-abs(stretch[2]), stretch[0])):
        positions = range(start, stop)
        if taken.isdisjoint(positions):
            kept.append((start, stop, weight))
            taken.update(positions)
    return kept


@functools.lru_cache(maxsize=1 << 14)
def _folded(char: str) -> str:
    return normalize(char)


class _Spelling:
    """Finds a folded term again as it was written."""

    _at: Sequence[int]

    def __init__(self, original: str) -> None:
        self._original = original
        if original.isascii():
            self._text, self._at = original.lower(), range(len(original))
            return
        folded = [_folded(char) for char in original]
        self._text = "".join(folded)
        self._at = [index for index, part in enumerate(folded) for _ in part]

    def __call__(self, term: str) -> str:
        at = self._text.find(term)
        while at >= 0 and self._inside_word(at, len(term)):
            at = self._text.find(term, at + 1)
        if at < 0:
            return term
        return self._original[self._at[at] : self._at[at + len(term) - 1] + 1]

    def _inside_word(self, at: int, length: int) -> bool:
        around = self._text[at - 1 : at] + self._text[at + length : at + length + 1]
        return around.isalnum() and self._text[at].isascii()
