"""The tools for drafts."""

from __future__ import annotations

from connectors.mail import outgoing
from connectors.mail.account import account_of
from connectors.mail.connector import BlindCopies, Copies, People, Subject, Text, connector
from connectors.mail.drafts import new_draft, outgoing_of, preview_of
from connectors.mail.views import DraftSaved
from openassistant.connector import Context, Preview
from openassistant.errors import Conflict
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["drafts_create"]


@connector.tool(effect="write")
async def drafts_create(
    ctx: Context, to: People, subject: Subject, text: Text, cc: Copies = None, bcc: BlindCopies = None
) -> DraftSaved:
    """Save a mail as a draft, for the user to look at and send. Nothing is sent."""
    account = await account_of(ctx)
    mail = outgoing_of(ctx, account, new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc))
    folder = await outgoing.append_once(ctx, account, "drafts", mail, ("\\Draft", "\\Seen"))
    if not folder:
        raise Conflict("This mailbox has no folder for drafts, so nothing was saved.")
    return DraftSaved(message_id=mail.message_id, folder=folder)


@drafts_create.preview
async def preview_draft(
    ctx: Context, to: list[str], subject: str, text: str, cc: list[str] | None, bcc: list[str] | None
) -> Preview:
    """The draft as it will lie in the folder; it goes to nobody, so its recipients are a field."""
    draft = new_draft(to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    shown = await preview_of(ctx, await account_of(ctx), draft, verb="Save a draft", confirm="Save")
    people = PreviewField(label="Recipients", value=", ".join(each.value for each in shown.destinations))
    return shown.model_copy(update={"destinations": (), "fields": (people, *shown.fields)})


@drafts_create.reconcile
async def find_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's Message-ID in the folder of drafts."""
    account, given = await account_of(ctx), drafts_create.parse(call.arguments)
    mail = outgoing_of(ctx, account, new_draft(**given))
    folder = await outgoing.lies_in(ctx, account, "drafts", mail.message_id)
    return drafts_create.result(DraftSaved(message_id=mail.message_id, folder=folder)) if folder else None
