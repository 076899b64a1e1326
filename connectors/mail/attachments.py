"""The tools for what is attached to mails."""

from __future__ import annotations

import asyncio

from connectors.mail import search
from connectors.mail.account import account_of
from connectors.mail.connector import connector, owner_of
from connectors.mail.files import attached, files_of, note_files
from connectors.mail.moves import fetch_mail
from connectors.mail.search import Found
from openassistant.connector import Context
from openassistant.formats.compose import File
from openassistant.mails.arguments import Attachment, MessageId, Start
from openassistant.mails.attachments import AttachmentList, AttachmentText, attachment_list, attachment_text, number_of

__all__ = ["attachments_list", "attachments_read"]

_READER = "connectors.mail.readers:read"


@connector.tool(effect="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size, type and the digest of their content. Needed to forward them."""
    found, files = await _files(ctx, message)
    return attachment_list(found, str(found.id), attached(files)[1:])


@connector.tool(effect="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: Attachment = "", start: Start = 0
) -> AttachmentText:
    """Read the text of a file attached to a mail: PDF, Word, Excel, PowerPoint, OpenDocument, HTML, text, CSV, mail."""
    found, files = await _files(ctx, message)
    number = number_of([each.name for each in files[1:]], attachment)
    return await attachment_text(
        ctx, found, files[number], message=str(found.id), number=number, start=start, by=_READER
    )


async def _files(ctx: Context, message: str) -> tuple[Found, list[File]]:
    """A mail and its files, read in full; what is known of them is remembered."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    raw = await fetch_mail(ctx, await account_of(ctx), found)
    files = await asyncio.to_thread(files_of, raw)
    known = await asyncio.to_thread(attached, files)
    await ctx.store.write(lambda connection: note_files(connection, owner, found.id, known))
    return found, files
