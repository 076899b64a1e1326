"""Times as they are typed and as they are shown: ISO 8601, with a time zone by name where they carry no offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openassistant.errors import InvalidRequest

__all__ = [
    "Moment",
    "Window",
    "aware",
    "day_of",
    "day_shown",
    "in_zone",
    "moment",
    "range_of",
    "shown",
    "span_shown",
    "window",
    "zone_named",
]

Moment = date | datetime
"""A day (`date`), an aware `datetime`, or a floating one (RFC 5545, 3.3.5, form 1): the same hour everywhere."""

_LONGEST = timedelta(days=366)
_YEARS = range(1900, 2200)
_A_DAY = timedelta(days=1)


class Window(NamedTuple):
    """A half-open span of time, both ends aware."""

    start: datetime
    end: datetime


def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises `InvalidRequest`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        words = f"There is no time zone named {name[:60]!r}; use a name such as Europe/Berlin."
        raise InvalidRequest(words, details={"fields": {"zone": words}}) from error


def moment(typed: str, name: str, zone: tzinfo | None) -> Moment:
    """A typed day or time; a time without offset is of `zone`, and floating without one. Raises `InvalidRequest`."""
    found = _parsed(typed.strip(), name)
    if found.year not in _YEARS:
        raise InvalidRequest(f"{name}: the year {found.year} is out of reach.")
    if not isinstance(found, datetime):
        return found
    if found.tzinfo is None:
        return found.replace(tzinfo=zone)
    return found.astimezone(zone or UTC)


def range_of(start: Moment, end: Moment | None) -> tuple[Moment, Moment]:
    """Start and end (exclusive) of an event; typed last days count in full, and no end means an hour or that day.

    Raises `InvalidRequest` when a day is mixed with a time, or the end does not lie after the start.
    """
    if not isinstance(start, datetime):
        return start, _day_after(start, end)
    if end is None:
        return start, start + timedelta(hours=1)
    if not isinstance(end, datetime):
        raise InvalidRequest("Give start and end both as times, or both as days.")
    if (start.tzinfo is None) != (end.tzinfo is None) or end <= start:
        raise InvalidRequest("The end must lie after the start, and both need the same kind of time zone.")
    return start, end


def window(start: str, end: str, zone: tzinfo) -> Window:
    """What lies from `start` to `end`, an end without a time including that day; raises `InvalidRequest`."""
    first, last = moment(start, "start", zone), moment(end, "end", zone)
    if not isinstance(last, datetime):
        last = last + _A_DAY
    found = Window(aware(first, zone), aware(last, zone))
    if found.end <= found.start:
        raise InvalidRequest("The end must lie after the start.")
    if found.end - found.start > _LONGEST:
        raise InvalidRequest("That is more than a year; ask for a shorter time.")
    return found


def aware(value: Moment, zone: tzinfo) -> datetime:
    """A day's or time's moment; days and floating times are those of `zone`."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    return value if value.tzinfo else value.replace(tzinfo=zone)


def in_zone(value: Moment, zone: tzinfo) -> Moment:
    """A time by the clock of a zone; a day is that day everywhere."""
    return value.astimezone(zone) if isinstance(value, datetime) else value


def day_of(value: Moment) -> date:
    """The day on which a time is, by its own clock."""
    return value.date() if isinstance(value, datetime) else value


def shown(value: Moment) -> str:
    """A day or time for the owner: "Friday 23 October 2026", "Friday 23 October 2026, 10:00, Europe/Berlin"."""
    if not isinstance(value, datetime):
        return day_shown(value)
    return f"{day_shown(value)}, {value:%H:%M}, {_zone_shown(value)}"


def span_shown(start: Moment, end: Moment) -> str:
    """A span for the owner, its end exclusive: "Friday 27 November 2026, 10:00–10:30, Europe/Berlin"."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        first, last = day_of(start), max(day_of(end) - _A_DAY, day_of(start))
        days = day_shown(first) if first == last else f"{day_shown(first)} – {day_shown(last)}"
        return f"{days}, all day"
    last_day = "" if start.date() == end.date() else f" {day_shown(end)}, "
    until = f"–{last_day}{end:%H:%M}" if end != start else ""
    return f"{day_shown(start)}, {start:%H:%M}{until}, {_zone_shown(start)}"


def day_shown(day: date) -> str:
    """A day for the owner: "Friday 27 November 2026"."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def _zone_shown(value: datetime) -> str:
    if isinstance(value.tzinfo, ZoneInfo):
        return value.tzinfo.key
    return value.tzname() or "in whichever time zone you are"


def _parsed(typed: str, name: str) -> Moment:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(typed)
    except ValueError as error:
        raise InvalidRequest(
            f"{name}: give a time such as 2026-10-23T10:00, or a day such as 2026-10-23 (ISO 8601)."
        ) from error


def _day_after(start: date, end: Moment | None) -> date:
    if isinstance(end, datetime):
        raise InvalidRequest("Give start and end both as times, or both as days.")
    if end is not None and end < start:
        raise InvalidRequest("The last day must not lie before the first.")
    return (end or start) + _A_DAY
