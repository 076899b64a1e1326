"""Moving one mail to another folder, on the server first and then in the mirror, where it keeps its id."""

from __future__ import annotations

import asyncio

from connectors.mail import mirror
from connectors.mail.account import MailAccount
from connectors.mail.folders import Folder
from connectors.mail.imap import ImapSession, imap_session
from connectors.mail.search import Found
from openassistant.connector import Context
from openassistant.errors import NotFound, UpstreamFailed

__all__ = ["move_mail", "was_moved"]


async def move_mail(ctx: Context, account: MailAccount, found: Found, to: Folder) -> None:
    """Moves a mail; raises `NotFound` when it is not where the mirror says, and what `ImapSession.move` raises."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        await asyncio.to_thread(_move, session, found, to)
    await ctx.store.write(lambda connection: mirror.relocate(connection, str(ctx.account), found.id, to))


async def was_moved(ctx: Context, account: MailAccount, found: Found, to: Folder) -> bool:
    """Whether an interrupted move happened; raises `UpstreamFailed` when the mail lies in neither folder or in both."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        here, there = await asyncio.to_thread(_places, session, found, to)
    if here == there:
        raise UpstreamFailed("Where that mail lies now cannot be told.")
    return there


def _move(session: ImapSession, found: Found, to: Folder) -> None:
    """UIDs mean something only under one UIDVALIDITY, so that and the Message-ID are looked at again first."""
    status = session.status(found.folder)
    gone = NotFound("That mail does not lie there any more. Search for it again.")
    if status is None or status.uidvalidity != found.uidvalidity:
        raise gone
    if found.message_id:
        present = session.find(found.folder, found.message_id)
    else:
        present = session.uids(session.select(found.folder, readonly=False))
    if found.uid not in present:
        raise gone
    session.move([found.uid], to)


def _places(session: ImapSession, found: Found, to: Folder) -> tuple[bool, bool]:
    here = found.uid in session.find(found.folder, found.message_id)
    return here, bool(session.find(to, found.message_id))
