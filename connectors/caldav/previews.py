"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.caldav.compose import Changes, changed_times, times_of
from connectors.caldav.drafts import Chosen, NewEvent
from connectors.caldav.places import Place
from connectors.caldav.views import source_of
from openassistant.calendars.previews import EXTENTS, alarms_shown, event_preview, preview_change, preview_creation
from openassistant.connector import Preview
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment, span_shown
from openassistant.formats.repeats import repeat_shown
from openassistant.messages import OutsideSource

__all__ = [
    "NO_INVITATIONS",
    "account_name",
    "preview_changed",
    "preview_deleted",
    "preview_new",
]

NO_INVITATIONS = "This calendar server mails no invitations by itself: the guests are noted, and hear nothing."


def preview_new(new: NewEvent) -> Preview:
    """The event as it will be created; its guests get invitations."""
    draft = new.draft
    rows = {
        "Title": draft.title,
        "When": span_shown(draft.start, draft.end),
        "Repeats": repeat_shown(draft.repeats),
        "Reminders": alarms_shown(draft.alarms),
        "Place": draft.place,
        "Calendar": new.calendar.name,
    }
    name, warnings = account_name(new.place), _warnings(new.place, draft.guests)
    return preview_creation(rows, draft.guests, account=name, content=draft.notes, warnings=warnings)


def preview_changed(found: Chosen, changes: Changes) -> Preview:
    """The event as it is, and what becomes of it."""
    told = list(found.others)
    told += [each for each in changes.guests or () if each.address not in {known.address for known in told}]
    start, end = times_of(found.kept.text, found.recurrence)
    shown = times_of(found.kept.text, found.date) if found.extent == "all" and found.date else (start, end)
    rows = {**_rows_of(found, *shown), **_new_rows(changes, start, end)}
    if changes.guests is not None:
        rows["New guests"] = ", ".join(each.shown for each in changes.guests) or "nobody"
    name, source, warnings = account_name(found.place), _source_of(found), _warnings(found.place, told)
    return preview_change(rows, source, told, account=name, content=changes.notes or "", warnings=warnings)


def preview_deleted(found: Chosen) -> Preview:
    """The event that will be gone; its guests get a cancellation, or its organiser a refusal."""
    told = found.others
    rows = _rows_of(found, *times_of(found.kept.text, found.date))
    return event_preview(
        rows,
        _source_of(found),
        verb="Delete an event and tell its guests" if told else "Delete an event",
        confirm="Delete",
        account=account_name(found.place),
        told=told,
        warnings=_warnings(found.place, told),
    )


def _source_of(found: Chosen) -> OutsideSource:
    return source_of(found.kept, found.event, found.place.own)


def _rows_of(found: Chosen, start: Moment, end: Moment) -> dict[str, str]:
    rows = {"Event": found.event.title or "(no title)", "When": span_shown(start, end)}
    extent = EXTENTS[found.extent] if found.event.recurrence else ""
    return {**rows, "Extent": extent, "Calendar": found.kept.calendar_name}


def _new_rows(changes: Changes, start: Moment, end: Moment) -> dict[str, str]:
    rows = {"New title": changes.title or ""}
    if changes.start is not None or changes.end is not None:
        rows["New time"] = span_shown(*changed_times(changes, start, end))
    if changes.place is not None:
        rows["New place"] = changes.place or "none"
    if changes.alarms is not None:
        rows["New reminders"] = alarms_shown(changes.alarms) or "none"
    if changes.notes == "":
        rows["New notes"] = "none"
    return rows


def account_name(place: Place) -> str:
    """How a preview names an account."""
    return place.account.address or place.account.username


def _warnings(place: Place, told: Iterable[Person]) -> tuple[str, ...]:
    return (NO_INVITATIONS,) if any(told) and not place.profile.invites else ()
