"""What reviewers change in a digest before it goes out, and indexes by which a week is read.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "digest_edits",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("week", sa.String(16), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("other", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="digest_edits_pk"),
        sa.UniqueConstraint("id", name="digest_edits_unique_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("digest_edits_by_week", "digest_edits", ["week"])
    op.create_index("article_versions_by_replaced_at", "article_versions", ["replaced_at"])
