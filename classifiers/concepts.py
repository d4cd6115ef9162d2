"""Concepts a text speaks of, whatever its language: who, where, what was done, what was said of it.

A lexicon of word stems in some twenty languages (`lexicon/concepts.tsv`, `lexicon/states.tsv`) maps words to a few
dozen language-independent concepts. One pass of an Aho-Corasick automaton finds them all. What the model learns of a
concept in one language holds in every other, and pairs of concepts ("exile" with "poison") say more than either
alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.letters import spaced_text
from classifiers.normalize import normalize

LEXICON = Path(__file__).resolve().parent / "lexicon"

# States on record for reaching abroad, and states where exiles live. Several are both.
ORIGINS = frozenset(
    (
        "AE AF AZ BD BH BI BT BY CG CM CN CU DJ DZ EG ER ET GQ HK IN IQ IR KH KP KW KZ KG LA LY LK MA MM NI OM PH PK "
        "QA RS RU RW SA SD SO SS SV SY TD TG TH TJ TM TN TR TZ UG UZ VE VN YE ZW"
    ).split()
)
_HOSTS = frozenset(
    (
        "AL AM AR AT AU BA BE BG BR CA CH CL CO CR CY CZ DE DK EE ES FI FR GB GE GR HR HU ID IE IS IT JP KE KR LT LU "
        "LV MD ME MK MN MX MY NL NO NZ PA PE PL PT RO SE SG SI SK TH TR TW UA US ZA"
    ).split()
)
_GENERAL = ("any-origin", "any-host", "two-states")
_TWO_STATES = 2
_SHORTEST_STEM = 4
"""Shorter ones stand inside too many words to show where one begins."""

# Articles, "and", "for", "in" are written together with the word that follows.
_PARTICLES = {
    "ar": ("", "ال", "و", "ف", "ب", "ل", "وال", "بال", "لل", "فال", "ول", "وب"),
    "he": ("", "ה", "ו", "ב", "ל", "מ", "ש", "וה"),
}

I64 = npt.NDArray[np.int64]

_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class _Lexicon:
    automaton: Any
    owners: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    states: frozenset[int]


@functools.cache
def _lexicon() -> _Lexicon:
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 - loads a compiled library

    concepts, states = list(stems(LEXICON / "concepts.tsv")), list(stems(LEXICON / "states.tsv"))
    names = (*_GENERAL, *sorted({name for name, _ in concepts}), *sorted({name for name, _ in states}))
    number = {name: index for index, name in enumerate(names)}
    owners: dict[str, set[int]] = {}
    for name, stem in (*concepts, *states):
        owners.setdefault(stem, set()).add(number[name])
    for name, stem in states:
        owners[stem].update(n for n, of in ((0, ORIGINS), (1, _HOSTS)) if name in of)
    patterns = sorted(owners)
    return _Lexicon(
        automaton=AhoCorasick(patterns),
        owners=tuple(tuple(sorted(owners[pattern])) for pattern in patterns),
        names=names,
        states=frozenset(number[name] for name, _ in states),
    )


@functools.lru_cache(maxsize=4)
def stems(path: Path) -> tuple[tuple[str, str], ...]:
    """(concept, pattern) pairs: a stem matches at the start of a word, anywhere in scripts without spaces."""
    return tuple(_stems(path))


def _stems(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        concept, language, stems = line.split("\t")
        for stem in stems.split(";"):
            whole = stem.strip().endswith("$")
            folded = spaced_text(normalize(stem.strip().rstrip("$")))
            if folded:
                if _DENSE.search(folded):
                    yield concept, folded
                    continue
                for particle in _PARTICLES.get(language, ("",)):
                    yield concept, f" {particle}{folded} " if whole else f" {particle}{folded}"


def names() -> tuple[str, ...]:
    """Names of all concepts; their positions are the numbers used everywhere else."""
    return _lexicon().names


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """Where a text speaks of concepts: `concept` number, `start` and `stop` in code points. Arrays of one length."""

    concept: I64
    start: I64
    stop: I64


def mentions(spaced: str) -> Mentions:
    """Every mention in `spaced`: normalised text in which all that is no letter or digit is one space each.

    A state's mention counts for "any-origin" or "any-host" too, where it is one.
    """
    lexicon = _lexicon()
    rows = [
        (concept, start + (spaced[start] == " "), stop - (spaced[stop - 1] == " "))
        for pattern, start, stop in lexicon.automaton.find_matches_as_indexes(spaced, overlapping=True)
        for concept in lexicon.owners[pattern]
    ]
    found = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Mentions(concept=found[:, 0], start=found[:, 1], stop=found[:, 2])


def names_in(text: str) -> frozenset[str]:
    """Names of the concepts that `text`, as it is written, speaks of."""
    return frozenset(names()[number] for number in mentioned(f" {spaced_text(normalize(text))} "))


def parted(letters: str) -> str:
    """Normalise a word that is several written together, and part it before every stem of the lexicon."""
    whole = normalize(letters)
    starts = [start for _, start, _ in _apart().find_matches_as_indexes(whole) if start]
    return " ".join(whole[start:stop] for start, stop in pairwise((0, *starts, len(whole))))


@functools.cache
def _apart() -> Any:
    from ahocorasick_rs import AhoCorasick, MatchKind  # noqa: PLC0415 - loads a compiled library

    found = {stem.strip() for table in ("concepts.tsv", "states.tsv") for _, stem in stems(LEXICON / table)}
    return AhoCorasick(sorted(s for s in found if len(s) >= _SHORTEST_STEM), matchkind=MatchKind.LeftmostLongest)


def mentioned(spaced: str) -> set[int]:
    """The numbers of the concepts that `mentions` finds."""
    lexicon = _lexicon()
    patterns = {pattern for pattern, _, _ in lexicon.automaton.find_matches_as_indexes(spaced, overlapping=True)}
    return {concept for pattern in patterns for concept in lexicon.owners[pattern]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What is said together in one text: rows and pair numbers, `a * size + b` for concepts `a` and `b`.

    `size` is the number of concepts. In `general` neither is a single state, and `a < b` (or both are "two-states");
    in `with_state` `b` is a state.
    """

    general_row: I64
    general: I64
    state_row: I64
    with_state: I64


def together(row: I64, concept: I64) -> Together:
    """Pair the mentions of each text; two different states in one count as the concept "two-states"."""
    lexicon = _lexicon()
    size = len(lexicon.names)
    per_row: dict[int, tuple[list[int], list[int]]] = {}
    for key in np.unique(row * size + concept).tolist():
        number, found = divmod(key, size)
        per_row.setdefault(number, ([], []))[found in lexicon.states].append(found)
    general: list[tuple[int, int]] = []
    with_state: list[tuple[int, int]] = []
    for number, (concepts, states) in per_row.items():
        with_state += [(number, a * size + b) for a in concepts for b in states]
        if len(states) > 1:
            concepts = sorted((*concepts, _TWO_STATES))  # noqa: PLW2901 - the text says it, in no single place
            general.append((number, _TWO_STATES * size + _TWO_STATES))
        general += [(number, a * size + b) for i, a in enumerate(concepts) for b in concepts[i + 1 :]]
    pairs, state_pairs = (np.array(found, dtype=np.int64).reshape(-1, 2) for found in (general, with_state))
    return Together(
        general_row=pairs[:, 0], general=pairs[:, 1], state_row=state_pairs[:, 0], with_state=state_pairs[:, 1]
    )
