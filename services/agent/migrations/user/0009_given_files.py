"""Files that were given with messages: what they are, their text, and their bytes in pieces."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables.

    One without a message has not been sent, one without a hash has not come whole; of one that is brought in with a
    conversation the hash is `expected`.
    """
    op.create_table(
        "given_files",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE")),
        sa.Column("turn", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("number", sa.Integer, nullable=False, server_default="0"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("expected", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_index("given_files_conversation", "given_files", ["conversation", "message"])
    op.create_index("given_files_turn", "given_files", ["turn"])
    op.create_table(
        "given_pieces",
        sa.Column("file", sa.Text, sa.ForeignKey("given_files.id", ondelete="CASCADE"), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("file", "place"),
    )
