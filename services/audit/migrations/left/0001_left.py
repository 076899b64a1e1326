"""What records say of bytes, to be summed without opening them. The records are what counts; this may be made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the sums' two tables: where bytes went, and whose text a model was given."""
    op.create_table(
        "left_places",
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text),
        sa.Column("connector", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("reach", sa.Text, nullable=False),
        sa.Column("bytes_out", sa.Integer, nullable=False),
        sa.Column("bytes_in", sa.Integer, nullable=False),
    )
    op.create_index("left_places_user", "left_places", ["user", "at"])
    op.create_index("left_places_conversation", "left_places", ["conversation"])
    op.create_table(
        "left_sources",
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("reach", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("connector", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("bytes", sa.Integer, nullable=False),
    )
    op.create_index("left_sources_user", "left_sources", ["user", "at"])
