"""The labelled items written for this project: reading `classifiers/corpus/*.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
CODES = (
    "overseas-station",
    "forced-return",
    "proxy-coercion",
    "interpol-abuse",
    "violence",
    "surveillance",
    "intimidation",
    "mobility-control",
    "response",
)
"""The codebook's codes, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled item, as a feed would carry it; fields by `corpus/CODEBOOK.md`."""

    id: str
    language: str
    title: str
    summary: str
    label: int
    codes: tuple[str, ...]
    state: str
    host: str
    register: str
    event: str
    hard: str


def items(folder: Path | None = None) -> list[Item]:
    """Every item of the corpus, in the order of files and lines.

    Raises:
        ValueError: a line that is no item; the text names file and line.
    """
    return [item for path in sorted((folder or CORPUS).glob("*.jsonl")) for item in _lines(path)]


def _lines(path: Path) -> Iterator[Item]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                raw = json.loads(line)
                yield Item(**{**raw, "codes": tuple(raw["codes"])})
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{path.name}:{number}: not a corpus item ({error})") from error
