"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta, tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.caldav.events import Event
from connectors.caldav.mirror import Kept
from connectors.caldav.moments import Window
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource

__all__ = [
    "EventDeleted",
    "EventList",
    "EventSaved",
    "EventView",
    "Slot",
    "SlotList",
    "event_id",
    "slot_of",
    "source_of",
    "times_shown",
    "view_of",
]

_LONGEST_NOTES = 1000
_MOST_PEOPLE = 20
_A_DAY = timedelta(days=1)


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventView(_View):
    """A date of an event. `start` and `end` are ISO 8601; for whole days they are the first and the last day."""

    id: str
    start: str
    end: str
    calendar: str
    title: OutsideText
    place: OutsideText | None = None
    people: OutsideText | None = None
    notes: OutsideText | None = None
    repeats: bool = False
    status: str = "confirmed"
    busy: bool = True


class EventList(_View):
    """Dates of events by start; `note` says when the answer may not be complete."""

    events: list[EventView]
    note: str = ""


class Slot(_View):
    """A free time, ISO 8601."""

    start: str
    end: str
    minutes: int


class SlotList(_View):
    """Free times, earliest first; `note` says when the answer may not be complete."""

    slots: list[Slot]
    note: str = ""


class EventSaved(_View):
    """An event as the server took it; `id` is what events_update and events_delete take."""

    id: str
    uid: str
    start: str
    end: str
    calendar: str
    note: str = ""


class EventDeleted(_View):
    """What was deleted."""

    id: str
    note: str = ""


def event_id(kept: Kept, event: Event) -> str:
    """The id of a date of an event."""
    return f"{kept.key}_{event.recurrence}" if event.recurrence else kept.key


def view_of(kept: Kept, event: Event, zone: tzinfo, own: Collection[str]) -> EventView:
    """A date of an event as the model sees it, its times in `zone`."""
    start, end = times_shown(event, zone)
    people = [*([event.organizer] if event.organizer else []), *event.guests]
    more = f" and {len(people) - _MOST_PEOPLE} more" if len(people) > _MOST_PEOPLE else ""
    named = ", ".join(f"{each.shown} ({each.status})" for each in people[:_MOST_PEOPLE]) + more
    return EventView(
        id=event_id(kept, event),
        start=start,
        end=end,
        calendar=kept.calendar_name,
        title=_outside(event.title or "(no title)", kept, event, own),
        place=_outside(event.place, kept, event, own) if event.place else None,
        people=_outside(named, kept, event, own) if people else None,
        notes=_outside(event.notes[:_LONGEST_NOTES], kept, event, own) if event.notes else None,
        repeats=bool(event.recurrence),
        status=event.status,
        busy=event.busy,
    )


def times_shown(event: Event, zone: tzinfo) -> tuple[str, str]:
    """Start and end: days (the last one included), times in `zone`, or floating times without an offset."""
    if event.all_day:
        first = event.start.date()
        return first.isoformat(), max(event.end.date() - _A_DAY, first).isoformat()
    if event.floating:
        return event.start.replace(tzinfo=None).isoformat(), event.end.replace(tzinfo=None).isoformat()
    return event.start.astimezone(zone).isoformat(), event.end.astimezone(zone).isoformat()


def slot_of(free: Window, zone: tzinfo) -> Slot:
    """A free time in `zone`."""
    minutes = int((free.end - free.start).total_seconds() // 60)
    return Slot(
        start=free.start.astimezone(zone).isoformat(), end=free.end.astimezone(zone).isoformat(), minutes=minutes
    )


def source_of(kept: Kept, event: Event, own: Collection[str]) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    organizer = event.organizer
    if organizer is None or organizer.address in own:
        return OutsideSource(source=f"an event in the calendar {kept.calendar_name}")
    words = f"an event of {organizer.address} in the calendar {kept.calendar_name}"
    return OutsideSource(source=words, authors=(organizer.address,))


def _outside(text: str, kept: Kept, event: Event, own: Collection[str]) -> OutsideText:
    source = source_of(kept, event, own)
    return OutsideText(text=text, source=source.source, authors=source.authors)
