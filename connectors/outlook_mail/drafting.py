"""The tools for drafts: written, changed, read, sent and put into the trash."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Unpack

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, outgoing, search
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.acts import note_act, recall
from connectors.outlook_mail.card import Text, connector
from connectors.outlook_mail.drafts import Mail, body_of, people_of, reached
from connectors.outlook_mail.kept import Kept, keep, kept_draft, look_at
from connectors.outlook_mail.moves import lies_in, move
from connectors.outlook_mail.outgoing import Placed
from connectors.outlook_mail.previews import fields_of, preview_of
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.sending import find_sent, sent_view
from connectors.outlook_mail.views import DraftDeleted, DraftSaved, MailSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, DeadlineExceeded, InvalidRequest, NotFound
from openassistant.formats.drafts import Draft, new_draft
from openassistant.mails.arguments import (
    Answered,
    BlindCopies,
    Copies,
    DraftChange,
    NewMail,
    NewPeople,
    NewSubject,
    People,
    Subject,
)
from openassistant.mails.drafts import CHANGED, FORMATTED, known
from openassistant.mails.views import DraftText, draft_text, people_shown
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["drafts_create", "drafts_delete", "drafts_read", "drafts_send", "drafts_update"]

_DraftId = Annotated[
    str, Field(description="The id of a draft, as drafts_create or messages_search gives it", max_length=40)
]
_NewText = Annotated[str | None, Field(description="A new whole text", max_length=200_000)]


@connector.tool(effect="write", capability="write")
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
    return await _saved(ctx, await outgoing.place(ctx, draft))


@drafts_create.preview
async def preview_draft(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Preview:
    """The draft as it will lie in the folder; it goes to nobody, so its recipients are a field."""
    draft = await _new(ctx, answers=answers, **given)
    return await preview_of(ctx, draft, verb="Save a draft", confirm="Save", kept=True)


@drafts_create.reconcile
async def find_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's draft; one that is not what was approved is taken away."""
    act = await recall(ctx, call.id)
    if act is None:
        return None
    api, before = await api_of(ctx), act.before
    found = await outgoing.placed_of(api, before["message_id"])
    if found is None:
        return None
    if act.stage == "saved":
        placed = Placed(str(found["id"]), before["message_id"], tuple(before["recipients"]))
        return drafts_create.result(await _saved(ctx, placed))
    if not await outgoing.discard(api, str(found["id"])):
        raise DeadlineExceeded("A draft was begun and could not be taken away. Look into the drafts.")
    return None


@drafts_create.undo
async def take_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the draft into the trash."""
    act = await recall(ctx, call.id)
    if act is None or "ref" not in act.before:
        raise Conflict("It is not known any more which draft that was. Delete it by hand if you want.")
    await _into_trash(ctx, act.before["ref"])


@connector.tool(effect="read", capability="read")
async def drafts_read(ctx: Context, draft: _DraftId) -> DraftText:
    """Read a draft in full, with recipients, blind copies and files, before it is changed or sent."""
    found = await _found(ctx, draft)
    _, kept, _ = await keep(ctx, await api_of(ctx), found.ref)
    return draft_text(found.key, kept.draft(), formatted=kept.formatted)


@connector.tool(effect="write", capability="write")
async def drafts_update(
    ctx: Context,
    draft: _DraftId,
    to: NewPeople = None,
    subject: NewSubject = None,
    text: _NewText = None,
    cc: NewPeople = None,
    bcc: NewPeople = None,
) -> DraftSaved:
    """Change a draft. What is not given stays; one that was written elsewhere must be read with drafts_read before."""
    api, (found, kept) = await api_of(ctx), await _known(ctx, draft)
    raw = await _unchanged(ctx, found, kept)
    body = _changes(kept, to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    before = {name: raw[name] for name in body if name in raw}
    await note_act(ctx, ref=found.ref, was=before, sha256=kept.sha256, message_id=kept.message_id)
    await api.call("PATCH", f"me/messages/{iri(found.ref)}", json=body, headers=_match(raw))
    return await _updated(ctx, found.ref)


@drafts_update.preview
async def preview_update(ctx: Context, draft: str, **given: Unpack[DraftChange]) -> Preview:
    """The draft as it will be."""
    _, kept = await _known(ctx, draft)
    changed = _changed(kept, **given)
    doubts = ["Its formatting gets lost." if given["text"] is not None else FORMATTED] if kept.formatted else []
    return await preview_of(ctx, changed, verb="Change a draft", confirm="Save", kept=True, doubts=doubts)


@drafts_update.reconcile
async def find_update(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the draft holds what was wanted."""
    act = await recall(ctx, call.id)
    if act is None:
        return None
    now, raw = await look_at(await api_of(ctx), act.before["ref"])
    if now.sha256 == act.before["sha256"]:
        return None
    given = {name: value for name, value in drafts_update.parse(call.arguments).items() if name != "draft"}
    if outgoing.differing(raw, _changes(now, **given)):
        raise DeadlineExceeded("Somebody changed that draft meanwhile, so it cannot be told whether this was done.")
    return drafts_update.result(await _updated(ctx, act.before["ref"]))


@drafts_update.undo
async def restore_draft(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts back what was there, as long as nobody changed the draft since."""
    act = await recall(ctx, call.id)
    if act is None or "after" not in act.before:
        raise Conflict("It is not known any more what was changed. Change the draft by hand if you want.")
    api, ref = await api_of(ctx), act.before["ref"]
    now, raw = await look_at(api, ref)
    if now.sha256 != act.before["after"] or not now.waiting:
        raise Conflict("The draft was changed or sent since, so it is left as it is.")
    await api.call("PATCH", f"me/messages/{iri(ref)}", json=act.before["was"], headers=_match(raw))
    await keep(ctx, api, ref)


@connector.tool(effect="write", outside=True, capability="write")
async def drafts_delete(ctx: Context, draft: _DraftId) -> DraftDeleted:
    """Put a draft into the trash. It is not deleted for good."""
    found, trash = await _found(ctx, draft), await _folder(ctx, "trash")
    await note_act(ctx, ref=found.ref, came_from=found.folder.ref, to=trash.ref)
    await move(ctx, found, trash)
    return DraftDeleted(draft=draft, folder=trash.name)


@drafts_delete.preview
async def preview_delete(ctx: Context, draft: str) -> Preview:
    """Which draft goes."""
    found, trash = await _found(ctx, draft), await _folder(ctx, "trash")
    letter = found.letter
    rows = {"Subject": letter.subject, "Recipients": people_shown(letter.to), "Into": trash.name}
    shown = await preview_of(
        ctx, Draft((), (), (), letter.subject, ""), verb="Put a draft into the trash", confirm="Put away", kept=True
    )
    return shown.model_copy(update={"fields": fields_of(rows), "warnings": ()})


@drafts_delete.reconcile
async def find_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks where the draft lies."""
    act = await recall(ctx, call.id)
    if act is None or not await lies_in(ctx, act.before["ref"], act.before["to"]):
        return None
    trash = await _folder(ctx, "trash")
    return drafts_delete.result(DraftDeleted(draft=str(call.arguments["draft"]), folder=trash.name))


@drafts_delete.undo
async def bring_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back into the folder of drafts."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, result["draft"]))
    await move(ctx, found, await _folder(ctx, "drafts"))


@connector.tool(effect="send", outside=True, capability="send")
async def drafts_send(ctx: Context, draft: _DraftId) -> MailSent:
    """Send a draft as it is. One that was not written with drafts_create must be read with drafts_read before."""
    found, kept = await _known(ctx, draft)
    people = reached(kept.draft())
    if not people:
        raise InvalidRequest("That draft has no recipient.")
    await _unchanged(ctx, found, kept)
    placed = Placed(found.ref, kept.message_id, people)
    return sent_view(await outgoing.send(ctx, placed, ours=False))


@drafts_send.preview
async def preview_draft_send(ctx: Context, draft: str) -> Preview:
    """The draft as it will go out; the approval covers all of it by a digest."""
    _, kept = await _known(ctx, draft)
    doubts = [FORMATTED] if kept.formatted else []
    if kept.reply_to:
        doubts.append(f"It asks for answers to {', '.join(each.address for each in kept.reply_to)}.")
    shown = await preview_of(ctx, kept.draft(), verb="Send a draft", confirm="Send", doubts=doubts)
    rows = {"From": kept.sender, "Answers to": people_shown(kept.reply_to)}
    digest = PreviewField(label="SHA-256 of the draft", value=kept.sha256)
    return shown.model_copy(update={"fields": (*fields_of(rows), *shown.fields, digest)})


drafts_send.reconcile(find_sent)


async def _new(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Mail:
    if answers is None:
        return new_draft(**given)
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, answers))
    if found.letter.draft:
        raise InvalidRequest("That is a draft, which cannot be answered.")
    return new_draft(**given, answers=found)


async def _saved(ctx: Context, placed: Placed) -> DraftSaved:
    await note_act(ctx, "saved", ref=placed.ref)
    key = mirror.key_of(owner_of(ctx), placed.ref)
    with contextlib.suppress(NotFound):
        await keep(ctx, await api_of(ctx), placed.ref)
    return DraftSaved(draft=key, message_id=placed.message_id)


async def _updated(ctx: Context, ref: str) -> DraftSaved:
    """Remembers a draft as it is after a change."""
    _, kept, _ = await keep(ctx, await api_of(ctx), ref)
    await note_act(ctx, "done", after=kept.sha256)
    return DraftSaved(draft=mirror.key_of(owner_of(ctx), ref), message_id=kept.message_id)


async def _found(ctx: Context, draft: str) -> Found:
    """The draft with that id; raises `NotFound`, `InvalidRequest` for a mail that is none."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, draft))
    if not found.letter.draft:
        raise InvalidRequest("That mail is no draft.")
    return found


async def _known(ctx: Context, draft: str) -> tuple[Found, Kept]:
    found = await _found(ctx, draft)
    return found, known(await ctx.store.read(lambda c: kept_draft(c, found)))


async def _unchanged(ctx: Context, found: Found, kept: Kept) -> dict[str, Any]:
    """The draft as Graph has it; raises `Conflict` when it is not what was shown."""
    now, raw = await look_at(await api_of(ctx), found.ref)
    if not now.waiting:
        raise Conflict("That draft was sent already.")
    if now.sha256 != kept.sha256:
        raise Conflict(CHANGED)
    return raw


def _match(raw: dict[str, Any]) -> dict[str, str]:
    """Has Graph refuse a change of a draft that somebody changed in this very moment."""
    return {"If-Match": str(raw["@odata.etag"])} if raw.get("@odata.etag") else {}


def _changed(kept: Kept, **given: Unpack[DraftChange]) -> Mail:
    """The draft with what is given, and nothing else; raises `InvalidRequest` where nothing is."""
    if all(each is None for each in given.values()):
        raise InvalidRequest("Say what to change: recipients, subject or text.")
    old, subject, text = kept.draft(), given["subject"], given["text"]
    new: Mail = new_draft(
        to=given["to"] or (),
        subject="" if subject is None else subject,
        text="." if text is None else text,
        cc=given["cc"],
        bcc=given["bcc"],
    )
    return old._replace(
        to=old.to if given["to"] is None else new.to,
        cc=old.cc if given["cc"] is None else new.cc,
        bcc=old.bcc if given["bcc"] is None else new.bcc,
        subject=old.subject if subject is None else new.subject,
        text=old.text if text is None else new.text,
    )


def _changes(kept: Kept, **given: Any) -> dict[str, Any]:
    """What is written of a draft: what was given alone, so that formatting stays where the text does."""
    new = _changed(kept, **given)
    values: dict[str, tuple[str, Any]] = {
        "to": ("toRecipients", people_of(new.to)),
        "cc": ("ccRecipients", people_of(new.cc)),
        "bcc": ("bccRecipients", people_of(new.bcc)),
        "subject": ("subject", new.subject),
        "text": ("body", body_of(new.text)),
    }
    return {name: value for key, (name, value) in values.items() if given.get(key) is not None}


async def _folder(ctx: Context, role: str) -> mirror.Folder:
    owner = owner_of(ctx)
    return await ctx.store.read(lambda c: search.folder_named(c, owner, role))


async def _into_trash(ctx: Context, ref: str) -> None:
    """Puts a draft into the trash, unless it was sent or thrown away."""
    api, owner, trash = await api_of(ctx), owner_of(ctx), await _folder(ctx, "trash")
    raw = await api.get(f"me/messages/{iri(ref)}", {"$select": "isDraft,parentFolderId"})
    if raw.get("isDraft") is not True:
        raise Conflict("That draft was sent, which cannot be taken back.")
    if raw.get("parentFolderId") != trash.ref:
        await api.send("POST", f"me/messages/{iri(ref)}/move", json={"destinationId": trash.ref})

    def write(connection: Connection) -> None:
        if found := search.with_ref(connection, owner, ref):
            mirror.relocate(connection, found.id, trash)

    await ctx.store.write(write)
