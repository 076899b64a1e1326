"""The mirror of a drive in the user's encrypted store: what files there are, and what changed lately.

    mirror = Mirror("box", Item, Account, service="Box", top="All files", folder=("kind", "folder"), by="author")

All methods but those that word something run inside a transaction of `Store.read` or `Store.write`. A listing of
everything is a *round*: rows that a finished round did not see are gone from the drive. The connector makes the tables
in a migration of its own, with `row INTEGER PRIMARY KEY` and `account`, `id` unique where there are ids:

    {prefix}_accounts   account, and the fields of its Account
    {prefix}_files      row, account, round, and the fields of its Item
    {prefix}_search     fts5(name, description, content='', contentless_delete=1)
    {prefix}_changes    row, account, id, name, {by}, what, time
    {prefix}_acts       as `openassistant.acts` says
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, get_type_hints

from sqlalchemy import Connection, CursorResult, text

from openassistant.connector import OutsideText
from openassistant.files.items import FileItem
from openassistant.holdings import Kind, Thing, left_out
from openassistant.kinds import changes, undo

__all__ = ["Change", "Mirror", "State"]

_WORD = re.compile(r"\w+")
_MOST_WORDS = 20
_DEEPEST = 50
_MOST_CHANGES = 5_000
_LONGEST_NAME = 300
_THESE = "(SELECT value FROM json_each(:ids))"
_INSIDE = (
    "WITH RECURSIVE inside(id, depth) AS (SELECT :top, 0 UNION SELECT g.id, depth + 1 FROM {files} g"
    " JOIN inside ON g.parent = inside.id WHERE g.account = :account AND depth < 50)"
)


class State(Protocol):
    """How far the sync of an account is, in the fields that every drive has."""

    @property
    def address(self) -> str:
        """Whose drive it is."""

    @property
    def root(self) -> str:
        """The id of the top folder."""

    @property
    def round(self) -> int:
        """The number of the listing."""

    @property
    def known_since(self) -> int:
        """Since when changes are noted, in seconds since 1970."""


I = TypeVar("I", bound=FileItem)  # noqa: E741 - an item
A = TypeVar("A", bound=State)
T = TypeVar("T")


class Change(NamedTuple):
    """What happened to a file, `by` whom as far as that is known, and when (seconds since 1970)."""

    id: str
    name: str
    by: str
    what: str
    time: int


class Mirror(Generic[I, A]):
    """The tables of one connector, whose names begin with `prefix`; it and all columns stand in code.

    `service` is what the drive is called, `top` its top folder. `folder` is the column that tells a folder, with its
    value there, and `by` the one with the address of whoever owns or made a file.
    """

    def __init__(
        self, prefix: str, item: Callable[..., I], account: Callable[..., A], *,
        service: str, top: str, folder: tuple[str, str], by: str,
    ) -> None:  # fmt: skip
        assert all(each.isidentifier() for each in (prefix, folder[0], by)), "names of tables and columns"
        self._item, self._account, self._by = item, account, by
        self._service, self._top, self._folder = service, top, folder
        self._columns, self._account_columns = _columns_of(item), _columns_of(account)
        self._names = {each: f"{prefix}_{each}" for each in ("accounts", "files", "search", "changes", "acts")}
        self._names |= {"by": by, "these": _THESE, "inside": _INSIDE.format(**self._names)}
        self._names["columns"] = ", ".join(f'f."{name}"' for name in self._columns)

    def account(self, connection: Connection, account: str) -> A:
        """What is known of an account's sync; the beginning where there was none."""
        found = self._run(connection, "SELECT * FROM {accounts} WHERE account = :account", account=account)
        row = found.mappings().one_or_none()
        return self._account() if row is None else _made(self._account, self._account_columns, row)

    def set_account(self, connection: Connection, account: str, found: A) -> None:
        """Notes how far the sync is."""
        row = {"account": account, **_values(found, self._account_columns)}
        self._insert(connection, "INSERT OR REPLACE INTO {accounts}", [row])

    def put(
        self, connection: Connection, account: str, items: Iterable[I], *,
        round: int,  # noqa: A002 - the word
    ) -> list[tuple[I, I | None]]:  # fmt: skip
        """Writes files, new or over older ones; gives each with what stood there before.

        What was not modified since its owner had that time forgotten is left out.
        """
        spans = left_out(connection, account, "files")
        new = {item.id: item for item in items if not spans.hold(item.modified)}
        if not new:
            return []
        ids = json.dumps(list(new))
        before = {each.id: each for each in self._select(connection, account, "AND f.id IN {these}", ids=ids)}
        self.drop(connection, account, new)
        rows = [{"account": account, "round": round, **_values(item, self._columns)} for item in new.values()]
        self._insert(connection, "INSERT INTO {files}", rows)
        query = "SELECT row, id FROM {files} WHERE account = :account AND id IN {these}"
        words = [(row.row, new[row.id]) for row in self._run(connection, query, account=account, ids=ids)]
        found = [{"rowid": row, "name": _split(each.name), "description": each.description} for row, each in words]
        self._insert(connection, "INSERT INTO {search}", found)
        return [(item, before.get(item.id)) for item in new.values()]

    def keep(self, connection: Connection, account: str, item: I) -> None:
        """Writes what came of an act."""
        self.put(connection, account, [item], round=self.account(connection, account).round)

    def drop(self, connection: Connection, account: str, ids: Iterable[str]) -> None:
        """Takes files out of the mirror."""
        values = {"account": account, "ids": json.dumps(list(ids))}
        these = "(SELECT row FROM {files} WHERE account = :account AND id IN {these})"
        for table in ("{search} WHERE rowid IN ", "{files} WHERE row IN "):
            self._run(connection, f"DELETE FROM {table}{these}", **values)  # noqa: S608 - ours

    def sweep(self, connection: Connection, account: str, *, round: int, trashed: bool = True) -> None:  # noqa: A002 - the word
        """Takes out what a finished round did not see, of what is `trashed` too where a round lists that."""
        query = "SELECT id FROM {files} WHERE account = :account AND round < :round AND trashed <= :trashed"
        found = self._run(connection, query, account=account, round=round, trashed=trashed)
        self.drop(connection, account, found.scalars().all())

    def kinds(self) -> tuple[Kind, ...]:
        """What is held, by kind: the list of files, whose bytes lie with the provider; changes; notes of acts."""
        names = [name for name in self._columns if name != "id"]
        columns = ", ".join(f'"{name}"' for name in names)
        rows = f"SELECT row AS key, account, modified AS at, id AS ref, {columns} FROM {{files}}"  # noqa: S608 - ours
        files = Kind("files", rows=rows.format(**self._names), drop=self._drop_rows, line=self._line)
        seen = changes(self._names["changes"], key="row", at="t.time", names=("id", "name", self._by, "what"))
        return files, seen, undo(self._names["acts"], at="noted")

    def _drop_rows(self, connection: Connection, rows: Sequence[int]) -> None:
        for table, column in (("{search}", "rowid"), ("{files}", "row")):
            query = f"DELETE FROM {table} WHERE {column} IN {{these}}"  # noqa: S608 - ours
            self._run(connection, query, ids=json.dumps(list(rows)))

    def _line(self, connection: Connection, row: Thing) -> Mapping[str, Any]:
        held = {"id": row.ref, **row._asdict()}
        item = _made(self._item, self._columns, held)
        told = {name: held[name] for name in self._columns if name not in ("id", "revision") and held[name] != ""}
        return {"path": self.path(connection, row.account, item), **told}

    def count(self, connection: Connection, account: str) -> int:
        """How many files the mirror holds."""
        found = self._run(connection, "SELECT count(*) FROM {files} WHERE account = :account", account=account)
        return int(found.scalar_one())

    def file(self, connection: Connection, account: str, id: str) -> I | None:  # noqa: A002 - it is called so
        """The file with that id."""
        found = self._select(connection, account, "AND f.id = :id", id=id)
        return found[0] if found else None

    def inside(self, connection: Connection, account: str, folder: str) -> int:
        """How many things are known to lie in a folder, and in the folders within."""
        query = "{inside} SELECT count(DISTINCT id) FROM inside WHERE id != :top"
        return int(self._run(connection, query, account=account, top=folder).scalar_one())

    def path(self, connection: Connection, account: str, item: I) -> str:
        """Where a file lies, from the top: "My Drive / Flat / Lease"; folders that lie in each other end it."""
        names: list[str] = []
        seen, parent = {item.id}, item.parent
        root = self.account(connection, account).root
        while parent and len(names) < _DEEPEST and parent not in seen:
            seen.add(parent)
            if parent == root:
                names.append(self._top)
                break
            above = self.file(connection, account, parent)
            if above is None:
                names.append("…")
                break
            names.append(above.name[:100])
            parent = above.parent
        return " / ".join(reversed(names))

    def find(
        self, connection: Connection, account: str, query: str, *,
        folders: bool | None = None, trashed: bool = False, limit: int = 20, **flags: bool | None,
    ) -> list[I]:  # fmt: skip
        """The files whose name or description holds all words (each as the beginning of a word), newest first.

        `flags` are columns and what is wanted in them, None for either.
        """
        wanted = {"trashed": trashed, **{name: value for name, value in flags.items() if value is not None}}
        assert wanted.keys() <= self._columns.keys(), "columns"
        conditions, values = [f"AND f.{name} = :{name}" for name in wanted], dict[str, Any](wanted, limit=limit)
        if words := _WORD.findall(query)[:_MOST_WORDS]:
            conditions.append("AND f.row IN (SELECT rowid FROM {search} WHERE {search} MATCH :match)")
            values["match"] = " AND ".join(f'"{word[:100]}"*' for word in words)
        elif query.strip():
            return []
        if folders is not None:
            column, values["folder"] = self._folder
            conditions.append(f"AND f.{column} {'=' if folders else '!='} :folder")
        order = "ORDER BY f.modified DESC, f.row DESC LIMIT :limit"
        return self._select(connection, account, " ".join((*conditions, order)), **values)

    def people(self, connection: Connection, account: str) -> list[str]:
        """The addresses of those who own, made or edited files here."""
        query = (
            "SELECT DISTINCT {by} FROM {files} WHERE account = :account AND {by} != ''"
            " UNION SELECT DISTINCT editor FROM {files} WHERE account = :account AND editor != '' LIMIT 5000"
        )
        return list(self._run(connection, query, account=account).scalars())

    def note_changes(self, connection: Connection, account: str, found: Sequence[Change]) -> None:
        """Notes what happened; only the newest are kept."""
        if not found:
            return
        names = ("id", "name", self._by, "what", "time")
        rows = [{"account": account, **dict(zip(names, each, strict=True))} for each in found]
        self._insert(connection, "INSERT INTO {changes}", rows)
        delete = (
            "DELETE FROM {changes} WHERE account = :account AND row NOT IN"
            " (SELECT row FROM {changes} WHERE account = :account ORDER BY time DESC, row DESC LIMIT :most)"
        )
        self._run(connection, delete, account=account, most=_MOST_CHANGES)

    def changes(self, connection: Connection, account: str, *, since: int, limit: int) -> list[Change]:
        """What happened since a moment, newest first."""
        query = (
            "SELECT id, name, {by}, what, time FROM {changes} WHERE account = :account AND time >= :since"
            " ORDER BY time DESC, row DESC LIMIT :limit"
        )
        return [Change._make(row) for row in self._run(connection, query, account=account, since=since, limit=limit)]

    def forget(self, connection: Connection, account: str) -> None:
        """Deletes everything that the mirror holds of an account."""
        found = self._run(connection, "SELECT id FROM {files} WHERE account = :account", account=account)
        self.drop(connection, account, found.scalars().all())
        for table in ("{changes}", "{acts}", "{accounts}"):
            self._run(connection, f"DELETE FROM {table} WHERE account = :account", account=account)  # noqa: S608 - ours

    def outside(self, text: str, item: I) -> OutsideText:
        """A text of a file, with those who could have written it."""
        return self._outside(text, item.id, getattr(item, self._by), item.editor)

    def outside_name(self, change: Change) -> OutsideText:
        """The name of a file to which something happened."""
        return self._outside(change.name[:_LONGEST_NAME], change.id, change.by)

    def _outside(self, text: str, id: str, *authors: str) -> OutsideText:  # noqa: A002 - it is called so
        known = tuple(dict.fromkeys(each for each in authors if each))
        return OutsideText(text=text, source=f"{self._service}, file {id}", authors=known)

    def _select(self, connection: Connection, account: str, condition: str, **values: Any) -> list[I]:
        query = f"SELECT {{columns}} FROM {{files}} f WHERE f.account = :account {condition}"  # noqa: S608 - ours
        rows = self._run(connection, query, account=account, **values).mappings()
        return [_made(self._item, self._columns, row) for row in rows]

    def _run(self, connection: Connection, statement: str, **values: Any) -> CursorResult[Any]:
        """One statement, in which `{files}` and the like stand for the names of the tables."""
        return connection.execute(text(statement.format(**self._names)), values)

    def _insert(self, connection: Connection, into: str, rows: Sequence[dict[str, Any]]) -> None:
        names = list(rows[0])
        columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
        statement = f"{into.format(**self._names)} ({columns}) VALUES ({values})"
        connection.execute(text(statement), rows)


def _columns_of(kind: Callable[..., Any]) -> dict[str, bool]:
    """The fields of a class, and whether each is a truth value, which SQLite has as a number."""
    return {name: hint is bool for name, hint in get_type_hints(kind).items()}


def _made(kind: Callable[..., T], columns: dict[str, bool], row: Mapping[Any, Any]) -> T:
    return kind(**{name: bool(row[name]) if flag else row[name] for name, flag in columns.items()})


def _values(of: object, columns: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in columns}


def _split(name: str) -> str:
    """A name as words: "2026_lease-final.pdf" is found by each of its parts."""
    return f"{name} {re.sub(r'[_-]+', ' ', name)}"
