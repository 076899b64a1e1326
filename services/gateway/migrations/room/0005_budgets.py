"""What turns spent on their models, for each day, and what is held for those that are under way."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; days are those of the user and of the house (YYYY-MM-DD)."""
    op.create_table(
        "spending",
        sa.Column("turn", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("house_day", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("estimated", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("cached_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
        sa.Column("micro", sa.Integer, nullable=False),
        sa.Column("held_tokens", sa.Integer, nullable=False),
        sa.Column("held_micro", sa.Integer, nullable=False),
        sa.Column("closings", sa.Integer, nullable=False),
    )
    op.create_index("spending_user", "spending", ["user", "day"])
    op.create_index("spending_house", "spending", ["house_day"])
