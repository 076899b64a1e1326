"""Accounts that point to another person's, under a signed loan."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`source` is the account that is lent, `loan` what was signed, `lent` what that says."""
    for name in ("source", "loan", "lent"):
        op.add_column("accounts", sa.Column(name, sa.Text))
    op.create_index("accounts_source", "accounts", ["source"])
