"""Concepts a text speaks of, whatever its language: who, where, what was done, what was said of it.

A lexicon of word stems in some twenty languages (`lexicon/concepts.tsv`, `lexicon/states.tsv`) maps words to a few dozen
language-independent concepts. One pass of an Aho-Corasick automaton finds them all. What the model learns of a concept
in one language holds in every other, and pairs of concepts ("exile" with "poison") say more than either alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.normalize import normalize

LEXICON = Path(__file__).resolve().parent / "lexicon"

# States on record for reaching abroad, and states where exiles live. Several are both.
_ORIGINS = (
    "AE AF AZ BD BH BI BT BY CG CM CN CU DJ DZ EG ER ET GQ HK IN IQ IR KH KP KW KZ KG LA LY LK MA MM NI OM PH PK "
    "QA RS RU RW SA SD SO SS SV SY TD TG TH TJ TM TN TR TZ UG UZ VE VN YE ZW"
)
_HOSTS = (
    "AL AM AR AT AU BA BE BG BR CA CH CL CO CR CY CZ DE DK EE ES FI FR GB GE GR HR HU ID IE IS IT JP KE KR LT LU LV "
    "MD ME MK MN MX MY NL NO NZ PA PE PL PT RO SE SG SI SK TH TR TW UA US ZA"
)
ORIGIN, HOST, TWO_STATES = "any-origin", "any-host", "two-states"

_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_BREAKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Lexicon:
    automaton: Any
    owners: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    states: frozenset[int]
    origins: frozenset[int]
    hosts: frozenset[int]


@functools.cache
def _lexicon() -> _Lexicon:
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 - loads a compiled library

    concepts, states = list(_stems(LEXICON / "concepts.tsv")), list(_stems(LEXICON / "states.tsv"))
    names = (ORIGIN, HOST, TWO_STATES, *sorted({name for name, _ in concepts}), *sorted({name for name, _ in states}))
    number = {name: index for index, name in enumerate(names)}
    owners: dict[str, set[int]] = {}
    for name, stem in (*concepts, *states):
        owners.setdefault(stem, set()).add(number[name])
    patterns = sorted(owners)
    return _Lexicon(
        automaton=AhoCorasick(patterns),
        owners=tuple(tuple(sorted(owners[pattern])) for pattern in patterns),
        names=names,
        states=frozenset(number[name] for name, _ in states),
        origins=frozenset(number[name] for name in _ORIGINS.split() if name in number),
        hosts=frozenset(number[name] for name in _HOSTS.split() if name in number),
    )


def _stems(path: Path) -> Iterator[tuple[str, str]]:
    """(concept, pattern) pairs: a stem matches at the start of a word, anywhere in scripts without spaces."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        concept, _, stems = line.split("\t")
        for stem in stems.split(";"):
            whole = stem.strip().endswith("$")
            folded = _BREAKS.sub(" ", normalize(stem.strip().rstrip("$"))).strip()
            if folded:
                dense = _DENSE.search(folded) is not None
                yield concept, folded if dense else f" {folded} " if whole else f" {folded}"


def names() -> tuple[str, ...]:
    """Names of all concepts; their positions are the numbers that `found` gives."""
    return _lexicon().names


def found(normalized: str) -> frozenset[int]:
    """Concepts in a normalised text, states and what follows from them included."""
    lexicon = _lexicon()
    spaced = f" {_BREAKS.sub(' ', normalized)} "
    hits: set[int] = set()
    for pattern, _, _ in lexicon.automaton.find_matches_as_indexes(spaced, overlapping=True):
        hits.update(lexicon.owners[pattern])
    states = hits & lexicon.states
    if states & lexicon.origins:
        hits.add(0)
    if states & lexicon.hosts:
        hits.add(1)
    if len(states) > 1:
        hits.add(2)
    return frozenset(hits)


def features(normalized: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns of concept features: one a concept, one a pair of concepts that are no states.

    Columns: concept `c` is `c`; the pair `a < b` is `size + a * size + b`, with `size` the number of concepts.
    """
    lexicon = _lexicon()
    size = len(lexicon.names)
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(normalized):
        hits = sorted(found(text))
        general = [hit for hit in hits if hit not in lexicon.states]
        mine = [*hits, *(size + a * size + b for i, a in enumerate(general) for b in general[i + 1 :])]
        rows += [row] * len(mine)
        columns += mine
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def width() -> int:
    """Number of columns that `features` may use."""
    size = len(_lexicon().names)
    return size + size * size
