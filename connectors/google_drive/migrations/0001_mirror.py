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
        "google_drive_accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("root", sa.Text, nullable=False, server_default=""),
        sa.Column("token", sa.Text, nullable=False, server_default=""),
        sa.Column("page", sa.Text, nullable=False, server_default=""),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("known_since", sa.Integer, nullable=False, server_default="0"),
        sa.Column("cut", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "google_drive_files",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("size", sa.Integer),
        sa.Column("md5", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("modified", sa.Integer, nullable=False),
        sa.Column("trashed", sa.Boolean, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("mine", sa.Boolean, nullable=False),
        sa.Column("drive", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("owner_name", sa.Text, nullable=False),
        sa.Column("editor", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("target_mime", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "id"),
    )
    op.create_index("google_drive_files_modified", "google_drive_files", ["account", "modified"])
    op.create_index("google_drive_files_parent", "google_drive_files", ["account", "parent"])
    op.execute(
        "CREATE VIRTUAL TABLE google_drive_search USING fts5(name, description,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
    op.create_table(
        "google_drive_changes",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("time", sa.Integer, nullable=False),
    )
    op.create_index("google_drive_changes_time", "google_drive_changes", ["account", "time"])
    op.create_table(
        "google_drive_acts",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("noted", sa.Text, nullable=False),
    )
