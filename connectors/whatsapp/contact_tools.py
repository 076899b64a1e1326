"""The tools that block people, and no longer."""

from __future__ import annotations

from typing import Any

from connectors.whatsapp import chats, mirror
from connectors.whatsapp.account import number_of
from connectors.whatsapp.chats import WINDOW, Chat
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import ChatId, connector, owner_of
from connectors.whatsapp.previews import preview_to
from connectors.whatsapp.views import ContactBlocked
from openassistant.connector import Context, Preview
from openassistant.errors import Conflict, InvalidRequest
from openassistant.messages import Call, ToolResult

__all__ = ["contacts_block", "contacts_unblock"]


@connector.tool(effect="write")
async def contacts_block(ctx: Context, chat: ChatId) -> ContactBlocked:
    """Block somebody on WhatsApp: they reach this number no more, and it reaches them no more."""
    found = await _person(ctx, chat)
    _require_recent(ctx, found)
    return await _set(ctx, found, blocked=True)


@contacts_block.preview
async def preview_block(ctx: Context, chat: str) -> Preview:
    """Who is blocked."""
    found = await _person(ctx, chat)
    _require_recent(ctx, found)
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="Block somebody on WhatsApp",
        confirm="Block",
        warnings=("What they send while they are blocked never arrives, not even later.",),
    )


@contacts_block.reconcile
async def look_for_block(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether Meta's list has them."""
    found = await _person(ctx, str(call.arguments["chat"]))
    blocked = await _is_blocked(ctx, found)
    return contacts_block.result(ContactBlocked(chat=str(found.id), blocked=True)) if blocked else None


@contacts_block.undo
async def undo_block(ctx: Context, call: Call, _: Any) -> None:
    """Unblocks."""
    await _set(ctx, await _person(ctx, str(call.arguments["chat"])), blocked=False)


@connector.tool(effect="write")
async def contacts_unblock(ctx: Context, chat: ChatId) -> ContactBlocked:
    """Unblock somebody on WhatsApp."""
    return await _set(ctx, await _person(ctx, chat), blocked=False)


@contacts_unblock.preview
async def preview_unblock(ctx: Context, chat: str) -> Preview:
    """Who is blocked no more."""
    found = await _person(ctx, chat)
    return preview_to(found, (await number_of(ctx)).name, verb="Unblock somebody on WhatsApp", confirm="Unblock")


@contacts_unblock.reconcile
async def look_for_unblock(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether Meta's list has them still."""
    found = await _person(ctx, str(call.arguments["chat"]))
    blocked = await _is_blocked(ctx, found)
    return None if blocked else contacts_unblock.result(ContactBlocked(chat=str(found.id), blocked=False))


@contacts_unblock.undo
async def undo_unblock(ctx: Context, call: Call, _: Any) -> None:
    """Blocks again, where Meta still takes that."""
    found = await _person(ctx, str(call.arguments["chat"]))
    _require_recent(ctx, found)
    await _set(ctx, found, blocked=True)


async def _person(ctx: Context, chat: str) -> Chat:
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: chats.chat(connection, owner, chat))
    if found.group_id:
        raise InvalidRequest("A group cannot be blocked.")
    return found


def _require_recent(ctx: Context, found: Chat) -> None:
    """Meta takes only people who wrote within a day.

    https://developers.facebook.com/docs/whatsapp/cloud-api/block-users
    """
    if found.last_in is None or found.last_in + WINDOW <= ctx.now():
        raise InvalidRequest("WhatsApp blocks only people who wrote in the last 24 hours. Do it on a phone instead.")


async def _is_blocked(ctx: Context, found: Chat) -> bool:
    """Whether Meta's list has somebody now, which is then noted here."""
    names, blocked = {each for each in (found.phone, found.bsuid) if each}, False
    async for page in (await CloudApi.of(ctx)).blocked():
        listed = {str(each.get(key) or "").lstrip("+") for each in page for key in ("wa_id", "user_id")}
        blocked = blocked or not names.isdisjoint(listed)
    await ctx.store.write(lambda connection: mirror.set_blocked(connection, found.id, blocked=blocked))
    return blocked


async def _set(ctx: Context, found: Chat, *, blocked: bool) -> ContactBlocked:
    who = {"user": found.phone} if found.phone else {"user_id": found.bsuid}
    answer = await (await CloudApi.of(ctx)).block(who, undo=not blocked)
    told = answer.get("block_users")
    done = told.get("added_users" if blocked else "removed_users") if isinstance(told, dict) else None
    if not isinstance(done, list) or not done:
        raise Conflict("Meta did not do that for this person, so nothing was changed.")
    await ctx.store.write(lambda connection: mirror.set_blocked(connection, found.id, blocked=blocked))
    return ContactBlocked(chat=str(found.id), blocked=blocked)
