"""Second factors, recovery codes and passkeys; and links to a new password that take them away."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of recovery codes the digest alone is kept; a secret without `confirmed` asks nobody for a code yet."""
    op.create_table(
        "code_secrets",
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Text),
        sa.Column("step", sa.Integer, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("recovery_codes_of_user", "recovery_codes", ["user"])
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("credential", sa.Text, nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("transports", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("synced", sa.Boolean, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("used", sa.Text),
    )
    op.create_index("passkeys_of_user", "passkeys", ["user"])
    op.create_table(
        "passkey_challenges",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("challenge", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.id", ondelete="CASCADE")),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.add_column("invitations", sa.Column("factors", sa.Boolean))
