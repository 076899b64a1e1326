"""The tools that look: folders, searching, reading mails and conversations, what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import api_of, local_zone, owner_of
from connectors.outlook_mail.card import Zone, connector
from connectors.outlook_mail.letters import SELECT, is_id
from connectors.outlook_mail.mirror import Folder
from connectors.outlook_mail.query import kql_of
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.texts import conversation_texts, take, text_of, texts_of
from connectors.outlook_mail.views import (
    ChangeList,
    FolderList,
    FolderView,
    MailText,
    MailThread,
    SearchResult,
    change_view,
    summary_of,
    text_of_mail,
)
from openassistant.connector import Context, Field, OutsideText
from openassistant.errors import OaError
from openassistant.formats.moments import aware, moment
from openassistant.mails.arguments import Flagged, HasAttachment, InFolder, Limit, MessageId, Person, Quotes, Unread
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
from openassistant.mails.views import notes_of

__all__ = ["changes_list", "folders_list", "messages_get", "messages_search", "threads_read"]

_LONGEST_MAIL = 100_000
_FROM_MICROSOFT = "25"
_PATIENCE = 8.0
"""Seconds that Microsoft's own search is waited for; what the mirror finds is given without it."""
_CHANGES = timedelta(days=30)
_ALONE = "Microsoft could not be asked, so only what was read before was searched."
_UNASKED = "Microsoft could not be asked, so there may be more, and some texts are not complete."


@connector.tool(effect="read", capability="read")
async def messages_search(
    ctx: Context,
    query: Annotated[
        str,
        Field(
            description="Words that must all occur, or nothing for the newest mails. Also: from:carol to:ada"
            ' subject:lease "exact words" in:archive is:unread is:flagged has:attachment'
            " after:2026-01-31 before:2026-02-28, OR between words",
            max_length=1000,
        ),
    ] = "",
    sender: Person = None,
    recipient: Person = None,
    after: Annotated[date | None, Field(description="Came on this day or later, like 2026-01-31")] = None,
    before: Annotated[date | None, Field(description="Came before this day")] = None,
    folder: InFolder = None,
    has_attachment: HasAttachment = None,
    unread: Unread = None,
    flagged: Flagged = None,
    limit: Limit = 20,
) -> SearchResult:
    """Search the user's mail, newest first. Spam and trash are left out unless their folder is named."""
    wanted = parse_query(query).by("from", sender or "").by("to", recipient or "").between(after, before)
    wanted = wanted.narrowed(folder=folder, unread=unread, flagged=flagged, attached=has_attachment)
    owner = owner_of(ctx)

    def look(connection: Connection) -> tuple[Folder | None, list[Found]]:
        place = search.folder_named(connection, owner, wanted.folder) if wanted.folder else None
        return place, search.find(connection, owner, wanted, limit=limit, place=place)

    place, found = await ctx.store.read(look)
    notes: list[str] = []
    if wanted.match and len(found) < limit:
        found = await _with_microsofts(ctx, wanted, place, found, limit=limit, notes=notes)
    if not found and wanted.loose:
        loose = min(limit, MOST_LOOSE)
        found = await ctx.store.read(lambda c: search.find(c, owner, wanted, limit=loose, place=place, loose=True))
        notes += [LOOSENED] if found else []
    elif len(found) == limit:
        notes.append(OLDER)
    return await _result(ctx, wanted, found, notes)


@connector.tool(effect="read", capability="read")
async def folders_list(ctx: Context) -> FolderList:
    """List the mailbox's folders with how many mails they hold."""
    owner = owner_of(ctx)
    counted = await ctx.store.read(lambda c: search.counts(c, owner))
    views = [
        FolderView(
            name=OutsideText(text=each.folder.name, source="the name of a folder"),
            role=each.folder.role,
            mails=each.mails,
            unread=each.unread,
            read=each.folder.complete,
        )
        for each in counted
    ]
    return FolderList(folders=views, note=_unread([each.folder for each in counted]))


@connector.tool(effect="read", capability="read")
async def messages_get(ctx: Context, message: MessageId) -> MailText:
    """Read one mail in full. For the conversation that it belongs to, use threads_read."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: search.message(c, owner, message))
    text, formatted = await text_of(ctx, found)
    return text_of_mail(found, text, formatted=formatted, longest=_LONGEST_MAIL)


@connector.tool(effect="read", capability="read")
async def threads_read(ctx: Context, message: MessageId, *, quotes: Quotes = False) -> MailThread:
    """Read a mail in full, with the conversation that it belongs to, oldest first. Repeated text is folded."""
    owner = owner_of(ctx)
    chosen = await ctx.store.read(lambda c: search.message(c, owner, message))
    unasked = await _bring(ctx, chosen)

    def read(connection: Connection) -> list[Found]:
        found = search.message(connection, owner, message)
        return search.conversation(connection, owner, found, limit=MOST_IN_THREAD)

    found = await ctx.store.read(read)
    texts = await texts_of(ctx, found)
    if chosen.letter.draft:
        texts[chosen.id] = await text_of(ctx, chosen)
    longest, note = share(len(found)), notes_of(newest_alone(cut=len(found) == MOST_IN_THREAD), unasked)
    views = [_view(each, texts, longest=longest, fold=bool(place) and not quotes) for place, each in enumerate(found)]
    return MailThread(messages=views, note=note)


@connector.tool(effect="read", capability="read")
async def changes_list(
    ctx: Context,
    since: Annotated[str, Field(description="ISO 8601: a time or a day, at most 30 days ago", max_length=40)],
    zone: Zone = None,
    limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 50,
) -> ChangeList:
    """List which mails came, changed or went since a time, as this house noticed it, newest first."""
    owner, local = owner_of(ctx), local_zone(ctx, zone)
    begin = aware(moment(since, "since", local), local)
    found = await ctx.store.read(lambda c: mirror.changes_since(c, owner, begin, limit=limit + 1))
    known = await ctx.store.read(lambda c: mirror.folders(c, owner))
    note = notes_of(
        f"Only the newest {limit} are shown." if len(found) > limit else "",
        "Changes are kept for 30 days." if begin < ctx.now() - _CHANGES else "",
        _unread(known),
    )
    return ChangeList(changes=[change_view(each) for each in found[:limit]], note=note)


async def _with_microsofts(
    ctx: Context, wanted: Query, place: Folder | None, found: list[Found], *, limit: int, notes: list[str]
) -> list[Found]:
    """What was found, and what Microsoft's own search finds: it knows the texts of mails that were never read here."""
    kql, owner = kql_of(wanted), owner_of(ctx)
    if not kql:
        return found
    try:
        async with asyncio.timeout(min(_PATIENCE, ctx.seconds)):
            page = await (await api_of(ctx)).get("me/messages", _asked(kql))
    except (OaError, TimeoutError):
        notes.append(_ALONE)
        return found
    raw = [each for each in page.get("value") or [] if isinstance(each, dict) and is_id(each.get("id"))]
    await take(ctx, raw)
    refs = [str(each["id"]) for each in raw]
    more = await ctx.store.read(lambda c: search.find(c, owner, wanted, limit=limit, place=place, refs=refs))
    both = {each.id: each for each in (*found, *more)}
    return sorted(both.values(), key=lambda each: each.letter.at, reverse=True)[:limit]


def _asked(kql: str) -> Mapping[str, str]:
    return {"$search": kql, "$select": SELECT, "$top": _FROM_MICROSOFT}


async def _result(ctx: Context, wanted: Query, found: list[Found], notes: list[str]) -> SearchResult:
    owner = owner_of(ctx)
    texts = await texts_of(ctx, found) if wanted.words else {}
    summaries = [summary_of(each, passage(texts.get(each.id, ("", False))[0], wanted.words)) for each in found]
    unread = _unread(await ctx.store.read(lambda c: mirror.folders(c, owner)))
    return SearchResult(messages=summaries, note=" ".join([*notes, unread] if unread else notes))


async def _bring(ctx: Context, chosen: Found) -> str:
    """Brings what of a conversation is not known; gives a note where Microsoft could not be asked."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[list[Found], bool]:
        found = search.conversation(connection, owner, chosen, limit=MOST_IN_THREAD)
        return found, all(each.complete for each in mirror.folders(connection, owner))

    found, complete = await ctx.store.read(read)
    if complete and len(await texts_of(ctx, found)) == sum(not each.letter.draft for each in found):
        return ""
    try:
        if chosen.letter.conversation:
            await conversation_texts(ctx, chosen.letter.conversation)
        if not chosen.letter.draft:
            await text_of(ctx, chosen)
    except OaError:
        if not chosen.letter.draft and chosen.id not in await texts_of(ctx, [chosen]):
            raise
        return _UNASKED
    return ""


def _view(found: Found, texts: Mapping[int, tuple[str, bool]], *, longest: int, fold: bool) -> MailText:
    text, formatted = texts.get(found.id, (None, False))
    return text_of_mail(found, text, formatted=formatted, longest=longest, fold=fold)


def _unread(known: list[Folder]) -> str:
    """What a reader of an account should know: that not all is read yet."""
    return "" if known and all(each.complete for each in known) else UNREAD
