"""The mirror of a mailbox in each user's file: what mails there are, texts that were read, labels, drafts, and acts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **{"nullable": False, **options})  # type: ignore[arg-type]


def upgrade() -> None:
    """Creates the mirror, the index over it, and the tables of acts under way."""
    op.create_table(
        "gmail_accounts",
        _text("account", primary_key=True),
        _text("address", server_default=""),
        _text("history", server_default=""),
        _text("page", server_default=""),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("total", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "gmail_messages",
        sa.Column("row", sa.Integer, primary_key=True),
        _text("account"),
        _text("id"),
        _text("thread"),
        _text("labels"),
        sa.Column("time", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        _text("sender"),
        _text("sender_name"),
        _text("people"),
        _text("message_id"),
        _text("links"),
        _text("subject"),
        _text("excerpt"),
        _text("attachments"),
        _text("list_id"),
        _text("problem"),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "id"),
    )
    op.create_index("gmail_messages_time", "gmail_messages", ["account", "time"])
    op.create_index("gmail_messages_thread", "gmail_messages", ["account", "thread"])
    op.execute(
        "CREATE VIRTUAL TABLE gmail_search USING fts5(subject, sender, recipients, body,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
    op.create_table(
        "gmail_texts", _text("account", primary_key=True), _text("message", primary_key=True), _text("text")
    )
    op.create_table(
        "gmail_files",
        _text("account"),
        _text("message"),
        sa.Column("number", sa.Integer, nullable=False),
        _text("name"),
        _text("type"),
        sa.Column("size", sa.Integer, nullable=False),
        _text("sha256"),
    )
    op.create_index("gmail_files_message", "gmail_files", ["account", "message"])
    op.create_table(
        "gmail_labels", _text("account", primary_key=True), _text("id", primary_key=True), _text("name"), _text("type")
    )
    op.create_table(
        "gmail_written",
        _text("account", primary_key=True),
        _text("address", primary_key=True),
        _text("message", primary_key=True),
        sa.Column("time", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gmail_changes",
        sa.Column("row", sa.Integer, primary_key=True),
        _text("account"),
        _text("message"),
        _text("what"),
        _text("labels"),
        sa.Column("time", sa.Integer, nullable=False),
    )
    op.create_index("gmail_changes_time", "gmail_changes", ["account", "time"])
    op.create_table(
        "gmail_drafts", _text("account", primary_key=True), _text("draft", primary_key=True), _text("content")
    )
    op.create_table(
        "gmail_outgoing",
        _text("call_id", primary_key=True),
        _text("account"),
        _text("stage"),
        _text("digest"),
        _text("draft"),
        _text("seen"),
        _text("sent"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        _text("changed"),
    )
    op.create_table(
        "gmail_acts",
        _text("call_id", primary_key=True),
        _text("account", nullable=True),
        _text("before"),
        _text("noted"),
    )
