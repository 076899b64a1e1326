"""The recycle bin: into it, and out of it where that is possible.

OneDrive deletes into a recycle bin. Only of a personal account can an app take things out again, and Microsoft wants a
weightier consent for that (https://learn.microsoft.com/graph/api/driveitem-restore). So a deletion that cannot be taken
back from here is asked about as what it is, though the owner still finds it in the recycle bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from connectors.onedrive.acts import before_act, call_id, note_act, noted_by
from connectors.onedrive.audience import must_be_said
from connectors.onedrive.card import FileIds, connector, owner_of
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.items import Item
from connectors.onedrive.mirror import mirror
from connectors.onedrive.previews import previews
from connectors.onedrive.saving import keep, put_away
from connectors.onedrive.views import FilesFiled, view_of
from openassistant.acts import effect_where_seen
from openassistant.capabilities import allowed
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.files.arguments import Seen
from openassistant.files.filing import each_done, missing
from openassistant.files.previews import seen_warning
from openassistant.messages import Call, Effect, ToolResult

__all__ = ["files_restore", "files_trash"]

_NO_WAY_BACK = "It cannot be taken back from here. You find it in OneDrive's recycle bin for some weeks."
_ForGood = Annotated[
    bool,
    Field(description="It cannot be taken back from here, only by the owner in OneDrive: asked about as a deletion"),
]


def _effect_of_trash(arguments: dict[str, Any]) -> Effect:
    return Effect.DELETE if arguments.get("without_undo") else effect_where_seen(arguments)


@connector.tool(effect="write", effect_of=_effect_of_trash, capability="write")
async def files_trash(
    ctx: Context, files: FileIds, *, without_undo: _ForGood = False, seen_by_others: Seen = False
) -> FilesFiled:
    """Put files or folders into OneDrive's recycle bin, where they stay for some weeks."""
    drive = await drive_of(ctx)
    ids = list(dict.fromkeys(files))
    noted = await before_act(ctx, call_id(ctx))
    items = [each for each in [await drive.find(each) for each in ids] if each is not None]
    if noted is None:
        if not items:
            raise NotFound("None of these files is there (any more). Search for them again.")
        for each in items:
            if each.kind == "root":
                raise InvalidRequest("The whole drive cannot be deleted.")
            await must_be_said(ctx, each, seen_by_others=seen_by_others or without_undo)
        if not without_undo and not await _can_restore(ctx, items):
            raise Conflict(
                "From here that could not be taken back, only by the owner in OneDrive. Call it again with"
                " without_undo=true: then the owner is asked as for a deletion.",
                details={"reason": "without_undo"},
            )
        noted = await note_act(ctx, files=[each.id for each in items])
    done = await _put_all(ctx, drive, items)
    note = missing(len(done), len(ids)) or (_NO_WAY_BACK if without_undo else "")
    return FilesFiled(files=[view_of(each) for each in done], note=note)


@files_trash.preview
async def preview_trash(ctx: Context, files: list[str], *, without_undo: bool, seen_by_others: bool) -> Preview:
    """Which files go, what lies in the folders among them, and whether they can come back."""
    owner, warnings = owner_of(ctx), seen_warning(seen_by_others=seen_by_others)
    if without_undo:
        warnings.append(_NO_WAY_BACK)
    for each in files:
        item = await previews.known(ctx, each)
        if item is not None and item.shared and not seen_by_others:
            warnings.append("Others share this: it is gone for them too.")
        if item is not None and item.folder:
            inside = await ctx.store.read(partial(mirror.inside, account=owner, folder=each))
            warnings.append(f"A folder goes with all that lies in it: {inside} files and folders are known.")
    verb = "Put into the recycle bin"
    return await previews.of(ctx, files, verb=verb, confirm=verb, warnings=list(dict.fromkeys(warnings)))


@files_trash.reconcile
async def find_trashed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks which of them are gone; an act that was half done is carried on."""
    noted, drive = await before_act(ctx, call.id), await drive_of(ctx)
    if noted is None:
        return None
    left = [each for each in [await drive.find(each) for each in noted["files"]] if each is not None]
    if len(left) == len(noted["files"]):
        return None
    gone = [each for each in noted["files"] if each not in {one.id for one in left}]
    before = [each for each in [await previews.known(ctx, each) for each in gone] if each is not None]
    owner, now = owner_of(ctx), int(ctx.now().timestamp())
    for each in gone:
        await ctx.store.write(partial(mirror.trash, account=owner, id=each, now=now))
    done = [*(each._replace(trashed=True) for each in before), *await _put_all(ctx, drive, left)]
    given = files_trash.parse(call.arguments)
    note = _NO_WAY_BACK if given["without_undo"] else ""
    return files_trash.result(FilesFiled(files=[view_of(each) for each in done], note=note))


@files_trash.undo
async def untrash(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Takes out of the recycle bin what was put there, and nothing else."""
    noted = await noted_by(ctx, call)
    if not await allowed(ctx, "restore"):
        raise Conflict("From here that cannot be taken back. You find it in OneDrive's recycle bin.")
    await _restore_all(ctx, await drive_of(ctx), noted["files"])


@connector.tool(effect="write", effect_of=effect_where_seen, capability="restore")
async def files_restore(ctx: Context, files: FileIds, *, seen_by_others: Seen = False) -> FilesFiled:
    """Take files or folders out of OneDrive's recycle bin, back to where they were. Personal accounts alone."""
    drive, owner = await drive_of(ctx), owner_of(ctx)
    ids = list(dict.fromkeys(files))
    noted = await before_act(ctx, call_id(ctx))
    if noted is None:
        state = await ctx.store.read(lambda c: mirror.account(c, owner))
        if state.drive_type not in ("", "personal"):
            raise InvalidRequest(
                "Microsoft lets no app take things out of the recycle bin of an account of work or school. The owner"
                " can, in OneDrive on the web."
            )
        for each in [await previews.known(ctx, each) for each in ids]:
            if each is not None:
                await must_be_said(ctx, each, seen_by_others=seen_by_others)
        wanted = [each for each in ids if await drive.find(each) is None]
        noted = await note_act(ctx, files=wanted)
    there = [await drive.item(each) for each in ids if each not in noted["files"]]
    done = [*await _restore_all(ctx, drive, noted["files"]), *there]
    return FilesFiled(files=[view_of(each) for each in done], note=missing(len(done), len(ids)))


@files_restore.preview
async def preview_restore(ctx: Context, files: list[str], *, seen_by_others: bool) -> Preview:
    """Which files come back."""
    warnings, verb = seen_warning(seen_by_others=seen_by_others), "Take out of the recycle bin"
    return await previews.of(ctx, files, verb=verb, confirm="Restore", warnings=warnings)


@files_restore.reconcile
async def find_restored(ctx: Context, call: Call) -> ToolResult | None:
    """Looks which of them are there; an act that was half done is carried on."""
    noted, drive = await before_act(ctx, call.id), await drive_of(ctx)
    if noted is None:
        return None
    there = [each for each in [await drive.find(each) for each in noted["files"]] if each is not None]
    if not there:
        return None
    for each in there:
        await keep(ctx, each)
    left = [each for each in noted["files"] if each not in {one.id for one in there}]
    done = [*there, *await _restore_all(ctx, drive, left)]
    note = missing(len(done), len(set(files_restore.parse(call.arguments)["files"])))
    return files_restore.result(FilesFiled(files=[view_of(each) for each in done], note=note))


@files_restore.undo
async def trash_again(ctx: Context, call: Call, result: dict[str, Any]) -> None:
    """Puts back into the recycle bin what was taken out, and nothing else."""
    noted, drive = await noted_by(ctx, call), await drive_of(ctx)
    items = [each for each in [await drive.find(each) for each in noted["files"]] if each is not None]
    await _put_all(ctx, drive, items)


async def _can_restore(ctx: Context, items: Sequence[Item]) -> bool:
    return await allowed(ctx, "restore") and all(each.personal for each in items)


async def _put_all(ctx: Context, drive: Drive, items: Sequence[Item]) -> list[Item]:
    """Deletes each; raises the first reason when it could be done to none."""

    async def act(item: Item) -> Item:
        await put_away(ctx, drive, item)
        return item._replace(trashed=True)

    return await each_done(items, act, provider="Microsoft")


async def _restore_all(ctx: Context, drive: Drive, ids: Sequence[str]) -> list[Item]:
    """Takes each out of the recycle bin; raises the first reason when it could be done to none."""

    async def act(file: str) -> Item:
        item = await drive.restore(file)
        await keep(ctx, item)
        return item

    return await each_done(ids, act, provider="Microsoft")
