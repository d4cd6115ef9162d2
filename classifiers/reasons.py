"""Why a text scored as it did: the terms that moved it, as they stand in the text.

A feature's contribution is spread over the words it covers, so that character n-grams show up as the word that explains
them. In scripts without spaces the best stretches of two to four characters stand for themselves.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from classifiers import Reason
from classifiers.features import WORD_BUCKETS, Counts, Occurrences

MOST = 8
"""Reasons given for one text."""


def strongest(
    found: Occurrences, row: int, counts: Counts, contributions: npt.NDArray[np.float64], most: int = MOST
) -> tuple[Reason, ...]:
    """Name the terms of text `row`, strongest first; `contributions` are log-odds, one for each entry of `counts`."""
    here = counts.row == row
    per_bucket = dict(
        zip(counts.bucket[here].tolist(), (contributions[here] / counts.count[here]).tolist(), strict=True)
    )
    at = np.flatnonzero(found.row == row)
    spans = [
        (
            int(found.start[i]),
            int(found.stop[i]),
            per_bucket[int(found.bucket[i])],
            int(found.bucket[i]) < WORD_BUCKETS,
        )
        for i in at
        if int(found.bucket[i]) in per_bucket
    ]
    return _terms(found.codes, spans, most)


def _terms(codes: npt.NDArray[np.uint32], spans: list[tuple[int, int, float, bool]], most: int) -> tuple[Reason, ...]:
    words: defaultdict[tuple[int, int], float] = defaultdict(float)
    pairs: defaultdict[tuple[int, int], float] = defaultdict(float)
    border = _WordBorders(codes)
    for start, stop, weight, _ in spans:
        if start == stop:
            continue  # what is said together stands nowhere by itself
        if border.dense(start):
            if stop - start >= 2:
                pairs[start, stop] += weight
            continue
        first, last = border.word(start), border.word(stop - 1)
        if first is None:
            first = border.word(start + 1) if stop - start > 1 else None
        if last is None:
            last = border.word(stop - 2) if stop - start > 1 else None
        touched = {word for word in (first, last) if word}
        for word in touched:
            words[word] += weight / len(touched)
    totals: defaultdict[str, float] = defaultdict(float)
    for (start, stop), weight in words.items():
        totals[_text(codes, start, stop)] += weight
    for (start, stop), weight in _apart(pairs).items():
        totals[_text(codes, start, stop)] += weight
    ranked = sorted(totals.items(), key=lambda term: (-abs(term[1]), term[0]))
    return tuple(Reason(term=term, weight=round(weight, 3)) for term, weight in ranked[:most] if abs(weight) >= 0.005)


def _apart(pairs: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Keep the strongest stretches that don't overlap."""
    kept: dict[tuple[int, int], float] = {}
    taken: set[int] = set()
    for (start, stop), weight in sorted(pairs.items(), key=lambda pair: (-abs(pair[1]), pair[0])):
        positions = set(range(start, stop))
        if not positions & taken:
            kept[start, stop] = weight
            taken |= positions
    return kept


def _text(codes: npt.NDArray[np.uint32], start: int, stop: int) -> str:
    return "".join(map(chr, codes[start:stop].tolist()))


class _WordBorders:
    """Where the word around a position begins and ends."""

    def __init__(self, codes: npt.NDArray[np.uint32]) -> None:
        from classifiers.features import letter_classes  # noqa: PLC0415

        self._kind = letter_classes(codes)

    def dense(self, position: int) -> bool:
        return bool(self._kind[position] == 2)

    def word(self, position: int) -> tuple[int, int] | None:
        kind = self._kind
        if kind[position] != 1:
            return None
        start = stop = position
        while start > 0 and kind[start - 1] == 1:
            start -= 1
        while stop < len(kind) and kind[stop] == 1:
            stop += 1
        return start, stop
