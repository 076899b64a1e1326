"""Conversations that were brought in: which messages, and files of an import of which parts are still to come."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds from where a message was brought in, and the parts that have arrived."""
    op.add_column("messages", sa.Column("outside", sa.Text))
    op.create_table(
        "arriving",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
