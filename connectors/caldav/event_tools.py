"""The tools that change events: create, update and delete, each with its preview, its look-up and its way back."""

from __future__ import annotations

from typing import Annotated, Any

from connectors.caldav import undoing
from connectors.caldav.account import account_of
from connectors.caldav.arguments import Alarms, EventId, Floating, Notes
from connectors.caldav.card import connector
from connectors.caldav.changes import (
    create_once,
    delete_once,
    find_created,
    replace_once,
    split_once,
    uid_of,
    was_deleted,
    was_replaced,
    was_split,
)
from connectors.caldav.compose import changed_object, new_object, without_date
from connectors.caldav.drafts import Chosen, Extent, changes_of, chosen, found_event, new_event
from connectors.caldav.places import as_named, place_of, zone_of
from connectors.caldav.previews import NO_INVITATIONS, preview_changed, preview_deleted, preview_new
from connectors.caldav.series import split_series, without_following
from connectors.caldav.views import EventDeleted, EventSaved, times_shown
from openassistant.acts import call_id
from openassistant.calendars import arguments
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest
from openassistant.messages import Call, ToolResult

__all__ = ["events_create", "events_delete", "events_update"]

Reach = Annotated[
    Extent | None,
    Field(description="How much of a series: this date, this and following, or all; without it what the id names"),
]


@connector.tool(effect="write", effect_of=arguments.effect_with_guests)
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
        str | None, Field(description="Into the calendar of this name, where there are several", max_length=200)
    ] = None,
    repeats: arguments.Repeats = None,
    every: arguments.Every = 1,
    on: arguments.OnDays = None,
    until: arguments.LastDay = None,
    count: Annotated[int | None, Field(description="How many dates a series has", ge=1, le=1000)] = None,
    alarms: Alarms = None,
    *,
    floating: Floating = False,
) -> EventSaved:
    """Put an event into the user's calendar. With guests, they are invited."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "calendar": calendar, "repeats": repeats, "every": every, "on": on, "until": until}
    new = await new_event(ctx, **given, count=count, alarms=alarms, floating=floating)
    content = new_object(new.draft, uid=uid_of(call_id(ctx)), now=ctx.now())
    key = await create_once(ctx, new.place.account, new.calendar, content)
    return await _saved(ctx, key)


@events_create.preview
async def preview_create(ctx: Context, **given: Any) -> Preview:
    """The event as it will be created."""
    return preview_new(await new_event(ctx, **given))


@events_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks the call's UID up in every calendar."""
    place = await place_of(ctx)
    key = await find_created(ctx, place.account, [each for each in place.calendars if each.writable], call.id)
    return None if key is None else events_create.result(await _saved(ctx, key))


@events_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Deletes what was created."""
    await undoing.remove_created(ctx, await account_of(ctx), call.id)


@connector.tool(effect="write", effect_of=arguments.effect_on_guests)
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
    tell_guests: arguments.Tell = False,
) -> EventSaved:
    """Change an event, one date of a series, this date and those that follow, or all. What is not given stays."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "alarms": alarms, "tell_guests": tell_guests}
    found = await chosen(ctx, event, extent)
    changes = changes_of(found, **_something(given))
    account, mark = found.place.account, call_id(ctx)
    if found.extent == "following":
        halves = split_series(found.kept.text, found.date, changes, uid=uid_of(mark), mark=mark, now=ctx.now())
        calendar = next(each for each in found.place.calendars if each.id == found.kept.calendar)
        key = await split_once(ctx, account, found.kept, calendar, halves, recurrence=found.date)
        return await _saved(ctx, key)
    content = changed_object(found.kept.text, found.recurrence, changes, mark=mark, now=ctx.now())
    await replace_once(ctx, account, found.kept, content, recurrence=found.recurrence)
    return await _saved(ctx, _id_after(event, found.extent))


@events_update.preview
async def preview_update(ctx: Context, event: str, extent: Extent | None, **given: Any) -> Preview:
    """The event as it is and as it will be."""
    found = await chosen(ctx, event, extent)
    changes = changes_of(found, **_something(given))
    if found.extent == "following":
        split_series(found.kept.text, found.date, changes, uid="", mark="", now=ctx.now())
    else:
        changed_object(found.kept.text, found.recurrence, changes, mark="", now=ctx.now())
    return preview_changed(found, changes)


@events_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the event, and for the series that it began."""
    account, event = await account_of(ctx), str(call.arguments["event"])
    if call.arguments.get("extent") == "following":
        key = await was_split(ctx, account, call.id)
        if key is not None:
            return events_update.result(await _saved(ctx, key))
    if not await was_replaced(ctx, account, call.id):
        return None
    return events_update.result(await _saved(ctx, _id_after(event, call.arguments.get("extent"))))


@events_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former event back; what went on as a series of its own is removed."""
    account = await account_of(ctx)
    await undoing.put_back(ctx, account, call.id)
    await undoing.remove_split(ctx, account, call.id)


@connector.tool(effect="delete")
async def events_delete(ctx: Context, event: EventId, extent: Reach = None) -> EventDeleted:
    """Delete an event, one date of a series, this date and those that follow, or all. Guests are told."""
    found = await chosen(ctx, event, extent)
    text, mark, now = found.kept.text, call_id(ctx), ctx.now()
    if found.extent == "all":
        await delete_once(ctx, found.place.account, found.kept)
        return EventDeleted(id=event, note=_invitation_note(found))
    if found.extent == "following":
        content = without_following(text, found.date, mark=mark, now=now)
    else:
        content = without_date(text, found.date, mark=mark, now=now)
    await replace_once(ctx, found.place.account, found.kept, content, recurrence=found.date)
    return EventDeleted(id=event, note=_invitation_note(found))


@events_delete.preview
async def preview_delete(ctx: Context, event: str, extent: Extent | None) -> Preview:
    """The event that will be gone."""
    return preview_deleted(await chosen(ctx, event, extent))


@events_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event is gone, or those dates of it are."""
    event, account = str(call.arguments["event"]), await account_of(ctx)
    done = await was_deleted(ctx, account, call.id)
    if not done and "_" in event and call.arguments.get("extent") != "all":
        done = await was_replaced(ctx, account, call.id)
    return events_delete.result(EventDeleted(id=event)) if done else None


@events_delete.undo
async def undo_delete(ctx: Context, call: Call, _: Any) -> None:
    """Puts back what was deleted; where guests were told, it stays gone."""
    account = await account_of(ctx)
    if await undoing.had_guests(ctx, call.id):
        raise Conflict("Its guests were told that it is off, so this cannot be taken back. Create it anew.")
    if await undoing.is_gone(ctx, account, call.id):
        await undoing.put_back_deleted(ctx, account, call.id)
    else:
        await undoing.put_back(ctx, account, call.id)


async def _saved(ctx: Context, event: str) -> EventSaved:
    found = await found_event(ctx, event)
    local = zone_of(found.place, None, found.kept.calendar_name)
    start, end = times_shown(found.event, found.event.start.tzinfo or local)
    return EventSaved(
        id=event,
        uid=found.event.uid,
        start=start,
        end=end,
        calendar=as_named(ctx, found.kept.calendar_name),
        note=_invitation_note(found),
    )


def _id_after(event: str, extent: Extent | None) -> str:
    """A change of a whole series may move its dates, and with them their ids: the series' own id stays."""
    return event.partition("_")[0] if extent in ("all", "following") else event


def _invitation_note(found: Chosen) -> str:
    return NO_INVITATIONS if found.others and not found.place.profile.invites else ""


def _something(given: dict[str, Any]) -> dict[str, Any]:
    if all(value is None for name, value in given.items() if name not in ("zone", "tell_guests")):
        raise InvalidRequest("Say what to change: title, start, end, place, notes, guests or alarms.")
    return given
