"""Registrations with providers, authorizations under way, and what the tokens of an account are good for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables and columns; accounts of before sign in with a password."""
    op.create_table(
        "oauth_clients",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
    op.create_table(
        "oauth_flows",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, unique=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    for name in ("customs", "subject", "capabilities", "authorized", "consent_ends", "token_ends"):
        op.add_column("accounts", sa.Column(name, sa.Text))
