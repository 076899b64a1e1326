"""Turns in which whatever acts is asked about, what people were told of, how long accounts hold what they send."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the mark, which turns of before do not have, and two tables."""
    op.add_column("turns", sa.Column("asks", sa.Boolean, nullable=False, server_default="0"))
    op.create_table(
        "told",
        sa.Column("question", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "account_holds",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
