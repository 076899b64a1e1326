"""The tools that look: searching mail, listing folders, reading conversations. All answer from the mirror."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Annotated

from sqlalchemy import Connection

from connectors.mail import mirror, search
from connectors.mail.connector import MessageId, connector, owner_of
from connectors.mail.event_mails import about_event, calendars_of
from connectors.mail.invitation_views import MailInvitation, invitation_view, standing_of
from connectors.mail.itip import read_invitation
from connectors.mail.search import Found, Query
from connectors.mail.threads import conversation
from connectors.mail.views import (
    FolderList,
    FolderView,
    MailSummary,
    MailThread,
    SearchResult,
    outside,
    summary_of,
    text_of_mail,
)
from openassistant.connector import Context, Field, OutsideText

__all__ = ["folders_list", "messages_search", "threads_read"]

_MOST_IN_THREAD = 30
_LONGEST_THREAD = 60_000
_MOST_LOOSE = 10
_AROUND = 120
_STILL_READING = "The mailbox is still being read, so there may be more."

_Person = Annotated[str | None, Field(description="A name or address, or a part of it", max_length=200)]


@connector.tool(effect="read")
async def messages_search(
    ctx: Context,
    query: Annotated[
        str,
        Field(
            description="Words that must all occur, or nothing for the newest mails. Also: from:carol to:ada"
            ' subject:lease "exact words" in:archive is:unread is:flagged has:attachment has:invitation'
            " after:2026-01-31 before:2026-02-28, OR between words",
            max_length=1000,
        ),
    ] = "",
    sender: _Person = None,
    recipient: _Person = None,
    after: Annotated[date | None, Field(description="Sent on this day or later, like 2026-01-31")] = None,
    before: Annotated[date | None, Field(description="Sent before this day")] = None,
    folder: Annotated[
        str | None, Field(description="A folder's name, or inbox, sent, archive, junk, trash", max_length=200)
    ] = None,
    has_attachment: Annotated[bool | None, Field(description="With or without attachments")] = None,
    unread: Annotated[bool | None, Field(description="Only unread, or only read mails")] = None,
    flagged: Annotated[bool | None, Field(description="Only starred mails, or only others")] = None,
    limit: Annotated[int, Field(description="How many mails at most", ge=1, le=100)] = 20,
) -> SearchResult:
    """Search the user's mail, newest first. Spam and trash are left out unless their folder is named."""
    wanted = search.parse_query(query)
    wanted = wanted.by("from", sender or "").by("to", recipient or "").between(after, before)
    wanted = wanted._replace(
        folder=folder or wanted.folder,
        attached=wanted.attached if has_attachment is None else has_attachment,
        unread=wanted.unread if unread is None else unread,
        flagged=wanted.flagged if flagged is None else flagged,
    )
    account = owner_of(ctx)
    return await ctx.store.read(lambda connection: _searched(connection, account, wanted, limit))


@connector.tool(effect="read")
async def folders_list(ctx: Context) -> FolderList:
    """List the mailbox's folders with how many mails they hold."""
    account = owner_of(ctx)

    def read(connection: Connection) -> FolderList:
        counted = search.folders(connection, account)
        views = [
            FolderView(
                name=OutsideText(text=each.name, source="the name of a folder"),
                role=each.role,
                mails=each.mails,
                unread=each.unread,
                read=each.complete,
            )
            for each in counted
        ]
        note = "" if views and all(each.read for each in views) else _STILL_READING
        return FolderList(folders=views, note=note)

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def threads_read(
    ctx: Context,
    message: MessageId,
    *,
    quotes: Annotated[
        bool, Field(description="Also what mails repeat of earlier mails of the same conversation")
    ] = False,
) -> MailThread:
    """Read a mail in full, with the conversation that it belongs to, oldest first. Repeated text is folded."""
    account = owner_of(ctx)

    def read(connection: Connection) -> tuple[MailThread, list[Found]]:
        chosen = search.message(connection, account, message)
        found = conversation(connection, account, chosen, limit=_MOST_IN_THREAD)
        texts = search.texts(connection, [each.id for each in found])
        longest = max(_LONGEST_THREAD // len(found), 2_000)
        note = f"Only the newest {_MOST_IN_THREAD} mails are shown." if len(found) == _MOST_IN_THREAD else ""
        views = [
            text_of_mail(each, texts.get(each.id, ""), longest=longest, fold=bool(place) and not quotes)
            for place, each in enumerate(found)
        ]
        return MailThread(messages=views, note=note), found

    thread, found = await ctx.store.read(read)
    return await _with_invitations(ctx, thread, [each for each in found if each.invitation])


async def _with_invitations(ctx: Context, thread: MailThread, found: list[Found]) -> MailThread:
    """A conversation with what its mails say about events, and how each of these stands."""
    if not found:
        return thread
    account, address = owner_of(ctx), str((await ctx.credentials()).settings.get("address", "")).lower()

    def read(connection: Connection) -> dict[str, MailInvitation]:
        own = [address, *search.own_addresses(connection, account)]
        kept = calendars_of(connection, [each.id for each in found])
        views: dict[str, MailInvitation] = {}
        for each in found:
            if (invitation := read_invitation(kept.get(each.id, ""))) is not None:
                standing = standing_of(invitation, each, about_event(connection, account, invitation.uid), own)
                views[str(each.id)] = invitation_view(invitation, each, standing, partial(outside, each))
        return views

    views = await ctx.store.read(read)
    mails = [each.model_copy(update={"invitation": views.get(each.id)}) for each in thread.messages]
    return thread.model_copy(update={"messages": mails})


def _searched(connection: Connection, account: str, wanted: Query, limit: int) -> SearchResult:
    if wanted.folder:
        wanted = wanted._replace(place=search.folder_named(connection, account, wanted.folder).path)
    found = search.find(connection, account, wanted, limit=limit)
    loosened = not found and bool(wanted.loose)
    if loosened:
        found = search.find(connection, account, wanted, limit=min(limit, _MOST_LOOSE), loose=True)
    texts = search.texts(connection, [each.id for each in found]) if wanted.words else {}
    summaries = [_summary(each, texts.get(each.id, ""), wanted) for each in found]
    notes = _notes(connection, account, loosened=loosened and bool(found), full=len(found) == limit)
    return SearchResult(messages=summaries, note=notes)


def _summary(found: Found, text: str, wanted: Query) -> MailSummary:
    return summary_of(found, _passage(text, wanted.words))


def _passage(text: str, words: tuple[str, ...]) -> str:
    """The text around the first of the words that occurs in it; "" when none does."""
    for word in words:
        if place := re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
            start, end = max(place.start() - _AROUND, 0), place.end() + _AROUND
            return ("…" if start else "") + " ".join(text[start:end].split()) + ("…" if end < len(text) else "")
    return ""


def _notes(connection: Connection, account: str, *, loosened: bool, full: bool) -> str:
    notes = ["No mail has all of these words; these have some of them."] if loosened else []
    if full and not loosened:
        notes.append("There may be older ones: narrow the search, or look before the last date.")
    states = mirror.folder_states(connection, account).values()
    if not states or not all(state.complete for state in states):
        notes.append(_STILL_READING)
    return " ".join(notes)
