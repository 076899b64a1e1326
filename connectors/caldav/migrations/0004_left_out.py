"""Which objects of a calendar are not kept, because their owner had them forgotten: where they lie, and their ETags."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "caldav_left_out",
        sa.Column("calendar", sa.Integer, primary_key=True),
        sa.Column("url", sa.Text, primary_key=True),
        sa.Column("etag", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
