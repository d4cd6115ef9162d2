"""The tables of people: who talks with the bot, what is still to be answered, which buttons hang where, who did what.

bot                how far Telegram's updates were handled, where they were asked for
bot_updates        which were handled, where they were sent to us; forgotten after days
people             one row a chat that subscribed or chose a language; deleted whole when it is asked for
answers            what was asked for and not sent yet; a row is gone once it was
review_cards       messages of review chats that carry buttons, each for one article
review_presses     the buttons, by random ids
acts               what administrators did
redactions         stories that are told no more
mutes              feeds whose alerts are held until some time
digest_edits       what reviewers changed in a digest before it went out; only ever added to
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    or_,
    select,
)

from monitor.store.columns import Json, KeyWords, UtcTime, Whole, Words
from monitor.store.tables import LINE, articles, metadata

bot = Table(
    "bot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("next_update", Whole(), nullable=False),
    Column("handled_at", UtcTime(), nullable=False),
)

bot_updates = Table(
    "bot_updates",
    metadata,
    Column("number", Whole(), primary_key=True, autoincrement=False),
    Column("handled_at", UtcTime(), nullable=False, index=True),
)

people = Table(
    "people",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("chat", KeyWords(), nullable=False, unique=True),
    Column("language", Words(20), nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("filters", Json(), nullable=False),
    Column("failures", Whole(), nullable=False),
    Column("refused_at", UtcTime()),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat", KeyWords(), nullable=False),
    Column("message", Json(), nullable=False),
    Column("attempts", Whole(), nullable=False),
    Column("asked_at", UtcTime(), nullable=False),
    sqlite_autoincrement=True,
)

review_cards = Table(
    "review_cards",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat", KeyWords(), nullable=False),
    Column("remote_id", KeyWords(), nullable=False),
    Column("channel", KeyWords(), nullable=False),
    Column("article_id", String(64), nullable=False, index=True),
    Column("menu", String(16), nullable=False),
    Column("stale", Boolean, nullable=False, index=True),
    Column("made_at", UtcTime(), nullable=False, index=True),
    UniqueConstraint("chat", "remote_id"),
)

review_presses = Table(
    "review_presses",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("card_id", Integer, ForeignKey("review_cards.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("action", Words(64), nullable=False),
)

acts = Table(
    "acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("by", Whole(), nullable=False),
    Column("what", Words(LINE), nullable=False),
    Column("about", Words(LINE), nullable=False),
    Column("why", Words(LINE), nullable=False),
    Column("at", UtcTime(), nullable=False),
    Index("acts_by_at", "at"),
)

redactions = Table(
    "redactions",
    metadata,
    Column("story_id", String(64), primary_key=True),
    Column("by", Whole(), nullable=False),
    Column("why", Words(LINE), nullable=False),
    Column("at", UtcTime(), nullable=False),
)

mutes = Table(
    "mutes",
    metadata,
    Column("feed", KeyWords(), primary_key=True),
    Column("until", UtcTime(), nullable=False),
    Column("by", Whole(), nullable=False),
)

digest_edits = Table(
    "digest_edits",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("week", String(16), nullable=False, index=True),
    Column("channel", KeyWords(), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about", String(64), nullable=False),
    Column("other", String(64), nullable=False),
    Column("text", Words(LINE), nullable=False),
    Column("by", Words(200), nullable=False),
    Column("at", UtcTime(), nullable=False),
    sqlite_autoincrement=True,
)


def still_told(story_id: Column[Any] = articles.c.story_id) -> ColumnElement[bool]:
    """A condition on a column that names stories: of one that was not withdrawn, or of none."""
    return or_(story_id.is_(None), story_id.not_in(select(redactions.c.story_id)))
