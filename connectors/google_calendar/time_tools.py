"""The tools about time itself: when one is busy, when others are, and when several are free."""

from __future__ import annotations

from datetime import time, tzinfo
from typing import Annotated

from connectors.google_calendar.account import api_of, local_zone
from connectors.google_calendar.busy import Schedule, ask_schedules, busy_of_user, own_addresses
from connectors.google_calendar.card import connector
from connectors.google_calendar.views import GuestTimes, ScheduleList, ScheduleView, SlotList
from openassistant.calendars.arguments import Closes, End, Minutes, Opens, People, Start, Zone, addresses_of
from openassistant.calendars.times import MOST_SPANS, Busy, ahead, busy_shown, slots_shown
from openassistant.calendars.views import UNREAD, BusyList, notes_of, spans_of
from openassistant.capabilities import allowed
from openassistant.connector import Context, Field
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Window, window

__all__ = ["busy_list", "schedules_list", "slots_find"]

_UNKNOWN = "Google does not tell when the user is busy, so nobody should rely on these times."
_OWN = "primary"


@connector.tool(effect="read", capability="read", outside=False)
async def busy_list(ctx: Context, start: Start, end: End, zone: Zone = None) -> BusyList:
    """List when the user is busy, over all connected Google accounts: spans without titles."""
    local = await local_zone(ctx, zone)
    span = window(start, end, local)
    borrowed = await ctx.borrowed()
    busy = await ctx.store.read(lambda connection: busy_of_user(connection, span, local, borrowed))
    return busy_shown(busy, local, _unread(busy))


@connector.tool(effect="read", capability="availability", outside=False)
async def schedules_list(
    ctx: Context,
    start: Start,
    end: End,
    people: Annotated[
        People | None,
        Field(description="Mail addresses of people or rooms, or ids of calendars; without, the user", max_length=30),
    ] = None,
    zone: Zone = None,
) -> ScheduleList:
    """List when others are busy, as far as they share it with the user: spans without titles.

    The addresses go to Google, and to nobody else.
    """
    local = await local_zone(ctx, zone)
    asked = addresses_of(people) if people else [_OWN]
    found = await ask_schedules(await api_of(ctx), asked, window(start, end, local))
    return ScheduleList(schedules=[_schedule(each, local) for each in found])


@connector.tool(effect="read", capability="availability", outside=False)
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
    """Find times at which the user is free in all Google accounts, and the guests as far as their times are known.

    The answer says of each guest whether that is so. At most a year; what is past is left out.
    """
    local, now = await local_zone(ctx, zone), ctx.now()
    span = ahead(window(start, end, local), now)
    busy = await _busy(ctx, span, local)
    borrowed = await ctx.borrowed()
    mine = await ctx.store.read(lambda connection: own_addresses(connection, borrowed))
    people = [each for each in addresses_of(guests or ()) if each not in mine]
    known = await ask_schedules(await api_of(ctx), people, span) if people else []
    taken = [*busy.firm, *busy.tentative, *(each for one in known for each in one.busy)]
    slots, cut = slots_shown(taken, span, minutes=minutes, opens=opens, closes=closes, zone=local)
    return SlotList(
        slots=slots,
        guests=[GuestTimes(guest=each.address, known=each.known, note=each.note) for each in known],
        accounts=list(busy.accounts),
        note=notes_of(cut, _unread(busy)),
    )


async def _busy(ctx: Context, span: Window, local: tzinfo) -> Busy:
    """By the mirror; where nothing but times may be seen, as Google tells of the account's own calendar."""
    if await allowed(ctx, "read"):
        borrowed = await ctx.borrowed()
        return await ctx.store.read(lambda connection: busy_of_user(connection, span, local, borrowed))
    [own] = await ask_schedules(await api_of(ctx), [_OWN], span)
    if not own.known:
        raise InvalidRequest(_UNKNOWN)
    return Busy(own.busy, [], ((await ctx.credentials()).name,), complete=True)


def _schedule(found: Schedule, zone: tzinfo) -> ScheduleView:
    spans = spans_of(found.busy, (), zone)[:MOST_SPANS]
    address = "the user" if found.address == _OWN else found.address
    return ScheduleView(address=address, known=found.known, busy=spans, note=found.note)


def _unread(busy: Busy) -> str:
    return "" if busy.complete else UNREAD
