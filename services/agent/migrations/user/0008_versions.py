"""Conversations branch: each message follows one, and of those that follow the same one, one is chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what a message follows (none: it begins), whether it is chosen there, and whether all before it are, too.

    What was said until now follows each other as it was said.
    """
    op.add_column("messages", sa.Column("parent", sa.Text))
    for name in ("chosen", "shown"):
        op.add_column("messages", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("1")))
    op.add_column("turns", sa.Column("follows", sa.Text))
    op.create_index("messages_parent", "messages", ["conversation", "parent"])
    op.create_index("messages_shown", "messages", ["conversation", "shown", "seq"])
    op.execute(
        "UPDATE messages SET parent = found.former FROM (SELECT seq, lag(id) OVER"
        " (PARTITION BY conversation ORDER BY seq) AS former FROM messages) AS found WHERE found.seq = messages.seq"
    )
