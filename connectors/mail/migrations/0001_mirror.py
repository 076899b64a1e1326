"""The mirror of a mailbox, in each user's file: accounts, folders, messages, their text, and the index over it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the mirror and the table of mails on their way out."""
    op.create_table(
        "mail_folders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("uidvalidity", sa.Integer, nullable=False),
        sa.Column("uidnext", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("modseq", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.UniqueConstraint("account", "path"),
    )
    op.create_table(
        "mail_messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("folder", sa.Integer, sa.ForeignKey("mail_folders.id"), nullable=False),
        sa.Column("uid", sa.Integer, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("thread", sa.Integer, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_name", sa.Text, nullable=False),
        sa.Column("people", sa.Text, nullable=False),
        sa.Column("links", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sa.Column("attachments", sa.Text, nullable=False),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.UniqueConstraint("folder", "uid"),
    )
    op.create_index("mail_messages_thread", "mail_messages", ["thread"])
    op.create_index("mail_messages_sender", "mail_messages", ["sender"])
    op.create_index("mail_messages_message_id", "mail_messages", ["message_id"])
    op.create_table(
        "mail_texts",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "mail_written",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("mail_written_message", "mail_written", ["message"])
    op.create_table(
        "mail_links",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("thread", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("mail_links_thread", "mail_links", ["thread"])
    op.create_table(
        "mail_outgoing",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
    op.execute(
        "CREATE VIRTUAL TABLE mail_search USING fts5(subject, sender, recipients, body,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
