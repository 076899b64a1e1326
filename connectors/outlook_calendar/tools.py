"""The Outlook calendar connector: its tools, by noun in the files beside, and what every connector has."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.outlook_calendar import event_reads, event_tools, invitation_tools, mirror, time_tools
from connectors.outlook_calendar.account import owner_of
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.check import check_account
from connectors.outlook_calendar.holdings import KINDS
from connectors.outlook_calendar.sync import sync_account
from openassistant.connector import CheckStep, Context

__all__ = ["connector", "event_reads", "event_tools", "invitation_tools", "time_tools"]

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
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))
