"""Same affair? Decides by the persons that stories name and by their routes; never by other words, never by time.

Pure but for tables that are read once. It hides nothing: whatever it says, every story is told as it would have been.

The reasoning. An affair runs for years and through the courts of several states; what stays is its people. To join two
affairs is worse than to miss a chapter, so:

- A story is tied by its people alone, never by an organisation: agencies and their targets have many affairs. Office
  holders, and those of whom only an ally or a critic is spoken, are bystanders (`stories.bystanders`).
- A name is the same where its key (`facts.folded`) and, as far as the scripts allow, its spelling agree. A surname
  alone is no name, but for the persons of the gazetteer.
- One name needs a state of the route in common; a name that many bear (short, or made of given names) needs the same
  origin and the same host. Two names need no route, unless both name origins and none in common.
- Words that only look like a name (`stories.namelike`) count as one where the other story has a person of that name;
  where neither does, origin and host must agree.
- Who is known for one affair and named in a hundred, or turned up in many cases, ties nothing alone, unless both origin
  and host agree and the story names nobody else.
- A case doesn't drift: only people of its first story (of its headline, if that names any), or of half of its stories,
  tie others to it; and if the story's own headline names people, one of them must be among these, or two of all.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations

from monitor.model import COURT_STAGES, Case, Chapter, Facts
from monitor.stories import namelike, sounds
from monitor.stories.bystanders import is_bystander, is_known, is_ruler
from monitor.stories.facts import folded
from monitor.stories.gazetteer.tables import rows

MANY_CASES = 3
"""Somebody who is named in so many cases ties nothing alone."""

SHORT_NAME = 9
"""Names with fewer letters are borne by many."""

SHORTEST_MENTION = 7
"""Words that only look like a name say too little with fewer letters."""

_WORD_ALIKE = 0.5
_WHOLE_ALIKE = 0.6
_HAN_NAME = re.compile("[\u3400-\u9fff]{2,3}")
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = frozenset("aeiouyhjwàáâäåæèéêëìíîïòóôöøùúûüýаеёиіїйоуыэюяєх")
_CASED = re.compile("[a-zà-ÿа-яёіїєґ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Which case a story belongs to, and whose names say so, as the story spells them."""

    case_id: str
    people: tuple[str, ...] = ()


# ── what a case remembers ─────────────────────────────────────────────────────────────────────────


def chapter(story_id: str, at: datetime, facts: Facts, texts: Sequence[tuple[str, str]], language: str = "") -> Chapter:
    """Say what a case would remember of a story. `texts`: headline and summary of its articles, the lead's first."""
    spelled: dict[str, list[str]] = {name: [name] for name in facts.people}
    for proof in facts.evidence:
        if proof.fact == "people" and proof.value in spelled:
            spelled[proof.value].append(proof.words)
    whole = [text for pair in texts for text in pair if text]
    ties = [name for name in facts.people if not is_ruler(name) and not is_bystander(spelled[name], whole)]
    known = [spelling for spellings in spelled.values() for spelling in spellings if spelling]
    like = [name for pair in texts for name in namelike.mentions(*pair, known) if not is_bystander([name], whole)]
    like = list(dict.fromkeys(like))[: namelike.MAX_MENTIONS]
    headlines = [headline.casefold() for headline, _ in texts]
    first = [name for name in (*ties, *like) if _is_in(headlines, spelled.get(name, [name]))]
    return Chapter(
        story_id=story_id,
        at=at,
        language=language,
        people=tuple(ties),
        mentions=tuple(like),
        headliners=tuple(first),
        bystanders=tuple(name for name in facts.people if name not in ties),
        organisations=facts.organisations,
        origin_states=facts.origin_states,
        host_states=facts.host_states,
        stage=_court_stage(facts, headlines[:1]),
    )


def _court_stage(facts: Facts, headlines: Sequence[str]) -> str:
    """A court's step whose words stand in the lead's headline.

    Below it stands what happened years ago, and to others; what a later headline says has not the story's date.
    """
    words = [proof.words for proof in facts.evidence if proof.fact == "stage"]
    return facts.stage if facts.stage in COURT_STAGES and _is_in(headlines, words) else ""


def tied(story: Chapter, tie: Tie) -> Chapter:
    """The story with what it is tied by among its people: words that name a case's person are a name."""
    people = tuple(dict.fromkeys((*story.people, *tie.people)))
    return replace(story, people=people, mentions=tuple(name for name in story.mentions if name not in people))


def _is_in(headlines: Sequence[str], spellings: Sequence[str]) -> bool:
    return any(spelling and spelling.casefold() in headline for headline in headlines for spelling in spellings)


def keys(name: str) -> tuple[str, ...]:
    """Keys under which a person is found: of the name, of two words of a longer one, of a Chinese name's sound."""
    return tuple(dict.fromkeys(key for form in _forms(name) if (key := folded(form))))


def _forms(name: str) -> Iterator[str]:
    yield name
    words = _words(name)
    if 2 < len(words) < 5 and name not in _listed():
        yield from (" ".join(pair) for pair in combinations(words, 2))
    if _HAN_NAME.fullmatch(name):
        spoken = [next(iter(sounds.syllables(char)), "") for char in sounds.simplified(name)]
        if all(spoken):
            yield f"{spoken[0]} {''.join(spoken[1:])}"


# ── which case ────────────────────────────────────────────────────────────────────────────────────


def case_of(story: Chapter, known: Sequence[Case]) -> Tie | None:
    """Say which of `known` a story belongs to: the one that has it already, else the one most people tie it to.

    None: to none of them. `known` are all cases that name somebody of the story's, in any order.
    """
    for case in known:
        if any(chapter.story_id == story.story_id for chapter in case.chapters):
            return Tie(case_id=case.id)
    hubs = {name for name in names(story) if is_known(name) or _cases_naming(name, known) >= MANY_CASES}
    found = [(tie, case) for case in known if (tie := _tie(story, case, hubs)) is not None]
    if not found:
        return None
    tie, _ = min(found, key=lambda pair: (-len(pair[0].people), -pair[1].chapters[-1].at.timestamp(), pair[1].id))
    return tie


def names(chapter: Chapter) -> tuple[str, ...]:
    """Name all who may tie a story to a case."""
    return (*chapter.people, *chapter.mentions)


def _cases_naming(name: str, known: Sequence[Case]) -> int:
    return sum(any(_is_named(name, one) for one in case.chapters) for case in known)


def _is_named(name: str, chapter: Chapter) -> bool:
    return any(same_person(name, other) for other in names(chapter))


def _tie(story: Chapter, case: Case, hubs: set[str]) -> Tie | None:
    core, people = _core(case), {name for one in case.chapters for name in one.people}
    shared = [name for name in names(story) if any(same_person(name, other) for other in core)]
    naming = {name: [one for one in case.chapters if _is_named(name, one)] for name in shared}
    sure = [name for name in shared if name in story.people or any(same_person(name, other) for other in people)]
    strong = [name for name in sure if name not in hubs]
    if len(strong) >= 2:
        chapters = [one for name in strong for one in naming[name]]
        return None if _contradicts(story, chapters) else Tie(case_id=case.id, people=tuple(sure))
    if story.headliners and not any(name in shared for name in story.headliners):
        return None
    if strong:
        is_tied = _is_tied_by(strong[0], story, naming[strong[0]])
    elif sure:
        is_alone = all(any(_is_named(name, one) for one in case.chapters) for name in story.people)
        is_tied = is_alone and any(_meets(story, naming[name], both=True) for name in sure)
    else:
        is_tied = any(_is_tied_loosely(name, story, naming[name]) for name in shared if name not in hubs)
    return Tie(case_id=case.id, people=tuple(sure)) if is_tied else None


def _is_tied_by(name: str, story: Chapter, chapters: Sequence[Chapter]) -> bool:
    """One name: its route agrees; facts take origin and host for each other now and then, so either place will do.

    A name of few, in the headline of a story that tells no route, has nothing against it.
    """
    if is_common(name):
        return _meets(story, chapters, both=True)
    states = {*story.origin_states, *story.host_states}
    if not states:
        return name in story.headliners or name in _listed()
    routes = [{*one.origin_states, *one.host_states} for one in chapters]
    return any(states & route for route in routes) or (name in _listed() and not all(routes))


def _is_tied_loosely(name: str, story: Chapter, chapters: Sequence[Chapter]) -> bool:
    """Words that look like a name in both: the whole route must agree, and two German texts share any two nouns."""
    if sum(map(len, _words(name))) < SHORTEST_MENTION:
        return False
    others = [one for one in chapters if (one.language, story.language) != ("de", "de")]
    return _meets(story, others, both=True)


def _core(case: Case) -> list[str]:
    """Those who may tie a story to the case."""
    first = case.chapters[0]
    core = [name for name in first.people if name in first.headliners] or list(first.people)
    core += first.mentions
    for name in dict.fromkeys(name for one in case.chapters for name in names(one)):
        count = sum(_is_named(name, one) for one in case.chapters)
        if count >= 2 and count * 2 >= len(case.chapters):
            core.append(name)
    return core


def _meets(story: Chapter, chapters: Sequence[Chapter], *, both: bool) -> bool:
    """Whether origin or host (`both`: and) of the story is that of one of the chapters."""
    for one in chapters:
        origin = bool(set(story.origin_states) & set(one.origin_states))
        host = bool(set(story.host_states) & set(one.host_states))
        if (origin and host) if both else (origin or host):
            return True
    return False


def _contradicts(story: Chapter, chapters: Sequence[Chapter]) -> bool:
    origins = {state for one in chapters for state in one.origin_states}
    return bool(story.origin_states and origins) and not origins & set(story.origin_states)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


@functools.lru_cache(maxsize=16_384)
def same_person(one: str, other: str) -> bool:
    """Whether two spellings may be one person's name: a common key, and words that sound and begin alike."""
    if one == other:
        return True
    if (one in _listed() and other in _listed()) or not set(keys(one)) & set(keys(other)):
        return False
    if not (_CASED.search(one.casefold()) and _CASED.search(other.casefold())):
        return sounds.alike(one, other) >= _WHOLE_ALIKE
    fewer, more = sorted((_words(one), _words(other)), key=len)
    return all(any(_word_alike(word, its) for its in more) for word in fewer)


def _word_alike(one: str, other: str) -> bool:
    begins = (one[0].casefold() in _VOWELS) == (other[0].casefold() in _VOWELS)
    return begins and sounds.alike(one, other) >= _WORD_ALIKE


def is_common(name: str) -> bool:
    """Whether many people bear the name: it is short, or made of given names; persons of the gazetteer are one each."""
    words = [word.casefold() for word in _words(name)]
    if name in _listed():
        return False
    if not _CASED.search(name.casefold()):
        return len(name.replace(" ", "")) < 3
    return sum(map(len, words)) < SHORT_NAME or all(word in _given() for word in words)


def _words(name: str) -> list[str]:
    return _WORD.findall(name)


@functools.cache
def _listed() -> frozenset[str]:
    """Persons of the gazetteer, as facts name them."""
    return frozenset(name for name, _, _ in rows("names"))


@functools.cache
def _given() -> frozenset[str]:
    return frozenset(word for kind, words in rows("given") if kind == "given" for word in words.split())


def spellings(case: Case) -> tuple[tuple[str, ...], ...]:
    """Gather the people of a case, each with all spellings: who is named most first, and the commonest spelling first.

    What only looks like a name is one where two stories have it.
    """
    counts = Counter(name for one in case.chapters for name in names(one))
    people: list[list[str]] = []
    for name, _ in counts.most_common():
        mine = next((one for one in people if any(same_person(name, other) for other in one)), None)
        if mine is None:
            people.append(mine := [])
        mine.append(name)
    sure = {name for one in case.chapters for name in one.people}
    told = {id(one): sum(counts[name] for name in one) for one in people}
    shown = [one for one in people if told[id(one)] > 1 or sure & set(one)]
    return tuple(tuple(one) for one in sorted(shown, key=lambda one: -told[id(one)]))


def part_of(asked: str, name: str) -> bool:
    """Whether the words that were asked for are words of the name: a surname finds whoever bears it."""
    if not _CASED.search(asked.casefold()):
        return asked.casefold() in name.casefold()
    words = _words(name)
    return all(
        any(folded(word) == folded(one) and _word_alike(one, word) for word in words) for one in _words(asked)
    ) and bool(_words(asked))


def nearest(asked: str, known: Sequence[str], limit: int = 5) -> tuple[str, ...]:
    """Those of `known` names that sound most like what was asked for, the likest first."""
    scored = sorted((-sounds.alike(asked, name), name) for name in dict.fromkeys(known))
    return tuple(name for likeness, name in scored[:limit] if likeness <= -_WORD_ALIKE)


# ── what is said of a case ────────────────────────────────────────────────────────────────────────


def note(case: Case, story_id: str) -> str:
    """Tell what a story belongs to: "4th report on this affair since 2022 (Lu Jianwang: charge 17 Apr 2023)".

    The steps are those of headlines that name that person: a verdict on one accused is none on the next. Empty for the
    first story of a case, and for one that is not in it.
    """
    place = next((at for at, one in enumerate(case.chapters) if one.story_id == story_id), 0)
    if not place:
        return ""
    core = _core(case)
    mine = [name for name in case.chapters[place].people if any(same_person(name, its) for its in core)]
    name = next((name for name in mine if name in case.chapters[place].headliners), next(iter(mine), ""))
    before = [one for one in case.chapters[:place] if any(same_person(name, its) for its in one.headliners)]
    line = Case(id=case.id, chapters=tuple(before)).line if name else ""
    about = f" ({name}: {line})" if line else f" ({name})" if name else ""
    return f"{_ordinal(place + 1)} report on this affair since {case.chapters[0].at.year}{about}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
