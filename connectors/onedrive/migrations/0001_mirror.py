"""The mirror of a drive in each user's file: what files there are, what changed, how far the sync is, and acts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror, the index over names, and the table of acts under way."""
    op.create_table(
        "onedrive_accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("drive_type", sa.Text, nullable=False, server_default=""),
        sa.Column("root", sa.Text, nullable=False, server_default=""),
        sa.Column("scope", sa.Text, nullable=False, server_default=""),
        sa.Column("link", sa.Text, nullable=False, server_default=""),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("known_since", sa.Integer, nullable=False, server_default="0"),
        sa.Column("cut", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "onedrive_files",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("size", sa.Integer),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("modified", sa.Integer, nullable=False),
        sa.Column("trashed", sa.Boolean, nullable=False),
        sa.Column("left", sa.Integer, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("drive", sa.Text, nullable=False),
        sa.Column("drive_type", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("editor", sa.Text, nullable=False),
        sa.Column("editor_name", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "id"),
    )
    op.create_index("onedrive_files_modified", "onedrive_files", ["account", "modified"])
    op.create_index("onedrive_files_parent", "onedrive_files", ["account", "parent"])
    op.execute(
        "CREATE VIRTUAL TABLE onedrive_search USING fts5(name, description,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
    op.create_table(
        "onedrive_changes",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("time", sa.Integer, nullable=False),
    )
    op.create_index("onedrive_changes_time", "onedrive_changes", ["account", "time"])
    op.create_table(
        "onedrive_acts",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("noted", sa.Text, nullable=False),
    )
