"""The contacts connector: its tools, by noun in the files beside, and what the house asks of every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.google_contacts import contact_reads, contact_tools, group_tools, mirror
from connectors.google_contacts.account import owner_of
from connectors.google_contacts.client import PeopleApi
from connectors.google_contacts.connector import connector
from connectors.google_contacts.holdings import KINDS
from connectors.google_contacts.sync import sync_account
from openassistant.capabilities import allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError

__all__ = ["connector", "contact_reads", "contact_tools", "group_tools"]

connector.holds(*KINDS)

_TRIED = {
    "read": "Read your contacts",
    "other": "Look through collected addresses",
    "write": "Change your contacts",
}


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """One small question for each permission; nothing is changed to try whether changes are allowed."""
    api, failed = await PeopleApi.of(ctx), None
    for capability, name in _TRIED.items():
        if not await allowed(ctx, capability):
            continue
        try:
            detail = await _tried(api, capability)
        except OaError as error:
            yield CheckStep(name=name, ok=False, detail=error.message)
            failed = failed or error
        else:
            yield CheckStep(name=name, ok=True, detail=detail)
    if failed is not None:
        raise failed


async def _tried(api: PeopleApi, capability: str) -> str:
    if capability == "write":
        await api.groups()
        return "Google allowed it; nothing was changed to try it"
    total = await api.try_list("contact" if capability == "read" else "other")
    return "" if total is None else f"{total} found"


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_account(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, owner_of(ctx)))
