"""What one poll changes, and what people said of articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.feeds import EPOCH, FeedState
from monitor.model.sending import Notice
from monitor.model.stories import Judged, Story


class LabelValue(StrEnum):
    """What a person said of an article."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not-relevant"
    UNSURE = "unsure"
    WRONG_CODE = "wrong-code"


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
class Outcome:
    """Everything that one poll of one feed changes; recorded in one transaction.

    `seen_keys`: (key, article id) of known entries, so that new keys of an old article are kept too.
    `announce`: stories to alert now. `grown`: stories told before that were joined by an article worth an alert; only
    channels whose filters had left them out hear of them. `notices`: for operators.
    """

    state: FeedState
    judged: tuple[Judged, ...] = ()
    seen_keys: tuple[tuple[bytes, str], ...] = ()
    announce: tuple[Story, ...] = ()
    grown: tuple[Story, ...] = ()
    notices: tuple[Notice, ...] = ()
