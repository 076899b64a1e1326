"""What is wrong with a mail, in words; what a folder looked like when its flags were last read; servers found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns, and the table of the servers that an address led to."""
    op.add_column("mail_messages", sa.Column("problem", sa.Text, nullable=False, server_default=""))
    op.add_column("mail_folders", sa.Column("unseen", sa.Integer, nullable=False, server_default="0"))
    op.add_column("mail_folders", sa.Column("looked", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "mail_servers",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("found", sa.Text, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
    )
