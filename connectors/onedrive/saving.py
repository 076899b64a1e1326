"""The tools that write: new files and folders, and other contents.

OneDrive takes no id and no mark of ours. So each act looks first what has that name, notes that nothing had, and lets
Microsoft refuse a name that is taken (`conflictBehavior=fail`): what is there afterwards, with our content, is ours.
"""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.onedrive.acts import before_act, call_id, note_act
from connectors.onedrive.audience import must_be_said
from connectors.onedrive.card import FORBIDDEN, OWN, FileId, FolderId, connector, owner_of
from connectors.onedrive.digests import is_same
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.items import Item, items_of
from connectors.onedrive.mirror import mirror
from connectors.onedrive.previews import previews
from connectors.onedrive.views import FileMade, FileWritten, view_of
from openassistant.acts import effect_where_seen
from openassistant.capabilities import allowed
from openassistant.connector import Context, Field
from openassistant.errors import AccountRequired, Conflict, InvalidRequest, NotFound, UpstreamFailed
from openassistant.files.arguments import Data, Name, Seen, Text, Type
from openassistant.formats.contents import Content, checked_name, content_of
from openassistant.messages import Call, ToolResult

__all__ = ["files_update", "files_upload", "folders_create", "keep", "put_away", "taken"]

_Revision = Annotated[
    str,
    Field(
        description="The revision that is replaced, as files_get or files_read gave it", pattern=r"^[\x21-\x7e]{1,300}$"
    ),
]


@connector.tool(effect="write", effect_of=effect_where_seen, capability="save")
async def files_upload(
    ctx: Context,
    name: Name,
    text: Text = None,
    data: Data = None,
    *,
    type: Type = "",  # noqa: A002 - a media type is called so
    folder: FolderId = OWN,
    seen_by_others: Seen = False,
) -> FileMade:
    """Save a new file into OneDrive, out of a text or of bytes in base64. It replaces nothing."""
    content = content_of(text, data, type=type, name=name)
    item = await _make(ctx, checked_name(name, without=FORBIDDEN), folder, content, seen_by_others=seen_by_others)
    return FileMade(file=view_of(item), digest=item.digest)


files_upload.preview(previews.upload)


@files_upload.reconcile
async def find_uploaded(ctx: Context, call: Call) -> ToolResult | None:
    """Looks what has the name now."""
    given = files_upload.parse(call.arguments)
    content = content_of(given["text"], given["data"], type=given["type"], name=given["name"])
    item = await _made(ctx, call, content)
    return files_upload.result(FileMade(file=view_of(item), digest=item.digest)) if item else None


@files_upload.undo
async def take_upload_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the file into the recycle bin, unless somebody changed it since."""
    given, drive = files_upload.parse(call.arguments), await drive_of(ctx)
    item = await drive.item(str(result["file"]["id"]))
    if not _holds(item, content_of(given["text"], given["data"], type=given["type"], name=given["name"])):
        raise Conflict("That file was changed since, so it is left as it is.")
    await put_away(ctx, drive, item)


@connector.tool(effect="write", effect_of=effect_where_seen, capability="save")
async def folders_create(ctx: Context, name: Name, *, folder: FolderId = OWN, seen_by_others: Seen = False) -> FileMade:
    """Make a new folder in OneDrive."""
    wanted = checked_name(name, without=FORBIDDEN)
    return FileMade(file=view_of(await _make(ctx, wanted, folder, None, seen_by_others=seen_by_others)))


folders_create.preview(previews.folder)


@folders_create.reconcile
async def find_folder(ctx: Context, call: Call) -> ToolResult | None:
    """Looks what has the name now."""
    item = await _made(ctx, call, None)
    return folders_create.result(FileMade(file=view_of(item))) if item else None


@folders_create.undo
async def take_folder_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the folder into the recycle bin, unless something lies in it by now."""
    drive, folder = await drive_of(ctx), str(result["file"]["id"])
    item = await drive.item(folder)
    if [each for each in items_of(await drive.children(folder, size=2)) if each.id != folder]:
        raise Conflict("Something lies in that folder by now, so it is left as it is.")
    await put_away(ctx, drive, item)


@connector.tool(effect="write", effect_of=effect_where_seen, capability="save")
async def files_update(
    ctx: Context,
    file: FileId,
    revision: _Revision,
    text: Text = None,
    data: Data = None,
    *,
    type: Type = "",  # noqa: A002 - a media type is called so
    seen_by_others: Seen = False,
) -> FileWritten:
    """Replace the content of a file that was read before. OneDrive keeps the earlier one; it can be put back."""
    drive = await drive_of(ctx)
    item = await drive.item(file)
    await _may_write(ctx, drive, item)
    if item.kind != "file" or not item.revision:
        raise InvalidRequest(f"That is a {item.shown_kind}; its content cannot be replaced from here.")
    await must_be_said(ctx, item, seen_by_others=seen_by_others)
    content = content_of(text, data, type=type or item.mime, name=item.name)
    noted = await before_act(ctx, call_id(ctx))
    if noted is None:
        if item.revision != revision:
            raise Conflict("That file was changed since it was read, so nothing was written. Read it again.")
        version = next(iter(await drive.versions(item.id)), "")
        noted = await note_act(ctx, file=item.id, revision=item.revision, version=version)
    written = await drive.write(item.id, content.data, kind=content.type, revision=noted["revision"])
    await keep(ctx, written)
    return _written(written, noted)


files_update.preview(previews.update)


@files_update.reconcile
async def find_written(ctx: Context, call: Call) -> ToolResult | None:
    """Compares the file with what it held before, and with what it was to hold."""
    noted, given = await before_act(ctx, call.id), files_update.parse(call.arguments)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).find(noted["file"])
    if item is None:
        raise UpstreamFailed("That file is gone, so what became of it cannot be told.")
    if item.revision == noted["revision"]:
        return None
    if not _holds(item, content_of(given["text"], given["data"], type=given["type"] or "text/plain")):
        raise UpstreamFailed("Somebody changed that file meanwhile, so what became of it cannot be told.")
    await keep(ctx, item)
    return files_update.result(_written(item, noted))


@files_update.undo
async def put_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Makes the earlier version the newest one."""
    noted, given, drive = await before_act(ctx, call.id), files_update.parse(call.arguments), await drive_of(ctx)
    if noted is None or not noted["version"]:
        raise Conflict("What that file held before is not known here any more.")
    item = await drive.item(noted["file"])
    if not _holds(item, content_of(given["text"], given["data"], type=given["type"] or "text/plain")):
        raise Conflict("That file was changed since, so it is left as it is.")
    try:
        await drive.restore_version(item.id, noted["version"])
    except NotFound as error:
        raise Conflict("OneDrive does not keep the earlier content any more.") from error
    await keep(ctx, await drive.item(item.id))


async def keep(ctx: Context, item: Item) -> None:
    """What came of an act, in the mirror at once."""
    owner = owner_of(ctx)

    await ctx.store.write(lambda connection: mirror.keep(connection, owner, item))


async def put_away(ctx: Context, drive: Drive, item: Item) -> None:
    """Puts something into the recycle bin, and notes it."""
    await drive.delete(item.id)
    owner, now = owner_of(ctx), int(ctx.now().timestamp())

    def write(connection: Connection) -> None:
        mirror.keep(connection, owner, item)
        mirror.trash(connection, owner, item.id, now=now)

    await ctx.store.write(write)


def taken(name: str) -> Conflict:
    """That a name is taken; nothing is replaced by its name."""
    return Conflict(
        f"There is something named {name!r} in that folder already. Choose another name, or update that file.",
        details={"reason": "name_taken"},
    )


async def _make(ctx: Context, name: str, folder: str, content: Content | None, *, seen_by_others: bool) -> Item:
    """Makes a file or folder, once: a name that is taken at a second try is looked at."""
    drive = await drive_of(ctx)
    noted = await before_act(ctx, call_id(ctx))
    if noted is None:
        place = await drive.folder(folder)
        await _may_write(ctx, drive, place, own=folder == OWN)
        await must_be_said(ctx, place, seen_by_others=seen_by_others)
        if await drive.child(place.id, name) is not None:
            raise taken(name)
        noted = await note_act(ctx, folder=place.id, name=name)
    try:
        if content is None:
            item = await drive.make_folder(noted["folder"], name)
        else:
            item = await drive.put(noted["folder"], name, content.data, kind=content.type)
    except Conflict:
        found = await drive.child(noted["folder"], name)
        if found is None or not _is_ours(found, content):
            raise taken(name) from None
        item = found
    await keep(ctx, item)
    return item


async def _made(ctx: Context, call: Call, content: Content | None) -> Item | None:
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).child(noted["folder"], noted["name"])
    if item is None:
        return None
    if not _is_ours(item, content):
        raise UpstreamFailed("Something else has that name by now, so what became of it cannot be told.")
    await keep(ctx, item)
    return item


def _is_ours(item: Item, content: Content | None) -> bool:
    """Whether what has the name where nothing had it before is what was to be made."""
    return item.folder if content is None else item.kind == "file" and _holds(item, content)


def _holds(item: Item, content: Content) -> bool:
    """Whether a file holds that content: by its digest, or by its size where OneDrive has no digest yet."""
    same = is_same(item.digest, content.data)
    return item.size == len(content.data) if same is None else same


async def _may_write(ctx: Context, drive: Drive, item: Item, *, own: bool = False) -> None:
    """Raises `AccountRequired` outside of the assistant's own folder, where only that was allowed."""
    if own or await allowed(ctx, "write") or await drive.within_own(item):
        return
    raise AccountRequired(
        "To change files outside of its own folder, the owner has to allow “Change and file all files” under"
        " Connections. In its own folder (folder=own) that is allowed already.",
        details={"capability": "write"},
    )


def _written(item: Item, noted: dict[str, Any]) -> FileWritten:
    return FileWritten(file=view_of(item), revision=item.revision, was_version=noted["version"], digest=item.digest)
