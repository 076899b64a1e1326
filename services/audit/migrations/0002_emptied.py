"""Records whose content was removed: the witness's word that all the rest of them is as it was written."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the signature; a record of before has its content, and none."""
    op.add_column("records", sa.Column("emptied", sa.LargeBinary))
