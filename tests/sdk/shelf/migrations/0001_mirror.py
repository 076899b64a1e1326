"""Notes, the index over them, and marks that hang on them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror."""
    op.create_table(
        "shelf_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("written", sa.Integer),
        sa.Column("text", sa.Text, nullable=False),
        sa.UniqueConstraint("account", "ref"),
    )
    op.create_table(
        "shelf_marks",
        sa.Column("note", sa.Integer, primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.execute("CREATE VIRTUAL TABLE shelf_search USING fts5(text, content='', contentless_delete=1)")
