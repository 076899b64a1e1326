"""The tools that look: searching mail, reading mails and conversations, labels, and what happened lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.card import MessageId, connector, owner_of
from connectors.gmail.changes import Change, changes
from connectors.gmail.gmail import Gmail, gmail_of, ids_in
from connectors.gmail.letters import Letter, letter_of, mail_of
from connectors.gmail.mirror import Filter
from connectors.gmail.views import (
    LabelList,
    LabelView,
    MailChange,
    MailChanges,
    MailText,
    MailThread,
    SearchResult,
    label_text,
    summary_of,
    text_of_mail,
)
from openassistant.connector import Context, Field
from openassistant.errors import DeadlineExceeded, NotFound, RateLimited, Unavailable
from openassistant.mails.arguments import After, Before, Flagged, HasAttachment, Limit, Person, Quotes, Start, Unread
from openassistant.mails.reading import MOST_IN_THREAD, OLDER, newest_alone, share
from openassistant.mails.views import outside

__all__ = ["changes_list", "keep", "labels_list", "messages_read", "messages_search", "threads_read"]

_LONGEST = 40_000
_WHOLE = 48 * 1024 * 1024
"""Bytes of a conversation as Gmail gives it, without its files."""
_STILL_READING = "The mailbox is still being read, newest first, so there may be more."
_AWAY = "Gmail cannot be asked at the moment, so only headers and beginnings of the mails known here were searched."


@connector.tool(effect="read", capability="read")
async def messages_search(
    ctx: Context,
    query: Annotated[
        str,
        Field(
            description="As in Gmail's own search: words that must all occur, or nothing for the newest mails. Also:"
            ' from:carol to:ada subject:lease "exact words" in:sent label:flat is:unread has:attachment filename:pdf'
            " older_than:1y larger:5M, OR between words, - before what must not be",
            max_length=1000,
        ),
    ] = "",
    sender: Person = None,
    recipient: Person = None,
    after: After = None,
    before: Before = None,
    folder: Annotated[
        str | None, Field(description="A label's name, or inbox, sent, drafts, spam, trash", max_length=200)
    ] = None,
    has_attachment: HasAttachment = None,
    unread: Unread = None,
    flagged: Flagged = None,
    limit: Limit = 20,
) -> SearchResult:
    """Search the user's mail, newest first, texts included. Spam and trash are left out unless they are named."""
    owner = owner_of(ctx)
    label = ""
    if folder:
        label = (await ctx.store.read(lambda c: mirror.label_named(c, owner, folder))).id
    narrowed = Filter(
        sender=sender or "",
        recipient=recipient or "",
        label=label,
        attached=has_attachment,
        unread=unread,
        flagged=flagged,
        since=_moment(ctx, after) if after else 0,
        until=_moment(ctx, before) if before else 1 << 62,
    )
    notes: list[str] = []
    try:
        found = await _asked(ctx, query, narrowed, limit)
    except (Unavailable, RateLimited, DeadlineExceeded):
        found = await ctx.store.read(lambda c: mirror.find(c, owner, query, narrowed, limit=limit))
        notes.append(_AWAY)
        if not (await ctx.store.read(lambda c: mirror.account(c, owner))).complete:
            notes.append(_STILL_READING)
    if len(found) == limit:
        notes.append(OLDER)
    names = await _names(ctx)
    return SearchResult(messages=[summary_of(each, names) for each in found], note=" ".join(notes))


@connector.tool(effect="read", capability="read")
async def threads_read(ctx: Context, message: MessageId, *, quotes: Quotes = False) -> MailThread:
    """Read a mail in full, with the conversation that it belongs to, oldest first. Repeated text is folded."""
    gmail = await gmail_of(ctx)
    chosen = await _known(ctx, gmail, message)
    answer = await gmail.api.call("GET", f"threads/{chosen.thread}", params={"format": "full"}, limit=_WHOLE)
    listed = answer.get("messages")
    described = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    read = [await _read(ctx, each) for each in described[-MOST_IN_THREAD:]]
    shown = [(letter, text) for letter, text in read if "DRAFT" not in letter.labels or letter.id == message]
    if not shown:
        raise NotFound("There is no such mail (any more). Search for it again.")
    names = await _names(ctx)
    views = [
        text_of_mail(letter, text, names, longest=share(len(shown)), fold=bool(place) and not quotes)
        for place, (letter, text) in enumerate(shown)
    ]
    return MailThread(messages=views, note=newest_alone(cut=len(described) > MOST_IN_THREAD))


@connector.tool(effect="read", capability="read")
async def messages_read(
    ctx: Context,
    message: MessageId,
    start: Start = 0,
) -> MailText:
    """Read one mail in full, without the conversation that it belongs to."""
    gmail = await gmail_of(ctx)
    described = await gmail.api.call("GET", f"messages/{message}", params={"format": "full"}, limit=_WHOLE)
    letter, text = await _read(ctx, described)
    return text_of_mail(letter, text, await _names(ctx), longest=_LONGEST, start=start)


@connector.tool(effect="read", capability="read")
async def labels_list(ctx: Context) -> LabelList:
    """List the labels of the mailbox, Gmail's own and the user's."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.labels(c, owner))
    views = [LabelView(id=each.id, name=label_text(each.name), type=each.type) for each in found]
    return LabelList(labels=views, note="" if found else _STILL_READING)


@connector.tool(effect="read", capability="read")
async def changes_list(
    ctx: Context,
    hours: Annotated[int, Field(description="How far to look back", ge=1, le=24 * 30)] = 24,
    limit: Annotated[int, Field(description="How many changes at most", ge=1, le=200)] = 50,
) -> MailChanges:
    """List what happened in the mailbox lately: mails that came, were deleted, or got other labels."""
    owner = owner_of(ctx)
    since = int((ctx.now() - timedelta(hours=hours)).timestamp())

    def read(connection: Connection) -> MailChanges:
        found = changes(connection, owner, since=since, limit=limit)
        known = {each.id: each for each in mirror.letters(connection, owner, [each.message for each in found])}
        complete = mirror.account(connection, owner).complete
        views = [_change(each, known.get(each.message)) for each in found]
        return MailChanges(changes=views, note="" if complete else _STILL_READING)

    return await ctx.store.read(read)


async def keep(ctx: Context, letters: Sequence[Letter]) -> None:
    """Puts mails into the mirror as Gmail just described them."""
    owner = owner_of(ctx)

    def write(connection: Connection) -> None:
        mirror.put(connection, owner, letters, round=mirror.account(connection, owner).round)

    await ctx.store.write(write)


async def _asked(ctx: Context, query: str, narrowed: Filter, limit: int) -> list[Letter]:
    """What Gmail finds; mails that are not known here yet are read."""
    owner, gmail = owner_of(ctx), await gmail_of(ctx)
    wanted = _query(query, narrowed)
    params: dict[str, str] = {"maxResults": str(limit), "fields": "messages(id),nextPageToken"}
    params |= {"q": wanted} if wanted else {}
    params |= {"labelIds": narrowed.label} if narrowed.label else {}
    params |= {"includeSpamTrash": "true"} if narrowed.label in ("SPAM", "TRASH") else {}
    ids = ids_in(await gmail.api.get("messages", **params), "messages")[:limit]
    known = await ctx.store.read(lambda c: mirror.known_ids(c, owner, ids))
    new = await gmail.letters([each for each in ids if each not in known])
    await keep(ctx, new)
    return await ctx.store.read(lambda c: mirror.letters(c, owner, ids))


def _query(query: str, narrowed: Filter) -> str:
    """The search in Gmail's words; values that are given apart cannot say anything else than themselves."""
    words = [f"({query.strip()})"] if query.strip() else []
    for name, value in (("from", narrowed.sender), ("to", narrowed.recipient)):
        words += [f'{name}:"{plain}"'] if (plain := _plain(value)) else []
    for name, wanted in (
        ("has:attachment", narrowed.attached),
        ("is:unread", narrowed.unread),
        ("is:starred", narrowed.flagged),
    ):
        words += [name if wanted else f"-{name}"] if wanted is not None else []
    words += [f"after:{narrowed.since // 1000}"] if narrowed.since else []
    words += [f"before:{narrowed.until // 1000}"] if narrowed.until < 1 << 62 else []
    return " ".join(words)


def _plain(value: str) -> str:
    return " ".join("".join(c if c.isprintable() and c not in '"\\(){}' else " " for c in value).split())


def _moment(ctx: Context, day: date) -> int:
    """The first millisecond of a day where its owner lives; what Gmail is told of days alone means California's."""
    try:
        zone = ZoneInfo(ctx.zone) if ctx.zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return max(int(datetime.combine(day, time(), zone).timestamp() * 1000), 1000)


async def _known(ctx: Context, gmail: Gmail, message: str) -> Letter:
    """A mail of the mirror, or as Gmail describes it; raises `NotFound`."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.letters(c, owner, [message]))
    if found:
        return found[0]
    letter = await gmail.letter(message)
    await keep(ctx, [letter])
    return letter


async def _read(ctx: Context, described: dict[str, Any]) -> tuple[Letter, str]:
    """A mail and its text, which are remembered from now on."""
    owner, letter = owner_of(ctx), letter_of(described)
    mail = mail_of(described)
    letter = letter._replace(problem=mail.problem or letter.problem)

    def write(connection: Connection) -> None:
        mirror.put(connection, owner, [letter], round=mirror.account(connection, owner).round)
        mirror.note_text(connection, owner, letter.id, mail.text)

    await ctx.store.write(write)
    return letter, mail.text


async def _names(ctx: Context) -> dict[str, str]:
    owner = owner_of(ctx)
    return {each.id: each.name for each in await ctx.store.read(lambda c: mirror.labels(c, owner))}


def _change(change: Change, letter: Letter | None) -> MailChange:
    return MailChange(
        message=change.message,
        what=change.what,
        time=datetime.fromtimestamp(change.time, UTC),
        labels=list(change.labels),
        sender=outside(letter, letter.sender.shown) if letter else None,
        subject=outside(letter, letter.subject) if letter else None,
    )
