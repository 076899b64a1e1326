"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.google_calendar.drafts import Changes, Chosen, Draft
from connectors.google_calendar.views import source_of
from openassistant.connector import Preview
from openassistant.formats.guests import Person
from openassistant.formats.moments import span_shown
from openassistant.formats.repeats import repeat_shown
from openassistant.messages import Destination, PreviewField

__all__ = ["preview_changed", "preview_new", "preview_of"]

_EXTENTS = {
    "this": "this date of a series",
    "following": "this date of a series and all that follow",
    "all": "the whole series",
}


def preview_new(draft: Draft, account: str) -> Preview:
    """The event as it will be created; its guests get invitations."""
    rows = {
        "Title": draft.title,
        "When": span_shown(draft.start, draft.end),
        "Repeats": repeat_shown(draft.repeats),
        "Reminders": _alarms_shown(draft.alarms),
        "Place": str(draft.body.get("location", "")),
        "Video call": "Google Meet" if draft.meet else "",
        "Calendar": draft.calendar.name,
    }
    return Preview(
        verb="Create an event and invite guests" if draft.guests else "Create an event",
        confirm="Invite" if draft.guests else "Create",
        account=account,
        destinations=_people_shown(draft.guests),
        fields=_fields_of(rows),
        content=str(draft.body.get("description", "")),
    )


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
        new["New reminders"] = _alarms_shown(minutes) or "none"
    if changes.guests is not None:
        new["New guests"] = ", ".join(each.shown for each in changes.guests) or "nobody"
    if meet is not None:
        new["Video call"] = "Google Meet" if meet else "none"
    if body.get("description") == "":
        new["New notes"] = "none"
    return preview_of(
        found,
        verb="Change an event and tell its guests" if changes.told else "Change an event",
        confirm="Change",
        account=account,
        told=changes.told,
        rows=new,
        content=str(body.get("description", "")),
    )


def preview_of(
    found: Chosen,
    *,
    verb: str,
    confirm: str,
    account: str,
    told: Iterable[Person],
    rows: Mapping[str, str] | None = None,
    content: str = "",
    warnings: tuple[str, ...] = (),
) -> Preview:
    """An event that something is done with."""
    event = found.event
    shown = {
        "Event": event.title or "(no title)",
        "When": span_shown(event.start, event.end),
        "Extent": _EXTENTS[found.extent] if found.kept.event.recurrence else "",
        "Place": event.place,
        "Calendar": found.kept.calendar.name,
    }
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account,
        destinations=_people_shown(told),
        fields=_fields_of({**shown, **(rows or {})}),
        content=content,
        outside=(source_of(found.kept, event),),
        warnings=warnings,
    )


def _alarms_shown(minutes: Iterable[int] | None) -> str:
    found = ", ".join(str(each) for each in minutes or ())
    return f"{found} minutes before" if found else ""


def _people_shown(people: Iterable[Person]) -> tuple[Destination, ...]:
    return tuple(Destination(kind="attendee", value=each.address, name=each.name or None) for each in people)


def _fields_of(rows: Mapping[str, str]) -> tuple[PreviewField, ...]:
    return tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)
