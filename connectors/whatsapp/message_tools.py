"""The tools that reach the other: messages, reactions and read receipts."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.whatsapp import chats, mirror
from connectors.whatsapp.account import number_of
from connectors.whatsapp.chats import Chat, Message, require_window
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import ChatId, MessageId, ReplyTo, Text, connector, owner_of
from connectors.whatsapp.mirror import Letter
from connectors.whatsapp.previews import preview_to
from connectors.whatsapp.sending import addressed, find_sent, send_once
from connectors.whatsapp.views import MarkedRead, MessageSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, ToolResult

__all__ = ["chosen", "messages_mark_read", "messages_react", "messages_send", "preview_text", "quoting", "send_text"]

_LONGEST_EMOJI = 40
_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"


@connector.tool(effect="send")
async def messages_send(ctx: Context, chat: ChatId, text: Text, reply_to: ReplyTo = None) -> MessageSent:
    """Send a WhatsApp message to somebody who wrote in the last 24 hours. Later only templates_send reaches them."""
    return await send_text(ctx, chat, text, reply_to)


@messages_send.preview
async def preview_send(ctx: Context, chat: str, text: str, reply_to: str | None) -> Preview:
    """The message as it will go out, and until when that is possible."""
    return await preview_text(ctx, chat, text, reply_to)


@messages_send.reconcile
async def find_message(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether a status of it came."""
    found = await find_sent(ctx, call)
    return messages_send.result(found) if found else None


@connector.tool(effect="send")
async def messages_react(
    ctx: Context,
    message: MessageId,
    emoji: Annotated[str, Field(description="One emoji; empty takes your reaction back", max_length=_LONGEST_EMOJI)],
) -> MessageSent:
    """React to a WhatsApp message with an emoji, which the other sees."""
    found, answered = await chosen(ctx, message)
    require_window(found, ctx.now())
    reaction = {"message_id": answered.wamid, "emoji": _one_emoji(emoji)}
    letter = Letter(found.id, "reaction", text=emoji, reacts=answered.wamid)
    return await send_once(ctx, addressed(found), {"type": "reaction", "reaction": reaction}, letter)


@messages_react.preview
async def preview_react(ctx: Context, message: str, emoji: str) -> Preview:
    """The emoji, and the message that it goes to."""
    found, answered = await chosen(ctx, message)
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="React to a WhatsApp message" if emoji else "Take a WhatsApp reaction back",
        confirm="React" if emoji else "Take back",
        content=_one_emoji(emoji),
        about=answered,
        ends=require_window(found, ctx.now()),
    )


@messages_react.reconcile
async def find_reaction(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether a status of it came."""
    found = await find_sent(ctx, call)
    return messages_react.result(found) if found else None


@connector.tool(effect="write")
async def messages_mark_read(ctx: Context, message: MessageId) -> MarkedRead:
    """Mark a WhatsApp message and those before it as read. The sender sees that, and it cannot be taken back."""
    found, marked = await _unread(ctx, message)
    owner = owner_of(ctx)
    await (await CloudApi.of(ctx)).message({"status": "read", "message_id": marked.wamid})

    def write(connection: Connection) -> int:
        return mirror.set_seen(connection, owner, found.id, marked.id)

    return MarkedRead(count=await ctx.store.write(write))


@messages_mark_read.preview
async def preview_mark_read(ctx: Context, message: str) -> Preview:
    """Which message, and that the sender sees it."""
    found, marked = await _unread(ctx, message)
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="Mark WhatsApp messages as read",
        confirm="Mark as read",
        about=marked,
        warnings=("The sender sees the two blue ticks, and they stay.",),
    )


async def send_text(ctx: Context, chat: str, text: str, reply_to: str | None) -> MessageSent:
    """Sends a text; raises `InvalidRequest` where the window is closed."""
    found, answered = await quoting(ctx, chat, reply_to)
    require_window(found, ctx.now())
    body: dict[str, Any] = {"type": "text", "text": {"body": _said(text), "preview_url": False}}
    letter = Letter(found.id, "text", text=text, reply_to=answered.wamid if answered else "")
    return await send_once(ctx, addressed(found), {**body, **_context(answered)}, letter)


async def preview_text(ctx: Context, chat: str, text: str, reply_to: str | None) -> Preview:
    """A text as it will go out; raises now what would fail after the approval."""
    found, answered = await quoting(ctx, chat, reply_to)
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="Answer a WhatsApp message" if answered else "Send a WhatsApp message",
        confirm="Send",
        content=_said(text),
        about=answered,
        ends=require_window(found, ctx.now()),
    )


async def quoting(ctx: Context, chat: str, reply_to: str | None) -> tuple[Chat, Message | None]:
    """A chat, and the message in it that is answered."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Chat, Message | None]:
        found = chats.chat(connection, owner, chat)
        answered = chats.message(connection, owner, reply_to) if reply_to else None
        if answered is not None and answered.chat != found.id:
            raise InvalidRequest("The message to answer is in another chat.")
        return found, answered

    return await ctx.store.read(read)


async def chosen(ctx: Context, message: str) -> tuple[Chat, Message]:
    """A message that is not deleted, and its chat."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Chat, Message]:
        found = chats.message(connection, owner, message)
        return chats.chat(connection, owner, str(found.chat)), found

    known, found = await ctx.store.read(read)
    if found.state == "deleted":
        raise InvalidRequest("That message was deleted by who sent it.")
    return known, found


async def _unread(ctx: Context, message: str) -> tuple[Chat, Message]:
    found, marked = await chosen(ctx, message)
    if marked.mine:
        raise InvalidRequest("That is a message of yours; only those of others can be marked as read.")
    return found, marked


def _context(answered: Message | None) -> dict[str, Any]:
    return {"context": {"message_id": answered.wamid}} if answered else {}


def _said(text: str) -> str:
    if not text.strip():
        raise InvalidRequest("The text is empty.")
    return text


def _one_emoji(emoji: str) -> str:
    """An emoji, or nothing; letters and digits alone are no reaction (keycaps such as 1\ufe0f\u20e3 are)."""
    plain = "".join(character for character in emoji if character not in _JOINERS)
    letters = bool(plain) and plain.isascii() and "\u20e3" not in emoji
    if letters or any(character.isspace() for character in emoji):
        raise InvalidRequest("A reaction is one emoji.")
    return emoji
