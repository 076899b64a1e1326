"""Which mail servers put a copy into the folder of sent mail by themselves, as far as it was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; an account without a row has a server that files nothing."""
    op.create_table("mail_habits", sa.Column("account", sa.Text, primary_key=True))
