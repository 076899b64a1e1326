"""When schedules are due next and what became of their runs: ids, times and codes, no content."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the index and the runs; a turn knows its schedule, and whether it began with words of others."""
    op.create_table(
        "due",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("next", sa.Text),
        sa.Column("paused", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("due_next", "due", ["next"])
    op.create_table(
        "runs",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("due", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("turn", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("claimed", sa.Text, nullable=False),
    )
    op.create_index("runs_claimed", "runs", ["claimed"], sqlite_where=sa.text("state = 'claimed'"))
    op.add_column("turns", sa.Column("schedule", sa.Text))
    op.add_column("turns", sa.Column("tainted", sa.Integer, nullable=False, server_default="0"))
    op.create_index("turns_tainted", "turns", ["conversation"], sqlite_where=sa.text("tainted = 1"))
