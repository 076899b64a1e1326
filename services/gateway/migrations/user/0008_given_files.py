"""Files that a person gave with messages: which, and in which conversation. Their bytes are the agent's."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; one without a conversation has not been sent, one without a hash has not come whole."""
    op.create_table(
        "given_files",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sha256", sa.Text),
        sa.Column("conversation", sa.Text),
        sa.Column("turn", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_index("given_files_conversation", "given_files", ["conversation"])
