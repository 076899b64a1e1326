"""What a user allowed beforehand, as it was signed, and which calls ran under it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the two tables."""
    op.create_table(
        "rules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("people", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.create_table(
        "rule_uses",
        sa.Column("call", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, sa.ForeignKey("rules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("used", sa.Text, nullable=False),
    )
    op.create_index("uses_of_rule", "rule_uses", ["rule", "used"])
