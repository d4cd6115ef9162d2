"""How far a matter has come, and whether somebody was laid hands on. Pure; suggests, never asserts."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Stage
from monitor.stories.gazetteer.finding import PLACES, Findings, Found
from monitor.stories.gazetteer.tables import DENSE, Kind, folded_form, rows, services
from monitor.stories.gazetteer.texts import Prepared

_LAID_HANDS = frozenset(("abduct", "attack", "deport", "extradite", "kill", "poison", "homicide", "plot", "detain"))
_FROM_A_DISTANCE = frozenset(
    ("threaten", "spyware", "passport", "bounty", "follow", "exitban", "spy", "rednotice", "absentia", "wanted")
)
_PHYSICAL_CODES = frozenset(("violence", "forced-return"))
_DISTANT_CODES = frozenset(("surveillance", "intimidation", "mobility-control", "proxy-coercion", "interpol-abuse"))

_PLEA, _ARREST, _ACCUSED, _SERVICE, _NONE = "plea", "arrest", "accused", "service", "none"
_MEANT = {_PLEA: Stage.TRIAL, _ARREST: Stage.INVESTIGATION, _ACCUSED: Stage.ALLEGATION}
"""What the rows of the table that are no stages stand for."""
_HEADLINE = (
    _PLEA,
    Stage.DENIAL,
    Stage.SENTENCE,
    Stage.VERDICT,
    Stage.TRIAL,
    Stage.CHARGE,
    Stage.LAW,
    Stage.INVESTIGATION,
    _ARREST,
    Stage.REPORT,
    Stage.ALLEGATION,
    _ACCUSED,
)
"""Of what a headline names the first of these is meant."""
_SUMMARY = (
    Stage.INVESTIGATION,
    _ARREST,
    Stage.CHARGE,
    Stage.TRIAL,
    Stage.REPORT,
    Stage.ALLEGATION,
)
"""The same for a summary, which tells the background too: the least advanced step."""
_STEPS = frozenset((Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE))
"""What a text may say has not come to pass."""
_DATED = _STEPS | {Stage.INVESTIGATION, _ARREST}
"""What a text may tell as long past."""
_ATTRIBUTES = _DATED | {Stage.ALLEGATION, Stage.DENIAL, _PLEA}
"""What a text may tell of somebody, to say who he is."""
_REACH_CHARS = 60
_DENSE_NEGATION = re.compile("(?:不|未|未被|不被|未遭|没有|沒有|没被|沒被|尚未被?|[无無]人被?)$")
_STOPS = re.compile(r"[.!?;:,–—|。，；：]")
_OUTLET = re.compile(r" [-|] [^-|]{2,45}$")
_SPEAKER = re.compile('^[^:：“„«»「『"]{2,40}?(?:\\s?:\\s|：|\\s?[“„«「『"])')
_OPENING_CHARS, _NEAR_CHARS, _NEAR_DENSE_CHARS = 14, 24, 4
_RELATIVES = "relatives"
_ARTICLE = (
    "(?: (?:the|a|an|his|her|their|its|der|die|das|dem|den|einem|einer|la|le|les|l|un|une|sa|son|el|los|las|una"
    "|o|il|lo|gli|i|de|het|een|(?:19|20)[0-9]{2}))?"
)
_YEAR = re.compile(r"(?:^| )(?:19|20)[0-9]{2}(?: |$)")
_DENSE_AFTER = re.compile("^(?:后|後|之后|之後)")
_BESIDE_CHARS, _BESIDE_DENSE_CHARS = 16, 6
# "Arrested over", "festgenommen wegen": what follows is why, not who.
_WHY = re.compile(
    "(?:^| )(?:over|for|after|in|on|as|with|suspected|accused|who|wegen|nach|bei|por|tras|para|pour|apres|dans|per|dopo"
    "|voor|na|om|efter|for|w|za|po|do|v|kvuli|за|по|после|в|у|після|بتهمة|في|به|در|karena|atas|vi|trong|ket)(?: |$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A value and the mention that says it."""

    value: str
    by: Found | None = None


def stage(text: Prepared, found: Findings, language: str = "") -> Said | None:
    """The stage that the headline names; where it names none, what the summary says in so many words; else None.

    A headline that opens with who speaks ("Uyghur activist: …") is an allegation if it names nothing else. What a
    longer form holds counts as that form ("guilty" in "pleads not guilty"). Nothing counts that `language` says has not
    come to pass ("nobody has been charged") or is long past ("after the 2019 verdict"), nor that the pursued are
    arrested: that is the deed, and no step against it.
    """
    title, stop = _headline(text)
    named = [one for one in found.stages if one.start < stop or (one.shape and one.start >= text.title_stop)]
    real = {(one.start, one.end) for one in named if one.value != _NONE}
    named = [one for one in named if one.value != _NONE or (one.start, one.end) not in real]
    held = [one for one in named if not any(_holds(other, one) for other in named)]
    told = [one for one in held if _is_told(text, one, found, language)]
    said = _first(_HEADLINE, (one for one in told if one.start < stop)) or _quoted(text, title, found)
    return said or _first(_SUMMARY, (one for one in told if one.start >= stop))


def _headline(text: Prepared) -> tuple[str, int]:
    """The title without the outlet's name behind it, and where that ends in `spaced`."""
    if text.title_stop <= 1:
        return "", 0
    title = text.original.partition("\n")[0]
    outlet = _OUTLET.search(title)
    if not outlet:
        return title, text.title_stop
    cut = outlet.start()
    return title[:cut], bisect.bisect_left(text.offsets, cut) if text.offsets else cut + 1


def _holds(longer: Found, one: Found) -> bool:
    if longer.value == one.value or not longer.start <= one.start < longer.end:
        return False
    return longer.value == _NONE or (one.end <= longer.end and longer.end - longer.start > one.end - one.start)


def _is_told(text: Prepared, one: Found, found: Findings, language: str) -> bool:
    if one.value in _STEPS and _is_negated(text, one, language):
        return False
    if one.value in _DATED and _is_past(text, one, language):
        return False
    if one.value in _ATTRIBUTES and _is_attribute(text, one, language):
        return False
    if one.value == _ACCUSED:
        return any(place.kind in PLACES and 0 <= one.start - place.end <= 1 for place in found.named)
    return one.value != _ARREST or not any(
        _is_patient(text, one, group) for group in found.named if group.kind is Kind.GROUP
    )


def _is_negated(text: Prepared, one: Found, language: str) -> bool:
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    if _DENSE_NEGATION.search(before):
        return True
    match = cues.search(before) if (cues := _negations(language)) else None
    if match is None:
        return False
    begin, _ = text.place(one.start - len(match.group().lstrip()), one.start)
    return not _STOPS.search(text.original[begin : text.place(one.start, one.stop)[0]])


def _is_past(text: Prepared, one: Found, language: str) -> bool:
    """Whether words beside a step say that it is long past."""
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    behind = text.spaced[one.end : one.end + _REACH_CHARS]
    if _DENSE_AFTER.match(behind) or _YEAR.search(before[-6:]):
        return True
    beside = _beside(language)
    return bool(beside.earlier and beside.earlier.search(before)) or bool(beside.later and beside.later.match(behind))


def _is_attribute(text: Prepared, one: Found, language: str) -> bool:
    """Whether it only says of somebody who he is ("the man who was jailed", "der verhaftete Spion", 被起诉的)."""
    if text.spaced.startswith("的", one.end):
        return True
    beside = _beside(language)
    if beside.ending and beside.ending.search(text.spaced[one.start : one.end]):
        return True
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    return bool(beside.clause and beside.clause.search(before))


def _is_patient(text: Prepared, arrest: Found, group: Found) -> bool:
    """Whether the arrested are a group that is pursued."""
    if group.start >= arrest.stop:
        between = text.spaced[arrest.end : group.start]
    elif group.stop <= arrest.start:
        between = text.spaced[group.end : arrest.start]
    else:
        return True
    longest = _BESIDE_DENSE_CHARS if DENSE.search(between) else _BESIDE_CHARS
    return len(between) <= longest and not _WHY.search(between)


def _quoted(text: Prepared, title: str, found: Findings) -> Said | None:
    """An allegation where the headline begins with whoever is quoted: one of the pursued, a service.

    Not where the words before the colon tell what was done already ("Journalist beaten in Berlin: …").
    """
    speaker = _SPEAKER.match(title)
    if not speaker:
        return None
    stop = speaker.end()
    done = [*found.acts, *(one for one in found.concepts if one.value in _LAID_HANDS)]
    if any(text.place(one.start, one.stop)[0] < stop for one in done):
        return None
    for one in (*found.named, *found.stages):
        begin, end = text.place(one.start, one.stop)
        if one.value in services() or one.value == _SERVICE:
            is_speaker = True
        else:
            is_speaker = one.kind is Kind.GROUP and one.value != _RELATIVES and begin <= _OPENING_CHARS
        if end <= stop and is_speaker and stop - end <= (_NEAR_DENSE_CHARS if text.is_dense else _NEAR_CHARS):
            return Said(value=Stage.ALLEGATION, by=one)
    return None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """Patterns of one language for what makes of a step no news; see the table."""

    earlier: re.Pattern[str] | None = None
    later: re.Pattern[str] | None = None
    clause: re.Pattern[str] | None = None
    ending: re.Pattern[str] | None = None


@functools.cache
def _beside(language: str) -> _Beside:
    for languages, *cells, ending in rows("background"):
        if language in languages.split():
            earlier, later, clause = (
                "|".join(folded_form(cue) for cue in cell.split(";") if cue.strip()) for cell in cells
            )
            return _Beside(
                earlier=re.compile(f" (?:{earlier}){_ARTICLE} $") if earlier else None,
                later=re.compile(f" (?:{later}) ") if later else None,
                clause=re.compile(f" (?:{clause})(?: [^ ]+)? $") if clause else None,
                ending=re.compile(f"{ending}$") if ending else None,
            )
    return _Beside()


def _first(order: Sequence[str], stages: Iterable[Found]) -> Said | None:
    named: dict[str, Found] = {}
    for one in stages:
        named.setdefault(one.value, one)
    return next((Said(value=_MEANT.get(known, known), by=named[known]) for known in order if known in named), None)


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
