"""The tools that look: searching mail, listing folders, reading conversations. All answer from the mirror."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from sqlalchemy import Connection

from connectors.mail import mirror, search
from connectors.mail.connector import connector, owner_of
from connectors.mail.event_mails import about_event, calendars_of
from connectors.mail.invitation_views import MailInvitation, invitation_view, standing_of
from connectors.mail.itip import read_invitation
from connectors.mail.search import Found
from connectors.mail.threads import conversation
from connectors.mail.views import (
    FolderList,
    FolderView,
    MailThread,
    SearchResult,
    summary_of,
    text_of_mail,
)
from openassistant.connector import Context, Field, OutsideText
from openassistant.mails.arguments import (
    After,
    Before,
    Flagged,
    HasAttachment,
    InFolder,
    Limit,
    MessageId,
    Person,
    Quotes,
    Unread,
)
from openassistant.mails.query import Query, parse_query
from openassistant.mails.reading import (
    LOOSENED,
    MOST_IN_THREAD,
    MOST_LOOSE,
    OLDER,
    UNREAD,
    newest_alone,
    passage,
    share,
)
from openassistant.mails.views import outside

__all__ = ["folders_list", "messages_search", "threads_read"]


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
    sender: Person = None,
    recipient: Person = None,
    after: After = None,
    before: Before = None,
    folder: InFolder = None,
    has_attachment: HasAttachment = None,
    unread: Unread = None,
    flagged: Flagged = None,
    limit: Limit = 20,
) -> SearchResult:
    """Search the user's mail, newest first. Spam and trash are left out unless their folder is named."""
    wanted = parse_query(query, invitations=True).by("from", sender or "").by("to", recipient or "")
    wanted = wanted.between(after, before)
    wanted = wanted.narrowed(folder=folder, unread=unread, flagged=flagged, attached=has_attachment)
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
        note = "" if views and all(each.read for each in views) else UNREAD
        return FolderList(folders=views, note=note)

    return await ctx.store.read(read)


@connector.tool(effect="read")
async def threads_read(ctx: Context, message: MessageId, *, quotes: Quotes = False) -> MailThread:
    """Read a mail in full, with the conversation that it belongs to, oldest first. Repeated text is folded."""
    account = owner_of(ctx)

    def read(connection: Connection) -> tuple[MailThread, list[Found]]:
        chosen = search.message(connection, account, message)
        found = conversation(connection, account, chosen, limit=MOST_IN_THREAD)
        texts = search.texts(connection, [each.id for each in found])
        longest, note = share(len(found)), newest_alone(cut=len(found) == MOST_IN_THREAD)
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
    place = search.folder_named(connection, account, wanted.folder).path if wanted.folder else None
    found = search.find(connection, account, wanted, limit=limit, place=place)
    loosened = not found and bool(wanted.loose)
    if loosened:
        found = search.find(connection, account, wanted, limit=min(limit, MOST_LOOSE), place=place, loose=True)
    texts = search.texts(connection, [each.id for each in found]) if wanted.words else {}
    summaries = [summary_of(each, passage(texts.get(each.id, ""), wanted.words)) for each in found]
    notes = _notes(connection, account, loosened=loosened and bool(found), full=len(found) == limit)
    return SearchResult(messages=summaries, note=notes)


def _notes(connection: Connection, account: str, *, loosened: bool, full: bool) -> str:
    notes = [LOOSENED] if loosened else []
    if full and not loosened:
        notes.append(OLDER)
    states = mirror.folder_states(connection, account).values()
    if not states or not all(state.complete for state in states):
        notes.append(UNREAD)
    return " ".join(notes)
