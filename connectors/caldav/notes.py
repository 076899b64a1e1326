"""Notes about changes under way: what was replaced, and what came of it. For looking things up, and for taking back."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from connectors.caldav.account import owner_of
from openassistant.connector import Context

__all__ = ["Note", "note_begin", "note_end", "recall"]

_KEPT = timedelta(days=30)


class Note(NamedTuple):
    """A change of one object: its ETag and text before ("" for a new one), and its ETag after ("" while unknown)."""

    url: str
    calendar: int
    etag: str
    before: str
    after: str


async def note_begin(ctx: Context, name: str, note: Note) -> None:
    """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
    now = ctx.now()
    row = {"name": name, "account": owner_of(ctx), "made": now.isoformat(), **note._asdict()}

    def write(connection: Connection) -> None:
        old = {"before": (now - _KEPT).isoformat()}
        connection.execute(text("DELETE FROM caldav_changes WHERE made < :before"), old)
        connection.execute(
            text(
                'INSERT OR REPLACE INTO caldav_changes (call_id, account, url, etag, made, calendar, "before", "after")'
                " VALUES (:name, :account, :url, :etag, :made, :calendar, :before, :after)"
            ),
            row,
        )

    await ctx.store.write(write)


async def note_end(ctx: Context, name: str, *, after: str) -> None:
    """Writes down with which ETag the server holds the changed object."""
    row = {"name": name, "after": after}
    query = text('UPDATE caldav_changes SET "after" = :after WHERE call_id = :name')
    await ctx.store.write(lambda connection: connection.execute(query, row))


async def recall(ctx: Context, name: str) -> Note | None:
    """The note of a change."""

    def read(connection: Connection) -> Note | None:
        query = text('SELECT url, calendar, etag, "before", "after" FROM caldav_changes WHERE call_id = :name')
        row = connection.execute(query, {"name": name}).one_or_none()
        return Note._make(row) if row else None

    return await ctx.store.read(read)
