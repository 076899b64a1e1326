"""The time zone that a question was asked in: what a person changes of it is understood in the same one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the zone; questions of before have none."""
    op.add_column("questions", sa.Column("zone", sa.Text))
