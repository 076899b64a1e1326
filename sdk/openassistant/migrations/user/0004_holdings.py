"""What a user had forgotten and must not come back, files of an archive that was brought in, and bodies cut in two."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; times of what was forgotten are seconds since 1970, NULL where it has no beginning."""
    op.create_table(
        "holdings_forgotten",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("since", sa.Integer),
        sa.Column("until", sa.Integer, nullable=False),
    )
    op.create_index("holdings_forgotten_of", "holdings_forgotten", ["account", "kind"])
    op.create_table(
        "holdings_imported",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("start", sa.Integer, primary_key=True),
        sa.Column("modified", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("more", sa.Boolean, nullable=False),
    )
    op.create_table(
        "holdings_cut",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("at", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
    )
