"""What is to be kept of whom, the parts that are being erased, and which room has still to be asked for what.

Ids, kinds, times and numbers alone; what goes is nowhere said.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; a rule without an account is for all that there is of its kind, written "" in its key."""
    op.create_table(
        "retention",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("days", sa.Integer),
        sa.Column("newest", sa.Integer),
    )
    op.create_table(
        "retention_runs",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("due", sa.Text, nullable=False),
        sa.Column("last", sa.Text),
        sa.Column("went", sa.Text, nullable=False, server_default="[]"),
        sa.Column("unasked", sa.Text, nullable=False, server_default="[]"),
    )
    op.create_table(
        "forgettings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("begun", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
    )
    op.create_index("forgettings_user", "forgettings", ["user"])
    op.create_table(
        "forgetting_orders",
        sa.Column("forgetting", sa.Text, sa.ForeignKey("forgettings.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("waits", sa.Text, nullable=False),
        sa.Column("found", sa.Text),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    )
