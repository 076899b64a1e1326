"""What a mail says about its mailing list and its copies; the mirror is emptied, and the next sync reads it anew."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and forgets what was read without them."""
    for table in ("mail_search", "mail_texts", "mail_written", "mail_links", "mail_messages", "mail_folders"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
    op.add_column("mail_messages", sa.Column("list_id", sa.Text, nullable=False, server_default=""))
    op.add_column("mail_messages", sa.Column("unsubscribe", sa.Text, nullable=False, server_default=""))
    op.add_column("mail_messages", sa.Column("one_click", sa.Boolean, nullable=False, server_default=sa.false()))
