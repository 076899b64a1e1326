"""The mirror of an account's calendars in the user's encrypted store.

All functions run inside a transaction of `Store.read` or `Store.write`. An event's key is made of account and Graph's
own id, so it stays the same when the mirror is read anew. A date of a series is kept with its times alone: the rest is
its series', and is put together when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_calendar.events import Event, MalformedError, is_thin, read_event, trimmed
from openassistant.calendars.mirror import Change, EventTables, match_of
from openassistant.formats.moments import Window

__all__ = [
    "Found",
    "Kept",
    "KeptCalendar",
    "all_calendars",
    "begin_round",
    "between",
    "calendar_of",
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
    "kinds",
    "missing_series",
    "next_date",
    "open_calendar",
    "put_events",
    "remove",
    "step",
]

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


def _calendar(row: Mapping[str, Any]) -> KeptCalendar:
    flags = {name: bool(row[name]) for name in ("writable", "usual", "filling", "complete")}
    return KeptCalendar(**{**row, **flags, "online": tuple(json.loads(row["online"]))})


_TABLES = EventTables("outlook_calendar", _calendar, told="kind <> 'occurrence'")
all_calendars, calendars, calendar_of = _TABLES.all_calendars, _TABLES.calendars, _TABLES.calendar_of
open_calendar, drop_calendars, forget = _TABLES.open_calendar, _TABLES.drop_calendars, _TABLES.forget
count, remove, kinds = _TABLES.count, _TABLES.remove, _TABLES.kinds


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
    _TABLES.drop_changes(connection, calendar, now=seen)
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
        row = {
            "key": key, "calendar": calendar.id, "ref": event.ref, "series": event.series, "kind": event.kind,
            "first": _seconds(event.start), "last": _seconds(event.end), "data": data, "round": calendar.round,
        }  # fmt: skip
        thin = event.kind == "occurrence"
        ends = _seconds(event.end) if event.kind == "single" else None
        became = _TABLES.put(connection, row, None if thin else event, at=ends)
        if became == "same":
            continue
        keys.append(key)
        if seen is not None and not thin:
            _TABLES.note_change(connection, calendar, became, key, data, seen=seen)
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
    match = match_of(query)
    if not match:
        return []
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


def changes_since(connection: Connection, account: str, since: datetime, *, limit: int) -> list[Change[Kept]]:
    """What changed since then, newest first, each event once."""

    def kept(key: str, calendar: KeptCalendar, raw: dict[str, Any]) -> Kept:
        return Kept(key, "", calendar, read_event(raw))

    return _TABLES.changes_since(connection, account, since, kept, limit=limit)


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


def _seconds(value: Any) -> int:
    """Unix time; a day is its midnight in UTC."""
    if isinstance(value, datetime):
        return int((value - _EPOCH).total_seconds())
    return int((datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) / timedelta(seconds=1))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(account: str, ref: str) -> str:
    """The key of an event of an account."""
    return hashlib.sha256(f"{account}\n{ref}".encode()).hexdigest()[:20]
