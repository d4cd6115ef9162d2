"""An index of the words of articles. It is empty after this; `indexing.catch_up` fills it, a batch a transaction.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("articles", sa.Column("search_row", sa.BigInteger))
    op.create_index("articles_by_search_row", "articles", ["search_row"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        # Words come folded and cut: only the spaces between them, and the signs of marks, are left to be known.
        op.execute(
            "CREATE VIRTUAL TABLE article_search USING fts5(words, more, content='', columnsize=0, "
            "tokenize=\"ascii tokenchars ':-'\")"
        )
        return
    op.execute("CREATE TABLE article_search (search_row BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
    op.execute("CREATE INDEX article_search_by_words ON article_search USING gin (words)")
