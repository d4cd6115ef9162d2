"""Articles about one event, and what was read off them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from classifiers import Score
from monitor.model.articles import Article, Decision, Verdict
from monitor.model.feeds import EPOCH


class Stage(StrEnum):
    """How far the matter of a story has come. Declared in the order of advance; the last three stand beside it."""

    ALLEGATION = "allegation"
    INVESTIGATION = "investigation"
    CHARGE = "charge"
    TRIAL = "trial"
    VERDICT = "verdict"
    SENTENCE = "sentence"
    LAW = "law"
    REPORT = "report"
    DENIAL = "denial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What in a text speaks for one fact.

    `fact` is the name of a field of `Facts`, `value` one of its values as text, `words` stand in the text as they are.
    """

    fact: str
    value: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read off a story. Empty means unsure, never "none"; nothing here is asserted.

    States are ISO 3166 alpha-2 codes (HK for Hong Kong), the likeliest first. `stage` is a `Stage` or "". `physical`:
    somebody was, or was to be, laid hands on; None is unsure. `people` and `organisations` are named as the text names
    them.
    """

    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    stage: str = ""
    physical: bool | None = None
    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article inside a story, as much of it as grouping and messages need."""

    article_id: str
    title: str
    summary: str = ""
    url: str = ""
    feed: str = ""
    feed_name: str = ""
    language: str = ""
    at: datetime = EPOCH
    score: float = 0.0
    decision: Decision = Decision.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What readers were told of a story so far. `stage` is the furthest `Stage` told, "" where none was."""

    stage: str = ""
    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The articles about one event. `id` is the id of its lead (first) article; `members[0]` is the lead.

    `alerted` says that an alert of it was queued. `facts` are suggestions. `told` is None where nothing was told yet,
    or nobody noted what. `case_note` is a line of ours about what it belongs to, shown in its messages.
    """

    id: str
    language: str
    members: tuple[Member, ...]
    first_at: datetime
    last_at: datetime
    facts: Facts = field(default_factory=Facts)
    alerted: bool = False
    told: Told | None = None
    case_note: str = ""


COURT_STAGES = (Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE)
"""The steps of a court, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A story as its case remembers it.

    `people` tie it to a case, and with more care so do `mentions`, which only look like names; `headliners` are those
    of both that stand in a headline. `bystanders` and `organisations` tie nothing. `stage` is a step of a court's that
    a headline tells: charge, trial, verdict, sentence or "".
    """

    story_id: str
    at: datetime
    language: str = ""
    people: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    headliners: tuple[str, ...] = ()
    bystanders: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An affair told in many stories over years. `id` is its first story's id, `chapters` are in order of time."""

    id: str
    chapters: tuple[Chapter, ...]

    @property
    def line(self) -> str:
        """How far it came, and when it got there: "charge 17 Apr 2023 > verdict 3 May 2026"; "" if no step was read."""
        ladder = ("", *COURT_STAGES)
        reached, steps = 0, []
        for chapter in self.chapters:
            if chapter.stage in ladder and ladder.index(chapter.stage) > reached:
                reached = ladder.index(chapter.stage)
                steps.append(f"{chapter.stage} {chapter.at.day} {chapter.at:%b %Y}")
        return " > ".join(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An article's place: the story it belongs to, whether it opens it, and the evidence ("0.71 to …")."""

    article: Article
    story_id: str
    opens: bool
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An article with all that was decided on it. `edited`: a known article whose text changed."""

    article: Article
    score: Score
    verdict: Verdict
    story_id: str
    opens_story: bool
    evidence: str = ""
    edited: bool = False
