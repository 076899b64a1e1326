"""Events as a file (RFC 5545), made of what a mirror knows of them.

Times are written in UTC, for which no definition of a zone is needed; where a rule repeats an event in a zone, whoever
writes the file adds that definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from openassistant.formats.guests import Person
from openassistant.formats.lines import escaped, line, written
from openassistant.formats.moments import Moment

__all__ = ["Entry", "ics"]

_STATUS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}
_ROLES = {"optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT"}
_UNKNOWN = "19700101T000000Z"
"""When the description was made (DTSTAMP): a mirror does not keep that, and the property must be there."""


class Entry(NamedTuple):
    """An event, a series with its `rules` (lines like "RRULE:FREQ=WEEKLY"), or a date of one (`original`).

    The end is exclusive. `zone` is the name of the one in which the rules count; `alarms` are minutes before the start.
    """

    uid: str
    start: Moment
    end: Moment
    title: str = ""
    place: str = ""
    notes: str = ""
    organizer: Person | None = None
    guests: Sequence[Person] = ()
    status: str = "confirmed"
    busy: bool = True
    private: bool = False
    rules: Sequence[str] = ()
    dates: Sequence[Moment] = ()
    original: Moment | None = None
    zone: str = ""
    url: str = ""
    alarms: Sequence[int] = ()


def ics(entries: Iterable[Entry]) -> bytes:
    """The file; the same for the same events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Open Assistant//Export//EN", "CALSCALE:GREGORIAN"]
    for each in entries:
        lines += _lines(each)
    return written([*lines, "END:VCALENDAR"])


def _lines(each: Entry) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", line("UID", escaped(each.uid)), f"DTSTAMP:{_UNKNOWN}")
    yield from _times(each, each.zone if each.rules or each.original is not None else "")
    for name, value in (("SUMMARY", each.title), ("LOCATION", each.place), ("DESCRIPTION", each.notes)):
        if value:
            yield line(name, escaped(value))
    if each.url.isascii() and each.url.isprintable() and each.url:
        yield line("URL", each.url)
    yield line("STATUS", each.status.upper())
    yield line("TRANSP", "OPAQUE" if each.busy else "TRANSPARENT")
    if each.private:
        yield line("CLASS", "PRIVATE")
    yield from _people(each)
    for minutes in each.alarms:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", line("DESCRIPTION", escaped(each.title or "Reminder")))
        yield from (f"TRIGGER:-PT{max(minutes, 0)}M", "END:VALARM")
    yield "END:VEVENT"


def _times(each: Entry, zone: str) -> Iterator[str]:
    yield _moment("DTSTART", each.start, zone)
    if each.end > each.start:
        yield _moment("DTEND", each.end, zone)
    if each.original is not None:
        yield _moment("RECURRENCE-ID", each.original, zone)
    yield from each.rules
    for other in each.dates:
        yield _moment("RDATE", other, zone)


def _people(each: Entry) -> Iterator[str]:
    if each.organizer is not None:
        yield line("ORGANIZER", _mailto(each.organizer), {"CN": each.organizer.name})
    for guest in each.guests:
        state = {"PARTSTAT": _STATUS.get(guest.status, "NEEDS-ACTION"), "ROLE": _ROLES.get(guest.kind, "")}
        yield line("ATTENDEE", _mailto(guest), {"CN": guest.name, **state})


def _moment(name: str, value: Moment, zone: str) -> str:
    if not isinstance(value, datetime):
        return line(name, f"{value:%Y%m%d}", {"VALUE": "DATE"})
    if zone:
        return line(name, f"{value:%Y%m%dT%H%M%S}", {"TZID": zone})
    return line(name, f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}")


def _mailto(person: Person) -> str:
    return f"mailto:{''.join(each for each in person.address if each.isprintable() and not each.isspace())}"
