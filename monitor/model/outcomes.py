"""What one poll changes, and what people said of articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.articles import Decision
from monitor.model.feeds import EPOCH, FeedState
from monitor.model.sending import Notice
from monitor.model.stories import Chapter, Facts, Judged, Story


class LabelValue(StrEnum):
    """What a person said of an article; withdrawn: that they say nothing of it any more."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not-relevant"
    UNSURE = "unsure"
    WRONG_CODE = "wrong-code"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One person's judgement of one article; the newest of a rater counts."""

    article_id: str
    rater: str
    value: LabelValue
    codes: tuple[str, ...] = ()
    note: str = ""
    at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What is really new in a story that readers know: a later stage, states that were not named before.

    `article_id` is the article that says so.
    """

    story_id: str
    article_id: str
    stage: str = ""
    states: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The delivery's key: one a change."""
        return f"story:{self.story_id}/" + (f"stage:{self.stage}" if self.stage else f"state:{self.states[0]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An article of a feed as far as telling the feed's habits needs it. `decision` is its verdict's."""

    title: str
    url: str
    first_seen_at: datetime
    decision: Decision = Decision.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What was queued within the last hour, and what a feed brought within the last month, before a poll of it.

    `alerts` counts stories by channel, held ones among them, `replies` counts them by (story id, channel). `sightings`
    are the feed's articles, newest first. `incidents` are those that are not over, with when they began.
    """

    alerts: tuple[tuple[str, int], ...] = ()
    replies: tuple[tuple[str, str, int], ...] = ()
    sightings: tuple[Sighting, ...] = ()
    incidents: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that one poll of one feed changes; recorded in one transaction.

    `seen_keys`: (key, article id) of known entries, so that new keys of an old article are kept too.
    `announce`: stories to alert now. `grown`: stories told before that something joined; what was said of them is said
    anew. `updates`: what is really new in them. `facts`: what all articles of a story say together, by story id.
    `chapters`: (case id, story in it), for stories whose facts name somebody; "" is no case.
    `notices`: for operators. `moved_from`: the feed's earlier address, whose articles become its own.
    """

    state: FeedState
    judged: tuple[Judged, ...] = ()
    seen_keys: tuple[tuple[bytes, str], ...] = ()
    announce: tuple[Story, ...] = ()
    grown: tuple[Story, ...] = ()
    updates: tuple[Update, ...] = ()
    facts: tuple[tuple[str, Facts], ...] = ()
    chapters: tuple[tuple[str, Chapter], ...] = ()
    notices: tuple[Notice, ...] = ()
    moved_from: str = ""
