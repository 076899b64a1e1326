"""The calendar connector: its tools, by noun in the files beside, and what the house asks of every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.caldav import event_reads, event_tools, invitation_tools, mirror, task_tools, time_tools
from connectors.caldav.account import owner_of
from connectors.caldav.card import connector
from connectors.caldav.check import check_account
from connectors.caldav.holdings import KINDS
from connectors.caldav.sync import sync_account
from openassistant.connector import AccountPart, CheckStep, Context

__all__ = ["connector", "event_reads", "event_tools", "invitation_tools", "task_tools", "time_tools"]

connector.holds(*KINDS)


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in and looks for calendars."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.parts
async def parts(ctx: Context) -> list[AccountPart]:
    """The calendars, by their addresses: `discovery` and `client.DavSession` keep to those that are lent."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: mirror.calendars(connection, owner))
    return [AccountPart(id=each.url, name=each.name) for each in found]


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))
