"""The mirror of a drive in the user's encrypted store: what files there are, and what changed lately.

All functions run inside a transaction of `Store.read` or `Store.write`. A listing of everything is a *round*: rows
that a finished round did not see are gone from the drive. What was deleted stays for as long as a recycle bin keeps it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, text

from connectors.onedrive.items import Item

__all__ = [
    "Account",
    "Change",
    "account",
    "changes",
    "children",
    "count",
    "drop",
    "file",
    "find",
    "forget",
    "known",
    "note_changes",
    "path",
    "people",
    "purge",
    "put",
    "set_account",
    "shared_above",
    "sweep",
    "trash",
]

What = Literal["made", "changed", "deleted", "restored"]

_WORD = re.compile(r"\w+")
_MOST_WORDS = 20
_DEEPEST = 50
_THESE = "(SELECT value FROM json_each(:ids))"
_MOST_CHANGES = 5_000
_INSIDE = (
    "WITH RECURSIVE inside(id, depth) AS (SELECT :top, 0 UNION SELECT g.id, depth + 1 FROM onedrive_files g"
    " JOIN inside ON g.parent = inside.id WHERE g.account = :account AND depth < 50)"
)
_COLUMNS = ", ".join(f'f."{name}"' for name in Item._fields)


class Account(NamedTuple):
    """How far the sync of an account is.

    `scope`: what is followed, the whole drive (root) or the assistant's own folder (own). `link`: where that goes on.
    `complete`: everything was listed once. `known_since`: since when changes are noted. `cut`: there are more files
    than are kept.
    """

    address: str = ""
    drive_type: str = ""
    root: str = ""
    scope: str = ""
    link: str = ""
    round: int = 0
    complete: bool = False
    known_since: int = 0
    cut: bool = False


class Change(NamedTuple):
    """What happened to a file, and when (seconds since 1970)."""

    id: str
    name: str
    author: str
    what: str
    time: int


def account(connection: Connection, owner: str) -> Account:
    """What is known of an account's sync; the beginning where there was none."""
    columns = ", ".join(Account._fields)
    query = text(f"SELECT {columns} FROM onedrive_accounts WHERE account = :a")  # noqa: S608 - ours
    row = connection.execute(query, {"a": owner}).one_or_none()
    if row is None:
        return Account()
    found = Account._make(row)
    return found._replace(complete=bool(found.complete), cut=bool(found.cut))


def set_account(connection: Connection, owner: str, found: Account) -> None:
    """Notes how far the sync is."""
    names = Account._fields
    statement = (
        f"INSERT OR REPLACE INTO onedrive_accounts (account, {', '.join(names)})"  # noqa: S608 - ours
        f" VALUES (:account, {', '.join(f':{name}' for name in names)})"
    )
    connection.execute(text(statement), {"account": owner, **found._asdict()})


def put(
    connection: Connection,
    owner: str,
    items: Iterable[Item],
    *,
    round: int,  # noqa: A002 - the word
) -> list[tuple[Item, Item | None]]:
    """Writes files, new or over older ones; gives each with what stood there before."""
    new = {item.id: item for item in items}
    if not new:
        return []
    ids = {"ids": json.dumps(list(new))}
    before = {item.id: item for item in _select(connection, owner, f"AND f.id IN {_THESE}", ids)}
    drop(connection, owner, new)
    names = Item._fields
    columns = ", ".join(f'"{name}"' for name in names)
    statement = (
        f"INSERT INTO onedrive_files (account, round, {columns})"  # noqa: S608 - ours
        f" VALUES (:account, :round, {', '.join(f':{name}' for name in names)})"
    )
    rows = [{"account": owner, "round": round, **item._asdict()} for item in new.values()]
    connection.execute(text(statement), rows)
    query = text(f"SELECT row, id FROM onedrive_files WHERE account = :a AND id IN {_THESE}")  # noqa: S608 - ours
    found = connection.execute(query, {"a": owner, **ids}).all()
    index = text("INSERT INTO onedrive_search (rowid, name, description) VALUES (:row, :name, :description)")
    words = [(row, new[id_]) for row, id_ in found]
    connection.execute(index, [{"row": r, "name": _split(e.name), "description": e.description} for r, e in words])
    return [(item, before.get(item.id)) for item in new.values()]


def drop(connection: Connection, owner: str, ids: Iterable[str]) -> None:
    """Takes files out of the mirror."""
    values = {"a": owner, "ids": json.dumps(list(ids))}
    these = f"FROM onedrive_files WHERE account = :a AND id IN {_THESE}"
    connection.execute(text(f"DELETE FROM onedrive_search WHERE rowid IN (SELECT row {these})"), values)  # noqa: S608 - ours
    connection.execute(text(f"DELETE {these}"), values)


def sweep(connection: Connection, owner: str, *, round: int) -> None:  # noqa: A002 - the word
    """Takes out what a finished round did not see."""
    query = text("SELECT id FROM onedrive_files WHERE account = :a AND round < :round AND NOT trashed")
    drop(connection, owner, connection.execute(query, {"a": owner, "round": round}).scalars().all())


def trash(connection: Connection, owner: str, id: str, *, now: int) -> list[Item]:  # noqa: A002 - it is called so
    """Notes that a file was deleted, and what lies in it where it is a folder; gives what was not known to be."""
    found = _select(connection, owner, f"AND NOT f.trashed AND f.id IN ({_INSIDE} SELECT id FROM inside)", {"top": id})  # noqa: S608 - ours
    ids = {"a": owner, "ids": json.dumps([each.id for each in found]), "now": now}
    statement = f'UPDATE onedrive_files SET trashed = 1, "left" = :now WHERE account = :a AND id IN {_THESE}'  # noqa: S608 - ours
    connection.execute(text(statement), ids)
    return found


def purge(connection: Connection, owner: str, *, before: int) -> None:
    """Takes out what was deleted so long ago that no recycle bin has it any more."""
    query = text('SELECT id FROM onedrive_files WHERE account = :a AND trashed AND "left" < :before')
    drop(connection, owner, connection.execute(query, {"a": owner, "before": before}).scalars().all())


def known(connection: Connection, owner: str, ids: Iterable[str]) -> set[str]:
    """Which of these ids are in the mirror."""
    query = text(f"SELECT id FROM onedrive_files WHERE account = :a AND id IN {_THESE}")  # noqa: S608 - ours
    return set(connection.execute(query, {"a": owner, "ids": json.dumps(list(ids))}).scalars())


def count(connection: Connection, owner: str) -> int:
    """How many files the mirror holds."""
    query = text("SELECT count(*) FROM onedrive_files WHERE account = :a")
    return int(connection.execute(query, {"a": owner}).scalar_one())


def file(connection: Connection, owner: str, id: str) -> Item | None:  # noqa: A002 - it is called so
    """The file with that id."""
    found = _select(connection, owner, "AND f.id = :id", {"id": id})
    return found[0] if found else None


def children(connection: Connection, owner: str, folder: str) -> int:
    """How many things are known to lie in a folder, and in the folders within."""
    query = text(f"{_INSIDE} SELECT count(DISTINCT id) FROM inside WHERE id != :top")  # noqa: S608 - ours
    return int(connection.execute(query, {"account": owner, "top": folder}).scalar_one())


def shared_above(connection: Connection, owner: str, item: Item) -> bool:
    """Whether a folder that an item lies in is known to be shared."""
    query = text(
        "WITH RECURSIVE above(id, depth) AS (SELECT :parent, 0 UNION SELECT f.parent, depth + 1 FROM onedrive_files f"
        " JOIN above ON f.id = above.id WHERE f.account = :a AND depth < 50)"
        " SELECT count(*) FROM onedrive_files f JOIN above ON f.id = above.id WHERE f.account = :a AND f.shared"
    )
    return bool(connection.execute(query, {"a": owner, "parent": item.parent}).scalar_one())


def path(connection: Connection, owner: str, item: Item) -> str:
    """Where a file lies, from the top: "OneDrive / Flat / Lease"; folders that lie in each other end it."""
    names: list[str] = []
    seen, parent = {item.id}, item.parent
    root = account(connection, owner).root
    while parent and len(names) < _DEEPEST and parent not in seen:
        seen.add(parent)
        if parent == root:
            names.append("OneDrive")
            break
        above = file(connection, owner, parent)
        if above is None:
            names.append("…")
            break
        names.append(above.name[:100])
        parent = above.parent
    return " / ".join(reversed(names))


def find(
    connection: Connection,
    owner: str,
    query: str,
    *,
    folders: bool | None = None,
    shared: bool | None = None,
    trashed: bool = False,
    since: int = 0,
    limit: int = 20,
) -> list[Item]:
    """The files whose name or description holds all words (each as the beginning of a word), newest first."""
    words = _WORD.findall(query)[:_MOST_WORDS]
    condition, values = "AND f.trashed = :trashed AND f.modified >= :since", {"trashed": trashed, "since": since}
    more: dict[str, Any] = {"limit": limit}
    if words:
        condition += " AND f.row IN (SELECT rowid FROM onedrive_search WHERE onedrive_search MATCH :match)"
        more["match"] = " AND ".join(f'"{word[:100]}"*' for word in words)
    elif query.strip():
        return []
    if folders is not None:
        condition += f" AND f.kind {'=' if folders else '!='} 'folder'"
    if shared is not None:
        condition += " AND f.shared = :shared"
        more["shared"] = shared
    order = "ORDER BY f.modified DESC, f.row DESC LIMIT :limit"
    return _select(connection, owner, f"{condition} {order}", {**values, **more})


def people(connection: Connection, owner: str) -> list[str]:
    """The addresses of those who made or edited files in this drive."""
    query = text(
        "SELECT DISTINCT author FROM onedrive_files WHERE account = :a AND author != ''"
        " UNION SELECT DISTINCT editor FROM onedrive_files WHERE account = :a AND editor != '' LIMIT 5000"
    )
    return list(connection.execute(query, {"a": owner}).scalars())


def note_changes(connection: Connection, owner: str, found: Sequence[Change]) -> None:
    """Notes what happened; only the newest are kept."""
    statement = (
        "INSERT INTO onedrive_changes (account, id, name, author, what, time)"
        " VALUES (:account, :id, :name, :author, :what, :time)"
    )
    if found:
        connection.execute(text(statement), [{"account": owner, **each._asdict()} for each in found])
        connection.execute(
            text(
                "DELETE FROM onedrive_changes WHERE account = :a AND row NOT IN"
                " (SELECT row FROM onedrive_changes WHERE account = :a ORDER BY time DESC, row DESC LIMIT :most)"
            ),
            {"a": owner, "most": _MOST_CHANGES},
        )


def changes(connection: Connection, owner: str, *, since: int, limit: int) -> list[Change]:
    """What happened since a moment, newest first."""
    query = text(
        "SELECT id, name, author, what, time FROM onedrive_changes WHERE account = :a AND time >= :since"
        " ORDER BY time DESC, row DESC LIMIT :limit"
    )
    return [Change._make(row) for row in connection.execute(query, {"a": owner, "since": since, "limit": limit})]


def forget(connection: Connection, owner: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    query = text("SELECT id FROM onedrive_files WHERE account = :a")
    drop(connection, owner, connection.execute(query, {"a": owner}).scalars().all())
    for table in ("onedrive_changes", "onedrive_acts", "onedrive_accounts"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": owner})  # noqa: S608 - ours


def _select(connection: Connection, owner: str, condition: str, values: dict[str, Any]) -> list[Item]:
    query = text(f"SELECT {_COLUMNS} FROM onedrive_files f WHERE f.account = :account {condition}")  # noqa: S608 - ours
    rows = connection.execute(query, {"account": owner, **values}).all()
    return [Item._make(row)._replace(trashed=bool(row.trashed), shared=bool(row.shared)) for row in rows]


def _split(name: str) -> str:
    """A name as words: "2026_lease-final.pdf" is found by each of its parts."""
    return f"{name} {re.sub(r'[_-]+', ' ', name)}"
