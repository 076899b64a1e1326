"""How events and tasks repeat: as it is typed, as iCalendar has it, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Literal, NamedTuple, get_args

from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Moment, day_of, day_shown, moment

__all__ = ["Frequency", "Repeat", "Weekday", "repeat_of", "repeat_shown", "rule_of"]

Frequency = Literal["daily", "weekly", "monthly", "yearly"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_DAYS: tuple[Weekday, ...] = get_args(Weekday)
_UNITS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}


class Repeat(NamedTuple):
    """How something repeats: every so many days, weeks, months or years, on which weekdays, until when or how often."""

    frequency: Frequency
    every: int = 1
    on: tuple[Weekday, ...] = ()
    until: date | None = None
    times: int | None = None


def repeat_of(
    repeats: Frequency | None,
    *,
    every: int,
    on: Sequence[Weekday] | None,
    until: str | None,
    count: int | None,
    start: Moment,
) -> Repeat | None:
    """How something repeats; raises `InvalidRequest` where that makes no sense."""
    if repeats is None:
        if until is not None or count is not None or on or every != 1:
            raise InvalidRequest("repeats: say how often it repeats, too: daily, weekly, monthly or yearly.")
        return None
    if until is not None and count is not None:
        raise InvalidRequest("Give until or count, not both.")
    if on and repeats != "weekly":
        raise InvalidRequest("on: weekdays go with repeats weekly.")
    days = tuple(dict.fromkeys(on or ()))
    if days and _DAYS[start.weekday()] not in days:
        raise InvalidRequest("on: the first date must be on one of these weekdays.")
    return Repeat(repeats, every, days, _until(until, start), count)


def repeat_shown(repeat: Repeat | None) -> str:
    """How something repeats: "every 2 weeks on monday, until Friday 27 November 2026"."""
    if repeat is None:
        return ""
    unit = _UNITS[repeat.frequency]
    words = f"every {unit}" if repeat.every == 1 else f"every {repeat.every} {unit}s"
    on = f" on {', '.join(repeat.on)}" if repeat.on else ""
    until = f", until {day_shown(repeat.until)}" if repeat.until else ""
    return f"{words}{on}{until}{f', {repeat.times} times' if repeat.times else ''}"


def rule_of(repeat: Repeat, start: Moment) -> dict[str, list[str | int | date]]:
    """An RRULE: the last day counts in full, and UNTIL is of DTSTART's kind (RFC 5545, 3.3.10)."""
    rule: dict[str, list[str | int | date]] = {"FREQ": [repeat.frequency.upper()]}
    if repeat.every > 1:
        rule["INTERVAL"] = [repeat.every]
    if repeat.on:
        rule["BYDAY"] = [day[:2].upper() for day in repeat.on]
    if repeat.until is not None:
        rule["UNTIL"] = [_end_of(repeat.until, start.tzinfo) if isinstance(start, datetime) else repeat.until]
    if repeat.times is not None:
        rule["COUNT"] = [repeat.times]
    return rule


def _until(until: str | None, start: Moment) -> date | None:
    if until is None:
        return None
    day = day_of(moment(until, "until", None))
    if day < day_of(start):
        raise InvalidRequest("until: the last day must not lie before the first.")
    return day


def _end_of(day: date, zone: tzinfo | None) -> datetime:
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone)
    return end if zone is None else end.astimezone(UTC)
