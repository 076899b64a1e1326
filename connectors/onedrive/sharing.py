"""The tools that reach others: shares and links. Each is asked about, and looked up where it broke off."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from connectors.onedrive.acts import before_act, note_act
from connectors.onedrive.card import FileId, connector, owner_of
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.items import Item
from connectors.onedrive.mirror import mirror
from connectors.onedrive.previews import previews
from connectors.onedrive.reading import addresses_of
from connectors.onedrive.saving import keep
from connectors.onedrive.views import FileShared, LinkMade, view_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Forbidden, InvalidRequest, UpstreamFailed
from openassistant.files.arguments import Message, Person
from openassistant.files.previews import opened_warning
from openassistant.formats.addresses import looks_like, parse_typed
from openassistant.messages import Call, Destination, ToolResult

__all__ = ["files_share", "links_create"]

_ROLES = ("read", "write", "owner")
_DOES = {"read": "see it", "write": "see and change it"}
_LINKS = {"read": "view", "write": "edit"}
_SCOPES = {"anyone": "anonymous", "organization": "organization"}

_Role = Annotated[Literal["read", "write"], Field(description="What they may do: see, or change")]
_Tell = Annotated[bool, Field(description="Have Microsoft send them a mail about it")]
_Audience = Annotated[
    Literal["anyone", "organization"],
    Field(description="Who the link opens it for: anyone who has it, or those of the account's organization who do"),
]


@connector.tool(effect="send", capability="share")
async def files_share(
    ctx: Context, file: FileId, person: Person, *, role: _Role = "read", tell: _Tell = True, message: Message = ""
) -> FileShared:
    """Share a file or folder with somebody, who has to sign in. A folder goes with all that lies in it, also later."""
    address, drive = _address(person), await drive_of(ctx)
    item = await _shareable(drive, file)
    had, permission = await _access(drive, item, address)
    if _rank(had) >= _rank(role):
        return FileShared(file=view_of(item), person=address, role=had, told=False, note="They could do that already.")
    await note_act(ctx, had=had, file=item.id)
    if permission:
        await drive.api.call("PATCH", f"items/{item.id}/permissions/{permission}", json={"roles": [role]})
    else:
        body = {"recipients": [{"email": address}], "roles": [role], "requireSignIn": True, "sendInvitation": tell}
        body |= {"message": message} if tell and message else {}
        _accepted(await drive.api.call("POST", f"items/{item.id}/invite", json=body))
    return await _shared(ctx, drive, item.id, address, role, told=tell and not permission)


@files_share.preview
async def preview_share(ctx: Context, file: str, person: str, *, role: str, tell: bool, message: str) -> Preview:
    """Who gets to see what, and what they are told."""
    address, owner, item = _address(person), owner_of(ctx), await previews.known(ctx, file)
    people = await ctx.store.read(lambda c: mirror.people(c, owner))
    note = "Files here are by this address too." if address in people else "Nothing is known of this address here."
    warnings = opened_warning(item)
    if near := looks_like(address, people):
        warnings.append(f"{address} looks like {near}, whose files are here, but is another address.")
    if role == "write":
        warnings.append("They can change it, and may be able to share it with others.")
    fields = [("They may", _DOES[role]), ("Mail about it", "yes, by Microsoft" if tell else "no")]
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
async def links_create(ctx: Context, file: FileId, *, role: _Role = "read", audience: _Audience = "anyone") -> LinkMade:
    """Make a link with which anyone who has it can open a file or folder; for an organization, after signing in."""
    drive = await drive_of(ctx)
    item = await _shareable(drive, file)
    if link := await _link(drive, item, role, audience):
        note = "There was such a link already."
        return LinkMade(file=view_of(item), link=link, role=role, audience=audience, note=note)
    await note_act(ctx, file=item.id)
    body = {"type": _LINKS[role], "scope": _SCOPES[audience]}
    made = await drive.api.call("POST", f"items/{item.id}/createLink", json=body)
    return await _linked(ctx, drive, item.id, _url(made), role, audience)


@links_create.preview
async def preview_link(ctx: Context, file: str, *, role: str, audience: str) -> Preview:
    """What opens for whoever has the link."""
    if audience == "anyone":
        value, note = "anyone with the link", "Anybody in the world who gets it."
        warnings = ["Whoever has the link can open it, without signing in, and can pass it on. Nobody says who did."]
    else:
        value, note = "the organization, with the link", "Everybody of this account's organization who gets it."
        warnings = ["Whoever of the organization has the link can open it, and can pass it on there."]
    warnings += opened_warning(await previews.known(ctx, file))
    if role == "write":
        warnings.append("Whoever can open it can change it.")
    return await previews.of(
        ctx, (file,), verb="Open a file to those with its link", confirm="Make the link",
        fields=[("They may", _DOES[role])], destinations=(Destination(kind="link", value=value, note=note),),
        warnings=warnings,
    )  # fmt: skip


@links_create.reconcile
async def find_link(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether there is such a link now."""
    noted, given = await before_act(ctx, call.id), links_create.parse(call.arguments)
    if noted is None:
        return None
    drive = await drive_of(ctx)
    link = await _link(drive, await drive.item(noted["file"]), given["role"], given["audience"])
    if not link:
        return None
    return links_create.result(await _linked(ctx, drive, noted["file"], link, given["role"], given["audience"]))


async def _shareable(drive: Drive, file: str) -> Item:
    item = await drive.item(file)
    if item.kind in ("root", "shortcut"):
        raise InvalidRequest("Only a file or folder of this account can be shared, and not the drive as a whole.")
    return item


async def _access(drive: Drive, item: Item, address: str) -> tuple[str, str]:
    """The highest role of an address and the id of its permission; nothing where it has none."""
    best = ("", "")
    for each in await drive.permissions(item.id):
        link = each.get("link")
        if address not in addresses_of(each) or (isinstance(link, dict) and link.get("scope") != "users"):
            continue
        roles, id_ = each.get("roles"), str(each.get("id") or "")
        role = max((str(one) for one in roles), key=_rank, default="") if isinstance(roles, list) else ""
        if _rank(role) > _rank(best[0]):
            best = (role, id_ if id_.replace("-", "").replace("_", "").replace("=", "").isalnum() else "")
    return best


async def _link(drive: Drive, item: Item, role: str, audience: str) -> str:
    """The address of the link of that kind; nothing where there is none."""
    for each in await drive.permissions(item.id):
        link = each.get("link")
        kind = (link.get("type"), link.get("scope")) if isinstance(link, dict) else ()
        if kind == (_LINKS[role], _SCOPES[audience]) and "inheritedFrom" not in each:
            return _url(each)
    return ""


def _url(permission: dict[str, Any]) -> str:
    link = permission.get("link")
    url = str(link.get("webUrl") or "") if isinstance(link, dict) else ""
    if not url.startswith("https://") or len(url) > 2000:
        raise UpstreamFailed("Microsoft made a link, but did not say which.")
    return url


def _accepted(answer: dict[str, Any]) -> None:
    """Raises `Forbidden` where Microsoft says of the recipient that it was refused (207)."""
    some = answer.get("value")
    if any(isinstance(each, dict) and each.get("error") for each in (some if isinstance(some, list) else [])):
        raise Forbidden("Microsoft does not share that with this address.")


async def _shared(ctx: Context, drive: Drive, file: str, address: str, role: str, *, told: bool) -> FileShared:
    item = await drive.item(file)
    await keep(ctx, item)
    return FileShared(file=view_of(item), person=address, role=role, told=told)


async def _linked(ctx: Context, drive: Drive, file: str, link: str, role: str, audience: str) -> LinkMade:
    item = await drive.item(file)
    await keep(ctx, item)
    return LinkMade(file=view_of(item), link=link, role=role, audience=audience)


def _address(person: str) -> str:
    return parse_typed(person).address.lower()


def _rank(role: str) -> int:
    return _ROLES.index(role) + 1 if role in _ROLES else 0
