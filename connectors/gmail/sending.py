"""The tools that send: new mails, answers, and mails passed on."""

from __future__ import annotations

import asyncio
from typing import Annotated

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.attachments import whole_mail
from connectors.gmail.card import BlindCopies, Copies, MessageId, People, Subject, Text, connector, owner_of
from connectors.gmail.gmail import gmail_of
from connectors.gmail.letters import Letter
from connectors.gmail.outgoing import Sent, send_once, was_sent
from connectors.gmail.previews import address_of, outgoing_of, preview_of
from connectors.gmail.views import MailSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest
from openassistant.formats.compose import File
from openassistant.formats.drafts import Draft, forward_draft, new_draft, reply_all_draft, reply_draft
from openassistant.formats.files import attached, files_of
from openassistant.messages import Call, ToolResult

__all__ = ["mail_sent", "messages_forward", "messages_reply", "messages_reply_all", "messages_send"]

_Whole = Annotated[bool, Field(description="Pass it on unchanged as an attached mail, instead of inside the text")]
_Files = Annotated[bool, Field(description="Whether the files attached to it go along")]
_Words = Annotated[str, Field(description="Your own words above it, with greeting and name below", max_length=100_000)]


@connector.tool(effect="send", capability="send")
async def messages_send(
    ctx: Context, to: People, subject: Subject, text: Text, cc: Copies = None, bcc: BlindCopies = None
) -> MailSent:
    """Send a new mail as plain text. To answer a mail, use messages_reply."""
    return await _send(ctx, new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc))


@messages_send.preview
async def preview_send(
    ctx: Context, to: list[str], subject: str, text: str, cc: list[str] | None, bcc: list[str] | None
) -> Preview:
    """The mail as it will go out."""
    draft: Draft[Letter] = new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    return await preview_of(ctx, draft, verb="Send a mail", confirm="Send")


@messages_send.reconcile
async def find_mail(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the mail went out."""
    return await _find(ctx, call)


@connector.tool(effect="send", outside=True, capability="send")
async def messages_reply(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail: to its sender, in its conversation, as plain text. The mail answered is not quoted."""
    return await _send(ctx, await _reply(ctx, message, text))


@messages_reply.preview
async def preview_reply(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    return await preview_of(ctx, await _reply(ctx, message, text), verb="Send an answer", confirm="Send")


@messages_reply.reconcile
async def find_reply(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the answer went out."""
    return await _find(ctx, call)


@connector.tool(effect="send", outside=True, capability="send")
async def messages_reply_all(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail to its sender and everybody else it went to, in its conversation, as plain text."""
    return await _send(ctx, await _reply_all(ctx, message, text))


@messages_reply_all.preview
async def preview_reply_all(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    draft = await _reply_all(ctx, message, text)
    found = draft.answers
    doubts = [f"It goes to a mailing list: {found.list_id}."] if found and found.list_id else []
    return await preview_of(ctx, draft, verb="Send an answer to all", confirm="Send to all", doubts=doubts)


@messages_reply_all.reconcile
async def find_reply_all(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the answer went out."""
    return await _find(ctx, call)


@connector.tool(effect="send", capability="send")
async def messages_forward(
    ctx: Context,
    message: MessageId,
    to: People,
    text: _Words = "",
    cc: Copies = None,
    bcc: BlindCopies = None,
    *,
    as_attachment: _Whole = False,
    attachments: _Files = True,
) -> MailSent:
    """Pass a mail on, with its files. It must have been read before; its files by attachments_list."""
    draft = await _forward(ctx, message, to, text, cc, bcc, as_attachment=as_attachment, attachments=attachments)
    files: list[File] = []
    if draft.attached:
        assert draft.forwards is not None, "files come from the mail that is passed on"
        raw = await whole_mail(await gmail_of(ctx), draft.forwards)
        content = await asyncio.to_thread(files_of, raw)
        files = [content[each.number] for each in draft.attached if each.number < len(content)]
        if [each.sha256 for each in attached(files)] != [each.sha256 for each in draft.attached]:
            raise Conflict("The files of that mail are not those that were approved, so nothing was sent. Ask again.")
    return await _send(ctx, draft, files)


@messages_forward.preview
async def preview_forward(
    ctx: Context,
    message: str,
    to: list[str],
    text: str,
    cc: list[str] | None,
    bcc: list[str] | None,
    *,
    as_attachment: bool,
    attachments: bool,
) -> Preview:
    """The mail as it will go out, each file with the digest of its content."""
    draft = await _forward(ctx, message, to, text, cc, bcc, as_attachment=as_attachment, attachments=attachments)
    doubts = ["The whole mail goes along, with all its headers and files."] if as_attachment else []
    return await preview_of(ctx, draft, verb="Forward a mail", confirm="Forward", doubts=doubts)


@messages_forward.reconcile
async def find_forward(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the mail went out."""
    return await _find(ctx, call)


def mail_sent(sent: Sent) -> MailSent:
    """What is told of a mail that went out."""
    return MailSent(message=sent.message, recipients=sent.recipients)


async def _find(ctx: Context, call: Call) -> ToolResult | None:
    sent = await was_sent(ctx, await gmail_of(ctx), call.id)
    return messages_send.result(mail_sent(sent)) if sent else None


async def _send(ctx: Context, draft: Draft[Letter], files: list[File] | None = None) -> MailSent:
    mail = outgoing_of(ctx, await address_of(ctx), draft, files or ())
    thread = draft.answers.thread if draft.answers else ""
    return mail_sent(await send_once(ctx, await gmail_of(ctx), mail.content, thread=thread))


async def _reply(ctx: Context, message: str, text: str) -> Draft[Letter]:
    owner, address = owner_of(ctx), await address_of(ctx)
    found = await ctx.store.read(lambda c: mirror.letter(c, owner, message))
    return reply_draft(found, text, address=address, own=found.own)


async def _reply_all(ctx: Context, message: str, text: str) -> Draft[Letter]:
    owner, address = owner_of(ctx), await address_of(ctx)

    def read(connection: Connection) -> tuple[Letter, set[str]]:
        return mirror.letter(connection, owner, message), mirror.own_addresses(connection, owner)

    found, own = await ctx.store.read(read)
    return reply_all_draft(found, text, addresses=own, address=address, own=found.own)


async def _forward(
    ctx: Context,
    message: str,
    to: list[str],
    text: str,
    cc: list[str] | None,
    bcc: list[str] | None,
    *,
    as_attachment: bool,
    attachments: bool,
) -> Draft[Letter]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> Draft[Letter]:
        found = mirror.letter(connection, owner, message)
        known = mirror.files(connection, owner, found.id)
        if not known and (as_attachment or (attachments and found.attachments)):
            raise InvalidRequest(
                "Call attachments_list for that mail first: files can only be approved when their content is known."
                " Or forward it without them: attachments=false."
            )
        original = mirror.text_of(connection, owner, found.id)
        if original is None and not as_attachment:
            raise InvalidRequest(
                "Call messages_read for that mail first: its text can only be approved when it is known."
            )
        files = known[:1] if as_attachment else known[1:] if attachments else ()
        return forward_draft(
            found, original or "", to=to, text=text, cc=cc, bcc=bcc, attached=files, whole=as_attachment
        )

    return await ctx.store.read(read)
