"""Whom a text says is pursued: which groups. Pure; suggests, never asserts.

Decides between the groups that a text names: who only speaks, who did the deed, and what says more of somebody than
that he lives abroad.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.model import COURT_STAGES, Stage
from monitor.stories.gazetteer.finding import Findings, Found
from monitor.stories.gazetteer.stages import Said
from monitor.stories.gazetteer.tables import DENSE, Kind
from monitor.stories.gazetteer.texts import Prepared

_ABROAD = frozenset(("refugees", "diaspora"))
"""Groups that say no more of somebody than where he lives."""
_EXILE = re.compile(
    "exil|emigr|эмигр|емігр|изгн|вигн|流亡|亡命|망명|تبعید|منف|surgun|luu vong|wygna|wychod|esul|balling|landsfly"
)
_OFFICIALS, _RELATIVES, _DISSIDENTS, _OPPOSITION = "ex-officials", "relatives", "dissidents", "opposition"
_CALLINGS = frozenset(("activists", "journalists", "lawyers", "students", "academics", "artists", "rights-defenders"))
_VOICE = frozenset(("voice", Stage.ALLEGATION))
_STEPS = frozenset((*COURT_STAGES, Stage.INVESTIGATION))
_NEAR_CHARS, _NEAR_DENSE_CHARS, _JUST_BEFORE_CHARS, _APART_CHARS = 10, 2, 3, 20


def targets(text: Prepared, found: Findings, stage: str) -> list[Said]:
    """Groups that are pursued, in order of the text: those of the title; where it names none, those of the summary.

    Left out: who only speaks; relatives of a summary, where everybody has some; refugees, exiles and diaspora
    where the text says what they are besides ("exiled journalist"), and opposition ("opposition journalist"); former
    officials whom a court step (`stage`) is about, where somebody else is pursued.
    """
    groups = [one for one in found.named if one.kind is Kind.GROUP]
    title = [one for one in groups if one.start < text.title_stop]
    summary = [one for one in groups if one.value != _RELATIVES]
    pursued = _not_only_speaking(text, title or summary, found.stages)
    named = {one.value for one in pursued if not _is_abroad(text, one)}
    kept = [one for one in pursued if one.value in named or not (named - {_RELATIVES})]
    kept = [one for one in kept if not _is_epithet(one, kept)]
    if stage in _STEPS and {one.value for one in kept} - {_OFFICIALS}:
        kept = [one for one in kept if one.value != _OFFICIALS]
    first: dict[str, Found] = {}
    for one in kept:
        first.setdefault(one.value, one)
    return [Said(value=value, by=by) for value, by in first.items()]


def _is_abroad(text: Prepared, one: Found) -> bool:
    if one.value == _DISSIDENTS:
        return bool(_EXILE.search(text.spaced[one.start : one.end]))
    return one.value in _ABROAD


def _is_epithet(one: Found, among: Sequence[Found]) -> bool:
    """Whether "opposition" only says on which side somebody of another calling stands."""
    return one.value == _OPPOSITION and any(
        other.value in _CALLINGS and (0 <= one.start - other.end <= 1 or 0 <= other.start - one.end <= 1)
        for other in among
    )


def _not_only_speaking(text: Prepared, groups: Sequence[Found], stages: Sequence[Found]) -> list[Found]:
    """Without relatives who only speak of the deed, and others who do where somebody else is named apart from them."""
    silent = [one for one in groups if not _speaks(text, one, stages)]
    return [
        one
        for one in groups
        if one in silent
        or (
            one.value != _RELATIVES
            and not any(max(one.start, other.start) - min(one.end, other.end) >= _APART_CHARS for other in silent)
        )
    ]


def _speaks(text: Prepared, one: Found, stages: Sequence[Found]) -> bool:
    near = _NEAR_DENSE_CHARS if DENSE.search(text.spaced[one.start : one.stop]) else _NEAR_CHARS
    return any(
        said.value in _VOICE and (0 <= said.start - one.end <= near or 0 <= one.start - said.end <= _JUST_BEFORE_CHARS)
        for said in stages
    )
