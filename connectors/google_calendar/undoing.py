"""Taking changes back: only while Google still holds exactly what the change left there.

That nothing is taken back of which others were told is the house's to see to.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from connectors.google_calendar import mirror
from connectors.google_calendar.account import api_of, segment
from connectors.google_calendar.changes import NEW, NOTES, calendar_of, fetched, patch, take
from connectors.google_calendar.events import held_by
from connectors.google_calendar.mirror import KeptCalendar
from openassistant.calendars.notes import CHANGED, Note, usable
from openassistant.connector import Context
from openassistant.errors import Conflict, NotFound

__all__ = ["move_back", "put_back", "put_back_deleted", "remove_created", "remove_split"]

_PLAIN = ("start", "end")


async def remove_created(ctx: Context, call: str) -> None:
    """Deletes what a call created; raises `Conflict` when it was changed or removed since."""
    note = usable(await NOTES.recall(ctx, call))
    calendar = await calendar_of(ctx, note.calendar)
    raw = await _untouched(ctx, calendar, note)
    path = f"calendars/{segment(calendar.ref)}/events/{segment(note.ref)}"
    try:
        await (await api_of(ctx)).send(
            "DELETE", path, params={"sendUpdates": "none"}, headers={"If-Match": str(raw.get("etag") or "*")}
        )
    except (Conflict, NotFound) as error:
        raise Conflict(CHANGED) from error
    await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[note.ref], seen=None))


async def put_back(ctx: Context, call: str) -> None:
    """Stores what a call replaced; raises `Conflict` when the event was changed since."""
    note = usable(await NOTES.recall(ctx, call))
    calendar = await calendar_of(ctx, note.calendar)
    raw = await _untouched(ctx, calendar, note)
    if (besides := await NOTES.recall(ctx, call + NEW)) is not None:
        await _untouched(ctx, calendar, usable(besides))
    body = {name: _whole(value) if name in _PLAIN else value for name, value in note.before.items()}
    body = {
        name: "" if value is None and name in ("location", "description") else value for name, value in body.items()
    }
    await _store(ctx, calendar, raw, body)


async def put_back_deleted(ctx: Context, call: str) -> None:
    """Restores what a call deleted: Google keeps it for a while. Raises `Conflict` where it does not."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        raise Conflict("It is not known any more what was deleted, so it cannot be put back.")
    calendar = await calendar_of(ctx, note.calendar)
    if "recurrence" in note.before:
        await put_back(ctx, call)
        return
    raw = await fetched(ctx, calendar, note.ref)
    if raw is None:
        raise Conflict("Google does not keep what was deleted any more, so it cannot be put back.")
    if raw.get("status") != "cancelled":
        raise Conflict(CHANGED)
    await _store(ctx, calendar, raw, {"status": note.before.get("status") or "confirmed"})


async def remove_split(ctx: Context, call: str) -> None:
    """Deletes the series that a call began besides, where it began one."""
    if await NOTES.recall(ctx, call + NEW) is not None:
        await remove_created(ctx, call + NEW)


async def move_back(ctx: Context, call: str) -> None:
    """Moves an event back into the calendar it came from; raises `Conflict` when it was changed since."""
    note = usable(await NOTES.recall(ctx, call))
    calendar, source = await calendar_of(ctx, note.calendar), await calendar_of(ctx, note.before["calendar"])
    raw = await _untouched(ctx, calendar, note)
    path = f"calendars/{segment(calendar.ref)}/events/{segment(note.ref)}/move"
    params = {"destination": source.ref, "sendUpdates": "none"}
    try:
        moved = await (await api_of(ctx)).call(
            "POST", path, params=params, headers={"If-Match": str(raw.get("etag") or "*")}
        )
    except (Conflict, NotFound) as error:
        raise Conflict(CHANGED) from error
    await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[note.ref], seen=None))
    await take(ctx, source, moved)


async def _store(ctx: Context, calendar: KeptCalendar, raw: dict[str, Any], body: dict[str, Any]) -> None:
    try:
        stored = await patch(ctx, calendar, raw, body, told=False)
    except (Conflict, NotFound) as error:
        raise Conflict(CHANGED) from error
    await take(ctx, calendar, stored)


async def _untouched(ctx: Context, calendar: KeptCalendar, note: Note) -> dict[str, Any]:
    raw = await fetched(ctx, calendar, note.ref)
    if raw is None or held_by(raw) != note.held:
        raise Conflict(CHANGED)
    return raw


def _whole(value: Any) -> Any:
    """A former time with nothing left of a day that replaced it, or the other way round."""
    known = value if isinstance(value, dict) else {}
    return {"date": None, "dateTime": None, "timeZone": None, **known}
