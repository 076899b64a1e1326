"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.caldav.events import Event
from connectors.caldav.mirror import Kept
from connectors.caldav.objects import events_in, named_date, read_object, rules_of
from connectors.caldav.writing import master_of, moments_in
from openassistant.calendars.views import GuestTimes, Slot, described, source_in
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource

__all__ = [
    "CalendarList",
    "CalendarView",
    "EventDeleted",
    "EventDetails",
    "EventList",
    "EventSaved",
    "EventView",
    "InvitationAnswered",
    "InvitationList",
    "InvitationView",
    "SlotList",
    "details_of",
    "event_id",
    "source_of",
    "times_shown",
    "view_of",
]

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


class EventDetails(EventView):
    """One event in full: `rule` is its RRULE, `alarms` are minutes before the start, `zone` is where it is kept."""

    rule: str = ""
    alarms: list[int] = []
    zone: str = ""
    floating: bool = False
    single_dates_changed: int = 0
    dates_taken_out: int = 0


class InvitationView(EventView):
    """What somebody else invites the user to: an event, a series, or one date of it.

    `answer` is the user's (open, accepted, tentative, declined); `state` is new, changed (the organiser revised it
    since it was first sent) or cancelled.
    """

    organizer: OutsideText
    answer: str
    state: str


class InvitationList(_View):
    """Invitations by start; `told` says how an organiser hears of an answer, `note` when more may be missing."""

    invitations: list[InvitationView]
    told: str
    note: str = ""


class InvitationAnswered(_View):
    """An answer that the calendar server took; `note` says who hears of it."""

    id: str
    answer: str
    note: str


class CalendarView(_View):
    """A calendar: what it may hold and how much it holds. Who shares one with the user, or publishes it, names it."""

    name: OutsideText
    writable: bool
    events: bool
    tasks: bool
    zone: str
    count: int
    read: bool


class CalendarList(_View):
    """The account's calendars, by name."""

    calendars: list[CalendarView]
    note: str = ""


class EventList(_View):
    """Dates of events by start; `note` says when the answer may not be complete."""

    events: list[EventView]
    note: str = ""


class SlotList(_View):
    """Free times, earliest first; `note` says when the answer may not be complete.

    `accounts` names those whose calendars were looked at.
    """

    slots: list[Slot]
    guests: list[GuestTimes] = []
    accounts: list[str] = []
    note: str = ""


class EventSaved(_View):
    """An event as the server took it; `id` is what events_update and events_delete take.

    `calendar` is named as the call named it, and empty where it named none.
    """

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


def details_of(kept: Kept, event: Event, zone: tzinfo, own: Collection[str]) -> EventDetails:
    """An event in full, its times in `zone`."""
    calendar = read_object(kept.text)
    master = master_of(calendar)
    start = getattr(master, "start", None)
    plain = view_of(kept, event, zone, own, whole=True)
    return EventDetails(
        **dict(plain),
        rule=" ".join(each.to_ical().decode()[:500] for each in rules_of(master)) if master else "",
        alarms=list(event.alarms),
        zone=str(start.tzinfo or "") if isinstance(start, datetime) else "",
        floating=event.floating,
        single_dates_changed=sum(1 for each in events_in(calendar) if named_date(each) is not None),
        dates_taken_out=len(moments_in(master, "EXDATE")) if master else 0,
    )


def view_of(
    kept: Kept,
    event: Event,
    zone: tzinfo,
    own: Collection[str],
    *,
    whole: bool = False,
) -> EventView:
    """A date of an event as the model sees it, its times in `zone`."""
    start, end = times_shown(event, zone)
    source = source_of(kept, event, own)
    return EventView(
        id=event_id(kept, event),
        start=start,
        end=end,
        calendar=kept.calendar_name,
        **described(event, source, event.organizer, whole=whole),
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


def source_of(kept: Kept, event: Event, own: Collection[str]) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    organizer = event.organizer if event.organizer and event.organizer.address not in own else None
    return source_in(f"the calendar {kept.calendar_name}", organizer)
