"""Texts that are written to dodge a filter, read as they were meant.

Right-to-left overrides, s p a c e d words and leet spelling are undone. What looks the same to a reader (look-alike
letters, invisible characters) is folded for every text: see `normalize`.
"""

from __future__ import annotations

import re

from classifiers import concepts
from classifiers.normalize import MAX_CHARS

_RLO = re.compile("\u202e([^\u202c\u202d\n]*)[\u202c\u202d]?")
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_]([ .\-_*])(?:[^\W\d_]\1){3,}[^\W\d_](?![^\W_])")
_SPACED_SHORT = re.compile(r"(?<![^\W_])(?:[^\W\d_] )+[^\W\d_](?![^\W_])")
# "1" stands for two letters; both readings are tried.
_LEET = tuple(str.maketrans("01345789@$!", f"o{one}eastbgasi") for one in "il")
_LEET_WORD = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[013457@$])[\w@$]{4,}(?![\w@$])")
_LEET_SIGNS = re.compile(r"[\w@$!]*[\w@$]")
_LEET_SIGNS_AND_ENDS = re.compile(r"[\w@$!]+")
_SIGN_INSIDE = re.compile(r"[\w@$]![\w@$]")
_PLAIN_MIX = re.compile(r"^(?:\d+[a-z]{1,3}|[a-z]{1,4}\d+|.*@.*\..*|\d[\d,.]*\w?)$")
_GAP = re.compile(r"[^\S\n]{2,}")
_MOSTLY = 0.8
_LEAST_LEET = 3
_LONGEST_WORD = 20
"""A spaced word of more letters is several: between them no gap was left."""


def unmasked(text: str) -> tuple[str, ...]:
    """The text as it may have been meant, where it is written to dodge a filter; nothing for ordinary text.

    Undoes right-to-left overrides, s p a c e d words and leet spelling. One override, one spaced word that is no
    abbreviation, or three different leet words make a text a masked one: product names are one or two. In a leet text
    every word with a digit or sign in it is read, short ones and numbers too.
    """
    head = text[:MAX_CHARS]
    overridden = _RLO.search(head) is not None
    plain = _RLO.sub(lambda m: m.group(1)[::-1], head) if overridden else head
    spaced = any(not _is_abbreviation(found) for found in _SPACED.finditer(plain))
    if spaced:
        plain = "\n".join(map(_gaps_as_spaces, plain.split("\n")))
        plain = _SPACED_SHORT.sub(_joined, _SPACED.sub(_joined, plain))
    lowered = plain.lower()
    if len(_leet_words(lowered)) >= _LEAST_LEET:
        # A sign of exclamation at a word's end is one, unless the text writes the letter so inside words.
        signs = _LEET_SIGNS_AND_ENDS if _SIGN_INSIDE.search(lowered) else _LEET_SIGNS
        return tuple(signs.sub(lambda m: m.group().translate(table), lowered) for table in _LEET)  # noqa: B023
    return (plain,) if overridden or spaced else ()


def _is_abbreviation(found: re.Match[str]) -> bool:
    return found.group(1) == "." and found.group().isupper()


def _leet_words(lowered: str) -> set[str]:
    """Different words that look like leet: a brand that comes up three times ("dream11") is one."""
    words = {found.group() for found in _LEET_WORD.finditer(lowered)}
    return {word for word in words if word.isascii() and not _PLAIN_MIX.match(word)}


def _gaps_as_spaces(line: str) -> str:
    """A line that is spaced throughout, with wider gaps between words, as its words, signs and digits too."""
    pieces = line.split()
    words = _GAP.split(line.strip())
    if len(words) < 2 or sum(len(piece) == 1 for piece in pieces) < _MOSTLY * len(pieces):
        return line
    return " ".join(word.replace(" ", "") for word in words)


def _joined(match: re.Match[str]) -> str:
    word = re.sub(r"[\W_]+", "", match.group())
    return word if len(word) <= _LONGEST_WORD else concepts.parted(word)
