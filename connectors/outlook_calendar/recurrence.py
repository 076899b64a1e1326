"""How an event repeats, as Graph has it.

https://learn.microsoft.com/graph/api/resources/patternedrecurrence
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

from openassistant.formats.moments import Moment, day_of
from openassistant.formats.repeats import Frequency, Repeat, Weekday, repeat_of, repeat_shown

__all__ = ["last_day", "recurrence_of", "rule_shown"]

_DAYS: tuple[Weekday, ...] = get_args(Weekday)
_TYPES: dict[str, Frequency] = {
    "daily": "daily", "weekly": "weekly", "absoluteMonthly": "monthly", "relativeMonthly": "monthly",
    "absoluteYearly": "yearly", "relativeYearly": "yearly",
}  # fmt: skip


def last_day(until: str, start: Moment) -> date:
    """The typed last day of a series; raises `InvalidRequest` when it lies before the first."""
    repeat = repeat_of("daily", every=1, on=None, until=until, count=None, start=start)
    assert repeat is not None, "it repeats"
    assert repeat.until is not None, "its last day was given"
    return repeat.until


def recurrence_of(repeat: Repeat, start: Moment, zone: str) -> dict[str, Any]:
    """The recurrence for a request; `zone` is the name for its days."""
    pattern: dict[str, Any] = {"interval": repeat.every}
    if repeat.frequency == "daily":
        pattern["type"] = "daily"
    elif repeat.frequency == "weekly":
        pattern |= {"type": "weekly", "daysOfWeek": list(repeat.on or (_DAYS[start.weekday()],))}
        pattern["firstDayOfWeek"] = "monday"
    elif repeat.frequency == "monthly":
        pattern |= {"type": "absoluteMonthly", "dayOfMonth": start.day}
    else:
        pattern |= {"type": "absoluteYearly", "dayOfMonth": start.day, "month": start.month}
    range_: dict[str, Any] = {"type": "noEnd", "startDate": day_of(start).isoformat(), "recurrenceTimeZone": zone}
    if repeat.until is not None:
        range_ |= {"type": "endDate", "endDate": repeat.until.isoformat()}
    if repeat.times is not None:
        range_ |= {"type": "numbered", "numberOfOccurrences": repeat.times}
    return {"pattern": pattern, "range": range_}


def rule_shown(recurrence: Mapping[str, Any]) -> str:
    """Graph's recurrence in words; "" where there is none."""
    pattern, range_ = recurrence.get("pattern"), recurrence.get("range")
    if not isinstance(pattern, dict) or not isinstance(range_, dict):
        return ""
    frequency = _TYPES.get(str(pattern.get("type")))
    if frequency is None:
        return "repeats"
    listed = pattern.get("daysOfWeek")
    days = [each for each in (listed if isinstance(listed, list) else []) if each in _DAYS]
    every = pattern.get("interval") if isinstance(pattern.get("interval"), int) else 1
    times = range_.get("numberOfOccurrences") if range_.get("type") == "numbered" else None
    until = None
    if range_.get("type") == "endDate":
        try:
            until = date.fromisoformat(str(range_.get("endDate")))
        except ValueError:
            until = None
    index = str(pattern.get("index")) if str(pattern.get("type")).startswith("relative") else ""
    ordinal = f"{index} " if index in ("first", "second", "third", "fourth", "last") else ""
    named = [f"{ordinal}{day}" for day in days]
    repeat = Repeat(frequency, int(every or 1), (), until, times if isinstance(times, int) else None)
    often, comma, rest = repeat_shown(repeat).partition(",")
    on = f" on {', '.join(named)}" if named else ""
    return f"{often}{on}{comma}{rest}"
