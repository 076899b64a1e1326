"""The tools about time itself: when one is busy, when others are, and when several are free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta, tzinfo
from typing import Annotated

from connectors.google_calendar.account import allows, api_of, local_zone
from connectors.google_calendar.arguments import End, Start, Zone
from connectors.google_calendar.busy import Busy, Schedule, ask_schedules, busy_of_user, own_addresses
from connectors.google_calendar.card import connector
from connectors.google_calendar.event_reads import notes_of
from connectors.google_calendar.views import (
    BusyList,
    GuestTimes,
    ScheduleList,
    ScheduleView,
    SlotList,
    slot_of,
    span_of,
)
from openassistant.connector import Context, Field
from openassistant.errors import InvalidRequest
from openassistant.formats.guests import parse_guest
from openassistant.formats.moments import Window, window
from openassistant.formats.slots import free_slots, merged

__all__ = ["busy_list", "schedules_list", "slots_find"]

_MOST_SLOTS, _MOST_SPANS = 30, 300
_UNREAD = "The calendars are still being read, so there may be more."
_UNKNOWN = "Google does not tell when the user is busy, so nobody should rely on these times."
_OWN = "primary"

_Minutes = Annotated[int, Field(description="How long it must be free", ge=5, le=24 * 60)]
_Opens = Annotated[time, Field(description="Not before this hour of a day, such as 08:00")]
_Closes = Annotated[time, Field(description="Not after this hour of a day, such as 20:00")]
_People = list[Annotated[str, Field(max_length=400)]]


@connector.tool(effect="read", capability="read", outside=False)
async def busy_list(ctx: Context, start: Start, end: End, zone: Zone = None) -> BusyList:
    """List when the user is busy, over all connected Google accounts: spans without titles."""
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local))
    found = sorted([*((each, False) for each in busy.firm), *((each, True) for each in busy.tentative)])
    cut = f"Only the first {_MOST_SPANS} are shown." if len(found) > _MOST_SPANS else ""
    spans = [span_of(each, local, tentative=tentative) for each, tentative in found[:_MOST_SPANS]]
    return BusyList(busy=spans, accounts=list(busy.accounts), note=notes_of(cut, _unread(busy)))


@connector.tool(effect="read", capability="availability", outside=False)
async def schedules_list(
    ctx: Context,
    start: Start,
    end: End,
    people: Annotated[
        _People | None,
        Field(description="Mail addresses of people or rooms, or ids of calendars; without, the user", max_length=30),
    ] = None,
    zone: Zone = None,
) -> ScheduleList:
    """List when others are busy, as far as they share it with the user: spans without titles.

    The addresses go to Google, and to nobody else.
    """
    local = await local_zone(ctx, zone)
    asked = _addresses(people) if people else [_OWN]
    found = await ask_schedules(await api_of(ctx), asked, window(start, end, local))
    return ScheduleList(schedules=[_schedule(each, local) for each in found])


@connector.tool(effect="read", capability="availability", outside=False)
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
    """Find times at which the user is free in all Google accounts, and the guests as far as their times are known.

    The answer says of each guest whether that is so. At most a year; what is past is left out.
    """
    local, now = await local_zone(ctx, zone), ctx.now()
    span = window(start, end, local)
    span = Window(now, span.end) if span.start < now < span.end else span
    busy = await _busy(ctx, span, local)
    mine = await ctx.store.read(own_addresses)
    people = [each for each in _addresses(guests or ()) if each not in mine]
    known = await ask_schedules(await api_of(ctx), people, span) if people else []
    taken = merged([*busy.firm, *busy.tentative, *(each for one in known for each in one.busy)])
    length = timedelta(minutes=minutes)
    free = list(free_slots(taken, span, length=length, opens=opens, closes=closes, zone=local))
    cut = f"Only the first {_MOST_SLOTS} are shown." if len(free) > _MOST_SLOTS else ""
    return SlotList(
        slots=[slot_of(each, local) for each in free[:_MOST_SLOTS]],
        guests=[GuestTimes(guest=each.address, known=each.known, note=each.note) for each in known],
        accounts=list(busy.accounts),
        note=notes_of(cut, _unread(busy)),
    )


async def _busy(ctx: Context, span: Window, local: tzinfo) -> Busy:
    """By the mirror; where nothing but times may be seen, as Google tells of the account's own calendar."""
    if await allows(ctx, "read"):
        return await ctx.store.read(lambda connection: busy_of_user(connection, span, local))
    [own] = await ask_schedules(await api_of(ctx), [_OWN], span)
    if not own.known:
        raise InvalidRequest(_UNKNOWN)
    return Busy(own.busy, [], ((await ctx.credentials()).name,), complete=True)


def _addresses(typed: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(parse_guest(each).address for each in typed))


def _schedule(found: Schedule, zone: tzinfo) -> ScheduleView:
    spans = [span_of(each, zone, tentative=False) for each in found.busy[:_MOST_SPANS]]
    address = "the user" if found.address == _OWN else found.address
    return ScheduleView(address=address, known=found.known, busy=spans, note=found.note)


def _unread(busy: Busy) -> str:
    return "" if busy.complete else _UNREAD
