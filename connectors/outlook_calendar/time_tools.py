"""The tools about time itself: when one is busy, when others are, and when several are free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, tzinfo
from typing import Annotated, Any

from connectors.outlook_calendar.account import api_of, local_zone
from connectors.outlook_calendar.busy import busy_of_user, own_calendars
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.schedules import Schedule, ask_schedules, ask_times, window_in
from connectors.outlook_calendar.views import (
    ScheduleList,
    ScheduleView,
    SlotList,
    SuggestedTime,
    SuggestionList,
)
from openassistant.calendars.arguments import Closes, End, Minutes, Opens, People, Start, Zone, addresses_of
from openassistant.calendars.times import MOST_SPANS, Busy, ahead, busy_shown, slots_shown
from openassistant.calendars.views import BusyList, GuestTimes, notes_of, spans_of
from openassistant.connector import Context, Field
from openassistant.errors import InvalidRequest
from openassistant.formats.guests import parse_guest
from openassistant.formats.moments import window

__all__ = ["busy_list", "meeting_times_find", "schedules_list", "slots_find"]

_UNREAD = "Not all of that time is in the mirror of your calendars, so there may be more."
_REASONS = {
    "attendeesUnavailable": "The guests are not free.",
    "attendeesUnavailableOrUnknown": "The guests are not free, or their times are not known.",
    "locationsUnavailable": "No place is free.",
    "organizerUnavailable": "The user is not free.",
    "unknown": "Microsoft proposes none.",
}
_AVAILABLE = {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"}


@connector.tool(effect="read", capability="read", outside=False)
async def busy_list(ctx: Context, start: Start, end: End, zone: Zone = None) -> BusyList:
    """List when the user is busy, over all connected Outlook accounts: spans without titles."""
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    borrowed = await ctx.borrowed()
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local, borrowed))
    return busy_shown(busy, local, _unread(busy))


@connector.tool(effect="read", capability="read", outside=False)
async def schedules_list(
    ctx: Context,
    people: Annotated[People, Field(description="Mail addresses of colleagues or rooms", min_length=1, max_length=30)],
    start: Start,
    end: End,
    zone: Zone = None,
) -> ScheduleList:
    """List when others are busy, as far as they let the user see it: spans without titles, at most 42 days.

    Only a work or school account knows this. The addresses go to Microsoft, and to nobody else.
    """
    local = await local_zone(ctx, zone)
    found = await ask_schedules(await api_of(ctx), addresses_of(people), window(start, end, local))
    return ScheduleList(schedules=[_schedule(each, local) for each in found])


@connector.tool(effect="read", capability="read", outside=False)
async def slots_find(
    ctx: Context,
    start: Start,
    end: End,
    minutes: Minutes,
    zone: Zone = None,
    opens: Opens = time(8),
    closes: Closes = time(20),
    guests: Annotated[
        People | None, Field(description="Mail addresses of others who must be free too", max_length=30)
    ] = None,
) -> SlotList:
    """Find times at which the user is free in all Outlook accounts, and the guests as far as their times are known.

    The answer says of each guest whether that is so. At most a year, with guests 42 days; what is past is left out.
    """
    local, now = await local_zone(ctx, zone), ctx.now()
    span = ahead(window(start, end, local), now)
    borrowed = await ctx.borrowed()
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local, borrowed))
    mine = {each.owner for each in await ctx.store.read(lambda connection: own_calendars(connection, borrowed))}
    people = [each for each in addresses_of(guests or ()) if each not in mine]
    known = await ask_schedules(await api_of(ctx), people, span) if people else []
    taken = [*busy.firm, *busy.tentative, *(each for one in known for each in (*one.firm, *one.tentative))]
    slots, cut = slots_shown(taken, span, minutes=minutes, opens=opens, closes=closes, zone=local)
    return SlotList(
        slots=slots,
        guests=[
            GuestTimes(guest=each.address, known=each.known, note=each.note or "As Microsoft says.") for each in known
        ],
        accounts=list(busy.accounts),
        note=notes_of(cut, _unread(busy)),
    )


@connector.tool(effect="read", capability="availability", outside=False)
async def meeting_times_find(
    ctx: Context,
    guests: Annotated[People, Field(description="Mail addresses of who has to come", min_length=1, max_length=20)],
    start: Start,
    end: End,
    minutes: Minutes = 30,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=20)] = 10,
) -> SuggestionList:
    """Have Microsoft propose times for a meeting: within everybody's working hours, the best first.

    Only with a work or school account; elsewhere slots_find looks for free times.
    """
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    raw, reason = await ask_times(await api_of(ctx), addresses_of(guests), span, minutes=minutes, most=limit)
    found = [each for one in raw[:limit] if (each := _suggested(one, local)) is not None]
    return SuggestionList(times=found, note="" if found else _REASONS.get(reason, _REASONS["unknown"]))


def _schedule(found: Schedule, zone: tzinfo) -> ScheduleView:
    busy = spans_of(found.firm, found.tentative, zone)[:MOST_SPANS]
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
