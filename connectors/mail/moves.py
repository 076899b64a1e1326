"""Where a mail lies on the server, and moving it: on the server first and then in the mirror, where it keeps its id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from connectors.mail import mirror
from connectors.mail.account import MailAccount
from connectors.mail.files import LARGEST_MAIL
from connectors.mail.folders import Folder
from connectors.mail.imap import Flag, ImapSession, imap_session
from connectors.mail.search import Found
from openassistant.connector import Context
from openassistant.errors import Conflict, NotFound, OaError, Unavailable, UpstreamFailed

__all__ = ["each_one", "fetch_mail", "located", "move_mail", "move_mails", "moved_of", "was_moved"]

T = TypeVar("T")

_GONE = "That mail does not lie there any more. Search for it again."


async def fetch_mail(ctx: Context, account: MailAccount, found: Found) -> bytes:
    """A mail in full; raises `NotFound` when it is not where the mirror says, `TooLarge`."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        return await asyncio.to_thread(_whole, session, found)


async def move_mail(ctx: Context, account: MailAccount, found: Found, to: Folder) -> None:
    """Moves a mail; raises `NotFound` when it is not where the mirror says, and what `ImapSession.move` raises."""
    await move_mails(ctx, account, [found], to)


async def move_mails(ctx: Context, account: MailAccount, mails: Sequence[Found], to: Folder) -> list[Found]:
    """Moves mails, and gives those that could be; raises as `each_one`.

    Those that were moved before it raised are in their new place in the mirror too.
    """
    moved: list[Found] = []

    def move(session: ImapSession, found: Found) -> None:
        session.move([located(session, found)], to)
        moved.append(found)

    try:
        await each_one(ctx, account, mails, move)
    finally:
        await _relocate(ctx, moved, to)
    return moved


async def each_one(
    ctx: Context, account: MailAccount, mails: Sequence[T], act: Callable[[ImapSession, T], None]
) -> list[T]:
    """Does something to each mail in one session, and gives those to which it could be done.

    Raises the first reason when it could be done to none, `UpstreamFailed` when the connection is lost half way.
    """
    done: list[T] = []
    refused: list[OaError] = []

    def work() -> None:
        for each in mails:
            try:
                act(session, each)
                done.append(each)
            except (NotFound, Conflict) as error:
                refused.append(error)

    if not mails:
        return []
    try:
        async with imap_session(account, seconds=ctx.seconds) as session:
            await asyncio.to_thread(work)
    except Unavailable as error:
        if done:
            raise UpstreamFailed("The connection was lost half way.") from error
        raise
    if refused and not done:
        raise refused[0]
    return done


async def moved_of(ctx: Context, account: MailAccount, mails: Sequence[Found], to: Folder) -> list[Found]:
    """Those of an interrupted move that happened, seen from where each mail lay before; they are in the mirror then.

    Raises `UpstreamFailed` when a mail lies in neither folder or in both.
    """
    async with imap_session(account, seconds=ctx.seconds) as session:
        places = await asyncio.to_thread(lambda: [_places(session, each, to) for each in mails])
    if any(here == there for here, there in places):
        raise UpstreamFailed("Where that mail lies now cannot be told.")
    moved = [each for each, (_, there) in zip(mails, places, strict=True) if there]
    await _relocate(ctx, moved, to)
    return moved


async def was_moved(ctx: Context, account: MailAccount, found: Found, to: Folder) -> bool:
    """Whether an interrupted move of one mail happened; raises as `moved_of`."""
    return bool(await moved_of(ctx, account, [found], to))


async def _relocate(ctx: Context, moved: Sequence[Found], to: Folder) -> None:
    owner = str(ctx.account)

    def write(connection: Connection) -> None:
        for each in moved:
            mirror.relocate(connection, owner, each.id, to)

    if moved:
        await ctx.store.write(write)


def located(session: ImapSession, found: Found) -> int:
    """The UID of a mail, in its folder, which is open then; raises `NotFound`.

    UIDs mean something only under one UIDVALIDITY, so that and the Message-ID are looked at first. A mail that was just
    moved has no known UID; it is the newest with its Message-ID there, for UIDs only grow (RFC 9051, 2.3.1.1).
    """
    status = session.status(found.folder)
    if found.message_id:
        present = _lying(session, found.folder, found.message_id)
    else:
        present = session.uids(session.select(found.folder, readonly=False))
    known = status is not None and status.uidvalidity == found.uidvalidity
    if known and found.uid in present:
        return found.uid
    if found.uid < 0 and found.message_id and present:
        return present[-1]
    raise NotFound(_GONE)


def _whole(session: ImapSession, found: Found) -> bytes:
    content = session.whole(located(session, found), largest=LARGEST_MAIL)
    if content is None:
        raise NotFound(_GONE)
    return content


def _places(session: ImapSession, found: Found, to: Folder) -> tuple[bool, bool]:
    lying = _lying(session, found.folder, found.message_id)
    here = found.uid in lying or (found.uid < 0 and bool(lying))
    return here, bool(_lying(session, to, found.message_id))


def _lying(session: ImapSession, folder: Folder, message_id: str) -> list[int]:
    """UIDs of the mails with a Message-ID, without those that a server without MOVE and UIDPLUS only marks as gone."""
    found = session.find(folder, message_id)
    flags = session.flags(found) if found else {}
    return [uid for uid in found if uid in flags and not flags[uid] & Flag.DELETED]
