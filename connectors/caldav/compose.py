"""Events written: new objects, and changes to stored ones that leave everything else in them alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from icalendar import Calendar, vCalAddress
from icalendar import Event as EventComponent

from connectors.caldav.alarms import set_alarms
from connectors.caldav.objects import MALFORMED, Part, events_in, named_date, read_object
from connectors.caldav.shifts import shift_series
from connectors.caldav.writing import (
    MARK,
    length_of,
    master_of,
    named_parts,
    new_calendar,
    replace,
    touch,
    value_of,
    written,
)
from openassistant.errors import NotFound
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment, range_of
from openassistant.formats.repeats import Repeat, rule_of

__all__ = [
    "Changes",
    "Draft",
    "address_of",
    "apply_changes",
    "changed_object",
    "changed_times",
    "new_object",
    "split_off",
    "target_of",
    "times_of",
    "without_date",
    "write_times",
]

_SERIES = ("RRULE", "RDATE", "EXDATE")


class Draft(NamedTuple):
    """A new event, its end exclusive; with guests it has an organiser."""

    title: str
    start: Moment
    end: Moment
    place: str = ""
    notes: str = ""
    guests: tuple[Person, ...] = ()
    organizer: Person | None = None
    repeats: Repeat | None = None
    alarms: tuple[int, ...] = ()


class Changes(NamedTuple):
    """What becomes of an event; None leaves a part as it is. `end` is as typed: a last day is included."""

    title: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    place: str | None = None
    notes: str | None = None
    guests: tuple[Person, ...] | None = None
    organizer: Person | None = None
    alarms: tuple[int, ...] | None = None


def new_object(draft: Draft, *, uid: str, now: datetime) -> str:
    """The text of a new calendar object."""
    event = EventComponent()
    event.add("UID", uid)
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("CREATED", now.astimezone(UTC))
    event.add("SUMMARY", draft.title)
    event.add("DTSTART", draft.start)
    event.add("DTEND", draft.end)
    for name, value in (("LOCATION", draft.place), ("DESCRIPTION", draft.notes)):
        if value:
            event.add(name, value)
    if draft.repeats:
        event.add("RRULE", rule_of(draft.repeats, draft.start))
    if draft.guests:
        _set_guests(event, draft.guests, draft.organizer)
    set_alarms(event, draft.alarms)
    return written(new_calendar(event))


def times_of(text: str, recurrence: str) -> tuple[Moment, Moment]:
    """Start and end (exclusive) of an event, or of one date of a series, in its own zone; raises `NotFound`."""
    calendar = read_object(text)
    try:
        return _times(target_of(calendar, recurrence), recurrence)
    except MALFORMED as error:
        raise NotFound("That event cannot be read.") from error


def changed_object(text: str, recurrence: str, changes: Changes, *, mark: str, now: datetime) -> str:
    """An object with one event, or one date of a series, changed; raises `InvalidRequest`, `NotFound`."""
    calendar = read_object(text)
    event = target_of(calendar, recurrence)
    if recurrence and named_date(event) is None:
        event = split_off(calendar, event, recurrence)
    apply_changes(calendar, event, changes)
    touch(event, mark, now)
    return written(calendar)


def apply_changes(calendar: Calendar, event: EventComponent, changes: Changes) -> None:
    """Changes one component of an object; raises `InvalidRequest` where a series cannot follow."""
    for name, value in (("SUMMARY", changes.title), ("LOCATION", changes.place), ("DESCRIPTION", changes.notes)):
        if value is not None:
            replace(event, name, value)
    if changes.start is not None or changes.end is not None:
        _set_times(calendar, event, changes)
    if changes.guests is not None:
        _set_guests(event, changes.guests, changes.organizer)
    if changes.alarms is not None:
        set_alarms(event, changes.alarms)


def changed_times(changes: Changes, start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """What becomes of start and end (exclusive): an event that is only given a new start keeps its length."""
    first = start if changes.start is None else changes.start
    if changes.end is not None:
        return range_of(first, changes.end)
    if isinstance(first, datetime) == isinstance(start, datetime):
        return first, first + length_of(start, end)
    return range_of(first, None)


def without_date(text: str, recurrence: str, *, mark: str, now: datetime) -> str:
    """A series without one of its dates; raises `NotFound`."""
    calendar = read_object(text)
    master = master_of(calendar)
    if master is None:
        raise NotFound("That date has no series on the server; delete the event as a whole.")
    master.add("EXDATE", value_of(recurrence, master.start))
    for each in named_parts(calendar, recurrence):
        calendar.subcomponents.remove(each)
    touch(master, mark, now)
    return written(calendar)


def target_of(calendar: Calendar, recurrence: str) -> EventComponent:
    """The component that a change of a date (or of the whole, "") goes into; raises `NotFound`."""
    named = named_parts(calendar, recurrence)
    found: Part | None = named[0] if named else master_of(calendar)
    if found is None and recurrence:
        raise NotFound("There is no such date in that series.")
    chosen = found or events_in(calendar)[0]
    if not isinstance(chosen, EventComponent):
        raise NotFound("That is no event.")
    return chosen


def split_off(calendar: Calendar, master: EventComponent, recurrence: str) -> EventComponent:
    """A date of a series as a component of its own (RFC 5545, 3.8.4.4)."""
    start, end = _times(master, recurrence)
    event = copy.deepcopy(master)
    for name in (*_SERIES, MARK):
        event.pop(name, None)
    event.add("RECURRENCE-ID", start)
    write_times(event, start, end)
    calendar.add_component(event)
    return event


def write_times(event: EventComponent, start: Moment, end: Moment) -> None:
    """Sets start and end (exclusive)."""
    for name, value in (("DTSTART", start), ("DTEND", end)):
        replace(event, name, value)
    event.pop("DURATION", None)


def address_of(person: Person) -> vCalAddress:
    """A person as a property's value."""
    address = vCalAddress(f"mailto:{person.address}")
    if person.name:
        address.params["CN"] = person.name
    return address


def _times(event: EventComponent, recurrence: str) -> tuple[Moment, Moment]:
    start, end = event.start, event.end
    if not recurrence or named_date(event) is not None:
        return start, end
    value = value_of(recurrence, start)
    return value, value + length_of(start, end)


def _set_times(calendar: Calendar, event: EventComponent, changes: Changes) -> None:
    was = event.start
    start, end = changed_times(changes, was, event.end)
    if named_date(event) is None and any(name in event for name in _SERIES):
        shift_series(calendar, event, was, start)
    write_times(event, start, end)


def _set_guests(event: EventComponent, guests: Sequence[Person], organizer: Person | None) -> None:
    """The whole list of guests; those who stay keep their answers."""
    given = event.pop("ATTENDEE", [])
    known = {str(each).lower(): each for each in (given if isinstance(given, list) else [given])}
    if own := known.get(str(event.get("ORGANIZER", "")).lower()):
        event.add("ATTENDEE", own)
    if organizer is not None and "ORGANIZER" not in event:
        event.add("ORGANIZER", address_of(organizer))
    for guest in guests:
        event.add("ATTENDEE", known.get(f"mailto:{guest.address}".lower()) or _guest(guest))


def _guest(person: Person) -> vCalAddress:
    address = address_of(person)
    address.params |= {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
    return address
