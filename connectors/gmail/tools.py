"""The Gmail connector: its tools, which the imported modules declare, and what the house asks of every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.gmail import attachments, drafting, filing, mirror, reading, sending, vacation, waiting
from connectors.gmail.card import connector, owner_of
from connectors.gmail.check import check_account
from connectors.gmail.holdings import KINDS
from connectors.gmail.sync import sync_account
from openassistant.connector import CheckStep, Context

__all__ = ["attachments", "connector", "drafting", "filing", "reading", "sending", "vacation", "waiting"]

connector.holds(*KINDS)


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in, and tries what was allowed."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))
