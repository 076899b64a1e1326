"""The tools that write: new files and folders, and other contents; each once, by an id that was asked for first."""

from __future__ import annotations

from typing import Annotated, Any

from connectors.google_drive.acts import before_act, note_act
from connectors.google_drive.audience import must_be_said
from connectors.google_drive.card import FileId, FolderId, connector, owner_of
from connectors.google_drive.contents import content_of
from connectors.google_drive.drive import MARK, drive_of, quoted
from connectors.google_drive.items import FOLDER, Item, items_of
from connectors.google_drive.mirror import mirror
from connectors.google_drive.previews import previews
from connectors.google_drive.views import FileMade, FileWritten, view_of
from openassistant.acts import effect_where_seen
from openassistant.connector import Context, Field
from openassistant.errors import Conflict, InvalidRequest, NotFound, TooLarge, UpstreamFailed
from openassistant.files.arguments import Data, Name, Seen, Text, Type
from openassistant.formats.contents import Content, checked_name
from openassistant.messages import Call, ToolResult

__all__ = ["files_update", "files_upload", "folders_create", "keep"]

_LARGEST_BACK = 40 * 1024 * 1024
"""The largest earlier content that is put back."""

_Revision = Annotated[
    str,
    Field(
        description="The revision that is replaced, as files_get or files_read gave it", min_length=1, max_length=200
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
    folder: FolderId = "root",
    seen_by_others: Seen = False,
) -> FileMade:
    """Save a new file into Google Drive, out of a text or of bytes in base64. It replaces nothing."""
    content = content_of(text, data, type=type, name=name)
    metadata = {"name": checked_name(name), "mimeType": content.type}
    item = await _make(ctx, metadata, folder, content, seen_by_others=seen_by_others)
    return FileMade(file=view_of(item), md5=item.md5)


files_upload.preview(previews.upload)


@files_upload.reconcile
async def find_uploaded(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the id that was asked for before."""
    item = await _made(ctx, call)
    return files_upload.result(FileMade(file=view_of(item), md5=item.md5)) if item else None


@files_upload.undo
async def take_upload_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the file into the trash, unless somebody changed it since."""
    drive = await drive_of(ctx)
    item = await drive.item(result["file"]["id"])
    if item.md5 != result["md5"]:
        raise Conflict("That file was changed since, so it is left as it is.")
    await keep(ctx, await drive.change(item.id, {"trashed": True}))


@connector.tool(effect="write", effect_of=effect_where_seen, capability="save")
async def folders_create(
    ctx: Context, name: Name, *, folder: FolderId = "root", seen_by_others: Seen = False
) -> FileMade:
    """Make a new folder in Google Drive."""
    metadata = {"name": checked_name(name), "mimeType": FOLDER}
    return FileMade(file=view_of(await _make(ctx, metadata, folder, None, seen_by_others=seen_by_others)))


folders_create.preview(previews.folder)


@folders_create.reconcile
async def find_folder(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the id that was asked for before."""
    item = await _made(ctx, call)
    return folders_create.result(FileMade(file=view_of(item))) if item else None


@folders_create.undo
async def take_folder_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the folder into the trash, unless something lies in it by now."""
    drive, folder = await drive_of(ctx), str(result["file"]["id"])
    inside = await drive.page(f"{quoted(folder)} in parents and trashed = false", size=1)
    if items_of(inside):
        raise Conflict("Something lies in that folder by now, so it is left as it is.")
    await keep(ctx, await drive.change(folder, {"trashed": True}))


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
    """Replace the content of a file that was read before. Google keeps the earlier one; it can be put back."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    _writable(item)
    must_be_said(item, seen_by_others=seen_by_others)
    if item.revision != revision:
        raise Conflict("That file was changed since it was read, so nothing was written. Read it again.")
    content = content_of(text, data, type=type or item.mime, name=item.name)
    noted = await note_act(ctx, file=item.id, revision=item.revision, md5=item.md5, type=item.mime)
    written = await drive.write(item.id, content.data, kind=content.type)
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
    if item.md5 != content_of(given["text"], given["data"], type=given["type"] or "text/plain").md5:
        raise UpstreamFailed("Somebody changed that file meanwhile, so what became of it cannot be told.")
    await keep(ctx, item)
    return files_update.result(_written(item, noted))


@files_update.undo
async def put_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Writes the earlier content again, as a new revision."""
    noted, drive = await before_act(ctx, call.id), await drive_of(ctx)
    if noted is None:
        raise Conflict("What that file held before is not known here any more.")
    item = await drive.item(noted["file"])
    if item.revision != result["revision"]:
        raise Conflict("That file was changed since, so it is left as it is.")
    try:
        path = f"files/{item.id}/revisions/{_plain(noted['revision'])}"
        earlier = await drive.content(path, limit=_LARGEST_BACK, alt="media")
    except NotFound as error:
        raise Conflict("Google does not keep the earlier content any more.") from error
    except TooLarge as error:
        raise TooLarge(
            "The earlier content is too large to be put back from here; Drive's version history has it."
        ) from error
    await keep(ctx, await drive.write(item.id, earlier, kind=noted["type"]))


async def keep(ctx: Context, item: Item) -> None:
    """What came of an act, in the mirror at once."""
    owner = owner_of(ctx)

    await ctx.store.write(lambda connection: mirror.keep(connection, owner, item))


async def _make(
    ctx: Context, metadata: dict[str, Any], folder: str, content: Content | None, *, seen_by_others: bool
) -> Item:
    """Makes a file or folder with an id of our own, so that a second try cannot make a second one."""
    drive, parents = await drive_of(ctx), []
    if folder not in ("", "root"):
        place = await drive.folder(folder)
        must_be_said(place, seen_by_others=seen_by_others)
        parents = [place.id]
    assert ctx.call is not None, "an effect has a call"
    noted = await note_act(ctx, id=await drive.new_id())
    body = {**metadata, "id": noted["id"], "appProperties": {MARK: ctx.call.id}}
    body |= {"parents": parents} if parents else {}
    try:
        item = await drive.create(body, content.data if content else None, kind=content.type if content else "")
    except Conflict:
        item = await drive.item(noted["id"])
    await keep(ctx, item)
    return item


async def _made(ctx: Context, call: Call) -> Item | None:
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).find(noted["id"])
    if item is not None:
        await keep(ctx, item)
    return item


def _writable(item: Item) -> None:
    if item.folder:
        raise InvalidRequest("That is a folder; only files have a content.")
    if item.native or not item.revision:
        raise InvalidRequest(
            f"The content of a {item.shown_kind} cannot be replaced from here. Save a new file instead."
        )
    if item.trashed:
        raise InvalidRequest("That file lies in the trash. Restore it first.")


def _written(item: Item, noted: dict[str, Any]) -> FileWritten:
    return FileWritten(file=view_of(item), revision=item.revision, was_revision=noted["revision"], md5=item.md5)


def _plain(revision: str) -> str:
    """A revision's id as a piece of a path."""
    if not revision or any(not (each.isalnum() or each in "-_=.") for each in revision) or revision.strip(".") == "":
        raise Conflict("What that file held before is not known here any more.")
    return revision
