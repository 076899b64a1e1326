"""The tools that send."""

from __future__ import annotations

from connectors.mail import outgoing, search
from connectors.mail.account import account_of
from connectors.mail.connector import (
    BlindCopies,
    Copies,
    MessageId,
    People,
    Subject,
    Text,
    connector,
    owner_of,
)
from connectors.mail.drafts import Draft, new_draft, outgoing_of, preview_of, reply_draft
from connectors.mail.views import MailSent
from openassistant.connector import Context, Preview
from openassistant.messages import Call, ToolResult

__all__ = ["messages_reply", "messages_send"]

_LATER = "The copy in the folder of sent mail follows with the next sync."


@connector.tool(effect="send")
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
    draft = new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    return await preview_of(ctx, await account_of(ctx), draft, verb="Send a mail", confirm="Send")


@messages_send.reconcile
async def find_sent(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the mail went out."""
    return await _find_sent(ctx, call)


@connector.tool(effect="send")
async def messages_reply(ctx: Context, message: MessageId, text: Text) -> MailSent:
    """Answer a mail: to its sender, in its conversation, as plain text. The mail answered is not quoted."""
    return await _send(ctx, await _reply(ctx, message, text))


@messages_reply.preview
async def preview_reply(ctx: Context, message: str, text: str) -> Preview:
    """The answer as it will go out."""
    draft = await _reply(ctx, message, text)
    return await preview_of(ctx, await account_of(ctx), draft, verb="Send an answer", confirm="Send")


@messages_reply.reconcile
async def find_reply(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the answer went out."""
    return await _find_sent(ctx, call)


async def _send(ctx: Context, draft: Draft) -> MailSent:
    account = await account_of(ctx)
    mail = outgoing_of(ctx, account, draft)
    copied = await outgoing.send_once(ctx, account, mail)
    return MailSent(message_id=mail.message_id, recipients=list(mail.recipients), note="" if copied else _LATER)


async def _find_sent(ctx: Context, call: Call) -> ToolResult | None:
    """The result of an interrupted call that sent its mail; None when it certainly did not."""
    sent = await outgoing.was_sent(ctx, await account_of(ctx), call.id)
    if sent is None:
        return None
    note = "" if sent.copied else _LATER
    result = MailSent(message_id=sent.message_id, recipients=list(sent.recipients), note=note)
    return messages_send.result(result)


async def _reply(ctx: Context, message: str, text: str) -> Draft:
    owner, account = owner_of(ctx), await account_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    return reply_draft(account, found, text)
