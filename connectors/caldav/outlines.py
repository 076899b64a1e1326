"""The index entry of an object: its words, when it happens, and whether it can be read at all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from icalendar import Event as EventComponent

from connectors.caldav.events import expand
from connectors.caldav.objects import (
    MALFORMED,
    Part,
    events_in,
    is_dense,
    moment_in,
    named_date,
    parts_in,
    people_of,
    read_object,
    rules_of,
    text_in,
    todos_in,
)
from openassistant.formats.moments import Window, aware

__all__ = ["Kind", "Outline", "State", "outline"]

Kind = Literal["event", "task", "none"]

State = Literal["whole", "heavy", "damaged"]
"""Read in full; repeats in a way that is too much work, so that only its first date is shown; not readable."""

_LONGEST_NOTES = 20_000
_A_DAY = 86_400
_FORWARD = timedelta(days=366)
_PROBE_SECONDS = 1.0
_MOST_YEARS = 250
_SPREADING = ("BYMONTH", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")


class Outline(NamedTuple):
    """What the index holds of an object: its words, and between which times (seconds of Unix time) it happens."""

    uid: str
    title: str
    place: str
    people: str
    notes: str
    first: int
    last: int | None
    state: State
    kind: Kind = "event"
    done: bool = False


_DAMAGED = Outline("", "", "", "", "", 0, 0, "damaged", "none")


def outline(text: str, *, now: datetime) -> Outline:
    """The index entry of an object; a damaged one has no words and no time."""
    try:
        calendar = read_object(text)
        parts, events = parts_in(calendar), events_in(calendar)
        title, place = (_joined(parts, name)[:_LONGEST_NOTES] for name in ("SUMMARY", "LOCATION"))
        people = " ".join(person.shown for each in parts for person in people_of(each))
        notes = _joined(parts, "DESCRIPTION")[:_LONGEST_NOTES]
        uid = text_in(parts[0], "UID", 500)
        if not events:
            done = all(_is_done(each) for each in todos_in(calendar))
            return Outline(uid, title, place, people[:_LONGEST_NOTES], notes, 0, 0, "whole", "task", done)
        first, last = _span(events)
        return Outline(uid, title, place, people[:_LONGEST_NOTES], notes, first, last, _weigh(text, events, now))
    except MALFORMED:
        return _DAMAGED


def _is_done(part: Part) -> bool:
    return text_in(part, "STATUS", 20).upper() in ("COMPLETED", "CANCELLED") or moment_in(part, "COMPLETED") is not None


def _span(events: Sequence[EventComponent]) -> tuple[int, int | None]:
    """First and last second of an object, a day wider on both sides for zones; None when its end is not plain."""
    times = [aware(value, UTC) for each in events for value in (each.start, each.end)]
    named = [aware(value, UTC) for each in events if (value := named_date(each)) is not None]
    first = int(min(times + named).timestamp()) - _A_DAY
    if any(name in each for each in events for name in ("RRULE", "RDATE")):
        return first, None
    return first, int(max(times).timestamp()) + _A_DAY


def _weigh(text: str, events: Sequence[EventComponent], now: datetime) -> State:
    """Whether an object's rule is work that nobody can use: a stranger's invitation must not stop the calendar.

    Rules that give many dates a day, or began in a far century, are refused by their looks, others by the processor
    time of one year.
    """
    rules = [(rule, each) for each in events for rule in rules_of(each)]
    if not rules:
        return "whole"
    if any(is_dense(rule) or _is_ancient(rule, each, now) for rule, each in rules):
        return "heavy"
    began = time.thread_time()
    expand(text, Window(now, now + _FORWARD), UTC)
    return "heavy" if time.thread_time() - began > _PROBE_SECONDS else "whole"


def _is_ancient(rule: Any, event: EventComponent, now: datetime) -> bool:
    """Whether a rule began so long ago that counting its dates takes seconds: a daily one since the year 1 has 740,000.

    A birthday of that time, once a year, is no work.
    """
    once_a_year = str((rule.get("FREQ") or [""])[0]).upper() == "YEARLY" and not any(key in rule for key in _SPREADING)
    return now.year - event.start.year > _MOST_YEARS and not once_a_year


def _joined(events: Iterable[Part], name: str) -> str:
    return " ".join(dict.fromkeys(text for each in events if (text := text_in(each, name, _LONGEST_NOTES))))
