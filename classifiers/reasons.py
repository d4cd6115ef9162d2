"""Why a text scored as it did: the terms that moved it, as they stand in the text.

A feature's contribution is spread over the words it covers, so that character n-grams show up as the word that explains
them. In scripts without spaces the best stretches of two to four characters stand for themselves. Words that are common
everywhere ("the", "и", "را") carry a little of every score and explain none; they are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers import Reason
from classifiers.features import WORD_BUCKETS, Counts, Occurrences, is_concept, letter_classes
from classifiers.normalize import normalize

MOST = 8
"""Reasons given for one text."""

_COMMON_IDF = 1.0 + float(np.log(100))
"""A word that stands in more than one text of a hundred explains nothing, unless it is a concept's."""

_DENSE = 2
_Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What a batch's scores are made of. `contributions`: log-odds, one for each entry of `counts`."""

    found: Occurrences
    counts: Counts
    contributions: npt.NDArray[np.float64]
    idf: npt.NDArray[np.float32]


def strongest(of: Explained, row: int, original: str, most: int = MOST) -> tuple[Reason, ...]:
    """Name the terms of text `row`, strongest first, in the spelling of `original`."""
    here = of.counts.row == row
    share = of.contributions[here] / of.counts.count[here]
    per_bucket = dict(zip(of.counts.bucket[here].tolist(), share.tolist(), strict=True))
    totals: defaultdict[str, float] = defaultdict(float)
    explains: set[str] = set()
    words = _Words(of.found.codes)
    dense: defaultdict[_Stretch, float] = defaultdict(float)
    for at in np.flatnonzero(of.found.row == row).tolist():
        start, stop, bucket = int(of.found.start[at]), int(of.found.stop[at]), int(of.found.bucket[at])
        if start == stop or bucket not in per_bucket:
            continue  # what is said together stands nowhere by itself
        if words.is_dense(start):
            dense[start, stop] += per_bucket[bucket] if stop - start >= 2 else 0.0
            continue
        touched = words.touched(start, stop)
        for word in touched:
            term = words.text(*word)
            totals[term] += per_bucket[bucket] / len(touched)
            whole = word == (start, stop) and bucket < WORD_BUCKETS
            if is_concept(bucket) or (whole and of.idf[bucket] >= _COMMON_IDF):
                explains.add(term)
    for (start, stop), weight in _apart(dense).items():
        term = words.text(start, stop)
        totals[term] += weight
        explains.add(term)
    ranked = sorted(((t, w) for t, w in totals.items() if t in explains), key=lambda term: (-abs(term[1]), term[0]))
    spelled = _Spelling(original)
    return tuple(Reason(term=spelled(t), weight=round(w, 3)) for t, w in ranked[:most] if abs(w) >= 0.005)


def _apart(stretches: dict[_Stretch, float]) -> dict[_Stretch, float]:
    """Keep the strongest stretches that don't overlap."""
    kept: dict[_Stretch, float] = {}
    taken: set[int] = set()
    for (start, stop), weight in sorted(stretches.items(), key=lambda pair: (-abs(pair[1]), pair[0])):
        positions = set(range(start, stop))
        if not positions & taken:
            kept[start, stop] = weight
            taken |= positions
    return kept


class _Words:
    """Which words a stretch of a batch's code points touches."""

    def __init__(self, codes: npt.NDArray[np.uint32]) -> None:
        self._codes = codes
        self._kind = letter_classes(codes)

    def is_dense(self, position: int) -> bool:
        return bool(self._kind[position] == _DENSE)

    def text(self, start: int, stop: int) -> str:
        return "".join(map(chr, self._codes[start:stop].tolist()))

    def touched(self, start: int, stop: int) -> set[_Stretch]:
        """The words of the stretch's first and last letters."""
        letters = [at for at in range(start, stop) if self._kind[at] == 1]
        return {self._around(at) for at in (letters[0], letters[-1])} if letters else set()

    def _around(self, position: int) -> _Stretch:
        start = stop = position
        while start > 0 and self._kind[start - 1] == 1:
            start -= 1
        while stop < len(self._kind) and self._kind[stop] == 1:
            stop += 1
        return start, stop


class _Spelling:
    """Finds a folded term again as it was written."""

    def __init__(self, original: str) -> None:
        self._original = original
        folded = [normalize(char) for char in original]
        self._folded = "".join(folded)
        self._at = [index for index, part in enumerate(folded) for _ in part]

    def __call__(self, term: str) -> str:
        match = re.search(rf"(?<!\w){re.escape(term)}(?!\w)", self._folded)
        at = match.start() if match else self._folded.find(term)
        if at < 0:
            return term
        return self._original[self._at[at] : self._at[at + len(term) - 1] + 1]
