"""What most kinds of things (`holdings.Kind`) are made of: rows that go with a key, rows that are told as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from openassistant.holdings import Kind, Thing

__all__ = ["changes", "drop_from", "drop_numbered", "fields", "undo"]

_IN_DOUBT = (
    " AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.state IN ('intent', 'unknown')"
    " AND substr({table}.call_id, 1, length(j.call_id)) = j.call_id)"
)


def drop_from(*columns: str, in_doubt: bool = False) -> Callable[[Connection, Sequence[Any]], None]:
    """Deletes the rows of tables in which a column ("mail_texts.message") has a key, in this order.

    With `in_doubt` a row stays whose `call_id` is that of a call of which nobody knows yet how it ended.
    """
    pairs = [column.split(".") for column in columns]
    assert all(part.isidentifier() for pair in pairs for part in pair), "names of tables and columns"

    def drop(connection: Connection, keys: Sequence[Any]) -> None:
        values = {"keys": json.dumps(list(keys))}
        for table, column in pairs:
            spared = _IN_DOUBT.format(table=table) if in_doubt else ""
            query = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(:keys)){spared}"  # noqa: S608 - named in code
            connection.execute(text(query), values)

    return drop


def drop_numbered(table: str) -> Callable[[Connection, Sequence[Any]], None]:
    """Deletes the numbered parts of messages, such as attachments, by the keys `message * 1000 + number`."""
    assert table.isidentifier(), "the name of a table"
    query = f"DELETE FROM {table} WHERE message * 1000 + number IN (SELECT value FROM json_each(:keys))"  # noqa: S608 - named in code

    def drop(connection: Connection, keys: Sequence[Any]) -> None:
        connection.execute(text(query), {"keys": json.dumps(list(keys))})

    return drop


def fields(*names: str, packed: Sequence[str] = ()) -> Callable[[Connection, Thing], Mapping[str, Any]]:
    """Tells columns of a thing's row; those that are `packed` hold JSON."""

    def line(connection: Connection, row: Thing) -> Mapping[str, Any]:
        held = row._asdict()
        return {name: held[name] for name in names} | {name: _unpacked(held[name]) for name in packed}

    return line


def undo(table: str, *, at: str, packed: Sequence[str] = ("before",), names: Sequence[str] = ()) -> Kind:
    """Notes of how things stood before acts, by which these are taken back; `at` is when, in ISO 8601.

    What is forgotten of them cannot be taken back any more. That of a call in doubt stays until its end is known.
    """
    columns = ", ".join(f'"{name}"' for name in (*names, *packed))
    return Kind(
        "undo",
        rows=f"SELECT call_id AS key, account, unixepoch({at}) AS at, call_id AS ref, {columns} FROM {table}",  # noqa: S608 - named in code
        drop=drop_from(f"{table}.call_id", in_doubt=True),
        line=fields(*names, packed=packed),
        returns=False,
    )


def changes(table: str, *, key: str, at: str, names: Sequence[str], packed: Sequence[str] = (), of: str = "") -> Kind:
    """What syncs saw change. `of` joins the table `k` that has the account, where this one has not."""
    columns = ", ".join(f't."{name}"' for name in (*names, *packed))
    account, joined = ("k.account", of) if of else ("t.account", "")
    begins = f"SELECT t.{key} AS key, {account} AS account, {at} AS at, t.{key} AS ref"
    return Kind(
        "changes",
        rows=f"{begins}, {columns} FROM {table} t {joined}",
        drop=drop_from(f"{table}.{key}"),
        line=fields(*names, packed=packed),
        returns=False,
    )


def _unpacked(value: Any) -> Any:
    try:
        return json.loads(value) if value else None
    except ValueError:
        return value
