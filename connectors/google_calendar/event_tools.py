"""The tools that create and change events, each with its preview, its look-up and its way back."""

from __future__ import annotations

from typing import Annotated, Any

from connectors.google_calendar import undoing
from connectors.google_calendar.account import local_zone, name_of
from connectors.google_calendar.arguments import Alarms, EventId, Notes
from connectors.google_calendar.card import connector
from connectors.google_calendar.changes import change_once, create_once, move_once, split_once
from connectors.google_calendar.drafts import (
    Chosen,
    Extent,
    calendar_named,
    changes_of,
    chosen,
    found_event,
    new_event,
    require_own,
)
from connectors.google_calendar.lookups import find_changed, find_created, find_moved, find_split
from connectors.google_calendar.mirror import KeptCalendar
from connectors.google_calendar.previews import preview_changed, preview_new, preview_of
from connectors.google_calendar.views import EventSaved
from openassistant.calendars import arguments
from openassistant.calendars.views import times_shown
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, ToolResult

__all__ = ["Reach", "events_create", "events_move", "events_update"]

Reach = Annotated[
    Extent | None,
    Field(description="How much of a series: this date, this and following, or all; without it what the id names"),
]
_MAILED = "Google mails the guests."


@connector.tool(effect="write", capability="write", effect_of=arguments.effect_with_guests)
async def events_create(
    ctx: Context,
    title: arguments.Title,
    start: arguments.Start,
    end: arguments.OtherEnd = None,
    zone: arguments.Zone = None,
    place: arguments.Where = None,
    notes: Notes = None,
    guests: arguments.Guests = None,
    calendar: Annotated[
        str | None, Field(description="Into the calendar of this name; without, the account's own", max_length=300)
    ] = None,
    repeats: arguments.Repeats = None,
    every: arguments.Every = 1,
    on: arguments.OnDays = None,
    until: arguments.LastDay = None,
    count: Annotated[int | None, Field(description="How many dates a series has", ge=1, le=700)] = None,
    alarms: Alarms = None,
    *,
    meet: Annotated[bool, Field(description="With a Google Meet video call")] = False,
) -> EventSaved:
    """Put an event into the user's calendar. With guests, Google mails them invitations."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "calendar": calendar, "repeats": repeats, "every": every, "on": on, "until": until}
    draft = await new_event(ctx, **given, count=count, alarms=alarms, meet=meet)
    return await _saved(ctx, await create_once(ctx, draft), zone)


@events_create.preview
async def preview_create(ctx: Context, **given: Any) -> Preview:
    """The event as it will be created."""
    return preview_new(await new_event(ctx, **given), await name_of(ctx))


@events_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks the event up by the id that the call gave it."""
    key = await find_created(ctx, call.id)
    return None if key is None else events_create.result(await _saved(ctx, key, call.arguments.get("zone")))


@events_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Deletes what was created."""
    await undoing.remove_created(ctx, call.id)


@connector.tool(effect="write", capability="write", effect_of=arguments.effect_on_guests)
async def events_update(
    ctx: Context,
    event: EventId,
    title: arguments.NewTitle = None,
    start: arguments.NewStart = None,
    end: arguments.NewEnd = None,
    zone: arguments.Zone = None,
    place: arguments.Where = None,
    notes: Notes = None,
    guests: arguments.NewGuests = None,
    alarms: Alarms = None,
    extent: Reach = None,
    *,
    meet: Annotated[bool | None, Field(description="Add a Google Meet video call, or take it away")] = None,
    tell_guests: arguments.Tell = False,
) -> EventSaved:
    """Change an event, one date of a series, this date and those that follow, or all. What is not given stays."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "alarms": alarms, "meet": meet, "tell_guests": tell_guests}
    found = await chosen(ctx, event, extent)
    changes = await changes_of(ctx, found, **given)
    if found.extent == "following":
        _require_no_meet(meet)
        return await _saved(ctx, await split_once(ctx, found, changes), zone)
    await change_once(ctx, found, changes, meet=bool(meet))
    return await _saved(ctx, _id_after(event, found.extent), zone)


@events_update.preview
async def preview_update(ctx: Context, event: str, extent: Extent | None, **given: Any) -> Preview:
    """The event as it is and as it will be."""
    found = await chosen(ctx, event, extent)
    if found.extent == "following":
        _require_no_meet(given["meet"])
    return preview_changed(found, await changes_of(ctx, found, **given), await name_of(ctx), meet=given["meet"])


@events_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the event, and for the series that it began."""
    event, extent, zone = str(call.arguments["event"]), call.arguments.get("extent"), call.arguments.get("zone")
    if extent == "following":
        key = await find_split(ctx, call.id)
        if key is not None:
            return events_update.result(await _saved(ctx, key, zone))
    if not await find_changed(ctx, call.id):
        return None
    return events_update.result(await _saved(ctx, _id_after(event, extent), zone))


@events_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former event back; what went on as a series of its own is removed."""
    await undoing.put_back(ctx, call.id)
    await undoing.remove_split(ctx, call.id)


@connector.tool(effect="write", capability="write", effect_of=arguments.effect_on_guests)
async def events_move(
    ctx: Context,
    event: EventId,
    calendar: Annotated[str, Field(description="Into the calendar of this name", max_length=300)],
    *,
    tell_guests: arguments.Tell = False,
) -> EventSaved:
    """Move an event, or a whole series, into another calendar of the account. Its id changes."""
    found, into = await _moved(ctx, event, calendar, tell_guests=tell_guests)
    return await _saved(ctx, await move_once(ctx, found, into, told=tell_guests), None)


@events_move.preview
async def preview_move(ctx: Context, event: str, calendar: str, *, tell_guests: bool) -> Preview:
    """Which event goes where."""
    found, into = await _moved(ctx, event, calendar, tell_guests=tell_guests)
    told = found.event.others
    return preview_of(
        found,
        verb="Move an event to another calendar and tell its guests" if told else "Move an event to another calendar",
        confirm="Move",
        account=await name_of(ctx),
        told=told,
        rows={"Into": into.name},
    )


@events_move.reconcile
async def look_for_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the event in the calendar that it was to go into."""
    key = await find_moved(ctx, call.id)
    return None if key is None else events_move.result(await _saved(ctx, key, None))


@events_move.undo
async def undo_move(ctx: Context, call: Call, _: Any) -> None:
    """Moves the event back."""
    await undoing.move_back(ctx, call.id)


async def _moved(ctx: Context, event: str, calendar: str, *, tell_guests: bool) -> tuple[Chosen, KeptCalendar]:
    found, into = await chosen(ctx, event.partition("_")[0]), await calendar_named(ctx, calendar)
    require_own(found)
    if found.kept.event.series:
        raise InvalidRequest("One date of a series cannot be moved to another calendar.")
    if found.event.kind != "default":
        raise InvalidRequest("Google moves plain events alone to other calendars.")
    if into.id == found.kept.calendar.id:
        raise InvalidRequest("It is in that calendar already.")
    if found.event.others and not tell_guests:
        raise InvalidRequest("This event has guests, who hear of its move: set tell_guests to true.")
    return found, into


async def _saved(ctx: Context, event: str, zone: str | None) -> EventSaved:
    found = await found_event(ctx, event)
    start, end = times_shown(found.event.start, found.event.end, await local_zone(ctx, zone))
    return EventSaved(
        id=event,
        uid=found.event.uid,
        start=start,
        end=end,
        join=found.event.join if found.event.own else "",
        note=_MAILED if found.event.others else "",
    )


def _id_after(event: str, extent: Extent | None) -> str:
    """A change of a whole series may move its dates, and with them their ids: the series' own id stays."""
    return event.partition("_")[0] if extent in ("all", "following") else event


def _require_no_meet(meet: object) -> None:
    if meet is not None:
        raise InvalidRequest("meet: a video call is added to one date or to all of a series.")
