"""The tools that send: new mails, answers, and mails passed on."""

from __future__ import annotations

import asyncio
from typing import Unpack

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.attachments import whole_mail
from connectors.gmail.card import MessageId, connector, owner_of
from connectors.gmail.gmail import gmail_of
from connectors.gmail.letters import Letter
from connectors.gmail.outgoing import Sent, send_once, was_sent
from connectors.gmail.previews import address_of, outgoing_of, preview_of
from connectors.gmail.views import MailSent
from openassistant.connector import Context, Preview
from openassistant.errors import InvalidRequest
from openassistant.formats.compose import File
from openassistant.formats.drafts import Draft, forward_draft, new_draft, reply_all_draft, reply_draft
from openassistant.mails.arguments import (
    BlindCopies,
    Copies,
    Forwarding,
    NewMail,
    People,
    Subject,
    Text,
    Whole,
    WithFiles,
    Words,
)
from openassistant.mails.attachments import approved_files, to_forward
from openassistant.messages import Call, ToolResult

__all__ = ["mail_sent", "messages_forward", "messages_reply", "messages_reply_all", "messages_send"]


async def find_sent(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted call that sent its mail; None when it certainly did not."""
    sent = await was_sent(ctx, await gmail_of(ctx), call.id)
    return messages_send.result(mail_sent(sent)) if sent else None


@connector.tool(effect="send", capability="send")
async def messages_send(
    ctx: Context, to: People, subject: Subject, text: Text, cc: Copies = None, bcc: BlindCopies = None
) -> MailSent:
    """Send a new mail as plain text. To answer a mail, use messages_reply."""
    return await _send(ctx, new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc))


@messages_send.preview
async def preview_send(ctx: Context, **given: Unpack[NewMail]) -> Preview:
    """The mail as it will go out."""
    draft: Draft[Letter] = new_draft(**given)
    return await preview_of(ctx, draft, verb="Send a mail", confirm="Send")


messages_send.reconcile(find_sent)


@connector.tool(effect="send", outside=True, capability="send")
async def messages_reply(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail: to its sender, in its conversation, as plain text. The mail answered is not quoted."""
    return await _send(ctx, await _reply(ctx, message, text))


@messages_reply.preview
async def preview_reply(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    return await preview_of(ctx, await _reply(ctx, message, text), verb="Send an answer", confirm="Send")


messages_reply.reconcile(find_sent)


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


messages_reply_all.reconcile(find_sent)


@connector.tool(effect="send", capability="send")
async def messages_forward(
    ctx: Context,
    message: MessageId,
    to: People,
    text: Words = "",
    cc: Copies = None,
    bcc: BlindCopies = None,
    *,
    as_attachment: Whole = False,
    attachments: WithFiles = True,
) -> MailSent:
    """Pass a mail on, with its files. It must have been read before; its files by attachments_list."""
    given = Forwarding(to=to, text=text, cc=cc, bcc=bcc)
    draft = await _forward(ctx, message, as_attachment=as_attachment, attachments=attachments, **given)
    files: list[File] = []
    if draft.attached:
        assert draft.forwards is not None, "files come from the mail that is passed on"
        raw = await whole_mail(await gmail_of(ctx), draft.forwards)
        files = await asyncio.to_thread(approved_files, draft, raw)
    return await _send(ctx, draft, files)


@messages_forward.preview
async def preview_forward(
    ctx: Context, message: str, *, as_attachment: bool, attachments: bool, **given: Unpack[Forwarding]
) -> Preview:
    """The mail as it will go out, each file with the digest of its content."""
    draft = await _forward(ctx, message, as_attachment=as_attachment, attachments=attachments, **given)
    doubts = ["The whole mail goes along, with all its headers and files."] if as_attachment else []
    return await preview_of(ctx, draft, verb="Forward a mail", confirm="Forward", doubts=doubts)


messages_forward.reconcile(find_sent)


def mail_sent(sent: Sent) -> MailSent:
    """What is told of a mail that went out."""
    return MailSent(message=sent.message, recipients=sent.recipients)


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
    ctx: Context, message: str, *, as_attachment: bool, attachments: bool, **given: Unpack[Forwarding]
) -> Draft[Letter]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> Draft[Letter]:
        found = mirror.letter(connection, owner, message)
        known = mirror.files(connection, owner, found.id)
        files = to_forward(known, has_files=bool(found.attachments), whole=as_attachment, files=attachments)
        original = mirror.text_of(connection, owner, found.id)
        if original is None and not as_attachment:
            raise InvalidRequest(
                "Call messages_read for that mail first: its text can only be approved when it is known."
            )
        return forward_draft(found, original or "", **given, attached=files, whole=as_attachment)

    return await ctx.store.read(read)
