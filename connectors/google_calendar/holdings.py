"""What this connector holds of its user, by kind: events and series as calendar files, what changed, notes of acts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from icalendar import Calendar
from sqlalchemy import Connection, text

from connectors.google_calendar import mirror
from connectors.google_calendar.events import Event, MalformedError, read_event
from openassistant.formats.ics import Entry, ics
from openassistant.holdings import Thing

__all__ = ["KINDS"]

_PARTS = text("SELECT data FROM google_calendar_events WHERE calendar = :calendar AND series = :ref ORDER BY ref")


def _file(connection: Connection, row: Thing) -> bytes | None:
    """An event, or a series with those of its dates that differ, and with the zones in which it repeats."""
    dates = connection.scalars(_PARTS, {"calendar": row.calendar, "ref": row.own})
    entries = []
    for data in (row.data, *dates):
        try:
            entries.append(_entry(read_event(json.loads(data))))
        except MalformedError:
            continue
    if not entries:
        return None
    written = ics(entries)
    if not any(each.zone and (each.rules or each.original) for each in entries):
        return written
    calendar = Calendar.from_ical(written)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _entry(event: Event) -> Entry:
    return Entry(
        uid=event.uid or event.ref,
        start=event.start,
        end=event.end,
        title=event.title,
        place=event.place,
        notes=event.notes,
        organizer=event.organizer,
        guests=event.guests,
        status=event.status,
        busy=event.busy,
        private=event.private,
        rules=[each for each in event.recurrence if each.isprintable()],
        original=event.original if event.series else None,
        zone=event.zone,
        url=event.join,
        alarms=event.alarms or (),
    )


def _line(connection: Connection, row: Thing) -> Mapping[str, Any]:
    data = json.loads(row.data)
    return {"calendar": row.calendar_name, "title": str(data.get("summary") or "")}


KINDS = mirror.kinds(_file, _line, at="e.last - 86400")
