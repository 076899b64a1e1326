"""Households: invitations and reset links, what people are told by the house, and who is suspended or leaves when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of links the digest alone is kept; `of_age` is when somebody said that he is old enough, and nothing else."""
    for name in ("suspended", "leaves", "of_age"):
        op.add_column("users", sa.Column(name, sa.Text))
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("inviter", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("opens", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.create_table(
        "house_words",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("about", sa.Text),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("ends", sa.Text),
    )
    op.create_index("house_words_of_user", "house_words", ["user", "id"])
