"""The WhatsApp connector: its tools, by noun in the files beside, and what the house asks of every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.whatsapp import (
    chat_tools,
    chats,
    contact_tools,
    draft_tools,
    media_tools,
    message_tools,
    mirror,
    template_tools,
)
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import connector, owner_of
from connectors.whatsapp.holdings import KINDS
from connectors.whatsapp.hook import take_hook
from connectors.whatsapp.sync import sync_number
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError

__all__ = [
    "chat_tools",
    "connector",
    "contact_tools",
    "draft_tools",
    "media_tools",
    "message_tools",
    "template_tools",
]

connector.holds(*KINDS)

_NOT_HEARD = (
    "Nothing has come yet. At Meta, enter the address that stands with this account under Connections, and subscribe to"
    " messages."
)


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """The number, the app secret, the business account, and whether Meta has ever sent anything."""
    api, failed = await CloudApi.of(ctx), None
    for name, ask in (
        ("Reach the number, with token and app secret", _number),
        ("Read templates", _templates),
        ("Be told what happens", _told),
    ):
        try:
            yield CheckStep(name=name, ok=True, detail=await ask(ctx, api))
        except OaError as error:
            yield CheckStep(name=name, ok=False, detail=error.message)
            failed = failed or error
    if failed is not None:
        raise failed


async def _number(ctx: Context, api: CloudApi) -> str:
    shown = await api.phone_number(proof=True)
    parts = (str(shown.get(name) or "")[:100] for name in ("display_phone_number", "verified_name"))
    return ", ".join(each for each in parts if each)


async def _templates(ctx: Context, api: CloudApi) -> str:
    async for page in api.templates():
        return f"{len(page)} on the first page"
    return ""


async def _told(ctx: Context, api: CloudApi) -> str:
    """The address has to be entered after the account was made, so that nothing came yet is no fault."""
    if not await api.is_subscribed():
        return "No app is subscribed to this WhatsApp account yet, so nothing can come. The guide says how."
    owner = owner_of(ctx)
    heard, _ = await ctx.store.read(lambda connection: chats.heard(connection, owner))
    return f"Meta last sent something on {heard:%d %B %Y, %H:%M} UTC" if heard else _NOT_HEARD


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings templates and the list of blocked people up to date."""
    await sync_number(ctx)


connector.hook(take_hook)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    owner = owner_of(ctx)
    await ctx.store.write(lambda connection: mirror.forget(connection, owner))
