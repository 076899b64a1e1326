"""The mirror of an account's calendars, in each user's file: calendars, events, the index over them, and notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the table of changes under way."""
    op.create_table(
        "google_calendar_calendars",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("account_name", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("usual", sa.Boolean, nullable=False),
        sa.Column("token", sa.Text, nullable=False, server_default=""),
        sa.Column("page", sa.Text, nullable=False, server_default=""),
        sa.Column("page_at", sa.Integer, nullable=False, server_default="0"),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.UniqueConstraint("account", "ref"),
    )
    op.create_table(
        "google_calendar_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("calendar", sa.Integer, sa.ForeignKey("google_calendar_calendars.id"), nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer),
        sa.Column("invited", sa.Boolean, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("calendar", "ref"),
    )
    op.create_index("google_calendar_events_time", "google_calendar_events", ["calendar", "first"])
    op.create_index("google_calendar_events_series", "google_calendar_events", ["calendar", "series"])
    op.create_table(
        "google_calendar_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("calendar", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("google_calendar_changes_at", "google_calendar_changes", ["calendar", "at"])
    op.create_table(
        "google_calendar_notes",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("calendar", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("held", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE google_calendar_search USING fts5(title, place, people, notes,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
