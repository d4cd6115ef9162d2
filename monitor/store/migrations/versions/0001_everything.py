"""Create everything.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    _feeds()
    _articles()
    _memory()
    _outbox()
    _labels()


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer, nullable=False),
        *map(_text, ("url", "title", "etag", "last_modified", "body_hash")),
        _time("next_poll_at", nullable=False),
        *map(_time, ("baselined_at", "polled_at", "succeeded_at", "changed_at", "full_fetch_at", "newest_at")),
        _number("failures"),
        _time("failing_since"),
        *map(_text, ("error", "error_kind")),
        _number("gone_seen"),
        _text("moved_to"),
        _number("moved_seen"),
        sa.PrimaryKeyConstraint("id", name="feeds_pk"),
        sa.UniqueConstraint("url", name="feeds_unique_url"),
    )
    op.create_index("feeds_by_next_poll_at", "feeds", ["next_poll_at"])


def _articles() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.String(64), nullable=False),
        _text("language"),
        *(_time(name, nullable=False) for name in ("first_at", "last_at", "touched_at")),
        _text("facts"),
        _flag("alerted"),
        sa.PrimaryKeyConstraint("id", name="stories_pk"),
    )
    op.create_index("stories_by_touched_at", "stories", ["touched_at"])
    op.create_table(
        "articles",
        sa.Column("id", sa.String(64), nullable=False),
        *map(_text, ("feed", "entry_id", "url", "title", "summary", "text", "author", "language")),
        _time("published_at"),
        _time("first_seen_at", nullable=False),
        _text("raw_hash"),
        _number("version"),
        _flag("recent"),
        sa.Column("score", sa.Float, nullable=False),
        *map(_text, ("codes", "reasons", "model")),
        _flag("obfuscated"),
        sa.Column("decision", sa.String(16), nullable=False),
        _text("rule"),
        sa.Column("story_id", sa.String(64)),
        _flag("opens_story"),
        _text("evidence"),
        _flag("purged"),
        sa.PrimaryKeyConstraint("id", name="articles_pk"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="articles_story_id_fk"),
    )
    op.create_index("articles_by_first_seen_at_id", "articles", ["first_seen_at", "id"])
    op.create_index("articles_by_story_id", "articles", ["story_id"])


def _memory() -> None:
    op.create_table(
        "article_versions",
        sa.Column("article_id", sa.String(64), nullable=False),
        _number("version"),
        *map(_text, ("title", "summary", "raw_hash")),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        _time("replaced_at", nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version", name="article_versions_pk"),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name="article_versions_article_id_fk", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "seen_keys",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("feed_id", sa.Integer, nullable=False),
        sa.Column("article_id", sa.String(64), nullable=False),
        _time("seen_at", nullable=False),
        sa.PrimaryKeyConstraint("key", "feed_id", name="seen_keys_pk"),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="seen_keys_feed_id_fk"),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name="seen_keys_article_id_fk"),
        sqlite_with_rowid=False,
    )
    op.create_index("seen_keys_by_article_id", "seen_keys", ["article_id"])


def _outbox() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer, nullable=False),
        *map(_text, ("key", "text")),
        _time("opened_at", nullable=False),
        _time("closed_at"),
        sa.PrimaryKeyConstraint("id", name="incidents_pk"),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "incidents_open", "incidents", ["key"], unique=True, sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, nullable=False),
        *map(_text, ("key", "channel", "message")),
        sa.Column("state", sa.String(16), nullable=False),
        _text("story_id"),
        sa.Column("incident_id", sa.Integer),
        *map(_number, ("attempts", "unknown")),
        _time("not_before"),
        *map(_text, ("remote_id", "error")),
        _time("queued_at", nullable=False),
        _time("sent_at"),
        sa.PrimaryKeyConstraint("id", name="deliveries_pk"),
        sa.UniqueConstraint("key", "channel", name="deliveries_unique_key_channel"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="deliveries_incident_id_fk"),
        sqlite_autoincrement=True,
    )
    to_do = sa.text("state IN ('pending', 'sending')")
    op.create_index("deliveries_open", "deliveries", ["channel", "id"], sqlite_where=to_do, postgresql_where=to_do)
    op.create_index("deliveries_by_incident_id", "deliveries", ["incident_id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("delivery_id", sa.Integer, nullable=False),
        _text("channel"),
        _time("attempted_at", nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        _text("error"),
        sa.PrimaryKeyConstraint("id", name="attempts_pk"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="attempts_delivery_id_fk", ondelete="CASCADE"),
    )
    op.create_index("attempts_by_delivery_id", "attempts", ["delivery_id"])
    op.create_index("attempts_by_attempted_at", "attempts", ["attempted_at"])
    op.create_table(
        "channels",
        *map(_text, ("channel", "chat")),
        sa.Column("configured", sa.Text(), nullable=False, server_default=""),
        *map(_time, ("not_before", "paused_at")),
        _text("reason"),
        sa.PrimaryKeyConstraint("channel", name="channels_pk"),
    )


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("article_id", sa.String(64), nullable=False),
        _text("rater"),
        sa.Column("value", sa.String(16), nullable=False),
        *map(_text, ("codes", "note")),
        _time("at", nullable=False),
        sa.PrimaryKeyConstraint("id", name="labels_pk"),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name="labels_article_id_fk"),
    )
    op.create_index("labels_by_article_id", "labels", ["article_id"])
