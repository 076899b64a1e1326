"""What mails say about invitations; the mirror is emptied, and the next sync reads it anew."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table and the column, and forgets what was read without them."""
    for table in ("mail_search", "mail_texts", "mail_written", "mail_links", "mail_messages", "mail_folders"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
    op.add_column("mail_messages", sa.Column("invitation", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "mail_invitations",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("mail_invitations_uid", "mail_invitations", ["uid"])
