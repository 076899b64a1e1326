"""What models outside the house may see of a user's sources, as he chose it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; a source without a row is not held back."""
    op.create_table(
        "routes",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
