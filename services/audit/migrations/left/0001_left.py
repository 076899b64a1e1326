"""What records say of bytes, to be summed without opening them. The records are what counts; this may be made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates where each record's bytes went, and the sums of both: of places, and of whose text a model was given.

    A sum is of a quarter of an hour. What is absent is "" in its key.
    """
    op.create_table(
        "left_places",
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("conversation", sa.Text),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
    )
    op.create_index("left_places_user", "left_places", ["user", "host", "port", "at"])
    op.create_index("left_places_conversation", "left_places", ["conversation"])
    op.create_table(
        "left_sums",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("port", sa.Integer, primary_key=True),
        sa.Column("reach", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("bytes_out", sa.Integer, nullable=False),
        sa.Column("bytes_in", sa.Integer, nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "left_sources",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("port", sa.Integer, primary_key=True),
        sa.Column("reach", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("bytes", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
