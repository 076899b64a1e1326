"""The tables of a mirror of calendars: calendars, their events, an index over them, and what changed.

A connector makes them in a migration of its own, each named after it, with these columns beside those it needs alone:

    <id>_calendars: id INTEGER PRIMARY KEY, account, account_name, ref, name, usual, UNIQUE (account, ref)
    <id>_events: id INTEGER PRIMARY KEY, key UNIQUE, calendar, ref, series, first, last, data, round
    <id>_search: fts5(title, place, people, notes), its rowid an event's id
    <id>_changes: id INTEGER PRIMARY KEY, calendar, at, what, key, data
    <id>_notes: see `notes`

All functions run inside a transaction of `Store.read` or `Store.write`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, text

from openassistant.errors import NotFound
from openassistant.formats.guests import Person
from openassistant.holdings import Kind, Thing, left_out
from openassistant.kinds import changes, undo

__all__ = ["Change", "Described", "EventTables", "KnownCalendar", "match_of"]

_WORD = re.compile(r"\w+")
_MOST_WORDS = 20
_CHANGES_KEPT = 30 * 86_400


class KnownCalendar(Protocol):
    """A mirrored calendar."""

    @property
    def id(self) -> int:
        """That of its row."""

    @property
    def account(self) -> str:
        """The account in which it is."""

    @property
    def ref(self) -> str:
        """The service's own id of it."""

    @property
    def name(self) -> str:
        """Its name, as its owner chose it."""

    @property
    def writable(self) -> bool:
        """Whether events can be put into it."""


class Described(Protocol):
    """What people wrote into an event."""

    @property
    def title(self) -> str:
        """In one line."""

    @property
    def place(self) -> str:
        """Where it takes place."""

    @property
    def notes(self) -> str:
        """Plain text."""

    @property
    def organizer(self) -> Person | None:
        """Who invites, where that is said."""

    @property
    def guests(self) -> tuple[Person, ...]:
        """Who is invited."""


C = TypeVar("C", bound=KnownCalendar)
K = TypeVar("K")


class Change(NamedTuple, Generic[K]):
    """What became of an event (new, changed, gone), and when that was seen."""

    what: str
    at: datetime
    kept: K


class EventTables(Generic[C]):
    """The tables of one connector in a user's file.

    `read` makes a calendar of a row. `told` is the condition on an event's row under which its removal is a change.
    Names of tables and columns stand in code, never in what comes from outside.
    """

    def __init__(self, connector: str, read: Callable[[Mapping[str, Any]], C], *, told: str) -> None:
        assert connector.isidentifier(), "a part of the names of tables"
        self._connector, self._read, self._told = connector, read, told

    def all_calendars(self, connection: Connection) -> list[C]:
        """The mirrored calendars of all accounts, the usual one of each first."""
        order = "account, usual DESC, name COLLATE NOCASE, ref"
        rows = self._run(connection, f"SELECT * FROM {{}}_calendars ORDER BY {order}")  # noqa: S608 - ours
        return [self._read(dict(row)) for row in rows.mappings()]

    def calendars(self, connection: Connection, account: str) -> list[C]:
        """The mirrored calendars of an account."""
        return [each for each in self.all_calendars(connection) if each.account == account]

    def calendar_of(self, connection: Connection, account: str, ref: str) -> C:
        """A calendar by the service's id; raises `NotFound`."""
        found = next((each for each in self.calendars(connection, account) if each.ref == ref), None)
        if found is None:
            raise NotFound("That calendar is not there any more.")
        return found

    def open_calendar(self, connection: Connection, account: str, name: str, found: NamedTuple) -> int:
        """The id of a calendar's row, made when missing; what is a tuple in `found` is kept as JSON."""
        given = {
            column: json.dumps(each) if isinstance(each, tuple) else each for column, each in found._asdict().items()
        }
        row = {"account": account, "account_name": name, **given}
        return self._put(connection, "calendars", row, unique="account, ref")

    def drop_calendars(self, connection: Connection, account: str, *, keep: Collection[str]) -> None:
        """Deletes what the mirror holds of calendars that are gone."""
        for each in self.calendars(connection, account):
            if each.ref not in keep:
                rows = self._run(connection, "SELECT ref FROM {}_events WHERE calendar = :c", c=each.id)
                self.remove(connection, each, [row.ref for row in rows], seen=None)
                self._run(connection, "DELETE FROM {}_changes WHERE calendar = :c", c=each.id)
                self._run(connection, "DELETE FROM {}_calendars WHERE id = :c", c=each.id)

    def forget(self, connection: Connection, account: str) -> None:
        """Deletes everything that the mirror holds of an account."""
        self.drop_calendars(connection, account, keep=())
        self._run(connection, "DELETE FROM {}_notes WHERE account = :account", account=account)

    def put(
        self, connection: Connection, row: Mapping[str, Any], words: Described | None, *, at: int | None
    ) -> Literal["new", "changed", "same"]:
        """Writes an event over what has its key, and what can be searched in it (None: nothing); says what that was.

        `at` is when it is over, None for a part of a series: what was forgotten of that time is left out.
        """
        if at is not None and self._left_out(connection, row["calendar"], at):
            return "same"
        before = self._run(connection, "SELECT data FROM {}_events WHERE key = :key", key=row["key"]).scalar()
        found = self._put(connection, "events", row, unique="key")
        if before == row["data"]:
            return "same"
        self._index(connection, found, words)
        return "new" if before is None else "changed"

    def remove(self, connection: Connection, calendar: C, refs: Iterable[str], *, seen: datetime | None) -> list[str]:
        """Deletes events of a calendar, with a series its dates; gives their keys. With `seen` that is a change."""
        query = (
            "DELETE FROM {}_events WHERE calendar = :calendar AND (ref = :ref OR series = :ref)"  # noqa: S608 - ours
            f" RETURNING id, key, data, {self._told} AS told"
        )
        keys = []
        for ref in refs:
            for row in self._run(connection, query, calendar=calendar.id, ref=ref).all():
                keys.append(row.key)
                self._run(connection, "DELETE FROM {}_search WHERE rowid = :id", id=row.id)
                if seen is not None and row.told:
                    self.note_change(connection, calendar, "gone", row.key, row.data, seen=seen)
        return keys

    def drop(self, connection: Connection, ids: Sequence[int]) -> None:
        """Deletes events by the ids of their rows, with a series its dates."""
        query = "SELECT calendar, ref FROM {}_events WHERE id IN (SELECT value FROM json_each(:ids))"
        known = {each.id: each for each in self.all_calendars(connection)}
        for row in self._run(connection, query, ids=json.dumps(list(ids))).all():
            self.remove(connection, known[row.calendar], [row.ref], seen=None)

    def kinds(
        self,
        file: Callable[[Connection, Thing], bytes | None],
        line: Callable[[Connection, Thing], Mapping[str, Any]],
        *,
        at: str,
    ) -> tuple[Kind, ...]:
        """What is held, by kind: events and series as files, what changed in them, and how they were before acts.

        `at` says in SQL when an event `e` is over.
        """
        own, of = self._connector, f"JOIN {self._connector}_calendars k ON k.id"
        master = f"SELECT 1 FROM {own}_events m WHERE m.calendar = e.calendar AND m.ref = e.series"  # noqa: S608 - ours
        events = Kind(
            "events",
            rows=f"SELECT e.id AS key, k.account AS account, {at} AS at, e.ref || ' ' || k.ref AS ref, e.ref AS own,"  # noqa: S608 - ours
            f" e.calendar, e.data, k.name AS calendar_name FROM {own}_events e {of} = e.calendar"
            f" WHERE e.series = '' OR NOT EXISTS ({master})",
            drop=self.drop,
            file=file,
            suffix=".ics",
            line=line,
        )
        seen = changes(
            f"{own}_changes", key="id", at="t.at", names=("what", "key"), packed=("data",), of=f"{of} = t.calendar"
        )
        notes = undo(f"{own}_notes", at="made", names=("calendar", "ref"))
        return events, seen, notes

    def _left_out(self, connection: Connection, calendar: int, at: int) -> bool:
        query = "SELECT account FROM {}_calendars WHERE id = :id"
        account = str(self._run(connection, query, id=calendar).scalar_one())
        return left_out(connection, account, "events").hold(at)

    def count(self, connection: Connection, calendar: int) -> int:
        """How many events and series a calendar holds in the mirror."""
        query = "SELECT count(*) FROM {}_events WHERE calendar = :c AND series = ''"
        return int(self._run(connection, query, c=calendar).scalar_one())

    def note_change(
        self, connection: Connection, calendar: C, what: str, key: str, data: str, *, seen: datetime
    ) -> None:
        """Notes what became of an event."""
        query = "INSERT INTO {}_changes (calendar, at, what, key, data) VALUES (:calendar, :at, :what, :key, :data)"
        self._run(connection, query, calendar=calendar.id, at=int(seen.timestamp()), what=what, key=key, data=data)

    def drop_changes(self, connection: Connection, calendar: C, *, now: datetime) -> None:
        """Deletes changes that are older than those that are told."""
        query = "DELETE FROM {}_changes WHERE calendar = :c AND at < :before"
        self._run(connection, query, c=calendar.id, before=int(now.timestamp()) - _CHANGES_KEPT)

    def changes_since(
        self,
        connection: Connection,
        account: str,
        since: datetime,
        kept: Callable[[str, C, dict[str, Any]], K],
        *,
        limit: int,
    ) -> list[Change[K]]:
        """What changed since then, newest first, each event once; `kept` is given its key, calendar and data."""
        known = {each.id: each for each in self.calendars(connection, account)}
        rows = self._run(
            connection,
            "SELECT c.what, c.at, c.key, c.data, c.calendar FROM {0}_changes c"
            " JOIN {0}_calendars k ON k.id = c.calendar WHERE k.account = :account AND c.at >= :since"
            " AND c.id IN (SELECT max(id) FROM {0}_changes GROUP BY key) ORDER BY c.id DESC LIMIT :limit",
            account=account,
            since=int(since.timestamp()),
            limit=limit,
        )
        return [
            Change(
                row.what,
                datetime.fromtimestamp(row.at, UTC),
                kept(row.key, known[row.calendar], json.loads(row.data)),
            )
            for row in rows
        ]

    def _index(self, connection: Connection, row: int, words: Described | None) -> None:
        self._run(connection, "DELETE FROM {}_search WHERE rowid = :id", id=row)
        if words is None:
            return
        people = [*words.guests, *([words.organizer] if words.organizer else [])]
        self._run(
            connection,
            "INSERT INTO {}_search (rowid, title, place, people, notes) VALUES (:id, :title, :place, :people, :notes)",
            id=row,
            title=words.title,
            place=words.place,
            people=" ".join(each.shown for each in people),
            notes=words.notes,
        )

    def _put(self, connection: Connection, table: str, row: Mapping[str, Any], *, unique: str) -> int:
        query = (
            f"INSERT INTO {{}}_{table} ({', '.join(row)}) VALUES ({', '.join(f':{each}' for each in row)})"  # noqa: S608 - ours
            f" ON CONFLICT ({unique}) DO UPDATE SET {', '.join(f'{each} = :{each}' for each in row)} RETURNING id"
        )
        return int(self._run(connection, query, **row).scalar_one())

    def _run(self, connection: Connection, query: str, **values: Any) -> CursorResult[Any]:
        """Runs a query in which the connector's name is left out of the tables'."""
        return connection.execute(text(query.format(self._connector)), values)


def match_of(query: str) -> str:
    """What an index is asked for: all words of a query, each as the beginning of one; "" where it has none."""
    return " AND ".join(f'"{word}"*' for word in _WORD.findall(query)[:_MOST_WORDS])
