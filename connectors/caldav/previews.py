"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from connectors.caldav.compose import Changes, Draft, changed_times, times_of
from connectors.caldav.drafts import Chosen, NewEvent, Place
from connectors.caldav.events import Person
from connectors.caldav.moments import Moment, shown
from connectors.caldav.views import source_of
from openassistant.connector import Preview
from openassistant.messages import Destination, PreviewField

__all__ = ["NO_INVITATIONS", "preview_changed", "preview_deleted", "preview_new"]

NO_INVITATIONS = "This calendar server mails no invitations by itself: the guests are noted, and hear nothing."
_A_DAY = timedelta(days=1)


def preview_new(new: NewEvent) -> Preview:
    """The event as it will be created; its guests get invitations."""
    draft = new.draft
    rows = {
        "Title": draft.title,
        **_times(draft.start, draft.end),
        "Repeats": _repeats(draft),
        "Place": draft.place,
        "Calendar": new.calendar.name,
    }
    return Preview(
        verb="Create an event and invite guests" if draft.guests else "Create an event",
        confirm="Invite" if draft.guests else "Create",
        account=_name(new.place),
        destinations=_people(draft.guests),
        fields=_fields(rows),
        content=draft.notes,
        warnings=_warnings(new.place, draft.guests),
    )


def preview_changed(found: Chosen, changes: Changes) -> Preview:
    """The event as it is, and what becomes of it."""
    told = list(found.others)
    told += [each for each in changes.guests or () if each.address not in {known.address for known in told}]
    start, end = times_of(found.kept.text, found.recurrence)
    rows = {**_rows_of(found, start, end), **_new_rows(changes, start, end)}
    if changes.guests is not None:
        rows["New guests"] = ", ".join(each.shown for each in changes.guests) or "nobody"
    return Preview(
        verb="Change an event and tell its guests" if told else "Change an event",
        confirm="Change",
        account=_name(found.place),
        destinations=_people(told),
        fields=_fields(rows),
        content=changes.notes or "",
        outside=(source_of(found.kept, found.event, found.place.own),),
        warnings=_warnings(found.place, told),
    )


def preview_deleted(found: Chosen) -> Preview:
    """The event that will be gone; its guests get a cancellation, or its organiser a refusal."""
    told = found.others
    rows = _rows_of(found, *times_of(found.kept.text, found.recurrence))
    return Preview(
        verb="Delete an event and tell its guests" if told else "Delete an event",
        confirm="Delete",
        account=_name(found.place),
        destinations=_people(told),
        fields=_fields(rows),
        outside=(source_of(found.kept, found.event, found.place.own),),
        warnings=_warnings(found.place, told),
    )


def _rows_of(found: Chosen, start: Moment, end: Moment) -> dict[str, str]:
    series = found.event.recurrence and not found.recurrence
    extent = "the whole series" if series else "this date of a series" if found.recurrence else ""
    rows = {"Event": found.event.title or "(no title)", **_times(start, end)}
    return {**rows, "Extent": extent, "Calendar": found.kept.calendar_name}


def _new_rows(changes: Changes, start: Moment, end: Moment) -> dict[str, str]:
    rows = {"New title": changes.title or ""}
    if changes.start is not None or changes.end is not None:
        first, last = changed_times(changes, start, end)
        rows |= {f"New {name.lower()}": value for name, value in _times(first, last).items()}
    if changes.place is not None:
        rows["New place"] = changes.place or "none"
    if changes.notes == "":
        rows["New notes"] = "none"
    return rows


def _times(start: Moment, end: Moment) -> Mapping[str, str]:
    if isinstance(end, datetime):
        return {"Starts": shown(start), "Ends": shown(end)}
    return {"First day": shown(start), "Last day": shown(max(end - _A_DAY, _day(start)))}


def _day(value: Moment) -> date:
    return value.date() if isinstance(value, datetime) else value


def _repeats(draft: Draft) -> str:
    until = f", until {draft.until.isoformat()}" if draft.until else ""
    return f"{draft.repeats}{until}" if draft.repeats else ""


def _people(people: Iterable[Person]) -> tuple[Destination, ...]:
    return tuple(Destination(kind="attendee", value=each.address, name=each.name or None) for each in people)


def _fields(rows: Mapping[str, str]) -> tuple[PreviewField, ...]:
    return tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)


def _name(place: Place) -> str:
    return place.account.address or place.account.username


def _warnings(place: Place, told: Iterable[Person]) -> tuple[str, ...]:
    return (NO_INVITATIONS,) if any(told) and not place.profile.invites else ()
