"""A series in two: a date and those that follow are taken out of it, to end there or to go on changed."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from icalendar import Calendar
from icalendar import Event as EventComponent

from connectors.caldav.compose import Changes, apply_changes, times_of, write_times
from connectors.caldav.events import occurrences
from connectors.caldav.objects import Part, events_in, named_date, read_object, rules_of
from connectors.caldav.writing import MARK, master_of, moments_in, put_moments, replace, touch, value_of, written
from openassistant.errors import InvalidRequest, NotFound
from openassistant.formats.moments import Moment, aware

__all__ = ["Halves", "is_first", "split_series", "without_following"]


class Halves(NamedTuple):
    """The texts of a series that ends, and of the one that goes on from there."""

    ended: str
    follows: str


def is_first(text: str, recurrence: str) -> bool:
    """Whether a date is the one with which its series begins; raises `NotFound`."""
    master = _master(read_object(text))
    start: Moment = master.start
    return value_of(recurrence, start) == start


def without_following(text: str, recurrence: str, *, mark: str, now: datetime) -> str:
    """A series that ends before one of its dates; raises `NotFound`, `InvalidRequest`."""
    calendar = read_object(text)
    _end_before(calendar, recurrence)
    touch(_master(calendar), mark, now)
    return written(calendar)


def split_series(text: str, recurrence: str, changes: Changes, *, uid: str, mark: str, now: datetime) -> Halves:
    """A series that ends before one of its dates, and another that begins with that date, changed.

    Raises `NotFound`, `InvalidRequest`.
    """
    return Halves(
        without_following(text, recurrence, mark=mark, now=now),
        _following(text, recurrence, changes, uid=uid, mark=mark, now=now),
    )


def _following(text: str, recurrence: str, changes: Changes, *, uid: str, mark: str, now: datetime) -> str:
    calendar = read_object(text)
    master = _master(calendar)
    begin, end = times_of(_alone(calendar), recurrence)
    _count_down(master, occurrences(text, begin))
    for name in ("EXDATE", "RDATE"):
        put_moments(master, name, [each for each in moments_in(master, name) if not _is_before(each, begin)])
    _drop_singles(calendar, begin, before=True)
    _change_single(calendar, begin, changes)
    write_times(master, begin, end)
    for each in events_in(calendar):
        replace(each, "UID", uid)
        each.pop(MARK, None)
    apply_changes(calendar, master, changes)
    touch(master, mark, now)
    return written(calendar)


def _end_before(calendar: Calendar, recurrence: str) -> None:
    master = _master(calendar)
    begin = value_of(recurrence, master.start)
    rules = rules_of(master)
    if not rules and "RDATE" not in master:
        raise InvalidRequest("That event does not repeat.")
    for rule in rules:
        rule.pop("COUNT", None)
        rule["UNTIL"] = [_until(begin)]
    for name in ("EXDATE", "RDATE"):
        put_moments(master, name, [each for each in moments_in(master, name) if _is_before(each, begin)])
    _drop_singles(calendar, begin, before=False)


def _until(begin: Moment) -> Moment:
    """The last moment before a date, of DTSTART's kind: a day, or a time, in UTC where it has a zone (3.3.10)."""
    if not isinstance(begin, datetime):
        return begin - timedelta(days=1)
    last = begin.astimezone(UTC) if begin.tzinfo else begin
    return last - timedelta(seconds=1)


def _count_down(master: Part, before: int) -> None:
    for rule in rules_of(master):
        if count := (rule.get("COUNT") or [None])[0]:
            rule["COUNT"] = [max(int(count) - before, 1)]


def _change_single(calendar: Calendar, begin: Moment, changes: Changes) -> None:
    """The very date that is changed, where it differs from its series: new words apply to it, new times replace it."""
    for each in (each for each in events_in(calendar) if named_date(each) == begin):
        if changes.start is None and changes.end is None:
            apply_changes(calendar, each, changes)
        else:
            calendar.subcomponents.remove(each)


def _drop_singles(calendar: Calendar, begin: Moment, *, before: bool) -> None:
    for each in events_in(calendar):
        named = named_date(each)
        if named is not None and _is_before(named, begin) is before:
            calendar.subcomponents.remove(each)


def _is_before(value: Moment, begin: Moment) -> bool:
    zone: Any = begin.tzinfo if isinstance(begin, datetime) and begin.tzinfo else UTC
    return aware(value, zone) < aware(begin, zone)


def _alone(calendar: Calendar) -> str:
    """The series without its changed dates: where a date would be if nobody had touched it."""
    plain = copy.deepcopy(calendar)
    for each in events_in(plain):
        if named_date(each) is not None:
            plain.subcomponents.remove(each)
    return written(plain)


def _master(calendar: Calendar) -> EventComponent:
    found = master_of(calendar)
    if not isinstance(found, EventComponent):
        raise NotFound("That date has no series on the server; change it alone.")
    return found
