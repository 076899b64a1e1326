"""Where a mail lies on the server, and moving it: on the server first and then in the mirror, where it keeps its id."""

from __future__ import annotations

import asyncio

from connectors.mail import mirror
from connectors.mail.account import MailAccount
from connectors.mail.files import LARGEST_MAIL
from connectors.mail.folders import Folder
from connectors.mail.imap import Flag, ImapSession, imap_session
from connectors.mail.search import Found
from openassistant.connector import Context
from openassistant.errors import NotFound, UpstreamFailed

__all__ = ["fetch_mail", "located", "move_mail", "was_moved"]


async def fetch_mail(ctx: Context, account: MailAccount, found: Found) -> bytes:
    """A mail in full; raises `NotFound` when it is not where the mirror says, `TooLarge`."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        return await asyncio.to_thread(_whole, session, found)


async def move_mail(ctx: Context, account: MailAccount, found: Found, to: Folder) -> None:
    """Moves a mail; raises `NotFound` when it is not where the mirror says, and what `ImapSession.move` raises."""
    async with imap_session(account, seconds=ctx.seconds) as session:
        await asyncio.to_thread(lambda: session.move([located(session, found)], to))
    await ctx.store.write(lambda connection: mirror.relocate(connection, str(ctx.account), found.id, to))


async def was_moved(ctx: Context, account: MailAccount, found: Found, to: Folder) -> bool:
    """Whether an interrupted move happened, seen from where the mail lay before.

    Raises `UpstreamFailed` when the mail lies in neither folder or in both. A move that happened is in the mirror then.
    """
    async with imap_session(account, seconds=ctx.seconds) as session:
        here, there = await asyncio.to_thread(_places, session, found, to)
    if here == there:
        raise UpstreamFailed("Where that mail lies now cannot be told.")
    if there:
        await ctx.store.write(lambda connection: mirror.relocate(connection, str(ctx.account), found.id, to))
    return there


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
    raise NotFound("That mail does not lie there any more. Search for it again.")


def _whole(session: ImapSession, found: Found) -> bytes:
    content = session.whole(located(session, found), largest=LARGEST_MAIL)
    if content is None:
        raise NotFound("That mail does not lie there any more. Search for it again.")
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
