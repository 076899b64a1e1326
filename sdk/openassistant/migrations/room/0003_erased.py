"""Users of whom everything was removed: no instance opens a file of theirs again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates erased."""
    op.create_table("erased", sa.Column("user", sa.Text, primary_key=True))
