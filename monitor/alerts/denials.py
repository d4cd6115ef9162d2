"""Who denies it? The sentence of a text in which something is denied. Pure; suggests, never asserts.

Knows the words of a denial from the gazetteer and nothing of who speaks: the sentence itself says that.
"""

from __future__ import annotations

import re

from monitor.model import Stage
from monitor.stories.gazetteer import finding
from monitor.stories.gazetteer.texts import prepared
from monitor.text import language_of

SENTENCE_CHARS = 180
"""A longer sentence is left out: a cut could turn its meaning around."""
_ENDS = re.compile(r"(?<=[.!?؟۔।…])[»”\"')]*\s+|(?<=[。！？])[」』”]*\s*|\n+")
_MARKS = tuple(".!?؟۔।。！？»”\"')」』")


def denial(text: str, language: str = "") -> str:
    """Give the first sentence of `text` that denies something, "" where none does. `language`: a hint, may be empty."""
    spoken = language_of(text, language)
    *whole, last = _ENDS.split(text)
    for sentence in (*whole, last if last.endswith(_MARKS) else ""):  # a summary may be cut within its last one
        if sentence and len(sentence) <= SENTENCE_CHARS and _denies(sentence, spoken):
            return sentence.strip()
    return ""


def _denies(sentence: str, language: str) -> bool:
    return any(one.value == Stage.DENIAL for one in finding.found(prepared(sentence), language).stages)
