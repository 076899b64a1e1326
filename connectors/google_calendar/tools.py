"""The connector of Google Calendar: its tools, by noun in the files beside, and what the house asks of every one."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.google_calendar import ending_tools, event_reads, event_tools, invitation_tools, mirror, time_tools
from connectors.google_calendar.account import owner_of
from connectors.google_calendar.card import connector
from connectors.google_calendar.check import check_account
from connectors.google_calendar.holdings import KINDS
from connectors.google_calendar.sync import sync_account
from openassistant.connector import CheckStep, Context

__all__ = ["connector", "ending_tools", "event_reads", "event_tools", "invitation_tools", "time_tools"]

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
