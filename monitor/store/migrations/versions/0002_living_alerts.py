"""Alerts that are edited, answered, folded and held; what was told of a story, and which case it belongs to.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("kind", sa.String(16), nullable=False, server_default="send"))
    op.add_column("deliveries", sa.Column("about", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("cause", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("chat", sa.Text, nullable=False, server_default=""))
    _partial("deliveries_by_about", "about", "about != ''")
    _partial("deliveries_held", "channel", "state = 'held'")
    op.create_index("deliveries_by_queued_at", "deliveries", ["queued_at"])
    op.add_column("stories", sa.Column("told", sa.Text))
    op.add_column("stories", sa.Column("case_id", sa.String(64)))
    op.add_column("stories", sa.Column("case_stage", sa.String(16)))
    op.create_index("stories_by_case_id", "stories", ["case_id"])
    _case_names()
    op.add_column("feeds", sa.Column("rhythm", sa.Text, nullable=False, server_default=""))
    op.add_column("feeds", sa.Column("health", sa.Text, nullable=False, server_default=""))
    op.add_column("articles", sa.Column("page_state", sa.String(20), nullable=False, server_default=""))
    op.create_index("articles_by_feed_first_seen_at", "articles", ["feed", "first_seen_at"])


def _case_names() -> None:
    op.create_table(
        "case_names",
        sa.Column("story_id", sa.String(64), nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("headline", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("story_id", "place", "key", name="case_names_pk"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="case_names_story_id_fk", ondelete="CASCADE"),
    )
    op.create_index("case_names_by_key", "case_names", ["key"])


def _partial(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "deliveries", [column], sqlite_where=where, postgresql_where=where)
