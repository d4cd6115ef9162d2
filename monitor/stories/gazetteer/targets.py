"""Whom a text says is pursued: which groups. Pure; suggests, never asserts.

Decides between the groups that a text names: who only speaks, who did the deed, and what says more of somebody than
that he lives abroad.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.model import COURT_STAGES, Stage
from monitor.stories.gazetteer import stages
from monitor.stories.gazetteer.finding import PLACES, Findings, Found
from monitor.stories.gazetteer.stages import Said
from monitor.stories.gazetteer.tables import DENSE, Kind
from monitor.stories.gazetteer.texts import Prepared

_ABROAD = frozenset(("refugees", "diaspora"))
"""Groups that say no more of somebody than where he lives."""
_EXILE = re.compile(
    "exil|emigr|эмигр|емігр|изгн|вигн|流亡|亡命|망명|تبعید|منف|surgun|luu vong|wygna|wychod|esul|balling|landsfly"
)
_OFFICIALS, _RELATIVES, _DISSIDENTS = "ex-officials", "relatives", "dissidents"
_OPPOSITION, _LAWYERS = "opposition", "lawyers"
_CALLINGS = frozenset(("activists", "journalists", "lawyers", "students", "academics", "artists", "rights-defenders"))
_VOICE = frozenset(("voice", Stage.ALLEGATION))
_DOERS = frozenset((_OFFICIALS, "students", "academics", "believers", "lawyers", "artists", "athletes"))
"""Groups that stand in the dock as often as they are pursued."""
_WITNESSES = _DOERS | {"journalists"}
_PEOPLES = frozenset(
    "uyghurs tibetans kurds chechens crimean-tatars kazakhs mongolians baloch pashtuns tamils pamiris karakalpaks "
    "montagnards falun-gong sahrawis papuans jews".split()
)
_STEPS = frozenset((*COURT_STAGES, Stage.INVESTIGATION))
_NEAR_CHARS, _NEAR_DENSE_CHARS, _JUST_BEFORE_CHARS, _APART_CHARS, _WHERE_CHARS = 10, 2, 3, 20, 5
_DOCK_CHARS, _REACH_CHARS = 12, 40
_DOCK = frozenset((Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE, "plea", "accused"))
_FOR_WHOM = re.compile(
    " (?:(?:for|fur|pour|para|per|dla|til|voor|pro|bagi|of|against|gegen|contra|contro|contre)(?: [a-z]{1,3})? )?"
)
_DOER = re.compile(" (?:by|par|door|przez)(?: (?:an?|the|des|un|une|les|de|een|two|three|some))? $")
_PRETENDED = re.compile(
    " (?:(?:pos(?:e|es|ed|ing)|disguised|dressed) as|fake|pretend(?:s|ed|ing)? to be|impersonat[a-z]+|bogus"
    "|falsche[rn]?|faux|fausse|falsos?|falsi|под видом|мнимые|лже|udaja[a-z]*|menyamar(?: sebagai)?|gia danh)"
    "(?: an?)? $"
    "|(?:冒充|假冒|假扮|伪装成|なりすまし|사칭)[^ ]{0,3}$"
)
_QUOTES = tuple("'‘’\"“”")
_STOPS = re.compile("[.!?;:|。！？；：\n]| [–—-] |[　|]")


def targets(text: Prepared, found: Findings, stage: str) -> list[Said]:
    """Groups that are pursued, in order of the text: those of the title; where it names none, those of the summary.

    Left out: who only speaks; who is named as the doer ("threatened by relatives of the general", "posing as
    journalists"); who stands in another clause than the deed, where somebody stands in that; students, officials and
    such in the dock, where the step is one of a court (`stage`) and others are named; relatives of a summary, where
    everybody has some, and callings of it that stand apart from the deed, as witnesses do; refugees, exiles and
    diaspora where the text says what they are besides ("exiled journalist"), and opposition ("opposition journalist").
    """
    deeds = stages.deeds(found)
    groups = [one for one in found.named if one.kind is Kind.GROUP]
    groups = [one for one in groups if not (_is_doer(text, one, deeds) or _is_no_kin(one, groups))]
    groups = [one for one in groups if one.value != _LAWYERS or _is_from_somewhere(text, one, found)]
    title = [one for one in groups if one.start < text.title_stop]
    summary = [one for one in groups if not _is_anybody(text, one, groups, deeds)]
    if stage in COURT_STAGES and not text.is_dense:
        others = [one for one in title if not _is_in_dock(text, one, found)]
        title = others or [one for one in summary if not _is_in_dock(text, one, found)] or title
    pursued = _not_only_speaking(text, title or summary, found)
    if stage != Stage.ALLEGATION:
        pursued = _beside_the_deed(text, pursued, deeds)
    named = {one.value for one in pursued if not _is_abroad(text, one)}
    kept = [one for one in pursued if one.value in named or not (named - {_RELATIVES})]
    kept = [one for one in kept if not _is_epithet(one, kept)]
    if stage in _STEPS and {one.value for one in kept} - {_OFFICIALS}:
        kept = [one for one in kept if one.value != _OFFICIALS]
    first: dict[str, Found] = {}
    for one in kept:
        first.setdefault(one.value, one)
    return [Said(value=value, by=by) for value, by in first.items()]


def _is_anybody(text: Prepared, one: Found, groups: Sequence[Found], deeds: Sequence[Found]) -> bool:
    """Whether a summary names it as it names a witness: relatives, and callings apart from any deed and not exiled."""
    if one.value == _RELATIVES or one.value not in _WITNESSES:
        return one.value == _RELATIVES
    if any(_is_abroad(text, other) and 0 <= one.start - other.end <= 1 for other in groups):
        return False
    return not any(_share_clause(text, one, deed) for deed in deeds)


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


def _is_doer(text: Prepared, one: Found, deeds: Sequence[Found]) -> bool:
    """Whether words right before say that it is who did the deed, or what somebody only pretends to be."""
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    begin, end = text.place(one.start, one.end)
    if _PRETENDED.search(before) or (text.original[:begin][-1:] in _QUOTES and text.original[end : end + 1] in _QUOTES):
        return True
    doer = _DOER.search(before)
    if doer is None or one.value == _RELATIVES:
        return doer is not None
    return any(0 <= one.start - len(doer.group()) - deed.end <= 1 for deed in deeds)


def _is_no_kin(one: Found, groups: Sequence[Found]) -> bool:
    """Whether a word for relatives names the pursued themselves: "Uyghur family of five"."""
    return one.value == _RELATIVES and any(
        other.value in _PEOPLES and 0 <= one.start - other.end <= 1 for other in groups
    )


def _is_from_somewhere(text: Prepared, one: Found, found: Findings) -> bool:
    """Whether a calling that mostly speaks for others stands with where somebody comes from: "Egyptian lawyer"."""
    if " " in text.spaced[one.start : one.stop].strip():
        return True
    near = [place for place in found.named if place.kind in (*PLACES, Kind.GROUP) and place != one]
    return any(0 <= one.start - place.end <= 1 or 0 <= place.start - one.end <= 1 for place in near)


def _beside_the_deed(text: Prepared, groups: Sequence[Found], deeds: Sequence[Found]) -> list[Found]:
    """Those in a clause with a deed, where there are any."""
    beside = [one for one in groups if any(_share_clause(text, one, deed) for deed in deeds)]
    return beside or list(groups)


def _share_clause(text: Prepared, one: Found, other: Found) -> bool:
    first, last = sorted((one, other), key=lambda found: found.start)
    begin, end = text.place(first.start, first.stop)[1], text.place(last.start, last.stop)[0]
    return not _STOPS.search(text.original, begin, end)


def _is_in_dock(text: Prepared, one: Found, found: Findings) -> bool:
    """Whether it is whom a court step is about: "Student charged with filming exiles"."""
    if one.value not in _DOERS:
        return False
    for step in (step for step in found.stages if step.value in _DOCK):
        after = text.spaced[one.end : step.start] if one.end <= step.start else ""
        before = text.spaced[step.end : one.start] if step.end <= one.start else ""
        if 0 < len(after) <= _DOCK_CHARS or _FOR_WHOM.fullmatch(before):
            return True
    return False


def _not_only_speaking(text: Prepared, groups: Sequence[Found], found: Findings) -> list[Found]:
    """Without relatives who only speak of the deed, and others who do where somebody else is named apart from them."""
    silent = [one for one in groups if not _speaks(text, one, found)]
    return [
        one
        for one in groups
        if one in silent
        or (
            one.value != _RELATIVES
            and not any(max(one.start, other.start) - min(one.end, other.end) >= _APART_CHARS for other in silent)
        )
    ]


def _speaks(text: Prepared, one: Found, found: Findings) -> bool:
    near = _NEAR_DENSE_CHARS if DENSE.search(text.spaced[one.start : one.stop]) else _NEAR_CHARS
    where = max((place.end for place in found.named if _is_where(place, one)), default=one.end)
    voices = [said for said in found.stages if said.value in _VOICE]
    return any(
        0 <= said.start - one.end <= near
        or 0 <= said.start - where <= 1
        or 0 <= one.start - said.end <= _JUST_BEFORE_CHARS
        for said in voices
    )


def _is_where(place: Found, one: Found) -> bool:
    """Whether a place says where somebody lives ("activists in Seoul")."""
    return place.kind in PLACES and 0 < place.start - one.end <= _WHERE_CHARS
