"""The mirror of an account's calendars, in each user's file: calendars, their objects, and the index over them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the table of changes under way."""
    op.create_table(
        "caldav_accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("addresses", sa.Text, nullable=False),
        sa.Column("invites", sa.Boolean, nullable=False),
    )
    op.create_table(
        "caldav_calendars",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("writable", sa.Boolean, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.UniqueConstraint("account", "url"),
    )
    op.create_table(
        "caldav_objects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("calendar", sa.Integer, sa.ForeignKey("caldav_calendars.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.UniqueConstraint("calendar", "url"),
    )
    op.create_index("caldav_objects_time", "caldav_objects", ["calendar", "first"])
    op.create_table(
        "caldav_changes",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE caldav_search USING fts5(title, place, people, notes,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
