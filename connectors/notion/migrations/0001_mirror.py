"""The mirror of a workspace, in each user's file: pages and databases, texts that were read, people, the index."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the table of changes under way."""
    op.create_table(
        "notion_state",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("cursor_at", sa.Text, nullable=False),
        sa.Column("newest", sa.Text, nullable=False),
        sa.Column("begun_newest", sa.Text, nullable=False),
        sa.Column("whole_at", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
    op.create_table(
        "notion_things",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("edited", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sa.Column("indexed", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "thing"),
    )
    op.create_index("notion_things_edited", "notion_things", ["account", "kind", "edited"])
    op.create_table(
        "notion_texts",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("read_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "thing"),
    )
    op.create_table(
        "notion_people",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "person"),
    )
    op.create_table(
        "notion_changes",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE notion_search USING fts5(title, text, content='', contentless_delete=1,"
        " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )
