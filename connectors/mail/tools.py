"""The mail connector: its tools, which the imported modules declare, its check and its sync."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.mail import attachments, drafting, files, filing, invitations, lists, mirror, reading, sending, waiting
from connectors.mail.check import check_account
from connectors.mail.connector import connector, owner_of
from connectors.mail.holdings import KINDS
from connectors.mail.sync import sync_mailbox
from connectors.mail.watching import watch_inbox
from openassistant.connector import CheckStep, Context

__all__ = ["attachments", "connector", "drafting", "filing", "invitations", "lists", "reading", "sending", "waiting"]


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in to both servers."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_mailbox(ctx)


connector.watch(watch_inbox)
connector.holds(*KINDS)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    owner = owner_of(ctx)
    await ctx.store.write(lambda connection: mirror.forget(connection, owner))
    await ctx.store.write(lambda connection: files.forget(connection, owner))
