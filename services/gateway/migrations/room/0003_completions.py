"""What OpenAI-compatible clients have seen: by a digest of it, the conversation in which they go on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; the newest row of a conversation is where it stands."""
    op.create_table(
        "completions",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
    )
    op.create_index("completions_of_digest", "completions", ["user", "digest"])
    op.create_index("completions_of_conversation", "completions", ["conversation"])
