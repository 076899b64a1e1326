"""A connector with a mirror: what lies at its provider is `SHELF`, and a pass of its sync brings all of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from sqlalchemy import Connection, text

from openassistant.connector import Connector, Context, Field, Kind, Preview

connector = Connector(__file__)
SHELF: list[dict[str, Any]] = []
PUT: list[str] = []


def put(connection: Connection, account: str, note: Mapping[str, Any]) -> None:
    query = text(
        "INSERT INTO shelf_notes (account, ref, written, text) VALUES (:account, :ref, :written, :text)"
        " ON CONFLICT (account, ref) DO UPDATE SET text = :text, written = :written RETURNING id"
    )
    row = connection.execute(query, {"account": account, **note}).scalar_one()
    connection.execute(text("DELETE FROM shelf_search WHERE rowid = :id"), {"id": row})
    connection.execute(text("INSERT INTO shelf_search (rowid, text) VALUES (:id, :text)"), {"id": row, **note})
    if note["text"].startswith("!"):
        mark = text("INSERT OR REPLACE INTO shelf_marks (note, words) VALUES (:id, :text)")
        connection.execute(mark, {"id": row, **note})


def _drop(connection: Connection, keys: Sequence[int]) -> None:
    for table, column in (("search", "rowid"), ("marks", "note"), ("notes", "id")):
        query = f"DELETE FROM shelf_{table} WHERE {column} IN (SELECT value FROM json_each(:keys))"
        connection.execute(text(query), {"keys": json.dumps(list(keys))})


def _drop_marks(connection: Connection, keys: Sequence[int]) -> None:
    query = "DELETE FROM shelf_marks WHERE note IN (SELECT value FROM json_each(:keys))"
    connection.execute(text(query), {"keys": json.dumps(list(keys))})


connector.holds(
    Kind(
        "notes",
        rows="SELECT id AS key, account, written AS at, ref, text FROM shelf_notes",
        drop=_drop,
        file=lambda _, row: row.text.encode(),
        suffix=".txt",
        line=lambda _, row: {"length": len(row.text)},
    ),
    Kind(
        "marks",
        rows="SELECT n.id AS key, n.account, n.written AS at, n.ref, m.words FROM shelf_marks m"
        " JOIN shelf_notes n ON n.id = m.note",
        drop=_drop_marks,
        line=lambda _, row: {"words": row.words},
    ),
)


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings everything."""
    account = str(ctx.account)
    for note in SHELF:
        await ctx.store.write(lambda connection, note=note: put(connection, account, note))  # type: ignore[misc]
    PUT.append(account)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of an account."""
    values = {"account": ctx.account}
    query = text("SELECT id FROM shelf_notes WHERE account = :account")
    await ctx.store.write(lambda connection: _drop(connection, list(connection.scalars(query, values))))


@connector.tool(effect="write")
async def notes_write(ctx: Context, words: Annotated[str, Field(description="What to write")]) -> str:
    """Write a note."""
    return f"wrote {words}"


@notes_write.preview
async def _preview(ctx: Context, words: str) -> Preview:
    return Preview(verb="Write", confirm="Write")
