"""iCalendar (RFC 5545) objects: a text as components, whatever is wrong with it, and what is common to their kinds."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Event, Todo
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.timezone import tzp

from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment

__all__ = [
    "LONGEST",
    "MALFORMED",
    "DamagedError",
    "Part",
    "attendees_of",
    "clean",
    "events_in",
    "guests_of",
    "is_dense",
    "moment_in",
    "named_date",
    "organizer_of",
    "parts_in",
    "people_of",
    "read_object",
    "recurrence_name",
    "rules_of",
    "text_in",
    "todos_in",
    "zone_in",
]

Part = Event | Todo
"""An event, a task, or one date of a series of such."""

MALFORMED = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError, OSError,
)  # fmt: skip
"""What the libraries raise over text that is no proper iCalendar object; `OSError` for a zone named "Europe"."""

LONGEST = 4_000_000
_MOST_PEOPLE = 200
_MOST_A_DAY = 24
_STATUS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_ZONES = re.compile(r"^BEGIN:VTIMEZONE\r?$.*?^END:VTIMEZONE\r?\n?", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_reading = threading.RLock()


class DamagedError(ValueError):
    """A text that is no readable calendar object."""


def read_object(text: str) -> Calendar:
    """The calendar object in a text, with at least one event or task that can be read; raises `DamagedError`."""
    if len(text) > LONGEST:
        raise DamagedError("too large")
    try:
        found = parse(text)
        parts = parts_in(found)
        if parts and all(_is_readable(each) for each in parts):
            return found
    except MALFORMED as error:
        raise DamagedError("not a calendar object") from error
    raise DamagedError("no event or task in it")


def parse(text: str) -> Calendar:
    """The components of a text; a definition of a time zone that makes no sense is left out. Raises `MALFORMED`."""
    try:
        return _parsed(text)
    except MALFORMED:
        without = _ZONES.sub("", text)
        if without == text:
            raise
        return _parsed(without)


def events_in(calendar: Component) -> list[Event]:
    """The events of an object: a series and the dates of it that differ."""
    return [each for each in calendar.walk("VEVENT") if isinstance(each, Event)]


def todos_in(calendar: Component) -> list[Todo]:
    """The tasks of an object: a series and the dates of it that differ."""
    return [each for each in calendar.walk("VTODO") if isinstance(each, Todo)]


def parts_in(calendar: Component) -> list[Part]:
    """The events and tasks of an object."""
    return [*events_in(calendar), *todos_in(calendar)]


def moment_in(part: Component, name: str) -> Moment | None:
    """The day or time of a property; None when it has none, or none that can be read."""
    value = getattr(part.get(name), "dt", None)
    return value if isinstance(value, date) else None


def named_date(part: Component) -> Moment | None:
    """Which date of a series a component is (its RECURRENCE-ID)."""
    return moment_in(part, "RECURRENCE-ID")


def recurrence_name(value: Moment) -> str:
    """The name of a date in its series: its RECURRENCE-ID, UTC where it has a zone."""
    if not isinstance(value, datetime):
        return f"{value:%Y%m%d}"
    return f"{value:%Y%m%dT%H%M%S}" if value.tzinfo is None else f"{value.astimezone(UTC):%Y%m%dT%H%M%S}Z"


def rules_of(part: Component) -> list[Any]:
    """The RRULEs of a component."""
    found = part.get("RRULE") or []
    return list(found) if isinstance(found, list) else [found]


def is_dense(rule: Any) -> bool:
    """Whether a rule gives more dates a day than anybody can use, or stands still (RFC 5545 wants INTERVAL above 0)."""
    if any(not isinstance(step, int) or step < 1 for step in rule.get("INTERVAL") or ()):
        return True
    often = str((rule.get("FREQ") or [""])[0]).upper() in ("SECONDLY", "MINUTELY", "HOURLY")
    a_day = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(len(rule.get(name) or ()), 1)
    return often or a_day > _MOST_A_DAY


def people_of(part: Component) -> list[Person]:
    """Organiser first, then the guests, each address once."""
    organizer = organizer_of(part)
    found = [*([organizer] if organizer else []), *guests_of(part)]
    return list({each.address: each for each in reversed(found)}.values())[::-1]


def organizer_of(part: Component) -> Person | None:
    """Who invites."""
    return next(iter(_people(part, "ORGANIZER")), None)


def guests_of(part: Component) -> tuple[Person, ...]:
    """The guests but the organiser, whom most programs list among them too."""
    organizer = organizer_of(part)
    own = organizer.address if organizer else ""
    return tuple(each for each in _people(part, "ATTENDEE") if each.address != own)[:_MOST_PEOPLE]


def attendees_of(part: Component, addresses: Collection[str]) -> list[Any]:
    """The ATTENDEE values of these addresses, as they stand in a component, however many others there are."""
    given = part.get("ATTENDEE") or []
    found = given if isinstance(given, list) else [given]
    return [each for each in found if hasattr(each, "params") and _bare(str(each)).strip().lower() in addresses]


def zone_in(text: str) -> str:
    """The name in a VTIMEZONE (RFC 4791, 5.2.2) when this machine knows it, else ""."""
    try:
        named = [str(each.get("TZID", "")) for each in parse(text).walk("VTIMEZONE")] if text else []
        return ZoneInfo(named[0]).key if named else ""
    except MALFORMED:
        return ""


def clean(text: str, longest: int) -> str:
    """A text without control characters but line ends and tabs, cut."""
    kept = "".join(each for each in text[: 2 * longest] if each in "\n\t" or each.isprintable() or each == "\u200d")
    return kept.strip()[:longest]


def text_in(part: Component, name: str, longest: int) -> str:
    """The text of a property, cleaned and cut; "" when it has none."""
    found = part.get(name)
    first = found[0] if isinstance(found, list) and found else found
    return "" if first is None or isinstance(first, list) else clean(str(first), longest)


def _parsed(text: str) -> Calendar:
    """The library keeps definitions of time zones for the whole process; an object must not be read by another's."""
    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        tzp.use_default()
        found: object = Calendar.from_ical(text)
    if not isinstance(found, Calendar):
        raise ValueError("no calendar")  # noqa: TRY004 - a text of the wrong kind is malformed like any other
    return found


def _is_readable(part: Part) -> bool:
    return bool(part.start) if isinstance(part, Event) else True


def _people(part: Component, name: str) -> Iterable[Person]:
    given = part.get(name) or []
    for each in given if isinstance(given, list) else [given]:
        address = clean(_bare(str(each)), 320)
        params = getattr(each, "params", {})
        if address:
            full = " ".join(clean(str(params.get("CN", "")), 100).split())
            yield Person(address.lower(), full, _STATUS.get(str(params.get("PARTSTAT", "")).upper(), "open"))


def _bare(address: str) -> str:
    return address[7:] if address[:7].lower() == "mailto:" else address
