"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict

from connectors.caldav.events import Event
from connectors.caldav.mirror import Kept
from connectors.caldav.objects import events_in, named_date, read_object, rules_of
from connectors.caldav.writing import master_of, moments_in
from openassistant.connector import OutsideText
from openassistant.formats.moments import Window
from openassistant.messages import OutsideSource

__all__ = [
    "BusyList",
    "BusySpan",
    "CalendarList",
    "CalendarView",
    "EventDeleted",
    "EventDetails",
    "EventList",
    "EventSaved",
    "EventView",
    "GuestTimes",
    "InvitationAnswered",
    "InvitationList",
    "InvitationView",
    "Slot",
    "SlotList",
    "details_of",
    "event_id",
    "outside",
    "slot_of",
    "source_of",
    "span_of",
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
    """Free times, earliest first; `note` says when the answer may not be complete.

    `accounts` names those whose calendars were looked at.
    """

    slots: list[Slot]
    guests: list[GuestTimes] = []
    accounts: list[str] = []
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
    plain = view_of(kept, event, zone, own, people=200, notes=20_000)
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
    people: int = _MOST_PEOPLE,
    notes: int = _LONGEST_NOTES,
) -> EventView:
    """A date of an event as the model sees it, its times in `zone`."""
    start, end = times_shown(event, zone)
    persons = [f"{each.shown} ({each.status})" for each in event.guests]
    persons = [*([f"{event.organizer.shown} (organiser)"] if event.organizer else []), *persons]
    more = f" and {len(persons) - people} more" if len(persons) > people else ""
    named = ", ".join(persons[:people]) + more
    return EventView(
        id=event_id(kept, event),
        start=start,
        end=end,
        calendar=kept.calendar_name,
        title=outside(event.title or "(no title)", kept, event, own),
        place=outside(event.place, kept, event, own) if event.place else None,
        people=outside(named, kept, event, own) if persons else None,
        notes=outside(event.notes[:notes], kept, event, own) if event.notes else None,
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


def span_of(taken: Window, zone: tzinfo, *, tentative: bool) -> BusySpan:
    """A taken time in `zone`."""
    start, end = taken.start.astimezone(zone).isoformat(), taken.end.astimezone(zone).isoformat()
    return BusySpan(start=start, end=end, tentative=tentative)


def source_of(kept: Kept, event: Event, own: Collection[str]) -> OutsideSource:
    """Where the texts of an event come from, and who wrote them as far as it says."""
    organizer = event.organizer
    if organizer is None or organizer.address in own:
        return OutsideSource(source=f"an event in the calendar {kept.calendar_name}")
    words = f"an event of {organizer.address} in the calendar {kept.calendar_name}"
    return OutsideSource(source=words, authors=(organizer.address,))


def outside(text: str, kept: Kept, event: Event, own: Collection[str]) -> OutsideText:
    """A text of an event, with where it comes from."""
    source = source_of(kept, event, own)
    return OutsideText(text=text, source=source.source, authors=source.authors)
