"""The tools that read: chats, messages, windows, files."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated

from sqlalchemy import Connection

from connectors.whatsapp import chats
from connectors.whatsapp.chats import Chat, Listed, Message
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import ChatId, MessageId, connector, owner_of
from connectors.whatsapp.inbound import Media
from connectors.whatsapp.views import (
    ChatList,
    ChatText,
    MediaText,
    MessageView,
    SearchResult,
    Window,
    chat_summary,
    file_view,
    found_message,
    message_view,
    outside,
    window_of,
)
from openassistant.connector import Context, Field
from openassistant.documents import read_document
from openassistant.errors import InvalidRequest, NotFound, TooLarge, UpstreamFailed

__all__ = ["LARGEST", "chats_list", "chats_read", "fetch", "media_read", "messages_search", "windows_read"]

LARGEST = 16 * 1024 * 1024
"""The largest file that is fetched, in bytes; WhatsApp's own limits for pictures, sound and films lie below."""

_LONGEST = 40_000
_SECONDS = 20.0
_SILENT = (
    "Nothing has come from Meta yet. Messages are pushed, and nothing older can be asked for: the account's page"
    " names the address to enter at Meta."
)


_DISLIKED = "Meta rates this number low, because people blocked or reported it, and may limit what it sends."

_Unread = Annotated[bool | None, Field(description="Only those with unread messages")]


@connector.tool(effect="read")
async def chats_list(
    ctx: Context,
    unread: _Unread = None,
    name: Annotated[str, Field(description="Only those whose name or number holds this", max_length=100)] = "",
    limit: Annotated[int, Field(description="How many", ge=1, le=100)] = 20,
    start: Annotated[int, Field(description="How many to pass over", ge=0, le=100_000)] = 0,
) -> ChatList:
    """List WhatsApp chats, the newest first, with their last message and whether free text may be sent to them now."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[list[Listed], str]:
        found = chats.chats(connection, owner, unread=bool(unread), words=name, limit=limit, start=start)
        heard, quality = chats.heard(connection, owner)
        return found, _SILENT if heard is None else _DISLIKED if quality == "RED" else ""

    found, note = await ctx.store.read(read)
    return ChatList(chats=[chat_summary(each, ctx.now()) for each in found], note=note)


@connector.tool(effect="read")
async def chats_read(
    ctx: Context,
    chat: ChatId,
    before: Annotated[
        str | None, Field(description="The id of a message; only those before it", pattern=r"^[0-9]{1,15}$")
    ] = None,
    limit: Annotated[int, Field(description="How many messages", ge=1, le=100)] = 30,
) -> ChatText:
    """Read a WhatsApp chat: its newest messages, or those before one. Nobody sees that you read here."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Chat, list[MessageView], bool]:
        found = chats.chat(connection, owner, chat)
        some = chats.messages(connection, owner, found.id, before=before, limit=limit + 1)
        shown = some[:limit]
        reactions = chats.reactions(connection, owner, [each.wamid for each in shown])
        answered = {each.reply_to: chats.message_of(connection, owner, each.reply_to) for each in shown}
        views = [message_view(found, each, answered[each.reply_to], reactions.get(each.wamid, [])) for each in shown]
        return found, views[::-1], len(some) > limit

    found, messages, earlier = await ctx.store.read(read)
    unread = sum(each.unread for each in messages)
    return ChatText(chat=chat_summary(Listed(found, None, unread), ctx.now()), messages=messages, earlier=earlier)


@connector.tool(effect="read")
async def messages_search(
    ctx: Context,
    query: Annotated[str, Field(description="Words; all of them must occur", min_length=1, max_length=500)],
    limit: Annotated[int, Field(description="How many", ge=1, le=50)] = 20,
) -> SearchResult:
    """Find WhatsApp messages by words in the text, in a file's name or in the sender's name."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: chats.search(connection, owner, query, limit=limit))
    return SearchResult(messages=[found_message(*each) for each in found])


@connector.tool(effect="read")
async def windows_read(ctx: Context, chat: ChatId) -> Window:
    """Tell whether free text may be sent to somebody now: WhatsApp allows it for 24 hours after they wrote."""
    owner = owner_of(ctx)
    return window_of(await ctx.store.read(lambda connection: chats.chat(connection, owner, chat)), ctx.now())


@connector.tool(effect="read")
async def media_read(
    ctx: Context,
    message: MessageId,
    start: Annotated[int, Field(description="From which character on, for long texts", ge=0, le=1_000_000)] = 0,
) -> MediaText:
    """Read the file of a WhatsApp message: the text of documents; of pictures and sound what they are and how large."""
    found, known, media = await _with_file(ctx, message)
    view = file_view(known, found)
    assert view is not None, "it has a file"
    api = await CloudApi.of(ctx)
    if found.kind != "document":
        size = (await api.media(media.id)).size
        return MediaText(message=message, file=view, size=size, note="There is no text in it that could be read.")
    content = await fetch(api, media)
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    try:
        document = await read_document(content, type=media.mime, name=media.name, seconds=seconds)
    except (InvalidRequest, TooLarge) as error:
        return MediaText(message=message, file=view, size=len(content), note=error.message)
    text = document.text[start : start + _LONGEST]
    return MediaText(
        message=message,
        file=view,
        size=len(content),
        kind=document.kind,
        text=outside(text, known, "file", author=found.author),
        start=start,
        total=len(document.text),
        note=document.note,
    )


async def fetch(api: CloudApi, media: Media) -> bytes:
    """A file as it was sent; raises `NotFound` when Meta keeps it no more, `UpstreamFailed` when it is another one."""
    place = await api.media(media.id)
    if place.size > LARGEST:
        raise TooLarge(f"The file is larger than {LARGEST // 1024 // 1024} MB.")
    content = await api.download(place, largest=LARGEST)
    if not _is(content, media.sha256):
        raise UpstreamFailed("Meta gave out another file than the one that was sent.")
    return content


async def _with_file(ctx: Context, message: str) -> tuple[Message, Chat, Media]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Message, Chat]:
        found = chats.message(connection, owner, message)
        return found, chats.chat(connection, owner, str(found.chat))

    found, known = await ctx.store.read(read)
    if found.media is None:
        raise NotFound("There is no file in that message.")
    return found, known, found.media


def _is(content: bytes, sha256: str) -> bool:
    """Whether a file has the digest that came with the message, in hex or base64; True where none came."""
    digest = hashlib.sha256(content)
    if not sha256 or sha256.lower() == digest.hexdigest():
        return True
    try:
        return base64.b64decode(sha256, validate=True) == digest.digest()
    except (binascii.Error, ValueError):
        return False
