"""The mirror of an account's calendars in the user's encrypted store.

All functions run inside a transaction of `Store.read` or `Store.write`. An event's key is made of account and Graph's
own id, so it stays the same when the mirror is read anew. A date of a series is kept with its times alone: the rest is
its series', and is put together when it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_calendar.events import Event, MalformedError, is_thin, read_event, trimmed
from openassistant.formats.moments import Window

__all__ = [
    "Change",
    "Found",
    "Kept",
    "KeptCalendar",
    "all_calendars",
    "begin_round",
    "between",
    "calendars",
    "changes_since",
    "close_round",
    "count",
    "dates_of",
    "drop_calendars",
    "event_of",
    "find",
    "forget",
    "invitations",
    "keep_dates",
    "key_of",
    "missing_series",
    "next_date",
    "open_calendar",
    "put_events",
    "remove",
    "step",
]

_WORD = re.compile(r"\w+")
_MOST_WORDS = 20
_CHANGES_KEPT = 30 * 86_400
_OWN = ("id", "@odata.etag", "changeKey", "type", "seriesMasterId", "start", "end")


class Found(NamedTuple):
    """A calendar as Graph lists it; `online` are the providers of its online meetings, the usual one first."""

    ref: str
    name: str
    writable: bool
    usual: bool
    owner: str
    online: tuple[str, ...] = ()


class KeptCalendar(NamedTuple):
    """A mirrored calendar: the span that is mirrored (seconds), where its delta goes on, whether it was read once."""

    id: int
    account: str
    account_name: str
    ref: str
    name: str
    writable: bool
    usual: bool
    owner: str
    online: tuple[str, ...]
    first: int
    last: int
    link: str
    round: int
    filling: bool
    complete: bool


class Kept(NamedTuple):
    """A mirrored event with its calendar; `series` is the key of its series ("" for none)."""

    key: str
    series: str
    calendar: KeptCalendar
    event: Event


class Change(NamedTuple):
    """What became of an event (new, changed, gone), and when that was seen."""

    what: str
    at: datetime
    kept: Kept


def all_calendars(connection: Connection) -> list[KeptCalendar]:
    """The mirrored calendars of all accounts, the usual one of each first."""
    rows = connection.execute(
        text("SELECT * FROM outlook_calendar_calendars ORDER BY account, usual DESC, name COLLATE NOCASE, ref")
    ).mappings()
    flags = ("writable", "usual", "filling", "complete")
    return [
        KeptCalendar(**{**row, **{name: bool(row[name]) for name in flags}, "online": tuple(json.loads(row["online"]))})
        for row in rows
    ]


def calendars(connection: Connection, account: str) -> list[KeptCalendar]:
    """The mirrored calendars of an account."""
    return [each for each in all_calendars(connection) if each.account == account]


def open_calendar(connection: Connection, account: str, name: str, found: Found) -> int:
    """The id of a calendar's row, made when missing."""
    row = connection.execute(
        text(
            "INSERT INTO outlook_calendar_calendars (account, account_name, ref, name, writable, usual, owner, online)"
            " VALUES (:account, :account_name, :ref, :name, :writable, :usual, :owner, :online)"
            " ON CONFLICT (account, ref) DO UPDATE SET account_name = :account_name, name = :name,"
            " writable = :writable, usual = :usual, owner = :owner, online = :online RETURNING id"
        ),
        {"account": account, "account_name": name, **found._asdict(), "online": json.dumps(found.online)},
    )
    return int(row.scalar_one())


def drop_calendars(connection: Connection, account: str, *, keep: Collection[str]) -> None:
    """Deletes what the mirror holds of calendars that are gone."""
    for each in calendars(connection, account):
        if each.ref not in keep:
            rows = connection.execute(
                text("SELECT ref FROM outlook_calendar_events WHERE calendar = :c"), {"c": each.id}
            )
            remove(connection, each, [row.ref for row in rows], seen=None)
            connection.execute(text("DELETE FROM outlook_calendar_changes WHERE calendar = :c"), {"c": each.id})
            connection.execute(text("DELETE FROM outlook_calendar_calendars WHERE id = :c"), {"c": each.id})


def begin_round(connection: Connection, calendar: int, span: Window) -> None:
    """A new delta over a span begins; what it does not name is removed at its end."""
    connection.execute(
        text(
            "UPDATE outlook_calendar_calendars SET first = :first, last = :last, link = '', round = round + 1,"
            " filling = 1 WHERE id = :id"
        ),
        {"id": calendar, "first": _seconds(span.start), "last": _seconds(span.end)},
    )


def step(connection: Connection, calendar: int, link: str) -> None:
    """Where a delta goes on."""
    connection.execute(
        text("UPDATE outlook_calendar_calendars SET link = :link WHERE id = :id"), {"id": calendar, "link": link}
    )


def close_round(connection: Connection, calendar: KeptCalendar, *, seen: datetime) -> list[str]:
    """A delta came to its end: what a first pass over a span did not name is gone. Gives those keys."""
    rows = connection.execute(
        text("SELECT ref FROM outlook_calendar_events WHERE calendar = :id AND round < :round"),
        {"id": calendar.id, "round": calendar.round if calendar.filling else 0},
    )
    gone = [row.ref for row in rows]
    keys = remove(connection, calendar, gone, seen=None)
    connection.execute(
        text("UPDATE outlook_calendar_calendars SET complete = 1, filling = 0 WHERE id = :id"), {"id": calendar.id}
    )
    connection.execute(
        text("DELETE FROM outlook_calendar_changes WHERE calendar = :id AND at < :before"),
        {"id": calendar.id, "before": _seconds(seen) - _CHANGES_KEPT},
    )
    return keys


def put_events(
    connection: Connection, calendar: KeptCalendar, raw: Iterable[Mapping[str, Any]], *, seen: datetime | None
) -> list[str]:
    """Writes events, new or over older ones, and gives the keys of what is new or changed; what is none is left out.

    With `seen` they are noted as changes at that time.
    """
    keys = []
    for each in raw:
        kept = {name: each[name] for name in _OWN if name in each} if is_thin(each) else trimmed(each)
        try:
            event = read_event(kept)
        except MalformedError:
            continue
        data, key = json.dumps(kept, sort_keys=True), key_of(calendar.account, event.ref)
        before = connection.execute(
            text("SELECT id, data FROM outlook_calendar_events WHERE key = :key"), {"key": key}
        ).one_or_none()
        row = {
            "key": key, "calendar": calendar.id, "ref": event.ref, "series": event.series, "kind": event.kind,
            "first": _seconds(event.start), "last": _seconds(event.end), "data": data, "round": calendar.round,
        }  # fmt: skip
        found = connection.execute(
            text(
                "INSERT INTO outlook_calendar_events (key, calendar, ref, series, kind, first, last, data, round)"
                " VALUES (:key, :calendar, :ref, :series, :kind, :first, :last, :data, :round)"
                " ON CONFLICT (key) DO UPDATE SET calendar = :calendar, series = :series, kind = :kind,"
                " first = :first, last = :last, data = :data, round = :round RETURNING id"
            ),
            row,
        ).scalar_one()
        if before is not None and before.data == data:
            continue
        keys.append(key)
        _index(connection, int(found), event)
        if seen is not None and event.kind != "occurrence":
            _note(connection, calendar.id, seen, "changed" if before else "new", key, data)
    return keys


def remove(connection: Connection, calendar: KeptCalendar, refs: Iterable[str], *, seen: datetime | None) -> list[str]:
    """Deletes events of a calendar, with a series its dates; gives their keys."""
    keys = []
    for ref in refs:
        rows = connection.execute(
            text(
                "DELETE FROM outlook_calendar_events WHERE calendar = :calendar AND (ref = :ref OR series = :ref)"
                " RETURNING id, key, kind, data"
            ),
            {"calendar": calendar.id, "ref": ref},
        ).all()
        for row in rows:
            keys.append(row.key)
            connection.execute(text("DELETE FROM outlook_calendar_search WHERE rowid = :id"), {"id": row.id})
            if seen is not None and row.kind != "occurrence":
                _note(connection, calendar.id, seen, "gone", row.key, row.data)
    return keys


def keep_dates(connection: Connection, calendar: KeptCalendar, series: str, refs: Collection[str]) -> None:
    """Deletes the dates of a series that are not among these."""
    rows = connection.execute(
        text("SELECT ref FROM outlook_calendar_events WHERE calendar = :c AND series = :s"),
        {"c": calendar.id, "s": series},
    )
    remove(connection, calendar, [row.ref for row in rows if row.ref not in refs], seen=None)


def missing_series(connection: Connection, calendar: int) -> list[str]:
    """The series of which there are dates but not the series itself."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT series FROM outlook_calendar_events e WHERE calendar = :c AND series <> '' AND NOT EXISTS"
            " (SELECT 1 FROM outlook_calendar_events m WHERE m.calendar = e.calendar AND m.ref = e.series) LIMIT 500"
        ),
        {"c": calendar},
    )
    return [row.series for row in rows]


def event_of(connection: Connection, account: str, key: str) -> Kept | None:
    """The event with that key."""
    found = _select(connection, account, "e.key = :key", {"key": key})
    return found[0] if found else None


def between(connection: Connection, account: str, span: Window) -> list[Kept]:
    """The dates that touch a span; those of days a day wider on both sides, for zones."""
    values = {"start": _seconds(span.start) - 86_400, "end": _seconds(span.end) + 86_400}
    return _select(connection, account, "e.kind <> 'master' AND e.first < :end AND e.last > :start", values)


def dates_of(connection: Connection, account: str, series: str) -> list[Kept]:
    """The dates of a series, by its key."""
    condition = "e.series = (SELECT ref FROM outlook_calendar_events WHERE key = :key) AND e.series <> ''"
    return _select(connection, account, condition, {"key": series})


def next_date(connection: Connection, account: str, series: str, now: datetime) -> Kept | None:
    """The first date of a series that is not over, else its last one."""
    found = dates_of(connection, account, series)
    coming = [each for each in found if _seconds(each.event.end) > _seconds(now)]
    return coming[0] if coming else found[-1] if found else None


def find(connection: Connection, account: str, query: str, *, limit: int) -> list[Kept]:
    """The events and series that hold all words of a query (each as the beginning of a word), best first."""
    words = _WORD.findall(query)[:_MOST_WORDS]
    if not words:
        return []
    match = " AND ".join(f'"{word}"*' for word in words)
    condition = (
        "e.id IN (SELECT s.rowid FROM outlook_calendar_search s JOIN outlook_calendar_events x ON x.id = s.rowid"
        " JOIN outlook_calendar_calendars y ON y.id = x.calendar WHERE outlook_calendar_search MATCH :match"
        " AND y.account = :account ORDER BY s.rank LIMIT :limit)"
    )
    return _select(connection, account, condition, {"match": match, "limit": limit})


def invitations(connection: Connection, account: str, now: datetime) -> list[Kept]:
    """What others organise and is not over: events, series, and the dates of series that differ."""
    condition = (
        "e.kind <> 'occurrence' AND e.data LIKE '%\"isOrganizer\": false%' AND (e.last > :now OR EXISTS"
        " (SELECT 1 FROM outlook_calendar_events d WHERE d.series = e.ref AND d.last > :now))"
    )
    return _select(connection, account, condition, {"now": _seconds(now)})


def count(connection: Connection, calendar: int) -> int:
    """How many events and series a calendar holds in the mirror."""
    found = connection.execute(
        text("SELECT count(*) FROM outlook_calendar_events WHERE calendar = :c AND kind IN ('single', 'master')"),
        {"c": calendar},
    )
    return int(found.scalar_one())


def changes_since(connection: Connection, account: str, since: datetime, *, limit: int) -> list[Change]:
    """What changed since then, newest first, each event once."""
    known = {each.id: each for each in calendars(connection, account)}
    rows = connection.execute(
        text(
            "SELECT c.what, c.at, c.key, c.data, c.calendar FROM outlook_calendar_changes c"
            " JOIN outlook_calendar_calendars k ON k.id = c.calendar WHERE k.account = :account AND c.at >= :since"
            " AND c.id IN (SELECT max(id) FROM outlook_calendar_changes GROUP BY key) ORDER BY c.id DESC LIMIT :limit"
        ),
        {"account": account, "since": _seconds(since), "limit": limit},
    )
    return [
        Change(
            row.what,
            datetime.fromtimestamp(row.at, UTC),
            Kept(row.key, "", known[row.calendar], read_event(json.loads(row.data))),
        )
        for row in rows
    ]


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    drop_calendars(connection, account, keep=())
    connection.execute(text("DELETE FROM outlook_calendar_notes WHERE account = :a"), {"a": account})


def _select(connection: Connection, account: str, condition: str, values: Mapping[str, object]) -> list[Kept]:
    known = {each.id: each for each in calendars(connection, account)}
    rows = connection.execute(
        text(
            "SELECT e.key, e.calendar, e.data, m.data AS series, m.key AS series_key FROM outlook_calendar_events e"  # noqa: S608 - ours
            " JOIN outlook_calendar_calendars c ON c.id = e.calendar LEFT JOIN outlook_calendar_events m"
            " ON m.calendar = e.calendar AND m.ref = e.series AND e.series <> ''"
            f" WHERE c.account = :account AND {condition} ORDER BY e.first, e.id"
        ),
        {"account": account, **values},
    )
    found = []
    for row in rows:
        series = json.loads(row.series) if row.series else None
        event = read_event(json.loads(row.data), series)
        found.append(Kept(row.key, row.series_key or "", known[row.calendar], event))
    return found


def _index(connection: Connection, row: int, event: Event) -> None:
    connection.execute(text("DELETE FROM outlook_calendar_search WHERE rowid = :id"), {"id": row})
    if event.kind == "occurrence":
        return
    people = [*event.guests, *([event.organizer] if event.organizer else [])]
    connection.execute(
        text(
            "INSERT INTO outlook_calendar_search (rowid, title, place, people, notes)"
            " VALUES (:id, :title, :place, :people, :notes)"
        ),
        {
            "id": row,
            "title": event.title,
            "place": event.place,
            "people": " ".join(each.shown for each in people),
            "notes": event.notes,
        },
    )


def _note(connection: Connection, calendar: int, seen: datetime, what: str, key: str, data: str) -> None:
    connection.execute(
        text(
            "INSERT INTO outlook_calendar_changes (calendar, at, what, key, data)"
            " VALUES (:calendar, :at, :what, :key, :data)"
        ),
        {"calendar": calendar, "at": _seconds(seen), "what": what, "key": key, "data": data},
    )


def _seconds(value: Any) -> int:
    """Unix time; a day is its midnight in UTC."""
    if isinstance(value, datetime):
        return int((value - _EPOCH).total_seconds())
    return int((datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) / timedelta(seconds=1))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(account: str, ref: str) -> str:
    """The key of an event of an account."""
    return hashlib.sha256(f"{account}\n{ref}".encode()).hexdigest()[:20]
