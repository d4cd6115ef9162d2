"""Which characters make words: letters of scripts with spaces, of scripts without, and everything between words."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

SPACE, WORD, DENSE = 0, 1, 2

# Scripts written without spaces between words.
_DENSE_RANGES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


def _classes() -> npt.NDArray[np.uint8]:
    table = np.zeros(0x40000, dtype=np.uint8)
    for codepoint in range(0x10000):
        if unicodedata.category(chr(codepoint))[0] in "LNM":
            table[codepoint] = WORD
    table[0x10000:0x20000] = WORD
    for first, last in _DENSE_RANGES:
        stretch = table[first : last + 1]
        stretch[(stretch == WORD) | (first >= 0x20000)] = DENSE
    return table


_CLASS = _classes()
_ASCII = bytes(code if _CLASS[code] != SPACE else 32 for code in range(128)) + bytes(128)


def letter_classes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """SPACE, WORD or DENSE for each code point; DENSE is a letter of a script without spaces between words."""
    return _CLASS[np.minimum(codes, np.uint32(0x3FFFF))]


def spaced(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """`codes` with a space for everything that is no letter, digit or mark."""
    return np.where(letter_classes(codes) == SPACE, np.uint32(32), codes)


def spaced_text(text: str) -> str:
    """`text` with one space for each stretch of what is no letter, digit or mark."""
    if text.isascii():
        return b" ".join(text.encode().translate(_ASCII).split()).decode()
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    return " ".join(spaced(codes).tobytes().decode("utf-32-le").split())
