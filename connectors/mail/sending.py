"""The tools that send: new mails, answers, and mails passed on."""

from __future__ import annotations

import asyncio
from typing import Unpack

from sqlalchemy import Connection

from connectors.mail import outgoing, search
from connectors.mail.account import MailAccount, account_of
from connectors.mail.connector import connector, owner_of
from connectors.mail.drafts import Draft, forward_draft, new_draft, outgoing_of, reply_all_draft, reply_draft
from connectors.mail.files import known_files
from connectors.mail.moves import fetch_mail
from connectors.mail.previews import preview_of
from connectors.mail.search import Found
from connectors.mail.views import MailSent
from openassistant.connector import Context, Preview
from openassistant.formats.compose import File, Outgoing
from openassistant.mails.arguments import (
    BlindCopies,
    Copies,
    Forwarding,
    MessageId,
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

__all__ = [
    "LATER",
    "find_sent",
    "messages_forward",
    "messages_reply",
    "messages_reply_all",
    "messages_send",
    "sent_mail",
]

LATER = "The copy in the folder of sent mail follows with the next sync."


async def find_sent(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted call that sent its mail; None when it certainly did not."""
    sent = await outgoing.was_sent(ctx, await account_of(ctx), call.id)
    if sent is None:
        return None
    note = "" if sent.copied else LATER
    result = MailSent(message_id=sent.message_id, recipients=list(sent.recipients), note=note)
    return messages_send.result(result)


@connector.tool(effect="send")
async def messages_send(
    ctx: Context, to: People, subject: Subject, text: Text, cc: Copies = None, bcc: BlindCopies = None
) -> MailSent:
    """Send a new mail as plain text. To answer a mail, use messages_reply."""
    return await _send(ctx, new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc))


@messages_send.preview
async def preview_send(ctx: Context, **given: Unpack[NewMail]) -> Preview:
    """The mail as it will go out."""
    draft: Draft = new_draft(**given)
    return await preview_of(ctx, await account_of(ctx), draft, verb="Send a mail", confirm="Send")


messages_send.reconcile(find_sent)


@connector.tool(effect="send", outside=True)
async def messages_reply(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail: to its sender, in its conversation, as plain text. The mail answered is not quoted."""
    return await _send(ctx, await _reply(ctx, message, text))


@messages_reply.preview
async def preview_reply(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    draft = await _reply(ctx, message, text)
    return await preview_of(ctx, await account_of(ctx), draft, verb="Send an answer", confirm="Send")


messages_reply.reconcile(find_sent)


@connector.tool(effect="send", outside=True)
async def messages_reply_all(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail to its sender and everybody else it went to, in its conversation, as plain text."""
    return await _send(ctx, await _reply_all(ctx, message, text))


@messages_reply_all.preview
async def preview_reply_all(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    draft = await _reply_all(ctx, message, text)
    account, found = await account_of(ctx), draft.answers
    doubts = [f"It goes to a mailing list: {found.list_id}."] if found and found.list_id else []
    return await preview_of(ctx, account, draft, verb="Send an answer to all", confirm="Send to all", doubts=doubts)


messages_reply_all.reconcile(find_sent)


@connector.tool(effect="send")
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
    """Pass a mail on, with its files. For files or the whole mail, attachments_list must have looked at it before."""
    given = Forwarding(to=to, text=text, cc=cc, bcc=bcc)
    draft = await _forward(ctx, message, as_attachment=as_attachment, attachments=attachments, **given)
    files: list[File] = []
    if draft.attached:
        assert draft.forwards is not None, "files come from the mail that is passed on"
        raw = await fetch_mail(ctx, await account_of(ctx), draft.forwards)
        files = await asyncio.to_thread(approved_files, draft, raw)
    return await _send(ctx, draft, files)


@messages_forward.preview
async def preview_forward(
    ctx: Context, message: str, *, as_attachment: bool, attachments: bool, **given: Unpack[Forwarding]
) -> Preview:
    """The mail as it will go out, each file with the digest of its content."""
    draft = await _forward(ctx, message, as_attachment=as_attachment, attachments=attachments, **given)
    found = draft.forwards
    doubts = ["Only the beginning of that large mail was read."] if found and found.state == "cut" else []
    if as_attachment:
        doubts = ["The whole mail goes along, with all its headers and files."]
    return await preview_of(ctx, await account_of(ctx), draft, verb="Forward a mail", confirm="Forward", doubts=doubts)


messages_forward.reconcile(find_sent)


async def sent_mail(ctx: Context, account: MailAccount, mail: Outgoing) -> MailSent:
    """Sends a finished mail, once for the call in `ctx`."""
    copied = await outgoing.send_once(ctx, account, mail)
    return MailSent(message_id=mail.message_id, recipients=list(mail.recipients), note="" if copied else LATER)


async def _send(ctx: Context, draft: Draft, files: list[File] | None = None) -> MailSent:
    account = await account_of(ctx)
    return await sent_mail(ctx, account, outgoing_of(ctx, account, draft, files=files or ()))


async def _reply(ctx: Context, message: str, text: str) -> Draft:
    owner, account = owner_of(ctx), await account_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    return reply_draft(account, found, text)


async def _reply_all(ctx: Context, message: str, text: str) -> Draft:
    owner, account = owner_of(ctx), await account_of(ctx)

    def read(connection: Connection) -> tuple[Found, set[str]]:
        return search.message(connection, owner, message), search.own_addresses(connection, owner)

    found, own = await ctx.store.read(read)
    return reply_all_draft(account, found, text, own={*own, account.login})


async def _forward(
    ctx: Context, message: str, *, as_attachment: bool, attachments: bool, **given: Unpack[Forwarding]
) -> Draft:
    owner = owner_of(ctx)

    def read(connection: Connection) -> Draft:
        found = search.message(connection, owner, message)
        known = known_files(connection, owner, found.id)
        files = to_forward(known, has_files=bool(found.attachments), whole=as_attachment, files=attachments)
        original = search.texts(connection, [found.id]).get(found.id, "")
        return forward_draft(found, original, **given, attached=files, whole=as_attachment)

    return await ctx.store.read(read)
