"""Turns that have not ended, so that a restart finds them: ids and grants, no content."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates live_turns."""
    op.create_table(
        "live_turns",
        sa.Column("turn", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("grant_token", sa.Text, nullable=False),
    )
