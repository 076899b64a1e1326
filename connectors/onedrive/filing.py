"""The tools that file: names, places and copies. Each can be taken back."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any

from connectors.onedrive.acts import before_act, call_id, note_act, noted_by
from connectors.onedrive.audience import must_be_said
from connectors.onedrive.card import FORBIDDEN, FileId, FolderId, connector
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.items import Item
from connectors.onedrive.previews import previews
from connectors.onedrive.saving import keep, put_away, taken
from connectors.onedrive.views import CopyMade, FileMoved, FileRenamed, outside, view_of
from openassistant.acts import effect_where_seen
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound, UpstreamFailed
from openassistant.files.arguments import LONGEST_NAME, Name, Seen
from openassistant.files.filing import not_inside
from openassistant.files.previews import seen_warning
from openassistant.formats.contents import checked_name
from openassistant.messages import Call, ToolResult

__all__ = ["files_copy", "files_move", "files_rename"]

_CHANGED = "That file was changed since, so it is left as it is."
_COPYING = "Microsoft is still copying it; folders_list shows it when that is done."
_NewName = Annotated[
    str, Field(description="The name of the copy; by default that of the file with “ - Copy”", max_length=LONGEST_NAME)
]


@connector.tool(effect="write", effect_of=effect_where_seen, capability="write")
async def files_rename(ctx: Context, file: FileId, name: Name, *, seen_by_others: Seen = False) -> FileRenamed:
    """Give a file or folder another name."""
    drive, wanted = await drive_of(ctx), checked_name(name, without=FORBIDDEN)
    item = await _own_thing(drive, file)
    await must_be_said(ctx, item, seen_by_others=seen_by_others)
    noted = await note_act(ctx, name=item.name)
    changed = await _changed(drive, file, {"name": wanted}, wanted)
    await keep(ctx, changed)
    return _renamed(changed, noted)


files_rename.preview(previews.rename)


@files_rename.reconcile
async def find_renamed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at the name that the file has now."""
    noted, given = await before_act(ctx, call.id), files_rename.parse(call.arguments)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).item(given["file"])
    if item.name != checked_name(given["name"], without=FORBIDDEN):
        return None
    await keep(ctx, item)
    return files_rename.result(_renamed(item, noted))


@files_rename.undo
async def name_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Gives it the name back that it had."""
    drive, noted, given = await drive_of(ctx), await noted_by(ctx, call), files_rename.parse(call.arguments)
    if (await drive.item(given["file"])).name != checked_name(given["name"], without=FORBIDDEN):
        raise Conflict(_CHANGED)
    await keep(ctx, await _changed(drive, given["file"], {"name": noted["name"]}, str(noted["name"])))


@connector.tool(effect="write", effect_of=effect_where_seen, capability="write")
async def files_move(ctx: Context, file: FileId, folder: FolderId, *, seen_by_others: Seen = False) -> FileMoved:
    """Move a file or folder into another folder. Whoever shares that folder sees it then."""
    drive = await drive_of(ctx)
    item, place = await _own_thing(drive, file), await drive.folder(folder)
    await must_be_said(ctx, item, seen_by_others=seen_by_others)
    await must_be_said(ctx, place, seen_by_others=seen_by_others)
    await not_inside(item, place, drive.item)
    noted = await note_act(ctx, parent=item.parent, to=place.id)
    return await _move(ctx, drive, item, noted)


files_move.preview(previews.move)


@files_move.reconcile
async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in which folder the file lies now."""
    noted, given = await before_act(ctx, call.id), files_move.parse(call.arguments)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).item(given["file"])
    if item.parent != noted["to"]:
        return None
    await keep(ctx, item)
    return files_move.result(_moved(item, noted))


@files_move.undo
async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Moves it back where it came from."""
    drive, noted, given = await drive_of(ctx), await noted_by(ctx, call), files_move.parse(call.arguments)
    item = await drive.item(given["file"])
    if item.parent != noted["to"]:
        raise Conflict(_CHANGED)
    if not noted["parent"]:
        raise Conflict("Where that file lay before cannot be told.")
    place = await drive.folder(noted["parent"])
    await _move(ctx, drive, item, {"parent": item.parent, "to": place.id})


@connector.tool(effect="write", effect_of=effect_where_seen, capability="write")
async def files_copy(
    ctx: Context, file: FileId, name: _NewName = "", *, folder: FolderId = "root", seen_by_others: Seen = False
) -> CopyMade:
    """Make a copy of a file or folder, into another folder. Microsoft takes its time for large ones."""
    drive = await drive_of(ctx)
    item = await _own_thing(drive, file)
    noted = await before_act(ctx, call_id(ctx))
    if noted is not None:
        raise UpstreamFailed("Whether the copy was made cannot be told.")
    place = await drive.folder(folder)
    await must_be_said(ctx, place, seen_by_others=seen_by_others)
    await not_inside(item, place, drive.item)
    wanted = checked_name(name, without=FORBIDDEN) if name else _copy_name(item)
    if await drive.child(place.id, wanted) is not None:
        raise taken(wanted)
    noted = await note_act(ctx, folder=place.id, name=wanted, copied=item.id, digest=item.digest, size=item.size)
    return await _copied(ctx, noted, await drive.copy(item, place, wanted))


@files_copy.preview
async def preview_copy(ctx: Context, file: str, name: str, *, folder: str, seen_by_others: bool) -> Preview:
    """What is copied where."""
    shown = checked_name(name, without=FORBIDDEN) if name else "that of the file, with “ - Copy”"
    fields = [("Name of the copy", shown), ("To", await previews.place_of(ctx, folder))]
    warnings = seen_warning(seen_by_others=seen_by_others)
    return await previews.of(ctx, (file,), verb="Copy a file", confirm="Copy", fields=fields, warnings=warnings)


@files_copy.reconcile
async def find_copy(ctx: Context, call: Call) -> ToolResult | None:
    """Looks what has the name now, where nothing had it; what is not there yet may still be under way."""
    noted = await before_act(ctx, call.id)
    if noted is None:
        return None
    item = await (await drive_of(ctx)).child(noted["folder"], noted["name"])
    if item is None or (noted["digest"] and item.digest and item.digest != noted["digest"]):
        raise UpstreamFailed("Whether the copy was made cannot be told.")
    return files_copy.result(await _copied(ctx, noted, item))


@files_copy.undo
async def take_copy_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the copy into the recycle bin, unless it was changed since."""
    noted, drive = await noted_by(ctx, call), await drive_of(ctx)
    made = result["file"]
    item = await (drive.item(str(made["id"])) if made else drive.child(noted["folder"], noted["name"]))
    if item is None:
        raise NotFound("Microsoft has not made the copy yet. Try again in a while.")
    if noted["digest"] and item.digest and item.digest != noted["digest"]:
        raise Conflict(_CHANGED)
    await put_away(ctx, drive, item)


async def _own_thing(drive: Drive, file: str) -> Item:
    """A file or folder that can be filed: not the drive as a whole."""
    found = await drive.item(file)
    if found.kind == "root":
        raise InvalidRequest("That is the drive as a whole, not a file or folder in it.")
    return found


async def _changed(drive: Drive, file: str, body: dict[str, Any], name: str) -> Item:
    try:
        return await drive.change(file, body)
    except Conflict as error:
        if error.details.get("reason") != "name_taken":
            raise
        raise taken(name) from error


async def _move(ctx: Context, drive: Drive, item: Item, noted: dict[str, Any]) -> FileMoved:
    if noted["to"] == item.parent:
        return _moved(item, noted)
    moved = await _changed(drive, item.id, {"parentReference": {"id": noted["to"]}}, item.name)
    await keep(ctx, moved)
    return _moved(moved, noted)


def _copy_name(item: Item) -> str:
    path = PurePosixPath(item.name)
    stem, ending = (item.name, "") if item.folder else (path.stem, path.suffix)
    return f"{stem[: LONGEST_NAME - len(ending) - 7]} - Copy{ending}"


async def _copied(ctx: Context, noted: dict[str, Any], item: Item | None) -> CopyMade:
    if item is not None:
        await keep(ctx, item)
    return CopyMade(
        file=view_of(item) if item else None, copied=str(noted["copied"]), note="" if item else _COPYING
    )  # fmt: skip


def _renamed(item: Item, noted: dict[str, Any]) -> FileRenamed:
    return FileRenamed(file=view_of(item), was=outside(str(noted["name"])[:300], item))


def _moved(item: Item, noted: dict[str, Any]) -> FileMoved:
    return FileMoved(file=view_of(item), folder=str(noted["to"]), was_in=str(noted["parent"]))
