"""A text folded for matching, that can still say which words of the original a match stands for. Pure."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAX_CHARS = 1_200
"""What stands behind this is not read: who did what to whom is said at the beginning."""


_HEAD_CHARS = 60
_BETWEEN = "\n" * 9
"""Wider than any gap in which words still belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`original` and its folded form: lower case, no marks, a space for all that is no letter, digit or mark.

    `title_stop`: where the title ends in `spaced`. `offsets`: for each character of `spaced` its place in `original`;
    empty where both agree but for the space that `spaced` begins with.
    """

    original: str
    spaced: str
    title_stop: int
    offsets: Sequence[int] = ()

    @property
    def is_dense(self) -> bool:
        """Whether it is written without spaces between words, as far as its title tells."""
        head = self.original[:_HEAD_CHARS]
        return sum(1 for char in head if "\u3040" <= char <= "\u9fff") * 4 > len(head)

    def place(self, start: int, stop: int) -> tuple[int, int]:
        """Where a stretch of `spaced` begins and ends in `original`."""
        if self.offsets:
            return self.offsets[start], self.offsets[stop - 1] + 1
        return max(0, start - 1), max(0, stop - 1)

    def words(self, start: int, stop: int) -> str:
        """The original words of a stretch of `spaced`."""
        begin, end = self.place(start, stop)
        return self.original[begin:end].strip()


def prepared(title: str, summary: str = "", text: str = "") -> Prepared:
    """Fold a text for matching."""
    from classifiers.normalize import normalize  # noqa: PLC0415 - loads NumPy further down

    original = _BETWEEN.join(part for part in (title, summary, text) if part)[:MAX_CHARS]
    folded = normalize(original)
    title_stop = len(title) + 1
    if original.isascii() or len(folded) == len(original):
        return Prepared(original=original, spaced=f" {spaced(folded)} ", title_stop=title_stop)
    pieces, offsets = [], [0]
    for at, char in enumerate(original):
        piece = _folded_char(char)
        pieces.append(piece)
        offsets += [at] * len(piece)
    offsets.append(len(original))
    title_stop = len("".join(pieces[: len(title)])) + 1
    joined = "".join(pieces)
    unmixed = normalize(joined)  # look-alike letters show only in whole words
    folded = unmixed if len(unmixed) == len(joined) else joined
    return Prepared(original=original, spaced=f" {spaced(folded)} ", title_stop=title_stop, offsets=offsets)


@functools.lru_cache(maxsize=16_384)
def _folded_char(char: str) -> str:
    from classifiers.normalize import normalize  # noqa: PLC0415 - loads NumPy further down

    return normalize(char)


class _Spaces(dict[int, "int | str"]):
    """A translation table filled as characters are met."""

    def __missing__(self, codepoint: int) -> int | str:
        kept = self[codepoint] = codepoint if unicodedata.category(chr(codepoint))[0] in "LNM" else " "
        return kept


_SPACES = _Spaces()


def spaced(folded: str) -> str:
    """A space for each character that is no letter, digit or mark."""
    return folded.translate(_SPACES)
