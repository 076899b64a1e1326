"""What turns were told to remember lay with them for ever, also once it was forgotten where memories are kept."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the copies out of turns that have ended; from now on they go with a turn's end."""
    op.execute(
        "UPDATE turns SET request = json_set(request, '$.memories', json('[]'))"
        " WHERE state NOT IN ('running', 'waiting')"
    )
