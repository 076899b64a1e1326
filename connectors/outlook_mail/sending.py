"""The tools that send: new mails, answers, and mails passed on."""

from __future__ import annotations

from typing import Unpack

from sqlalchemy import Connection

from connectors.outlook_mail import outgoing, search
from connectors.outlook_mail.account import owner_of
from connectors.outlook_mail.card import Text, connector
from connectors.outlook_mail.drafts import Mail, reached
from connectors.outlook_mail.files import known_files
from connectors.outlook_mail.outgoing import Sent
from connectors.outlook_mail.previews import preview_of
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import MailSent
from openassistant.connector import Context, Preview
from openassistant.errors import InvalidRequest
from openassistant.formats.charsets import clean
from openassistant.formats.drafts import forward_draft, new_draft, reply_all_draft, reply_draft
from openassistant.mails.arguments import (
    BlindCopies,
    Copies,
    Forwarding,
    MessageId,
    NewMail,
    People,
    Subject,
    WithFiles,
    Words,
)
from openassistant.messages import Call, ToolResult

__all__ = [
    "find_sent", "messages_forward", "messages_reply", "messages_reply_all", "messages_send", "sent_view",
]  # fmt: skip

_FORMATTED = "It goes along with its formatting and pictures, of which only the text is shown."


async def find_sent(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted call that sent its mail; None when it certainly did not."""
    sent = await outgoing.was_sent(ctx, call.id)
    return None if sent is None else messages_send.result(sent_view(sent))


@connector.tool(effect="send", capability="send")
async def messages_send(
    ctx: Context, to: People, subject: Subject, text: Text, cc: Copies = None, bcc: BlindCopies = None
) -> MailSent:
    """Send a new mail as plain text. To answer a mail, use messages_reply."""
    return await _send(ctx, new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc))


@messages_send.preview
async def preview_send(ctx: Context, **given: Unpack[NewMail]) -> Preview:
    """The mail as it will go out."""
    draft: Mail = new_draft(**given)
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
    return await _send(ctx, await _reply(ctx, message, text, everybody=True))


@messages_reply_all.preview
async def preview_reply_all(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    draft = await _reply(ctx, message, text, everybody=True)
    return await preview_of(ctx, draft, verb="Send an answer to all", confirm="Send to all")


messages_reply_all.reconcile(find_sent)


@connector.tool(effect="send", outside=True, capability="send")
async def messages_forward(
    ctx: Context,
    message: MessageId,
    to: People,
    text: Words = "",
    cc: Copies = None,
    bcc: BlindCopies = None,
    *,
    attachments: WithFiles = True,
) -> MailSent:
    """Pass a mail on, with its files. It must have been read, and where it has files attachments_list be asked."""
    draft, _ = await _forward(ctx, message, to=to, text=text, cc=cc, bcc=bcc, attachments=attachments)
    return await _send(ctx, draft, words=clean(text).strip("\n"))


@messages_forward.preview
async def preview_forward(ctx: Context, message: str, *, attachments: bool, **given: Unpack[Forwarding]) -> Preview:
    """The mail as it will go out: the words, and below them what is passed on."""
    draft, formatted = await _forward(ctx, message, attachments=attachments, **given)
    doubts = [_FORMATTED] if formatted else []
    return await preview_of(ctx, draft, verb="Forward a mail", confirm="Forward", doubts=doubts)


messages_forward.reconcile(find_sent)


def sent_view(sent: Sent) -> MailSent:
    """A mail that went out."""
    return MailSent(message=sent.key, message_id=sent.message_id, recipients=list(sent.recipients))


async def _send(ctx: Context, draft: Mail, *, words: str = "") -> MailSent:
    if not reached(draft):
        raise InvalidRequest("A mail needs at least one recipient.")
    return sent_view(await outgoing.send(ctx, await outgoing.place(ctx, draft, words=words)))


async def _reply(ctx: Context, message: str, text: str, *, everybody: bool = False) -> Mail:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Found, set[str]]:
        return search.message(connection, owner, message), search.own_addresses(connection, owner)

    found, own = await ctx.store.read(read)
    if found.letter.draft:
        raise InvalidRequest("That is a draft, which cannot be answered.")
    mine = found.sender.address in own or found.folder.role == "sent"
    if everybody:
        return reply_all_draft(found, text, addresses=own, address="", own=mine)
    return reply_draft(found, text, address="", own=mine)


async def _forward(ctx: Context, message: str, *, attachments: bool, **given: Unpack[Forwarding]) -> tuple[Mail, bool]:
    """The mail to be, with all its text, and whether what is passed on has formatting."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Mail, bool]:
        found = search.message(connection, owner, message)
        files, texts = known_files(connection, found.id), search.texts(connection, [found.id])
        if found.letter.draft:
            raise InvalidRequest("That is a draft: send it with drafts_send.")
        if found.id not in texts:
            raise InvalidRequest("Read that mail with messages_get first, so that its text can be shown.")
        if attachments and found.letter.files and not files:
            raise InvalidRequest("Call attachments_list for that mail first, so that its files can be named.")
        attached = tuple(each.attached for each in files) if attachments and found.letter.files else ()
        original, formatted = texts[found.id]
        draft: Mail = forward_draft(found, original, **given, attached=attached, whole=False)
        return draft, formatted

    return await ctx.store.read(read)
