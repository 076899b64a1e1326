"""The ledger's records and its signed heads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates records and heads."""
    op.create_table(
        "records",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("user", sa.Text),
        sa.Column("turn", sa.Text),
        sa.Column("conversation", sa.Text),
        sa.Column("connector", sa.Text),
        sa.Column("card_digest", sa.Text),
        sa.Column("tool", sa.Text),
        sa.Column("effect", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("call_digest", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("content", sa.LargeBinary),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("id", "action"),
    )
    op.create_index("records_user", "records", ["user", "position"])
    op.create_index("records_turn", "records", ["turn", "position"])
    op.create_index("records_conversation", "records", ["conversation", "position"])
    op.create_table(
        "heads",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
    )
