"""The tools for drafts: written, changed, read, sent and put into the trash."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import Annotated, Any, Unpack

from sqlalchemy import Connection

from connectors.mail import outgoing, search
from connectors.mail.account import MailAccount, account_of
from connectors.mail.acts import before_act, note_act
from connectors.mail.connector import connector, owner_of
from connectors.mail.drafts import Draft, new_draft, outgoing_of
from connectors.mail.files import files_of
from connectors.mail.folders import Folder
from connectors.mail.kept import Kept, kept_draft, kept_of, save_draft, write_kept
from connectors.mail.moves import fetch_mail, move_mail, was_moved
from connectors.mail.previews import preview_of
from connectors.mail.search import Found
from connectors.mail.sending import find_sent, sent_mail
from connectors.mail.views import DraftDeleted, DraftSaved, MailSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError
from openassistant.formats.compose import Outgoing, finish, message_id_of
from openassistant.mails.arguments import (
    Answered,
    BlindCopies,
    Copies,
    DraftChange,
    NewMail,
    NewPeople,
    NewSubject,
    NewText,
    People,
    Subject,
    Text,
)
from openassistant.mails.drafts import CHANGED, FORMATTED, changed, known
from openassistant.mails.previews import unsent
from openassistant.mails.views import DraftText, draft_text, people_shown
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["drafts_create", "drafts_delete", "drafts_read", "drafts_send", "drafts_update"]

_DraftId = Annotated[str, Field(description="The id of a draft, as drafts_create or messages_search gives it")]


@connector.tool(effect="write")
async def drafts_create(
    ctx: Context,
    to: People,
    subject: Subject,
    text: Text,
    cc: Copies = None,
    bcc: BlindCopies = None,
    answers: Answered = None,
) -> DraftSaved:
    """Save a mail as a draft, for the user to look at and send. Nothing is sent."""
    draft = await _new(ctx, to=to, subject=subject, text=text, cc=cc, bcc=bcc, answers=answers)
    account = await account_of(ctx)
    return await _saved(ctx, account, outgoing_of(ctx, account, draft, kept=True))


@drafts_create.preview
async def preview_draft(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Preview:
    """The draft as it will lie in the folder; it goes to nobody, so its recipients are a field."""
    draft = await _new(ctx, answers=answers, **given)
    return await _preview(ctx, draft, verb="Save a draft")


@drafts_create.reconcile
async def find_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's Message-ID in the folder of drafts."""
    account, draft = await account_of(ctx), await _new(ctx, **drafts_create.parse(call.arguments))
    mail = outgoing_of(ctx, account, draft, kept=True)
    if not await outgoing.lies_in(ctx, account, "drafts", mail.message_id):
        return None
    return drafts_create.result(await _saved(ctx, account, mail))


@drafts_create.undo
async def take_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the draft into the trash."""
    if not result["draft"]:
        raise NotFound("That draft is not read yet. Try again in a minute.")
    await _into_trash(ctx, result["draft"])


@connector.tool(effect="read")
async def drafts_read(ctx: Context, draft: _DraftId) -> DraftText:
    """Read a draft in full, with recipients, blind copies and files, before it is changed or sent."""
    owner, account, found = owner_of(ctx), await account_of(ctx), await _found(ctx, draft)
    kept = await asyncio.to_thread(kept_of, await fetch_mail(ctx, account, found))
    await ctx.store.write(lambda connection: write_kept(connection, owner, found.id, kept))
    return draft_text(str(found.id), kept.draft(), formatted=kept.formatted)


@connector.tool(effect="write")
async def drafts_update(
    ctx: Context,
    draft: _DraftId,
    to: NewPeople = None,
    subject: NewSubject = None,
    text: NewText = None,
    cc: NewPeople = None,
    bcc: NewPeople = None,
) -> DraftSaved:
    """Change a draft. It gets a new id; the earlier version goes to the trash."""
    account, (found, kept) = await account_of(ctx), await _known(ctx, draft)
    trash = await _trash(ctx)
    raw = await _unchanged(ctx, account, found, kept)
    new = changed(kept.draft(), to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    mail = outgoing_of(ctx, account, new, files=files_of(raw)[1:], kept=True)
    await note_act(ctx, message_id=mail.message_id)
    saved = await _saved(ctx, account, mail)
    await move_mail(ctx, account, found, trash)
    return saved.model_copy(update={"replaces": draft})


@drafts_update.preview
async def preview_update(ctx: Context, draft: str, **given: Unpack[DraftChange]) -> Preview:
    """The draft as it will be."""
    _, kept = await _known(ctx, draft)
    new = changed(kept.draft(), **given)
    doubts = ["Its formatting gets lost."] if kept.formatted else []
    return await _preview(ctx, new, verb="Change a draft", doubts=doubts)


@drafts_update.reconcile
async def find_update(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the new version, and puts the earlier one away when that was not done yet."""
    account, before = await account_of(ctx), await before_act(ctx, call.id)
    if before is None or not await outgoing.lies_in(ctx, account, "drafts", before["message_id"]):
        return None
    given = drafts_update.parse(call.arguments)
    owner, trash = owner_of(ctx), await _trash(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, given["draft"]))
    if found.folder.path != trash.path and not await was_moved(ctx, account, found, trash):
        await move_mail(ctx, account, found, trash)
    new = await ctx.store.read(lambda connection: search.with_message_id(connection, owner, before["message_id"]))
    number = str(new.id) if new else ""
    saved = DraftSaved(draft=number, message_id=before["message_id"], replaces=given["draft"])
    return drafts_update.result(saved)


@drafts_update.undo
async def restore_draft(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Brings the earlier version back and puts the new one into the trash."""
    owner, account = owner_of(ctx), await account_of(ctx)

    def read(connection: Connection) -> tuple[Found, Folder]:
        return search.message(connection, owner, result["replaces"]), search.folder_named(connection, owner, "drafts")

    found, drafts = await ctx.store.read(read)
    if found.folder.path != drafts.path:
        await move_mail(ctx, account, found, drafts)
    if result["draft"]:
        await _into_trash(ctx, result["draft"])


@connector.tool(effect="write", outside=True)
async def drafts_delete(ctx: Context, draft: _DraftId) -> DraftDeleted:
    """Put a draft into the trash. It is not deleted for good."""
    found, trash = await _found(ctx, draft), await _trash(ctx)
    await note_act(ctx, came_from=found.folder.name)
    await move_mail(ctx, await account_of(ctx), found, trash)
    return DraftDeleted(draft=draft, folder=trash.name, came_from=found.folder.name)


@drafts_delete.preview
async def preview_delete(ctx: Context, draft: str) -> Preview:
    """Which draft goes."""
    found, trash = await _found(ctx, draft), await _trash(ctx)
    rows = {"Subject": found.subject, "Recipients": people_shown(found.to), "Into": trash.name}
    return Preview(
        verb="Put a draft into the trash",
        confirm="Put away",
        account=(await account_of(ctx)).address,
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
    )


@drafts_delete.reconcile
async def find_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    before, owner = await before_act(ctx, call.id), owner_of(ctx)
    if before is None:
        return None
    draft, trash = drafts_delete.parse(call.arguments)["draft"], await _trash(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, draft))
    if found.folder.path != trash.path and not await was_moved(ctx, await account_of(ctx), found, trash):
        return None
    return drafts_delete.result(DraftDeleted(draft=draft, folder=trash.name, came_from=before["came_from"]))


@drafts_delete.undo
async def bring_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back into the folder of drafts."""
    owner, account = owner_of(ctx), await account_of(ctx)

    def read(connection: Connection) -> tuple[Found, Folder]:
        found = search.message(connection, owner, result["draft"])
        return found, search.folder_named(connection, owner, result["came_from"])

    found, back = await ctx.store.read(read)
    if found.folder.path != back.path:
        await move_mail(ctx, account, found, back)


@connector.tool(effect="send", outside=True)
async def drafts_send(ctx: Context, draft: _DraftId) -> MailSent:
    """Send a draft as it is. One that was not written with drafts_create must be read with drafts_read before."""
    account, (found, kept) = await account_of(ctx), await _known(ctx, draft)
    mail = _finished(ctx, account, kept, await _unchanged(ctx, account, found, kept))
    if await outgoing.lies_in(ctx, account, "sent", mail.message_id):
        raise Conflict("That draft was sent already: it lies in the folder of sent mail.")
    sent = await sent_mail(ctx, account, mail)
    await _put_away(ctx, account, found)
    return sent


@drafts_send.preview
async def preview_draft_send(ctx: Context, draft: str) -> Preview:
    """The draft as it will go out; the approval covers all its bytes by their digest."""
    _, kept = await _known(ctx, draft)
    account = await account_of(ctx)
    doubts = [FORMATTED] if kept.formatted else []
    shown = await preview_of(ctx, account, kept.draft(), verb="Send a draft", confirm="Send", doubts=doubts)
    rows = [PreviewField(label="From", value=kept.sender)] if kept.sender not in ("", account.address) else []
    digest = PreviewField(label="SHA-256 of the draft", value=kept.sha256)
    return shown.model_copy(update={"fields": (*rows, *shown.fields, digest)})


@drafts_send.reconcile
async def find_sent_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the draft went out; if so it leaves the folder of drafts."""
    result = await find_sent(ctx, call)
    if result is not None:
        with contextlib.suppress(NotFound, InvalidRequest):
            found = await _found(ctx, drafts_send.parse(call.arguments)["draft"])
            await _put_away(ctx, await account_of(ctx), found)
    return result


async def _new(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Draft:
    owner = owner_of(ctx)
    if answers is None:
        return new_draft(**given)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, answers))
    return new_draft(**given, answers=found)


async def _preview(ctx: Context, draft: Draft, *, verb: str, doubts: list[str] | None = None) -> Preview:
    account = await account_of(ctx)
    return unsent(await preview_of(ctx, account, draft, verb=verb, confirm="Save", kept=True, doubts=doubts or ()))


async def _saved(ctx: Context, account: MailAccount, mail: Outgoing) -> DraftSaved:
    placed = await save_draft(ctx, account, mail)
    if placed is None:
        raise Conflict("This mailbox has no folder for drafts, so nothing was saved.")
    _, number = placed
    return DraftSaved(draft=str(number) if number else "", message_id=mail.message_id)


async def _found(ctx: Context, draft: str) -> Found:
    """The draft with that id; raises `NotFound`, `InvalidRequest` for a mail that is none."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, draft))
    if found.folder.role != "drafts":
        raise InvalidRequest("That mail is no draft; it lies in another folder.")
    return found


async def _known(ctx: Context, draft: str) -> tuple[Found, Kept]:
    owner, found = owner_of(ctx), await _found(ctx, draft)
    return found, known(await ctx.store.read(lambda connection: kept_draft(connection, owner, found.id)))


async def _unchanged(ctx: Context, account: MailAccount, found: Found, kept: Kept) -> bytes:
    """The draft's bytes; raises `Conflict` when they are not those that were shown."""
    raw = await fetch_mail(ctx, account, found)
    if hashlib.sha256(raw).hexdigest() != kept.sha256:
        raise Conflict(CHANGED)
    return raw


def _finished(ctx: Context, account: MailAccount, kept: Kept, raw: bytes) -> Outgoing:
    assert ctx.call is not None, "a mail is made for a call"
    return finish(
        raw,
        sender=account.address,
        recipients=[each.address for each in (*kept.to, *kept.cc, *kept.bcc)],
        message_id=kept.message_id or message_id_of(ctx.call.id, ctx.call.nonce, account.address),
        date=ctx.now(),
    )


async def _trash(ctx: Context) -> Folder:
    owner = owner_of(ctx)
    return await ctx.store.read(lambda connection: search.folder_named(connection, owner, "trash"))


async def _into_trash(ctx: Context, draft: str) -> None:
    """Puts a draft into the trash unless it is gone from the folder of drafts already."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, draft))
    if found.folder.role == "drafts":
        await move_mail(ctx, await account_of(ctx), found, await _trash(ctx))


async def _put_away(ctx: Context, account: MailAccount, found: Found) -> None:
    """Takes a sent draft out of the folder of drafts; that it was sent stays true when this fails."""
    with contextlib.suppress(OaError):
        await move_mail(ctx, account, found, await _trash(ctx))
