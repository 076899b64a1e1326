"""Registrations with OpenID providers that people sign in at, and sign-ins under way."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates both tables."""
    op.create_table(
        "openid_clients",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
    op.create_table(
        "openid_flows",
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("binding", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("begun", sa.Text, nullable=False),
    )
