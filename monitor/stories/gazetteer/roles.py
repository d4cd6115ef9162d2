"""Which of the states a text names reaches out, and in which one it does so. Pure.

Every state is a candidate with cues: how it stands on record, how it is named (a city, an adjective, an agency), what
small word stands before it, what concept of the lexicon stands near it. `weights.tsv` says how strongly a cue speaks
for the origin and for the host; the weights were fitted on half of the classifier's corpus (docs/design/
who-is-origin-and-who-is-host.md). The likeliest candidate is named if it is likely enough against the others and
against "none of them".
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.stories.gazetteer.finding import Found
from monitor.stories.gazetteer.tables import DENSE, Kind, rows, standing
from monitor.stories.gazetteer.texts import Prepared

_LONGEST_GAP = 8
NEAR_CHARS, NEAR_CHARS_DENSE = 28, 9
"""How far from a state a concept still speaks of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A state that a text names: its cues, its mentions in order of the text, the states it is listed with."""

    state: str
    cues: frozenset[str]
    mentions: tuple[Found, ...]
    listed: frozenset[str] = frozenset()


def candidates(text: Prepared, named: Sequence[Found], concepts: Sequence[Found], *, language: str) -> list[Candidate]:
    """The states of `named` with their cues, in order of their first mention."""
    by_state: dict[str, list[Found]] = {}
    for one in named:
        for state in one.states:
            by_state.setdefault(state, []).append(one)
    if not by_state:
        return []
    near = _Near(text, concepts, language)
    cues = {state: _own_cues(state, mentions, near, text) for state, mentions in by_state.items()}
    _compare(by_state, cues)
    listed = _listed(text, named, _small_words(language))
    return [
        Candidate(state=state, cues=frozenset(cues[state]), mentions=tuple(mentions), listed=listed[state])
        for state, mentions in by_state.items()
    ]


def _listed(text: Prepared, named: Sequence[Found], words: _SmallWords) -> Mapping[str, frozenset[str]]:
    """States that stand in one list ("China, Russia and Iran"): a comma or an "and" between them and nothing else."""
    lists: list[set[str]] = []
    last: Found | None = None
    for one in named:
        if len(one.states) != 1 or one.kind is Kind.GROUP:
            continue
        if last and one.start > last.end and _joins(text.spaced[last.end : one.start], words, one.cue):
            lists[-1].add(one.states[0])
        else:
            lists.append({one.states[0]})
        last = one
    found: dict[str, frozenset[str]] = defaultdict(frozenset)
    for together in lists:
        for state in together:
            found[state] |= together - {state}
    return found


def _joins(gap: str, words: _SmallWords, cue: str) -> bool:
    if len(gap) > _LONGEST_GAP:
        return False
    between = gap.split()
    if not between:
        return len(gap) > 1 or cue == "and"
    return len(between) == 1 and "and" in words.left_of(between[0])


class _Near:
    """What stands beside a mention."""

    def __init__(self, text: Prepared, concepts: Sequence[Found], language: str) -> None:
        self._spaced = text.spaced
        self._words = _small_words(language)
        self._concepts = sorted(concepts, key=lambda one: one.start)
        self._starts = [one.start for one in self._concepts]

    def cues(self, one: Found) -> set[str]:
        dense = DENSE.match(self._spaced, one.start) is not None
        found = {f"beside:{one.cue}"} if one.cue else set()
        found |= self._beside_dense(one) if dense else self._beside(one)
        reach = NEAR_CHARS_DENSE if dense else NEAR_CHARS
        low = bisect_left(self._starts, one.start - reach)
        for concept in self._concepts[low:]:
            if concept.start > one.end + reach:
                break
            if concept.start >= one.end:
                found.add(f"then:{concept.value}")
            elif concept.stop <= one.start:
                found.add(f"after:{concept.value}")
            else:
                found.add(f"in:{concept.value}")
        return found

    def _beside(self, one: Found) -> set[str]:
        before = self._spaced[max(0, one.start - 24) : max(0, one.start - 1)].split(" ")
        word = before[-1]
        if (word, "article") in self._words.left and len(before) > 1:
            word = before[-2]
        found = {f"beside:{cue}" for cue in self._words.left_of(word)}
        follows = self._spaced[one.end + 1 : one.end + 8].partition(" ")[0]
        found |= {f"beside:{cue}" for cue in self._words.right.get(follows, ())}
        grown = self._spaced[one.stop : one.end]
        if grown:
            found |= {f"beside:{cue}" for cue in self._words.endings.get(grown, ())}
        return found

    def _beside_dense(self, one: Found) -> set[str]:
        before = self._spaced[one.start - 1]
        found = {f"beside:{cue}" for cue in self._words.left_of(before)}
        for length in (2, 1):
            cues = self._words.endings.get(self._spaced[one.stop : one.stop + length])
            if cues:
                return found | {f"beside:{cue}" for cue in cues}
        return found


def _own_cues(state: str, mentions: Sequence[Found], near: _Near, text: Prepared) -> set[str]:
    level = standing().get(state, "none")
    cues = {"any", f"standing:{level}"}
    for one in mentions:
        cues.add(f"shape:{one.shape}")
        cues.add(f"shape:{one.shape}:{level}")
        cues |= near.cues(one)
        if one.start < text.title_stop:
            cues |= {"title", f"shape:{one.shape}:title"}
    if len({one.start for one in mentions}) > 1:
        cues.add("twice")
    return cues


_LEVELS = {"origin": 3, "both": 2, "none": 1, "host": 0}


def _compare(by_state: Mapping[str, Sequence[Found]], cues: dict[str, set[str]]) -> None:
    """Add what a candidate is beside the others."""
    levels = {state: _LEVELS[standing().get(state, "none")] for state in by_state}
    best = [state for state in by_state if levels[state] == max(levels.values())]
    least = [state for state in by_state if levels[state] == min(levels.values())]
    first = min(by_state, key=lambda state: by_state[state][0].start)
    count = min(4, len(by_state))
    for state in by_state:
        cues[state].add(f"of:{count}")
        if len(best) == 1 and state in best:
            cues[state].add("foremost")
        if len(least) == 1 and state in least and count > 1:
            cues[state].add("hindmost")
        if state == first:
            cues[state] |= {"first", f"shape:{by_state[state][0].shape}:first"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _SmallWords:
    left: frozenset[tuple[str, str]]
    left_cues: Mapping[str, tuple[str, ...]]
    right: Mapping[str, tuple[str, ...]]
    endings: Mapping[str, tuple[str, ...]]

    def left_of(self, word: str) -> tuple[str, ...]:
        return self.left_cues.get(word, ())


@functools.cache
def _small_words(language: str) -> _SmallWords:
    tables: dict[str, dict[str, list[str]]] = {side: defaultdict(list) for side in ("left", "right", "ending")}
    for side, of, cue, words in rows("cues"):
        if of == language:
            for word in words.split():
                tables[side][word].append(cue)
    left, right, endings = (
        {word: tuple(cues) for word, cues in tables[side].items()} for side in ("left", "right", "ending")
    )
    pairs = frozenset((word, cue) for word, cues in left.items() for cue in cues)
    left = {word: tuple(cue for cue in cues if cue != "article") for word, cues in left.items()}
    return _SmallWords(left=pairs, left_cues=left, right=right, endings=endings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The states that reach out and those they reach into, the likeliest first."""

    origins: tuple[Candidate, ...] = ()
    hosts: tuple[Candidate, ...] = ()


@functools.cache
def weights() -> dict[str, tuple[float, float]]:
    """How strongly each cue speaks for the origin and for the host."""
    return {cue: (float(origin), float(host)) for cue, origin, host in rows("weights")}


ORIGIN_FLOOR = 0.6
HOST_FLOOR = 0.68
"""How likely a state must be to be named: its share of one, against all others and against none of them."""
LISTED_FLOOR = 0.12
"""How likely one must be that is listed with it; together they must reach the floor."""
HINT_WEIGHT = 0.5
"""What the publisher's own state counts as a host: less than any word of the text."""


def roles(all_: Sequence[Candidate], *, hint: str = "") -> Roles:
    """Name origins and hosts among the candidates; neither where none is likely enough."""
    known = weights()
    # Exact sums: the order of a set changes from run to run.
    scores = {
        one.state: tuple(math.fsum(known[cue][role] for cue in one.cues if cue in known) for role in (0, 1))
        for one in all_
    }
    origins = _chosen(all_, {state: both[0] for state, both in scores.items()}, ORIGIN_FLOOR)
    taken = {one.state for one in origins}
    rest = [one for one in all_ if one.state not in taken]
    host_scores = {state: both[1] + HINT_WEIGHT * (state == hint) for state, both in scores.items()}
    return Roles(origins=origins, hosts=_chosen(rest, host_scores, HOST_FLOOR))


def _chosen(all_: Sequence[Candidate], scores: Mapping[str, float], floor: float) -> tuple[Candidate, ...]:
    """The likeliest with those listed with it; "none of them" competes with a score of 0."""
    if not all_:
        return ()
    odds = {one.state: math.exp(min(30.0, scores[one.state])) for one in all_}
    whole = 1.0 + sum(odds.values())
    ordered = sorted(all_, key=lambda one: -odds[one.state])
    listed = [one for one in ordered if one.state in ordered[0].listed and odds[one.state] / whole >= LISTED_FLOOR]
    chosen = (ordered[0], *listed)
    return chosen if sum(odds[one.state] for one in chosen) / whole >= floor else ()
