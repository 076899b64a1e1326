"""Accounts that people of this house lend to each other."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`user` borrows; `borrowed` is his account, once he has accepted. `why` says why it ends."""
    op.create_table(
        "loans",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("lender", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("borrowed", sa.Text),
        sa.Column("made", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.UniqueConstraint("account", "user"),
    )
    op.create_index("loans_of_lender", "loans", ["lender"])
    op.create_index("loans_of_user", "loans", ["user"])
