"""Changes on the server, each made once: by condition of the ETag, and looked up there after a crash."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount, owner_of
from connectors.caldav.client import DavSession, Stored, dav_session
from connectors.caldav.compose import marks_in
from connectors.caldav.events import DamagedError, events_in, outline, read_object
from connectors.caldav.mirror import Kept, KeptCalendar
from openassistant.connector import Context
from openassistant.errors import Conflict, DeadlineExceeded, NotFound, OaError

__all__ = ["create_once", "delete_once", "find_created", "replace_once", "uid_of", "was_deleted", "was_replaced"]

_KEPT = timedelta(days=30)
_SPARE_SECONDS = 5.0


class _Begun(NamedTuple):
    url: str
    etag: str


def uid_of(call_id: str) -> str:
    """The UID of the event that a call creates."""
    return f"{call_id}@open-assistant"


async def create_once(ctx: Context, account: CaldavAccount, calendar: KeptCalendar, content: str) -> str:
    """Stores the new event of a call and gives its key; an event that the call stored before is that event.

    Raises `UpstreamFailed` or `DeadlineExceeded` alone when it may have been stored.
    """
    url = _url(calendar, _call_id(ctx))
    async with _session(ctx, account) as session:
        try:
            stored = await session.put(url, content, etag=None)
        except Conflict:
            found = await session.get(url)
            if found is None or not _has_uid(found, uid_of(_call_id(ctx))):
                raise
            stored = found
    return await _mirrored(ctx, calendar.id, stored)


async def find_created(ctx: Context, account: CaldavAccount, calendars: list[KeptCalendar], call_id: str) -> str | None:
    """The key of the event that an interrupted call stored, by address, else by UID; None when it stored none."""
    async with _session(ctx, account) as session:
        for calendar in calendars:
            found = await session.get(_url(calendar, call_id)) or await session.by_uid(calendar.url, uid_of(call_id))
            if found is not None:
                return await _mirrored(ctx, calendar.id, found)
    return None


async def replace_once(ctx: Context, account: CaldavAccount, kept: Kept, content: str) -> None:
    """Stores an event over the one that the mirror shows; raises `Conflict` when the server holds another by now."""
    await _note(ctx, kept)
    async with _session(ctx, account) as session:
        try:
            stored = await session.put(kept.url, content, etag=kept.etag)
        except (Conflict, NotFound):
            await _refresh(ctx, session, kept)
            raise
    await _mirrored(ctx, kept.calendar, stored)


async def was_replaced(ctx: Context, account: CaldavAccount, call_id: str) -> bool:
    """Whether an interrupted change was made; raises `DeadlineExceeded` when somebody else changed it since."""
    begun = await _recall(ctx, call_id)
    if begun is None:
        return False
    async with _session(ctx, account) as session:
        found = await session.get(begun.url)
    if found is not None and _is_marked(found, call_id):
        return True
    if found is not None and _same(found.etag, begun.etag):
        return False
    raise DeadlineExceeded("The event was changed again since, so it cannot be told whether this was done.")


async def delete_once(ctx: Context, account: CaldavAccount, kept: Kept) -> None:
    """Deletes the event that the mirror shows; raises as `replace_once`."""
    await _note(ctx, kept)
    async with _session(ctx, account) as session:
        try:
            await session.delete(kept.url, etag=kept.etag)
        except (Conflict, NotFound):
            await _refresh(ctx, session, kept)
            raise
    await ctx.store.write(lambda connection: mirror.remove(connection, kept.calendar, [kept.url]))


async def was_deleted(ctx: Context, account: CaldavAccount, call_id: str) -> bool:
    """Whether an interrupted call's event is gone."""
    begun = await _recall(ctx, call_id)
    if begun is None:
        return False
    async with _session(ctx, account) as session:
        return await session.get(begun.url) is None


def _session(ctx: Context, account: CaldavAccount) -> contextlib.AbstractAsyncContextManager[DavSession]:
    return dav_session(account, seconds=max(ctx.seconds - _SPARE_SECONDS, 1.0))


async def _refresh(ctx: Context, session: DavSession, kept: Kept) -> None:
    """Reads an event anew, so that who looks again sees what is there now."""
    try:
        found = await session.get(kept.url)
    except OaError:
        return
    if found is None:
        await ctx.store.write(lambda connection: mirror.remove(connection, kept.calendar, [kept.url]))
    else:
        await _mirrored(ctx, kept.calendar, found)


async def _mirrored(ctx: Context, calendar: int, stored: Stored) -> str:
    owner, entry = owner_of(ctx), await asyncio.to_thread(outline, stored.text, now=ctx.now())
    keys = await ctx.store.write(lambda connection: mirror.put_objects(connection, owner, calendar, [(stored, entry)]))
    return keys[0]


async def _note(ctx: Context, kept: Kept) -> None:
    """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
    now = ctx.now()
    row = {"call": _call_id(ctx), "account": ctx.account, "url": kept.url, "etag": kept.etag, "made": now.isoformat()}

    def write(connection: Connection) -> None:
        old = {"before": (now - _KEPT).isoformat()}
        connection.execute(text("DELETE FROM caldav_changes WHERE made < :before"), old)
        connection.execute(
            text(
                "INSERT OR REPLACE INTO caldav_changes (call_id, account, url, etag, made)"
                " VALUES (:call, :account, :url, :etag, :made)"
            ),
            row,
        )

    await ctx.store.write(write)


async def _recall(ctx: Context, call_id: str) -> _Begun | None:
    def read(connection: Connection) -> _Begun | None:
        row = connection.execute(
            text("SELECT url, etag FROM caldav_changes WHERE call_id = :id"), {"id": call_id}
        ).one_or_none()
        return _Begun(row.url, row.etag) if row else None

    return await ctx.store.read(read)


def _call_id(ctx: Context) -> str:
    assert ctx.call is not None, "a change is made for a call"
    return ctx.call.id


def _url(calendar: KeptCalendar, call_id: str) -> str:
    return f"{calendar.url}{call_id}.ics"


def _has_uid(stored: Stored, uid: str) -> bool:
    try:
        return any(str(each.get("UID")) == uid for each in events_in(read_object(stored.text)))
    except DamagedError:
        return False


def _is_marked(stored: Stored, call_id: str) -> bool:
    try:
        return call_id in marks_in(stored.text)
    except DamagedError:
        return False


def _same(one: str, other: str) -> bool:
    return one.removeprefix("W/") == other.removeprefix("W/")
