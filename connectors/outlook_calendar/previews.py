"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Unpack
from zoneinfo import ZoneInfo

from connectors.outlook_calendar.drafts import Changes, Chosen, Draft
from connectors.outlook_calendar.events import Event
from connectors.outlook_calendar.recurrence import rule_shown
from connectors.outlook_calendar.views import source_of
from openassistant.calendars.previews import EXTENTS, Rest, event_preview, preview_change, preview_creation
from openassistant.connector import Preview
from openassistant.formats.guests import Person
from openassistant.formats.moments import in_zone, span_shown
from openassistant.formats.repeats import repeat_shown

__all__ = ["preview_changed", "preview_new", "preview_of"]


def preview_new(draft: Draft, account: str) -> Preview:
    """The event as it will be created; its guests get invitations."""
    rows = {
        "Title": draft.title,
        "When": span_shown(draft.start, draft.end),
        "Repeats": repeat_shown(draft.repeat),
        "Reminder": "" if draft.alarm is None else f"{draft.alarm} minutes before",
        "Place": draft.place,
        "Online meeting": draft.calendar.online[0] if draft.online else "",
        "Calendar": draft.calendar.name,
    }
    return preview_creation(rows, draft.guests, account=account, content=draft.notes)


def preview_changed(found: Chosen, changes: Changes, account: str) -> Preview:
    """The event as it is, and what becomes of it."""
    new = {label: value if isinstance(value, str) else span_shown(*value) for label, value in changes.rows.items()}
    rows = {**_rows_of(found), **new}
    return preview_change(rows, source_of(found.event), changes.told, account=account, content=changes.notes)


def preview_of(
    found: Chosen,
    *,
    verb: str,
    confirm: str,
    told: Iterable[Person],
    rows: Mapping[str, str] | None = None,
    **rest: Unpack[Rest],
) -> Preview:
    """An event that something is done with as a whole."""
    shown = {**_rows_of(found), **(rows or {})}
    return event_preview(shown, source_of(found.event), verb=verb, confirm=confirm, told=told, **rest)


def _when_shown(event: Event) -> str:
    """When an event is, in the zone in which it is kept."""
    if not event.zone:
        return span_shown(event.start, event.end)
    zone = ZoneInfo(event.zone)
    return span_shown(in_zone(event.start, zone), in_zone(event.end, zone))


def _rows_of(found: Chosen) -> dict[str, str]:
    event = found.event
    return {
        "Event": event.title or "(no title)",
        "When": _when_shown(event),
        "Repeats": rule_shown(event.recurrence) if event.kind == "master" else "",
        "Extent": EXTENTS[found.extent] if event.kind != "single" else "",
        "Place": event.place,
        "Calendar": found.kept.calendar.name,
    }
