"""The tables as they are now. How older files become like this stands in `migrations/`; nothing is decided here.

feeds              one row a feed ever polled: validators, next poll, failures
articles           the newest version of each article with what was judged of it
article_versions   what an edited article said before
seen_keys          every key under which an article is recognised again, per feed that showed it
stories            the events; membership is `articles.story_id`
case_names         whom stories name, by the keys under which a name is found; the case is `stories.case_id`
deliveries         the outbox: one row a message and channel; `attempts` has a row a try
channels           what is remembered of a channel: its silence, its pause, its newest chat id
incidents          what operators were told; one open row a key
labels             what people said of articles
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from monitor.store.columns import Finite, Json, KeyWords, UtcTime, Whole, Words

SCHEMA = 6
"""Number of the newest migration; mirrored in `PRAGMA user_version`."""

APPLICATION_ID = 0x4C4F4E47
"""What marks an SQLite file as ours ("LONG")."""

TITLE = 2_000
SUMMARY = 20_000
TEXT = 200_000
URL = 8_192
LINE = 2_000

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_unique_%(column_0_N_name)s",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "pk": "%(table_name)s_pk",
    }
)

feeds = Table(
    "feeds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", KeyWords(), nullable=False, unique=True),
    Column("title", Words(TITLE), nullable=False),
    Column("etag", Words(LINE), nullable=False),
    Column("last_modified", Words(LINE), nullable=False),
    Column("body_hash", Words(LINE), nullable=False),
    Column("next_poll_at", UtcTime(), nullable=False, index=True),
    Column("baselined_at", UtcTime()),
    Column("polled_at", UtcTime()),
    Column("succeeded_at", UtcTime()),
    Column("changed_at", UtcTime()),
    Column("full_fetch_at", UtcTime()),
    Column("newest_at", UtcTime()),
    Column("failures", Whole(), nullable=False),
    Column("failing_since", UtcTime()),
    Column("error", Words(LINE), nullable=False),
    Column("error_kind", Words(LINE), nullable=False),
    Column("gone_seen", Whole(), nullable=False),
    Column("moved_to", Words(URL), nullable=False),
    Column("moved_seen", Whole(), nullable=False),
    Column("rhythm", Words(LINE), nullable=False, server_default=""),
    Column("health", Words(LINE), nullable=False, server_default=""),
)

stories = Table(
    "stories",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("language", Words(100), nullable=False),
    Column("first_at", UtcTime(), nullable=False),
    Column("last_at", UtcTime(), nullable=False),
    # When something last joined, by our clock: an article dated far back still makes its story recent.
    Column("touched_at", UtcTime(), nullable=False, index=True),
    Column("facts", Json(), nullable=False),
    Column("alerted", Boolean, nullable=False),
    Column("told", Json()),
    Column("case_id", String(64), index=True),
    Column("case_stage", String(16)),
)

case_names = Table(
    "case_names",
    metadata,
    Column("story_id", String(64), ForeignKey("stories.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Whole(), primary_key=True),
    Column("key", KeyWords(), primary_key=True, index=True),
    Column("name", Words(LINE), nullable=False),
    Column("role", String(16), nullable=False),
    Column("headline", Boolean, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("feed", KeyWords(), nullable=False),
    Column("entry_id", Words(URL), nullable=False),
    Column("url", Words(URL), nullable=False),
    Column("title", Words(TITLE), nullable=False),
    Column("summary", Words(SUMMARY), nullable=False),
    Column("text", Words(TEXT), nullable=False),
    Column("author", Words(LINE), nullable=False),
    Column("language", Words(100), nullable=False),
    Column("published_at", UtcTime()),
    Column("first_seen_at", UtcTime(), nullable=False),
    Column("raw_hash", Words(LINE), nullable=False),
    Column("version", Whole(), nullable=False),
    Column("recent", Boolean, nullable=False),
    Column("score", Finite(), nullable=False),
    Column("codes", Json(), nullable=False),
    Column("reasons", Json(), nullable=False),
    Column("model", Words(LINE), nullable=False),
    Column("obfuscated", Boolean, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("rule", Words(LINE), nullable=False),
    Column("story_id", String(64), ForeignKey("stories.id"), index=True),
    Column("opens_story", Boolean, nullable=False),
    Column("evidence", Words(LINE), nullable=False),
    Column("purged", Boolean, nullable=False),
    Column("page_state", String(20), nullable=False, server_default=""),
    Column("search_row", Whole()),  # where it stands in the index of words, `article_search`; see `indexing`
    Index("articles_by_search_row", "search_row", unique=True),
    Index("articles_by_first_seen_at_id", "first_seen_at", "id"),
    Index("articles_by_feed_first_seen_at", "feed", "first_seen_at"),
)

article_versions = Table(
    "article_versions",
    metadata,
    Column("article_id", String(64), ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Whole(), primary_key=True),
    Column("title", Words(TITLE), nullable=False),
    Column("summary", Words(SUMMARY), nullable=False),
    Column("raw_hash", Words(LINE), nullable=False),
    Column("score", Finite(), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("replaced_at", UtcTime(), nullable=False, index=True),
)

seen_keys = Table(
    "seen_keys",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("feed_id", Integer, ForeignKey("feeds.id"), primary_key=True),
    Column("article_id", String(64), ForeignKey("articles.id"), nullable=False, index=True),
    Column("seen_at", UtcTime(), nullable=False),
    sqlite_with_rowid=False,
)

# Literals, not parameters: SQLite takes a partial index only when the query repeats its condition.
STILL_TO_SEND = text("state IN ('pending', 'sending')")
IS_HELD = text("state = 'held'")
IS_ABOUT = text("about != ''")
STILL_OPEN = text("closed_at IS NULL")

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", KeyWords(), nullable=False),
    Column("channel", KeyWords(), nullable=False),
    Column("kind", String(16), nullable=False, server_default="send"),
    Column("about", KeyWords(), nullable=False, server_default=""),
    Column("cause", KeyWords(), nullable=False, server_default=""),
    Column("message", Json(), nullable=False),
    Column("state", String(16), nullable=False),
    Column("story_id", Words(64), nullable=False),
    Column("incident_id", Integer, ForeignKey("incidents.id"), index=True),
    Column("attempts", Whole(), nullable=False),
    Column("unknown", Whole(), nullable=False),
    Column("not_before", UtcTime()),
    Column("remote_id", Words(LINE), nullable=False),
    Column("chat", Words(LINE), nullable=False, server_default=""),
    Column("error", Words(LINE), nullable=False),
    Column("queued_at", UtcTime(), nullable=False),
    Column("sent_at", UtcTime()),
    UniqueConstraint("key", "channel"),
    Index("deliveries_by_about", "about", sqlite_where=IS_ABOUT, postgresql_where=IS_ABOUT),
    Index("deliveries_held", "channel", sqlite_where=IS_HELD, postgresql_where=IS_HELD),
    Index("deliveries_by_queued_at", "queued_at"),
    Index("deliveries_open", "channel", "id", sqlite_where=STILL_TO_SEND, postgresql_where=STILL_TO_SEND),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", Integer, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", KeyWords(), nullable=False),
    Column("attempted_at", UtcTime(), nullable=False, index=True),
    Column("result", String(16), nullable=False),
    Column("error", Words(LINE), nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("channel", KeyWords(), primary_key=True),
    Column("chat", Words(LINE), nullable=False),
    Column("configured", Words(LINE), nullable=False, server_default=""),
    Column("not_before", UtcTime()),
    Column("paused_at", UtcTime()),
    Column("reason", Words(LINE), nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", KeyWords(), nullable=False),
    Column("text", Words(LINE), nullable=False),
    Column("opened_at", UtcTime(), nullable=False),
    Column("closed_at", UtcTime()),
    Index("incidents_open", "key", unique=True, sqlite_where=STILL_OPEN, postgresql_where=STILL_OPEN),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", String(64), ForeignKey("articles.id"), nullable=False, index=True),
    Column("rater", Words(200), nullable=False),
    Column("value", String(16), nullable=False),
    Column("codes", Json(), nullable=False),
    Column("note", Words(LINE), nullable=False),
    Column("at", UtcTime(), nullable=False),
)
