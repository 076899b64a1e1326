"""Keys that follow others, and what was replaced under which order."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a successor to each data key, and creates rotations."""
    op.add_column("data_keys", sa.Column("next_id", sa.Text))
    op.add_column("data_keys", sa.Column("next_wrapped", sa.LargeBinary))
    op.create_table(
        "rotations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("keys", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
