"""The tools about time itself: when one is busy, when others are, and when several are free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta, tzinfo
from typing import Annotated, Any

from connectors.outlook_calendar.account import api_of, local_zone
from connectors.outlook_calendar.arguments import End, Start, Zone
from connectors.outlook_calendar.busy import Busy, busy_of_user, own_calendars
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.people import parse_guest
from connectors.outlook_calendar.schedules import Schedule, ask_schedules, ask_times, window_in
from connectors.outlook_calendar.views import (
    BusyList,
    GuestTimes,
    ScheduleList,
    ScheduleView,
    SlotList,
    SuggestedTime,
    SuggestionList,
    slot_of,
    span_of,
)
from openassistant.connector import Context, Field
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Window, window
from openassistant.formats.slots import free_slots, merged

__all__ = ["busy_list", "meeting_times_find", "schedules_list", "slots_find"]

_MOST_SLOTS, _MOST_SPANS = 30, 300
_UNREAD = "Not all of that time is in the mirror of your calendars, so there may be more."
_REASONS = {
    "attendeesUnavailable": "The guests are not free.",
    "attendeesUnavailableOrUnknown": "The guests are not free, or their times are not known.",
    "locationsUnavailable": "No place is free.",
    "organizerUnavailable": "The user is not free.",
    "unknown": "Microsoft proposes none.",
}
_AVAILABLE = {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"}

_Minutes = Annotated[int, Field(description="How long it must be free", ge=5, le=24 * 60)]
_Opens = Annotated[time, Field(description="Not before this hour of a day, such as 08:00")]
_Closes = Annotated[time, Field(description="Not after this hour of a day, such as 20:00")]
_People = list[Annotated[str, Field(max_length=400)]]


@connector.tool(effect="read", capability="read", outside=False)
async def busy_list(ctx: Context, start: Start, end: End, zone: Zone = None) -> BusyList:
    """List when the user is busy, over all connected Outlook accounts: spans without titles."""
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local))
    found = sorted([*((each, False) for each in busy.firm), *((each, True) for each in busy.tentative)])
    cut = f"Only the first {_MOST_SPANS} are shown." if len(found) > _MOST_SPANS else ""
    spans = [span_of(each, local, tentative=tentative) for each, tentative in found[:_MOST_SPANS]]
    return BusyList(busy=spans, accounts=list(busy.accounts), note=_notes(cut, _unread(busy)))


@connector.tool(effect="read", capability="read", outside=False)
async def schedules_list(
    ctx: Context,
    people: Annotated[_People, Field(description="Mail addresses of colleagues or rooms", min_length=1, max_length=30)],
    start: Start,
    end: End,
    zone: Zone = None,
) -> ScheduleList:
    """List when others are busy, as far as they let the user see it: spans without titles, at most 42 days.

    Only a work or school account knows this. The addresses go to Microsoft, and to nobody else.
    """
    local = await local_zone(ctx, zone)
    found = await ask_schedules(await api_of(ctx), _addresses(people), window(start, end, local))
    return ScheduleList(schedules=[_schedule(each, local) for each in found])


@connector.tool(effect="read", capability="read", outside=False)
async def slots_find(
    ctx: Context,
    start: Start,
    end: End,
    minutes: _Minutes,
    zone: Zone = None,
    opens: _Opens = time(8),
    closes: _Closes = time(20),
    guests: Annotated[
        _People | None, Field(description="Mail addresses of others who must be free too", max_length=30)
    ] = None,
) -> SlotList:
    """Find times at which the user is free in all Outlook accounts, and the guests as far as their times are known.

    The answer says of each guest whether that is so. At most a year, with guests 42 days; what is past is left out.
    """
    local, now = await local_zone(ctx, zone), ctx.now()
    span = window(start, end, local)
    span = Window(now, span.end) if span.start < now < span.end else span
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local))
    mine = {each.owner for each in await ctx.store.read(own_calendars)}
    people = [each for each in _addresses(guests or ()) if each not in mine]
    known = await ask_schedules(await api_of(ctx), people, span) if people else []
    taken = merged([*busy.firm, *busy.tentative, *(each for one in known for each in (*one.firm, *one.tentative))])
    length = timedelta(minutes=minutes)
    free = list(free_slots(taken, span, length=length, opens=opens, closes=closes, zone=local))
    cut = f"Only the first {_MOST_SLOTS} are shown." if len(free) > _MOST_SLOTS else ""
    return SlotList(
        slots=[slot_of(each, local) for each in free[:_MOST_SLOTS]],
        guests=[
            GuestTimes(guest=each.address, known=each.known, note=each.note or "As Microsoft says.") for each in known
        ],
        accounts=list(busy.accounts),
        note=_notes(cut, _unread(busy)),
    )


@connector.tool(effect="read", capability="availability", outside=False)
async def meeting_times_find(
    ctx: Context,
    guests: Annotated[_People, Field(description="Mail addresses of who has to come", min_length=1, max_length=20)],
    start: Start,
    end: End,
    minutes: _Minutes = 30,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=20)] = 10,
) -> SuggestionList:
    """Have Microsoft propose times for a meeting: within everybody's working hours, the best first.

    Only with a work or school account; elsewhere slots_find looks for free times.
    """
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    raw, reason = await ask_times(await api_of(ctx), _addresses(guests), span, minutes=minutes, most=limit)
    found = [each for one in raw[:limit] if (each := _suggested(one, local)) is not None]
    return SuggestionList(times=found, note="" if found else _REASONS.get(reason, _REASONS["unknown"]))


def _addresses(typed: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(parse_guest(each).address for each in typed))


def _schedule(found: Schedule, zone: tzinfo) -> ScheduleView:
    spans = sorted([*((each, False) for each in found.firm), *((each, True) for each in found.tentative)])
    busy = [span_of(each, zone, tentative=tentative) for each, tentative in spans[:_MOST_SPANS]]
    return ScheduleView(address=found.address, known=found.known, busy=busy, hours=found.hours, note=found.note)


def _suggested(raw: Mapping[str, Any], zone: tzinfo) -> SuggestedTime | None:
    span = window_in(raw.get("meetingTimeSlot"))
    if span is None:
        return None
    listed, guests = raw.get("attendeeAvailability"), dict[str, str]()
    for each in listed if isinstance(listed, list) else []:
        try:
            address = parse_guest(str(each["attendee"]["emailAddress"]["address"])).address
        except (InvalidRequest, KeyError, TypeError):
            continue
        guests[address] = _availability(each.get("availability"))
    confidence = raw.get("confidence")
    start, end = (each.astimezone(zone).isoformat() for each in span)
    return SuggestedTime(
        start=start,
        end=end,
        confidence=float(confidence) if isinstance(confidence, int | float) else 0.0,
        user=_availability(raw.get("organizerAvailability")),
        guests=guests,
    )


def _availability(value: Any) -> str:
    return value if isinstance(value, str) and value in _AVAILABLE else "unknown"


def _unread(busy: Busy) -> str:
    return "" if busy.complete else _UNREAD


def _notes(*notes: str) -> str:
    return " ".join(note for note in notes if note)
