"""An outbox that gives no number twice: several instances empty it, each by the numbers that it read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes it anew with AUTOINCREMENT: without, SQLite gives the number of a deleted last row again."""
    op.rename_table("outbox", "outbox_before")
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("grant_token", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO outbox (id, record, grant_token, created)"
        " SELECT id, record, grant_token, created FROM outbox_before ORDER BY id"
    )
    op.drop_table("outbox_before")
