"""The tools for what is attached to mails."""

from __future__ import annotations

import asyncio
from typing import Annotated

from connectors.gmail import mirror
from connectors.gmail.card import MessageId, connector, owner_of
from connectors.gmail.gmail import LARGEST, Gmail, gmail_of
from connectors.gmail.letters import Letter
from connectors.gmail.reading import keep
from connectors.gmail.views import AttachmentList, AttachmentText, attachment_list, outside
from openassistant.connector import Context, Field
from openassistant.documents import read_document
from openassistant.errors import NotFound, TooLarge
from openassistant.formats.compose import File
from openassistant.formats.files import attached, files_of

__all__ = ["attachments_list", "attachments_read", "whole_mail"]

_LONGEST = 40_000
_SECONDS = 20.0

_Which = Annotated[
    str,
    Field(description="Its number or name, as attachments_list gives it; nothing for the only one", max_length=200),
]
_Start = Annotated[int, Field(description="From which character on, for long texts", ge=0, le=1_000_000)]


@connector.tool(effect="read", capability="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size, type and the digest of their content. Needed to forward them."""
    letter, files = await _files(ctx, message)
    return attachment_list(letter, attached(files)[1:])


@connector.tool(effect="read", capability="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: _Which = "", start: _Start = 0
) -> AttachmentText:
    """Read the text of a file attached to a mail: PDF, Word, Excel, PowerPoint, OpenDocument, HTML, text, calendar."""
    letter, files = await _files(ctx, message)
    number = _number(files, attachment)
    file = files[number]
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    found = await read_document(file.content, type=file.type, name=file.name, seconds=seconds)
    return AttachmentText(
        message=letter.id,
        number=number,
        name=outside(letter, file.name),
        kind=found.kind,
        text=outside(letter, found.text[start : start + _LONGEST]),
        start=start,
        total=len(found.text),
        note=found.note,
    )


async def whole_mail(gmail: Gmail, letter: Letter) -> bytes:
    """All bytes of a mail; raises `TooLarge`."""
    if letter.size > LARGEST:
        raise TooLarge(f"That mail has more than {LARGEST // 1_048_576} MB. Open it in Gmail.")
    return await gmail.raw(letter.id)


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
