"""What a call showed before it acted, and which later call took it back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds both to the journal."""
    op.add_column("journal", sa.Column("shown", sa.Text))
    op.add_column("journal", sa.Column("undone_by", sa.Text))
