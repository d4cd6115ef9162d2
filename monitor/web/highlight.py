"""Where in a text are the reasons of its score? Pure: text goes in, pieces go out, and together they are the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers import Reason

_MOST = 400
"""Marks in one text; more make it harder to read, not easier."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. `weight` is that of the reason it shows; 0: of none."""

    text: str
    weight: float = 0.0


def pieces(text: str, reasons: Sequence[Reason]) -> tuple[Piece, ...]:
    """Cut `text` at its reasons, whatever their case; of reasons that overlap the longer one is marked."""
    weights: dict[str, float] = {}
    for reason in reasons:
        term = " ".join(reason.term.split())
        if term:
            weights.setdefault(term.casefold(), reason.weight)
    if not weights or not text:
        return (Piece(text),) if text else ()
    longest = sorted(weights, key=len, reverse=True)
    pattern = re.compile("|".join(_pattern(term) for term in longest), re.IGNORECASE)
    found: list[Piece] = []
    end = 0
    for match in pattern.finditer(text):
        if len(found) >= _MOST or match.start() == match.end():
            break
        if match.start() > end:
            found.append(Piece(text[end : match.start()]))
        weight = weights.get(" ".join(match[0].split()).casefold(), 0.0)
        found.append(Piece(match[0], weight))
        end = match.end()
    return (*found, Piece(text[end:])) if end < len(text) else tuple(found)


def _pattern(term: str) -> str:
    """A term that begins or ends in the middle of a word is looked for as it stands; a whole word as a word."""
    body = r"\s+".join(map(re.escape, term.split()))
    begins, ends = (r"\b" if _is_spaced(char) else "" for char in (term[0], term[-1]))
    return f"{begins}{body}{ends}"


def _is_spaced(char: str) -> bool:
    """Whether words that begin with it are set apart by spaces: not so in Chinese, Japanese, Thai and the like."""
    return char.isalnum() and not re.match("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]", char)
