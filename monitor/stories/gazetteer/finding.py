"""Where a text names states, cities, agencies, groups and the concepts of the lexicon: one pass over it. Pure.

Decides only what a stretch of text names where several forms could stand there: the longest one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monitor.stories.gazetteer.places import cldr_forms, written_names
from monitor.stories.gazetteer.tables import DENSE, Form, Kind, lexicon_forms, own_forms
from monitor.stories.gazetteer.texts import Prepared

_ADJECTIVE = re.compile(
    r"(?:(?:с|ц|з)к(?:и|а|о|у|ы|i|ь)\w{0,3}|[sc]k(?:i|a|ie|iego|iej|im|ich|iemu|y|e|eho|emu|ou|ych|ymi)|isch(?:e|er|en|es|em)?"
    r"|ese|ish|ian|ians|ais|aise|aises|ois|oise|ien|ienne|iens|iennes|isk|iska|iskt|iske|ense|enses)$"
)
_RIVALRY = {Kind.GROUP: 1, Kind.PERSON: 2}
_CASED = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1fff]")
_APART_CHARS = 48
_NOBODY = "nobody"
"""The group whose forms only hide others."""
PLACES = (Kind.STATE, Kind.NAME, Kind.CITY)
"""What names a state or a part of one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A form where it stands: `start` and `stop` in `Prepared.spaced`, without the borders of words.

    `end` is where its last word ends. `shape`: "name", "adjective", "city", "people", "agency", "group" or ""; of a
    stage "strong" where it means this in a summary too.
    """

    kind: Kind
    value: str
    states: tuple[str, ...]
    start: int
    stop: int
    end: int
    shape: str
    cue: str


@dataclass(frozen=True, slots=True)
class _Table:
    automaton: Any
    forms: tuple[tuple[Form, ...], ...]


@functools.cache
def _table() -> _Table:
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 - loads a compiled library

    by_pattern: dict[str, tuple[Form, ...]] = {}
    for form in _all_forms():
        known = by_pattern.get(form.pattern)
        if known is None:
            by_pattern[form.pattern] = (form,)
        elif all(_meaning(form) != _meaning(one) for one in known):
            by_pattern[form.pattern] = (*known, form)
    patterns = sorted(by_pattern)
    return _Table(automaton=AhoCorasick(patterns), forms=tuple([by_pattern[pattern] for pattern in patterns]))


def _meaning(form: Form) -> tuple[object, ...]:
    return form.kind, form.value, form.after, form.languages, form.is_strong


def _all_forms() -> Iterator[Form]:
    yield from own_forms()
    yield from lexicon_forms()
    yield from cldr_forms()


@dataclass(frozen=True, slots=True)
class Findings:
    """What a text names: states, cities, agencies, groups and persons; concepts, stages and acts.

    `named` holds nothing inside another of its kind; of the others every mention is there.
    """

    named: list[Found]
    concepts: list[Found]
    stages: list[Found]
    acts: list[Found]


def found(text: Prepared, language: str = "") -> Findings:
    """Name what `text` names. `language`: ISO 639 code; stages and acts of other languages are left out."""
    table, spaced = _table(), text.spaced
    named: list[Found] = []
    concepts: list[Found] = []
    stages: list[Found] = []
    acts: list[Found] = []
    for index, begin, stop in table.automaton.find_matches_as_indexes(spaced, overlapping=True):
        start = begin + (spaced[begin] == " ")
        stop -= spaced[stop - 1] == " "  # noqa: PLW2901 - the border is no part of the word
        for form in table.forms[index]:
            if form.kind is Kind.CONCEPT:
                concepts.append(Found(form.kind, form.value, (), start, stop, stop, "", ""))
                continue
            if form.languages and language and language not in form.languages:
                continue
            end = _end(form, spaced, start, stop)
            if end < 0 or not _is_written_so(form, text, start, stop):
                continue
            shape = "strong" if form.is_strong else ""
            one = Found(form.kind, form.value, form.states, start, stop, end, shape, form.cue)
            (stages if form.kind is Kind.STAGE else acts if form.kind is Kind.ACT else named).append(one)
    return Findings(_longest(named, spaced), concepts, stages, acts)


def _end(form: Form, spaced: str, start: int, stop: int) -> int:
    """Where the last word of a form ends; -1 where the form does not stand there after all."""
    if DENSE.match(spaced, start):
        return stop
    end = spaced.find(" ", stop)
    if form.after:
        at = spaced.find(f" {form.after}", end, end + _APART_CHARS if form.apart else end + 1 + len(form.after))
        return spaced.find(" ", at + 1) if at >= 0 else -1
    return end if form.grown < 0 or end - stop <= form.grown else -1


def _is_written_so(form: Form, text: Prepared, start: int, stop: int) -> bool:
    if not form.capitals:
        return True
    words = text.words(start, stop)
    if not _CASED.match(words):
        return True
    return words[:1].isupper() if form.capitals > 0 else not any(map(str.islower, words))


def _longest(named: list[Found], spaced: str) -> list[Found]:
    """The longest of what overlaps, the first of equals; in order of the text. Masks go once they have hidden theirs.

    Groups compete among themselves alone, and so do persons: "Iranian journalist" names a state and a group.
    """
    named.sort(key=lambda one: (one.start - one.stop, one.start, one.kind is not Kind.MASK, one.kind is Kind.STATE))
    taken: tuple[list[Found], ...] = ([], [], [])
    for one in named:
        rivals = taken[_RIVALRY.get(one.kind, 0)]
        if all(one.stop <= other.start or one.start >= other.stop for other in rivals):
            rivals.append(one)
    shown = [one for rivals in taken for one in rivals if one.kind is not Kind.MASK and one.value != _NOBODY]
    kept = [_shaped(one, spaced) for one in shown]
    kept.sort(key=lambda one: (one.start, -one.stop))
    return kept


def _shaped(one: Found, spaced: str) -> Found:
    if one.kind in PLACES:
        shape = _shape(one.kind, spaced[one.start : one.end], spaced[one.start : one.stop])
    else:
        shape = one.kind.value
    return Found(one.kind, one.value, one.states, one.start, one.stop, one.end, shape, one.cue)


@functools.lru_cache(maxsize=8_192)
def _shape(kind: Kind, word: str, stem: str) -> str:
    if kind is Kind.CITY:
        return "city"
    if word in written_names() or stem in written_names():
        return "name"
    if _ADJECTIVE.search(word):
        return "adjective"
    return "name" if kind is Kind.NAME else "other"
