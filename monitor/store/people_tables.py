"""The tables of the bot: who talks with it, what is still to be answered, which buttons hang where, who did what.

bot                how far Telegram's updates were handled
people             one row a chat that subscribed or chose a language; deleted whole when it is asked for
answers            what was asked for and not sent yet; a row is gone once it was
review_cards       messages of review chats that carry buttons, each for one article
review_presses     the buttons, by random ids
acts               what administrators did
redactions         stories that are told no more
mutes              feeds whose alerts are held until some time
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from monitor.store.columns import Json, KeyWords, UtcTime, Whole, Words
from monitor.store.tables import LINE, metadata

bot = Table(
    "bot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("next_update", Whole(), nullable=False),
    Column("handled_at", UtcTime(), nullable=False),
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
