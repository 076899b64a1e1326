"""Moving a whole series: what names its single dates moves with it, or nothing is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from icalendar import Calendar
from icalendar import Event as EventComponent

from connectors.caldav.objects import moment_in, named_date, parts_in, rules_of
from connectors.caldav.writing import moments_in, put_moments, replace
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Moment, day_of

__all__ = ["moved", "shift_series"]

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FIXED = ("BYMONTHDAY", "BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE")


def shift_series(calendar: Calendar, master: EventComponent, was: Moment, becomes: Moment) -> None:
    """Moves exceptions, extra dates and rule of a series from one start to another; raises `InvalidRequest`."""
    singles = [each for each in parts_in(calendar) if named_date(each) is not None]
    if _kind(was) != _kind(becomes) and (singles or "EXDATE" in master or "RDATE" in master or "RRULE" in master):
        raise InvalidRequest(
            "A series cannot change between whole days, times, and times without a zone: delete it and create another."
        )
    for name in ("EXDATE", "RDATE"):
        if name in master:
            put_moments(master, name, [moved(each, was, becomes) for each in moments_in(master, name)])
    for rule in rules_of(master):
        _shift_rule(rule, was, becomes)
    for each in singles:
        _shift_single(each, was, becomes)


def moved(value: Moment, was: Moment, becomes: Moment) -> Moment:
    """A date of a series that began at `was`, when it begins at `becomes`: as far by the clock on the wall."""
    if not (isinstance(value, datetime) and isinstance(was, datetime) and isinstance(becomes, datetime)):
        return value + (day_of(becomes) - day_of(was))
    local = value.astimezone(was.tzinfo) if value.tzinfo and was.tzinfo else value
    return (local.replace(tzinfo=None) + _gap(was, becomes)).replace(tzinfo=becomes.tzinfo)


def _shift_single(part: Any, was: Moment, becomes: Moment) -> None:
    """A date that was only changed in words moves along; one that was put elsewhere stays there."""
    named, start, end = named_date(part), moment_in(part, "DTSTART"), moment_in(part, "DTEND")
    assert named is not None, "only single dates come here"
    replace(part, "RECURRENCE-ID", moved(named, was, becomes))
    if start == named and start is not None:
        replace(part, "DTSTART", moved(start, was, becomes))
        if end is not None:
            replace(part, "DTEND", moved(end, was, becomes))


def _shift_rule(rule: Any, was: Moment, becomes: Moment) -> None:
    days = (day_of(becomes) - day_of(was)).days
    if days % 7 and "BYDAY" in rule:
        rule["BYDAY"] = [_next_day(each, days, rule) for each in rule["BYDAY"]]
    if days and any(name in rule for name in _FIXED) and str(rule["FREQ"][0]).upper() != "WEEKLY":
        raise InvalidRequest("This series repeats on fixed days, so it cannot be moved to others: create another.")
    if until := (rule.get("UNTIL") or [None])[0]:
        rule["UNTIL"] = [_until(until, was, becomes)]


def _until(until: Moment, was: Moment, becomes: Moment) -> Moment:
    shifted = moved(until, was, becomes)
    return shifted.astimezone(UTC) if isinstance(shifted, datetime) and shifted.tzinfo else shifted


def _next_day(day: Any, days: int, rule: Any) -> str:
    if str(day) not in _DAYS or str(rule["FREQ"][0]).upper() != "WEEKLY":
        raise InvalidRequest("This series repeats on fixed weekdays, so it cannot be moved to others: create another.")
    return _DAYS[(_DAYS.index(str(day)) + days) % 7]


def _kind(value: Moment) -> tuple[bool, bool]:
    zone: tzinfo | None = value.tzinfo if isinstance(value, datetime) else None
    return isinstance(value, datetime), zone is None


def _gap(was: datetime, becomes: datetime) -> timedelta:
    return becomes.replace(tzinfo=None) - was.replace(tzinfo=None)
