"""What came of a change that was interrupted, as Google holds it: it was done, it was not, or that cannot be told."""

from __future__ import annotations

from functools import partial

from connectors.google_calendar import mirror
from connectors.google_calendar.changes import NEW, NOTES, calendar_of, discard, fetched, gone, landed, mine_in
from connectors.google_calendar.events import mark_of
from openassistant.connector import Context
from openassistant.errors import DeadlineExceeded

__all__ = ["find_answer", "find_changed", "find_created", "find_moved", "find_split", "is_gone"]


async def find_created(ctx: Context, call: str, name: str = "") -> str | None:
    """The key of the event that a call created; None when there is none."""
    note = await NOTES.recall(ctx, call + name)
    if note is None:
        return None
    calendar = await calendar_of(ctx, note.calendar)
    raw = await fetched(ctx, calendar, note.ref)
    if raw is None:
        return None
    if raw.get("status") == "cancelled":
        raise DeadlineExceeded("It was created, and is deleted by now.")
    return await landed(ctx, call + name, calendar, raw)


async def find_changed(ctx: Context, call: str) -> bool:
    """Whether an event was changed by a call. Raises `DeadlineExceeded` when that cannot be told."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return False
    calendar = await calendar_of(ctx, note.calendar)
    raw = await fetched(ctx, calendar, note.ref)
    if raw is None or raw.get("status") == "cancelled":
        raise DeadlineExceeded("That event is gone by now, so it cannot be told whether this was done.")
    if mark_of(raw) != call:
        return False
    await landed(ctx, call, calendar, raw)
    return True


async def find_split(ctx: Context, call: str) -> str | None:
    """The key of the series that an interrupted division made; one that was made in vain is removed."""
    note = await NOTES.recall(ctx, call + NEW)
    if note is None:
        return None
    if not await find_changed(ctx, call):
        await discard(ctx, await calendar_of(ctx, note.calendar), note.ref)
        return None
    return await find_created(ctx, call, NEW)


async def is_gone(ctx: Context, call: str) -> bool:
    """Whether what a call was to delete is not in its calendar any more; False where it never began."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return False
    calendar = await calendar_of(ctx, note.calendar)
    raw = await fetched(ctx, calendar, note.ref)
    if "recurrence" in note.before:
        return raw is not None and mark_of(raw) == call
    if raw is not None and raw.get("status") != "cancelled":
        return False
    await gone(ctx, calendar, raw or {"id": note.ref})
    return True


async def find_moved(ctx: Context, call: str) -> str | None:
    """The key of an event in the calendar that a call moved it into; None when it is not there."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return None
    into = await calendar_of(ctx, note.calendar)
    raw = await fetched(ctx, into, note.ref)
    if raw is None or raw.get("status") == "cancelled":
        return None
    source = await calendar_of(ctx, note.before["calendar"])
    await ctx.store.write(partial(mirror.remove, calendar=source, refs=[note.ref], seen=None))
    return await landed(ctx, call, into, raw)


async def find_answer(ctx: Context, call: str, answer: str, comment: str) -> bool:
    """Whether Google holds an answer that was not there before. Raises `DeadlineExceeded` where that cannot be told."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return False
    calendar = await calendar_of(ctx, note.calendar)
    raw = await fetched(ctx, calendar, note.ref)
    mine = mine_in(raw, calendar) if raw else None
    if raw is None or mine is None:
        raise DeadlineExceeded("That event is gone by now, so it cannot be told whether this was done.")
    now = {name: mine.get(name) for name in note.before}
    if now == note.before:
        return False
    if now["responseStatus"] != answer or (comment and now["comment"] != comment):
        raise DeadlineExceeded("Somebody changed that answer meanwhile, so it cannot be told whether this was done.")
    await landed(ctx, call, calendar, raw)
    return True
