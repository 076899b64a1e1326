"""The dates of an event: a series is followed here, as its rules say (RFC 5545), with the dates that differ from it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import recurring_ical_events
from icalendar import Calendar, vRecur
from icalendar import Event as EventComponent

from connectors.google_calendar.events import Event, suffix_of
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Moment, Window, aware
from openassistant.formats.repeats import Repeat, rule_of

__all__ = [
    "dates_before",
    "dates_in",
    "ended_before",
    "following",
    "is_heavy",
    "latest",
    "named",
    "shifted_rules",
    "spread_of",
]

_MALFORMED = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError, OSError,
)  # fmt: skip
"""What the libraries raise over rules that make no sense."""
_A_DAY = timedelta(days=1)
_FORWARD = timedelta(days=366)
_DENSE = ("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_MOST_YEARS, _PROBE_SECONDS = 250, 1.0
_MOST_COUNTED = 5_000


def dates_in(event: Event, singles: Sequence[Event], span: Window, zone: tzinfo) -> list[Event]:
    """The dates of an event that touch a span, by start; days are those of `zone`. `singles` differ from the series.

    Of a series that is too much work the first date is given.
    """
    if not event.recurrence:
        return [event] if event.status != "cancelled" and _touches(event, span, zone) else []
    found = [each for each in singles if each.status != "cancelled"]
    if not is_heavy(event):
        taken = {suffix_of(each.original) for each in singles if each.original is not None}
        between = Window(span.start.astimezone(UTC) - _A_DAY, span.end.astimezone(UTC) + _A_DAY)
        found += [each for each in _followed(event, between) if suffix_of(each.start) not in taken]
    elif not singles:
        found.append(event._replace(original=event.start))
    return sorted((each for each in found if _touches(each, span, zone)), key=lambda each: aware(each.start, zone))


def latest(event: Event, singles: Sequence[Event], now: datetime, zone: tzinfo) -> Event:
    """The next date from `now` on, else the newest one of the year before, else the first."""
    if not event.recurrence:
        return event
    ahead = dates_in(event, singles, Window(now, now + _FORWARD), zone)
    behind = [] if ahead else dates_in(event, singles, Window(now - _FORWARD, now), zone)
    return ahead[0] if ahead else behind[-1] if behind else event._replace(original=event.start)


def named(event: Event, singles: Sequence[Event], suffix: str) -> Event | None:
    """The date of a series with that name, as `suffix_of` gives it, wherever it was moved to."""
    single = next((each for each in singles if each.original and suffix_of(each.original) == suffix), None)
    if single is not None:
        return None if single.status == "cancelled" else single
    try:
        near = datetime.fromisoformat(suffix).replace(tzinfo=UTC)
        span = Window(near - 2 * _A_DAY, near + 2 * _A_DAY)
    except (ValueError, OverflowError):
        return None
    if is_heavy(event):
        return event._replace(original=event.start) if suffix_of(event.start) == suffix else None
    return next((each for each in _followed(event, span) if suffix_of(each.start) == suffix), None)


def is_heavy(event: Event) -> bool:
    """Whether a rule is work that nobody can use: a stranger's invitation must not stop the calendar."""
    try:
        rules = _rules(event)
    except _MALFORMED:
        return True
    for rule in rules:
        often = str((rule.get("FREQ") or [""])[0]).upper()
        steps = rule.get("INTERVAL") or [1]
        if often not in _FREQUENCIES or any(name in rule for name in _DENSE) or any(int(each) < 1 for each in steps):
            return True
        if often != "YEARLY" and datetime.now(UTC).year - event.start.year > _MOST_YEARS:
            return True
    return False


def spread_of(event: Event, now: datetime) -> tuple[int, int | None]:
    """First and last second of an event, a day wider on both sides for zones; None when its end is not plain.

    Trying a year of a series tells whether it is work: raises `InvalidRequest` where it takes longer than a second.
    """
    first = int(aware(event.start, UTC).timestamp()) - 86_400
    if not event.recurrence:
        return first, int(aware(event.end, UTC).timestamp()) + 86_400
    began = time.thread_time()
    if not is_heavy(event):
        _followed(event, Window(now, now + _FORWARD))
    if time.thread_time() - began > _PROBE_SECONDS:
        raise InvalidRequest("This series takes too long to follow.")
    return first, None


def dates_before(event: Event, suffix: str) -> int:
    """How many dates a rule gives before one of its dates, those taken out later included."""
    begin = datetime.fromisoformat(suffix).replace(tzinfo=UTC)
    plain = event._replace(recurrence=tuple(each for each in event.recurrence if each.startswith("RRULE")))
    found = _followed(plain, Window(aware(plain.start, UTC) - _A_DAY, begin + _A_DAY))
    return sum(1 for each in found if suffix_of(each.start) < suffix)


def ended_before(event: Event, begin: Moment) -> list[str]:
    """The lines of a series that ends before one of its dates; raises `InvalidRequest` for what does not repeat."""
    until = _until_before(begin)
    lines = []
    for line in event.recurrence:
        if not line.upper().startswith("RRULE:"):
            lines.append(line)
            continue
        kept = [each for each in line[6:].split(";") if each.upper().partition("=")[0] not in ("COUNT", "UNTIL")]
        lines.append(f"RRULE:{';'.join([*kept, f'UNTIL={until}'])}")
    if not any(each.startswith("RRULE:") for each in lines):
        raise InvalidRequest("That event does not repeat by a rule; change its dates one by one.")
    return lines


def following(event: Event, begin: Moment, before: int) -> list[str]:
    """The lines of the series that goes on from one of its dates, `before` of them lying earlier."""
    lines = []
    for line in event.recurrence:
        if not line.upper().startswith("RRULE:"):
            continue
        parts = [each.partition("=") for each in line[6:].split(";")]
        shown = [
            f"COUNT={max(int(value) - before, 1)}" if name.upper() == "COUNT" and value.isdigit() else f"{name}={value}"
            for name, _, value in parts
        ]
        lines.append(f"RRULE:{';'.join(shown)}")
    kept = [each for each in _moments(event, "EXDATE") if aware(each, UTC) >= aware(begin, UTC)]
    return [*lines, *(_exdate(each) for each in kept)]


def shifted_rules(lines: Sequence[str], was: Moment, becomes: Moment) -> list[str]:
    """The lines of a series whose time of day moves: what names its dates and its end moves with it."""
    if not isinstance(was, datetime) or not isinstance(becomes, datetime):
        return list(lines)
    gap = becomes.replace(tzinfo=None) - was.replace(tzinfo=None)
    shifted = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.upper() == "RRULE" and "UNTIL=" in value.upper():
            rule = vRecur.from_ical(value)
            last = rule["UNTIL"][0]
            if isinstance(last, datetime):
                local = (last if last.tzinfo else last.replace(tzinfo=UTC)).astimezone(was.tzinfo)
                rule["UNTIL"] = [(local.replace(tzinfo=None) + gap).replace(tzinfo=becomes.tzinfo).astimezone(UTC)]
            shifted.append(f"RRULE:{_written(rule)}")
        elif name.upper().startswith("EXDATE"):
            found = [each for each in _read_line(line) if isinstance(each, datetime)]
            local_days = [(each.astimezone(was.tzinfo) if each.tzinfo else each).replace(tzinfo=None) for each in found]
            shifted += [_exdate((each + gap).replace(tzinfo=becomes.tzinfo)) for each in local_days]
        else:
            shifted.append(line)
    return shifted


def rule_line(repeat: Repeat, start: Moment) -> str:
    """How something repeats, as a line of a series."""
    return f"RRULE:{_written(vRecur(rule_of(repeat, start)))}"


def _written(rule: Any) -> str:
    content: bytes = rule.to_ical()
    return content.decode()


def _followed(event: Event, span: Window) -> list[Event]:
    """The dates of a series by its rules alone."""
    try:
        component = EventComponent()
        component.add("UID", "series")
        component.add("DTSTART", event.start)
        component.add("DTEND", event.end)
        for rule in _rules(event):
            component.add("RRULE", rule)
        for name in ("RDATE", "EXDATE"):
            if moments := _moments(event, name):
                component.add(name, moments)
        calendar = Calendar()
        calendar.add_component(component)
        found = [each.start for each in recurring_ical_events.of(calendar).between(span.start, span.end)]
    except _MALFORMED:
        return []
    length = event.end - event.start
    return [event._replace(start=each, end=each + length, original=each) for each in found]


def _rules(event: Event) -> list[Any]:
    return [vRecur.from_ical(each[6:]) for each in event.recurrence if each.upper().startswith("RRULE:")]


def _moments(event: Event, name: str) -> list[Moment]:
    found = [each for line in event.recurrence if line.upper().startswith(name) for each in _read_line(line)]
    if not isinstance(event.start, datetime):
        return [each.date() if isinstance(each, datetime) else each for each in found]
    return [each for each in found if isinstance(each, datetime)]


def _read_line(line: str) -> list[Moment]:
    """The days and times of an EXDATE or RDATE; periods count by their start, and UTC is meant where no zone stands."""
    try:
        component: Any = EventComponent.from_ical(f"BEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\n")
        given = component.get(line.partition(":")[0].partition(";")[0].upper()) or []
        found = [each.dt for one in (given if isinstance(given, list) else [given]) for each in one.dts]
    except _MALFORMED:
        return []
    plain = [each[0] if isinstance(each, tuple) else each for each in found]
    return [each.replace(tzinfo=UTC) if isinstance(each, datetime) and each.tzinfo is None else each for each in plain]


def _exdate(value: Moment) -> str:
    return f"EXDATE:{suffix_of(value)}" if isinstance(value, datetime) else f"EXDATE;VALUE=DATE:{suffix_of(value)}"


def _until_before(begin: Moment) -> str:
    """The last moment before a date, of DTSTART's kind: a day, or a time in UTC (RFC 5545, 3.3.10)."""
    if isinstance(begin, datetime):
        return suffix_of(begin - timedelta(seconds=1))
    return suffix_of(date(begin.year, begin.month, begin.day) - _A_DAY)


def _touches(event: Event, span: Window, zone: tzinfo) -> bool:
    start, end = aware(event.start, zone), aware(event.end, zone)
    return start < span.end and (end > span.start or start == end == span.start)
