"""A text as the parts that are scored one by one: the whole when it is short, else title, sentences and windows.

The best part counts, so that three hundred harmless words can't hide one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from classifiers import Text
from classifiers.masks import unmasked
from classifiers.normalize import MAX_CHARS, normalize

_SHORT = 90
"""A text of so many words is scored as a whole. Longer ones are scored in windows and the best counts, so that
stuffing can't hide an item."""

_WINDOW = 36
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s*(?=\S)")
_MOST_PARTS = 400
_LONG_WORDS = 15
"""More characters a word than this on average: a script without spaces."""


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
    return [" ".join(words[at : at + _WINDOW]) for at in range(0, max(len(words) - _WINDOW * 2 // 3, 1), _WINDOW // 3)]


def all_parts(texts: Sequence[Text]) -> tuple[list[str], npt.NDArray[np.int64], list[bool]]:
    """Parts of all texts, for each part its text, for each text whether it is written to dodge a filter."""
    parts: list[str] = []
    owner: list[int] = []
    masked: list[bool] = []
    for index, text in enumerate(texts):
        mine = parts_of(text)
        # Read as one, so that two dodged words here and one there are noticed; lines stay apart.
        meant = unmasked(f"{text.title}\n{text.summary}\n{text.text}")
        for reading in meant:
            title, _, rest = reading.partition("\n")
            mine += parts_of(Text(title=title, summary=rest, language=text.language))
        parts += mine
        owner += [index] * len(mine)
        masked.append(bool(meant))
    return parts, np.array(owner, dtype=np.int64), masked
