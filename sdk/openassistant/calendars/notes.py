"""Notes about changes under way: what was there before. For looking things up, and for taking back.

A connector makes the table `<id>_notes` in a migration of its own:

    call_id TEXT PRIMARY KEY, account TEXT, calendar TEXT, ref TEXT, before TEXT, held TEXT, made TEXT
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant.connector import Context
from openassistant.errors import Conflict

__all__ = ["CHANGED", "Note", "Notes", "usable"]

CHANGED = "It was changed since, so it is left as it is. Change or delete it by hand if you want."
_KEPT = timedelta(days=30)


class Note(NamedTuple):
    """A change of one event: the service's ids of calendar and event, what it was, and a digest of what it is after.

    `held` is "" while that is unknown.
    """

    calendar: str
    ref: str
    before: dict[str, Any]
    held: str = ""


class Notes:
    """The notes of one connector in a user's file, each under a name that begins with the id of a call."""

    def __init__(self, connector: str) -> None:
        assert connector.isidentifier(), "a part of the name of a table"
        table = f"{connector}_notes"
        self._drop = text(f"DELETE FROM {table} WHERE made < :old")  # noqa: S608 - ours
        self._keep = text(
            f'INSERT OR REPLACE INTO {table} (call_id, account, calendar, ref, "before", held, made)'  # noqa: S608 - ours
            " VALUES (:name, :account, :calendar, :ref, :before, :held, :made)"
        )
        self._end = text(f"UPDATE {table} SET ref = coalesce(:ref, ref), held = :held WHERE call_id = :name")  # noqa: S608 - ours
        self._find = text(f'SELECT calendar, ref, "before", held FROM {table} WHERE call_id = :name')  # noqa: S608 - ours

    async def begin(self, ctx: Context, name: str, note: Note) -> None:
        """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
        now = ctx.now()
        row = {**note._asdict(), "name": name, "account": ctx.account, "made": now.isoformat()}
        row["before"], old = json.dumps(note.before), {"old": (now - _KEPT).isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(self._drop, old)
            connection.execute(self._keep, row)

        await ctx.store.write(write)

    async def end(self, ctx: Context, name: str, *, held: str, ref: str | None = None) -> None:
        """Writes down what the change left at the service, and under which id where that was not known before."""
        row = {"name": name, "held": held, "ref": ref}
        await ctx.store.write(lambda connection: connection.execute(self._end, row))

    async def recall(self, ctx: Context, name: str) -> Note | None:
        """The note of a change; None where it never began."""

        def read(connection: Connection) -> Note | None:
            row = connection.execute(self._find, {"name": name}).one_or_none()
            return Note(row.calendar, row.ref, json.loads(row.before), row.held) if row else None

        return await ctx.store.read(read)


def usable(note: Note | None, what: str = "changed") -> Note:
    """The note by which something can be taken back; raises `Conflict` where none says what was left."""
    if note is None or not note.held:
        raise Conflict(f"It is not known any more what exactly was {what}, so this cannot be taken back by itself.")
    return note
