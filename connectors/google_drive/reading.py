"""The tools that look: search, folders, details, texts, contents, and what changed."""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, Literal

from sqlalchemy import Connection

from connectors.google_drive.card import FileId, FolderId, connector, owner_of
from connectors.google_drive.drive import ALL, Drive, drive_of, quoted
from connectors.google_drive.items import GOOGLE, Item, items_of
from connectors.google_drive.mirror import Account, mirror
from connectors.google_drive.views import (
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
from openassistant.capabilities import allowed
from openassistant.connector import Context, Field
from openassistant.documents import read_document
from openassistant.errors import AccountRequired, InvalidRequest
from openassistant.files.arguments import Kind, Limit, Query, Since, Start
from openassistant.files.reading import changes_since, check_size
from openassistant.files.views import moment

__all__ = ["changes_list", "files_download", "files_get", "files_read", "files_search", "folders_list"]

_LONGEST = 40_000
_LARGEST_READ = 20 * 1024 * 1024
_LARGEST_EXPORT = 10 * 1024 * 1024
_LARGEST_DOWNLOAD = 1024 * 1024
_SECONDS = 20.0
_EXPORTS = {
    f"{GOOGLE}document": ("text/markdown", "Markdown", ""),
    f"{GOOGLE}spreadsheet": ("text/csv", "CSV", "Only the first sheet is given."),
    f"{GOOGLE}presentation": ("text/plain", "text", "The words of the slides, without pictures."),
    f"{GOOGLE}script": ("application/vnd.google-apps.script+json", "JSON", ""),
}
"""How Google's own kinds are read: https://developers.google.com/workspace/drive/api/guides/ref-export-formats."""
_ACCESS = "type,role,emailAddress,domain"

_Where = Annotated[
    Literal["names", "texts"],
    Field(description="Look in names and descriptions, or ask Google to look in the texts of files too"),
]
_Mine = Annotated[bool | None, Field(description="Only the user's own (true), or only those of others (false)")]
_Trashed = Annotated[bool, Field(description="Look in the trash instead")]


@connector.tool(effect="read", capability="browse")
async def files_search(
    ctx: Context,
    query: Query = "",
    *,
    where: _Where = "names",
    kind: Kind = "any",
    mine: _Mine = None,
    trashed: _Trashed = False,
    limit: Limit = 20,
) -> FileList:
    """Search files and folders in Google Drive, newest first. Without words it gives the newest ones."""
    owner = owner_of(ctx)
    if where == "texts" and query.strip():
        return await _search_texts(ctx, query, kind=kind, mine=mine, trashed=trashed, limit=limit)
    folders = {"any": None, "files": False, "folders": True}[kind]

    def read(connection: Connection) -> FileList:
        found = mirror.find(
            connection, owner, query, folders=folders, mine=mine, trashed=trashed, limit=limit + 1
        )  # fmt: skip
        views = [view_of(each, mirror.path(connection, owner, each)) for each in found[:limit]]
        return FileList(files=views, note=_note(mirror.account(connection, owner), more=len(found) > limit))

    return await ctx.store.read(read)


@connector.tool(effect="read", capability="browse")
async def folders_list(ctx: Context, folder: FolderId = "root", *, limit: Limit = 50) -> FileList:
    """List what lies in a folder, folders first, as it is in Google Drive now."""
    drive, place = await drive_of(ctx), folder or "root"
    if place != "root":
        found = await drive.target(place)
        if not found.folder:
            raise InvalidRequest("That is a file, not a folder. Search for the folder again.")
        place = found.id
    query = f"{quoted(place)} in parents and trashed = false"
    page = await drive.page(query, size=limit, order="folder,name")
    more = "There is more in it; files_search finds it by name." if page.get("nextPageToken") else ""
    return FileList(files=[view_of(each) for each in items_of(page)], note=more)


@connector.tool(effect="read", capability="browse")
async def files_get(ctx: Context, file: FileId) -> FileDetails:
    """Get all that is known of a file or folder: where it lies, who may see it, its revision and digest."""
    owner, drive = owner_of(ctx), await drive_of(ctx)
    found = await drive.api.get(f"files/{file}", fields=f"permissions({_ACCESS})", **ALL)
    item = await drive.item(file)
    path = await ctx.store.read(lambda c: mirror.path(c, owner, item))
    some = found.get("permissions")
    listed = [each for each in some if isinstance(each, dict)] if isinstance(some, list) else []
    return FileDetails(
        file=view_of(item, path),
        type=item.mime,
        created=moment(item.created),
        last_editor=outside(item.editor, item) if item.editor else None,
        description=outside(item.description, item) if item.description else None,
        revision=item.revision,
        md5=item.md5,
        access=[AccessView(who=outside(_who(each), item), role=str(each.get("role"))[:20]) for each in listed[:100]],
        note="" if listed else "Google tells only those who may share it, who else can see it.",
    )


@connector.tool(effect="read", capability="read")
async def files_read(ctx: Context, file: FileId, start: Start = 0) -> FileText:
    """Read the text of a file: Google's documents, spreadsheets (as CSV) and presentations, PDF, Office, plain text."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    kind, text, note = await (_exported(drive, item) if item.native else _downloaded(ctx, drive, item))
    return FileText(
        file=view_of(item),
        kind=kind,
        text=outside(text[start : start + _LONGEST], item),
        start=start,
        total=len(text),
        revision=item.revision,
        note=note,
    )


@connector.tool(effect="read", capability="read")
async def files_download(ctx: Context, file: FileId) -> FileContent:
    """Get the bytes of a file of up to 1 MB in base64, with their digest. To read a file, files_read is better."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    if item.native:
        raise InvalidRequest(f"That is a {item.shown_kind}, which has no bytes of its own. Read it with files_read.")
    check_size(item.size, _LARGEST_DOWNLOAD, service="Google Drive")
    content = await drive.content(f"files/{item.id}", limit=_LARGEST_DOWNLOAD, alt="media", **ALL)
    packed = base64.b64encode(content).decode()
    digest = hashlib.sha256(content).hexdigest()
    return FileContent(
        file=view_of(item), type=item.mime, size=len(content), sha256=digest, base64=outside(packed, item)
    )


@connector.tool(effect="read", capability="browse")
async def changes_list(ctx: Context, since: Since = None, *, limit: Limit = 50) -> ChangeList:
    """List what happened in Google Drive, newest first: files made, changed, trashed, restored or removed."""
    owner = owner_of(ctx)
    found, note = await changes_since(ctx, mirror, owner, since=since, limit=limit)
    views = [
        ChangeView(id=each.id, name=mirror.outside_name(each), what=each.what, date=moment(each.time)) for each in found
    ]
    return ChangeList(changes=views, note=note)


async def _search_texts(
    ctx: Context, query: str, *, kind: str, mine: bool | None, trashed: bool, limit: int
) -> FileList:
    """What Google finds in the texts of files; that is reading them, so it needs what reading needs."""
    if not await allowed(ctx, "read"):
        raise AccountRequired(
            "To look in the texts of files, the owner has to allow “Read files” under Connections. Names are searched"
            " without it.",
            details={"capability": "read"},
        )
    drive = await drive_of(ctx)
    terms = [f"fullText contains {quoted(query.strip())}", f"trashed = {'true' if trashed else 'false'}"]
    if kind != "any":
        terms.append(f"mimeType {'=' if kind == 'folders' else '!='} '{GOOGLE}folder'")
    if mine is not None:
        terms.append(f"{'' if mine else 'not '}'me' in owners")
    # Google takes no order together with fullText: it gives the best first.
    page = await drive.page(" and ".join(terms), size=limit)
    note = "There is more; use more words." if page.get("nextPageToken") else ""
    if page.get("incompleteSearch") is True:
        note = f"{note} Google did not look everywhere.".strip()
    return FileList(files=[view_of(each) for each in items_of(page)], note=note)


async def _exported(drive: Drive, item: Item) -> tuple[str, str, str]:
    """The text of one of Google's own kinds."""
    if item.mime not in _EXPORTS:
        raise InvalidRequest(f"There is no text to read in a {item.shown_kind}.")
    mime, kind, note = _EXPORTS[item.mime]
    raw = await drive.content(f"files/{item.id}/export", limit=_LARGEST_EXPORT, mimeType=mime)
    return kind, raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\x00", ""), note


async def _downloaded(ctx: Context, drive: Drive, item: Item) -> tuple[str, str, str]:
    """The text of a file that has bytes, read in the sandbox."""
    check_size(item.size, _LARGEST_READ, service="Google Drive")
    content = await drive.content(f"files/{item.id}", limit=_LARGEST_READ, alt="media", **ALL)
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    found = await read_document(content, type=item.mime, name=item.name[:255], seconds=seconds)
    return found.kind, found.text, found.note


def _who(permission: dict[str, object]) -> str:
    kind = permission.get("type")
    if kind == "anyone":
        return "anyone with the link"
    named = permission.get("emailAddress") or permission.get("domain")
    return f"{str(named)[:320]}{'' if kind == 'user' else f' ({str(kind)[:20]})'}"


def _note(state: Account, *, more: bool) -> str:
    notes = ["There are more; use more words."] if more else []
    if not state.complete:
        notes.append("This drive is still being read, newest first; older files may be missing.")
    if state.cut:
        notes.append("This drive holds more files than are kept here; the oldest are missing.")
    return " ".join(notes)
