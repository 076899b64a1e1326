"""The mirror of an account's calendars in the user's encrypted store.

All functions run inside a transaction of `Store.read` or `Store.write`. An event's key is made of account and URL, so
it stays the same when the mirror is read anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.caldav.client import Stored
from connectors.caldav.discovery import Calendar
from connectors.caldav.outlines import Outline
from openassistant.calendars.mirror import match_of
from openassistant.formats.moments import Window
from openassistant.holdings import left_out

__all__ = [
    "A_DAY",
    "Kept",
    "KeptCalendar",
    "Profile",
    "accounts",
    "calendars",
    "close_calendar",
    "counts",
    "damaged",
    "drop_calendars",
    "find",
    "forget",
    "known",
    "leave_out",
    "object_of",
    "objects_between",
    "open_calendar",
    "profile",
    "put_objects",
    "put_profile",
    "remove",
    "tasks",
    "with_guests",
    "with_uid",
]

A_DAY = 86_400
"""How much wider than itself an event is kept, on both sides, for zones."""
_COLUMNS = "o.id, o.key, o.calendar, o.url, o.etag, o.text, o.state, o.uid, c.name, c.writable, c.zone"


class Profile(NamedTuple):
    """The owner's mail addresses as the server knows them, and whether the server mails invitations itself.

    `outbox`: where it can be asked when others are free (RFC 6638, 2.1; "" for nowhere). `own`: the addresses, with
    those of the settings; `name` is the account's.
    """

    addresses: tuple[str, ...] = ()
    invites: bool = False
    outbox: str = ""
    name: str = ""
    own: tuple[str, ...] = ()


class KeptCalendar(NamedTuple):
    """A mirrored calendar; `complete` when it was read once.

    `owners`: the addresses of whom it belongs to, where that is not the user; `opaque` when it counts as busy time.
    """

    id: int
    url: str
    name: str
    writable: bool
    zone: str
    version: str
    token: str
    complete: bool
    events: bool
    tasks: bool
    owners: tuple[str, ...] = ()
    opaque: bool = True


class Kept(NamedTuple):
    """A mirrored object with its calendar's name, rights and zone."""

    id: int
    key: str
    calendar: int
    url: str
    etag: str
    text: str
    state: str
    uid: str
    calendar_name: str
    writable: bool
    zone: str


def profile(connection: Connection, account: str) -> Profile:
    """What the last sync learnt about the account."""
    row = connection.execute(
        text("SELECT addresses, invites, outbox, name, own FROM caldav_accounts WHERE account = :a"), {"a": account}
    ).one_or_none()
    if row is None:
        return Profile()
    addresses, own = tuple(json.loads(row.addresses)), tuple(json.loads(row.own))
    return Profile(addresses, bool(row.invites), row.outbox, row.name, own)


def put_profile(connection: Connection, account: str, found: Profile) -> None:
    """Keeps what a sync learnt about the account."""
    connection.execute(
        text(
            "INSERT INTO caldav_accounts (account, addresses, invites, outbox, name, own)"
            " VALUES (:account, :addresses, :invites, :outbox, :name, :own) ON CONFLICT (account) DO UPDATE"
            " SET addresses = :addresses, invites = :invites, outbox = :outbox, name = :name, own = :own"
        ),
        {
            "account": account,
            **found._asdict(),
            "addresses": json.dumps(found.addresses),
            "own": json.dumps(found.own),
        },
    )


def calendars(connection: Connection, account: str) -> list[KeptCalendar]:
    """The mirrored calendars, by name."""
    rows = connection.execute(
        text(
            "SELECT id, url, name, writable, zone, version, token, complete, events, tasks, owners, opaque"
            " FROM caldav_calendars WHERE account = :account ORDER BY name COLLATE NOCASE, url"
        ),
        {"account": account},
    )
    return [
        KeptCalendar._make(row)._replace(
            writable=bool(row.writable),
            complete=bool(row.complete),
            events=bool(row.events),
            tasks=bool(row.tasks),
            owners=tuple(json.loads(row.owners)),
            opaque=bool(row.opaque),
        )
        for row in rows
    ]


def open_calendar(connection: Connection, account: str, calendar: Calendar) -> int:
    """The id of a calendar's row, made when missing."""
    found = connection.execute(
        text(
            "INSERT INTO caldav_calendars"
            " (account, url, name, writable, zone, events, tasks, owners, opaque, version, token, complete)"
            " VALUES (:account, :url, :name, :writable, :zone, :events, :tasks, :owners, :opaque, '', '', 0)"
            " ON CONFLICT (account, url) DO UPDATE SET name = :name, writable = :writable, zone = :zone,"
            " events = :events, tasks = :tasks, owners = :owners, opaque = :opaque RETURNING id"
        ),
        {"account": account, **calendar._asdict(), "owners": json.dumps(calendar.owners)},
    )
    return int(found.scalar_one())


def close_calendar(connection: Connection, calendar: int, *, version: str, token: str) -> None:
    """Notes that the mirror of a calendar is as of this version and sync token."""
    connection.execute(
        text("UPDATE caldav_calendars SET version = :version, token = :token, complete = 1 WHERE id = :id"),
        {"id": calendar, "version": version, "token": token},
    )


def drop_calendars(connection: Connection, account: str, *, keep: Collection[str]) -> None:
    """Deletes what the mirror holds of calendars that are gone from the server."""
    for each in calendars(connection, account):
        if each.url not in keep:
            remove(connection, each.id, known(connection, each.id))
            connection.execute(text("DELETE FROM caldav_calendars WHERE id = :id"), {"id": each.id})


def known(connection: Connection, calendar: int) -> dict[str, str]:
    """The ETags of a calendar's objects that are mirrored, or are not to be, by URL."""
    one, other = (
        f"SELECT url, etag FROM {table} WHERE calendar = :c"  # noqa: S608 - ours
        for table in ("caldav_left_out", "caldav_objects")
    )
    return {row.url: row.etag for row in connection.execute(text(f"{one} UNION ALL {other}"), {"c": calendar})}


def put_objects(
    connection: Connection, account: str, calendar: int, objects: Iterable[tuple[Stored, Outline]]
) -> list[str]:
    """Writes objects, new or over older ones, and gives their keys."""
    keys = []
    spans = {kind: left_out(connection, account, f"{kind}s") for kind in ("event", "task")}
    for stored, outline in objects:
        remove(connection, calendar, [stored.url])
        if outline.kind in spans and spans[outline.kind].hold(_ends(outline)):
            _note_left_out(connection, [{"calendar": calendar, "url": stored.url, "etag": stored.etag}])
            continue
        row = {
            "key": _key(account, stored.url),
            "calendar": calendar,
            "url": stored.url,
            "etag": stored.etag,
            "body": stored.text,
            **outline._asdict(),
        }
        found = connection.execute(
            text(
                "INSERT INTO caldav_objects (key, calendar, url, etag, uid, text, first, last, state, kind, done)"
                " VALUES (:key, :calendar, :url, :etag, :uid, :body, :first, :last, :state, :kind, :done) RETURNING id"
            ),
            row,
        )
        connection.execute(
            text(
                "INSERT INTO caldav_search (rowid, title, place, people, notes)"
                " VALUES (:id, :title, :place, :people, :notes)"
            ),
            {**row, "id": found.scalar_one()},
        )
        keys.append(row["key"])
    return keys


def remove(connection: Connection, calendar: int, urls: Iterable[str]) -> None:
    """Deletes objects of a calendar from the mirror."""
    for url in urls:
        gone = connection.execute(
            text("DELETE FROM caldav_objects WHERE calendar = :calendar AND url = :url RETURNING id"),
            {"calendar": calendar, "url": url},
        ).scalar_one_or_none()
        if gone is not None:
            connection.execute(text("DELETE FROM caldav_search WHERE rowid = :id"), {"id": gone})
        left = text("DELETE FROM caldav_left_out WHERE calendar = :calendar AND url = :url")
        connection.execute(left, {"calendar": calendar, "url": url})


def leave_out(connection: Connection, ids: Sequence[int]) -> None:
    """Deletes objects that their owner does not want to be held, so that no sync asks for them again."""
    query = text("SELECT calendar, url, etag FROM caldav_objects WHERE id IN (SELECT value FROM json_each(:ids))")
    rows = [dict(row) for row in connection.execute(query, {"ids": json.dumps(list(ids))}).mappings()]
    for row in rows:
        remove(connection, row["calendar"], [row["url"]])
    _note_left_out(connection, rows)


def _note_left_out(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    statement = "INSERT OR REPLACE INTO caldav_left_out (calendar, url, etag) VALUES (:calendar, :url, :etag)"
    if rows:
        connection.execute(text(statement), rows)


def _ends(outline: Outline) -> int | None:
    """When an event is over, None where that is not plain; a task is of no time."""
    return None if outline.kind != "event" or outline.last is None else outline.last - A_DAY


def object_of(connection: Connection, account: str, key: str) -> Kept | None:
    """The object with that key."""
    found = _select(connection, account, "AND o.key = :key", {"key": key})
    return found[0] if found else None


def damaged(connection: Connection, account: str) -> int:
    """How many objects of an account cannot be read."""
    found = connection.execute(
        text(
            "SELECT count(*) FROM caldav_objects o JOIN caldav_calendars c ON c.id = o.calendar"
            " WHERE c.account = :account AND o.state = 'damaged'"
        ),
        {"account": account},
    )
    return int(found.scalar_one())


def objects_between(connection: Connection, account: str, span: Window) -> list[Kept]:
    """The objects that may have a date in a span."""
    times = {"start": int(span.start.timestamp()), "end": int(span.end.timestamp())}
    return _select(
        connection,
        account,
        "AND o.first <= :end AND (o.last IS NULL OR o.last >= :start) AND o.kind = 'event'",
        times,
    )


def tasks(connection: Connection, account: str, *, done: bool) -> list[Kept]:
    """The tasks of an account; those that are done only where they are asked for."""
    return _select(connection, account, "AND o.kind = 'task' AND (:done OR NOT o.done)", {"done": done})


def with_uid(connection: Connection, account: str, uid: str) -> list[Kept]:
    """The objects of that UID."""
    return _select(connection, account, "AND o.uid = :uid", {"uid": uid})


def with_guests(connection: Connection, account: str, since: datetime) -> list[Kept]:
    """The events not over by then to which somebody was invited."""
    condition = "AND o.kind = 'event' AND (o.last IS NULL OR o.last >= :since) AND o.text LIKE '%ATTENDEE%'"
    return _select(connection, account, condition, {"since": int(since.timestamp())})


def accounts(connection: Connection) -> list[str]:
    """The accounts that a sync has read."""
    return [row.account for row in connection.execute(text("SELECT account FROM caldav_accounts ORDER BY account"))]


def counts(connection: Connection, account: str) -> dict[int, int]:
    """How many objects each calendar holds."""
    rows = connection.execute(
        text(
            "SELECT c.id AS id, count(o.id) AS n FROM caldav_calendars c"
            " LEFT JOIN caldav_objects o ON o.calendar = c.id WHERE c.account = :account GROUP BY c.id"
        ),
        {"account": account},
    )
    return {row.id: row.n for row in rows}


def find(connection: Connection, account: str, query: str, *, limit: int, kind: str = "event") -> list[Kept]:
    """The objects that hold all words of a query (each as the beginning of a word), best first."""
    match = match_of(query)
    if not match:
        return []
    return _select(
        connection,
        account,
        "AND o.id IN (SELECT caldav_search.rowid FROM caldav_search JOIN caldav_objects x ON x.id = caldav_search.rowid"
        " JOIN caldav_calendars y ON y.id = x.calendar WHERE caldav_search MATCH :match AND y.account = :account"
        " AND x.kind = :kind"
        " ORDER BY caldav_search.rank LIMIT :limit)",
        {"match": match, "limit": limit, "kind": kind},
    )


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    drop_calendars(connection, account, keep=())
    for table in ("caldav_changes", "caldav_accounts"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": account})  # noqa: S608 - ours


def _select(connection: Connection, account: str, condition: str, values: Mapping[str, object]) -> list[Kept]:
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM caldav_objects o JOIN caldav_calendars c ON c.id = o.calendar"  # noqa: S608 - ours
            f" WHERE c.account = :account {condition} ORDER BY o.first, o.id"
        ),
        {"account": account, **values},
    ).all()
    return [Kept._make(row)._replace(writable=bool(row.writable)) for row in rows]


def _key(account: str, url: str) -> str:
    return hashlib.sha256(f"{account}\n{url}".encode()).hexdigest()[:20]
