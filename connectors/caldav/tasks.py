"""Tasks (VTODO, RFC 5545, 3.6.2): read as typed tasks, and written so that everything else in them stays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import recurring_ical_events
from icalendar import Calendar, Todo

from connectors.caldav.alarms import alarms_of, set_alarms
from connectors.caldav.objects import (
    MALFORMED,
    DamagedError,
    guests_of,
    is_dense,
    moment_in,
    named_date,
    organizer_of,
    read_object,
    rules_of,
    text_in,
    todos_in,
)
from connectors.caldav.shifts import moved
from connectors.caldav.writing import new_calendar, replace, touch, written
from openassistant.errors import InvalidRequest
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment, aware
from openassistant.formats.repeats import Repeat, rule_of

__all__ = ["Priority", "Task", "TaskChanges", "changed_task", "completed_task", "new_task", "read_task"]

_LONGEST_TITLE, _LONGEST_NOTES = 500, 20_000
_AHEAD = timedelta(days=366 * 5)
_PRIORITIES = {"high": 1, "medium": 5, "low": 9, "none": 0}
Priority = Literal["high", "medium", "low", "none"]
"""high (1 to 4), medium (5), low (6 to 9) or none (0), as RFC 5545, 3.8.1.9 groups them."""


class Task(NamedTuple):
    """A task, or the next date of one that repeats."""

    uid: str
    title: str
    notes: str
    start: Moment | None
    due: Moment | None
    priority: Priority
    percent: int
    status: str
    repeats: bool
    completed: datetime | None
    organizer: Person | None
    guests: tuple[Person, ...]
    alarms: tuple[int, ...]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in ("completed", "cancelled")


class TaskChanges(NamedTuple):
    """What becomes of a task; None leaves a part as it is. `no_due` takes the due date away."""

    title: str | None = None
    notes: str | None = None
    start: Moment | None = None
    due: Moment | None = None
    no_due: bool = False
    priority: Priority | None = None
    percent: int | None = None
    alarms: tuple[int, ...] | None = None


def read_task(text: str) -> Task:
    """The task in an object; of a series the component of the whole. Raises `DamagedError`."""
    part = _main(read_object(text))
    try:
        percent = part.get("PERCENT-COMPLETE", 0)
        finished = moment_in(part, "COMPLETED")
        return Task(
            uid=text_in(part, "UID", 500),
            title=" ".join(text_in(part, "SUMMARY", _LONGEST_TITLE).split()),
            notes=text_in(part, "DESCRIPTION", _LONGEST_NOTES),
            start=moment_in(part, "DTSTART"),
            due=_due(part),
            priority=_priority(part.get("PRIORITY", 0)),
            percent=min(max(int(percent), 0), 100) if isinstance(percent, int) else 0,
            status=_status(part, finished),
            repeats=bool(rules_of(part)),
            completed=aware(finished, UTC) if finished is not None else None,
            organizer=organizer_of(part),
            guests=guests_of(part),
            alarms=alarms_of(part),
        )
    except MALFORMED as error:
        raise DamagedError("not a readable task") from error


def new_task(
    *,
    title: str,
    uid: str,
    now: datetime,
    notes: str = "",
    start: Moment | None = None,
    due: Moment | None = None,
    priority: Priority = "none",
    repeats: Repeat | None = None,
    alarms: Sequence[int] = (),
) -> str:
    """The text of a new task; one that repeats has a start (RFC 5545, 3.8.5.3), its due date where none is given."""
    part = Todo()
    part.add("UID", uid)
    for name in ("DTSTAMP", "CREATED"):
        part.add(name, now.astimezone(UTC))
    part.add("STATUS", "NEEDS-ACTION")
    first = start if start is not None else due
    if repeats and first is not None:
        part.add("DTSTART", first)
        part.add("RRULE", rule_of(repeats, first))
    _change(part, TaskChanges(title, notes, start, due, priority=priority, alarms=tuple(alarms)))
    return written(new_calendar(part))


def changed_task(text: str, changes: TaskChanges, *, mark: str, now: datetime) -> str:
    """A task with some of it changed; raises `DamagedError`, `InvalidRequest`."""
    calendar = read_object(text)
    part = _main(calendar)
    with _told_as_damage():
        _change(part, changes)
        touch(part, mark, now)
        return written(calendar)


def completed_task(text: str, *, done: bool, mark: str, now: datetime) -> str:
    """A task that is done, or open again. One that repeats goes on to its next date, and is done after its last.

    Raises `DamagedError`.
    """
    calendar = read_object(text)
    part = _main(calendar)
    with _told_as_damage():
        following = _next_start(calendar, part) if done else None
        if following is not None:
            _move_on(part, following)
        else:
            _settle(part, now if done else None)
        touch(part, mark, now)
        return written(calendar)


@contextlib.contextmanager
def _told_as_damage() -> Iterator[None]:
    try:
        yield
    except MALFORMED as error:
        raise DamagedError("its values cannot be read") from error


def _main(calendar: Calendar) -> Todo:
    found = todos_in(calendar)
    if not found:
        raise DamagedError("no task in it")
    return next((each for each in found if named_date(each) is None), found[0])


def _change(part: Todo, changes: TaskChanges) -> None:
    for name, value in (("SUMMARY", changes.title), ("DESCRIPTION", changes.notes)):
        if value is not None:
            replace(part, name, value)
    _set_times(part, changes)
    if changes.priority is not None:
        replace(part, "PRIORITY", _PRIORITIES[changes.priority])
    if changes.percent is not None:
        replace(part, "PERCENT-COMPLETE", changes.percent)
    if changes.alarms is not None:
        set_alarms(part, changes.alarms)


def _set_times(part: Todo, changes: TaskChanges) -> None:
    if rules_of(part) and changes.no_due and "DTSTART" not in part:
        raise InvalidRequest("A task that repeats needs its date; give a new due date instead.")
    was = _due(part)
    if changes.no_due:
        part.pop("DUE", None)
        part.pop("DURATION", None)
    if changes.due is not None:
        start = moment_in(part, "DTSTART")
        if changes.start is None and start is not None and was is not None:
            replace(part, "DTSTART", _alike(moved(start, was, changes.due), changes.due))
        part.pop("DURATION", None)
        replace(part, "DUE", changes.due)
    if changes.start is not None:
        replace(part, "DTSTART", _alike(changes.start, changes.due or _due(part)))
    _check_order(part)


def _alike(start: Moment, due: Moment | None) -> Moment:
    """DTSTART and DUE are of one kind (RFC 5545, 3.8.2.3)."""
    if due is None or isinstance(start, datetime) == isinstance(due, datetime):
        return start
    if isinstance(start, datetime):
        return start.date()
    assert isinstance(due, datetime), "the kinds differ"
    return due.replace(year=start.year, month=start.month, day=start.day)


def _check_order(part: Todo) -> None:
    start, due = moment_in(part, "DTSTART"), _due(part)
    if start is not None and due is not None and aware(due, UTC) < aware(start, UTC):
        raise InvalidRequest("due: it must not lie before the start.")


def _next_start(calendar: Calendar, part: Todo) -> Moment | None:
    """When a series goes on after its present date; None when it does not repeat, or that was the last."""
    anchor = moment_in(part, "DTSTART") or _due(part)
    rules = rules_of(part)
    if anchor is None or not rules or any(is_dense(rule) for rule in rules):
        return None
    plain = Calendar.from_ical(calendar.to_ical())
    first = _main(plain)
    first.pop("DURATION", None)
    replace(first, "DTSTART", anchor)
    replace(first, "DUE", anchor)
    start = aware(anchor, UTC)
    for year in range(1, 6):
        window = (start, start + _AHEAD * year / 5)
        found = recurring_ical_events.of(plain, components=["VTODO"]).between(*window)
        later = sorted((each.start for each in found if aware(each.start, UTC) > start), key=lambda m: aware(m, UTC))
        if later:
            following: Moment = later[0]
            return following
    return None


def _move_on(part: Todo, following: Moment) -> None:
    """The next date becomes the task's own; a count goes down by the dates that are over."""
    anchor, due = moment_in(part, "DTSTART") or _due(part), _due(part)
    assert anchor is not None, "a series has a first date"
    for rule in rules_of(part):
        if count := (rule.get("COUNT") or [None])[0]:
            rule["COUNT"] = [max(int(count) - 1, 1)]
    if "DTSTART" in part:
        replace(part, "DTSTART", following)
    if due is not None:
        part.pop("DURATION", None)
        replace(part, "DUE", moved(due, anchor, following))
    _settle(part, None)


def _settle(part: Todo, finished: datetime | None) -> None:
    for name in ("COMPLETED", "PERCENT-COMPLETE"):
        part.pop(name, None)
    replace(part, "STATUS", "NEEDS-ACTION" if finished is None else "COMPLETED")
    if finished is not None:
        part.add("COMPLETED", finished.astimezone(UTC))
        part.add("PERCENT-COMPLETE", 100)


def _due(part: Todo) -> Moment | None:
    due, start = moment_in(part, "DUE"), moment_in(part, "DTSTART")
    length = getattr(part.get("DURATION"), "dt", None)
    if due is None and start is not None and isinstance(length, timedelta):
        return start + length
    return due


def _priority(value: object) -> Priority:
    number = int(value) if isinstance(value, int) else 0
    if number <= 0:
        return "none"
    return "high" if number < 5 else "medium" if number == 5 else "low"


def _status(part: Todo, finished: Moment | None) -> str:
    status = text_in(part, "STATUS", 20).lower()
    if finished is not None and status != "cancelled":
        return "completed"
    return status if status in ("completed", "cancelled", "in-process") else "needs-action"
