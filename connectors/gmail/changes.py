"""What happened in a mailbox lately, as the sync saw it. Runs inside a transaction, as `mirror` does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

__all__ = ["Change", "changes", "note_changes"]

_MOST_CHANGES = 5_000


class Change(NamedTuple):
    """What happened to a mail: came, deleted, or labelled otherwise; `time` in seconds since 1970."""

    message: str
    what: str
    labels: tuple[str, ...]
    time: int


def note_changes(connection: Connection, owner: str, found: Sequence[Change]) -> None:
    """Notes what happened; only the newest are kept."""
    if not found:
        return
    rows = [{"a": owner, **each._asdict(), "labels": json.dumps(each.labels)} for each in found]
    statement = "INSERT INTO gmail_changes (account, message, what, labels, time)"
    connection.execute(text(f"{statement} VALUES (:a, :message, :what, :labels, :time)"), rows)
    connection.execute(
        text(
            "DELETE FROM gmail_changes WHERE account = :a AND row NOT IN"
            " (SELECT row FROM gmail_changes WHERE account = :a ORDER BY row DESC LIMIT :most)"
        ),
        {"a": owner, "most": _MOST_CHANGES},
    )


def changes(connection: Connection, owner: str, *, since: int, limit: int) -> list[Change]:
    """What happened since a moment, newest first."""
    query = text(
        "SELECT message, what, labels, time FROM gmail_changes WHERE account = :a AND time >= :since"
        " ORDER BY row DESC LIMIT :limit"
    )
    rows = connection.execute(query, {"a": owner, "since": since, "limit": limit})
    return [Change(row.message, row.what, tuple(json.loads(row.labels)), row.time) for row in rows]
