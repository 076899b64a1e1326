"""People who had everything of theirs removed, and the rooms that have not said yet that it is gone there."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates both; a person without rooms is done."""
    op.create_table(
        "erasures",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("begun", sa.Text, nullable=False),
    )
    op.create_table(
        "erasure_rooms",
        sa.Column("user", sa.Text, sa.ForeignKey("erasures.user", ondelete="CASCADE"), primary_key=True),
        sa.Column("room", sa.Text, primary_key=True),
    )
