"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from datetime import tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.outlook_calendar.events import Event
from connectors.outlook_calendar.mirror import Kept
from connectors.outlook_calendar.recurrence import rule_shown
from openassistant.calendars.views import BusySpan, GuestTimes, Slot, described, outside, source_in, times_shown
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource

__all__ = [
    "CalendarList",
    "CalendarView",
    "ChangeList",
    "ChangeView",
    "EventDetails",
    "EventForwarded",
    "EventList",
    "EventSaved",
    "EventView",
    "InvitationAnswered",
    "InvitationList",
    "InvitationView",
    "ScheduleList",
    "ScheduleView",
    "SlotList",
    "SuggestedTime",
    "SuggestionList",
    "details_of",
    "source_of",
    "view_of",
]


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


class EventForwarded(_View):
    """Whom an event went to."""

    id: str
    to: list[str]


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


def view_of(kept: Kept, zone: tzinfo, *, whole: bool = False) -> EventView:
    """An event as the model sees it, its times in `zone`."""
    event = kept.event
    start, end = times_shown(event.start, event.end, zone)
    organizer = event.organizer if event.guests or not event.own else None
    return EventView(
        id=kept.key,
        series=kept.key if event.kind == "master" else kept.series,
        start=start,
        end=end,
        calendar=OutsideText(text=kept.calendar.name, source="the name of a calendar"),
        **described(event, source_of(event), organizer, whole=whole),
        repeats=event.kind != "single",
        status="cancelled" if event.cancelled else "tentative" if event.show == "tentative" else "confirmed",
        answer=event.answer,
        busy=event.busy,
        online=event.meets_online,
    )


def details_of(kept: Kept, zone: tzinfo) -> EventDetails:
    """An event in full, its times in `zone`."""
    event = kept.event
    return EventDetails(
        **dict(view_of(kept, zone, whole=True)),
        rule=rule_shown(event.recurrence),
        alarm=event.alarm,
        zone=event.zone,
        private=event.private,
        times_may_be_proposed=event.proposals,
        join=outside(event.join, source_of(event)) if event.join else None,
    )


def source_of(event: Event) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    return source_in("an Outlook calendar", None if event.own else event.organizer)
