"""The tools for what is attached to mails."""

from __future__ import annotations

from functools import partial

from connectors.outlook_mail import search
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.card import connector
from connectors.outlook_mail.files import MailFile, files_of, note_files
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import AttachmentList, attachment_view
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, TooLarge
from openassistant.formats.compose import File
from openassistant.mails.arguments import Attachment, MessageId, Start
from openassistant.mails.attachments import AttachmentText, attachment_text, number_of

__all__ = ["attachments_list", "attachments_read"]

_LARGEST = 30 * 1024 * 1024
_READER = "connectors.outlook_mail.readers:read"


@connector.tool(effect="read", capability="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size and type. Needed to forward them."""
    found, files = await _files(ctx, message)
    return AttachmentList(message=found.key, attachments=[attachment_view(found.letter, each) for each in files])


@connector.tool(effect="read", capability="read")
async def attachments_read(
    ctx: Context, message: MessageId, attachment: Attachment = "", start: Start = 0
) -> AttachmentText:
    """Read the text of an attached file: PDF, office documents, HTML, plain text, CSV, a calendar or a mail."""
    found, files = await _files(ctx, message)
    number = number_of([each.name for each in files], attachment)
    file = files[number - 1]
    if file.kind == "link":
        raise InvalidRequest("That is no file but a link to one that lies elsewhere.")
    if file.size > _LARGEST:
        raise TooLarge(f"A file of more than {_LARGEST // 1_048_576} MB is not read.")
    path = f"me/messages/{iri(found.ref)}/attachments/{iri(file.ref)}/$value"
    content = (await (await api_of(ctx)).send("GET", path, limit=_LARGEST + _LARGEST // 10)).content
    read = File(file.name, _read_as(file, content), content)
    return await attachment_text(ctx, found, read, message=found.key, number=number, start=start, by=_READER)


def _read_as(file: MailFile, content: bytes) -> str:
    """The media type by which a file is read; an item of Outlook comes as a mail, or as a calendar or card."""
    return "message/rfc822" if file.kind == "mail" and not content.lstrip().startswith(b"BEGIN:") else file.type


async def _files(ctx: Context, message: str) -> tuple[Found, tuple[MailFile, ...]]:
    """A mail and its files; what is known of them is remembered."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, message))
    files = await files_of(await api_of(ctx), found.ref)
    await ctx.store.write(partial(note_files, message=found.id, files=files))
    return found, files
