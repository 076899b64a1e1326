"""Taking changes back: only while the server still holds exactly what the change left there."""

from __future__ import annotations

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount
from connectors.caldav.changes import NEW, mirrored, session_of
from connectors.caldav.notes import Note, recall
from connectors.caldav.objects import guests_of, parts_in, read_object
from connectors.caldav.writing import stamp, written
from openassistant.acts import call_id
from openassistant.calendars.notes import CHANGED
from openassistant.connector import Context
from openassistant.errors import Conflict, NotFound

__all__ = ["had_guests", "has_replaced", "is_gone", "put_back", "put_back_deleted", "remove_created", "remove_split"]


async def remove_created(ctx: Context, account: CaldavAccount, name: str) -> None:
    """Deletes the object that a call created; raises `Conflict` when it was changed or removed since."""
    note = _usable(await recall(ctx, name))
    async with session_of(ctx, account) as session:
        try:
            await session.delete(note.url, etag=note.after)
        except (Conflict, NotFound) as error:
            raise Conflict(CHANGED) from error
    await ctx.store.write(lambda connection: mirror.remove(connection, note.calendar, [note.url]))


async def put_back(ctx: Context, account: CaldavAccount, name: str) -> None:
    """Stores what a call replaced; raises `Conflict` when it was changed since."""
    note = _usable(await recall(ctx, name))
    async with session_of(ctx, account) as session:
        try:
            stored = await session.put(note.url, _restored(ctx, note.before), etag=note.after)
        except (Conflict, NotFound) as error:
            raise Conflict(CHANGED) from error
    await mirrored(ctx, note.calendar, stored)


async def put_back_deleted(ctx: Context, account: CaldavAccount, name: str) -> None:
    """Stores what a call deleted; raises `Conflict` when there is something in its place."""
    note = await recall(ctx, name)
    if note is None or not note.before:
        raise Conflict("What was deleted is no longer kept here, so it cannot be put back.")
    async with session_of(ctx, account) as session:
        try:
            stored = await session.put(note.url, _restored(ctx, note.before), etag=None)
        except Conflict as error:
            raise Conflict("There is something else in its place by now, so it is not put back.") from error
    await mirrored(ctx, note.calendar, stored)


async def remove_split(ctx: Context, account: CaldavAccount, name: str) -> None:
    """Deletes the series that a call began besides, where it began one."""
    if await recall(ctx, name + NEW) is not None:
        await remove_created(ctx, account, name + NEW)


async def had_guests(ctx: Context, name: str) -> bool:
    """Whether others were told of a change."""
    note = await recall(ctx, name)
    return note is not None and any(guests_of(each) for each in parts_in(read_object(note.before)))


async def has_replaced(ctx: Context, name: str) -> bool:
    """Whether a call changed an object that was there before."""
    note = await recall(ctx, name)
    return note is not None and bool(note.before)


async def is_gone(ctx: Context, account: CaldavAccount, name: str) -> bool:
    """Whether what a call changed is not on the server."""
    note = await recall(ctx, name)
    if note is None:
        raise Conflict("It is not known any more what was deleted, so it cannot be put back.")
    async with session_of(ctx, account) as session:
        return await session.get(note.url) is None


def _usable(note: Note | None) -> Note:
    if note is None or not note.after:
        raise Conflict("It is not known any more what exactly was stored, so this cannot be taken back by itself.")
    return note


def _restored(ctx: Context, before: str) -> str:
    """The former text as a newer revision than the one it replaces, so that every program takes it."""
    calendar = read_object(before)
    for each in parts_in(calendar):
        sequence = each.get("SEQUENCE", 0)
        each.pop("SEQUENCE", None)
        each.add("SEQUENCE", (sequence if isinstance(sequence, int) else 0) + 2)
        stamp(each, call_id(ctx), ctx.now())
    return written(calendar)
