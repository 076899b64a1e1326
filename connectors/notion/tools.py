"""The Notion connector: its tools, by noun in the files beside, and what the house asks of every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.notion import comment_tools, mirror, page_reads, page_tools, row_reads, row_tools
from connectors.notion.account import owner_of
from connectors.notion.api import NotionApi, Page
from connectors.notion.connector import connector
from connectors.notion.holdings import KINDS
from connectors.notion.sync import sync_account
from connectors.notion.things import clean, id_of
from openassistant.capabilities import allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import Forbidden

__all__ = ["comment_tools", "connector", "page_reads", "page_tools", "row_reads", "row_tools"]

connector.holds(*KINDS)

_NOTHING = (
    "Nothing is shared with the connection so far: at Notion, open a page, choose Connections in its menu, and add it"
)


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in, looks for a page, and tries its comments; nothing is changed to try whether changes are allowed."""
    api = await NotionApi.of(ctx)
    yield CheckStep(name="Sign in", ok=True, detail=_workspace(await api.me()))
    found = await api.search(size=1)
    if await allowed(ctx, "read"):
        yield CheckStep(name="Read pages", ok=bool(found.results), detail="" if found.results else _NOTHING)
    if await allowed(ctx, "write"):
        yield CheckStep(name="Write pages", ok=True, detail="Nothing was changed to try it")
    if await allowed(ctx, "comment"):
        yield await _comments(api, found)


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))


async def _comments(api: NotionApi, found: Page) -> CheckStep:
    """Whether comments can be read; a connection may lack that at Notion and be of use all the same."""
    name = next((id_of(each) for each in found.results if each.get("object") == "page"), None)
    if name is None:
        return CheckStep(name="Comments", ok=True, detail="There is no page to try it on")
    try:
        async for _ in api.comments(name):
            break
    except Forbidden:
        return CheckStep(
            name="Comments", ok=True, detail="Not allowed to this connection at Notion, so they stay unread"
        )
    return CheckStep(name="Comments", ok=True)


def _workspace(me: dict[str, object]) -> str:
    bot = me.get("bot")
    name = bot.get("workspace_name") if isinstance(bot, dict) else None
    return clean(name, 100) if isinstance(name, str) else ""
