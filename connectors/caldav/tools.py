"""The tools of the calendar connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, time, timedelta, tzinfo
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.account import account_of, owner_of
from connectors.caldav.changes import (
    create_once,
    delete_once,
    find_created,
    replace_once,
    uid_of,
    was_deleted,
    was_replaced,
)
from connectors.caldav.check import check_account
from connectors.caldav.compose import Frequency, changed_object, new_object, without_date
from connectors.caldav.drafts import Chosen, Place, changes_of, chosen, new_event, place_of, zone_of
from connectors.caldav.events import DamagedError, Event, expand, latest
from connectors.caldav.mirror import Kept
from connectors.caldav.moments import Window, window
from connectors.caldav.previews import NO_INVITATIONS, preview_changed, preview_deleted, preview_new
from connectors.caldav.slots import free_slots
from connectors.caldav.sync import sync_account
from connectors.caldav.views import (
    EventDeleted,
    EventList,
    EventSaved,
    SlotList,
    slot_of,
    times_shown,
    view_of,
)
from openassistant.connector import CheckStep, Connector, Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, Effect, ToolResult

connector = Connector(__file__)

_MOST_SLOTS = 30
_UNREAD = "The calendars are still being read, so there may be more."

Start = Annotated[
    str, Field(description="ISO 8601: a time such as 2026-10-23T10:00, or a day such as 2026-10-23", max_length=40)
]
End = Annotated[str, Field(description="As start; a day is included", max_length=40)]
Zone = Annotated[
    str | None,
    Field(description="Time zone of times without an offset, such as Europe/Berlin: the owner's", max_length=60),
]
EventId = Annotated[
    str,
    Field(description="The id of an event, or of one date of a series, as events_list gives it", max_length=60),
]
Guests = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="Whom to invite, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Title = Annotated[str, Field(description="The title: one line", max_length=500)]
Where = Annotated[str | None, Field(description="Where it takes place", max_length=500)]
Notes = Annotated[str | None, Field(description="Notes, plain text; guests read them too", max_length=20_000)]


@connector.tool(effect="read")
async def events_list(
    ctx: Context,
    start: Start,
    end: End,
    zone: Zone = None,
    calendar: Annotated[str | None, Field(description="Only of the calendar of this name", max_length=200)] = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=300)] = 100,
) -> EventList:
    """List what is in the user's calendars between two times, at most a year apart, earliest first.

    Series are given date by date, each with an id of its own; the part of an id before "_" names the whole series.
    """
    place = await place_of(ctx)
    local = zone_of(place, zone) or UTC
    span = window(start, end, local)
    if calendar is not None and calendar.casefold() not in {each.name.casefold() for each in place.calendars}:
        names = ", ".join(each.name for each in place.calendars)
        raise InvalidRequest(f"There is no calendar of that name. There are: {names}.")

    def read(connection: Connection) -> EventList:
        found = mirror.objects_between(connection, owner_of(ctx), span)
        named = [each for each in found if calendar is None or each.calendar_name.casefold() == calendar.casefold()]
        dates = sorted(_dates(named, span, local), key=lambda pair: (pair[1].start, pair[1].title))
        cut = f"Only the first {limit} are shown." if len(dates) > limit else ""
        views = [view_of(kept, event, local, place.own) for kept, event in dates[:limit]]
        return EventList(events=views, note=" ".join(note for note in (cut, _unread(place)) if note))

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def events_search(
    ctx: Context,
    query: Annotated[
        str, Field(description="Words that must all occur in title, place, people or notes", max_length=500)
    ],
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=50)] = 20,
) -> EventList:
    """Search the user's calendars. Of a series its next date is given."""
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone) or UTC

    def read(connection: Connection) -> EventList:
        found = mirror.find(connection, owner_of(ctx), query, limit=limit)
        dates = ((kept, _latest(kept, local, ctx)) for kept in found)
        pairs = [(kept, event) for kept, event in dates if event is not None]
        pairs.sort(key=lambda pair: (pair[1].end < now, abs(pair[1].start - now)))
        views = [view_of(kept, event, local, place.own) for kept, event in pairs]
        return EventList(events=views, note=_unread(place))

    return await ctx.store.read(read)


@connector.tool(effect="read", outside=False)
async def slots_find(
    ctx: Context,
    start: Start,
    end: End,
    minutes: Annotated[int, Field(description="How long it must be free", ge=5, le=24 * 60)],
    zone: Zone = None,
    opens: Annotated[time, Field(description="Not before this hour of a day, such as 08:00")] = time(8),
    closes: Annotated[time, Field(description="Not after this hour of a day, such as 20:00")] = time(20),
) -> SlotList:
    """Find times at which the user is free, between two times at most a year apart; what is past is left out."""
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone) or UTC
    span = window(start, end, local)
    span = Window(now, span.end) if span.start < now < span.end else span

    def read(connection: Connection) -> SlotList:
        found = mirror.objects_between(connection, owner_of(ctx), span)
        busy = [Window(event.start, event.end) for _, event in _dates(found, span, local) if _is_busy(event, place)]
        length = timedelta(minutes=minutes)
        free = list(free_slots(busy, span, length=length, opens=opens, closes=closes, zone=local))
        cut = f"Only the first {_MOST_SLOTS} are shown." if len(free) > _MOST_SLOTS else ""
        slots = [slot_of(each, local) for each in free[:_MOST_SLOTS]]
        return SlotList(slots=slots, note=" ".join(note for note in (cut, _unread(place)) if note))

    return await ctx.store.read(read)


@connector.tool(effect="write", effect_of=lambda given: Effect.SEND if given.get("guests") else Effect.WRITE)
async def events_create(
    ctx: Context,
    title: Title,
    start: Start,
    end: Annotated[
        str | None,
        Field(description="As start; the last day is included. Without: one hour, or that day", max_length=40),
    ] = None,
    zone: Zone = None,
    place: Where = None,
    notes: Notes = None,
    guests: Guests = None,
    calendar: Annotated[
        str | None, Field(description="Into the calendar of this name, where there are several", max_length=200)
    ] = None,
    repeats: Annotated[Frequency | None, Field(description="How often it repeats")] = None,
    until: Annotated[str | None, Field(description="The last day of a series", max_length=40)] = None,
) -> EventSaved:
    """Put an event into the user's calendar. With guests, they are invited."""
    assert ctx.call is not None, "an event is created for a call"
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "calendar": calendar, "repeats": repeats, "until": until}
    new = await new_event(ctx, **given)
    content = new_object(new.draft, uid=uid_of(ctx.call.id), now=ctx.now())
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


@connector.tool(
    effect="write",
    effect_of=lambda given: (
        Effect.SEND if given.get("guests") is not None or given.get("tell_guests") else Effect.WRITE
    ),
)
async def events_update(
    ctx: Context,
    event: EventId,
    title: Annotated[str | None, Field(description="A new title", max_length=500)] = None,
    start: Annotated[
        str | None, Field(description="A new start, ISO 8601; alone, the length stays", max_length=40)
    ] = None,
    end: Annotated[str | None, Field(description="A new end, ISO 8601; a day is included", max_length=40)] = None,
    zone: Zone = None,
    place: Where = None,
    notes: Notes = None,
    guests: Annotated[
        list[Annotated[str, Field(max_length=400)]] | None,
        Field(description="The whole new list of guests; who is not on it is uninvited", max_length=100),
    ] = None,
    *,
    tell_guests: Annotated[bool, Field(description="True when the event has guests: they hear of the change")] = False,
) -> EventSaved:
    """Change an event, a whole series, or one date of a series. What is not given stays."""
    given: dict[str, Any] = {"title": title, "start": start, "end": end, "zone": zone, "place": place, "notes": notes}
    given |= {"guests": guests, "tell_guests": tell_guests}
    found = await chosen(ctx, event)
    changes = changes_of(found, **_something(given))
    assert ctx.call is not None, "an event is changed for a call"
    content = changed_object(found.kept.text, found.recurrence, changes, mark=ctx.call.id, now=ctx.now())
    await replace_once(ctx, found.place.account, found.kept, content)
    return await _saved(ctx, event)


@events_update.preview
async def preview_update(ctx: Context, event: str, **given: Any) -> Preview:
    """The event as it is and as it will be."""
    found = await chosen(ctx, event)
    changes = changes_of(found, **_something(given))
    changed_object(found.kept.text, found.recurrence, changes, mark="", now=ctx.now())
    return preview_changed(found, changes)


@events_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the event."""
    if not await was_replaced(ctx, await account_of(ctx), call.id):
        return None
    return events_update.result(await _saved(ctx, call.arguments["event"]))


@connector.tool(effect="delete")
async def events_delete(ctx: Context, event: EventId) -> EventDeleted:
    """Delete an event, a whole series, or one date of a series. Guests are told."""
    found = await chosen(ctx, event)
    if found.recurrence:
        assert ctx.call is not None, "an event is deleted for a call"
        content = without_date(found.kept.text, found.recurrence, mark=ctx.call.id, now=ctx.now())
        await replace_once(ctx, found.place.account, found.kept, content)
    else:
        await delete_once(ctx, found.place.account, found.kept)
    return EventDeleted(id=event, note=_invitation_note(found))


@events_delete.preview
async def preview_delete(ctx: Context, event: str) -> Preview:
    """The event that will be gone."""
    return preview_deleted(await chosen(ctx, event))


@events_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the event, or that date of it, is gone."""
    event, account = str(call.arguments["event"]), await account_of(ctx)
    gone = await (was_replaced if "_" in event else was_deleted)(ctx, account, call.id)
    return events_delete.result(EventDeleted(id=event)) if gone else None


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in and looks for calendars."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))


async def _saved(ctx: Context, event: str) -> EventSaved:
    found = await chosen(ctx, event)
    local = zone_of(found.place, None, found.kept.calendar_name) or UTC
    start, end = times_shown(found.event, found.event.start.tzinfo or local)
    return EventSaved(
        id=event,
        uid=found.event.uid,
        start=start,
        end=end,
        calendar=found.kept.calendar_name,
        note=_invitation_note(found),
    )


def _invitation_note(found: Chosen) -> str:
    return NO_INVITATIONS if found.others and not found.place.profile.invites else ""


def _something(given: dict[str, Any]) -> dict[str, Any]:
    if all(value is None for name, value in given.items() if name not in ("zone", "tell_guests")):
        raise InvalidRequest("Say what to change: title, start, end, place, notes or guests.")
    return given


def _dates(found: list[Kept], span: Window, zone: tzinfo) -> Iterator[tuple[Kept, Event]]:
    for kept in found:
        try:
            dates = expand(kept.text, span, zone, heavy=kept.state == "heavy")
        except DamagedError:
            continue
        yield from ((kept, event) for event in dates)


def _latest(kept: Kept, zone: tzinfo, ctx: Context) -> Event | None:
    try:
        return latest(kept.text, ctx.now(), zone, heavy=kept.state == "heavy")
    except DamagedError:
        return None


def _is_busy(event: Event, place: Place) -> bool:
    declined = any(each.status == "declined" and each.address in place.own for each in event.guests)
    return event.busy and not declined


def _unread(place: Place) -> str:
    whole = place.calendars and all(each.complete for each in place.calendars)
    odd = f"{place.damaged} entries cannot be read; look at them in another program." if place.damaged else ""
    return " ".join(note for note in ("" if whole else _UNREAD, odd) if note)
