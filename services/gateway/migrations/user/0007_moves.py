"""A person's archives while they are made, wait to be fetched, or are taken in, and what came with one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; `place` is a byte of the file, of what is packed, or of what was uploaded."""
    op.create_table(
        "moves",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False, server_default="0"),
        sa.Column("head", sa.LargeBinary),
        sa.Column("key", sa.LargeBinary),
        sa.Column("what", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "move_rooms",
        sa.Column("move", sa.Text, _of_move(), primary_key=True),
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False, server_default=""),
        sa.Column("files", sa.Integer, nullable=False, server_default="0"),
        sa.Column("bytes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("since", sa.Text),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
    )
    _files()
    _brought()


def _of_move() -> sa.ForeignKey:
    return sa.ForeignKey("moves.id", ondelete="CASCADE")


def _files() -> None:
    op.create_table(
        "move_files",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("move", sa.Text, _of_move(), nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("modified", sa.Text),
        sa.Column("whole", sa.Integer, nullable=False),
        sa.Column("crc", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("packed", sa.Integer, nullable=False),
        sa.Column("method", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sha256", sa.Text),
        sa.UniqueConstraint("move", "path"),
    )
    op.create_table(
        "move_parts",
        sa.Column("file", sa.Integer, sa.ForeignKey("move_files.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "move_chunks",
        sa.Column("move", sa.Text, _of_move(), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def _brought() -> None:
    op.create_table(
        "brought",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "brought_files",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.add_column("memories", sa.Column("brought", sa.Integer, nullable=False, server_default="0"))
