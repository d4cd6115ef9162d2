"""Same event, told in two languages? Decides by facts, never by words: who, where, how many, what was done, when.

Pure: no network, no clock, no disk but the lexicons' own files. It never joins two articles of one language
(`stories.grouping` does) and never takes an article out of a story.

The reasoning. A translation shares no words with its original, but a newsroom anywhere keeps the names, the
numbers, the places and the day. Each that two texts share earns points; what speaks for two events costs some. As
in grouping, to put two events into one story is the worse error, so:

- Nothing is joined for its route alone. "Iran → United Kingdom" is true of a dozen events a year: a join needs a
  name that sounds alike in both (`stories.sounds`), or two states, numbers, places and deeds.
- A law, sanctions or a report name nobody, and often one state alone: their votes, their step and their matter tell
  them (`stories.acts`).
- A short sound is shared by chance. A name earns by its consonants, less where the other text doesn't show which of
  its words are names (Arabic, Persian), and still less where it doesn't even show words (Chinese, Japanese).
- Half a name is none: "Harjot Singh Dhaliwal" and "Gurpal Singh Sidhu" share a Singh.
- Texts that speak of other states, or of another stage (charged, convicted, denied), lose points.
- Only within a day and a half: what is told of the same man two days later is the next event, and time zones and the
  morning's paper need no longer.
- Only if one story answers, or one clearly better than all others. Else the evidence can't tell them apart.

Rejected: machine translation and multilingual sentence embeddings (hundreds of megabytes, and a number that nobody
can explain); a fitted weight for each point (the pairs are too few for it, and hand-set points can be read).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations

from monitor.model import Article, Facts, Member, Placed, Stage, Story
from monitor.stories import acts, details, sounds
from monitor.stories.details import Details, Sounding, Writing
from monitor.stories.facts import folded
from monitor.stories.wordlists import FUNCTION_WORDS

WINDOW = timedelta(hours=36)
JOINS_FROM = 4.1
"""Points from which two texts that share a name tell one event; this and all points below were fixed on the tuning
half of tests/data/crosslingual_pairs.jsonl and of the classifier's corpus."""
NAMELESS_FROM = 3.4
ROUTELESS_FROM = 4.0
"""The same where texts that name nobody don't agree on who reaches out and where."""
ACT_FROM = 2.6
"""The same for an act of a parliament, a government or a body, which names nobody: see `stories.acts`."""
NOT_AGAINST_LEAD = 3.0
"""A member's likeness opens a story only to what has at least this in common with its lead."""

CLEARLY_NEARER = 1.5
"""Points by which the nearest of two stories that both match must be ahead."""

_CLEAR_NAME = 2.0
_MEMBERS_COMPARED = 12
_SPELLED_ALIKE = 0.5
_SHORT_ALIKE = 0.65
"""The same for names of few consonants, two words in a row, and words in the same letters without vowels."""
# Consonants that may agree by chance, by how much the two texts hide where a name begins and ends.
_CHANCE = {
    (Writing.CASED, Writing.CASED): 0.0,
    (Writing.CASED, Writing.SPACED): 1.0,
    (Writing.CASED, Writing.DENSE): 0.5,
    (Writing.SPACED, Writing.SPACED): 1.5,
    (Writing.DENSE, Writing.SPACED): 2.5,
    (Writing.DENSE, Writing.DENSE): 3.0,
}
_COMMON_GROUPS = frozenset(("journalists", "dissidents", "activists", "opposition", "relatives", "refugees"))
# One day in court is told as any of these.
_IN_COURT = frozenset((Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE))
_VAGUE_STAGES = frozenset((Stage.ALLEGATION, Stage.INVESTIGATION))
_MANY_DEEDS = 4
_OTHER_STEP = -3.0
_ARROW = " → "
_LEAST_CHARACTERS = 3
_NAME_DOTS = "·・"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as one article tells it."""

    title: str
    summary: str = ""
    language: str = ""
    at: datetime
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A story that may be joined: its id and its articles, the lead first."""

    story_id: str
    members: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The one story that tells the same event, and the evidence in words."""

    story_id: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What speaks for one event: `points`, and the same in `words`; it is one from `needed` points on.

    `at`: when both told it, the earlier first.
    """

    points: float
    needed: float
    words: tuple[str, ...]
    at: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    points: float
    words: str


def same_event(one: Told, other: Told, *, window: timedelta = WINDOW) -> str:
    """Say in words why both tell one event: "both: Iran → United Kingdom, “Rostami” …"; "" where they don't."""
    match = _match(one, other, window)
    return _said(match) if match is not None else ""


def _match(one: Told, other: Told, window: timedelta) -> Weighed | None:
    """What speaks for one event, where it is enough."""
    found = weighed(one, other) if abs(one.at - other.at) <= window else None
    return found if found is not None and found.points >= found.needed else None


def _said(match: Weighed) -> str:
    days = dict.fromkeys(f"{at.day} {at:%b}" for at in match.at)
    return "both: " + ", ".join((*match.words, " and ".join(days)))


def joined(told: Told, stories: Sequence[Candidate], *, window: timedelta = WINDOW) -> Joined | None:
    """Find the one story that tells the same event in other languages.

    None where no story does, or where two do and neither is clearly nearer. A story that has an article in the language
    of `told` is left alone: grouping has compared those.
    """
    found = [(match, story.story_id) for story in stories if (match := _nearest(told, story, window)) is not None]
    found.sort(key=lambda row: (-row[0].points, row[1]))
    if not found or (len(found) > 1 and found[0][0].points - found[1][0].points < CLEARLY_NEARER):
        return None
    match, story_id = found[0]
    return Joined(story_id=story_id, evidence=_said(match))


def _nearest(told: Told, story: Candidate, window: timedelta) -> Weighed | None:
    """What speaks for the member that is nearest, where that is enough and the lead doesn't speak against it."""
    language = _read(told).language
    lead, *later = story.members
    if any(_read(member).language == language for member in story.members):
        return None
    compared = (lead, *later[-_MEMBERS_COMPARED:])
    matches = [match for member in compared if (match := _match(told, member, window)) is not None]
    with_lead = weighed(told, lead) if matches else None
    if with_lead is None or with_lead.points < NOT_AGAINST_LEAD:
        return None
    return max(matches, key=lambda match: match.points)


def rejoined(
    placed: Sequence[Placed], stories: Sequence[Story], facts: Mapping[str, Facts], *, now: datetime
) -> list[Placed]:
    """Move what opens a story into the one that is told in other languages, with all that would have followed it.

    `placed`: places in order of time, whoever opens a story before its others. `stories`: those that may be joined.
    `facts`: of articles by id; an article without stays where it is, and what is known of its story counts for a
    member without. `now` bounds dates from the future.
    """
    opening = [min(place.article.at, now) for place in placed if place.opens and place.article.id in facts]
    if not opening:
        return list(placed)
    joiner = Joiner()
    recent = [story for story in stories if story.last_at >= min(opening) - WINDOW]
    for story in sorted(recent, key=lambda story: story.id):
        for member in story.members:
            joiner.remember(_told_by(story, member, facts), story.id)
    members = {member.article_id for story in stories for member in story.members}
    moved: dict[str, str] = {}
    found: list[Placed] = []
    for place in placed:
        mine = replace(place, story_id=moved.get(place.story_id, place.story_id))
        if place.article.id in facts and place.article.id not in members:
            told = _told_of(place.article, facts[place.article.id], now)
            joins = joiner.home(told) if place.opens else None
            if joins is not None:
                moved[place.story_id] = joins.story_id
                mine = replace(place, story_id=joins.story_id, opens=False, evidence=joins.evidence)
            joiner.remember(told, mine.story_id)
        found.append(mine)
    return found


def _told_of(article: Article, facts: Facts, now: datetime) -> Told:
    return Told(
        title=article.title,
        summary=article.summary,
        language=article.language,
        at=min(article.at, now),
        facts=facts,
    )


def _told_by(story: Story, member: Member, facts: Mapping[str, Facts]) -> Told:
    return Told(
        title=member.title,
        summary=member.summary,
        language=member.language or story.language,
        at=member.at,
        facts=facts.get(member.article_id, story.facts),
    )


class Joiner:
    """Finds stories to join among those remembered, with an index by names and routes."""

    def __init__(self, window: timedelta = WINDOW) -> None:
        self._window = window
        self._stories: dict[str, list[Told]] = {}
        self._languages: dict[str, set[str]] = {}
        self._index: dict[str, dict[str, None]] = {}

    def remember(self, told: Told, story_id: str) -> None:
        """Take in an article whose story is known; a story's lead first."""
        read = _read(told)
        self._stories.setdefault(story_id, []).append(told)
        self._languages.setdefault(story_id, set()).add(read.language)
        for key in _index_keys(read):
            self._index.setdefault(key, {})[story_id] = None

    def forget(self, at: datetime) -> None:
        """Let go of stories that nothing told from `at` on could join."""
        old = {id_ for id_, told in self._stories.items() if all(at - one.at > self._window for one in told)}
        if not old:
            return
        for id_ in old:
            del self._stories[id_], self._languages[id_]
        kept = ((key, {id_: None for id_ in ids if id_ not in old}) for key, ids in self._index.items())
        self._index = {key: ids for key, ids in kept if ids}

    def home(self, told: Told) -> Joined | None:
        """Find the one remembered story that tells the same event in other languages."""
        read = _read(told)
        near: dict[str, None] = {}
        for key in _index_keys(read):
            near.update(self._index.get(key, {}))
        # In order of ids, so that nothing depends on who was remembered first.
        others = [id_ for id_ in sorted(near) if read.language not in self._languages[id_]]
        found = [Candidate(story_id=id_, members=tuple(self._stories[id_])) for id_ in others]
        recent = [story for story in found if any(abs(m.at - told.at) <= self._window for m in story.members)]
        return joined(told, recent, window=self._window)


def _index_keys(read: Details) -> list[str]:
    """Under what a text is looked up: names that prove something, pairs of states, what tells a law."""
    names = [key for key, sounding in read.sounds.items() if len(key) > details.LEAST_SOUND and not sounding.is_place]
    pairs = ["/".join(pair) for pair in combinations(sorted(read.states), 2)]
    return [*names, *pairs, *sorted(read.organisations), *acts.index_keys(read)]


def _act(told: Told, read: Details) -> acts.Act:
    return acts.Act(title=told.title, facts=told.facts, read=read)


def _read(told: Told) -> Details:
    return details.read(told.title, told.summary, told.language)


def weighed(one: Told, other: Told) -> Weighed | None:
    """Add up what speaks for and against one event; None for one language and for round-ups."""
    a, b = _read(one), _read(other)
    if a.language == b.language or a.is_roundup or b.is_roundup:
        return None
    names, places = _sounds(a, b)
    if sum(name.points for name in names) < _CLEAR_NAME:
        names = _same_people(one, other) or names
    route, numbers = _route(one.facts, other.facts, a, b), _numbers(a, b)
    organisations = _organisations(one.facts, other.facts)
    others = _Shared(points=-2.0 if not names and _name_others(one.facts, other.facts) else 0.0, words="")
    act = acts.compared(_act(one, a), _act(other, b))
    turn = _Shared(points=_OTHER_STEP if act.is_other_step else 0.0, words="")
    parts = (route, *names, numbers, places, _deeds(a, b), organisations, _stage(one.facts, other.facts), others, turn)
    if sum(name.points for name in names) >= _CLEAR_NAME:
        needed = JOINS_FROM
    elif act.is_one:
        needed = ACT_FROM
    else:
        is_body = organisations.points > 0 and numbers.points > 1 and not act.is_one_ahead
        needed = NAMELESS_FROM if is_body else _nameless(a, b, route, places)
    return Weighed(
        points=round(sum(part.points for part in parts), 3),  # whichever comes first
        needed=needed,
        words=tuple([part.words for part in parts if part.points > 0 and part.words]),
        at=(min(one.at, other.at), max(one.at, other.at)),
    )


def _nameless(a: Details, b: Details, route: _Shared, places: _Shared) -> float:
    """Points from which two texts without a name tell one event, by their states; infinite for one state alone."""
    states = len(a.states & b.states)
    if states < 2 or (states == 2 and not _is_particular(a, b, places)):
        return math.inf
    return NAMELESS_FROM if _ARROW in route.words else ROUTELESS_FROM


def _sounds(a: Details, b: Details) -> tuple[list[_Shared], _Shared]:
    """Names (at most three) and places that sound alike in both, the longest first; each word counts once."""
    names: list[_Shared] = []
    cities: dict[int, str] = {}
    used: tuple[set[int], set[int]] = (set(), set())
    for key in sorted(a.sounds.keys() & b.sounds.keys(), key=lambda key: (-_consonants(key), key)):
        one, other = a.sounds[key], b.sounds[key]
        taken = [set(range(name.first, name.last + 1)) for name in (one, other)]
        if taken[0] & used[0] or taken[1] & used[1]:
            continue
        used[0].update(taken[0])
        used[1].update(taken[1])
        if one.is_place or other.is_place:
            if one.is_city and one.first - 1 not in cities and one.last + 1 not in cities:  # "Phnom", "Penh"
                cities[one.first] = one.words
        elif (one.is_word and other.is_word) or any(_is_no_name(key, *pair) for pair in ((one, other), (other, one))):
            continue
        elif points := _name_points(_consonants(key) - _nouns(key, a, b), one, other):
            both = one.words if one.words == other.words else f"{one.words}” = “{other.words}"
            names.append(_Shared(points=points, words=f"“{both}”"))
    names.sort(key=lambda name: -name.points)
    return names[:3], _Shared(points=min(1.2, 0.6 * len(cities)), words=" and ".join([*cities.values()][:2]))


def _nouns(key: str, a: Details, b: Details) -> float:
    """Consonants that may agree by chance where one language writes every noun with a capital."""
    is_cased = Writing.SPACED not in (a.writing, b.writing)
    return 1.0 if "de" in (a.language, b.language) and is_cased and key[0] != "=" else 0.0


def _is_no_name(key: str, name: Sounding, other: Sounding) -> bool:
    """Say whether it only sounds like a name.

    So do a word of the lexicon with a capital (a headline's first word has one, whatever it is), where nothing has one
    what holds texts together, and a few Chinese characters that no passport spells so and no dot splits.
    """
    if name.writing is Writing.CASED:
        return name.is_word and name.first == name.last
    if name.writing is Writing.SPACED:
        return not FUNCTION_WORDS.isdisjoint(name.words.split())
    if other.writing is Writing.DENSE or key[0] == "=" or any(dot in name.words for dot in _NAME_DOTS):
        return False
    return name.last - name.first < _LEAST_CHARACTERS - 1 or other.last > other.first


def _consonants(key: str) -> float:
    """How much a key proves, in consonants. A word spelled alike ("=ojeda") counts by its letters."""
    return len(key) if key[0] != "=" else max(3.0, (len(key) - 1) * 0.65)


def _name_points(consonants: float, one: Sounding, other: Sounding) -> float:
    writings = {one.writing, other.writing}
    are_spelled = Writing.SPACED not in writings or len(writings) == 1
    alike = sounds.alike(one.words, other.words) if are_spelled else 1.0
    strength = consonants - _CHANCE[min(one.writing, other.writing), max(one.writing, other.writing)]
    words = min(one.last - one.first, other.last - other.first) + 1
    is_split = any(dot in name.words for name in (one, other) for dot in _NAME_DOTS)
    is_pair = words > 1 and Writing.DENSE not in writings
    if is_split or is_pair:
        strength += 1.0  # two words in a row
    if strength < 2.5 or alike < (_SHORT_ALIKE if strength < 3.5 or is_pair else _SPELLED_ALIKE):
        return 0.0
    if words == 1 and all(name.run >= 0 and name.of_run > 1 for name in (one, other)):
        return 0.0
    return 1.0 if strength < 3.5 else 2.0 if strength < 5 else 3.0 if strength < 6.5 else 4.0


def _same_people(one: Told, other: Told) -> list[_Shared]:
    """People that both name and the gazetteer knows in both scripts ("Nathan Law", "羅冠聰").

    They are widely known, so that texts on other events speak of them, too: below the headline they prove less.
    """
    theirs = {folded(name) for name in other.facts.people}
    found = []
    for name in one.facts.people:
        if folded(name) in theirs and details.WIDELY_NAMED.isdisjoint(name.casefold().split()):
            is_headed = _heads(name, one) and _heads(name, other)
            found.append(_Shared(points=3.0 if is_headed else 2.0, words=f"“{name}”"))
    return found[:1]


def _heads(name: str, told: Told) -> bool:
    """Say whether somebody stands in the headline."""
    own = folded(name)
    said = (one for one in told.facts.evidence if one.fact == "people" and folded(one.value) == own)
    return any(one.words in told.title for one in said)


def _name_others(one: Facts, other: Facts) -> bool:
    """Say whether both texts name somebody, in scripts with spaces, and nobody in common."""
    sides = [
        {key for name in facts.people for word in name.split() for key in sounds.keys(word) if len(key) > 1}
        for facts in (one, other)
    ]
    return bool(sides[0] and sides[1]) and sides[0].isdisjoint(sides[1])


def _route(one: Facts, other: Facts, a: Details, b: Details) -> _Shared:
    shared = a.states & b.states
    points = min(1.8, 1.0 * len(shared))
    for mine, theirs in ((one.origin_states, other.origin_states), (one.host_states, other.host_states)):
        if mine and theirs and a.states.isdisjoint(theirs) and b.states.isdisjoint(mine):
            points -= 1.5
    if a.states and b.states and not shared:
        points -= 1.5
    ends = (
        set(one.origin_states) & set(other.origin_states),
        set(one.host_states) & set(other.host_states),
    )
    sides = [_named(states) for states in ends if states]
    return _Shared(points=points, words=_ARROW.join(sides) if len(sides) > 1 else _named(shared))


def _named(states: set[str] | frozenset[str]) -> str:
    return " and ".join(_state_name(state) for state in sorted(states))


@functools.cache
def _state_name(state: str) -> str:
    from babel import Locale  # noqa: PLC0415 - reads locale files

    if state == "HK":
        return "Hong Kong"
    return str(Locale("en").territories.get(state, state))


def _numbers(a: Details, b: Details) -> _Shared:
    shared = sorted(a.numbers & b.numbers, key=lambda number: (-len(number), number))
    if a.numbers and b.numbers and not shared:
        return _Shared(points=-0.5, words="")
    points = sum(0.4 if len(number) == 1 else 0.8 if len(number) == 2 else 1.2 for number in shared)
    return _Shared(points=min(2.0, points), words="numbers " + " and ".join(shared[:3]))


def _deeds(a: Details, b: Details) -> _Shared:
    shared = sorted(a.deeds & b.deeds, key=lambda deed: (deed in acts.COMMON_DEEDS, deed))
    points = sum(0.3 if deed in acts.COMMON_DEEDS else 0.6 for deed in shared)
    return _Shared(points=min(1.8, points), words=" and ".join(shared[:3]))


def _is_particular(a: Details, b: Details, places: _Shared) -> bool:
    """Say whether more is common than what a month of news on one route has in common: a "2" and an activist."""
    shared, deeds = a.numbers & b.numbers, a.deeds & b.deeds
    is_counted = len(shared) > 1 or any(len(number) > 1 for number in shared)
    least = _MANY_DEEDS if places.points <= 0 else _MANY_DEEDS // 2
    return is_counted or bool(deeds - acts.COMMON_DEEDS) or len(deeds) >= least


def _organisations(one: Facts, other: Facts) -> _Shared:
    shared = sorted(set(one.organisations) & set(other.organisations))
    groups = sorted(set(one.target_groups) & set(other.target_groups) - _COMMON_GROUPS)
    points = min(1.6, 0.6 * len(shared)) + (0.4 if groups else 0.0)
    return _Shared(points=points, words=" and ".join((*shared[:2], *groups[:2])))


def _stage(one: Facts, other: Facts) -> _Shared:
    """A stage in common; less than nothing where one text is at another stage than the other."""
    stages = {one.stage, other.stage}
    if "" not in stages and len(stages) == 1:
        return _Shared(points=0.3, words=one.stage)
    is_vague = bool(stages & _VAGUE_STAGES) and Stage.DENIAL not in stages
    return _Shared(points=0.0 if "" in stages or stages <= _IN_COURT or is_vague else -1.0, words="")
