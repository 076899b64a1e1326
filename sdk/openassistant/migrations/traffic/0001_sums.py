"""What accounts sent and received beside calls, until it is reported, in each user's file."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the sums, and when those of an account began."""
    op.create_table(
        "traffic_sums",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("port", sa.Integer, primary_key=True),
        sa.Column("reach", sa.Text, primary_key=True),
        sa.Column("bytes_out", sa.Integer, nullable=False),
        sa.Column("bytes_in", sa.Integer, nullable=False),
    )
    op.create_table(
        "traffic_periods",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
    )
