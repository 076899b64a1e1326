"""What each question to a model cost: its worst case before it is asked, what it came to afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; a row outlives the conversation that it belongs to."""
    op.create_table(
        "usage",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("turn", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("settled", sa.Text),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("cached_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
        sa.Column("micro", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text),
    )
    op.create_index("usage_turn", "usage", ["turn"])
