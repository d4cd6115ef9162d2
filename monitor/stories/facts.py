"""What a text says of who reaches out, into which state and at whom, and how far the matter has come.

Pure but for data files that are read once. Suggests, never asserts: what is unsure stays empty, and every fact brings
the words of the text that speak for it. Decides nothing about a story or an alert.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from monitor.model import Evidence, Facts, Stage
from monitor.stories.gazetteer import finding, people, roles, stages, targets
from monitor.stories.gazetteer.finding import Found
from monitor.stories.gazetteer.folding import folded
from monitor.stories.gazetteer.tables import Kind, signs
from monitor.stories.gazetteer.texts import Prepared, prepared
from monitor.text import language_of

__all__ = ["folded", "merged", "read"]

_LANGUAGE_CHARS = 300


def read(
    title: str, summary: str, text: str = "", *, language: str = "", codes: Sequence[str] = (), host: str = ""
) -> Facts:
    """Read facts off a text; what is unsure stays empty.

    `language`: what the feed says, may be empty. `codes`: what the classifier says, passed through. `host`: ISO code of
    the publisher's state; it tips a balance, and never names a state that the text doesn't.
    """
    whole = prepared(title, summary, text)
    spoken = language_of(whole.original[:_LANGUAGE_CHARS], language)
    found = finding.found(whole, spoken)
    named, concepts = found.named, found.concepts
    who = roles.roles(roles.candidates(whole, named, concepts, language=spoken), hint=host.upper())
    pursuers = frozenset(one.state for one in who.origins).difference(one.state for one in who.hosts)
    stage = stages.stage(whole, found, spoken, pursuers)
    physical, hands = stages.physical(found, codes)
    groups = targets.targets(whole, found, stage.value if stage else "")
    organisations = _organisations(named)
    persons = people.people(whole, found)
    evidence = [
        *_of_states(whole, "origin_states", who.origins),
        *_of_states(whole, "host_states", who.hosts),
        *(_evidence(whole, "target_groups", one.value, one.by) for one in groups),
        *([_evidence(whole, "stage", stage.value, stage.by)] if stage else []),
        *([_evidence(whole, "physical", str(physical).lower(), hands)] if hands else []),
        *(_evidence(whole, "organisations", name, by) for name, by in organisations.items()),
        *(Evidence(fact="people", value=name, words=words) for name, words in persons),
    ]
    return Facts(
        origin_states=tuple(one.state for one in who.origins),
        host_states=tuple(one.state for one in who.hosts),
        codes=tuple(codes),
        target_groups=tuple(one.value for one in groups),
        stage=stage.value if stage else "",
        physical=physical,
        people=tuple(name for name, _ in persons),
        organisations=tuple(organisations),
        evidence=tuple(evidence),
    )


def _organisations(named: Sequence[Found]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for one in named:
        if one.kind is Kind.AGENCY and one.value not in signs():
            found.setdefault(one.value, one)
    return found


def _of_states(text: Prepared, fact: str, chosen: Sequence[roles.Candidate]) -> Iterator[Evidence]:
    for one in chosen:
        yield _evidence(text, fact, one.state, one.mentions[0])


def _evidence(text: Prepared, fact: str, value: str, by: Found | None) -> Evidence:
    return Evidence(fact=fact, value=value, words=text.words(by.start, by.end) if by else "")


# ── a story ───────────────────────────────────────────────────────────────────────────────────────

_LADDER = (Stage.ALLEGATION, Stage.INVESTIGATION, Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE)
_MAX_NAMED = 8


def merged(all: Sequence[Facts]) -> Facts:  # noqa: A002 - the name that was agreed
    """Say what the members of a story say together, the lead first in `all`.

    A state, a code or a group is said by half of the members that name any; a person or an organisation by two, or by
    the lead. The stage is the furthest that two members have reached: one alone may be mistaken.
    """
    if len(all) < 2:
        return all[0] if all else Facts()
    people = _meeting(all, "people", key=folded)
    kept = {
        "origin_states": _of_half(one.origin_states for one in all),
        "host_states": _of_half(one.host_states for one in all),
        "codes": _of_half(one.codes for one in all),
        "target_groups": _of_half(one.target_groups for one in all),
        "people": people,
        "organisations": _meeting(all, "organisations", key=str),
    }
    stage, physical = _stage([one.stage for one in all if one.stage]), _physical(all)
    said = {**kept, "stage": (stage,), "physical": (str(physical).lower(),)}
    first: dict[tuple[str, str], Evidence] = {}
    for one in all:
        for proof in one.evidence:
            if proof.value in said.get(proof.fact, ()):
                first.setdefault((proof.fact, proof.value), proof)
    return Facts(**kept, stage=stage, physical=physical, evidence=tuple(first.values()))


def _of_half(said: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Values that half of those name that name any, most named first, then in the order of their naming."""
    naming = [values for values in said if values]
    counts = Counter(value for values in naming for value in dict.fromkeys(values))
    return tuple(value for value, count in counts.most_common() if count * 2 >= len(naming))


def _meeting(all_: Sequence[Facts], fact: str, *, key: Callable[[str], str]) -> tuple[str, ...]:
    """Names of the lead, and those that two members name, in whatever spelling; as they are first spelled."""
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for one in all_:
        for name in getattr(one, fact):
            spelled.setdefault(key(name), name)
        counts.update({key(name) for name in getattr(one, fact)})
    of_lead = {key(name) for name in getattr(all_[0], fact)}
    kept = [(count, known) for known, count in counts.most_common() if count > 1 or known in of_lead]
    return tuple(spelled[known] for _, known in kept[:_MAX_NAMED])


def _stage(said: Sequence[str]) -> str:
    """The furthest step that two have reached; of what stands beside the steps, the most said, if more say it."""
    steps = sorted((_LADDER.index(Stage(stage)) for stage in said if stage in _LADDER), reverse=True)
    beside = Counter(stage for stage in said if stage not in _LADDER)
    if beside and beside.total() > len(steps):
        return beside.most_common(1)[0][0]
    return _LADDER[steps[min(1, len(steps) - 1)]].value if steps else ""


def _physical(all_: Sequence[Facts]) -> bool | None:
    """What most say; the first to say it where as many say otherwise."""
    said = [one.physical for one in all_ if one.physical is not None]
    return Counter(said).most_common(1)[0][0] if said else None
