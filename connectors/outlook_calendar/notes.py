"""Notes about changes under way: what was there before. For looking things up, and for taking back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_calendar.account import owner_of
from openassistant.connector import Context

__all__ = ["Note", "note_begin", "note_end", "recall"]

_KEPT = timedelta(days=30)


class Note(NamedTuple):
    """A change of one event: Graph's ids of calendar and event, what it was before, a digest of what it is after."""

    calendar: str
    ref: str
    before: dict[str, Any]
    held: str = ""


async def note_begin(ctx: Context, note: Note) -> None:
    """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
    assert ctx.call is not None, "something is changed for a call"
    now, call = ctx.now(), ctx.call.id
    row = {"call": call, "account": owner_of(ctx), "made": now.isoformat(), **note._asdict()}

    def write(connection: Connection) -> None:
        old = {"before": (now - _KEPT).isoformat()}
        connection.execute(text("DELETE FROM outlook_calendar_notes WHERE made < :before"), old)
        connection.execute(
            text(
                'INSERT OR REPLACE INTO outlook_calendar_notes (call_id, account, calendar, ref, "before", held, made)'
                " VALUES (:call, :account, :calendar, :ref, :before, :held, :made)"
            ),
            {**row, "before": json.dumps(note.before)},
        )

    await ctx.store.write(write)


async def note_end(ctx: Context, call: str, *, ref: str, held: str) -> None:
    """Writes down what the change left at Graph."""
    query = text("UPDATE outlook_calendar_notes SET ref = :ref, held = :held WHERE call_id = :call")
    await ctx.store.write(lambda connection: connection.execute(query, {"ref": ref, "held": held, "call": call}))


async def recall(ctx: Context, call: str) -> Note | None:
    """The note of a change; None where it never began."""

    def read(connection: Connection) -> Note | None:
        query = text('SELECT calendar, ref, "before", held FROM outlook_calendar_notes WHERE call_id = :call')
        row = connection.execute(query, {"call": call}).one_or_none()
        return Note(row.calendar, row.ref, json.loads(row.before), row.held) if row else None

    return await ctx.store.read(read)
