"""The tools that change events: create, update, call off, delete and forward, each with its preview and look-up."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import local_zone, name_of
from connectors.outlook_calendar.arguments import Alarm, Comment, EventId, Notes
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.changes import (
    NOTES,
    act_once,
    change_once,
    create_once,
    delete_once,
    find_changed,
    find_created,
    is_listed,
    remove_created,
    restore,
)
from connectors.outlook_calendar.drafts import Chosen, Extent, changes_of, chosen, clean, new_event
from connectors.outlook_calendar.mirror import Kept
from connectors.outlook_calendar.people import attendee
from connectors.outlook_calendar.previews import preview_changed, preview_new, preview_of
from connectors.outlook_calendar.views import EventForwarded, EventSaved
from openassistant.calendars import arguments
from openassistant.calendars.views import EventDeleted, times_shown
from openassistant.connector import Context, Field, Preview
from openassistant.errors import DeadlineExceeded, InvalidRequest
from openassistant.formats.guests import Person, parse_guests
from openassistant.messages import Call, ToolResult

__all__ = ["events_cancel", "events_create", "events_delete", "events_forward", "events_update"]

_TOLD = "Outlook mails the guests."
_Reach = Annotated[
    Extent | None,
    Field(description="How much of a series: this date, or all; without it what the id names"),
]


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
        str | None, Field(description="Into the calendar of this name; without it the usual one", max_length=200)
    ] = None,
    repeats: arguments.Repeats = None,
    every: arguments.Every = 1,
    on: arguments.OnDays = None,
    until: arguments.LastDay = None,
    count: Annotated[int | None, Field(description="How many dates a series has", ge=1, le=999)] = None,
    alarm: Alarm = None,
    *,
    online: Annotated[bool, Field(description="With an online meeting (Teams, or what the calendar has)")] = False,
) -> EventSaved:
    """Put an event into the user's calendar. With guests, Outlook mails them invitations."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "calendar": calendar, "repeats": repeats, "every": every, "on": on, "until": until}
    draft = await new_event(ctx, **given, count=count, alarm=alarm, online=online)
    return await _saved(ctx, await create_once(ctx, draft), zone)


@events_create.preview
async def preview_create(ctx: Context, **given: Any) -> Preview:
    """The event as it will be created."""
    return preview_new(await new_event(ctx, **given), await name_of(ctx))


@events_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks the call's transaction up in the calendar."""
    kept = await find_created(ctx, call.id)
    return None if kept is None else events_create.result(await _saved(ctx, kept, call.arguments.get("zone")))


@events_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Deletes what was created."""
    await remove_created(ctx, call.id)


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
    until: Annotated[
        str | None, Field(description="With extent all: a new last day of a series, which ends there", max_length=40)
    ] = None,
    alarm: Alarm = None,
    extent: _Reach = None,
    *,
    online: Annotated[bool | None, Field(description="Add an online meeting, or take it away")] = None,
    tell_guests: arguments.Tell = False,
) -> EventSaved:
    """Change an event, one date of a series, or all of it. What is not given stays.

    To end a series at a date, give extent all and until. A series keeps its days; only the time of day can change.
    """
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "until": until, "alarm": alarm, "online": online, "tell_guests": tell_guests}
    found = await chosen(ctx, event, extent)
    changes = await changes_of(ctx, found, **given)
    return await _saved(ctx, await change_once(ctx, found, changes.body), zone)


@events_update.preview
async def preview_update(ctx: Context, event: str, extent: Extent | None, **given: Any) -> Preview:
    """The event as it is and as it will be."""
    found = await chosen(ctx, event, extent)
    return preview_changed(found, await changes_of(ctx, found, **given), await name_of(ctx))


@events_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event holds what the call wanted."""
    kept = await find_changed(ctx, call.id)
    return None if kept is None else events_update.result(await _saved(ctx, kept, call.arguments.get("zone")))


@events_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former properties back."""
    await restore(ctx, call.id)


@connector.tool(effect="send", capability="write")
async def events_cancel(ctx: Context, event: EventId, comment: Comment = None, extent: _Reach = None) -> EventDeleted:
    """Call off an event that the user organises, one date of a series or all of it. Outlook mails its guests."""
    found = await _cancelled(ctx, event, extent)
    await delete_once(ctx, found, comment=clean(comment or "", 2_000), cancel=True)
    return EventDeleted(id=event, note=_TOLD)


@events_cancel.preview
async def preview_cancel(ctx: Context, event: str, comment: str | None, extent: Extent | None) -> Preview:
    """The event that is called off, and who hears of it."""
    found = await _cancelled(ctx, event, extent)
    return preview_of(
        found,
        verb="Call off an event and tell its guests",
        confirm="Call off",
        account=await name_of(ctx),
        told=found.event.others,
        content=clean(comment or "", 2_000),
    )


@events_cancel.reconcile
async def look_for_cancelled(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event still stands in the calendar."""
    done = await _is_gone(ctx, call.id)
    return events_cancel.result(EventDeleted(id=str(call.arguments["event"]), note=_TOLD)) if done else None


@connector.tool(effect="delete", capability="write")
async def events_delete(ctx: Context, event: EventId, extent: _Reach = None) -> EventDeleted:
    """Delete an event, one date of a series or all of it, out of the user's calendar.

    What the user organises with guests is called off with events_cancel; an invitation is declined with
    invitations_answer, for deleting it tells the organiser nothing.
    """
    found = await _deleted(ctx, event, extent)
    await delete_once(ctx, found)
    return EventDeleted(id=event, note="" if found.event.own else "Its organiser is told nothing.")


@events_delete.preview
async def preview_delete(ctx: Context, event: str, extent: Extent | None) -> Preview:
    """The event that will be gone."""
    found = await _deleted(ctx, event, extent)
    quiet = () if found.event.own else ("Its organiser is told nothing; to decline it, answer the invitation.",)
    return preview_of(
        found, verb="Delete an event", confirm="Delete", account=await name_of(ctx), told=(), warnings=quiet
    )


@events_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event still stands in the calendar."""
    done = await _is_gone(ctx, call.id)
    return events_delete.result(EventDeleted(id=str(call.arguments["event"]))) if done else None


@connector.tool(effect="send", capability="write")
async def events_forward(
    ctx: Context,
    event: EventId,
    to: Annotated[
        list[Annotated[str, Field(max_length=400)]],
        Field(description="Whom it goes to, each like carol@example.org", min_length=1, max_length=30),
    ],
    comment: Comment = None,
) -> EventForwarded:
    """Forward an event to others, who get an invitation; its organiser is told."""
    found, people = await _forwarded(ctx, event, to)
    body: dict[str, Any] = {"toRecipients": [{"emailAddress": attendee(each)["emailAddress"]} for each in people]}
    if comment:
        body["comment"] = clean(comment, 2_000)
    await act_once(ctx, found, "forward", body)
    return EventForwarded(id=event, to=[each.address for each in people])


@events_forward.preview
async def preview_forward(ctx: Context, event: str, to: list[str], comment: str | None) -> Preview:
    """The event, and whom it goes to."""
    found, people = await _forwarded(ctx, event, to)
    organizer = found.event.organizer
    return preview_of(
        found,
        verb="Forward an event",
        confirm="Forward",
        account=await name_of(ctx),
        told=(*people, *([organizer] if organizer and not found.event.own else [])),
        rows={"Notes": found.event.notes[:500]},
        content=clean(comment or "", 2_000),
    )


@events_forward.reconcile
async def look_for_forwarded(ctx: Context, call: Call) -> ToolResult | None:
    """Outlook keeps no trace of a forward in the event; only one that never began is known not to have been done."""
    if await NOTES.recall(ctx, call.id) is None:
        return None
    raise DeadlineExceeded("Outlook does not tell whether an event was forwarded.")


async def _cancelled(ctx: Context, event: str, extent: Extent | None) -> Chosen:
    found = await chosen(ctx, event, extent)
    if not found.event.own:
        raise InvalidRequest("Somebody else organises this event: decline it with invitations_answer.")
    if not found.event.others:
        raise InvalidRequest("This event has no guests: delete it with events_delete.")
    return found


async def _deleted(ctx: Context, event: str, extent: Extent | None) -> Chosen:
    found = await chosen(ctx, event, extent)
    if found.event.others and not found.event.cancelled:
        raise InvalidRequest("This event has guests: call it off with events_cancel, which tells them.")
    return found


async def _forwarded(ctx: Context, event: str, to: list[str]) -> tuple[Chosen, tuple[Person, ...]]:
    return await chosen(ctx, event), parse_guests(to)


async def _is_gone(ctx: Context, call: str) -> bool:
    """Whether what a call was to remove is not in its calendar; False where it never began."""
    note = await NOTES.recall(ctx, call)
    if note is None or await is_listed(ctx, note):
        return False
    calendars = await ctx.store.read(mirror.all_calendars)
    for each in calendars:
        if each.account == ctx.account and each.ref == note.calendar:
            await ctx.store.write(partial(mirror.remove, calendar=each, refs=[note.ref], seen=None))
    return True


async def _saved(ctx: Context, kept: Kept, zone: str | None) -> EventSaved:
    local = await local_zone(ctx, zone)
    start, end = times_shown(kept.event.start, kept.event.end, local)
    event = kept.event
    note = _TOLD if event.others else ""
    join = event.join if event.own else ""
    return EventSaved(id=kept.key, uid=event.uid, start=start, end=end, join=join, note=note)
