"""The mirror of an account's mail, in each user's file: folders, mails, texts, files, drafts, the index, and notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the tables of acts under way."""
    op.create_table(
        "outlook_mail_folders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False, server_default=""),
        sa.Column("round", sa.Integer, nullable=False, server_default="0"),
        sa.Column("filling", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("complete", sa.Boolean, nullable=False, server_default="0"),
        sa.UniqueConstraint("account", "ref"),
    )
    op.create_table(
        "outlook_mail_messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("folder", sa.Integer, sa.ForeignKey("outlook_mail_folders.id"), nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("read", sa.Boolean, nullable=False),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("draft", sa.Boolean, nullable=False),
        sa.Column("files", sa.Boolean, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.UniqueConstraint("account", "ref"),
    )
    op.create_index("outlook_mail_messages_at", "outlook_mail_messages", ["account", "at"])
    op.create_index("outlook_mail_messages_folder", "outlook_mail_messages", ["folder", "round"])
    op.create_index("outlook_mail_messages_conversation", "outlook_mail_messages", ["account", "conversation"])
    op.create_table(
        "outlook_mail_texts",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("formatted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "outlook_mail_files",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
    )
    op.create_table(
        "outlook_mail_drafts",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "outlook_mail_written",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("message", sa.Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("outlook_mail_written_message", "outlook_mail_written", ["message"])
    op.create_table(
        "outlook_mail_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("outlook_mail_changes_at", "outlook_mail_changes", ["account", "at"])
    op.create_table(
        "outlook_mail_acts",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("noted", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE outlook_mail_search USING fts5(subject, sender, recipients, body,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
