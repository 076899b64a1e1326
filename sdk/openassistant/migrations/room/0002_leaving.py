"""Accounts that were removed and whose mirror is not deleted yet."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds whether an account is about to be gone."""
    op.add_column("accounts", sa.Column("leaving", sa.Boolean, nullable=False, server_default=sa.false()))
