"""Hearing of new mail at once: IDLE (RFC 2177) on the inbox, on a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from connectors.mail import mirror
from connectors.mail.account import account_of
from connectors.mail.connector import owner_of
from connectors.mail.imap import ImapSession, Status, imap_session
from connectors.mail.mirror import FolderState
from openassistant.connector import Context
from openassistant.errors import Unavailable

__all__ = ["watch_inbox"]

_IDLE_SECONDS = 9 * 60.0
"""How long one IDLE lasts: servers end them after 30 minutes (RFC 2177), routers forget them much earlier."""
_FIRST_IDLE_SECONDS = 2.0
"""How long the first IDLE lasts: what came with the server's go-ahead was read with it, and only its end tells."""
_SECONDS = 60.0


async def watch_inbox(ctx: Context) -> AsyncIterator[None]:
    """Yields whenever something changed in the inbox; raises `Unavailable` where the server cannot tell."""
    owner, account = owner_of(ctx), await account_of(ctx)
    states = await ctx.store.read(lambda connection: mirror.folder_states(connection, owner))
    inbox = next((state for state in states.values() if state.folder.role == "inbox"), None)
    if inbox is None:
        raise Unavailable("There is no inbox to watch.")
    async with imap_session(account, seconds=_SECONDS) as session:
        if not await asyncio.to_thread(session.offers, "IDLE"):
            raise Unavailable("That server does not say when mail comes.")
        if await asyncio.to_thread(_opened, session, inbox):
            yield
        seconds = _FIRST_IDLE_SECONDS
        while True:
            if changed := await _changed(session, seconds):
                yield
            seconds = _FIRST_IDLE_SECONDS if changed else _IDLE_SECONDS


async def _changed(session: ImapSession, seconds: float) -> bool:
    """Waits in IDLE; whether something happened. No thread waits along, for there may be many inboxes."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    number = await asyncio.to_thread(session.begin_idle)
    loop.add_reader(number, heard.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), seconds)
    finally:
        loop.remove_reader(number)
    return await asyncio.to_thread(session.end_idle)


def _opened(session: ImapSession, inbox: FolderState) -> bool:
    """Opens the inbox; whether something came since it was read, which IDLE will not tell."""
    status = session.status(inbox.folder)
    messages = session.select(inbox.folder)
    known = Status(inbox.uidvalidity, inbox.uidnext, inbox.messages, inbox.modseq, inbox.unseen)
    return status != known or messages != status.messages
