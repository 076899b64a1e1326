"""The tools for drafts: listed, read, written, changed, sent and taken away."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Unpack

from connectors.gmail import mirror
from connectors.gmail.acts import before_act, note_act
from connectors.gmail.card import DraftId, connector, owner_of
from connectors.gmail.digests import digest_of
from connectors.gmail.gmail import Gmail, gmail_of
from connectors.gmail.kept import Kept, forget_draft, kept_draft, kept_of, write_kept
from connectors.gmail.letters import Letter
from connectors.gmail.outgoing import earlier_version, find_draft, keep_version, send_draft, was_sent
from connectors.gmail.previews import address_of, outgoing_of, preview_of
from connectors.gmail.reading import keep
from connectors.gmail.sending import mail_sent
from connectors.gmail.views import DraftDeleted, DraftList, DraftSaved, DraftText, DraftView, MailSent
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, DeadlineExceeded, NotFound
from openassistant.formats.drafts import Draft, new_draft
from openassistant.formats.files import files_of
from openassistant.mails.arguments import (
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
from openassistant.mails.views import CUT, LONGEST_DRAFT, draft_words, notes_of, outside, people_shown
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["drafts_create", "drafts_delete", "drafts_list", "drafts_read", "drafts_send", "drafts_update"]

_SEEN = 100

_Answered = Annotated[
    str | None,
    Field(description="The id of the mail that the draft answers, if it answers one", pattern=r"^[A-Za-z0-9_-]{1,64}$"),
]


@connector.tool(effect="read", capability="read")
async def drafts_list(
    ctx: Context, limit: Annotated[int, Field(description="How many drafts at most", ge=1, le=100)] = 20
) -> DraftList:
    """List the newest drafts, with the ids by which they are read, changed and sent."""
    owner, gmail = owner_of(ctx), await gmail_of(ctx)
    drafts = await gmail.drafts(most=limit)
    letters = await gmail.letters([message for _, message in drafts])
    await keep(ctx, letters)
    there = {each.id: each for each in await ctx.store.read(lambda c: mirror.letters(c, owner, [m for _, m in drafts]))}
    return DraftList(drafts=[_view(draft, message, there.get(message)) for draft, message in drafts])


@connector.tool(effect="read", capability="read")
async def drafts_read(ctx: Context, draft: DraftId) -> DraftText:
    """Read a draft in full, with recipients, blind copies and files, before it is changed or sent."""
    kept = await _read(ctx, await gmail_of(ctx), draft)
    return _text(draft, kept)


@connector.tool(effect="write", capability="send")
async def drafts_create(
    ctx: Context,
    to: People,
    subject: Subject,
    text: Text,
    cc: Copies = None,
    bcc: BlindCopies = None,
    answers: _Answered = None,
) -> DraftSaved:
    """Save a mail as a draft, for the user to look at and send. Nothing is sent."""
    draft = await _new(ctx, to=to, subject=subject, text=text, cc=cc, bcc=bcc, answers=answers)
    gmail, mail = await gmail_of(ctx), outgoing_of(ctx, await address_of(ctx), draft, kept=True)
    seen = [each for each, _ in await gmail.drafts(most=_SEEN)]
    await note_act(ctx, seen=seen, digest=digest_of(mail.content))
    made = await gmail.save(mail.content, thread=draft.answers.thread if draft.answers else "")
    await _read(ctx, gmail, made)
    return DraftSaved(draft=made)


@drafts_create.preview
async def preview_draft(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Preview:
    """The draft as it will lie in the mailbox; it goes to nobody, so its recipients are a field."""
    draft = await _new(ctx, answers=answers, **given)
    return await _preview(ctx, draft, verb="Save a draft")


@drafts_create.reconcile
async def find_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for a draft like it that was not there before."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    gmail = await gmail_of(ctx)
    found = await find_draft(gmail, noted["digest"], noted["seen"])
    if found is None:
        return None
    await _read(ctx, gmail, found)
    return drafts_create.result(DraftSaved(draft=found))


@drafts_create.undo
async def take_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Takes the draft away again, unless somebody wrote on it."""
    noted, gmail, draft = await before_act(ctx, call.id), await gmail_of(ctx), str(result["draft"])
    raw, _, _ = await gmail.draft(draft)
    if noted is None or digest_of(raw) != noted["digest"]:
        raise Conflict("That draft was changed since, so it stays.")
    await gmail.drop(draft)


@connector.tool(effect="write", capability="send")
async def drafts_update(
    ctx: Context,
    draft: DraftId,
    to: NewPeople = None,
    subject: NewSubject = None,
    text: NewText = None,
    cc: NewPeople = None,
    bcc: NewPeople = None,
) -> DraftSaved:
    """Change a draft. It must have been read before, with drafts_read; its files stay."""
    gmail, kept = await gmail_of(ctx), await _known(ctx, draft)
    raw = await _unchanged(gmail, draft, kept)
    files = await asyncio.to_thread(files_of, raw)
    new = changed(kept.draft(), to=to, subject=subject, text=text, cc=cc, bcc=bcc)
    mail = outgoing_of(ctx, await address_of(ctx), new, files[1:], kept=True)
    await keep_version(ctx, draft, raw, thread=kept.thread)
    await note_act(ctx, digest=digest_of(mail.content))
    await gmail.save(mail.content, thread=kept.thread, draft=draft)
    await _read(ctx, gmail, draft)
    return DraftSaved(draft=draft)


@drafts_update.preview
async def preview_update(ctx: Context, draft: str, **given: Unpack[DraftChange]) -> Preview:
    """The draft as it will be."""
    kept = await _known(ctx, draft)
    new = changed(kept.draft(), **given)
    doubts = ["Its formatting gets lost."] if kept.formatted else []
    return await _preview(ctx, new, verb="Change a draft", doubts=doubts)


@drafts_update.reconcile
async def find_update(ctx: Context, call: Call) -> ToolResult | None:
    """Looks what the draft is now."""
    noted, earlier, gmail = await before_act(ctx, call.id), await earlier_version(ctx, call.id), await gmail_of(ctx)
    if noted is None or earlier is None:
        return None
    draft = str(drafts_update.parse(call.arguments)["draft"])
    found = digest_of((await gmail.draft(draft))[0])
    if found != noted["digest"]:
        if found == digest_of(earlier[0]):
            return None
        raise DeadlineExceeded("Somebody changed that draft meanwhile, so what came of this cannot be told.")
    await _read(ctx, gmail, draft)
    return drafts_update.result(DraftSaved(draft=draft))


@drafts_update.undo
async def restore_draft(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Gives the draft back what it was, unless somebody wrote on it since."""
    noted, earlier, gmail = await before_act(ctx, call.id), await earlier_version(ctx, call.id), await gmail_of(ctx)
    draft = str(result["draft"])
    raw, _, _ = await gmail.draft(draft)
    if noted is None or earlier is None or digest_of(raw) != noted["digest"]:
        raise Conflict("That draft was changed since, so it stays as it is.")
    content, thread = earlier
    await gmail.save(content, thread=thread, draft=draft)
    await _read(ctx, gmail, draft)


@connector.tool(effect="write", capability="send")
async def drafts_delete(ctx: Context, draft: DraftId) -> DraftDeleted:
    """Take a draft away. It must have been read before, with drafts_read. It can be brought back for 90 days."""
    gmail, kept, owner = await gmail_of(ctx), await _known(ctx, draft), owner_of(ctx)
    raw = await _unchanged(gmail, draft, kept)
    await keep_version(ctx, draft, raw, thread=kept.thread)
    if not await gmail.drop(draft):
        raise NotFound("There is no such draft (any more).")
    await ctx.store.write(lambda c: forget_draft(c, owner, draft))
    return DraftDeleted(draft=draft)


@drafts_delete.preview
async def preview_delete(ctx: Context, draft: str) -> Preview:
    """Which draft goes."""
    kept = await _known(ctx, draft)
    rows = {"Subject": kept.subject, "Recipients": people_shown((*kept.to, *kept.cc, *kept.bcc))}
    return Preview(
        verb="Take a draft away",
        confirm="Take away",
        account=await address_of(ctx),
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
        content=kept.text,
    )


@drafts_delete.reconcile
async def find_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the draft is there."""
    if await earlier_version(ctx, call.id) is None:
        return None
    draft, owner = str(drafts_delete.parse(call.arguments)["draft"]), owner_of(ctx)
    try:
        await (await gmail_of(ctx)).draft(draft)
    except NotFound:
        await ctx.store.write(lambda c: forget_draft(c, owner, draft))
        return drafts_delete.result(DraftDeleted(draft=draft))
    return None


@drafts_delete.undo
async def bring_draft_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Makes the draft anew out of what was kept of it; it has another id then."""
    earlier = await earlier_version(ctx, call.id)
    if earlier is None:
        raise Conflict("What that draft was is not known here any more.")
    content, thread = earlier
    gmail = await gmail_of(ctx)
    try:
        made = await gmail.save(content, thread=thread)
    except NotFound:  # that conversation held nothing but the draft
        made = await gmail.save(content)
    await _read(ctx, gmail, made)


@connector.tool(effect="send", outside=True, capability="send")
async def drafts_send(ctx: Context, draft: DraftId) -> MailSent:
    """Send a draft as it is. One that was not written with drafts_create must be read with drafts_read before."""
    gmail, kept = await gmail_of(ctx), await _known(ctx, draft)
    raw = await _unchanged(gmail, draft, kept)
    return mail_sent(await send_draft(ctx, gmail, draft, raw))


@drafts_send.preview
async def preview_draft_send(ctx: Context, draft: str) -> Preview:
    """The draft as it will go out; the approval covers it by its digest."""
    kept, address = await _known(ctx, draft), await address_of(ctx)
    doubts = [FORMATTED] if kept.formatted else []
    shown = await preview_of(ctx, kept.draft(), verb="Send a draft", confirm="Send", doubts=doubts)
    rows = [PreviewField(label="From", value=kept.sender)] if kept.sender not in ("", address) else []
    digest = PreviewField(label="SHA-256 of what it says", value=kept.digest)
    return shown.model_copy(update={"fields": (*rows, *shown.fields, digest)})


@drafts_send.reconcile
async def find_sent_draft(ctx: Context, call: Call) -> ToolResult | None:
    """Whether the draft went out."""
    sent = await was_sent(ctx, await gmail_of(ctx), call.id, ours=False)
    return drafts_send.result(mail_sent(sent)) if sent else None


async def _new(ctx: Context, *, answers: str | None, **given: Unpack[NewMail]) -> Draft[Letter]:
    owner = owner_of(ctx)
    if answers is None:
        return new_draft(**given)
    return new_draft(**given, answers=await ctx.store.read(lambda c: mirror.letter(c, owner, answers)))


async def _preview(ctx: Context, draft: Draft[Letter], *, verb: str, doubts: list[str] | None = None) -> Preview:
    return unsent(await preview_of(ctx, draft, verb=verb, confirm="Save", kept=True, doubts=doubts or ()))


async def _read(ctx: Context, gmail: Gmail, draft: str) -> Kept:
    """A draft as it is now, which is remembered."""
    owner = owner_of(ctx)
    raw, _, thread = await gmail.draft(draft)
    kept = await asyncio.to_thread(kept_of, raw, thread=thread)
    await ctx.store.write(lambda c: write_kept(c, owner, draft, kept))
    return kept


async def _known(ctx: Context, draft: str) -> Kept:
    owner = owner_of(ctx)
    return known(await ctx.store.read(lambda c: kept_draft(c, owner, draft)))


async def _unchanged(gmail: Gmail, draft: str, kept: Kept) -> bytes:
    """The draft's bytes; raises `Conflict` when they do not say what was shown."""
    raw, _, _ = await gmail.draft(draft)
    if digest_of(raw) != kept.digest:
        raise Conflict(CHANGED)
    return raw


def _view(draft: str, message: str, letter: Letter | None) -> DraftView:
    if letter is None:
        return DraftView(draft=draft, message=message)
    people = people_shown((*letter.to, *letter.cc)[:20])
    shown = {"recipients": people, "subject": letter.subject, "excerpt": letter.excerpt}
    return DraftView(draft=draft, message=message, **{name: outside(letter, value) for name, value in shown.items()})


def _text(draft: str, kept: Kept) -> DraftText:
    formatted = "It has formatting, which is not shown." if kept.formatted else ""
    note = notes_of(formatted, CUT if len(kept.text) > LONGEST_DRAFT else "")
    return DraftText(draft=draft, **draft_words(kept.draft()), note=note)
