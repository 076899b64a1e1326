"""Indexes for what every step of a turn looks up, so that its cost does not grow with all that was ever said."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Indexes calls and messages by turn."""
    op.create_index("calls_turn", "calls", ["turn", "seq"])
    op.create_index("messages_turn", "messages", ["turn", "seq"])
