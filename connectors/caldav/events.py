"""Events read: an object's text as typed events, its recurrences expanded in their own time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

import recurring_ical_events
from icalendar import Calendar
from icalendar import Event as EventComponent

from connectors.caldav.alarms import alarms_of
from connectors.caldav.objects import (
    MALFORMED,
    DamagedError,
    events_in,
    guests_of,
    named_date,
    organizer_of,
    read_object,
    recurrence_name,
    text_in,
)
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment, Window, aware

__all__ = ["Event", "expand", "latest", "occurrences", "pick"]

_LONGEST_TITLE, _LONGEST_PLACE, _LONGEST_NOTES = 500, 500, 20_000
_A_DAY = timedelta(days=1)
_FORWARD = timedelta(days=366)


class Event(NamedTuple):
    """One date of an event, its ends aware; `recurrence` names it in its series ("" when it does not repeat).

    `floating`: the same hour in whichever zone one is, its ends put into the asking one's. `alarms`: minutes before.
    """

    uid: str
    title: str
    start: datetime
    end: datetime
    all_day: bool
    floating: bool
    place: str
    notes: str
    organizer: Person | None
    guests: tuple[Person, ...]
    status: str
    busy: bool
    recurrence: str
    alarms: tuple[int, ...] = ()


def expand(text: str, span: Window, zone: tzinfo, *, heavy: bool = False) -> list[Event]:
    """The dates of an object that touch a span, by start; days and floating times are those of `zone`.

    `heavy` leaves rules of recurrence alone. Raises `DamagedError`.
    """
    calendar = read_object(text)
    try:
        repeats = _repeats(calendar)
        if heavy:
            _tame(calendar)
        query = recurring_ical_events.of(calendar)
        found = query.between(span.start.astimezone(UTC) - _A_DAY, span.end.astimezone(UTC) + _A_DAY)
        events = [_event(each, zone, repeats=repeats) for each in found]
    except MALFORMED as error:
        raise DamagedError("its dates cannot be told") from error
    return sorted((each for each in events if _touches(each, span)), key=lambda each: (each.start, each.title))


def latest(text: str, now: datetime, zone: tzinfo, *, heavy: bool = False) -> Event | None:
    """The next date of an object from `now` on, else the newest one of the year before, else its first."""
    ahead = expand(text, Window(now, now + _FORWARD), zone, heavy=heavy)
    if ahead:
        return ahead[0]
    behind = expand(text, Window(now - _FORWARD, now), zone, heavy=heavy)
    if behind:
        return behind[-1]
    return _earliest(text, zone, heavy=heavy)


def pick(text: str, recurrence: str, now: datetime, zone: tzinfo, *, heavy: bool = False) -> Event | None:
    """The date of a series with that name, wherever it was moved to; without a name the first date of the object."""
    if not recurrence:
        return _earliest(text, zone, heavy=heavy) or latest(text, now, zone, heavy=heavy)
    moved = (each.start for each in events_in(read_object(text)) if _is_named(each, recurrence))
    start = next((aware(value, zone) for value in moved), None) or _named_time(recurrence)
    if start is None:
        return None
    near = expand(text, Window(start - 2 * _A_DAY, start + 2 * _A_DAY), zone, heavy=heavy)
    return next((each for each in near if each.recurrence == recurrence), None)


def occurrences(text: str, before: Moment) -> int:
    """How many dates the rule of a series gives before one of them, those taken out later included.

    Raises `DamagedError`.
    """
    calendar = read_object(text)
    for each in events_in(calendar):
        if named_date(each) is not None:
            calendar.subcomponents.remove(each)
        for name in ("EXDATE", "RDATE"):
            each.pop(name, None)
    try:
        first, end = events_in(calendar)[0].start, aware(before, UTC)
        found = recurring_ical_events.of(calendar).between(aware(first, UTC) - _A_DAY, end + _A_DAY)
        return sum(1 for each in found if aware(each.start, UTC) < end)
    except MALFORMED as error:
        raise DamagedError("its dates cannot be told") from error


def _event(component: EventComponent, zone: tzinfo, *, repeats: bool) -> Event:
    start, end = component.start, component.end
    begins, ends = aware(start, zone), aware(end, zone)
    status = text_in(component, "STATUS", 20).lower()
    named = named_date(component)
    return Event(
        uid=text_in(component, "UID", 500),
        title=" ".join(text_in(component, "SUMMARY", _LONGEST_TITLE).split()),
        start=begins,
        end=max(begins, ends),
        all_day=not isinstance(start, datetime),
        floating=isinstance(start, datetime) and start.tzinfo is None,
        place=text_in(component, "LOCATION", _LONGEST_PLACE),
        notes=text_in(component, "DESCRIPTION", _LONGEST_NOTES),
        organizer=organizer_of(component),
        guests=guests_of(component),
        status=status if status in ("tentative", "cancelled") else "confirmed",
        busy=status != "cancelled" and text_in(component, "TRANSP", 20).upper() != "TRANSPARENT",
        recurrence=recurrence_name(named) if repeats and named is not None else "",
        alarms=alarms_of(component),
    )


def _earliest(text: str, zone: tzinfo, *, heavy: bool) -> Event | None:
    try:
        start = min(aware(each.start, zone) for each in events_in(read_object(text)))
        day = Window(start, start + _A_DAY)
    except MALFORMED as error:
        raise DamagedError("its dates cannot be told") from error
    return next(iter(expand(text, day, zone, heavy=heavy)), None)


def _is_named(component: EventComponent, recurrence: str) -> bool:
    value = named_date(component)
    return value is not None and recurrence_name(value) == recurrence


def _named_time(recurrence: str) -> datetime | None:
    """Roughly when a date of that name is."""
    try:
        found = datetime.fromisoformat(recurrence)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _touches(event: Event, span: Window) -> bool:
    """RFC 4791, 9.9: an event without length counts at its start."""
    return event.start < span.end and (event.end > span.start or event.start == event.end == span.start)


def _tame(calendar: Calendar) -> None:
    for each in events_in(calendar):
        for name in ("RRULE", "RDATE"):
            each.pop(name, None)


def _repeats(calendar: Calendar) -> bool:
    events = events_in(calendar)
    return len(events) > 1 or any(name in each for each in events for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
