"""The tools that read events: calendars, lists, search, one in full, and what changed."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import Connection

from connectors.google_calendar import mirror
from connectors.google_calendar.account import local_zone, owner_of, require
from connectors.google_calendar.arguments import CalendarName, EventId
from connectors.google_calendar.card import connector
from connectors.google_calendar.drafts import found_event
from connectors.google_calendar.mirror import Kept, KeptCalendar
from connectors.google_calendar.series import dates_in, is_heavy, latest
from connectors.google_calendar.views import (
    CalendarList,
    CalendarView,
    ChangeList,
    ChangeView,
    EventDetails,
    EventList,
    details_of,
    view_of,
)
from openassistant.calendars.arguments import End, Query, Since, Start, Zone, calendars_named
from openassistant.calendars.views import HEAVY, UNREAD, notes_of
from openassistant.connector import Context, Field, OutsideText
from openassistant.formats.moments import aware, moment, window

__all__ = ["calendars_list", "changes_list", "events_get", "events_list", "events_search", "unread"]


@connector.tool(effect="read", capability="read")
async def calendars_list(ctx: Context) -> CalendarList:
    """List the account's calendars by name, and what the user may do in each."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> CalendarList:
        known = mirror.calendars(connection, owner)
        views = [
            CalendarView(
                id=OutsideText(text=each.ref, source="the id of a calendar"),
                name=OutsideText(text=each.name, source="the name of a calendar"),
                usual=each.usual,
                role=each.role,
                writable=each.writable,
                zone=each.zone,
                count=mirror.count(connection, each.id),
                read=each.complete,
            )
            for each in known
        ]
        return CalendarList(calendars=views, note=unread(known))

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="read")
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
    owner, local = owner_of(ctx), await local_zone(ctx, zone)
    span = window(start, end, local)

    def read(connection: Connection) -> EventList:
        known = mirror.calendars(connection, owner)
        ids = {each.id for each in calendars_named(known, calendar)}
        kept = [each for each in mirror.between(connection, owner, span) if each.calendar.id in ids]
        dates = [(each, date) for each in kept for date in dates_in(each.event, each.singles, span, local)]
        dates.sort(key=lambda pair: (aware(pair[1].start, local), pair[1].title))
        cut = f"Only the first {limit} are shown." if len(dates) > limit else ""
        views = [view_of(each, date, local) for each, date in dates[:limit]]
        return EventList(events=views, note=notes_of(cut, _heavy(kept), unread(known)))

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="read")
async def events_search(
    ctx: Context,
    query: Query,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=50)] = 20,
) -> EventList:
    """Search the user's calendars. Of a series its next date is given."""
    owner, now, local = owner_of(ctx), ctx.now(), await local_zone(ctx, zone)

    def read(connection: Connection) -> EventList:
        kept = mirror.find(connection, owner, query, limit=limit)
        dates = [(each, latest(each.event, each.singles, now, local)) for each in kept]
        dates.sort(key=lambda pair: (aware(pair[1].end, local) < now, abs(aware(pair[1].start, local) - now)))
        views = [view_of(each, date, local) for each, date in dates]
        return EventList(events=views, note=notes_of(_heavy(kept), unread(mirror.calendars(connection, owner))))

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="read")
async def events_get(ctx: Context, event: EventId, zone: Zone = None) -> EventDetails:
    """Read one event in full, as Google had it last: notes, guests, reminders, how it repeats, the link to join."""
    found = await found_event(ctx, event)
    return details_of(found.kept, found.event, await local_zone(ctx, zone))


@connector.tool(effect="read", capability="read")
async def changes_list(
    ctx: Context,
    since: Since,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 50,
) -> ChangeList:
    """List which events were added, changed or removed since a time, as this house noticed it, newest first."""
    owner, local = owner_of(ctx), await local_zone(ctx, zone)
    begin = aware(moment(since, "since", local), local)

    def read(connection: Connection) -> ChangeList:
        found = mirror.changes_since(connection, owner, begin, limit=limit + 1)
        cut = f"Only the newest {limit} are shown." if len(found) > limit else ""
        views = [
            ChangeView(
                what=each.what,
                seen=each.at.astimezone(local).isoformat(),
                event=view_of(each.kept, each.kept.event, local),
            )
            for each in found[:limit]
        ]
        return ChangeList(changes=views, note=notes_of(cut, unread(mirror.calendars(connection, owner))))

    await require(ctx, "read")
    return await ctx.store.read(read)


def unread(known: list[KeptCalendar]) -> str:
    """What a reader of an account should know: that not all is read yet."""
    return "" if known and all(each.complete or not each.readable for each in known) else UNREAD


def _heavy(found: list[Kept]) -> str:
    return HEAVY if any(each.event.recurrence and is_heavy(each.event) for each in found) else ""
