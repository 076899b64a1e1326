"""Which mails of a folder are not kept, because their owner had them forgotten: their UIDs; and an index of texts."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table, and an index by which texts are counted without being read."""
    op.create_table(
        "mail_left_out",
        sa.Column("folder", sa.Integer, primary_key=True),
        sa.Column("uid", sa.Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("mail_texts_message", "mail_texts", ["message"])
