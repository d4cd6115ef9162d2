"""Articles about one event, and what was read off them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from classifiers import Score
from monitor.model.articles import Article, Decision, Verdict
from monitor.model.feeds import EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read off a story. Empty means unsure, never "none"."""

    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    stage: str = ""


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
class Story:
    """The articles about one event. `id` is the id of its lead (first) article; `members[0]` is the lead.

    `alerted` says that an alert of it was queued. `facts` are suggestions.
    """

    id: str
    language: str
    members: tuple[Member, ...]
    first_at: datetime
    last_at: datetime
    facts: Facts = field(default_factory=Facts)
    alerted: bool = False


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
