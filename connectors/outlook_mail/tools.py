"""The Outlook mail connector: its tools, by noun in the files beside, and what every connector has."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.outlook_mail import attachments, drafting, filing, mirror, reading, replies, sending, waiting
from connectors.outlook_mail.account import owner_of
from connectors.outlook_mail.card import connector
from connectors.outlook_mail.check import check_account
from connectors.outlook_mail.holdings import KINDS
from connectors.outlook_mail.sync import sync_account
from openassistant.connector import CheckStep, Context

__all__ = ["attachments", "connector", "drafting", "filing", "reading", "replies", "sending", "waiting"]

connector.holds(*KINDS)


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Asks for a little of everything that was allowed."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    owner = owner_of(ctx)
    await ctx.store.write(lambda connection: mirror.forget(connection, owner))
