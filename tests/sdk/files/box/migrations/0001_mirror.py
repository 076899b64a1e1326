"""The mirror of a box, with the columns that every drive has and one of its own."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables that `openassistant.files.mirror` names."""
    op.execute(
        "CREATE TABLE box_accounts (account TEXT PRIMARY KEY, address TEXT, root TEXT, round INTEGER,"
        " known_since INTEGER, complete BOOLEAN)"
    )
    op.execute(
        "CREATE TABLE box_files (row INTEGER PRIMARY KEY, account TEXT, id TEXT, name TEXT, kind TEXT, parent TEXT,"
        " description TEXT, modified INTEGER, trashed BOOLEAN, shared BOOLEAN, maker TEXT, editor TEXT, round INTEGER,"
        " UNIQUE (account, id))"
    )
    op.execute(
        "CREATE VIRTUAL TABLE box_search USING fts5(name, description,"
        " content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')"
    )
    op.execute(
        "CREATE TABLE box_changes (row INTEGER PRIMARY KEY, account TEXT, id TEXT, name TEXT, maker TEXT, what TEXT,"
        " time INTEGER)"
    )
    op.execute("CREATE TABLE box_acts (call_id TEXT PRIMARY KEY, account TEXT, before TEXT, noted TEXT)")
