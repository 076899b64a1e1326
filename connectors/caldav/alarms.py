"""Reminders of an event or a task (VALARM, RFC 5545, 3.6.6): those before its start, in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from icalendar import Alarm, Component

__all__ = ["alarms_of", "set_alarms"]

_MOST = 20


def alarms_of(part: Component) -> tuple[int, ...]:
    """Minutes before the start at which one is reminded; reminders of another kind are left out."""
    found = {minutes for each in _alarms(part) if (minutes := _minutes(each)) is not None}
    return tuple(sorted(found))[:_MOST]


def set_alarms(part: Component, minutes: Sequence[int]) -> None:
    """Makes these the only reminders; what another program wrote about one that stays is kept."""
    known = {_minutes(each): each for each in _alarms(part)}
    part.subcomponents = [each for each in part.subcomponents if each.name != "VALARM"]
    for each in dict.fromkeys(minutes):
        part.add_component(known.get(each) or _alarm(each, str(part.get("SUMMARY", "Reminder"))))


def _alarms(part: Component) -> list[Component]:
    return [each for each in part.subcomponents if each.name == "VALARM"]


def _minutes(alarm: Component) -> int | None:
    trigger = alarm.get("TRIGGER")
    value = getattr(trigger, "dt", None)
    if not isinstance(value, timedelta) or value > timedelta(0) or trigger.params.get("RELATED", "START") != "START":
        return None
    return round(-value.total_seconds() / 60)


def _alarm(minutes: int, title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", title)
    alarm.add("TRIGGER", timedelta(minutes=-minutes))
    return alarm
