"""The tools that end events: calling off what has guests, and deleting what has none."""

from __future__ import annotations

from typing import Any

from connectors.google_calendar import undoing
from connectors.google_calendar.account import name_of
from connectors.google_calendar.arguments import EventId
from connectors.google_calendar.card import connector
from connectors.google_calendar.changes import delete_once, end_once
from connectors.google_calendar.drafts import Chosen, Extent, chosen
from connectors.google_calendar.event_tools import Reach
from connectors.google_calendar.lookups import is_gone
from connectors.google_calendar.previews import preview_of
from openassistant.calendars.views import EventDeleted
from openassistant.connector import Context, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, ToolResult

__all__ = ["events_cancel", "events_delete"]

_TOLD = "Google mails its guests."
_QUIET = "Its organiser is not mailed, but may see it as declined. To decline it, answer the invitation."


@connector.tool(effect="send", capability="write")
async def events_cancel(ctx: Context, event: EventId, extent: Reach = None) -> EventDeleted:
    """Call off an event with guests, one date of a series, this date and those that follow, or all. They are mailed."""
    found = await _cancelled(ctx, event, extent)
    await _end(ctx, found, told=True)
    return EventDeleted(id=event, note=_TOLD)


@events_cancel.preview
async def preview_cancel(ctx: Context, event: str, extent: Extent | None) -> Preview:
    """The event that is called off, and who hears of it."""
    found = await _cancelled(ctx, event, extent)
    return preview_of(
        found,
        verb="Call off an event and tell its guests",
        confirm="Call off",
        account=await name_of(ctx),
        told=found.event.others,
    )


@events_cancel.reconcile
async def look_for_cancelled(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event still stands in the calendar."""
    done = await is_gone(ctx, call.id)
    return events_cancel.result(EventDeleted(id=str(call.arguments["event"]), note=_TOLD)) if done else None


@connector.tool(effect="delete", capability="write")
async def events_delete(ctx: Context, event: EventId, extent: Reach = None) -> EventDeleted:
    """Delete an event, one date of a series, this date and those that follow, or all. Nobody is mailed.

    What the user organises with guests is called off with events_cancel; an invitation is declined with
    invitations_answer.
    """
    found = await _deleted(ctx, event, extent)
    await _end(ctx, found, told=False)
    return EventDeleted(id=event, note=_note(found))


@events_delete.preview
async def preview_delete(ctx: Context, event: str, extent: Extent | None) -> Preview:
    """The event that will be gone."""
    found = await _deleted(ctx, event, extent)
    warnings = (_note(found),) if _note(found) else ()
    account = await name_of(ctx)
    return preview_of(found, verb="Delete an event", confirm="Delete", account=account, told=(), warnings=warnings)


@events_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event still stands in the calendar."""
    done = await is_gone(ctx, call.id)
    return events_delete.result(EventDeleted(id=str(call.arguments["event"]))) if done else None


@events_delete.undo
async def undo_delete(ctx: Context, call: Call, _: Any) -> None:
    """Restores what was deleted."""
    await undoing.put_back_deleted(ctx, call.id)


async def _end(ctx: Context, found: Chosen, *, told: bool) -> None:
    if found.extent == "following":
        await end_once(ctx, found, told=told)
    else:
        await delete_once(ctx, found, told=told)


async def _cancelled(ctx: Context, event: str, extent: Extent | None) -> Chosen:
    found = await chosen(ctx, event, extent)
    if not found.event.own:
        raise InvalidRequest("Somebody else organises this event: decline it with invitations_answer.")
    if not found.event.others:
        raise InvalidRequest("This event has no guests: delete it with events_delete.")
    return found


async def _deleted(ctx: Context, event: str, extent: Extent | None) -> Chosen:
    found = await chosen(ctx, event, extent)
    if found.event.own and found.event.others:
        raise InvalidRequest("This event has guests: call it off with events_cancel, which tells them.")
    if not found.event.own and found.extent == "following":
        raise InvalidRequest("An invitation is deleted as a whole, or date by date.")
    return found


def _note(found: Chosen) -> str:
    return "" if found.event.own or found.event.answer == "none" else _QUIET
