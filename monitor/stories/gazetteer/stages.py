"""How far a matter has come, and whether somebody was laid hands on. Pure; suggests, never asserts."""

from __future__ import annotations

import bisect
import dataclasses
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

_PLEA, _ARREST, _ACCUSED, _SERVICE, _COURT, _NONE = "plea", "arrest", "accused", "service", "court", "none"
_STATE, _SUSPECT = "accused state", "suspect"
_OFFICES = frozenset((_SERVICE, _COURT, _STATE))
"""Who may be quoted at the head of a headline."""
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
_WEAK = frozenset((Stage.INVESTIGATION, Stage.REPORT, Stage.ALLEGATION))
"""What a headline tells only if it quotes no court."""
_DENIABLE = _STEPS | {Stage.INVESTIGATION}
"""What a text may say was not done."""
_WISHED = _DATED | {Stage.LAW}
"""What a text may say is only asked for, feared or still to come."""
_SEARCHES = frozenset((Stage.INVESTIGATION, _ARREST))
"""Steps that are the deed itself where the state that reaches out takes them."""
_ATTRIBUTES = _DATED | {Stage.ALLEGATION, Stage.DENIAL, _PLEA}
"""What a text may tell of somebody, to say who he is."""
_REACH_CHARS = 60
_DENSE_NEGATION = re.compile("(?:不|未|未被|不被|未遭|没有|沒有|没被|沒被|尚未被?|[无無]人被?)$")
_DENSE_DENIAL = re.compile("不|没有|绝无|从未|并无|并非|不是|ない|いない|ません")
_DENSE_WISH = re.compile("(?:要求|呼吁|敦促|促请|促|请求|请愿|恐|或将|可能|面临|等待|拒绝)[^ ]{0,5}$")
_DENSE_WISH_BEHIND = re.compile("^[^ ]{0,2}(?:を求め|を要求|を要請|要求|求める|の恐れ|恐れ|を検討|の可能性)")
_COMMA = re.compile("[^.!?:;–—|]{0,24}?[,،、，]")
_QUESTION = re.compile("[^.!?;。！？；\n]*[?？؟]")
_CLAUSE = re.compile(r"[.!?;:,–—|。，；：、\n] ?(?:[\"“«„'‘]|(?:the|la|le|el|il|die|der) )?$", re.IGNORECASE)
_STOPS = re.compile(r"[.!?;:,–—|。，；：]")
_OUTLET = re.compile(r" [-|] [^-|]{2,45}$")
_SPEAKER = re.compile('^[^:：“„«»「『"]{2,40}?(?:\\s?:\\s|：|\\s?[“„«「『"])')
_OPENING_CHARS, _NEAR_CHARS, _NEAR_DENSE_CHARS = 14, 24, 4
_AGENT_CHARS, _AGENT_DENSE_CHARS, _WHERE_CHARS = 16, 4, 6
_AGENT_WORDS = 2  # borders of words: one word between
_AGENTS = frozenset((*PLACES, Kind.AGENCY))
_NO_AGENT = frozenset(("adjective", "other"))
_RETURNS = frozenset(("deport", "extradite", "passport", "bounty", "exitban", "rednotice", "absentia", "wanted"))
"""What is done to the pursued by officials: nobody is arrested for it."""
_OFFENCES = (
    (_LAID_HANDS - {"detain"}) | _FROM_A_DISTANCE | {"agent", "outpost", "policeabroad", "station", "secretservice"}
) - _RETURNS
"""Concepts that say what somebody may be arrested for."""
_COLON = re.compile(r"\s?[:：]\s?")
_ACTIVE = re.compile(
    "(?:(?:sa(?:y|ys|id)|accuses?|blames?|claims?|alleges?|warns?|tells?|acusan?|accusent?|wirft|werfen|anklagar) "
    "|обвин|beschuldig|指控|称|指责|sucl|اتهم|تتهم|يتهم|متهم کرد|oskarz|obvin)"
)
_SPOKEN_TO = re.compile(" (?:aux?|to|for|of|an|uber|pour|para|per|dla|для|к|about|on|sur|sobre|su|o|о|об) $")
_WHERE_TO = re.compile(" a$")
"""What a punishment stands behind, or a place: "condamné à Londres"."""
_IN = re.compile(" (?:in|en|a|em|w|we|v|ve|i|di|tai|в|во|у|در|في) $")
_TELLS = re.compile(r"[a-zà-ÿа-яёіїєґāčďěłńřśšťůżžığş]{3} ?[“„«「『\"]$")
_TELLS_OFTEN = re.compile(
    r"\b(?:gets?|got|receives?d?|finds?|found|fell|falls|dies|died|loses|lost|learns|wins|won|flees|fled|faces|is|was|are"
    r"|were|has|had|reçoit|est|perd|meurt|recibe|es|fue|pierde|muere|riceve|è|recebe|é|получил[аи]?|нашли|умер)\b"
)
_TELLS_GERMAN = re.compile(r" [a-zäöüß]{4,}\b")
_RELATIVES = "relatives"
_ARTICLE = (
    "(?: (?:the|a|an|his|her|their|its|der|die|das|dem|den|einem|einer|la|le|les|l|un|une|sa|son|el|los|las|una"
    "|o|il|lo|gli|i|de|het|een|(?:19|20)[0-9]{2}))?"
)
_YEAR = re.compile(r"(?:^| )(?:19|20)[0-9]{2}(?: |$)")
_DENSE_AFTER = re.compile("^(?:后|後|之后|之後)")
_BESIDE_CHARS, _BESIDE_DENSE_CHARS = 24, 6
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


def stage(text: Prepared, found: Findings, language: str = "", pursuers: frozenset[str] = frozenset()) -> Said | None:
    """The stage that the headline names; where it names none, what the summary says in so many words; else None.

    A headline that opens with who speaks ("Uyghur activist: …") is an allegation if it names nothing else. What a
    longer form holds counts as that form ("guilty" in "pleads not guilty"). Nothing counts that `language` says has not
    come to pass ("nobody has been charged", "may be charged") or is long past ("after the 2019 verdict"), nor what is
    asked ("Life for hitman?"), nor that the pursued are arrested or that `pursuers`, the states that reach out and are
    no hosts, search for somebody: that is the deed, and no step against it.
    """
    title, stop = _headline(text)
    named = [one for one in found.stages if one.start < stop or (one.shape and one.start >= text.title_stop)]
    real = {(one.start, one.end) for one in named if one.value != _NONE}
    named = [one for one in named if one.value != _NONE or (one.start, one.end) not in real]
    held = [one for one in named if not any(_holds(other, one) for other in named)]
    held = [_placed(text, one, found) for one in held]
    told = [one for one in held if _is_told(text, one, found, language) and not _is_deed(text, one, found, pursuers)]
    said = _first(_HEADLINE, (one for one in told if one.start < stop))
    if said is None or said.value in _WEAK:
        quoted = _quoted(text, title, found, held, language, pursuers)
        said = quoted if quoted and (said is None or quoted.value == Stage.VERDICT) else said
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


def _placed(text: Prepared, one: Found, found: Findings) -> Found:
    """A punishment, or the verdict if what follows is where or who it was: "condamné à Londres"."""
    if one.value != Stage.SENTENCE or not _WHERE_TO.search(text.spaced[one.start : one.end]):
        return one
    behind = any(place.kind in PLACES and 0 <= place.start - one.end <= 1 for place in found.named)
    return dataclasses.replace(one, value=Stage.VERDICT) if behind else one


def _holds(longer: Found, one: Found) -> bool:
    if longer.value == one.value or not longer.start <= one.start < longer.end:
        return False
    return longer.value == _NONE or (one.end <= longer.end and longer.end - longer.start > one.end - one.start)


def _is_told(text: Prepared, one: Found, found: Findings, language: str) -> bool:
    if one.value in _DENIABLE and _is_negated(text, one, language):
        return False
    if one.value in _WISHED and _is_wished(text, one, language):
        return False
    if one.value in _DATED and _is_past(text, one, language):
        return False
    if one.value in _ATTRIBUTES and _is_attribute(text, one, language):
        return False
    if one.value == _ACCUSED:
        return any(place.kind in PLACES and 0 <= one.start - place.end <= 1 for place in found.named)
    return True


def _is_deed(text: Prepared, one: Found, found: Findings, pursuers: frozenset[str]) -> bool:
    """Whether a search or an arrest is what was done to the pursued.

    So it is where they are the arrested, where the state that reaches out does it or where it happens there ("Minsk
    raids homes", "arrested in Minsk"), and where nothing says what somebody is arrested for.
    """
    if one.value not in _SEARCHES and not (one.value == Stage.ALLEGATION and _is_active(text, one)):
        return False
    groups = [group for group in found.named if group.kind is Kind.GROUP]
    for place in found.named:
        if _is_of_pursuers(text, one, place, pursuers):
            return not any(place.end <= group.start < one.start for group in groups)
    if one.value != _ARREST:
        return False
    returns = [concept for concept in found.concepts if concept.value in _RETURNS]
    offences = [
        act
        for act in (*found.acts, *found.concepts)
        if _is_offence(act)
        and all(_is_apart(act, other) for other in (one, *returns))
        and (act.start < text.title_stop or one.start >= text.title_stop)
    ]
    return not offences or any(
        _is_patient(text, one, group) and not any(group.end <= act.start < one.start for act in offences)
        for group in groups
    )


def _is_of_pursuers(text: Prepared, one: Found, place: Found, pursuers: frozenset[str]) -> bool:
    """Whether a place or a service of `pursuers` stands right before a step, or behind it with one word between."""
    if place.kind not in _AGENTS or place.shape in _NO_AGENT:
        return False
    if not place.states or not pursuers.issuperset(place.states):
        return False
    before, behind = one.start - place.end, place.start - one.end
    if place.start < one.start < place.end:
        return _begins_clause(text, place)
    if DENSE.search(text.spaced[one.start : one.stop]):
        return 0 <= before <= _AGENT_DENSE_CHARS and _begins_clause(text, place)
    if 0 <= before <= 1 and one.value == _ARREST and _IN.search(text.spaced[: place.start]):
        return True
    if 0 <= before <= (1 if one.value == Stage.ALLEGATION else _AGENT_CHARS):
        return text.spaced.count(" ", place.end, one.start) <= _AGENT_WORDS and _begins_clause(text, place)
    return one.value == _ARREST and 1 < behind <= _WHERE_CHARS and text.spaced.count(" ", one.end, place.start) == 2


def _begins_clause(text: Prepared, one: Found) -> bool:
    """Whether a clause begins with `one`, or it is a possessor ("Moscow's warrant")."""
    start, end = text.place(one.start, one.end)
    return start == 0 or text.original[end : end + 2] in ("'s", "’s") or bool(_CLAUSE.search(text.original[:start]))


def _is_active(text: Prepared, one: Found) -> bool:
    """Whether it is said of who accuses, not of who is accused: "Moscow says", not "Moscow suspected"."""
    return bool(_ACTIVE.match(text.spaced, one.start))


def _is_offence(act: Found) -> bool:
    return act.kind is Kind.ACT or act.value in _OFFENCES


def _is_apart(one: Found, other: Found) -> bool:
    return other.stop <= one.start or other.start >= one.end


def _is_negated(text: Prepared, one: Found, language: str) -> bool:
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    return bool(_DENSE_NEGATION.search(before)) or _is_cued(text, one, before, _cues(language).negated)


def _is_wished(text: Prepared, one: Found, language: str) -> bool:
    """Whether a step is only asked for, feared or still to come, or whether the text asks if it is so."""
    before = text.spaced[max(0, one.start - _REACH_CHARS) : one.start]
    behind = text.spaced[one.end : one.end + _REACH_CHARS]
    if _DENSE_WISH.search(before) or _DENSE_WISH_BEHIND.match(behind):
        return True
    if one.start < text.title_stop and _QUESTION.match(text.original, text.place(one.start, one.stop)[1]):
        return True
    cues = _cues(language)
    return bool(cues.wished_behind and cues.wished_behind.match(behind)) or _is_cued(text, one, before, cues.wished)


def _is_cued(text: Prepared, one: Found, before: str, cues: re.Pattern[str] | None) -> bool:
    """Whether a cue stands before a step, in the same clause."""
    match = cues.search(before) if cues else None
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
    if beside.opening and _COMMA.match(text.original, text.place(one.start, one.end)[1]):
        return _is_cued(text, one, before, beside.opening)
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
    first, last = sorted((arrest, group), key=lambda one: one.start)
    if last.start < first.end:
        return True
    between = text.spaced[first.end : last.start]
    begin, end = text.place(first.start, first.stop)[1], text.place(last.start, last.stop)[0]
    longest = _BESIDE_DENSE_CHARS if DENSE.search(between) else _BESIDE_CHARS
    if len(between) > longest or _STOPS.search(text.original, begin, end):
        return False
    return last is arrest or not _WHY.search(between)


def _quoted(
    text: Prepared, title: str, found: Findings, stages: Sequence[Found], language: str, pursuers: frozenset[str]
) -> Said | None:
    """An allegation where the headline begins with whoever is quoted: one of the pursued, a service.

    Of a court a verdict.
    Not where the words before the colon tell what was done already ("Journalist beaten in Berlin: …").
    """
    speaker = _SPEAKER.match(title)
    if not speaker:
        return None
    stop = speaker.end()
    done = [one for one in found.acts if one.value != _SUSPECT]
    done += [one for one in found.concepts if one.value in _LAID_HANDS or one.value in _FROM_A_DISTANCE]
    persons = [one for one in found.named if one.kind is Kind.PERSON]
    if any(text.place(one.start, one.stop)[0] < stop for one in done):
        return None
    for one in sorted((*found.named, *stages), key=lambda one: (one.value != _COURT, one.value != _STATE)):
        begin, end = text.place(one.start, one.end)
        is_pursued = one.kind is Kind.GROUP and one.value != _RELATIVES and begin <= _OPENING_CHARS
        is_pursued = is_pursued and all(_is_apart(one, person) for person in persons)
        is_pursued = is_pursued and not _SPOKEN_TO.search(text.spaced[: one.start])
        is_service = one.value in services() and not (one.states and pursuers.issuperset(one.states))
        if not is_pursued and not is_service and one.value not in _OFFICES:
            continue
        longest = _NEAR_DENSE_CHARS if text.is_dense else _NEAR_CHARS
        if end <= stop and stop - end <= longest and not _is_telling(title[end:stop], language):
            if one.value == _STATE and not _COLON.fullmatch(title[end:stop]):
                continue
            quoted = _quotation(title[stop:], one.value, language)
            if quoted:
                return Said(value=quoted, by=one)
    return None


def _quotation(words: str, speaker: str, language: str) -> Stage | None:
    """What it is that somebody is quoted: of an accused state only where the words deny."""
    if speaker == _STATE:
        denied = _cues(language).denied
        return Stage.DENIAL if denied and denied.search(f" {folded_form(words)} ") else None
    return Stage.VERDICT if speaker == _COURT else Stage.ALLEGATION


def _is_telling(between: str, language: str) -> bool:
    """Whether a verb stands between who is named and a quotation, where letters show it ("Reporter lebt: …")."""
    if _TELLS.search(between) or _TELLS_OFTEN.search(between):
        return True
    return language == "de" and bool(_TELLS_GERMAN.search(between))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cues:
    """Patterns of one language for what takes a step back; see the table."""

    negated: re.Pattern[str] | None = None
    denied: re.Pattern[str] | None = None
    wished: re.Pattern[str] | None = None
    wished_behind: re.Pattern[str] | None = None


@functools.cache
def _cues(language: str) -> _Cues:
    for languages, far, near, wished, behind in rows("negations"):
        if language in languages.split():
            return _Cues(
                negated=_cues_before((far, 3), (near, 1)),
                denied=re.compile(f" (?:{_either(far)}|{_either(near)}) "),
                wished=_cues_before((wished, 3)),
                wished_behind=re.compile(f"(?: [^ ]+)?? (?:{_either(behind)}) ") if behind else None,
            )
    return _Cues(denied=_DENSE_DENIAL) if language in ("zh", "ja") else _Cues()


def _cues_before(*cells: tuple[str, int]) -> re.Pattern[str] | None:
    """A pattern for cues with at most so many words behind them."""
    either = [f"(?:{_either(cell)})(?: [^ ]+){{0,{words}}}" for cell, words in cells if cell]
    return re.compile(f" (?:{'|'.join(either)}) $") if either else None


def _either(cell: str) -> str:
    return "|".join(folded_form(cue) for cue in cell.split(";") if cue.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """Patterns of one language for what makes of a step no news; see the table."""

    earlier: re.Pattern[str] | None = None
    opening: re.Pattern[str] | None = None
    later: re.Pattern[str] | None = None
    clause: re.Pattern[str] | None = None
    ending: re.Pattern[str] | None = None


@functools.cache
def _beside(language: str) -> _Beside:
    for languages, *cells, ending in rows("background"):
        if language in languages.split():
            earlier, later, clause = map(_either, cells)
            return _Beside(
                earlier=re.compile(f" (?:{earlier}){_ARTICLE} $") if earlier else None,
                opening=re.compile(f" (?:{earlier})(?: [^ ]+){{0,5}} $") if earlier else None,
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


def deeds(found: Findings) -> list[Found]:
    """What a text says was done to somebody, in order of the text."""
    acts = [one for one in found.acts if one.value != _SUSPECT]
    done = [*acts, *(one for one in found.concepts if one.value in _LAID_HANDS or one.value in _FROM_A_DISTANCE)]
    return sorted(done, key=lambda one: one.start)


def _act(found: Findings, act: str, concepts: frozenset[str]) -> Found | None:
    said = [one for one in found.acts if one.value == act] + [one for one in found.concepts if one.value in concepts]
    return min(said, key=lambda one: one.start, default=None)
