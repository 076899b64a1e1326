"""The tools of the mail connector."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.mail import mirror, outgoing, search
from connectors.mail.account import account_of
from connectors.mail.check import check_account
from connectors.mail.drafts import Draft, new_draft, outgoing_of, preview_of, reply_draft
from connectors.mail.folders import Folder
from connectors.mail.moves import move_mail, was_moved
from connectors.mail.search import Found, Query
from connectors.mail.sync import sync_mailbox
from connectors.mail.views import (
    DraftSaved,
    MailMoved,
    MailSent,
    MailSummary,
    MailThread,
    SearchResult,
    source_of,
    summary_of,
    text_of_mail,
)
from openassistant.connector import CheckStep, Connector, Context, Field, Preview
from openassistant.errors import AccountRequired, Conflict
from openassistant.messages import Call, OutsideSource, PreviewField, ToolResult

connector = Connector(__file__)

_MOST_IN_THREAD = 30
_LONGEST_THREAD = 60_000
_MOST_LOOSE = 10
_AROUND = 120
_LATER = "The copy in the folder of sent mail follows with the next sync."

MessageId = Annotated[str, Field(description="The id of a mail, as messages_search gives it", max_length=40)]
People = Annotated[
    list[Annotated[str, Field(max_length=400)]],
    Field(description="Recipients, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Copies = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None, Field(description="More recipients, in copy", max_length=100)
]
BlindCopies = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="More recipients, whom the others do not see", max_length=100),
]
Subject = Annotated[str, Field(description="The subject: one line", max_length=500)]
Text = Annotated[str, Field(description="The whole text, plain, with greeting and name below", max_length=1_000_000)]


@connector.tool(effect="read")
async def messages_search(
    ctx: Context,
    query: Annotated[
        str,
        Field(
            description="Words that must all occur, or nothing for the newest mails. Also: from:carol to:ada"
            ' subject:lease "exact words" in:archive is:unread after:2026-01-31 before:2026-02-28, OR between words',
            max_length=1000,
        ),
    ],
    limit: Annotated[int, Field(description="How many mails at most", ge=1, le=100)] = 20,
) -> SearchResult:
    """Search the user's mail, newest first. Spam and trash are left out unless in: names them."""
    account, wanted = _account(ctx), search.parse_query(query)

    def read(connection: Connection) -> SearchResult:
        found = search.find(connection, account, wanted, limit=limit)
        loosened = not found and bool(wanted.loose)
        if loosened:
            found = search.find(connection, account, wanted, limit=min(limit, _MOST_LOOSE), loose=True)
        texts = search.texts(connection, [each.id for each in found]) if wanted.words else {}
        summaries = [_summary(each, texts.get(each.id, ""), wanted) for each in found]
        return SearchResult(
            messages=summaries, note=_search_note(connection, account, loosened=loosened and bool(found))
        )

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def threads_read(ctx: Context, message: MessageId) -> MailThread:
    """Read a mail in full, with the conversation that it belongs to, oldest first."""
    account = _account(ctx)

    def read(connection: Connection) -> MailThread:
        chosen = search.message(connection, account, message)
        found = search.thread(connection, account, chosen.thread, limit=_MOST_IN_THREAD) or [chosen]
        texts = search.texts(connection, [each.id for each in found])
        longest = max(_LONGEST_THREAD // len(found), 2_000)
        note = f"Only the newest {_MOST_IN_THREAD} mails are shown." if len(found) == _MOST_IN_THREAD else ""
        views = [text_of_mail(each, texts.get(each.id, ""), longest=longest) for each in found]
        return MailThread(messages=views, note=note)

    return await ctx.store.read(read)


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


@connector.tool(effect="write")
async def messages_move(
    ctx: Context,
    message: MessageId,
    folder: Annotated[
        str, Field(description="Where to: the name of a folder, or inbox, archive, junk, trash", max_length=200)
    ],
) -> MailMoved:
    """Move a mail to another folder, for example to the archive or the trash."""
    found, to = await _move_of(ctx, message, folder)
    if found.folder.path != to.path:
        await move_mail(ctx, await account_of(ctx), found, to)
    return MailMoved(message=message, folder=to.name, came_from=found.folder.name)


@messages_move.preview
async def preview_move(ctx: Context, message: str, folder: str) -> Preview:
    """Which mail goes from where to where."""
    found, to = await _move_of(ctx, message, folder)
    authors = (found.sender.address,) if found.sender.address else ()
    rows = {"Mail": found.subject, "Sender": found.sender.shown, "Out of": found.folder.name, "Into": to.name}
    return Preview(
        verb="Move a mail",
        confirm="Move",
        account=(await account_of(ctx)).address,
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
        outside=(OutsideSource(source=source_of(found), authors=authors),),
    )


@messages_move.reconcile
async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    given = messages_move.parse(call.arguments)
    found, to = await _move_of(ctx, given["message"], given["folder"])
    if not await was_moved(ctx, await account_of(ctx), found, to):
        return None
    moved = MailMoved(message=given["message"], folder=to.name, came_from=found.folder.name)
    return messages_move.result(moved)


@messages_move.undo
async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> MailMoved:
    """Moves it back where it came from."""
    return await messages_move(ctx, message=result["message"], folder=result["came_from"])


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Signs in to both servers."""
    async for step in check_account(ctx):
        yield step


@connector.sync
async def sync(ctx: Context) -> None:
    """Brings the mirror up to date."""
    await sync_mailbox(ctx)


@connector.forget
async def forget(ctx: Context) -> None:
    """Deletes the mirror of a removed account."""
    await ctx.store.write(lambda connection: mirror.forget(connection, _account(ctx)))


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
    owner, account = _account(ctx), await account_of(ctx)
    found = await ctx.store.read(lambda connection: search.message(connection, owner, message))
    return reply_draft(account, found, text)


async def _move_of(ctx: Context, message: str, folder: str) -> tuple[Found, Folder]:
    owner = _account(ctx)

    def read(connection: Connection) -> tuple[Found, Folder]:
        return search.message(connection, owner, message), search.folder_named(connection, owner, folder)

    return await ctx.store.read(read)


def _account(ctx: Context) -> str:
    if ctx.account is None:
        raise AccountRequired("Connect a mail account first.")
    return ctx.account


def _summary(found: Found, text: str, wanted: Query) -> MailSummary:
    return summary_of(found, _passage(text, wanted.words))


def _passage(text: str, words: tuple[str, ...]) -> str:
    """The text around the first of the words that occurs in it; "" when none does."""
    for word in words:
        if place := re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
            start, end = max(place.start() - _AROUND, 0), place.end() + _AROUND
            return ("…" if start else "") + " ".join(text[start:end].split()) + ("…" if end < len(text) else "")
    return ""


def _search_note(connection: Connection, account: str, *, loosened: bool) -> str:
    notes = ["No mail has all of these words; these have some of them."] if loosened else []
    states = mirror.folder_states(connection, account).values()
    if not states or not all(state.complete for state in states):
        notes.append("The mailbox is still being read, so there may be more.")
    return " ".join(notes)
