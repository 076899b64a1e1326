"""The tools about time itself: when one is busy, and when several are free."""

from __future__ import annotations

from datetime import time, timedelta, tzinfo
from typing import Annotated

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.account import owner_of
from connectors.caldav.arguments import End, Start, Zone
from connectors.caldav.card import connector
from connectors.caldav.event_reads import dates_in, unread
from connectors.caldav.events import Event
from connectors.caldav.moments import Window, window
from connectors.caldav.places import Place, place_of, zone_of
from connectors.caldav.slots import free_slots, merged
from connectors.caldav.views import SlotList, slot_of
from openassistant.connector import Context, Field

__all__ = ["slots_find"]

_MOST_SLOTS = 30


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
    local = zone_of(place, zone)
    span = window(start, end, local)
    span = Window(now, span.end) if span.start < now < span.end else span

    def read(connection: Connection) -> SlotList:
        busy = merged(_busy(connection, ctx, place, span, local))
        length = timedelta(minutes=minutes)
        free = list(free_slots(busy, span, length=length, opens=opens, closes=closes, zone=local))
        cut = f"Only the first {_MOST_SLOTS} are shown." if len(free) > _MOST_SLOTS else ""
        slots = [slot_of(each, local) for each in free[:_MOST_SLOTS]]
        return SlotList(slots=slots, note=" ".join(note for note in (cut, unread(place)) if note))

    return await ctx.store.read(read)


def _busy(connection: Connection, ctx: Context, place: Place, span: Window, zone: tzinfo) -> list[Window]:
    found = mirror.objects_between(connection, owner_of(ctx), span)
    return [Window(event.start, event.end) for _, event in dates_in(found, span, zone) if _is_busy(event, place.own)]


def _is_busy(event: Event, own: tuple[str, ...]) -> bool:
    declined = any(each.status == "declined" and each.address in own for each in event.guests)
    return event.busy and not declined
