"""Calls of removed accounts: what was done for them is forgotten, that it was done is not."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds whether a row was emptied."""
    op.add_column("journal", sa.Column("emptied", sa.Boolean, nullable=False, server_default=sa.false()))
