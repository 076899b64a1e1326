"""The accounts that a connector syncs in the background, and how far it is, in the room's own file."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates accounts."""
    op.create_table(
        "accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("grant_token", sa.Text, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("due", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
