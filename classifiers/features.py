"""Text to TF-IDF features: words, word pairs and characters, hashed, a whole batch at once.

A batch of texts becomes one array of code points. A running polynomial hash over it gives the hash of any stretch in
constant time, so that words, word pairs and character n-grams are found with array operations alone. Scripts without
spaces (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese) need no segmentation: their n-grams of one to four
characters stand in for words.

Five blocks, each with its own length: words (1-2-grams, 2^18 buckets), characters (3-4-grams in words, 2^20 buckets),
concepts of the lexicon, pairs of them, and pairs with a state (`concepts`; no hashing, 2^16 columns each). Rejected:
scikit- learn's vectorizers (600 texts a second with characters), a vocabulary (ten times the size on disk).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import concepts
from classifiers.letters import DENSE, SPACE, WORD, letter_classes
from classifiers.normalize import normalize

WORD_BUCKETS = 1 << 18
CHAR_BUCKETS = 1 << 20
CONCEPT_COLUMNS = 1 << 16
BUCKETS = WORD_BUCKETS + CHAR_BUCKETS + 3 * CONCEPT_COLUMNS

_FIRST_CONCEPT = WORD_BUCKETS + CHAR_BUCKETS
_FIRST_PAIR = _FIRST_CONCEPT + CONCEPT_COLUMNS
_FIRST_STATE_PAIR = _FIRST_PAIR + CONCEPT_COLUMNS
_BLOCKS = np.array([WORD_BUCKETS, _FIRST_CONCEPT, _FIRST_PAIR, _FIRST_STATE_PAIR])
_SHORTENING = np.array([0.0, 0.0, 60.0, 100.0, 50.0])
"""Added to the squared length of each block (words, characters, concepts, pairs, pairs with a state) before a text is
scaled by it. A text that touches one concept by chance has a short block then, instead of one that counts as much as a
block with twenty concepts. About the lower quartile of what the corpus has."""
_EMPHASIS = np.array([2.0, 1.5, 1.0, 1.0, 1.0])
"""How long each block may get. Longer is cheaper for the fit to use; the ranking of held-out events chose it."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_BASE, -1, 1 << 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrences:
    """Every feature of a batch where it stands, unsorted.

    `row`: index of the text. `bucket`: 0..BUCKETS (words first). `start`, `stop`: code points of the normalised batch.
    """

    row: I64
    bucket: I64
    start: I64
    stop: I64
    codes: npt.NDArray[np.uint32]


_powers: U64 = np.ones(1, dtype=np.uint64)
_inverse_powers: U64 = np.ones(1, dtype=np.uint64)


def are_concepts(buckets: I64) -> npt.NDArray[np.bool_]:
    """Which of `buckets` are concepts of the lexicon."""
    return (buckets >= _FIRST_CONCEPT) & (buckets < _FIRST_PAIR)


def naming(states: Collection[str]) -> npt.NDArray[np.bool_]:
    """Which of all BUCKETS are one of `states` (as in the lexicon: "IR") named by itself."""
    buckets = np.zeros(BUCKETS, dtype=bool)
    buckets[[_FIRST_CONCEPT + number for number, name in enumerate(concepts.names()) if name in states]] = True
    return buckets


def naming_any_state() -> npt.NDArray[np.bool_]:
    """Which of all BUCKETS speak of one certain state, by itself or in a pair."""
    buckets = naming([name for name in concepts.names() if name.isupper()])
    buckets[_FIRST_STATE_PAIR:] = True
    return buckets


def _grow(size: int) -> None:
    if len(_powers) < size:
        room = max(size, 2 * len(_powers))
        for name, factor in (("_powers", _BASE), ("_inverse_powers", _INVERSE)):
            table = np.full(room, factor & (2**64 - 1), dtype=np.uint64)
            table[0] = 1
            globals()[name] = np.multiply.accumulate(table)


def _mixed(values: U64) -> U64:
    """Scatter bits (the finaliser of splitmix64), so that the low bits can serve as a bucket."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values = values ^ (values >> np.uint64(27))
    values = values * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class _Batch:
    """A batch as code points, with the hash of every stretch at hand."""

    def __init__(self, texts: Sequence[str]) -> None:
        # A space on both sides of each text, so that every word has its borders, and two between texts, so that no
        # expression of the lexicon reaches from one into the next.
        joined = " " + "  ".join(texts) + " "
        self.codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
        lengths = np.fromiter((len(text) + 2 for text in texts), dtype=np.int64, count=len(texts))
        self.kind = letter_classes(self.codes)
        self.row = np.repeat(np.arange(len(texts)), lengths)
        letters = np.where(self.kind == SPACE, np.uint32(32), self.codes)
        self.spaced = letters.tobytes().decode("utf-32-le")
        _grow(len(self.codes) + 1)
        steps = (letters.astype(np.uint64) + np.uint64(1)) * _powers[: len(letters)]
        self.running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(steps, dtype=np.uint64)])

    def hashed(self, start: I64, stop: I64) -> U64:
        hashes: U64 = (self.running[stop] - self.running[start]) * _inverse_powers[start]
        return hashes


def occurrences(normalized: Sequence[str]) -> Occurrences:
    """Find every feature of the normalised texts."""
    batch = _Batch(normalized)
    parts = [*_words(batch), *_grams(batch), *_concepts(batch)]
    start = np.concatenate([part[0] for part in parts])
    return Occurrences(
        row=batch.row[start],
        bucket=np.concatenate([part[2] for part in parts]),
        start=start,
        stop=np.concatenate([part[1] for part in parts]),
        codes=batch.codes,
    )


_Part = tuple[I64, I64, I64]


def _words(batch: _Batch) -> list[_Part]:
    is_word = batch.kind == WORD
    edges = np.diff(np.concatenate([[False], is_word, [False]]).astype(np.int8))
    start: I64 = np.flatnonzero(edges == 1)
    stop: I64 = np.flatnonzero(edges == -1)
    hashes = batch.hashed(start, stop)
    words = (start, stop, (_mixed(hashes) % np.uint64(WORD_BUCKETS)).astype(np.int64))
    if len(start) < 2:
        return [words]
    # A pair is two words of one text with at most three characters between them: punctuation may, a sentence may not.
    near = (batch.row[start[1:]] == batch.row[start[:-1]]) & (start[1:] - stop[:-1] <= 3)
    first, second = hashes[:-1][near], hashes[1:][near]
    paired = _mixed(first * np.uint64(0xD6E8FEB86659FD93) + second)
    pairs = (start[:-1][near], stop[1:][near], (paired % np.uint64(WORD_BUCKETS)).astype(np.int64))
    return [words, pairs]


def _grams(batch: _Batch) -> list[_Part]:
    """Character n-grams: 3-4 within a word and its borders, 1-4 in scripts without spaces (1-2 of them as words)."""
    size = len(batch.codes)
    spaces = np.concatenate([[0], np.cumsum(batch.kind == SPACE)])
    dense = np.concatenate([[0], np.cumsum(batch.kind == DENSE)])
    parts: list[_Part] = []
    for n in (1, 2, 3, 4):
        start = np.arange(max(size - n + 1, 0), dtype=np.int64)
        stop = start + n
        all_dense = (dense[stop] - dense[start]) == n
        keep = all_dense.copy()
        if n >= 3:
            inner_spaces = spaces[stop - 1] - spaces[start + 1]
            some_letters = (spaces[stop] - spaces[start]) < n - 1
            keep |= (inner_spaces == 0) & some_letters & ((dense[stop] - dense[start]) == 0)
        start, stop, all_dense = start[keep], stop[keep], all_dense[keep]
        hashes = _mixed(batch.hashed(start, stop) + np.uint64(n))
        as_word = all_dense & (n <= 2)
        in_words = (hashes % np.uint64(WORD_BUCKETS)).astype(np.int64)
        in_chars = (hashes % np.uint64(CHAR_BUCKETS)).astype(np.int64) + WORD_BUCKETS
        parts.append((start, stop, np.where(as_word, in_words, in_chars)))
    return parts


def _concepts(batch: _Batch) -> list[_Part]:
    """Mentions of concepts where they stand; pairs as empty stretches at the beginning of their text."""
    found = concepts.mentions(batch.spaced)
    said = concepts.together(batch.row[found.start], found.concept)
    begins, state_begins = (np.searchsorted(batch.row, rows) for rows in (said.general_row, said.state_row))
    return [
        (found.start, found.stop, found.concept + _FIRST_CONCEPT),
        (begins, begins, said.general + _FIRST_PAIR),
        (state_begins, state_begins, said.with_state + _FIRST_STATE_PAIR),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Features of a batch, one entry a (text, bucket), sorted by both. `count`: how often it stands there."""

    row: I64
    bucket: I64
    count: I64
    rows: int


def counted(found: Occurrences, rows: int, known: npt.NDArray[np.bool_] | None = None) -> Counts:
    """Count features per text; `known` (BUCKETS booleans) leaves out buckets that no model weight uses."""
    row, bucket = found.row, found.bucket
    if known is not None:
        kept = known[bucket]
        row, bucket = row[kept], bucket[kept]
    narrow = rows * BUCKETS < 1 << 32  # half the bytes, half the time
    keys = np.sort((row * BUCKETS + bucket).astype(np.uint32 if narrow else np.int64)).astype(np.int64)
    if not len(keys):
        empty = np.zeros(0, dtype=np.int64)
        return Counts(row=empty, bucket=empty, count=empty, rows=rows)
    first = np.concatenate([[True], keys[1:] != keys[:-1]])
    starts = np.flatnonzero(first)
    count = np.diff(np.append(starts, len(keys)))
    unique = keys[starts]
    return Counts(row=unique // BUCKETS, bucket=unique % BUCKETS, count=count, rows=rows)


def weighted(counts: Counts, idf: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """TF-IDF values of `counts`: sublinear tf, each block of a text scaled (see _SHORTENING and _EMPHASIS)."""
    values = (1.0 + np.log(counts.count)) * idf[counts.bucket]
    block = np.searchsorted(_BLOCKS, counts.bucket, side="right")
    blocks = len(_SHORTENING)
    part = counts.row * blocks + block
    squares = np.bincount(part, weights=values * values, minlength=blocks * counts.rows)
    norms = np.sqrt(np.maximum(squares + np.tile(_SHORTENING, counts.rows), 1e-12))
    return np.asarray(values / norms[part] * _EMPHASIS[block], dtype=np.float32)


def amounts(row: npt.NDArray[Any], bucket: npt.NDArray[Any], rows: int) -> I64:
    """How many different known words and word pairs each of `rows` texts has, from the entries of its features."""
    return np.bincount(row[bucket < WORD_BUCKETS], minlength=rows)


def prepared(title: str, summary: str = "", text: str = "") -> str:
    """One normalised string for a text: title, summary and body, each on its own."""
    return normalize(" \n ".join(part for part in (title, summary, text) if part))
