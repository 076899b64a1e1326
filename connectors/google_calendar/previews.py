"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Unpack

from connectors.google_calendar.drafts import Changes, Chosen, Draft
from connectors.google_calendar.views import source_of
from openassistant.calendars.previews import (
    EXTENTS,
    Rest,
    alarms_shown,
    event_preview,
    preview_change,
    preview_creation,
)
from openassistant.connector import Preview
from openassistant.formats.guests import Person
from openassistant.formats.moments import span_shown
from openassistant.formats.repeats import repeat_shown

__all__ = ["preview_changed", "preview_new", "preview_of"]


def preview_new(draft: Draft, account: str) -> Preview:
    """The event as it will be created; its guests get invitations."""
    rows = {
        "Title": draft.title,
        "When": span_shown(draft.start, draft.end),
        "Repeats": repeat_shown(draft.repeats),
        "Reminders": alarms_shown(draft.alarms),
        "Place": str(draft.body.get("location", "")),
        "Video call": "Google Meet" if draft.meet else "",
        "Calendar": draft.calendar.name,
    }
    notes = str(draft.body.get("description", ""))
    return preview_creation(rows, draft.guests, account=account, content=notes)


def preview_changed(found: Chosen, changes: Changes, account: str, *, meet: bool | None) -> Preview:
    """The event as it is, and what becomes of it."""
    body = changes.body
    new = {"New title": str(body.get("summary", ""))}
    if changes.start is not None and changes.end is not None:
        new["New time"] = span_shown(changes.start, changes.end)
    if "location" in body:
        new["New place"] = body["location"] or "none"
    if "reminders" in body:
        minutes = [each["minutes"] for each in body["reminders"]["overrides"]]
        new["New reminders"] = alarms_shown(minutes) or "none"
    if changes.guests is not None:
        new["New guests"] = ", ".join(each.shown for each in changes.guests) or "nobody"
    if meet is not None:
        new["Video call"] = "Google Meet" if meet else "none"
    if body.get("description") == "":
        new["New notes"] = "none"
    rows, notes = {**_rows_of(found), **new}, str(body.get("description", ""))
    return preview_change(rows, source_of(found.event), changes.told, account=account, content=notes)


def preview_of(
    found: Chosen,
    *,
    verb: str,
    confirm: str,
    told: Iterable[Person],
    rows: Mapping[str, str] | None = None,
    **rest: Unpack[Rest],
) -> Preview:
    """An event that something is done with."""
    shown = {**_rows_of(found), **(rows or {})}
    return event_preview(shown, source_of(found.event), verb=verb, confirm=confirm, told=told, **rest)


def _rows_of(found: Chosen) -> dict[str, str]:
    event = found.event
    return {
        "Event": event.title or "(no title)",
        "When": span_shown(event.start, event.end),
        "Extent": EXTENTS[found.extent] if found.kept.event.recurrence else "",
        "Place": event.place,
        "Calendar": found.kept.calendar.name,
    }
