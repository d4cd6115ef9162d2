"""The corpus as facts are measured on it, and the fitting of the weights of cues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "classifiers" / "corpus"
DATA = Path(__file__).resolve().parent / "data"
MARKED = DATA / "facts_marked.jsonl"
"""Marked by somebody who had no part in the reading of facts."""
MARKED_NEW = DATA / "facts_marked_new.jsonl"
"""Written and marked later, before the reading of stages and groups was written anew."""
MARKED_THIRD = DATA / "facts_marked_third.jsonl"
"""Written and marked by a third person who had not seen the lists; numbered by chance, so that halves are drawn."""

# Names of groups as the first set spells them.
_RESPELLED = {"crimean tatars": "crimean-tatars"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A relevant item of the corpus. `tuning`: in the half that weights were fitted on."""

    id: str
    language: str
    title: str
    summary: str
    origins: frozenset[str]
    hosts: frozenset[str]
    codes: tuple[str, ...]
    tuning: bool


def items() -> Iterator[Item]:
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["label"]:
                yield Item(
                    id=row["id"],
                    language=row["language"],
                    title=row["title"],
                    summary=row["summary"],
                    origins=frozenset(filter(None, row["state"].split(","))),
                    hosts=frozenset(filter(None, row["host"].split(","))),
                    codes=tuple(row["codes"]),
                    tuning=_is_even(row["event"]),
                )


def _is_even(event: str) -> bool:
    return hashlib.sha256(event.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A text marked by hand. `odd`: in the half that nothing was tuned on."""

    id: str
    language: str
    title: str
    summary: str
    origins: frozenset[str]
    hosts: frozenset[str]
    stage: str
    groups: frozenset[str]
    physical: bool | None
    odd: bool


def marked(path: Path = MARKED) -> Iterator[Marked]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Marked(
            id=row["id"],
            language=row["language"],
            title=row["title"],
            summary=row["summary"],
            origins=frozenset(row["origin"]),
            hosts=frozenset(row["host"]),
            stage=row["stage"],
            groups=frozenset(_RESPELLED.get(group, group) for group in row["target_groups"]),
            physical=row["physical"],
            odd=int(row["id"][-1]) % 2 == 1,
        )
