"""The tools that file mails: flags, moves, archive, spam and trash. Each can be taken back; none deletes for good."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.mail import mirror, search
from connectors.mail.account import account_of
from connectors.mail.acts import before_act, note_act
from connectors.mail.connector import connector, owner_of
from connectors.mail.folders import Folder
from connectors.mail.imap import Flag, ImapSession
from connectors.mail.moves import each_one, located, move_mails, moved_of
from connectors.mail.search import Found
from connectors.mail.views import MailsFlagged
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.mails.arguments import MessageIds, Read, Star
from openassistant.mails.previews import filing_preview, named
from openassistant.mails.views import FlaggedMail, MailsMoved, MovedMail
from openassistant.messages import Call, ToolResult

__all__ = ["messages_archive", "messages_flag", "messages_junk", "messages_move", "messages_trash"]

_Folder = Annotated[
    str, Field(description="Where to: the name of a folder, or inbox, archive, junk, trash", max_length=200)
]
_MARKS = {"read": ("\\Seen", Flag.SEEN), "starred": ("\\Flagged", Flag.FLAGGED)}


@connector.tool(effect="write")
async def messages_flag(ctx: Context, messages: MessageIds, *, read: Read = None, starred: Star = None) -> MailsFlagged:
    """Mark mails as read or unread, or set or remove their star."""
    wanted = _wanted(read=read, starred=starred)
    mails = await _mails(ctx, messages)
    before = await _flags(ctx, mails)
    await note_act(ctx, flags=[[each.id, flags] for each, flags in before])
    await _mark(ctx, [(each, wanted) for each, _ in before])
    return _flagged(wanted, before, asked=len(mails))


@messages_flag.preview
async def preview_flag(ctx: Context, messages: list[str], *, read: bool | None, starred: bool | None) -> Preview:
    """Which mails get which mark."""
    wanted = _wanted(read=read, starred=starred)
    words = {("read", True): "read", ("read", False): "unread", ("starred", True): "with a star"}
    marks = ", ".join(words.get(each, "without a star") for each in wanted.items())
    return await _preview(ctx, await _mails(ctx, messages), "Mark", "Mark", {"As": marks})


@messages_flag.reconcile
async def find_flags(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the flags that the mails have now; an interrupted call that marked some of them is carried on."""
    noted, given = await before_act(ctx, call.id), messages_flag.parse(call.arguments)
    if noted is None:
        return None
    wanted = _wanted(read=given["read"], starred=given["starred"])
    before = dict(noted["flags"])
    now = await _flags(ctx, await _mails(ctx, [str(each) for each in before]))
    left = [each for each, flags in now if not _has(flags, wanted)]
    if len(left) == len(now):
        return None
    await _mark(ctx, [(each, wanted) for each in left])
    await _mirror_flags(ctx, [(each, flags) for each, flags in now if each not in left])
    marked = [(each, before[each.id]) for each, _ in now]
    return messages_flag.result(_flagged(wanted, marked, asked=len(given["messages"])))


@messages_flag.undo
async def flag_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the marks back that were changed, and no others."""
    were = {
        each["message"]: {name: each[f"was_{name}"] for name in _MARKS if each[f"was_{name}"] is not None}
        for each in result["mails"]
    }
    await _mark(ctx, [(each, were[str(each.id)]) for each in await _mails(ctx, list(were))])


async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves mails where each came from, unless they lie there already."""
    origins: dict[str, list[str]] = {}
    for each in result["mails"]:
        origins.setdefault(each["came_from"], []).append(each["message"])
    for folder, messages in origins.items():
        mails, to = await _moves_of(ctx, messages, folder)
        away = [each for each in mails if each.folder.path != to.path]
        await move_mails(ctx, await account_of(ctx), away, to)


@connector.tool(effect="write", outside=True)
async def messages_move(ctx: Context, messages: MessageIds, folder: _Folder) -> MailsMoved:
    """Move mails to another folder, for example to the archive or the trash."""
    return await _move(ctx, messages, folder)


@messages_move.preview
async def preview_move(ctx: Context, messages: list[str], folder: str) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, folder, "Move", "Move")


@messages_move.reconcile
async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, messages_move.parse(call.arguments)["folder"])


messages_move.undo(move_back)


@connector.tool(effect="write", outside=True)
async def messages_archive(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the archive: out of the inbox, and found by every search."""
    return await _move(ctx, messages, "archive")


@messages_archive.preview
async def preview_archive(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "archive", "Archive", "Archive")


@messages_archive.reconcile
async def find_archived(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "archive")


messages_archive.undo(move_back)


@connector.tool(effect="write", outside=True)
async def messages_junk(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the folder for spam; many providers learn from that."""
    return await _move(ctx, messages, "junk")


@messages_junk.preview
async def preview_junk(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "junk", "Mark as spam:", "Mark as spam")


@messages_junk.reconcile
async def find_junk(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "junk")


messages_junk.undo(move_back)


@connector.tool(effect="write", outside=True)
async def messages_trash(ctx: Context, messages: MessageIds) -> MailsMoved:
    """Put mails into the trash. They are not deleted for good; the provider may empty it after some time."""
    return await _move(ctx, messages, "trash")


@messages_trash.preview
async def preview_trash(ctx: Context, messages: list[str]) -> Preview:
    """Which mails go from where to where."""
    return await _preview_move(ctx, messages, "trash", "Put into the trash:", "Put into the trash")


@messages_trash.reconcile
async def find_trashed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    return await _find_moved(ctx, call, "trash")


messages_trash.undo(move_back)


async def _move(ctx: Context, messages: list[str], folder: str) -> MailsMoved:
    mails, to = await _moves_of(ctx, messages, folder)
    await note_act(
        ctx, mails=[[each.id, each.folder.name, each.folder.path.decode("latin-1"), each.uid] for each in mails]
    )
    there = [each for each in mails if each.folder.path == to.path]
    moved = await move_mails(ctx, await account_of(ctx), [each for each in mails if each not in there], to)
    return _moved([*there, *moved], to, asked=len(mails))


async def _find_moved(ctx: Context, call: Call, folder: str) -> ToolResult | None:
    """The result of an interrupted move; None when all mails lie where they lay. One half done is carried on."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    before = {number: (Folder(path.encode("latin-1"), name, ""), uid) for number, name, path, uid in noted["mails"]}
    mails, to = await _moves_of(ctx, [str(each) for each in before], folder)
    earlier = [each._replace(folder=before[each.id][0], uid=before[each.id][1]) for each in mails]
    there = [each for each in earlier if each.folder.path == to.path]
    others = [each for each in earlier if each not in there]
    account = await account_of(ctx)
    moved = await moved_of(ctx, account, others, to)
    if not moved and not there:
        return None
    moved += await move_mails(ctx, account, [each for each in others if each not in moved], to)
    return messages_move.result(_moved([*there, *moved], to, asked=len(mails)))


async def _preview_move(ctx: Context, messages: list[str], folder: str, verb: str, confirm: str) -> Preview:
    mails, to = await _moves_of(ctx, messages, folder)
    names = ", ".join(dict.fromkeys(each.folder.name for each in mails))
    return await _preview(ctx, mails, verb, confirm, {"Out of": names, "Into": to.name})


async def _preview(ctx: Context, mails: list[Found], verb: str, confirm: str, rows: dict[str, str]) -> Preview:
    """Each mail with its subject and sender, in the order asked for."""
    address = (await account_of(ctx)).address
    return filing_preview(mails, {**named(mails), **rows}, verb=verb, confirm=confirm, account=address)


async def _moves_of(ctx: Context, messages: list[str], folder: str) -> tuple[list[Found], Folder]:
    owner = owner_of(ctx)
    to = await ctx.store.read(lambda connection: search.folder_named(connection, owner, folder))
    return await _mails(ctx, messages), to


async def _mails(ctx: Context, messages: list[str]) -> list[Found]:
    """The mails with these ids, each once; raises `NotFound` for one that is unknown."""
    owner = owner_of(ctx)

    def read(connection: Connection) -> list[Found]:
        return [search.message(connection, owner, each) for each in dict.fromkeys(messages)]

    return await ctx.store.read(read)


def _moved(mails: list[Found], to: Folder, *, asked: int) -> MailsMoved:
    views = [MovedMail(message=str(each.id), came_from=each.folder.name) for each in mails]
    return MailsMoved(folder=to.name, mails=views, note=_note(len(views), asked))


def _note(done: int, asked: int) -> str:
    return (
        ""
        if done == asked
        else f"{asked - done} of these mails stayed as they are: they lie elsewhere, or the server refused."
    )


def _wanted(**given: bool | None) -> dict[str, bool]:
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise InvalidRequest("Say what to mark: read or starred, each true or false.")
    return wanted


def _has(flags: int, wanted: dict[str, bool]) -> bool:
    return all(bool(flags & _MARKS[name][1]) is value for name, value in wanted.items())


def _flagged(wanted: dict[str, bool], before: list[tuple[Found, int]], *, asked: int) -> MailsFlagged:
    views = [
        FlaggedMail(message=str(each.id), **{f"was_{name}": bool(flags & _MARKS[name][1]) for name in wanted})
        for each, flags in before
    ]
    return MailsFlagged(**wanted, mails=views, note=_note(len(views), asked))


async def _flags(ctx: Context, mails: list[Found]) -> list[tuple[Found, int]]:
    """The mails that are there, with the flags that the server has; raises `NotFound` when none is."""
    flags: list[tuple[Found, int]] = []

    def ask(session: ImapSession, found: Found) -> None:
        uid = located(session, found)
        flags.append((found, session.flags([uid]).get(uid, 0)))

    await each_one(ctx, await account_of(ctx), mails, ask)
    return flags


async def _mark(ctx: Context, wanted: list[tuple[Found, dict[str, bool]]]) -> None:
    """Sets and clears marks on the server, and in the mirror what the server has then."""
    marked: list[tuple[Found, int]] = []

    def change(session: ImapSession, each: tuple[Found, dict[str, bool]]) -> None:
        found, marks = each
        add = [_MARKS[name][0] for name, value in marks.items() if value]
        remove = [_MARKS[name][0] for name, value in marks.items() if not value]
        uid = located(session, found)
        session.change_flags([uid], add=add, remove=remove)
        marked.append((found, session.flags([uid]).get(uid, found.flags)))

    try:
        await each_one(ctx, await account_of(ctx), wanted, change)
    finally:
        await _mirror_flags(ctx, marked)


async def _mirror_flags(ctx: Context, marked: list[tuple[Found, int]]) -> None:
    def write(connection: Connection) -> None:
        for found, flags in marked:
            mirror.set_flags(connection, found.folder_id, {found.uid: flags})

    if marked:
        await ctx.store.write(write)
