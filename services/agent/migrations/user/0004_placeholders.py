"""What a model saw of each answer's sources, and what stands behind the placeholders of a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the note to messages, and the placeholders; `form` tells the spellings of one value apart."""
    op.add_column("messages", sa.Column("routed", sa.Text))
    op.create_table(
        "placeholders",
        sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("form", sa.Integer, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "kind", "number", "form"),
        sa.UniqueConstraint("conversation", "kind", "value"),
    )
