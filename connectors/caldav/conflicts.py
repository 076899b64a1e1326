"""Two versions of one object, told apart in facts: what the server has now, and what was wanted.

The facts hold no text that somebody else may have written: an error's words are read as ours. Texts are read with
`events_get` and `tasks_list`, which mark them.
"""

from __future__ import annotations

from typing import Any

from icalendar import Event as EventComponent

from connectors.caldav.objects import MALFORMED, DamagedError, Part, read_object
from connectors.caldav.writing import length_of, master_of, named_parts, value_of
from openassistant.errors import Conflict
from openassistant.formats.moments import span_shown

__all__ = ["conflict"]

_NAMES = {
    "SUMMARY": "title", "DTSTART": "time", "DTEND": "time", "DURATION": "time", "DUE": "time", "LOCATION": "place",
    "DESCRIPTION": "notes", "ATTENDEE": "guests", "RRULE": "repetition", "RDATE": "repetition",
    "EXDATE": "repetition", "STATUS": "status", "PRIORITY": "priority", "COMPLETED": "status",
}  # fmt: skip


def conflict(before: str, now: str, wanted: str, recurrence: str) -> Conflict:
    """The error of a change that came too late; `wanted` is "" where it was to be deleted."""
    changed = _changed(before, now, recurrence)
    there = _when(now, recurrence)
    words = [f"It was changed on the calendar server meanwhile ({', '.join(changed) or 'in details'})."]
    words += [f"There it is now: {there}."] if there else []
    words += [f"Wanted was: {_when(wanted, recurrence) or 'what you asked for'}."] if wanted else ["It was to go."]
    words.append("Nothing was done, nothing was overwritten. Look at it again, then ask again.")
    facts = {"changed": changed, "now": there, "wanted": _when(wanted, recurrence) if wanted else "deleted"}
    return Conflict(" ".join(words), details=facts)


def _changed(before: str, now: str, recurrence: str) -> list[str]:
    one, other = _part(before, recurrence), _part(now, recurrence)
    if one is None or other is None:
        return []
    names = (words for name, words in _NAMES.items() if _raw(one, name) != _raw(other, name))
    return list(dict.fromkeys(names))


def _raw(part: Part, name: str) -> list[bytes]:
    given: Any = part.get(name, [])
    return [bytes(each.to_ical()) for each in (given if isinstance(given, list) else [given])]


def _when(text: str, recurrence: str) -> str:
    part = _part(text, recurrence)
    try:
        if not isinstance(part, EventComponent):
            return ""
        start, end = part.start, part.end
        if recurrence and "RECURRENCE-ID" not in part:
            first = value_of(recurrence, start)
            start, end = first, first + length_of(start, end)
        return span_shown(start, end)
    except MALFORMED:
        return ""


def _part(text: str, recurrence: str) -> Part | None:
    try:
        calendar = read_object(text)
    except DamagedError:
        return None
    named = named_parts(calendar, recurrence) if recurrence else []
    return named[0] if named else master_of(calendar)
