"""The tools that read events: calendars, lists, search, one in full, and what changed."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo
from functools import partial
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import api_of, iri, local_zone, owner_of
from connectors.outlook_calendar.arguments import CalendarName, EventId
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.changes import fetched, take
from connectors.outlook_calendar.drafts import chosen
from connectors.outlook_calendar.events import MalformedError, read_event
from connectors.outlook_calendar.mirror import Kept, KeptCalendar
from connectors.outlook_calendar.sync import take_series
from connectors.outlook_calendar.views import (
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
from openassistant.calendars.views import UNREAD, notes_of
from openassistant.connector import Context, Field, OutsideText
from openassistant.errors import NotFound
from openassistant.formats.moments import Window, aware, moment, window

__all__ = ["calendars_list", "changes_list", "events_get", "events_list", "events_search", "touching", "unread"]

_MOST_PAGES = 10


@connector.tool(effect="read", capability="read")
async def calendars_list(ctx: Context) -> CalendarList:
    """List the account's calendars by name: whose they are, and whether they can be written to."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> CalendarList:
        known = mirror.calendars(connection, owner)
        views = [
            CalendarView(
                name=OutsideText(text=each.name, source="the name of a calendar"),
                owner=OutsideText(text=each.owner, source="the owner of a calendar") if each.owner else None,
                usual=each.usual,
                writable=each.writable,
                online=bool(each.online),
                count=mirror.count(connection, each.id),
                read=each.complete and not each.filling,
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

    Series are given date by date, each with an id of its own; `series` names the whole series.
    """
    owner, local = owner_of(ctx), await local_zone(ctx, zone)
    span = window(start, end, local)
    known = await ctx.store.read(lambda c: mirror.calendars(c, owner))
    named = calendars_named(known, calendar)
    outside = [each for each in named if each.complete and not _covers(each, span)]
    beyond = {key for each in outside for key in await _asked(ctx, each, span)}
    ids = {each.id for each in named} - {each.id for each in outside}
    found = await ctx.store.read(lambda c: mirror.between(c, owner, span))
    dates = [each for each in found if each.calendar.id in ids or each.key in beyond]
    dates = sorted(touching(dates, span, local), key=lambda kept: (aware(kept.event.start, local), kept.event.title))
    cut = f"Only the first {limit} are shown." if len(dates) > limit else ""
    return EventList(events=[view_of(each, local) for each in dates[:limit]], note=notes_of(cut, unread(known)))


@connector.tool(effect="read", capability="read")
async def events_search(
    ctx: Context,
    query: Query,
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=50)] = 20,
) -> EventList:
    """Search the user's calendars from three months ago to a year ahead. Of a series its next date is given."""
    owner, now, local = owner_of(ctx), ctx.now(), await local_zone(ctx, zone)

    def read(connection: Connection) -> EventList:
        found = []
        for each in mirror.find(connection, owner, query, limit=limit):
            date = mirror.next_date(connection, owner, each.key, now) if each.event.kind == "master" else each
            found.append(date or each)
        unique = list({each.key: each for each in found}.values())
        unique.sort(key=lambda kept: (aware(kept.event.end, local) < now, abs(aware(kept.event.start, local) - now)))
        note = unread(mirror.calendars(connection, owner))
        return EventList(events=[view_of(each, local) for each in unique], note=note)

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="read")
async def events_get(ctx: Context, event: EventId, zone: Zone = None) -> EventDetails:
    """Read one event in full, as Outlook has it now: notes, guests, reminder, repetition, the link to join."""
    found = await chosen(ctx, event, to_write=False)
    raw = await fetched(ctx, found.event.ref)
    if raw is None:
        raise NotFound("Outlook does not know that event any more.")
    kept = await take(ctx, found.kept.calendar, raw) or found.kept
    if kept.event.kind == "occurrence":
        kept = kept._replace(event=_whole(raw, kept))
    return details_of(kept, await local_zone(ctx, zone))


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
    early = "What changed is known for 30 days." if ctx.now() - begin > timedelta(days=30) else ""

    def read(connection: Connection) -> ChangeList:
        found = mirror.changes_since(connection, owner, begin, limit=limit + 1)
        cut = f"Only the newest {limit} are shown." if len(found) > limit else ""
        views = [
            ChangeView(what=each.what, seen=each.at.astimezone(local).isoformat(), event=view_of(each.kept, local))
            for each in found[:limit]
        ]
        return ChangeList(changes=views, note=notes_of(cut, early, unread(mirror.calendars(connection, owner))))

    return await ctx.store.read(read)


def unread(known: list[KeptCalendar]) -> str:
    """What a reader of an account should know: that not all is read yet."""
    return "" if known and all(each.complete and not each.filling for each in known) else UNREAD


def touching(found: list[Kept], span: Window, zone: tzinfo) -> list[Kept]:
    """The dates that lie in a span; a day is that day in the owner's zone."""
    return [
        each
        for each in found
        if aware(each.event.start, zone) < span.end
        and (aware(each.event.end, zone) > span.start or each.event.start == each.event.end)
    ]


def _whole(raw: dict[str, Any], kept: Kept) -> Any:
    """A date of a series as Graph gave it, which may differ from its series."""
    try:
        return read_event(raw)
    except MalformedError:
        return kept.event


def _covers(calendar: KeptCalendar, span: Window) -> bool:
    return calendar.first <= span.start.timestamp() and span.end.timestamp() <= calendar.last


async def _asked(ctx: Context, calendar: KeptCalendar, span: Window) -> set[str]:
    """The keys of what Graph has in a span that is not mirrored; the mirror holds it until its next round."""
    api, found, pages = await api_of(ctx), set[str](), 0
    begin, end = (each.astimezone(UTC) for each in span)
    ends = {"startDateTime": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "endDateTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    async for page in api.pages(f"me/calendars/{iri(calendar.ref)}/calendarView", ends):
        raw = [each for each in page.get("value") or [] if isinstance(each, dict)]
        await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=raw, seen=None))
        found |= {mirror.key_of(calendar.account, str(each.get("id"))) for each in raw}
        pages += 1
        if pages >= _MOST_PAGES:
            break
    await take_series(ctx, api, calendar)
    return found
