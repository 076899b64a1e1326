"""What calendar tools give back alike. Whatever a stranger could have written is `OutsideText`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import TypedDict

from pydantic import BaseModel, ConfigDict

from openassistant.calendars.mirror import Described
from openassistant.connector import OutsideText
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment, Window
from openassistant.messages import OutsideSource

__all__ = [
    "HEAVY",
    "UNREAD",
    "BusyList",
    "BusySpan",
    "EventDeleted",
    "GuestTimes",
    "Slot",
    "Words",
    "described",
    "notes_of",
    "outside",
    "source_in",
    "spans_of",
    "times_shown",
]

UNREAD = "The calendars are still being read, so there may be more."
HEAVY = "Some events repeat so often that only their first date is given."
_A_DAY = timedelta(days=1)


class Words(TypedDict):
    """What people wrote into an event, as the fields of a view."""

    title: OutsideText
    place: OutsideText | None
    people: OutsideText | None
    notes: OutsideText | None


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventDeleted(_View):
    """What was deleted or called off."""

    id: str
    note: str = ""


class BusySpan(_View):
    """A time that is taken, ISO 8601; `tentative` when only by what is not settled, such as an open invitation."""

    start: str
    end: str
    tentative: bool = False


class BusyList(_View):
    """Taken times, earliest first; `accounts` names those whose calendars were looked at."""

    busy: list[BusySpan]
    accounts: list[str]
    note: str = ""


class Slot(_View):
    """A free time, ISO 8601."""

    start: str
    end: str
    minutes: int


class GuestTimes(_View):
    """Whether the times of a guest are known and taken into account, and from where or why not."""

    guest: str
    known: bool
    note: str


def described(event: Described, source: OutsideSource, organizer: Person | None, *, whole: bool) -> Words:
    """What people wrote into an event, shortened for a list unless `whole`; `organizer` is named before the guests."""
    most, longest = (200, 20_000) if whole else (20, 1_000)
    persons = [f"{each.shown} ({each.status})" for each in event.guests]
    persons = [*([f"{organizer.shown} (organiser)"] if organizer else []), *persons]
    more = f" and {len(persons) - most} more" if len(persons) > most else ""
    return {
        "title": outside(event.title or "(no title)", source),
        "place": outside(event.place, source) if event.place else None,
        "people": outside(", ".join(persons[:most]) + more, source) if persons else None,
        "notes": outside(event.notes[:longest], source) if event.notes else None,
    }


def source_in(calendar: str, organizer: Person | None) -> OutsideSource:
    """Where the texts of an event come from; `organizer` is who wrote them, where that is not the user."""
    if organizer is None:
        return OutsideSource(source=f"an event in {calendar}")
    return OutsideSource(source=f"an event of {organizer.address} in {calendar}", authors=(organizer.address,))


def outside(text: str, source: OutsideSource) -> OutsideText:
    """A text of an event, with where it comes from."""
    return OutsideText(text=text, source=source.source, authors=source.authors)


def times_shown(start: Moment, end: Moment, zone: tzinfo) -> tuple[str, str]:
    """Start and end, exclusive: days (the last one included), or times in `zone`."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start.astimezone(zone).isoformat(), end.astimezone(zone).isoformat()
    return start.isoformat(), max(end - _A_DAY, start).isoformat()


def spans_of(firm: Iterable[Window], tentative: Iterable[Window], zone: tzinfo) -> list[BusySpan]:
    """Taken times in `zone`, by start."""
    found = sorted([*((each, False) for each in firm), *((each, True) for each in tentative)])
    return [
        BusySpan(
            start=each.start.astimezone(zone).isoformat(), end=each.end.astimezone(zone).isoformat(), tentative=perhaps
        )
        for each, perhaps in found
    ]


def notes_of(*notes: str) -> str:
    """The notes that say something."""
    return " ".join(note for note in notes if note)
