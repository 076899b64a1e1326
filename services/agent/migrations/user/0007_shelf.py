"""Conversations with a title of one's own, pinned, archived, labelled; and the words of messages, to be searched."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ADDED = "INSERT INTO message_words (rowid, text) VALUES (new.seq, new.text)"
_GONE = "INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.seq, old.text)"


def upgrade() -> None:
    """Adds the columns (`titled`: when its owner named it) and the index, which forgets words with their messages."""
    op.add_column("conversations", sa.Column("titled", sa.Text))
    for name, default in (("pinned", "0"), ("archived", "0")):
        op.add_column("conversations", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text(default)))
    op.add_column("conversations", sa.Column("labels", sa.Text, nullable=False, server_default="[]"))
    op.create_index("conversations_updated", "conversations", ["updated", "id"])
    op.execute(
        "CREATE VIRTUAL TABLE message_words USING fts5(text, content='messages', content_rowid='seq',"
        " tokenize='unicode61 remove_diacritics 2', prefix='1 2')"
    )
    op.execute("INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1)")
    for name, when, work in (
        ("added", "INSERT", _ADDED),
        ("gone", "DELETE", _GONE),
        ("changed", "UPDATE OF text", f"{_GONE}; {_ADDED}"),
    ):
        op.execute(f"CREATE TRIGGER message_{name} AFTER {when} ON messages BEGIN {work}; END")
    op.execute("INSERT INTO message_words (message_words) VALUES ('rebuild')")
