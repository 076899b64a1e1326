"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from pydantic import BaseModel, ConfigDict

from connectors.outlook_calendar.events import Event
from connectors.outlook_calendar.mirror import Kept
from connectors.outlook_calendar.recurrence import rule_shown
from openassistant.connector import OutsideText
from openassistant.formats.moments import Window
from openassistant.messages import OutsideSource

__all__ = [
    "BusyList",
    "BusySpan",
    "CalendarList",
    "CalendarView",
    "ChangeList",
    "ChangeView",
    "EventDeleted",
    "EventDetails",
    "EventForwarded",
    "EventList",
    "EventSaved",
    "EventView",
    "GuestTimes",
    "InvitationAnswered",
    "InvitationList",
    "InvitationView",
    "ScheduleList",
    "ScheduleView",
    "Slot",
    "SlotList",
    "SuggestedTime",
    "SuggestionList",
    "details_of",
    "outside",
    "slot_of",
    "source_of",
    "span_of",
    "times_shown",
    "view_of",
]

_LONGEST_NOTES, _MOST_PEOPLE = 1_000, 20
_A_DAY = timedelta(days=1)


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventView(_View):
    """An event or a date of a series. `start` and `end` are ISO 8601; for whole days the first and the last day.

    `series` is the id of the whole series; `answer` the user's (own, open, accepted, tentative, declined).
    """

    id: str
    series: str = ""
    start: str
    end: str
    calendar: OutsideText
    title: OutsideText
    place: OutsideText | None = None
    people: OutsideText | None = None
    notes: OutsideText | None = None
    repeats: bool = False
    status: str = "confirmed"
    answer: str = "own"
    busy: bool = True
    online: bool = False


class EventDetails(EventView):
    """One event in full: `rule` says how it repeats, `alarm` is minutes before the start, `zone` where it is kept."""

    rule: str = ""
    alarm: int | None = None
    zone: str = ""
    private: bool = False
    times_may_be_proposed: bool = True
    join: OutsideText | None = None


class EventList(_View):
    """Dates of events by start; `note` says when the answer may not be complete."""

    events: list[EventView]
    note: str = ""


class ChangeView(_View):
    """What became of an event: new, changed or gone; `seen` is when that was noticed."""

    what: str
    seen: str
    event: EventView


class ChangeList(_View):
    """Changes, the newest first."""

    changes: list[ChangeView]
    note: str = ""


class CalendarView(_View):
    """A calendar. Who shares one with the user names it; `owner` is the address of whom it belongs to."""

    name: OutsideText
    owner: OutsideText | None
    usual: bool
    writable: bool
    online: bool
    count: int
    read: bool


class CalendarList(_View):
    """The account's calendars, the usual one first."""

    calendars: list[CalendarView]
    note: str = ""


class InvitationView(EventView):
    """What somebody else invites the user to; `state` is new or cancelled."""

    organizer: OutsideText
    state: str
    times_may_be_proposed: bool = True


class InvitationList(_View):
    """Invitations by start."""

    invitations: list[InvitationView]
    note: str = ""


class InvitationAnswered(_View):
    """An answer that Outlook took; `note` says who hears of it."""

    id: str
    answer: str
    note: str


class EventSaved(_View):
    """An event as Outlook took it; `id` is what events_update, events_cancel and events_delete take."""

    id: str
    uid: str
    start: str
    end: str
    join: str = ""
    note: str = ""


class EventDeleted(_View):
    """What was deleted or called off."""

    id: str
    note: str = ""


class EventForwarded(_View):
    """Whom an event went to."""

    id: str
    to: list[str]


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


class ScheduleView(_View):
    """When somebody is busy, as far as Outlook tells the user; `note` says why nothing is known.

    `hours` are the working hours that they set.
    """

    address: str
    known: bool
    busy: list[BusySpan] = []
    hours: str = ""
    note: str = ""


class ScheduleList(_View):
    """The times of several people."""

    schedules: list[ScheduleView]


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


class SlotList(_View):
    """Free times, earliest first; `note` says when the answer may not be complete."""

    slots: list[Slot]
    guests: list[GuestTimes] = []
    accounts: list[str] = []
    note: str = ""


class SuggestedTime(_View):
    """A time that Outlook proposes; `confidence` is how likely everybody can come, in percent."""

    start: str
    end: str
    confidence: float
    user: str
    guests: dict[str, str]


class SuggestionList(_View):
    """Proposed times, the best first; `note` is why there are none."""

    times: list[SuggestedTime]
    note: str = ""


def view_of(kept: Kept, zone: tzinfo, *, people: int = _MOST_PEOPLE, notes: int = _LONGEST_NOTES) -> EventView:
    """An event as the model sees it, its times in `zone`."""
    return EventView(**_shown(kept, zone, people, notes))


def details_of(kept: Kept, zone: tzinfo) -> EventDetails:
    """An event in full, its times in `zone`."""
    event = kept.event
    return EventDetails(
        **_shown(kept, zone, 200, 20_000),
        rule=rule_shown(event.recurrence),
        alarm=event.alarm,
        zone=event.zone,
        private=event.private,
        times_may_be_proposed=event.proposals,
        join=outside(event.join, kept) if event.join else None,
    )


def _shown(kept: Kept, zone: tzinfo, people: int, notes: int) -> dict[str, Any]:
    event = kept.event
    start, end = times_shown(event, zone)
    persons = [f"{each.shown} ({each.status})" for each in event.guests]
    persons = [*([f"{event.organizer.shown} (organiser)"] if event.organizer else []), *persons]
    more = f" and {len(persons) - people} more" if len(persons) > people else ""
    return {
        "id": kept.key,
        "series": kept.key if event.kind == "master" else kept.series,
        "start": start,
        "end": end,
        "calendar": OutsideText(text=kept.calendar.name, source="the name of a calendar"),
        "title": outside(event.title or "(no title)", kept),
        "place": outside(event.place, kept) if event.place else None,
        "people": outside(", ".join(persons[:people]) + more, kept) if event.guests or not event.own else None,
        "notes": outside(event.notes[:notes], kept) if event.notes else None,
        "repeats": event.kind != "single",
        "status": "cancelled" if event.cancelled else "tentative" if event.show == "tentative" else "confirmed",
        "answer": event.answer,
        "busy": event.busy,
        "online": event.meets_online,
    }


def times_shown(event: Event, zone: tzinfo) -> tuple[str, str]:
    """Start and end: days (the last one included), or times in `zone`."""
    if isinstance(event.start, datetime) and isinstance(event.end, datetime):
        return event.start.astimezone(zone).isoformat(), event.end.astimezone(zone).isoformat()
    return event.start.isoformat(), max(event.end - _A_DAY, event.start).isoformat()


def slot_of(free: Window, zone: tzinfo) -> Slot:
    """A free time in `zone`."""
    start, end = (each.astimezone(zone).isoformat() for each in free)
    return Slot(start=start, end=end, minutes=int((free.end - free.start).total_seconds() // 60))


def span_of(taken: Window, zone: tzinfo, *, tentative: bool) -> BusySpan:
    """A taken time in `zone`."""
    start, end = (each.astimezone(zone).isoformat() for each in taken)
    return BusySpan(start=start, end=end, tentative=tentative)


def source_of(kept: Kept) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    organizer = kept.event.organizer
    if kept.event.own or organizer is None:
        return OutsideSource(source="an event in an Outlook calendar")
    words = f"an event of {organizer.address} in an Outlook calendar"
    return OutsideSource(source=words, authors=(organizer.address,))


def outside(text: str, kept: Kept) -> OutsideText:
    """A text of an event, with where it comes from."""
    source = source_of(kept)
    return OutsideText(text=text, source=source.source, authors=source.authors)
