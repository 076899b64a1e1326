"""Until when something that was approved is held back, so that it can still be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the time; what was approved before is not held."""
    op.add_column("approvals", sa.Column("held_until", sa.Text))
