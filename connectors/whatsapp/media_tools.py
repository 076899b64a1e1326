"""The tool that sends a file: one that came with a message, or a text as a document."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, NamedTuple

from sqlalchemy import Connection

from connectors.whatsapp import chats
from connectors.whatsapp.account import number_of
from connectors.whatsapp.chat_tools import fetch
from connectors.whatsapp.chats import Chat, Message, require_window
from connectors.whatsapp.client import CloudApi
from connectors.whatsapp.connector import Caption, ChatId, ReplyTo, connector, owner_of
from connectors.whatsapp.inbound import Media
from connectors.whatsapp.message_tools import quoting
from connectors.whatsapp.mirror import Letter
from connectors.whatsapp.previews import preview_to
from connectors.whatsapp.sending import addressed, find_sent, send_once
from connectors.whatsapp.views import MessageSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["media_send"]

_CAPTIONED = ("image", "video", "document")
_TEXTS = {".txt": "text/plain", ".csv": "text/plain", ".md": "text/plain"}
_LONGEST = 200_000

_Message = Annotated[
    str | None, Field(description="The id of a message whose file is passed on", pattern=r"^[0-9]{1,15}$")
]
_Content = Annotated[
    str | None, Field(description="Or the whole content of a text file to send", min_length=1, max_length=_LONGEST)
]
_Name = Annotated[
    str,
    Field(description="What the text file is called, with .txt, .csv or .md", pattern=r"^[^/\\\x00-\x1f\"]{0,100}$"),
]


class _File(NamedTuple):
    """What goes along: of a message, or a text."""

    kind: str
    media: Media
    content: bytes | None
    origin: Message | None


@connector.tool(effect="send")
async def media_send(
    ctx: Context,
    chat: ChatId,
    message: _Message = None,
    content: _Content = None,
    name: _Name = "",
    caption: Caption = "",
    reply_to: ReplyTo = None,
) -> MessageSent:
    """Send a file over WhatsApp: one that came with a message, or a text as a document. Only within 24 hours."""
    found, answered = await quoting(ctx, chat, reply_to)
    require_window(found, ctx.now())
    file = await _chosen(ctx, message, content, name, caption)
    api = await CloudApi.of(ctx)
    raw = file.content if file.content is not None else await fetch(api, file.media)
    media = await api.upload(raw, mime=file.media.mime, name=file.media.name or "file")
    part: dict[str, Any] = {"id": media}
    if caption:
        part["caption"] = caption
    if file.kind == "document" and file.media.name:
        part["filename"] = file.media.name
    body = {"type": file.kind, file.kind: part, **({"context": {"message_id": answered.wamid}} if answered else {})}
    letter = Letter(
        found.id, file.kind, text=caption, media=file.media._replace(id=media),
        reply_to=answered.wamid if answered else "",
    )  # fmt: skip
    return await send_once(ctx, addressed(found), body, letter, api=api)


@media_send.preview
async def preview_media(
    ctx: Context,
    chat: str,
    message: str | None,
    content: str | None,
    name: str,
    caption: str,
    reply_to: str | None,
) -> Preview:
    """The file with what is known of it, the words, and to whom."""
    found, answered = await quoting(ctx, chat, reply_to)
    ends = require_window(found, ctx.now())
    file = await _chosen(ctx, message, content, name, caption)
    rows = [("File", file.media.name or file.kind), ("Type", file.media.mime), ("SHA-256", file.media.sha256)]
    fields = [PreviewField(label=label, value=value) for label, value in rows if value]
    if content is not None and caption:
        fields.append(PreviewField(label="Words beside it", value=caption))
    doubts = ["A file goes along. Whoever gets the message gets it."]
    if file.origin is not None and file.origin.chat != found.id:
        doubts.append("The file is from another chat.")
    return preview_to(
        found,
        (await number_of(ctx)).name,
        verb="Send a file over WhatsApp",
        confirm="Send",
        content=caption if content is None else content,
        fields=fields,
        about=file.origin or answered,
        warnings=doubts,
        ends=ends,
    )


@media_send.reconcile
async def find_media(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether a status of it came."""
    found = await find_sent(ctx, call)
    return media_send.result(found) if found else None


async def _chosen(ctx: Context, message: str | None, content: str | None, name: str, caption: str) -> _File:
    if (message is None) == (content is None):
        raise InvalidRequest("Say which file: that of a message, or the content of a text file.")
    file = _written(content, name) if content is not None else await _passed_on(ctx, str(message))
    if caption and file.kind not in _CAPTIONED:
        raise InvalidRequest("WhatsApp shows no words beside a file of this kind. Send them as a message.")
    return file


def _written(content: str, name: str) -> _File:
    ending = next((each for each in _TEXTS if name.lower().endswith(each)), "")
    if not ending or not name[: -len(ending)].strip():
        raise InvalidRequest("Name the text file, with .txt, .csv or .md at its end.")
    raw = content.encode()
    return _File("document", Media("", _TEXTS[ending], name.strip(), hashlib.sha256(raw).hexdigest()), raw, None)


async def _passed_on(ctx: Context, message: str) -> _File:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Message, Chat]:
        found = chats.message(connection, owner, message)
        return found, chats.chat(connection, owner, str(found.chat))

    found, _ = await ctx.store.read(read)
    if found.media is None:
        raise InvalidRequest("There is no file in that message.")
    mime = found.media.mime.partition(";")[0].strip()
    return _File(found.kind, found.media._replace(mime=mime or "application/octet-stream"), None, found)
