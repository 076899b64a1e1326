"""A house that was put back from a copy: whatever waited in it may have been done since by the house it is a copy of.

So it is put aside before anything is served: questions that wait, what was approved and is not carried out, turns that
were under way, runs that were missed. Nothing of it is done unless it is asked for anew. What was lent may have been
taken back since, so it ends, and is lent anew.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, text

from openassistant.errors import Internal
from openassistant.messages import Id, Wire
from openassistant.store import Store

__all__ = ["FILE", "Restored", "keep", "put_aside", "restored", "words"]

FILE = "restored.json"
"""What a restore leaves beside the room's file."""
_NAME = "restored"


class Restored(Wire):
    """A restore of a copy that was `taken` then: `at` is when this room first ran on it, `aside` what it put aside.

    What began before `at` belongs to the copy.
    """

    id: Id
    taken: datetime
    restored: datetime
    at: datetime | None = None
    aside: int = 0
    noted: bool = False

    def words(self) -> str:
        """Why something was put aside, for its owner."""
        return (
            f"This house was restored from a copy of {self.taken:%d %B %Y, %H:%M} UTC. What waited or was under way "
            "then may already have been done, so it was put aside. Ask again if you still want it."
        )


async def put_aside(store: Store, folder: Path, *, now: datetime) -> None:
    """Puts everything aside where a restore left its word, once; before anything of the room is served.

    Raises `Internal` for a word that cannot be read: a house that may have been restored does not start as if not.
    """
    file = folder / FILE
    try:
        found = Restored.model_validate_json(file.read_text()).model_copy(update={"at": now})
    except FileNotFoundError:
        return
    except (OSError, ValidationError) as error:
        raise Internal(f"{file} cannot be read. Restore the copy again.") from error
    await store.write(lambda connection: _put_aside(connection, found))
    file.unlink(missing_ok=True)


def restored(connection: Connection) -> Restored | None:
    """The newest restore; None for a house that was never restored."""
    value = connection.execute(text("SELECT value FROM settings WHERE name = :name"), {"name": _NAME}).scalar()
    return Restored.model_validate_json(value) if value else None


def keep(connection: Connection, found: Restored) -> None:
    """Stores what is known of the newest restore."""
    connection.execute(
        text(
            "INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"
        ),
        {"name": _NAME, "value": found.model_dump_json()},
    )


def words(connection: Connection, began: datetime) -> str | None:
    """Why what began then is put aside; None for what began since, or in a house that was never restored."""
    found = restored(connection)
    return found.words() if found and found.at and began <= found.at else None


_VOID = (
    "UPDATE approvals SET state = 'void', decided = :now, delivered = 1, held_until = NULL"
    " WHERE state = 'pending' OR (state = 'approved' AND delivered = 0)"
)


def _put_aside(connection: Connection, found: Restored) -> None:
    former = restored(connection)
    if former is not None and former.id == found.id:
        return
    row: dict[str, Any] = {"now": found.at.isoformat() if found.at else ""}
    aside = 0
    for statement in (
        _VOID,
        "UPDATE approvals SET delivered = 1 WHERE delivered = 0",
        "UPDATE runs SET state = 'missed' WHERE state = 'claimed'",
        "UPDATE turns SET ended = :now WHERE ended IS NULL",
        "UPDATE loans SET state = 'ending', why = 'restored'",
    ):
        changed = connection.execute(text(statement), row).rowcount
        aside += changed if "'void'" in statement or "'missed'" in statement else 0
    keep(connection, found.model_copy(update={"aside": aside}))
