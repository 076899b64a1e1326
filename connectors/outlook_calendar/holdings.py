"""What this connector holds of its user, by kind: events and series as calendar files, what changed, notes of acts.

Of a series the mirror has its dates near today, so that these stand in its file one by one, and no rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.events import Event, MalformedError, read_event
from openassistant.formats.ics import Entry, ics
from openassistant.holdings import Thing

__all__ = ["KINDS"]

_DATES = text(
    "SELECT data FROM outlook_calendar_events WHERE calendar = :calendar AND series = :ref ORDER BY first, ref"
)


def _file(connection: Connection, row: Thing) -> bytes | None:
    """An event, or every date of a series that is here."""
    raw = json.loads(row.data)
    dates = connection.scalars(_DATES, {"calendar": row.calendar, "ref": row.own}).all()
    try:
        whole = read_event(raw)
        found = [read_event(json.loads(each), raw) for each in dates]
    except MalformedError:
        return None
    uid = whole.uid or whole.ref
    if not found:
        return ics([_entry(whole, uid)])
    same = [each for each in found if each.kind == "occurrence"]
    entries = [_entry(each, f"{uid}-{each.start:%Y%m%d}") for each in found if each.kind != "occurrence"]
    if same:
        entries.insert(0, _entry(same[0], uid)._replace(dates=[each.start for each in same[1:]]))
    return ics(entries)


def _entry(event: Event, uid: str) -> Entry:
    status = "cancelled" if event.cancelled else "tentative" if event.show == "tentative" else "confirmed"
    return Entry(
        uid=uid,
        start=event.start,
        end=event.end,
        title=event.title,
        place=event.place,
        notes=event.notes,
        organizer=event.organizer,
        guests=event.guests,
        status=status,
        busy=event.busy,
        private=event.private,
        url=event.join,
        alarms=() if event.alarm is None else (event.alarm,),
    )


def _line(connection: Connection, row: Thing) -> Mapping[str, Any]:
    data = json.loads(row.data)
    return {"calendar": row.calendar_name, "title": str(data.get("subject") or "")}


KINDS = mirror.kinds(
    _file,
    _line,
    at="coalesce((SELECT max(d.last) FROM outlook_calendar_events d WHERE d.calendar = e.calendar"
    " AND d.series = e.ref), e.last)",
)
