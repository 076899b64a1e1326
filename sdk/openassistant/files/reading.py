"""What the tools that look share: what changed, and what is too large to be taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from openassistant.connector import Context
from openassistant.errors import TooLarge
from openassistant.files.mirror import Change, Mirror
from openassistant.files.views import moment

__all__ = ["changes_since", "check_size"]


async def changes_since(
    ctx: Context, mirror: Mirror[Any, Any], account: str, *, since: datetime | None, limit: int
) -> tuple[list[Change], str]:
    """What happened since a moment (without a zone in UTC), newest first, and what there is to say of that."""
    aware = since if since is None or since.tzinfo else since.replace(tzinfo=UTC)
    begins = max(0, int(aware.timestamp())) if aware else 0

    def read(connection: Connection) -> tuple[list[Change], str]:
        known_since = mirror.account(connection, account).known_since
        found = mirror.changes(connection, account, since=begins, limit=limit + 1)
        notes = ["There is more; ask with a later moment."] if len(found) > limit else []
        if not known_since:
            notes.append("This account was not read yet; try again in a minute.")
        elif begins < known_since:
            notes.append(f"What happened is known here since {moment(known_since):%Y-%m-%d %H:%M} UTC.")
        return found[:limit], " ".join(notes)

    return await ctx.store.read(read)


def check_size(size: int | None, most: int, *, service: str) -> None:
    """Raises `TooLarge` where a file has more than `most` bytes, as far as the provider says."""
    if size is not None and size > most:
        raise TooLarge(
            f"That file has {size / 1024 / 1024:,.1f} MB; at most {most // 1024 // 1024} MB can be taken here."
            f" Open it in {service}."
        )
