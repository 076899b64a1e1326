"""The mirror of an account's contacts, in each user's file: people, groups, what changed, and the index over them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the table of changes under way."""
    op.create_table(
        "gcontacts_lists",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False, server_default=""),
        sa.Column("page", sa.Text, nullable=False, server_default=""),
        sa.Column("page_at", sa.Text, nullable=False, server_default=""),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("account", "kind"),
    )
    op.create_table(
        "gcontacts_people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("added", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "kind", "resource"),
    )
    op.create_index("gcontacts_people_name", "gcontacts_people", ["account", "kind", "name"])
    op.create_table(
        "gcontacts_members",
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person", "team"),
    )
    op.create_index("gcontacts_members_team", "gcontacts_members", ["team"])
    op.create_table(
        "gcontacts_groups",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("account", "resource"),
    )
    op.create_table(
        "gcontacts_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_index("gcontacts_log_at", "gcontacts_log", ["account", "at"])
    op.create_table(
        "gcontacts_changes",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE gcontacts_search USING fts5(name, mails, numbers, rest,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )
