"""Notes about changes under way: what was there before. For looking things up, and for taking back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.google_calendar.account import owner_of
from openassistant.connector import Context

__all__ = ["Note", "note_begin", "note_end", "recall"]

_KEPT = timedelta(days=30)


class Note(NamedTuple):
    """A change of one event: Google's ids of calendar and event, what it was before, and a digest of what it is after.

    `held` is "" while that is unknown.
    """

    calendar: str
    ref: str
    before: dict[str, Any]
    held: str = ""


async def note_begin(ctx: Context, name: str, note: Note) -> None:
    """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
    now = ctx.now()
    row = {**note._asdict(), "name": name, "account": owner_of(ctx), "made": now.isoformat()}

    def write(connection: Connection) -> None:
        old = {"before": (now - _KEPT).isoformat()}
        connection.execute(text("DELETE FROM google_calendar_notes WHERE made < :before"), old)
        connection.execute(
            text(
                'INSERT OR REPLACE INTO google_calendar_notes (call_id, account, calendar, ref, "before", held, made)'
                " VALUES (:name, :account, :calendar, :ref, :before, :held, :made)"
            ),
            {**row, "before": json.dumps(note.before)},
        )

    await ctx.store.write(write)


async def note_end(ctx: Context, name: str, *, held: str) -> None:
    """Writes down what the change left at Google."""
    query = text("UPDATE google_calendar_notes SET held = :held WHERE call_id = :name")
    await ctx.store.write(lambda connection: connection.execute(query, {"held": held, "name": name}))


async def recall(ctx: Context, name: str) -> Note | None:
    """The note of a change; None where it never began."""

    def read(connection: Connection) -> Note | None:
        query = text('SELECT calendar, ref, "before", held FROM google_calendar_notes WHERE call_id = :name')
        row = connection.execute(query, {"name": name}).one_or_none()
        return Note(row.calendar, row.ref, json.loads(row.before), row.held) if row else None

    return await ctx.store.read(read)
