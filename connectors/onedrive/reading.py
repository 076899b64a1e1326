"""The tools that look: search, folders, details, texts, contents, and what changed."""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, Any, Literal

from sqlalchemy import Connection

from connectors.onedrive.card import FileId, FolderId, connector, owner_of
from connectors.onedrive.drive import drive_of
from connectors.onedrive.items import Item, items_of
from connectors.onedrive.mirror import Account, mirror
from connectors.onedrive.views import (
    AccessView,
    ChangeList,
    ChangeView,
    FileContent,
    FileDetails,
    FileList,
    FileText,
    outside,
    view_of,
)
from openassistant.connector import Context, Field
from openassistant.documents import read_document
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.files.arguments import Kind, Limit, Query, Since, Start
from openassistant.files.reading import changes_since, check_size
from openassistant.files.views import moment

__all__ = ["changes_list", "files_download", "files_get", "files_read", "files_search", "folders_list"]

_LONGEST = 40_000
_LARGEST_READ = 15 * 1024 * 1024
_LARGEST_DOWNLOAD = 1024 * 1024
_SECONDS = 20.0
_MOST_ACCESS = 100

_Where = Annotated[
    Literal["names", "texts"],
    Field(description="Look in names and descriptions, or ask Microsoft to look in the texts of files too"),
]
_Shared = Annotated[bool | None, Field(description="Only what others share (true), or only what they do not (false)")]
_Trashed = Annotated[bool, Field(description="Look among what was deleted instead, as far as it was seen here")]


@connector.tool(effect="read", capability="read")
async def files_search(
    ctx: Context,
    query: Query = "",
    *,
    where: _Where = "names",
    kind: Kind = "any",
    shared: _Shared = None,
    trashed: _Trashed = False,
    limit: Limit = 20,
) -> FileList:
    """Search files and folders in OneDrive, newest first. Without words it gives the newest ones."""
    owner = owner_of(ctx)
    if where == "texts" and query.strip():
        return await _search_texts(ctx, query, kind=kind, shared=shared, limit=limit)
    folders = {"any": None, "files": False, "folders": True}[kind]

    def read(connection: Connection) -> FileList:
        found = mirror.find(
            connection, owner, query, folders=folders, shared=shared, trashed=trashed, limit=limit + 1
        )  # fmt: skip
        views = [view_of(each, mirror.path(connection, owner, each)) for each in found[:limit]]
        return FileList(files=views, note=_note(mirror.account(connection, owner), more=len(found) > limit))

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="read")
async def folders_list(ctx: Context, folder: FolderId = "root", *, limit: Limit = 50) -> FileList:
    """List what lies in a folder, by name, as it is in OneDrive now."""
    drive = await drive_of(ctx)
    place = await drive.folder(folder)
    page = await drive.children(place.id, size=limit)
    more = "There is more in it; files_search finds it by name." if page.get("@odata.nextLink") else ""
    return FileList(files=[view_of(each) for each in items_of(page) if each.id != place.id][:limit], note=more)


@connector.tool(effect="read", capability="read")
async def files_get(ctx: Context, file: FileId) -> FileDetails:
    """Get all that is known of a file or folder: where it lies, who may see it, its revision and digest."""
    owner, drive = owner_of(ctx), await drive_of(ctx)
    item = await drive.item(file)
    try:
        listed = await drive.permissions(item.id)
        note = "There are more who may see it." if len(listed) > _MOST_ACCESS else ""
    except (Forbidden, InvalidRequest):
        listed, note = [], "Microsoft does not tell this account who else can see it."
    path = await ctx.store.read(lambda c: mirror.path(c, owner, item))
    return FileDetails(
        file=view_of(item, path),
        type=item.mime,
        created=moment(item.created),
        description=outside(item.description, item) if item.description else None,
        revision=item.revision,
        digest=item.digest,
        access=[AccessView(who=outside(_who(each), item), role=_role(each)) for each in listed[:_MOST_ACCESS]],
        note=note,
    )


@connector.tool(effect="read", capability="read")
async def files_read(ctx: Context, file: FileId, start: Start = 0) -> FileText:
    """Read the text of a file: PDF, Office and OpenDocument files, HTML, plain text."""
    drive = await drive_of(ctx)
    item = await drive.item(file)
    _fits(item, _LARGEST_READ)
    content = await drive.content(item.id, limit=_LARGEST_READ)
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    found = await read_document(content, type=item.mime, name=item.name[:255], seconds=seconds)
    return FileText(
        file=view_of(item),
        kind=found.kind,
        text=outside(found.text[start : start + _LONGEST], item),
        start=start,
        total=len(found.text),
        revision=item.revision,
        note=found.note,
    )


@connector.tool(effect="read", capability="read")
async def files_download(ctx: Context, file: FileId) -> FileContent:
    """Get the bytes of a file of up to 1 MB in base64, with their digest. To read a file, files_read is better."""
    drive = await drive_of(ctx)
    item = await drive.item(file)
    _fits(item, _LARGEST_DOWNLOAD)
    content = await drive.content(item.id, limit=_LARGEST_DOWNLOAD)
    packed = base64.b64encode(content).decode()
    digest = hashlib.sha256(content).hexdigest()
    return FileContent(
        file=view_of(item), type=item.mime, size=len(content), sha256=digest, base64=outside(packed, item)
    )


@connector.tool(effect="read", capability="read")
async def changes_list(ctx: Context, since: Since = None, *, limit: Limit = 50) -> ChangeList:
    """List what happened in OneDrive, newest first: files made, changed, deleted or restored."""
    owner = owner_of(ctx)
    found, note = await changes_since(ctx, mirror, owner, since=since, limit=limit)
    views = [
        ChangeView(id=each.id, name=mirror.outside_name(each), what=each.what, date=moment(each.time)) for each in found
    ]
    return ChangeList(changes=views, note=note)


async def _search_texts(ctx: Context, query: str, *, kind: str, shared: bool | None, limit: int) -> FileList:
    """What Microsoft finds by names and texts; the best first."""
    page = await (await drive_of(ctx)).search(query, size=limit)
    found = [
        each
        for each in items_of(page)
        if each.kind != "root"
        and (kind == "any" or each.folder is (kind == "folders"))
        and (shared is None or each.shared is shared)
    ]
    more = "There is more; use more words." if page.get("@odata.nextLink") or len(found) > limit else ""
    return FileList(files=[view_of(each) for each in found[:limit]], note=more)


def _fits(item: Item, most: int) -> None:
    if item.kind != "file":
        raise InvalidRequest(f"That is a {item.shown_kind}, which has no content of its own.")
    check_size(item.size, most, service="OneDrive")


def _who(permission: dict[str, Any]) -> str:
    link = permission.get("link")
    if isinstance(link, dict):
        return "anyone with the link" if link.get("scope") == "anonymous" else "a link for some"
    return ", ".join(sorted(addresses_of(permission)))[:320] or "somebody"


def addresses_of(permission: dict[str, Any]) -> set[str]:
    """The addresses that a permission is for, or names where it has none."""
    several = permission.get("grantedToIdentitiesV2") or permission.get("grantedToIdentities")
    sets = [permission.get("grantedToV2"), permission.get("grantedTo"), *(several if isinstance(several, list) else [])]
    people = [
        each.get(kind) for each in sets if isinstance(each, dict) for kind in ("user", "siteUser", "group")
    ]  # fmt: skip
    people.append(permission.get("invitation"))
    named = [each.get("email") or each.get("displayName") for each in people if isinstance(each, dict)]
    return {each.strip().lower() for each in named if isinstance(each, str) and each.strip()}


def _role(permission: dict[str, Any]) -> str:
    roles = permission.get("roles")
    return str(roles[0])[:20] if isinstance(roles, list) and roles else ""


def _note(state: Account, *, more: bool) -> str:
    notes = ["There are more; use more words."] if more else []
    if not state.complete:
        notes.append("This drive is still being read; files may be missing. Microsoft can be asked with where=texts.")
    if state.scope == "own":
        notes.append("Only the assistant's own folder is known here; more is allowed in Connections.")
    if state.cut:
        notes.append("This drive holds more files than are kept here; some are missing.")
    return " ".join(notes)
