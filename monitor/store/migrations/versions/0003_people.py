"""Who talks with the bot, review buttons, what administrators did, stories that are told no more, muted feeds.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    _persons()
    _review()
    _administrators()


def _persons() -> None:
    op.create_table(
        "bot",
        sa.Column("id", sa.Integer, nullable=False),
        _number("next_update"),
        _number("handled_at"),
        sa.PrimaryKeyConstraint("id", name="bot_pk"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.String(16), nullable=False),
        _text("chat"),
        _text("language"),
        _flag("subscribed"),
        _flag("paused"),
        _text("filters"),
        _number("failures"),
        sa.Column("refused_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="people_pk"),
        sa.UniqueConstraint("chat", name="people_unique_chat"),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, nullable=False),
        _text("chat"),
        _text("message"),
        _number("attempts"),
        _number("asked_at"),
        sa.PrimaryKeyConstraint("id", name="answers_pk"),
        sqlite_autoincrement=True,
    )


def _review() -> None:
    op.create_table(
        "review_cards",
        sa.Column("id", sa.Integer, nullable=False),
        _text("chat"),
        _text("remote_id"),
        _text("channel"),
        sa.Column("article_id", sa.String(64), nullable=False),
        sa.Column("menu", sa.String(16), nullable=False),
        _flag("stale"),
        _number("made_at"),
        sa.PrimaryKeyConstraint("id", name="review_cards_pk"),
        sa.UniqueConstraint("chat", "remote_id", name="review_cards_unique_chat_remote_id"),
    )
    for column in ("article_id", "stale", "made_at"):
        op.create_index(f"review_cards_by_{column}", "review_cards", [column])
    op.create_table(
        "review_presses",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("card_id", sa.Integer, nullable=False),
        _text("action"),
        sa.PrimaryKeyConstraint("id", name="review_presses_pk"),
        sa.ForeignKeyConstraint(["card_id"], ["review_cards.id"], name="review_presses_card_id_fk", ondelete="CASCADE"),
    )
    op.create_index("review_presses_by_card_id", "review_presses", ["card_id"])


def _administrators() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.Integer, nullable=False),
        _number("by"),
        _text("what"),
        _text("about"),
        _text("why"),
        _number("at"),
        sa.PrimaryKeyConstraint("id", name="acts_pk"),
    )
    op.create_index("acts_by_at", "acts", ["at"])
    op.create_table(
        "redactions",
        sa.Column("story_id", sa.String(64), nullable=False),
        _number("by"),
        _text("why"),
        _number("at"),
        sa.PrimaryKeyConstraint("story_id", name="redactions_pk"),
    )
    op.create_table(
        "mutes",
        _text("feed"),
        _number("until"),
        _number("by"),
        sa.PrimaryKeyConstraint("feed", name="mutes_pk"),
    )
