"""How far a matter has come, whether somebody was laid hands on, and who is pursued. Pure; suggests, never asserts."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Stage
from monitor.stories.gazetteer.finding import Findings, Found
from monitor.stories.gazetteer.tables import Kind, folded_form, rows
from monitor.stories.gazetteer.texts import Prepared

_DECIDING = (
    Stage.DENIAL,
    Stage.SENTENCE,
    Stage.VERDICT,
    Stage.TRIAL,
    Stage.CHARGE,
    Stage.LAW,
    Stage.INVESTIGATION,
    Stage.REPORT,
    Stage.ALLEGATION,
)
"""Of the stages that one part of a text names the first of these is meant."""
_LAID_HANDS = frozenset(("abduct", "attack", "deport", "extradite", "kill", "poison", "homicide", "plot", "detain"))
_FROM_A_DISTANCE = frozenset(
    ("threaten", "spyware", "passport", "bounty", "follow", "exitban", "spy", "rednotice", "absentia", "wanted")
)
_PHYSICAL_CODES = frozenset(("violence", "forced-return"))
_DISTANT_CODES = frozenset(("surveillance", "intimidation", "mobility-control", "proxy-coercion", "interpol-abuse"))


_BACKGROUND = (
    Stage.INVESTIGATION,
    Stage.CHARGE,
    Stage.TRIAL,
    Stage.VERDICT,
    Stage.SENTENCE,
    Stage.LAW,
    Stage.REPORT,
)
"""The same for a summary."""
_DENIABLE = frozenset((Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE))
"""What a text may say has not come to pass."""
_REACH_CHARS = 60
_DENSE_NEGATION = re.compile("(?:不|未|未被|不被|未遭|没有|沒有|没被|沒被|尚未被?|[无無]人被?)$")
_STOPS = re.compile(r"[.!?;:,–—|。，；：]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A value and the mention that says it."""

    value: str
    by: Found | None = None


def stage(text: Prepared, mentioned: Sequence[Found], language: str = "") -> Said | None:
    """The stage that the title names; where it names none or an allegation, what the summary says; else None.

    A summary tells the background too: it gives its least advanced stage, no allegation, and a denial only where
    nothing else is said. What a longer form holds counts as that form ("guilty" in "pleads not guilty"), and nothing
    counts that `language` says has not come to pass ("nobody has been charged").
    """
    stages = [
        one
        for one in mentioned
        if not any(_holds(other, one) for other in mentioned)
        and not (one.value in _DENIABLE and _is_negated(text, one, language))
    ]
    title = _first(_DECIDING, (one for one in stages if one.start < text.title_stop))
    if title and title.value != Stage.ALLEGATION:
        return title
    rest = [one for one in stages if one.start >= text.title_stop]
    return _first(_BACKGROUND, rest) or title or _first((Stage.DENIAL,), rest)


def _holds(longer: Found, one: Found) -> bool:
    is_inside = longer.start <= one.start and one.end <= longer.end
    return is_inside and longer.value != one.value and longer.end - longer.start > one.end - one.start


def _is_negated(text: Prepared, one: Found, language: str) -> bool:
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    if _DENSE_NEGATION.search(before):
        return True
    match = cues.search(before) if (cues := _negations(language)) else None
    if match is None:
        return False
    begin, _ = text.place(one.start - len(match.group().lstrip()), one.start)
    return not _STOPS.search(text.original[begin : text.place(one.start, one.stop)[0]])


@functools.cache
def _negations(language: str) -> re.Pattern[str] | None:
    """A pattern for what stands right before a stage and takes it back."""
    for languages, far, near in rows("negations"):
        if language in languages.split():
            either = [
                f"(?:{'|'.join(folded_form(cue) for cue in cues.split(';'))})(?: [^ ]+){{0,{words}}}"
                for cues, words in ((far, 3), (near, 1))
            ]
            return re.compile(f" (?:{'|'.join(either)}) $")
    return None


def _first(order: Sequence[Stage], stages: Iterable[Found]) -> Said | None:
    named = {one.value: one for one in stages}
    return next((Said(value=known.value, by=named[known]) for known in order if known in named), None)


def physical(found: Findings, codes: Sequence[str]) -> tuple[bool | None, Found | None]:
    """Whether somebody was, or was to be, laid hands on; None where nothing says so or otherwise.

    Codes say it where no word does.
    """
    hands = _act(found, "hands", _LAID_HANDS)
    if hands or not _PHYSICAL_CODES.isdisjoint(codes):
        return True, hands
    distance = _act(found, "distance", _FROM_A_DISTANCE)
    return (False, distance) if distance or not _DISTANT_CODES.isdisjoint(codes) else (None, None)


def _act(found: Findings, act: str, concepts: frozenset[str]) -> Found | None:
    said = [one for one in found.acts if one.value == act] + [one for one in found.concepts if one.value in concepts]
    return min(said, key=lambda one: one.start, default=None)


def targets(text: Prepared, named: Sequence[Found]) -> list[Said]:
    """Groups that are pursued, in order of the text: those of the title; where it names none, those of the summary."""
    groups = [one for one in named if one.kind is Kind.GROUP]
    in_title = [one for one in groups if one.start < text.title_stop]
    first: dict[str, Found] = {}
    for one in in_title or groups:
        first.setdefault(one.value, one)
    return [Said(value=value, by=by) for value, by in first.items()]
