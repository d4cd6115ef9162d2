"""The tables of this folder and of the classifier's lexicon as forms to look for. Reads its own files, decides nothing.

A form stands at the start of a word, with at most three letters grown on to it; one that ends in $ is a whole word; `*`
stands for the rest of a word, or alone for one or two words; in scripts without spaces a form stands anywhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from monitor.stories.gazetteer.texts import spaced

MAX_GROWN = 3
"""Letters of inflection that may stand behind a form of ours."""

DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""A letter of a script that is written without spaces."""

_ARABIC = re.compile("^[\u0600-\u06ff]")
_HEBREW = re.compile("^[\u05d0-\u05ea]")
_LETTERS = re.compile(r"[^\W\d_]+")
# What Arabic and Hebrew write together with the word behind it, and what it says of the word.
_ARABIC_PARTICLES = {
    "": "", "ال": "", "و": "and", "وال": "and", "ب": "in", "بال": "in", "ل": "to", "لل": "to", "ول": "to", "ف": "",
    "وب": "in",
}  # fmt: skip
_HEBREW_PARTICLES = {"": "", "ה": "", "ו": "and", "ב": "in", "ל": "to", "מ": "from", "ש": ""}
_SHORTEST_WITH_PARTICLE = 4
_PEOPLE = "pursued"
"""What the classifier calls people known to have been pursued abroad. Here a person is a name, and no deed."""


class Kind(StrEnum):
    """What a form names."""

    STATE = "state"  # a name, an adjective, a people, a leader: the lexicon does not tell them apart
    NAME = "name"
    CITY = "city"
    AGENCY = "agency"
    GROUP = "group"
    CONCEPT = "concept"
    STAGE = "stage"
    ACT = "act"
    PERSON = "person"
    MASK = "mask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A pattern and what it stands for.

    `pattern` is folded; a space at its ends is the border of a word. `states` are its states, likeliest first.
    `grown`: letters that may follow inside the word (-1: any number). `capitals`: how many of its first letters must be
    capitals where the script has any (-1: all). `after`: what the next word must begin with, or, if `apart`, a word
    close behind. `cue`: what a particle says. `languages`: those it means this in; empty for all. `is_strong`: it means
    this in a summary too.
    """

    pattern: str
    kind: Kind
    value: str
    states: tuple[str, ...] = ()
    grown: int = -1
    capitals: int = 0
    after: str = ""
    apart: bool = False
    languages: frozenset[str] = frozenset()
    is_strong: bool = False
    cue: str = ""


def rows(name: str) -> Iterator[list[str]]:
    """The rows of the table `name`."""
    text = (resources.files(__package__) / f"{name}.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split("\t")


@functools.cache
def standing() -> dict[str, str]:
    """How each state stands on record: "origin", "both" or "host"; a state that is not here does in no way."""
    return {state: level for level, states in rows("standing") for state in states.split()}


def forms(text: str, kind: Kind, value: str, states: tuple[str, ...] = (), *, grown: int = MAX_GROWN) -> Iterator[Form]:
    """Forms of one cell: separated by semicolons."""
    for raw in text.split(";"):
        yield from form(raw.strip(), kind, value, states, grown=grown)


def form(
    raw: str,
    kind: Kind,
    value: str,
    states: tuple[str, ...] = (),
    *,
    grown: int = MAX_GROWN,
    languages: frozenset[str] = frozenset(),
    is_strong: bool = False,
) -> Iterator[Form]:
    """One form, with what is written together with it."""
    whole, capitals = raw.endswith("$"), _capitals(raw, kind)
    head, _, after = raw.rstrip("$").partition("*")
    folded, after = folded_form(head), folded_form(after)
    if not folded:
        return
    if DENSE.search(folded):
        yield Form(pattern=folded, kind=kind, value=value, states=states, languages=languages, is_strong=is_strong)
        return
    for particle, cue in _particles(folded):
        stem = folded.removeprefix("ال") if particle == "لل" else folded
        yield Form(
            pattern=f" {particle}{stem} " if whole else f" {particle}{stem}",
            kind=kind,
            value=value,
            states=states,
            grown=0 if whole else -1 if after else grown,
            capitals=capitals,
            after=after,
            apart=" * " in raw,
            languages=languages,
            is_strong=is_strong,
            cue=cue,
        )


def _capitals(raw: str, kind: Kind) -> int:
    """A short form in capitals stands in capitals, a name begins with one."""
    letters = "".join(_LETTERS.findall(raw.partition("*")[0]))
    if letters.isupper() and len(letters) <= 6 and letters.lower() != letters:
        return -1
    return 1 if kind in (Kind.CITY, Kind.NAME, Kind.MASK) and raw[:1].isupper() else 0


def _particles(folded: str) -> Iterator[tuple[str, str]]:
    if len(folded) < _SHORTEST_WITH_PARTICLE:
        yield "", ""
    elif _ARABIC.match(folded):
        for particle, cue in _ARABIC_PARTICLES.items():
            if not (particle.endswith("ال") and folded.startswith("ال")):
                yield particle, cue
    elif _HEBREW.match(folded):
        yield from _HEBREW_PARTICLES.items()
    else:
        yield "", ""


def folded_form(text: str) -> str:
    """`text` as patterns are written: folded, one space between words."""
    from classifiers.normalize import normalize  # noqa: PLC0415 - finds the tables of OpenCC

    return " ".join(spaced(normalize(text)).split())


def own_forms() -> Iterator[Form]:
    """Forms of cities, agencies, groups and masks."""
    for state, text in rows("cities"):
        yield from forms(text, Kind.CITY, state, (state,))
    for state, text in rows("demonyms"):
        yield from forms(text, Kind.STATE, state, (state,), grown=-1)
    for name, state, _, text in rows("agencies"):
        yield from forms(text, Kind.AGENCY, name, () if state == "-" else (state,))
    for name, states, text in rows("groups"):
        yield from forms(text, Kind.GROUP, name, () if states == "-" else tuple(states.split(",")), grown=-1)
    for name, state, spellings in rows("names"):
        yield from persons(name, state, spellings)
    for kind, table in ((Kind.STAGE, "stages"), (Kind.ACT, "acts")):
        for value, languages, text in rows(table):
            spoken = frozenset(languages.split())
            for raw in map(str.strip, text.split(";")):
                yield from form(raw.lstrip("+"), kind, value, grown=-1, languages=spoken, is_strong=raw.startswith("+"))
    for name, text in rows("masks"):
        yield from forms(text, Kind.MASK, name, ())


def persons(name: str, state: str, spellings: str) -> Iterator[Form]:
    """Forms of one person: a name of one word must stand whole, but for the letters of a case."""
    for raw in (name, *spellings.split(";")):
        if raw.strip():
            yield from form(raw.strip(), Kind.PERSON, name, () if state == "-" else (state,), grown=MAX_GROWN)


@functools.cache
def signs() -> frozenset[str]:
    """Names of the rows of agencies that speak for a state and name no organisation."""
    return frozenset(name for name, _, kind, _ in rows("agencies") if kind == "sign")


@functools.cache
def services() -> frozenset[str]:
    """Names of the rows of agencies that are secret services."""
    return frozenset(name for name, _, kind, _ in rows("agencies") if kind == "intelligence")


def lexicon_forms() -> Iterator[Form]:
    """Forms of states and concepts that the classifier knows."""
    from classifiers.concepts import LEXICON, stems  # noqa: PLC0415 - loads NumPy

    for state, pattern in stems(LEXICON / "states.tsv"):
        folded = pattern.strip()
        whole = pattern.endswith(" ")
        variants = _particles(folded) if pattern.startswith(" ") else [("", "")]
        for particle, cue in variants:
            text = folded.removeprefix("ال") if particle == "لل" else folded
            written = f" {particle}{text} " if whole else f" {particle}{text}" if pattern.startswith(" ") else folded
            yield Form(pattern=written, kind=Kind.STATE, value=state, states=(state,), cue=cue)
    for concept, pattern in stems(LEXICON / "concepts.tsv"):
        if concept == _PEOPLE:
            continue
        yield Form(pattern=pattern, kind=Kind.CONCEPT, value=concept)
