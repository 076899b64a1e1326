"""The tools that reach others: shares, links and comments. Each is asked about, and looked up where it broke off."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from connectors.google_drive.acts import before_act, note_act
from connectors.google_drive.card import FileId, connector, owner_of
from connectors.google_drive.drive import ALL, Drive, drive_of
from connectors.google_drive.items import Item
from connectors.google_drive.mirror import mirror
from connectors.google_drive.previews import previews
from connectors.google_drive.saving import keep
from connectors.google_drive.views import CommentWritten, FileShared, LinkMade, view_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest
from openassistant.files.arguments import Message, Person
from openassistant.files.previews import opened_warning
from openassistant.formats.addresses import looks_like, parse_typed
from openassistant.messages import Call, Destination, ToolResult

__all__ = ["comments_create", "files_share", "links_create"]

_ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
_DOES = {"reader": "see it", "commenter": "see it and comment on it", "writer": "see and change it"}
_PERMISSION = "id,type,role,emailAddress"
_COMMENT = "id,content,createdTime,author(me)"
_LOOKBACK = timedelta(days=1)

_Role = Annotated[
    Literal["reader", "commenter", "writer"], Field(description="What they may do: see, comment, or change")
]
_Tell = Annotated[bool, Field(description="Have Google send them a mail about it")]
_Comment = Annotated[str, Field(description="The comment, plain", min_length=1, max_length=4_000)]


@connector.tool(effect="send", capability="share")
async def files_share(
    ctx: Context, file: FileId, person: Person, *, role: _Role = "reader", tell: _Tell = True, message: Message = ""
) -> FileShared:
    """Share a file or folder with somebody. A folder is shared with all that lies in it, now and later."""
    address = _address(person)
    drive = await drive_of(ctx)
    item = await drive.target(file)
    had, permission = await _access(drive, item, address)
    if _rank(had) >= _rank(role):
        return FileShared(file=view_of(item), person=address, role=had, told=False, note="They could do that already.")
    await note_act(ctx, had=had, file=item.id)
    if permission:
        path = f"files/{item.id}/permissions/{permission}"
        await drive.api.call("PATCH", path, params={"fields": _PERMISSION, **ALL}, json={"role": role})
    else:
        params = {"sendNotificationEmail": "true" if tell else "false", "fields": _PERMISSION, **ALL}
        params |= {"emailMessage": message} if tell and message else {}
        body = {"type": "user", "role": role, "emailAddress": address}
        await drive.api.call("POST", f"files/{item.id}/permissions", params=params, json=body)
    return await _shared(ctx, drive, item.id, address, role, told=tell and not permission)


@files_share.preview
async def preview_share(ctx: Context, file: str, person: str, *, role: str, tell: bool, message: str) -> Preview:
    """Who gets to see what, and what they are told."""
    address, owner, item = _address(person), owner_of(ctx), await previews.known(ctx, file)
    people = await ctx.store.read(lambda c: mirror.people(c, owner))
    note = "You share files with this address." if address in people else "Nothing is known of this address here."
    warnings = opened_warning(item)
    if near := looks_like(address, people):
        warnings.append(f"{address} looks like {near}, with whom files are shared, but is another address.")
    if role == "writer":
        warnings.append("They can change it, and may be able to share it with others.")
    fields = [("They may", _DOES[role]), ("Mail about it", "yes, by Google" if tell else "no")]
    return await previews.of(
        ctx, (file,), verb="Share a file", confirm="Share", fields=fields, content=message if tell else "",
        destinations=(Destination(kind="recipient", value=address, note=note),), warnings=warnings,
    )  # fmt: skip


@files_share.reconcile
async def find_share(ctx: Context, call: Call) -> ToolResult | None:
    """Looks at who may see the file now."""
    noted, given = await before_act(ctx, call.id), files_share.parse(call.arguments)
    if noted is None:
        return None
    drive, address = await drive_of(ctx), _address(given["person"])
    had, _ = await _access(drive, await drive.item(noted["file"]), address)
    if _rank(had) < _rank(given["role"]):
        return None
    told = bool(given["tell"]) and not noted["had"]
    return files_share.result(await _shared(ctx, drive, noted["file"], address, had, told=told))


@connector.tool(effect="send", capability="share")
async def links_create(ctx: Context, file: FileId, *, role: _Role = "reader") -> LinkMade:
    """Make a link with which anyone who has it can open a file or folder, without signing in."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    had, permission = await _access(drive, item, "")
    if _rank(had) >= _rank(role):
        return LinkMade(file=view_of(item), link=item.link, role=had, note="There was such a link already.")
    await note_act(ctx, had=had, file=item.id)
    params = {"fields": _PERMISSION, **ALL}
    if permission:
        path = f"files/{item.id}/permissions/{permission}"
        await drive.api.call("PATCH", path, params=params, json={"role": role})
    else:
        body = {"type": "anyone", "role": role, "allowFileDiscovery": False}
        await drive.api.call("POST", f"files/{item.id}/permissions", params=params, json=body)
    return await _linked(ctx, drive, item.id, role)


@links_create.preview
async def preview_link(ctx: Context, file: str, *, role: str) -> Preview:
    """What opens for whoever has the link."""
    warnings = [
        "Whoever has the link can open it, without signing in, and can pass it on. Google does not say who did.",
        *opened_warning(await previews.known(ctx, file)),
    ]
    if role == "writer":
        warnings.append("Whoever has the link can change it, without saying who they are.")
    everybody = Destination(kind="link", value="anyone with the link", note="Anybody in the world who gets it.")
    fields = [("They may", _DOES[role])]
    return await previews.of(
        ctx, (file,), verb="Open a file to anyone with its link", confirm="Open it to anyone", fields=fields,
        destinations=(everybody,), warnings=warnings,
    )  # fmt: skip


@links_create.reconcile
async def find_link(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether there is a link now."""
    noted, given = await before_act(ctx, call.id), links_create.parse(call.arguments)
    if noted is None:
        return None
    drive = await drive_of(ctx)
    had, _ = await _access(drive, await drive.item(noted["file"]), "")
    if _rank(had) < _rank(given["role"]):
        return None
    return links_create.result(await _linked(ctx, drive, noted["file"], had))


@connector.tool(effect="send", capability="share")
async def comments_create(ctx: Context, file: FileId, text: _Comment) -> CommentWritten:
    """Write a comment on a file. Whoever may see the file can read it, and may be told of it by mail."""
    drive = await drive_of(ctx)
    item = await drive.target(file)
    if item.folder:
        raise InvalidRequest("A folder cannot be commented on.")
    await note_act(ctx, file=item.id, known=await _comments(ctx, drive, item.id, text))
    made = await drive.api.call("POST", f"files/{item.id}/comments", params={"fields": "id"}, json={"content": text})
    return CommentWritten(file=view_of(item), comment=str(made.get("id") or "")[:100])


@comments_create.preview
async def preview_comment(ctx: Context, file: str, text: str) -> Preview:
    """The file, and the whole comment."""
    item = await previews.known(ctx, file)
    value = item.owner if item is not None and not item.mine and item.owner else "those who can see the file"
    return await previews.of(
        ctx, (file,), verb="Comment on a file", confirm="Comment", content=text,
        destinations=(Destination(kind="audience", value=value, note="Whoever can see the file can read it."),),
    )  # fmt: skip


@comments_create.reconcile
async def find_comment(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for a comment of ours with that text that was not there before."""
    noted, given = await before_act(ctx, call.id), comments_create.parse(call.arguments)
    if noted is None:
        return None
    drive = await drive_of(ctx)
    item = await drive.item(noted["file"])
    new = [each for each in await _comments(ctx, drive, item.id, given["text"]) if each not in noted["known"]]
    return comments_create.result(CommentWritten(file=view_of(item), comment=new[0])) if new else None


async def _access(drive: Drive, item: Item, address: str) -> tuple[str, str]:
    """The role of an address ("" for anyone) and the id of its permission; nothing where it has none."""
    for each in await drive.listed(f"files/{item.id}/permissions", "permissions", _PERMISSION, **ALL):
        kind, mail = each.get("type"), str(each.get("emailAddress") or "").lower()
        if (not address and kind == "anyone") or (address and kind in ("user", "group") and mail == address):
            id_ = str(each.get("id") or "")
            if not id_.replace("-", "").replace("_", "").isalnum():
                raise Conflict("Google named who may see that file in a way that cannot be used.")
            return str(each.get("role") or ""), id_
    return "", ""


async def _shared(ctx: Context, drive: Drive, file: str, address: str, role: str, *, told: bool) -> FileShared:
    item = await drive.item(file)
    await keep(ctx, item)
    return FileShared(file=view_of(item), person=address, role=role, told=told)


async def _linked(ctx: Context, drive: Drive, file: str, role: str) -> LinkMade:
    item = await drive.item(file)
    await keep(ctx, item)
    return LinkMade(file=view_of(item), link=item.link, role=role)


async def _comments(ctx: Context, drive: Drive, file: str, text: str) -> list[str]:
    """The ids of this account's comments of the last day that say just that."""
    since = (ctx.now() - _LOOKBACK).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = await drive.listed(f"files/{file}/comments", "comments", _COMMENT, startModifiedTime=since)
    return [
        str(each.get("id"))[:100] for each in found if _by_me(each) and str(each.get("content")).strip() == text.strip()
    ]


def _by_me(comment: dict[str, Any]) -> bool:
    author = comment.get("author")
    return isinstance(author, dict) and author.get("me") is True


def _address(person: str) -> str:
    return parse_typed(person).address.lower()


def _rank(role: str) -> int:
    return _ROLES.index(role) + 1 if role in _ROLES else 0
