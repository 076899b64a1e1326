"""Changes on the server, each made once: by condition of the ETag, looked up there after a crash, taken back if wanted.

Nothing is overwritten that the mirror did not show: where the server holds another version, both are told apart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount, owner_of
from connectors.caldav.client import DavSession, Stored, dav_session
from connectors.caldav.conflicts import conflict
from connectors.caldav.mirror import Kept, KeptCalendar
from connectors.caldav.notes import Note, note_begin, note_end, recall
from connectors.caldav.objects import DamagedError, parts_in, read_object
from connectors.caldav.outlines import outline
from connectors.caldav.series import Halves
from connectors.caldav.writing import marks_in
from openassistant.connector import Context
from openassistant.errors import Conflict, DeadlineExceeded, NotFound, OaError

__all__ = [
    "NEW",
    "create_once",
    "delete_once",
    "find_created",
    "mirrored",
    "replace_once",
    "session_of",
    "split_once",
    "uid_of",
    "was_deleted",
    "was_replaced",
    "was_split",
]

_SPARE_SECONDS = 5.0
NEW = ":new"
"""What is added to a call's id in the note about the second object that it makes."""


def uid_of(call_id: str) -> str:
    """The UID of the event or task that a call creates."""
    return f"{call_id}@open-assistant"


async def create_once(
    ctx: Context, account: CaldavAccount, calendar: KeptCalendar, content: str, *, uid: str | None = None
) -> str:
    """Stores the new object of a call and gives its key; an object that the call stored before is that object.

    Raises `UpstreamFailed` or `DeadlineExceeded` alone when it may have been stored.
    """
    call_id = _call_id(ctx)
    await note_begin(ctx, call_id, Note(_url(calendar, call_id), calendar.id, "", "", ""))
    async with session_of(ctx, account) as session:
        stored = await _created(session, _url(calendar, call_id), content, uid or uid_of(call_id))
    await note_end(ctx, call_id, after=stored.etag)
    return await mirrored(ctx, calendar.id, stored)


async def find_created(
    ctx: Context,
    account: CaldavAccount,
    calendars: list[KeptCalendar],
    call_id: str,
    *,
    component: str = "VEVENT",
    uid: str | None = None,
) -> str | None:
    """The key of the object that an interrupted call stored, by address, else by UID; None when it stored none."""
    async with session_of(ctx, account) as session:
        for calendar in calendars:
            found = await session.get(_url(calendar, call_id))
            found = found or await session.by_uid(calendar.url, uid or uid_of(call_id), component=component)
            if found is not None:
                await note_begin(ctx, call_id, Note(found.url, calendar.id, "", "", found.etag))
                return await mirrored(ctx, calendar.id, found)
    return None


async def replace_once(
    ctx: Context, account: CaldavAccount, kept: Kept, content: str, *, recurrence: str = ""
) -> Stored:
    """Stores an object over the one that the mirror shows; raises `Conflict` that names both versions."""
    await note_begin(ctx, _call_id(ctx), _note_of(kept))
    async with session_of(ctx, account) as session:
        stored = await _replaced(ctx, session, kept, content, recurrence)
    await note_end(ctx, _call_id(ctx), after=stored.etag)
    await mirrored(ctx, kept.calendar, stored)
    return stored


async def was_replaced(
    ctx: Context, account: CaldavAccount, call_id: str, *, holds: Callable[[str], bool] = lambda _: False
) -> bool:
    """Whether an interrupted change was made; raises `DeadlineExceeded` when somebody else changed it since.

    `holds` may know the change in a text from which the server took the call's mark.
    """
    begun = await recall(ctx, call_id)
    if begun is None:
        return False
    async with session_of(ctx, account) as session:
        found = await session.get(begun.url)
    changed = found is not None and not _same(found.etag, begun.etag)
    if found is not None and (_is_marked(found, call_id) or (changed and holds(found.text))):
        await note_end(ctx, call_id, after=found.etag)
        await mirrored(ctx, begun.calendar, found)
        return True
    if found is not None and _same(found.etag, begun.etag):
        return False
    raise DeadlineExceeded("It was changed again since, so it cannot be told whether this was done.")


async def split_once(
    ctx: Context, account: CaldavAccount, kept: Kept, calendar: KeptCalendar, halves: Halves, *, recurrence: str
) -> str:
    """Stores what follows as a series of its own, then ends the old one; gives the new one's key. Raises as before.

    The new one comes first: whatever breaks off between leaves a date too many, which is found and removed, and none
    missing.
    """
    call_id = _call_id(ctx)
    await note_begin(ctx, call_id, _note_of(kept))
    await note_begin(ctx, call_id + NEW, Note(_url(calendar, call_id), calendar.id, "", "", ""))
    async with session_of(ctx, account) as session:
        new = await _created(session, _url(calendar, call_id), halves.follows, uid_of(call_id))
        try:
            old = await _replaced(ctx, session, kept, halves.ended, recurrence)
        except (Conflict, NotFound):
            await session.delete(new.url, etag=new.etag)
            raise
    await note_end(ctx, call_id, after=old.etag)
    await note_end(ctx, call_id + NEW, after=new.etag)
    await mirrored(ctx, kept.calendar, old)
    return await mirrored(ctx, calendar.id, new)


async def was_split(ctx: Context, account: CaldavAccount, call_id: str) -> str | None:
    """The key of the series that an interrupted split made; one that was made in vain is removed. Raises as before."""
    begun = await recall(ctx, call_id + NEW)
    done = await was_replaced(ctx, account, call_id)
    if begun is None:
        return None
    async with session_of(ctx, account) as session:
        new = await session.get(begun.url)
        if new is not None and not done:
            await session.delete(new.url, etag=new.etag)
            return None
    if new is None:
        return None
    await note_end(ctx, call_id + NEW, after=new.etag)
    return await mirrored(ctx, begun.calendar, new)


async def delete_once(ctx: Context, account: CaldavAccount, kept: Kept) -> None:
    """Deletes the object that the mirror shows; raises as `replace_once`."""
    await note_begin(ctx, _call_id(ctx), _note_of(kept))
    async with session_of(ctx, account) as session:
        try:
            await _require_same(session, kept)
            await session.delete(kept.url, etag=kept.etag)
        except (Conflict, NotFound) as error:
            raise await _meanwhile(ctx, session, kept, "", "", error) from error
    await ctx.store.write(lambda connection: mirror.remove(connection, kept.calendar, [kept.url]))


async def was_deleted(ctx: Context, account: CaldavAccount, call_id: str) -> bool:
    """Whether an interrupted call's object is gone."""
    begun = await recall(ctx, call_id)
    if begun is None:
        return False
    async with session_of(ctx, account) as session:
        if await session.get(begun.url) is not None:
            return False
    await ctx.store.write(lambda connection: mirror.remove(connection, begun.calendar, [begun.url]))
    return True


def session_of(ctx: Context, account: CaldavAccount) -> contextlib.AbstractAsyncContextManager[DavSession]:
    """A session that ends a little before the call's deadline."""
    return dav_session(account, seconds=max(ctx.seconds - _SPARE_SECONDS, 1.0))


async def mirrored(ctx: Context, calendar: int, stored: Stored) -> str:
    """Puts an object into the mirror as the server holds it; gives its key."""
    owner, entry = owner_of(ctx), await asyncio.to_thread(outline, stored.text, now=ctx.now())
    keys = await ctx.store.write(lambda connection: mirror.put_objects(connection, owner, calendar, [(stored, entry)]))
    return keys[0]


async def _created(session: DavSession, url: str, content: str, uid: str) -> Stored:
    try:
        return await session.put(url, content, etag=None)
    except Conflict:
        found = await session.get(url)
        if found is None or not _has_uid(found, uid):
            raise
        return found


async def _replaced(ctx: Context, session: DavSession, kept: Kept, content: str, recurrence: str) -> Stored:
    try:
        await _require_same(session, kept)
        return await session.put(kept.url, content, etag=kept.etag)
    except (Conflict, NotFound) as error:
        raise await _meanwhile(ctx, session, kept, content, recurrence, error) from error


async def _require_same(session: DavSession, kept: Kept) -> None:
    """Where a server gives no ETags, its text is compared instead."""
    if kept.etag:
        return
    found = await session.get(kept.url)
    if found is None:
        raise NotFound("It is gone from the calendar server.")
    if found.text != kept.text:
        raise Conflict("It was changed on the calendar server meanwhile.")


async def _meanwhile(
    ctx: Context, session: DavSession, kept: Kept, wanted: str, recurrence: str, error: OaError
) -> OaError:
    """The error for a version that is no longer there; the mirror gets the one that is."""
    try:
        found = await session.get(kept.url)
    except OaError:
        return error
    if found is None:
        await ctx.store.write(lambda connection: mirror.remove(connection, kept.calendar, [kept.url]))
        return NotFound("It was deleted on the calendar server meanwhile, so nothing was done.")
    await mirrored(ctx, kept.calendar, found)
    return conflict(kept.text, found.text, wanted, recurrence)


def _note_of(kept: Kept) -> Note:
    return Note(kept.url, kept.calendar, kept.etag, kept.text, "")


def _call_id(ctx: Context) -> str:
    assert ctx.call is not None, "a change is made for a call"
    return ctx.call.id


def _url(calendar: KeptCalendar, call_id: str) -> str:
    return f"{calendar.url}{call_id}.ics"


def _has_uid(stored: Stored, uid: str) -> bool:
    try:
        return any(str(each.get("UID")) == uid for each in parts_in(read_object(stored.text)))
    except DamagedError:
        return False


def _is_marked(stored: Stored, call_id: str) -> bool:
    try:
        return call_id in marks_in(stored.text)
    except DamagedError:
        return False


def _same(one: str, other: str) -> bool:
    return one.removeprefix("W/") == other.removeprefix("W/")
