"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from datetime import tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.google_calendar.events import Event, suffix_of
from connectors.google_calendar.mirror import Kept
from openassistant.calendars.views import BusySpan, Slot, described, outside, source_in, times_shown
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource

__all__ = [
    "CalendarList",
    "CalendarView",
    "ChangeList",
    "ChangeView",
    "EventDetails",
    "EventList",
    "EventSaved",
    "EventView",
    "GuestTimes",
    "InvitationAnswered",
    "InvitationList",
    "InvitationView",
    "ScheduleList",
    "ScheduleView",
    "SlotList",
    "details_of",
    "event_key",
    "source_of",
    "view_of",
]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventView(_View):
    """A date of an event. `start` and `end` are ISO 8601; for whole days they are the first and the last day.

    `answer` is the user's to an invitation (own, open, accepted, tentative, declined; none where they are no guest).
    """

    id: str
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
    kind: str = "default"


class EventDetails(EventView):
    """One event in full: `rule` says how it repeats (RRULE), `alarms` are minutes before the start, `join` is its link.

    Without `alarms` those of the calendar hold. `zone` is where it is kept, `creator` who entered it.
    """

    rule: str = ""
    alarms: list[int] | None = None
    zone: str = ""
    private: bool = False
    single_dates_changed: int = 0
    join: OutsideText | None = None
    creator: OutsideText | None = None


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
    """A calendar; who shares one with the user names it. `role`: owner, writer, reader, or freeBusyReader.

    `usual` is the account's own; `id` names it in schedules_list.
    """

    id: OutsideText
    name: OutsideText
    usual: bool
    role: str
    writable: bool
    zone: str
    count: int
    read: bool


class CalendarList(_View):
    """The account's calendars, the usual one first."""

    calendars: list[CalendarView]
    note: str = ""


class InvitationView(EventView):
    """What somebody else invites the user to."""

    organizer: OutsideText


class InvitationList(_View):
    """Invitations by start."""

    invitations: list[InvitationView]
    note: str = ""


class InvitationAnswered(_View):
    """An answer that Google took; `note` says who hears of it."""

    id: str
    answer: str
    note: str


class EventSaved(_View):
    """An event as Google took it; `id` is what the other tools take. `join` is the link of its Google Meet."""

    id: str
    uid: str
    start: str
    end: str
    join: str = ""
    note: str = ""


class ScheduleView(_View):
    """When somebody is busy, as far as they let the user see it; `note` says why nothing is known."""

    address: str
    known: bool
    busy: list[BusySpan] = []
    note: str = ""


class ScheduleList(_View):
    """The times of several people or calendars."""

    schedules: list[ScheduleView]


class GuestTimes(_View):
    """Whether the times of a guest are known and taken into account, and why not."""

    guest: str
    known: bool
    note: str = ""


class SlotList(_View):
    """Free times, earliest first; `note` says when the answer may not be complete."""

    slots: list[Slot]
    guests: list[GuestTimes] = []
    accounts: list[str] = []
    note: str = ""


def view_of(kept: Kept, event: Event, zone: tzinfo, *, whole: bool = False) -> EventView:
    """A date of an event as the model sees it, its times in `zone`."""
    start, end = times_shown(event.start, event.end, zone)
    organizer = None if event.own else event.organizer
    return EventView(
        id=event_key(kept, event),
        start=start,
        end=end,
        calendar=OutsideText(text=kept.calendar.name, source="the name of a calendar"),
        **described(event, source_of(event), organizer, whole=whole),
        repeats=bool(kept.event.recurrence or event.series),
        status=event.status,
        answer=event.answer,
        busy=event.busy,
        kind=event.kind,
    )


def details_of(kept: Kept, event: Event, zone: tzinfo) -> EventDetails:
    """An event in full, its times in `zone`."""
    creator, known = event.creator, {each.address for each in (event.organizer, *event.guests) if each}
    source = source_of(event)
    return EventDetails(
        **dict(view_of(kept, event, zone, whole=True)),
        rule="\n".join(each for each in kept.event.recurrence if each.upper().startswith("RRULE:"))[:1_000],
        alarms=None if event.alarms is None else list(event.alarms),
        zone=event.zone,
        private=event.private,
        single_dates_changed=len(kept.singles),
        join=outside(event.join, source) if event.join else None,
        creator=outside(creator.shown, source) if creator and creator.address not in known else None,
    )


def event_key(kept: Kept, event: Event) -> str:
    """The id of a date of an event."""
    if not kept.event.recurrence or event.original is None:
        return kept.key
    return f"{kept.key}_{suffix_of(event.original)}"


def source_of(event: Event) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    return source_in("a Google calendar", None if event.own else event.organizer)
