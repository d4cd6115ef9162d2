"""Text in, scores out. Knows nothing of feeds, channels or storage, and is usable from a notebook.

import classifiers
model = classifiers.load()
model.score([classifiers.Text(title="Exiled editor stabbed outside his home in London")])[0].value
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Classifier", "Reason", "Score", "Text", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is scored. Only `title` is needed; `language` is a BCP 47 hint and may be empty."""

    title: str
    summary: str = ""
    text: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A term that moved a score, as it stands in the text. `weight` > 0 speaks for relevance (log-odds)."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a classifier says of one text. No decision is in it.

    `value`: 0..1, calibrated (docs/design/what-a-score-means.md). `codes`: codebook codes, likeliest first.
    `reasons`: strongest first, by absolute weight. `model`: name and digest of the model that said it.
    `obfuscated`: the text looks made to dodge a filter; a person should look whatever `value` says.
    """

    value: float
    codes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    model: str = ""
    obfuscated: bool = False


class Classifier(Protocol):
    """Anything that scores texts."""

    @property
    def name(self) -> str:
        """Name and digest, as it stands in `Score.model`."""
        ...

    def score(self, texts: Sequence[Text]) -> list[Score]:
        """Score texts in their order, one batch. Never raises for any text; an empty one scores 0."""
        ...


def load(path: Path | None = None) -> Classifier:
    """Load the trained model of `path`, or the one that ships with the package.

    Raises:
        FileNotFoundError: `path` has no model.
        ValueError: it is truncated, swapped or of another format; the text says which file.
    """
    from classifiers.relevance import RelevanceModel  # noqa: PLC0415 - NumPy only when scoring

    return RelevanceModel.load(path)
