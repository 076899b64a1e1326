"""The tools for what is attached to mails."""

from __future__ import annotations

import asyncio
from typing import Annotated

from connectors.mail import search
from connectors.mail.account import account_of
from connectors.mail.connector import MessageId, connector, owner_of
from connectors.mail.files import attached, files_of, note_files
from connectors.mail.moves import fetch_mail
from connectors.mail.search import Found
from connectors.mail.views import AttachmentList, AttachmentText, attachment_list, attachment_text
from openassistant.connector import Context, Field
from openassistant.documents import read_document
from openassistant.errors import NotFound
from openassistant.formats.compose import File

__all__ = ["attachments_list", "attachments_read"]

_LONGEST = 40_000
_SECONDS = 20.0
_READER = "connectors.mail.readers:read"

_Which = Annotated[
    str,
    Field(description="Its number or name, as attachments_list gives it; nothing for the only one", max_length=200),
]
_Start = Annotated[int, Field(description="From which character on, for long texts", ge=0, le=1_000_000)]


@connector.tool(effect="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size, type and the digest of their content. Needed to forward them."""
    found, files = await _files(ctx, message)
    return attachment_list(found, attached(files)[1:])


@connector.tool(effect="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: _Which = "", start: _Start = 0
) -> AttachmentText:
    """Read the text of a file attached to a mail: PDF, Word, Excel, PowerPoint, OpenDocument, HTML, text, CSV, mail."""
    found, files = await _files(ctx, message)
    number = _number(files, attachment)
    file = files[number]
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    kind, text, note = await read_document(file.content, type=file.type, name=file.name, seconds=seconds, by=_READER)
    shown = text[start : start + _LONGEST]
    return attachment_text(found, attached(files)[number], shown, kind=kind, start=start, total=len(text), note=note)


def _number(files: list[File], wanted: str) -> int:
    """Which of a mail's files is meant; raises `NotFound` with those there are."""
    if not wanted and len(files) == 2:
        return 1
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) < len(files):
        return int(wanted)
    folded = wanted.strip().casefold()
    fitting = [number for number, each in enumerate(files) if number and each.name.casefold() == folded]
    if len(fitting) == 1:
        return fitting[0]
    if len(files) == 1:
        raise NotFound("Nothing is attached to that mail.")
    raise NotFound("Say which file by its number; attachments_list names them.")


async def _files(ctx: Context, message: str) -> tuple[Found, list[File]]:
    """A mail and its files, read in full; what is known of them is remembered."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    raw = await fetch_mail(ctx, await account_of(ctx), found)
    files = await asyncio.to_thread(files_of, raw)
    known = await asyncio.to_thread(attached, files)
    await ctx.store.write(lambda connection: note_files(connection, owner, found.id, known))
    return found, files
