"""The tools for what is attached to mails."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from connectors.outlook_mail import search
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.card import MessageId, connector
from connectors.outlook_mail.files import MailFile, files_of, note_files
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import AttachmentList, AttachmentText, attachment_view, outside
from openassistant.connector import Context, Field
from openassistant.documents import Document, read_document
from openassistant.errors import InvalidRequest, NotFound, TooLarge

__all__ = ["attachments_list", "attachments_read"]

_LONGEST = 40_000
_LARGEST = 30 * 1024 * 1024
_SECONDS = 20.0
_READER = "connectors.outlook_mail.readers:read"

_Which = Annotated[
    str,
    Field(description="Its number or name, as attachments_list gives it; nothing for the only one", max_length=200),
]
_Start = Annotated[int, Field(description="From which character on, for long texts", ge=0, le=1_000_000)]


@connector.tool(effect="read", capability="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size and type. Needed to forward them."""
    found, files = await _files(ctx, message)
    return AttachmentList(message=found.key, attachments=[attachment_view(found.letter, each) for each in files])


@connector.tool(effect="read", capability="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: _Which = "", start: _Start = 0
) -> AttachmentText:
    """Read the text of an attached file: PDF, office documents, HTML, plain text, CSV, a calendar or a mail."""
    found, files = await _files(ctx, message)
    file = _chosen(files, attachment)
    if file.kind == "link":
        raise InvalidRequest("That is no file but a link to one that lies elsewhere.")
    if file.size > _LARGEST:
        raise TooLarge(f"A file of more than {_LARGEST // 1_048_576} MB is not read.")
    path = f"me/messages/{iri(found.ref)}/attachments/{iri(file.ref)}/$value"
    content = (await (await api_of(ctx)).send("GET", path, limit=_LARGEST + _LARGEST // 10)).content
    document = await _document(ctx, file, content)
    return AttachmentText(
        message=found.key,
        number=file.number,
        name=outside(found.letter, file.name),
        kind=document.kind,
        text=outside(found.letter, document.text[start : start + _LONGEST]),
        start=start,
        total=len(document.text),
        note=document.note,
    )


async def _document(ctx: Context, file: MailFile, content: bytes) -> Document:
    """The text of a file; an item of Outlook comes as a mail, or as a calendar or card where it is none."""
    item = file.kind == "mail" and not content.lstrip().startswith(b"BEGIN:")
    media, seconds = "message/rfc822" if item else file.type, max(min(_SECONDS, ctx.seconds - 1), 1)
    return await read_document(content, type=media, name=file.name, seconds=seconds, by=_READER)


def _chosen(files: tuple[MailFile, ...], wanted: str) -> MailFile:
    """Which of a mail's files is meant; raises `NotFound`."""
    if not files:
        raise NotFound("Nothing is attached to that mail.")
    if not wanted and len(files) == 1:
        return files[0]
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= len(files):
        return files[int(wanted) - 1]
    fitting = [each for each in files if each.name.casefold() == wanted.strip().casefold()]
    if len(fitting) != 1:
        raise NotFound("Say which file by its number; attachments_list names them.")
    return fitting[0]


async def _files(ctx: Context, message: str) -> tuple[Found, tuple[MailFile, ...]]:
    """A mail and its files; what is known of them is remembered."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, message))
    files = await files_of(await api_of(ctx), found.ref)
    await ctx.store.write(partial(note_files, message=found.id, files=files))
    return found, files
