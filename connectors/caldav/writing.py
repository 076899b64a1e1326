"""What every written object needs: its mark, its stamps, and a text that leaves alone what other programs put in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, vDDDLists

from connectors.caldav.objects import MALFORMED, Part, moment_in, named_date, parts_in, read_object, recurrence_name
from openassistant.errors import NotFound
from openassistant.formats.moments import Moment

__all__ = [
    "MARK",
    "length_of",
    "marks_in",
    "master_of",
    "moments_in",
    "named_parts",
    "new_calendar",
    "put_moments",
    "replace",
    "stamp",
    "touch",
    "value_of",
    "written",
]

MARK = "X-OPEN-ASSISTANT-CALL"
"""Which call changed an object: how an interrupted one is found again."""

_LAST = 9998
"""No definition of a time zone goes on to the end of the calendar."""

_PRODUCT = "-//Open Assistant//Calendar//EN"


def new_calendar(part: Part) -> Calendar:
    """An object round its first component."""
    calendar = Calendar()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add_component(part)
    return calendar


def marks_in(text: str) -> set[str]:
    """The calls that changed an object; raises `DamagedError`."""
    return {str(each[MARK]) for each in parts_in(read_object(text)) if MARK in each}


def master_of(calendar: Calendar) -> Part | None:
    """The component of the whole series, or of what does not repeat."""
    return next((each for each in parts_in(calendar) if named_date(each) is None), None)


def named_parts(calendar: Calendar, recurrence: str) -> list[Part]:
    """The components of one date of a series."""
    dates = ((each, named_date(each)) for each in parts_in(calendar))
    return [each for each, value in dates if value is not None and recurrence_name(value) == recurrence]


def value_of(recurrence: str, like: Moment) -> Moment:
    """The RECURRENCE-ID of that name, of the kind and in the zone of the series' start; raises `NotFound`."""
    try:
        found = datetime.fromisoformat(recurrence)
    except ValueError as error:
        raise NotFound("There is no such date in that series.") from error
    if not isinstance(like, datetime):
        return found.date()
    known = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.replace(tzinfo=None) if like.tzinfo is None else known.astimezone(like.tzinfo)


def moments_in(part: Part, name: str) -> list[Moment]:
    """The days and times of a property that lists such (EXDATE, RDATE); periods count by their start."""
    given = part.get(name) or []
    found: list[Moment] = []
    for each in given if isinstance(given, list) else [given]:
        values = (value.dt for value in getattr(each, "dts", ()))
        found += [value[0] if isinstance(value, tuple) else value for value in values]
    return found


def put_moments(part: Part, name: str, moments: list[Moment]) -> None:
    """Makes these the only days and times of a property that lists such."""
    part.pop(name, None)
    if moments:
        part.add(name, vDDDLists(moments))


def length_of(start: Moment, end: Moment) -> timedelta:
    """How long something is, by the clock on the wall."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return date(end.year, end.month, end.day) - date(start.year, start.month, start.day)


def touch(part: Part, mark: str, now: datetime) -> None:
    """Stamps a change of content: a new revision (RFC 5545, 3.8.7.4), marked with the call that made it."""
    sequence = part.get("SEQUENCE", 0)
    replace(part, "SEQUENCE", (sequence if isinstance(sequence, int) else 0) + 1)
    stamp(part, mark, now)


def stamp(part: Part, mark: str, now: datetime) -> None:
    """Stamps a change that is no new revision, such as an answer to an invitation."""
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        replace(part, name, now.astimezone(UTC))
    replace(part, MARK, mark)


def replace(part: Part, name: str, value: str | int | Moment | timedelta) -> None:
    """Sets a property; an empty text removes it."""
    part.pop(name, None)
    if value != "":
        part.add(name, value)


def written(calendar: Calendar) -> str:
    """The text, with definitions of its time zones for the years around its dates (RFC 5545, 3.6.5)."""
    days = [day for each in parts_in(calendar) for name in ("DTSTART", "DUE") if (day := moment_in(each, name))]
    years = [day.year for day in days] or [1970]
    first, last = date(min(max(min(years) - 1, 1970), _LAST), 1, 1), date(min(max(years) + 10, _LAST + 1), 1, 1)
    try:
        calendar.add_missing_timezones(first_date=first, last_date=max(last, first + timedelta(days=1)))
    except MALFORMED:
        pass  # a zone that nobody knows has no definition; its name stays where it stands
    content: bytes = calendar.to_ical(sorted=False)
    return content.decode()
