"""The tools for drafts. Meta knows none, so they are kept here alone."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection
from sqlalchemy import text as _text

from connectors.whatsapp import chats
from connectors.whatsapp.account import number_of
from connectors.whatsapp.chats import Chat, Draft
from connectors.whatsapp.connector import ChatId, ReplyTo, Text, connector, owner_of
from connectors.whatsapp.message_tools import preview_text, quoting, send_text
from connectors.whatsapp.previews import preview_to
from connectors.whatsapp.sending import find_sent
from connectors.whatsapp.views import DraftList, DraftSaved, MessageSent, draft_view
from openassistant.connector import Context, Field, Preview
from openassistant.errors import NotFound
from openassistant.messages import Call, ToolResult

__all__ = ["drafts_create", "drafts_delete", "drafts_list", "drafts_send"]

DraftId = Annotated[
    str, Field(description="The id of a draft, as drafts_create and drafts_list give it", pattern=r"^[0-9]{1,15}$")
]


@connector.tool(effect="read")
async def drafts_list(ctx: Context) -> DraftList:
    """List drafts of WhatsApp messages, the newest first. They are kept here; nobody else has seen them."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> DraftList:
        return DraftList(
            drafts=[
                draft_view(
                    each,
                    chats.chat(connection, owner, str(each.chat)),
                    chats.message_of(connection, owner, each.reply_to),
                )
                for each in chats.drafts(connection, owner)
            ]
        )

    return await ctx.store.read(read)


@connector.tool(effect="write")
async def drafts_create(ctx: Context, chat: ChatId, text: Text, reply_to: ReplyTo = None) -> DraftSaved:
    """Keep a WhatsApp message as a draft, which nobody gets before drafts_send."""
    assert ctx.call is not None, "an effect has a call"
    found, answered = await quoting(ctx, chat, reply_to)
    row = {
        "account": owner_of(ctx),
        "chat": found.id,
        "text": text,
        "reply_to": answered.wamid if answered else "",
        "changed": int(ctx.now().timestamp()),
        "call_id": ctx.call.id,
    }
    return DraftSaved(id=str(await ctx.store.write(lambda connection: _add(connection, row))))


@drafts_create.preview
async def preview_create(ctx: Context, chat: str, text: str, reply_to: str | None) -> Preview:
    """The draft, and for whom it is."""
    found, answered = await quoting(ctx, chat, reply_to)
    return preview_to(
        found, (await number_of(ctx)).name, verb="Keep a draft of a WhatsApp message", confirm="Keep", content=text,
        about=answered,
    )  # fmt: skip


@drafts_create.reconcile
async def find_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the draft of the call."""
    query, row = _text("SELECT id FROM wa_drafts WHERE call_id = :call"), {"call": call.id}
    found = await ctx.store.read(lambda connection: connection.execute(query, row).scalar_one_or_none())
    return drafts_create.result(DraftSaved(id=str(found))) if found is not None else None


@drafts_create.undo
async def undo_create(ctx: Context, call: Call, result: Any) -> None:
    """Throws the draft away."""
    await _set_gone(ctx, str(result["id"]), gone=True)


@connector.tool(effect="write")
async def drafts_delete(ctx: Context, draft: DraftId) -> DraftSaved:
    """Throw a draft of a WhatsApp message away."""
    await _chosen(ctx, draft)
    await _set_gone(ctx, draft, gone=True)
    return DraftSaved(id=draft)


@drafts_delete.preview
async def preview_delete(ctx: Context, draft: str) -> Preview:
    """The draft that goes."""
    kept, found = await _chosen(ctx, draft)
    name = (await number_of(ctx)).name
    return preview_to(
        found, name, verb="Throw a draft of a WhatsApp message away", confirm="Throw away", content=kept.text
    )


@drafts_delete.undo
async def undo_delete(ctx: Context, call: Call, _: Any) -> None:
    """Gets the draft back."""
    await _set_gone(ctx, str(call.arguments["draft"]), gone=False)


@connector.tool(effect="send")
async def drafts_send(ctx: Context, draft: DraftId) -> MessageSent:
    """Send a draft as a WhatsApp message. The draft is gone afterwards."""
    kept, _ = await _chosen(ctx, draft)
    made = await send_text(ctx, str(kept.chat), kept.text, await _answered(ctx, kept))
    await _set_gone(ctx, draft, gone=True)
    return made


@drafts_send.preview
async def preview_send(ctx: Context, draft: str) -> Preview:
    """The message as it will go out."""
    kept, _ = await _chosen(ctx, draft)
    return await preview_text(ctx, str(kept.chat), kept.text, await _answered(ctx, kept))


@drafts_send.reconcile
async def find_sent_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether a status of it came."""
    found = await find_sent(ctx, call)
    if found is None:
        return None
    await _set_gone(ctx, str(call.arguments["draft"]), gone=True)
    return drafts_send.result(found)


def _add(connection: Connection, row: dict[str, Any]) -> int:
    statement = (
        "INSERT INTO wa_drafts (account, chat, text, reply_to, changed, gone, call_id)"
        " VALUES (:account, :chat, :text, :reply_to, :changed, 0, :call_id) RETURNING id"
    )
    return int(connection.execute(_text(statement), row).scalar_one())


async def _chosen(ctx: Context, draft: str) -> tuple[Draft, Chat]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Draft, Chat]:
        kept = chats.draft(connection, owner, draft)
        return kept, chats.chat(connection, owner, str(kept.chat))

    return await ctx.store.read(read)


async def _answered(ctx: Context, kept: Draft) -> str | None:
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: chats.message_of(connection, owner, kept.reply_to))
    return str(found.id) if found else None


async def _set_gone(ctx: Context, draft: str, *, gone: bool) -> None:
    statement = _text("UPDATE wa_drafts SET gone = :gone, changed = :now WHERE id = :id AND account = :account")
    row = {"gone": gone, "now": int(ctx.now().timestamp()), "id": int(draft), "account": owner_of(ctx)}
    if not await ctx.store.write(lambda connection: connection.execute(statement, row).rowcount):
        raise NotFound("There is no such draft (any more).")
