"""The mirror of a number: chats, messages and the index over them, what is on its way out, drafts and templates."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; times are seconds since 1970."""
    op.create_table(
        "wa_chats",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("bsuid", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("last_in", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Integer, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    for column in ("bsuid", "phone", "group_id"):
        op.create_index(f"wa_chats_{column}", "wa_chats", ["account", column])
    op.create_table(
        "wa_messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("chat", sa.Integer, nullable=False),
        sa.Column("wamid", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("mine", sa.Boolean, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("media", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("problem", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("forwarded", sa.Boolean, nullable=False),
        sa.Column("seen", sa.Boolean, nullable=False),
        sa.UniqueConstraint("account", "wamid"),
        sqlite_autoincrement=True,
    )
    op.create_index("wa_messages_chat", "wa_messages", ["chat", "at"])
    op.execute(
        "CREATE VIRTUAL TABLE wa_search USING fts5(who, body,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
    op.create_table(
        "wa_reactions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("wamid", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, primary_key=True),
        sa.Column("emoji", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wa_outgoing",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("wamid", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("problem", sa.Integer, nullable=False),
        sa.Column("letter", sa.Text, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
    )
    op.create_index("wa_outgoing_wamid", "wa_outgoing", ["account", "wamid"])
    op.create_table(
        "wa_drafts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("chat", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "wa_templates",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("components", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wa_numbers",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("heard", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
