"""iCalendar (RFC 5545) written: new objects, and changes to stored ones that leave everything else in them alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from icalendar import Calendar as Component
from icalendar import Event as EventComponent
from icalendar import vCalAddress

from connectors.caldav.events import (
    MALFORMED,
    Person,
    events_in,
    named_date,
    read_object,
    recurrence_name,
)
from connectors.caldav.moments import Moment, range_of
from openassistant.errors import InvalidRequest, NotFound

__all__ = [
    "Changes",
    "Draft",
    "Frequency",
    "changed_object",
    "changed_times",
    "marks_in",
    "new_object",
    "times_of",
    "without_date",
]

Frequency = Literal["daily", "weekly", "monthly", "yearly"]

_PRODUCT = "-//Open Assistant//Calendar//EN"
_MARK = "X-OPEN-ASSISTANT-CALL"
"""Which call changed an object: how an interrupted one is found again."""
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
    repeats: Frequency | None = None
    until: date | None = None


class Changes(NamedTuple):
    """What becomes of an event; None leaves a part as it is. `end` is as typed: a last day is included."""

    title: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    place: str | None = None
    notes: str | None = None
    guests: tuple[Person, ...] | None = None
    organizer: Person | None = None


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
        event.add("RRULE", _rule(draft.repeats, draft.until, draft.start))
    if draft.guests:
        _set_guests(event, draft.guests, draft.organizer)
    calendar = Component()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add_component(event)
    return _written(calendar)


def times_of(text: str, recurrence: str) -> tuple[Moment, Moment]:
    """Start and end (exclusive) of an event, or of one date of a series, in its own zone; raises `NotFound`."""
    calendar = read_object(text)
    try:
        return _times(_target(calendar, recurrence), recurrence)
    except MALFORMED as error:
        raise NotFound("That event cannot be read.") from error


def changed_object(text: str, recurrence: str, changes: Changes, *, mark: str, now: datetime) -> str:
    """An object with one event, or one date of a series, changed; raises `InvalidRequest`, `NotFound`."""
    calendar = read_object(text)
    event = _target(calendar, recurrence)
    if recurrence and named_date(event) is None:
        event = _split_off(calendar, event, recurrence)
    for name, value in (("SUMMARY", changes.title), ("LOCATION", changes.place), ("DESCRIPTION", changes.notes)):
        if value is not None:
            _replace(event, name, value)
    if changes.start is not None or changes.end is not None:
        _set_times(calendar, event, changes)
    if changes.guests is not None:
        _set_guests(event, changes.guests, changes.organizer)
    _touch(event, mark, now)
    return _written(calendar)


def changed_times(changes: Changes, start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """What becomes of start and end (exclusive): an event that is only given a new start keeps its length."""
    first = start if changes.start is None else changes.start
    if changes.end is not None:
        return range_of(first, changes.end)
    if isinstance(first, datetime) == isinstance(start, datetime):
        return first, first + _length(start, end)
    return range_of(first, None)


def without_date(text: str, recurrence: str, *, mark: str, now: datetime) -> str:
    """A series without one of its dates; raises `NotFound`."""
    calendar = read_object(text)
    master = _master(calendar)
    if master is None:
        raise NotFound("That date has no series on the server; delete the event as a whole.")
    master.add("EXDATE", _value(recurrence, master.start))
    for each in _named(calendar, recurrence):
        calendar.subcomponents.remove(each)
    _touch(master, mark, now)
    return _written(calendar)


def marks_in(text: str) -> set[str]:
    """The calls that changed an object."""
    return {str(each[_MARK]) for each in events_in(read_object(text)) if _MARK in each}


def _target(calendar: Component, recurrence: str) -> EventComponent:
    named = _named(calendar, recurrence)
    if named:
        return named[0]
    master = _master(calendar)
    if master is not None:
        return master
    if recurrence:
        raise NotFound("There is no such date in that series.")
    return events_in(calendar)[0]


def _master(calendar: Component) -> EventComponent | None:
    return next((each for each in events_in(calendar) if named_date(each) is None), None)


def _named(calendar: Component, recurrence: str) -> list[EventComponent]:
    dates = ((each, named_date(each)) for each in events_in(calendar))
    return [each for each, value in dates if value is not None and recurrence_name(value) == recurrence]


def _times(event: EventComponent, recurrence: str) -> tuple[Moment, Moment]:
    start, end = event.start, event.end
    if not recurrence or named_date(event) is not None:
        return start, end
    value = _value(recurrence, start)
    return value, value + _length(start, end)


def _length(start: Moment, end: Moment) -> timedelta:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return date(end.year, end.month, end.day) - date(start.year, start.month, start.day)


def _split_off(calendar: Component, master: EventComponent, recurrence: str) -> EventComponent:
    """A date of a series as a component of its own (RFC 5545, 3.8.4.4)."""
    start, end = _times(master, recurrence)
    event = copy.deepcopy(master)
    for name in (*_SERIES, _MARK):
        event.pop(name, None)
    event.add("RECURRENCE-ID", start)
    _write_times(event, start, end)
    calendar.add_component(event)
    return event


def _set_times(calendar: Component, event: EventComponent, changes: Changes) -> None:
    series = named_date(event) is None and any(name in event for name in _SERIES)
    if series and ("EXDATE" in event or "RDATE" in event or len(events_in(calendar)) > 1):
        raise InvalidRequest("Single dates of this series were changed before; change the times of single dates.")
    start, end = changed_times(changes, event.start, event.end)
    _write_times(event, start, end)


def _write_times(event: EventComponent, start: Moment, end: Moment) -> None:
    for name, value in (("DTSTART", start), ("DTEND", end)):
        event.pop(name, None)
        event.add(name, value)
    event.pop("DURATION", None)


def _set_guests(event: EventComponent, guests: Sequence[Person], organizer: Person | None) -> None:
    """The whole list of guests; those who stay keep their answers."""
    given = event.pop("ATTENDEE", [])
    known = {str(each).lower(): each for each in (given if isinstance(given, list) else [given])}
    if own := known.get(str(event.get("ORGANIZER", "")).lower()):
        event.add("ATTENDEE", own)
    if organizer is not None and "ORGANIZER" not in event:
        event.add("ORGANIZER", _address(organizer))
    for guest in guests:
        event.add("ATTENDEE", known.get(f"mailto:{guest.address}".lower()) or _guest(guest))


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(f"mailto:{person.address}")
    if person.name:
        address.params["CN"] = person.name
    return address


def _guest(person: Person) -> vCalAddress:
    address = _address(person)
    address.params |= {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
    return address


def _touch(event: EventComponent, mark: str, now: datetime) -> None:
    sequence = event.get("SEQUENCE", 0)
    _replace(event, "SEQUENCE", (sequence if isinstance(sequence, int) else 0) + 1)
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        _replace(event, name, now.astimezone(UTC))
    _replace(event, _MARK, mark)


def _replace(event: EventComponent, name: str, value: str | int | datetime) -> None:
    event.pop(name, None)
    if value != "":
        event.add(name, value)


def _rule(frequency: Frequency, until: date | None, start: Moment) -> dict[str, list[str | date]]:
    """The last day counts in full; UNTIL is of DTSTART's kind (RFC 5545, 3.3.10)."""
    rule: dict[str, list[str | date]] = {"FREQ": [frequency.upper()]}
    if until is not None:
        rule["UNTIL"] = [_end_of(until, start.tzinfo) if isinstance(start, datetime) else until]
    return rule


def _end_of(day: date, zone: tzinfo | None) -> datetime:
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone)
    return end if zone is None else end.astimezone(UTC)


def _value(recurrence: str, like: Moment) -> Moment:
    """The RECURRENCE-ID of that name, of the kind and in the zone of the series' start."""
    try:
        found = datetime.fromisoformat(recurrence)
    except ValueError as error:
        raise NotFound("There is no such date in that series.") from error
    if not isinstance(like, datetime):
        return found.date()
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.replace(tzinfo=None) if like.tzinfo is None else aware.astimezone(like.tzinfo)


def _written(calendar: Component) -> str:
    """The text, with definitions of its time zones for the years around its events (RFC 5545, 3.6.5)."""
    days = [each.start for each in events_in(calendar)]
    years = [day.year for day in days]
    first, last = date(max(min(years) - 1, 1970), 1, 1), date(max(years) + 10, 1, 1)
    calendar.add_missing_timezones(first_date=first, last_date=max(last, first + timedelta(days=1)))
    content: bytes = calendar.to_ical()
    return content.decode()
