"""The tools that file: names, places, copies and the trash. Each can be taken back; none deletes for good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from connectors.google_drive.acts import before_act, note_act, noted_by
from connectors.google_drive.audience import must_be_said
from connectors.google_drive.card import FileId, FileIds, FolderId, connector, owner_of
from connectors.google_drive.drive import MARK, Drive, drive_of, quoted
from connectors.google_drive.items import Item, items_of
from connectors.google_drive.mirror import mirror
from connectors.google_drive.previews import previews
from connectors.google_drive.saving import keep
from connectors.google_drive.views import CopyMade, FileMoved, FileRenamed, FilesFiled, outside, view_of
from openassistant.acts import effect_where_seen
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound, UpstreamFailed
from openassistant.files.arguments import LONGEST_NAME, Name, Seen
from openassistant.files.filing import each_done, missing, not_inside
from openassistant.files.previews import seen_warning
from openassistant.formats.contents import checked_name
from openassistant.messages import Call, ToolResult

__all__ = ["files_copy", "files_move", "files_rename", "files_restore", "files_trash"]

_CHANGED = "That file was changed since, so it is left as it is."
_NewName = Annotated[
    str, Field(description="The name of the copy; by default as Google calls it", max_length=LONGEST_NAME)
]


@connector.tool(effect="write", effect_of=effect_where_seen, capability="organise")
async def files_rename(ctx: Context, file: FileId, name: Name, *, seen_by_others: Seen = False) -> FileRenamed:
    """Give a file or folder another name."""
    drive, wanted = await drive_of(ctx), checked_name(name)
    item = await drive.item(file)
    must_be_said(item, seen_by_others=seen_by_others)
    noted = await note_act(ctx, name=item.name)
    changed = await drive.change(file, {"name": wanted})
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
    if item.name != checked_name(given["name"]):
        return None
    await keep(ctx, item)
    return files_rename.result(_renamed(item, noted))


@files_rename.undo
async def name_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Gives it the name back that it had."""
    drive, noted, given = await drive_of(ctx), await noted_by(ctx, call), files_rename.parse(call.arguments)
    if (await drive.item(given["file"])).name != checked_name(given["name"]):
        raise Conflict(_CHANGED)
    await keep(ctx, await drive.change(given["file"], {"name": noted["name"]}))


@connector.tool(effect="write", effect_of=effect_where_seen, capability="organise")
async def files_move(ctx: Context, file: FileId, folder: FolderId, *, seen_by_others: Seen = False) -> FileMoved:
    """Move a file or folder into another folder. Whoever shares that folder sees it then."""
    drive = await drive_of(ctx)
    item, place = await drive.item(file), await drive.folder(folder or "root")
    must_be_said(item, seen_by_others=seen_by_others)
    must_be_said(place, seen_by_others=seen_by_others)
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


@connector.tool(effect="write", effect_of=effect_where_seen, capability="organise")
async def files_copy(
    ctx: Context, file: FileId, name: _NewName = "", *, folder: FolderId = "root", seen_by_others: Seen = False
) -> CopyMade:
    """Make a copy of a file, into My Drive or another folder. Folders cannot be copied."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    if item.folder:
        raise InvalidRequest("A folder cannot be copied; copy the files in it.")
    place = await drive.folder(folder) if folder not in ("", "root") else None
    if place is not None:
        must_be_said(place, seen_by_others=seen_by_others)
    # Google makes ids beforehand for files with bytes alone, not for its own kinds.
    noted = await note_act(ctx, id="" if item.native else await drive.new_id(), copied=item.id)
    assert ctx.call is not None, "an effect has a call"
    body: dict[str, Any] = {"parents": [place.id if place else "root"], "appProperties": {MARK: ctx.call.id}}
    body |= {"name": checked_name(name)} if name else {}
    body |= {"id": noted["id"]} if noted["id"] else {}
    try:
        made = await drive.copy(item.id, body)
    except Conflict:
        if not noted["id"]:
            raise
        made = await drive.item(noted["id"])
    await keep(ctx, made)
    return CopyMade(file=view_of(made), copied=item.id)


@files_copy.preview
async def preview_copy(ctx: Context, file: str, name: str, *, folder: str, seen_by_others: bool) -> Preview:
    """What is copied where."""
    fields = [("Name of the copy", checked_name(name) if name else "as Google calls it")]
    fields.append(("To", await previews.place_of(ctx, folder)))
    warnings = seen_warning(seen_by_others=seen_by_others)
    return await previews.of(ctx, (file,), verb="Copy a file", confirm="Copy", fields=fields, warnings=warnings)


@files_copy.reconcile
async def find_copy(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the id that was asked for before, or for the mark where there was none."""
    noted, drive = await before_act(ctx, call.id), await drive_of(ctx)
    if noted is None:
        return None
    item = await drive.find(noted["id"]) if noted["id"] else await _marked(drive, call.id)
    if item is None:
        return None
    await keep(ctx, item)
    return files_copy.result(CopyMade(file=view_of(item), copied=noted["copied"]))


@files_copy.undo
async def take_copy_back(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts the copy into the trash."""
    drive = await drive_of(ctx)
    await keep(ctx, await drive.change(str(result["file"]["id"]), {"trashed": True}))


@connector.tool(effect="write", effect_of=effect_where_seen, capability="organise")
async def files_trash(ctx: Context, files: FileIds, *, seen_by_others: Seen = False) -> FilesFiled:
    """Put files or folders into the trash. Google empties it after 30 days; until then they can be restored."""
    return await _file_all(ctx, files, trashed=True, seen_by_others=seen_by_others)


@files_trash.preview
async def preview_trash(ctx: Context, files: list[str], *, seen_by_others: bool) -> Preview:
    """Which files go, and what lies in the folders among them."""
    owner, warnings = owner_of(ctx), seen_warning(seen_by_others=seen_by_others)
    for each in files:
        item = await previews.known(ctx, each)
        if item is not None and item.folder:
            inside = await ctx.store.read(partial(mirror.inside, account=owner, folder=each))
            warnings.append(f"A folder goes with all that lies in it: {inside} files and folders are known.")
    return await previews.of(
        ctx, files, verb="Put into the trash", confirm="Put into the trash", warnings=warnings
    )  # fmt: skip


@files_trash.reconcile
async def find_trashed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks which of them lie in the trash; an act that was half done is carried on."""
    return await _find_filed(ctx, call, trashed=True)


@files_trash.undo
async def untrash(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Takes out of the trash what was put there, and nothing else."""
    await _set_all(ctx, await _ids_noted(ctx, call), trashed=False)


@connector.tool(effect="write", effect_of=effect_where_seen, capability="organise")
async def files_restore(ctx: Context, files: FileIds, *, seen_by_others: Seen = False) -> FilesFiled:
    """Take files or folders out of the trash, back to where they were."""
    return await _file_all(ctx, files, trashed=False, seen_by_others=seen_by_others)


@files_restore.preview
async def preview_restore(ctx: Context, files: list[str], *, seen_by_others: bool) -> Preview:
    """Which files come back."""
    warnings = seen_warning(seen_by_others=seen_by_others)
    return await previews.of(ctx, files, verb="Take out of the trash", confirm="Restore", warnings=warnings)


@files_restore.reconcile
async def find_restored(ctx: Context, call: Call) -> ToolResult | None:
    """Looks which of them lie in the trash; an act that was half done is carried on."""
    return await _find_filed(ctx, call, trashed=False)


@files_restore.undo
async def trash_again(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts back into the trash what was taken out, and nothing else."""
    await _set_all(ctx, await _ids_noted(ctx, call), trashed=True)


async def _move(ctx: Context, drive: Drive, item: Item, noted: dict[str, Any]) -> FileMoved:
    if noted["to"] == item.parent:
        return _moved(item, noted)
    params = {"addParents": noted["to"], **({"removeParents": item.parent} if item.parent else {})}
    moved = await drive.change(item.id, {}, **params)
    await keep(ctx, moved)
    return _moved(moved, noted)


async def _marked(drive: Drive, call: str) -> Item | None:
    """The copy that bears a call's mark, the first where somebody copied it; what is not found may only be late."""
    query = f"appProperties has {{ key={quoted(MARK)} and value={quoted(call)} }}"
    found = items_of(await drive.page(query, size=10))
    if not found:
        raise UpstreamFailed("Whether the copy was made cannot be told.")
    return min(found, key=lambda each: each.created)


async def _file_all(ctx: Context, files: Sequence[str], *, trashed: bool, seen_by_others: bool) -> FilesFiled:
    drive = await drive_of(ctx)
    ids = list(dict.fromkeys(files))
    items = [each for each in [await drive.find(each) for each in ids] if each is not None]
    if not items:
        raise NotFound("None of these files is there (any more). Search for them again.")
    for each in items:
        must_be_said(each, seen_by_others=seen_by_others)
    wanted = [each for each in items if each.trashed is not trashed]
    noted = await note_act(ctx, files=[each.id for each in wanted])
    done = await _set_all(ctx, noted["files"], trashed=trashed)
    shown = [*done, *(each for each in items if each.id not in noted["files"])]
    return FilesFiled(files=[view_of(each) for each in shown], note=missing(len(shown), len(ids)))


async def _set_all(ctx: Context, ids: Sequence[str], *, trashed: bool) -> list[Item]:
    """Files each into the trash or out of it; raises the first reason when it could be done to none."""
    drive = await drive_of(ctx)

    async def act(file: str) -> Item:
        item = await drive.change(file, {"trashed": trashed})
        await keep(ctx, item)
        return item

    return await each_done(ids, act, provider="Google")


async def _find_filed(ctx: Context, call: Call, *, trashed: bool) -> ToolResult | None:
    noted, drive = await before_act(ctx, call.id), await drive_of(ctx)
    if noted is None:
        return None
    items = [each for each in [await drive.find(each) for each in noted["files"]] if each is not None]
    if not any(each.trashed is trashed for each in items):
        return None
    left = [each.id for each in items if each.trashed is not trashed]
    done = [each for each in items if each.trashed is trashed] + await _set_all(ctx, left, trashed=trashed)
    tool = files_trash if trashed else files_restore
    for each in done:
        await keep(ctx, each)
    note = missing(len(done), len(set(tool.parse(call.arguments)["files"])))
    return tool.result(FilesFiled(files=[view_of(each) for each in done], note=note))


async def _ids_noted(ctx: Context, call: Call) -> list[str]:
    return [str(each) for each in (await noted_by(ctx, call))["files"]]


def _renamed(item: Item, noted: dict[str, Any]) -> FileRenamed:
    return FileRenamed(file=view_of(item), was=outside(str(noted["name"])[:300], item))


def _moved(item: Item, noted: dict[str, Any]) -> FileMoved:
    return FileMoved(file=view_of(item), folder=str(noted["to"]), was_in=str(noted["parent"]))
