"""Data keys, credential keys and accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the vault's tables."""
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.UniqueConstraint("room", "user"),
    )
    op.create_table(
        "credential_keys",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("auth", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_index("accounts_user", "accounts", ["user"])
