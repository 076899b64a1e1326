"""The tools that read events: list, search, one in full, and which calendars there are."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.account import owner_of
from connectors.caldav.arguments import CalendarName, EventId
from connectors.caldav.busy import dates_in
from connectors.caldav.card import connector
from connectors.caldav.drafts import found_event
from connectors.caldav.events import Event, latest
from connectors.caldav.mirror import Kept
from connectors.caldav.objects import DamagedError
from connectors.caldav.places import Place, place_of, zone_of
from connectors.caldav.views import CalendarList, CalendarView, EventDetails, EventList, details_of, view_of
from openassistant.calendars.arguments import End, Query, Start, Zone
from openassistant.calendars.views import HEAVY, UNREAD, notes_of
from openassistant.connector import Context, Field, OutsideText
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import window

__all__ = ["calendars_list", "events_get", "events_list", "events_search", "unread"]


@connector.tool(effect="read")
async def calendars_list(ctx: Context) -> CalendarList:
    """List the account's calendars by name: what they may hold, and whether they can be written to."""
    owner, place = owner_of(ctx), await place_of(ctx)
    counts = await ctx.store.read(lambda connection: mirror.counts(connection, owner))
    views = [
        CalendarView(
            name=OutsideText(text=each.name, source="the name of a calendar"),
            writable=each.writable,
            events=each.events,
            tasks=each.tasks,
            zone=each.zone,
            count=counts.get(each.id, 0),
            read=each.complete,
        )
        for each in place.calendars
    ]
    return CalendarList(calendars=views, note=unread(place))


@connector.tool(effect="read")
async def events_list(
    ctx: Context,
    start: Start,
    end: End,
    zone: Zone = None,
    calendar: CalendarName = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=300)] = 100,
) -> EventList:
    """List what is in the user's calendars between two times, at most a year apart, earliest first.

    Series are given date by date, each with an id of its own; the part of an id before "_" names the whole series.
    """
    place = await place_of(ctx)
    local = zone_of(place, zone)
    span = window(start, end, local)
    _require_calendar(place, calendar)

    def read(connection: Connection) -> EventList:
        found = mirror.objects_between(connection, owner_of(ctx), span)
        named = [each for each in found if calendar is None or each.calendar_name.casefold() == calendar.casefold()]
        dates = sorted(dates_in(named, span, local), key=lambda pair: (pair[1].start, pair[1].title))
        cut = f"Only the first {limit} are shown." if len(dates) > limit else ""
        views = [view_of(kept, event, local, place.own) for kept, event in dates[:limit]]
        return EventList(events=views, note=notes_of(cut, _heavy(named), unread(place)))

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def events_search(
    ctx: Context,
    query: Query,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=50)] = 20,
) -> EventList:
    """Search the user's calendars. Of a series its next date is given."""
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone)

    def read(connection: Connection) -> EventList:
        found = mirror.find(connection, owner_of(ctx), query, limit=limit)
        dates = ((kept, _latest(kept, local, ctx)) for kept in found)
        pairs = [(kept, event) for kept, event in dates if event is not None]
        pairs.sort(key=lambda pair: (pair[1].end < now, abs(pair[1].start - now)))
        views = [view_of(kept, event, local, place.own) for kept, event in pairs]
        return EventList(events=views, note=notes_of(_heavy(found), unread(place)))

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def events_get(ctx: Context, event: EventId, zone: Zone = None) -> EventDetails:
    """Read one event in full, as the calendar server had it last: all notes and guests, reminders, its repetition."""
    found = await found_event(ctx, event)
    return details_of(found.kept, found.event, zone_of(found.place, zone), found.place.own)


def unread(place: Place) -> str:
    """What a reader of an account should know: that not all is read yet, or not all is readable."""
    whole = place.calendars and all(each.complete for each in place.calendars)
    odd = f"{place.damaged} entries cannot be read; look at them in another program." if place.damaged else ""
    return notes_of("" if whole else UNREAD, odd)


def _latest(kept: Kept, zone: tzinfo, ctx: Context) -> Event | None:
    try:
        return latest(kept.text, ctx.now(), zone, heavy=kept.state != "whole")
    except DamagedError:
        return None


def _heavy(found: list[Kept]) -> str:
    return HEAVY if any(each.state == "heavy" for each in found) else ""


def _require_calendar(place: Place, name: str | None) -> None:
    if name is not None and name.casefold() not in {each.name.casefold() for each in place.calendars}:
        raise InvalidRequest("There is no calendar of that name; calendars_list names those that there are.")
