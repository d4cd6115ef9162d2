"""The nouns. Values only: nothing here reads a clock, a disk or a network.

Times are aware UTC, durations are `timedelta`, closed sets are `StrEnum`, collections are tuples.
"""

from __future__ import annotations

from monitor.model.articles import Article, Decision, KnownArticle, Verdict
from monitor.model.feeds import EPOCH, Entry, Feed, FeedState, Fetched, NotModified, ParsedFeed
from monitor.model.outcomes import Label, LabelValue, Outcome
from monitor.model.sending import ChannelRules, ChannelState, Delivery, DeliveryState, Message, Notice, Span, SpanKind
from monitor.model.stories import Facts, Judged, Member, Placed, Story
from monitor.model.weeks import Digest, DigestItem, FeedTrouble, WeekData

__all__ = [
    "EPOCH",
    "Article",
    "ChannelRules",
    "ChannelState",
    "Decision",
    "Delivery",
    "DeliveryState",
    "Digest",
    "DigestItem",
    "Entry",
    "Facts",
    "Feed",
    "FeedState",
    "FeedTrouble",
    "Fetched",
    "Judged",
    "KnownArticle",
    "Label",
    "LabelValue",
    "Member",
    "Message",
    "NotModified",
    "Notice",
    "Outcome",
    "ParsedFeed",
    "Placed",
    "Span",
    "SpanKind",
    "Story",
    "Verdict",
    "WeekData",
]
