"""The tools that file mails: flags, moves, archive, spam and trash. Each can be taken back; none deletes for good."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from sqlalchemy import Connection

from connectors.mail import mirror, search
from connectors.mail.account import account_of
from connectors.mail.acts import before_act, note_act
from connectors.mail.connector import MessageId, connector, owner_of
from connectors.mail.folders import Folder
from connectors.mail.imap import Flag, imap_session
from connectors.mail.moves import located, move_mail, was_moved
from connectors.mail.search import Found
from connectors.mail.views import MailFlagged, MailMoved, source_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.messages import Call, OutsideSource, PreviewField, ToolResult

__all__ = ["messages_archive", "messages_flag", "messages_junk", "messages_move", "messages_trash"]

_Role = Literal["archive", "junk", "trash"]
_Folder = Annotated[
    str, Field(description="Where to: the name of a folder, or inbox, archive, junk, trash", max_length=200)
]
_Read = Annotated[bool | None, Field(description="Mark it as read (true) or unread (false)")]
_Star = Annotated[bool | None, Field(description="Set (true) or remove (false) its star")]
_MARKS = {"read": ("\\Seen", Flag.SEEN), "starred": ("\\Flagged", Flag.FLAGGED)}


@connector.tool(effect="write")
async def messages_flag(ctx: Context, message: MessageId, *, read: _Read = None, starred: _Star = None) -> MailFlagged:
    """Mark a mail as read or unread, or set or remove its star."""
    wanted = _wanted(read=read, starred=starred)
    found = await _mail(ctx, message)
    before = await _flags(ctx, found)
    await note_act(ctx, flags=before)
    await _mark(ctx, found, wanted)
    return _flagged(message, wanted, before)


@messages_flag.preview
async def preview_flag(ctx: Context, message: str, *, read: bool | None, starred: bool | None) -> Preview:
    """Which mail gets which mark."""
    wanted = _wanted(read=read, starred=starred)
    words = {("read", True): "read", ("read", False): "unread", ("starred", True): "with a star"}
    marks = ", ".join(words.get(each, "without a star") for each in wanted.items())
    return await _preview(ctx, await _mail(ctx, message), "Mark a mail", "Mark", {"As": marks})


@messages_flag.reconcile
async def find_flags(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the flags that the mail has now."""
    before, given = await before_act(ctx, call.id), messages_flag.parse(call.arguments)
    if before is None:
        return None
    wanted = _wanted(read=given["read"], starred=given["starred"])
    found = await _mail(ctx, given["message"])
    now = await _flags(ctx, found)
    if any(bool(now & _MARKS[name][1]) is not value for name, value in wanted.items()):
        return None
    await _mirror_flags(ctx, found, now)
    return messages_flag.result(_flagged(given["message"], wanted, before["flags"]))


@messages_flag.undo
async def flag_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the marks back that were changed, and no others."""
    wanted = {name: result[f"was_{name}"] for name in _MARKS if result[f"was_{name}"] is not None}
    if wanted:
        await _mark(ctx, await _mail(ctx, result["message"]), wanted)


@connector.tool(effect="write")
async def messages_move(ctx: Context, message: MessageId, folder: _Folder) -> MailMoved:
    """Move a mail to another folder, for example to the archive or the trash."""
    return await _move(ctx, message, folder)


@messages_move.preview
async def preview_move(ctx: Context, message: str, folder: str) -> Preview:
    """Which mail goes from where to where."""
    return await _preview_move(ctx, message, folder, "Move a mail", "Move")


@messages_move.reconcile
async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, messages_move.parse(call.arguments)["folder"])


@messages_move.undo
async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back where it came from."""
    await _move_back(ctx, result)


@connector.tool(effect="write")
async def messages_archive(ctx: Context, message: MessageId) -> MailMoved:
    """Put a mail into the archive: out of the inbox, and found by every search."""
    return await _move(ctx, message, "archive")


@messages_archive.preview
async def preview_archive(ctx: Context, message: str) -> Preview:
    """Which mail goes from where to where."""
    return await _preview_move(ctx, message, "archive", "Archive a mail", "Archive")


@messages_archive.reconcile
async def find_archived(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "archive")


@messages_archive.undo
async def take_out_of_archive(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back where it came from."""
    await _move_back(ctx, result)


@connector.tool(effect="write")
async def messages_junk(ctx: Context, message: MessageId) -> MailMoved:
    """Put a mail into the folder for spam; many providers learn from that."""
    return await _move(ctx, message, "junk")


@messages_junk.preview
async def preview_junk(ctx: Context, message: str) -> Preview:
    """Which mail goes from where to where."""
    return await _preview_move(ctx, message, "junk", "Mark a mail as spam", "Mark as spam")


@messages_junk.reconcile
async def find_junk(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "junk")


@messages_junk.undo
async def take_out_of_junk(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back where it came from."""
    await _move_back(ctx, result)


@connector.tool(effect="write")
async def messages_trash(ctx: Context, message: MessageId) -> MailMoved:
    """Put a mail into the trash. It is not deleted for good; the provider may empty the trash after some time."""
    return await _move(ctx, message, "trash")


@messages_trash.preview
async def preview_trash(ctx: Context, message: str) -> Preview:
    """Which mail goes from where to where."""
    return await _preview_move(ctx, message, "trash", "Put a mail into the trash", "Put into the trash")


@messages_trash.reconcile
async def find_trashed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "trash")


@messages_trash.undo
async def take_out_of_trash(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back where it came from."""
    await _move_back(ctx, result)


async def _move(ctx: Context, message: str, folder: str) -> MailMoved:
    found, to = await _move_of(ctx, message, folder)
    await note_act(ctx, name=found.folder.name, path=found.folder.path.decode("latin-1"), uid=found.uid)
    if found.folder.path != to.path:
        await move_mail(ctx, await account_of(ctx), found, to)
    return MailMoved(message=message, folder=to.name, came_from=found.folder.name)


async def _find_moved(ctx: Context, call: Call, folder: str) -> ToolResult | None:
    """The result of an interrupted move; None when the mail lies where it lay."""
    before, message = await before_act(ctx, call.id), call.arguments["message"]
    if before is None:
        return None
    found, to = await _move_of(ctx, message, folder)
    came_from = Folder(before["path"].encode("latin-1"), before["name"], "")
    moved = MailMoved(message=message, folder=to.name, came_from=came_from.name)
    if came_from.path != to.path:
        earlier = found._replace(folder=came_from, uid=before["uid"])
        if not await was_moved(ctx, await account_of(ctx), earlier, to):
            return None
    return messages_move.result(moved)


async def _move_back(ctx: Context, result: dict[str, Any]) -> None:
    """Moves a mail where it came from, unless it lies there already."""
    found, to = await _move_of(ctx, result["message"], result["came_from"])
    if found.folder.path != to.path:
        await move_mail(ctx, await account_of(ctx), found, to)


async def _preview_move(ctx: Context, message: str, folder: str, verb: str, confirm: str) -> Preview:
    found, to = await _move_of(ctx, message, folder)
    return await _preview(ctx, found, verb, confirm, {"Out of": found.folder.name, "Into": to.name})


async def _preview(ctx: Context, found: Found, verb: str, confirm: str, rows: dict[str, str]) -> Preview:
    authors = (found.sender.address,) if found.sender.address else ()
    rows = {"Mail": found.subject, "Sender": found.sender.shown, **rows}
    return Preview(
        verb=verb,
        confirm=confirm,
        account=(await account_of(ctx)).address,
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
        outside=(OutsideSource(source=source_of(found), authors=authors),),
    )


async def _move_of(ctx: Context, message: str, folder: str) -> tuple[Found, Folder]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Found, Folder]:
        return search.message(connection, owner, message), search.folder_named(connection, owner, folder)

    return await ctx.store.read(read)


async def _mail(ctx: Context, message: str) -> Found:
    owner = owner_of(ctx)
    return await ctx.store.read(lambda connection: search.message(connection, owner, message))


def _wanted(**given: bool | None) -> dict[str, bool]:
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise InvalidRequest("Say what to mark: read or starred, each true or false.")
    return wanted


def _flagged(message: str, wanted: dict[str, bool], before: int) -> MailFlagged:
    was = {f"was_{name}": bool(before & _MARKS[name][1]) for name in wanted}
    return MailFlagged(message=message, **wanted, **was)


async def _flags(ctx: Context, found: Found) -> int:
    """The flags of a mail as the server has them."""

    def ask() -> int:
        uid = located(session, found)
        return session.flags([uid]).get(uid, 0)

    async with imap_session(await account_of(ctx), seconds=ctx.seconds) as session:
        return await asyncio.to_thread(ask)


async def _mark(ctx: Context, found: Found, wanted: dict[str, bool]) -> None:
    """Sets and clears marks on the server, and in the mirror what the server has then."""
    add = [_MARKS[name][0] for name, value in wanted.items() if value]
    remove = [_MARKS[name][0] for name, value in wanted.items() if not value]

    def change() -> int:
        uid = located(session, found)
        session.change_flags([uid], add=add, remove=remove)
        return session.flags([uid]).get(uid, found.flags)

    async with imap_session(await account_of(ctx), seconds=ctx.seconds) as session:
        flags = await asyncio.to_thread(change)
    await _mirror_flags(ctx, found, flags)


async def _mirror_flags(ctx: Context, found: Found, flags: int) -> None:
    await ctx.store.write(lambda connection: mirror.set_flags(connection, found.folder_id, {found.uid: flags}))
