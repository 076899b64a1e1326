"""Users of whom everything was removed: no key is made for them again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates erased_users."""
    op.create_table(
        "erased_users",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
