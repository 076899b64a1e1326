"""Tasks beside events, what each calendar may hold, the outbox for asking about others, and what a change replaced.

The mirror is emptied, so that the next sync reads everything anew and finds the tasks in it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and empties the mirror."""
    op.add_column("caldav_accounts", sa.Column("outbox", sa.Text, nullable=False, server_default=""))
    op.add_column("caldav_calendars", sa.Column("events", sa.Boolean, nullable=False, server_default="1"))
    op.add_column("caldav_calendars", sa.Column("tasks", sa.Boolean, nullable=False, server_default="0"))
    op.add_column("caldav_objects", sa.Column("kind", sa.Text, nullable=False, server_default="event"))
    op.add_column("caldav_objects", sa.Column("done", sa.Boolean, nullable=False, server_default="0"))
    op.add_column("caldav_changes", sa.Column("calendar", sa.Integer, nullable=False, server_default="0"))
    op.add_column("caldav_changes", sa.Column("before", sa.Text, nullable=False, server_default=""))
    op.add_column("caldav_changes", sa.Column("after", sa.Text, nullable=False, server_default=""))
    op.execute("DELETE FROM caldav_objects")
    op.execute("INSERT INTO caldav_search (caldav_search) VALUES ('delete-all')")
    op.execute("UPDATE caldav_calendars SET version = '', token = '', complete = 0")
