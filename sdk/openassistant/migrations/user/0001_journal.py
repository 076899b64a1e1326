"""The journal of effectful calls and the outbox to the witness, in each user's file."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates journal and outbox."""
    op.create_table(
        "journal",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("finished", sa.Text),
        sa.Column("outcome", sa.Text),
    )
    op.create_index("journal_state", "journal", ["state"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("grant_token", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
