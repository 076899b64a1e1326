"""A person's schedules as they were signed, what the assistant proposes as one, and what it is to remember."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDED = "INSERT INTO memory_words (rowid, text) VALUES (new.rowid, new.text)"
_GONE = "INSERT INTO memory_words (memory_words, rowid, text) VALUES ('delete', old.rowid, old.text)"


def upgrade() -> None:
    """Creates the tables; times are RFC 3339, `starts` is local time of `zone`."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.create_table(
        "schedule_proposals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("draft", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("tainted", sa.Integer, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "memories",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("tainted", sa.Integer, nullable=False),
        sa.Column("sources", sa.Text, nullable=False),
        sa.Column("pinned", sa.Integer, nullable=False, server_default="0"),
        sa.Column("conversation", sa.Text),
        sa.Column("turn", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
        sa.Column("expires", sa.Text),
    )
    op.create_table("house_calls", sa.Column("id", sa.Text, primary_key=True))
    op.create_index("memories_conversation", "memories", ["conversation"])
    op.execute(
        "CREATE VIRTUAL TABLE memory_words USING fts5(text, content='memories', content_rowid='rowid',"
        " tokenize='unicode61 remove_diacritics 2')"
    )
    for name, when, work in (
        ("added", "INSERT", _ADDED),
        ("gone", "DELETE", _GONE),
        ("changed", "UPDATE OF text", f"{_GONE}; {_ADDED}"),
    ):
        op.execute(f"CREATE TRIGGER memory_{name} AFTER {when} ON memories BEGIN {work}; END")
