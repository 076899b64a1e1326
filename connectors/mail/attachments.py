"""The tools for what is attached to mails."""

from __future__ import annotations

from connectors.mail import search
from connectors.mail.account import account_of
from connectors.mail.connector import MessageId, connector, owner_of
from connectors.mail.files import File, attached, files_of, note_files
from connectors.mail.moves import fetch_mail
from connectors.mail.search import Found
from connectors.mail.views import AttachmentList, attachment_list
from openassistant.connector import Context

__all__ = ["attachments_list"]


@connector.tool(effect="read")
async def attachments_list(ctx: Context, message: MessageId) -> AttachmentList:
    """List the files attached to a mail, with size, type and the digest of their content. Needed to forward them."""
    found, files = await _files(ctx, message)
    return attachment_list(found, attached(files)[1:])


async def _files(ctx: Context, message: str) -> tuple[Found, list[File]]:
    """A mail and its files, read in full; what is known of them is remembered."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    files = files_of(await fetch_mail(ctx, await account_of(ctx), found))
    known = attached(files)
    await ctx.store.write(lambda connection: note_files(connection, owner, found.id, known))
    return found, files
