"""The tools for what is attached to mails."""

from __future__ import annotations

import asyncio

from connectors.gmail import mirror
from connectors.gmail.card import MessageId, connector, owner_of
from connectors.gmail.gmail import LARGEST, Gmail, gmail_of
from connectors.gmail.letters import Letter
from connectors.gmail.reading import keep
from openassistant.connector import Context
from openassistant.errors import TooLarge
from openassistant.formats.compose import File
from openassistant.formats.files import attached, files_of
from openassistant.mails.arguments import Attachment, Start
from openassistant.mails.attachments import AttachmentList, AttachmentText, attachment_list, attachment_text, number_of

__all__ = ["attachments_list", "attachments_read", "whole_mail"]


@connector.tool(effect="read", capability="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size, type and the digest of their content. Needed to forward them."""
    letter, files = await _files(ctx, message)
    return attachment_list(letter, letter.id, attached(files)[1:])


@connector.tool(effect="read", capability="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: Attachment = "", start: Start = 0
) -> AttachmentText:
    """Read the text of a file attached to a mail: PDF, Word, Excel, PowerPoint, OpenDocument, HTML, text, calendar."""
    letter, files = await _files(ctx, message)
    number = number_of([each.name for each in files[1:]], attachment)
    return await attachment_text(ctx, letter, files[number], message=letter.id, number=number, start=start)


async def whole_mail(gmail: Gmail, letter: Letter) -> bytes:
    """All bytes of a mail; raises `TooLarge`."""
    if letter.size > LARGEST:
        raise TooLarge(f"That mail has more than {LARGEST // 1_048_576} MB. Open it in Gmail.")
    return await gmail.raw(letter.id)


async def _files(ctx: Context, message: str) -> tuple[Letter, list[File]]:
    """A mail and its files, read in full; what is known of them is remembered."""
    owner, gmail = owner_of(ctx), await gmail_of(ctx)
    letter = await gmail.letter(message)
    raw = await whole_mail(gmail, letter)
    files = await asyncio.to_thread(files_of, raw)
    known = await asyncio.to_thread(attached, files)
    await keep(ctx, [letter])
    await ctx.store.write(lambda c: mirror.note_files(c, owner, message, known))
    return letter, files
