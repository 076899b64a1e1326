"""What is known of attachments and drafts that were read in full, and of how things stood before an act."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables that approvals and undos look into."""
    op.create_table(
        "mail_files",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
    op.create_table(
        "mail_drafts",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "mail_acts",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("noted", sa.Text, nullable=False),
    )
