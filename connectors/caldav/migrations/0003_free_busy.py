"""Whose calendar each is and whether it counts as busy; all addresses of an account's owner, and the account's name."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; the next sync fills them."""
    op.add_column("caldav_accounts", sa.Column("name", sa.Text, nullable=False, server_default=""))
    op.add_column("caldav_accounts", sa.Column("own", sa.Text, nullable=False, server_default="[]"))
    op.add_column("caldav_calendars", sa.Column("owners", sa.Text, nullable=False, server_default="[]"))
    op.add_column("caldav_calendars", sa.Column("opaque", sa.Boolean, nullable=False, server_default="1"))
