"""Which of Telegram's updates were handled, one by one: sent to us they come in any order.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bot_updates",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("handled_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="bot_updates_pk"),
    )
    op.create_index("bot_updates_by_handled_at", "bot_updates", ["handled_at"])
