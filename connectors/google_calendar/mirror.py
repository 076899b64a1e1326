"""The mirror of an account's calendars in the user's encrypted store.

All functions run inside a transaction of `Store.read` or `Store.write`. An event's key is made of account, calendar and
Google's own id, so it stays the same when the mirror is read anew. Dates of a series that differ from it are rows of
their own; the others are followed from the series when they are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.google_calendar.events import Event, MalformedError, read_event, trimmed
from connectors.google_calendar.series import spread_of
from openassistant.calendars.mirror import Change, EventTables, match_of
from openassistant.errors import InvalidRequest
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
    "drop_calendars",
    "event_of",
    "find",
    "forget",
    "invitations",
    "key_of",
    "kinds",
    "open_calendar",
    "put_events",
    "put_series",
    "remove",
    "step",
]


class Found(NamedTuple):
    """A calendar as Google lists it; `role` is what the account may do there."""

    ref: str
    name: str
    zone: str
    role: str
    usual: bool


class KeptCalendar(NamedTuple):
    """A mirrored calendar: where its list of changes goes on, at which page a reading of all stopped (and when)."""

    id: int
    account: str
    account_name: str
    ref: str
    name: str
    zone: str
    role: str
    usual: bool
    token: str
    page: str
    page_at: int
    round: int
    complete: bool

    @property
    def writable(self) -> bool:
        """Whether events can be created in it."""
        return self.role in ("owner", "writer")

    @property
    def readable(self) -> bool:
        """Whether it tells more than busy times."""
        return self.role in ("owner", "writer", "reader")


class Kept(NamedTuple):
    """A mirrored event with its calendar, Google's words for it, and the dates of it that differ."""

    key: str
    calendar: KeptCalendar
    event: Event
    raw: dict[str, Any]
    singles: tuple[Event, ...] = ()


def _calendar(row: Mapping[str, Any]) -> KeptCalendar:
    return KeptCalendar(**{**row, "usual": bool(row["usual"]), "complete": bool(row["complete"])})


_TABLES = EventTables("google_calendar", _calendar, told="series = ''")
all_calendars, calendars, calendar_of = _TABLES.all_calendars, _TABLES.calendars, _TABLES.calendar_of
open_calendar, drop_calendars, forget = _TABLES.open_calendar, _TABLES.drop_calendars, _TABLES.forget
count, remove, kinds = _TABLES.count, _TABLES.remove, _TABLES.kinds
_A_DAY = 86_400
"""How much wider than itself an event's span is kept, on both sides, for zones."""


def begin_round(connection: Connection, calendar: int) -> None:
    """Everything is read anew; what that does not name is removed at its end."""
    connection.execute(
        text(
            "UPDATE google_calendar_calendars SET token = '', page = '', page_at = 0, round = round + 1 WHERE id = :id"
        ),
        {"id": calendar},
    )


def step(connection: Connection, calendar: int, page: str, *, at: datetime) -> None:
    """At which page a reading of everything goes on."""
    connection.execute(
        text("UPDATE google_calendar_calendars SET page = :page, page_at = :at WHERE id = :id"),
        {"id": calendar, "page": page, "at": int(at.timestamp())},
    )


def close_round(
    connection: Connection, calendar: KeptCalendar, token: str, *, whole: bool, now: datetime, seen: datetime | None
) -> list[str]:
    """A pass came to its end. After one over everything, what it did not name is gone. Gives those keys."""
    keys: list[str] = []
    if whole:
        rows = connection.execute(
            text(
                "SELECT e.ref FROM google_calendar_events e JOIN google_calendar_calendars c ON c.id = e.calendar"
                " WHERE c.id = :id AND e.round < c.round"
            ),
            {"id": calendar.id},
        )
        keys = remove(connection, calendar, [row.ref for row in rows], seen=seen)
    connection.execute(
        text(
            "UPDATE google_calendar_calendars SET token = :token, page = '', page_at = 0, complete = 1 WHERE id = :id"
        ),
        {"id": calendar.id, "token": token},
    )
    _TABLES.drop_changes(connection, calendar, now=now)
    return keys


def put_events(
    connection: Connection,
    calendar: KeptCalendar,
    raw: Iterable[Mapping[str, Any]],
    *,
    now: datetime,
    seen: datetime | None = None,
) -> list[str]:
    """Takes events as Google gave them, new, changed or gone; gives the keys of what is not as before.

    What is no event is left out. With `seen` they are noted as changes at that time.
    """
    turn = connection.execute(
        text("SELECT round FROM google_calendar_calendars WHERE id = :id"), {"id": calendar.id}
    ).scalar_one()
    keys: list[str] = []
    for each in raw:
        if each.get("status") == "cancelled" and not each.get("recurringEventId"):
            keys += remove(connection, calendar, [str(each.get("id"))], seen=seen)
            continue
        kept = trimmed(each)
        try:
            event = read_event(kept, calendar.ref)
            first, last = spread_of(event, now)
        except (MalformedError, InvalidRequest):
            continue
        data, key = json.dumps(kept, sort_keys=True), key_of(calendar, event.ref)
        row = {
            "key": key, "calendar": calendar.id, "ref": event.ref, "series": event.series, "first": first, "last": last,
            "invited": event.answer not in ("own", "none"), "data": data, "round": turn,
        }  # fmt: skip
        called_off = event.status == "cancelled"
        ends = None if event.series or last is None else last - _A_DAY
        became = _TABLES.put(connection, row, None if called_off else event, at=ends)
        if became == "same":
            continue
        keys.append(key)
        if seen is not None:
            what = "gone" if called_off else "changed" if event.series else became
            _TABLES.note_change(connection, calendar, what, key, data, seen=seen)
    return keys


def put_series(
    connection: Connection, calendar: KeptCalendar, series: str, raw: Iterable[Mapping[str, Any]], *, now: datetime
) -> None:
    """Takes a series as Google gave it, with exactly those dates that differ from it."""
    listed = list(raw)
    there = {str(each.get("id")) for each in listed}
    rows = connection.execute(
        text("SELECT ref FROM google_calendar_events WHERE calendar = :c AND (series = :s OR ref = :s)"),
        {"c": calendar.id, "s": series},
    )
    remove(connection, calendar, [row.ref for row in rows if row.ref not in there], seen=None)
    put_events(connection, calendar, listed, now=now)


def event_of(connection: Connection, account: str, key: str) -> Kept | None:
    """The event with that key."""
    found = _select(connection, account, "e.key = :key", {"key": key})
    return found[0] if found else None


def between(connection: Connection, account: str, span: Window) -> list[Kept]:
    """The events that may have a date in a span."""
    values = {"start": int(span.start.timestamp()) - 86_400, "end": int(span.end.timestamp()) + 86_400}
    return _select(connection, account, f"{_WHOLE} AND e.first < :end AND (e.last IS NULL OR e.last > :start)", values)


def find(connection: Connection, account: str, query: str, *, limit: int) -> list[Kept]:
    """The events and series that hold all words of a query (each as the beginning of a word), best first."""
    match = match_of(query)
    if not match:
        return []
    rows = connection.execute(
        text(
            "SELECT coalesce(m.key, e.key) AS key FROM google_calendar_search s"
            " JOIN google_calendar_events e ON e.id = s.rowid JOIN google_calendar_calendars c ON c.id = e.calendar"
            " LEFT JOIN google_calendar_events m ON m.calendar = e.calendar AND m.ref = e.series AND e.series <> ''"
            " WHERE google_calendar_search MATCH :match AND c.account = :account ORDER BY s.rank LIMIT :limit"
        ),
        {"match": match, "account": account, "limit": limit},
    )
    keys = dict.fromkeys(row.key for row in rows)
    found = ((event_of(connection, account, key)) for key in keys)
    return [each for each in found if each is not None]


def invitations(connection: Connection, account: str, now: datetime) -> list[Kept]:
    """What others organise and is not over: events, series, and the dates of series that differ."""
    condition = "e.invited AND (e.last IS NULL OR e.last > :now)"
    return _select(connection, account, condition, {"now": int(now.timestamp())})


def changes_since(connection: Connection, account: str, since: datetime, *, limit: int) -> list[Change[Kept]]:
    """What changed since then, newest first, each event once."""

    def kept(key: str, calendar: KeptCalendar, raw: dict[str, Any]) -> Kept:
        return Kept(key, calendar, read_event(raw, calendar.ref), raw)

    return _TABLES.changes_since(connection, account, since, kept, limit=limit)


def key_of(calendar: KeptCalendar, ref: str) -> str:
    """The key of an event of a calendar."""
    return hashlib.sha256(f"{calendar.account}\n{calendar.ref}\n{ref}".encode()).hexdigest()[:20]


_WHOLE = (
    "(e.series = '' OR NOT EXISTS (SELECT 1 FROM google_calendar_events m"
    " WHERE m.calendar = e.calendar AND m.ref = e.series))"
)
"""What is shown by itself: no date of a series that is here, too."""


def _select(connection: Connection, account: str, condition: str, values: Mapping[str, object]) -> list[Kept]:
    known = {each.id: each for each in calendars(connection, account)}
    rows = connection.execute(
        text(
            "SELECT e.key, e.calendar, e.ref, e.data FROM google_calendar_events e"  # noqa: S608 - ours
            " JOIN google_calendar_calendars c ON c.id = e.calendar"
            f" WHERE c.account = :account AND {condition} ORDER BY e.first, e.id"
        ),
        {"account": account, **values},
    ).all()
    found = []
    for row in rows:
        calendar, raw = known[row.calendar], json.loads(row.data)
        event = read_event(raw, calendar.ref)
        singles = _singles(connection, calendar, row.ref) if event.recurrence else ()
        found.append(Kept(row.key, calendar, event, raw, singles))
    return found


def _singles(connection: Connection, calendar: KeptCalendar, series: str) -> tuple[Event, ...]:
    rows = connection.execute(
        text("SELECT data FROM google_calendar_events WHERE calendar = :c AND series = :s"),
        {"c": calendar.id, "s": series},
    )
    return tuple(read_event(json.loads(row.data), calendar.ref) for row in rows)
