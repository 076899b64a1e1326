"""Archives that are made, kept or taken in: ids and times alone, so that a restart finds whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates moves; what they hold lies in their owner's own file."""
    op.create_table(
        "moves",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.create_index("moves_of_user", "moves", ["user", "kind"])
