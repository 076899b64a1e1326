"""One pass over an account: its folders, and of each what changed since the pass before.

Outlook has a delta for each folder (https://learn.microsoft.com/graph/delta-query-messages), which begins with the
newest mails where it is asked to. The first pass takes some pages of each folder before it reads any to its end, so
that what is new is there at once. After each page stands in the mirror where to go on: a pass that was stopped goes on
there. A delta that Graph has forgotten is begun anew, and what it does not name then is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from connectors.outlook_mail import mirror
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.acts import drop_old
from connectors.outlook_mail.letters import SELECT, is_id
from connectors.outlook_mail.mirror import Folder
from connectors.outlook_mail.search import counts
from openassistant.connector import Context
from openassistant.errors import NotFound, UpstreamFailed
from openassistant.formats.charsets import clean
from openassistant.providers.graph import GraphApi

__all__ = ["sync_account"]

_ROLES = {
    "inbox": "inbox", "sentitems": "sent", "drafts": "drafts", "archive": "archive", "junkemail": "junk",
    "deleteditems": "trash",
}  # fmt: skip
"""By the names that every mailbox knows: https://learn.microsoft.com/graph/api/resources/mailfolder."""
_SEARCH = ".mailSearchFolder"
_FOLDER = {"$select": "id,displayName,childFolderCount", "$top": "100"}
_MOST_FOLDERS, _DEEPEST = 500, 10
_FIRST_PAGES = 4
_MOST_ANNOUNCED = 50


class _Named(NamedTuple):
    ref: str
    name: str
    children: bool


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Graph cannot be used."""
    owner, api = owner_of(ctx), await api_of(ctx)
    found = await _folders(api)
    kept = await ctx.store.read(lambda c: mirror.folders(c, owner))
    roles = {each.ref: each.role for each in kept if each.role}
    if {each.ref for each in found} != {each.ref for each in kept} or not roles:
        roles = await _roles(api)
    names = {each.ref for each in found}
    await ctx.store.write(lambda c: mirror.drop_folders(c, owner, keep=names))
    for each in found:
        await ctx.store.write(
            partial(mirror.open_folder, account=owner, ref=each.ref, name=each.name, role=roles.get(each.ref, ""))
        )
    pass_ = _Pass(ctx, api, owner)
    for number in [each.id for each in await ctx.store.read(lambda c: mirror.folders(c, owner)) if not each.complete]:
        await pass_.run(number, pages=_FIRST_PAGES)
    for number in [each.id for each in await ctx.store.read(lambda c: mirror.folders(c, owner))]:
        await pass_.run(number)
    await ctx.store.write(partial(drop_old, now=ctx.now()))
    held = await ctx.store.read(lambda c: sum(each.mails for each in counts(c, owner)))
    await ctx.progress(held, held, "mails")


async def _folders(api: GraphApi) -> list[_Named]:
    """All folders with their names from the top, "Projects/Lease", but saved searches, which are none."""
    found: list[_Named] = []
    waiting: list[tuple[str, str, int]] = [("me/mailFolders", "", 0)]
    while waiting and len(found) < _MOST_FOLDERS:
        path, above, depth = waiting.pop(0)
        async for page in api.pages(path, _FOLDER):
            for raw in page.get("value") or []:
                if (each := _named(raw, above)) is None:
                    continue
                found.append(each)
                if each.children and depth < _DEEPEST:
                    waiting.append((f"me/mailFolders/{iri(each.ref)}/childFolders", f"{each.name}/", depth + 1))
            if len(found) >= _MOST_FOLDERS:
                break
    return found[:_MOST_FOLDERS]


def _named(raw: Any, above: str) -> _Named | None:
    if not isinstance(raw, dict) or not is_id(raw.get("id")) or str(raw.get("@odata.type")).endswith(_SEARCH):
        return None
    shown = raw.get("displayName")
    name = " ".join(clean(shown).split()).replace("/", "\u2215") if isinstance(shown, str) else ""
    return _Named(raw["id"], f"{above}{name or '(no name)'}"[:300], bool(raw.get("childFolderCount")))


async def _roles(api: GraphApi) -> dict[str, str]:
    """Which folders are inbox, sent mail and so on, by their ids: their names are in the owner's language."""
    roles: dict[str, str] = {}
    for name, role in _ROLES.items():
        try:
            found = await api.get(f"me/mailFolders/{name}", {"$select": "id"})
        except NotFound:
            continue
        roles[str(found.get("id"))] = role
    return roles


class _Pass:
    """Brings the mirror of one account up to date, folder by folder, and says how far it is."""

    def __init__(self, ctx: Context, api: GraphApi, owner: str) -> None:
        self._ctx, self._api, self._owner, self._done = ctx, api, owner, 0

    async def report(self, what: str) -> None:
        """Tells how many mails were read."""
        await self._ctx.progress(self._done, None, what)

    async def run(self, number: int, *, pages: int | None = None) -> None:
        """One folder, at most so many pages of it; a delta that Graph has forgotten is begun anew, once."""
        folder = await self._folder(number)
        if folder is None:
            return
        if not folder.link:
            folder = await self._begin(number)
        try:
            await self._follow(folder, pages)
        except NotFound as error:
            if not folder.link or (error.details.get("reason") != "resync" and error.details.get("status") != 404):
                raise
            await self._follow(await self._begin(number), pages)

    async def _folder(self, number: int) -> Folder | None:
        every = await self._ctx.store.read(lambda c: mirror.folders(c, self._owner))
        return next((each for each in every if each.id == number), None)

    async def _begin(self, number: int) -> Folder:
        return await self._ctx.store.write(lambda c: mirror.begin_round(c, number))

    async def _follow(self, folder: Folder, pages: int | None) -> None:
        seen = self._ctx.now() if folder.complete and not folder.filling else None
        path, params, keys, count = folder.link, None, list[str](), 0
        if not path:
            path = f"me/mailFolders/{iri(folder.ref)}/messages/delta"
            params = {"$select": SELECT, "$orderby": "receivedDateTime desc"}
        async for page in self._api.pages(path, params):
            keys += await self._take(folder, page, fresh=seen is not None)
            link = str(page.get("@odata.nextLink") or page.get("@odata.deltaLink") or "")
            if not link.isascii():
                raise UpstreamFailed("Microsoft named a next page that is no address.")
            link = self._api.url(link) if link else ""
            await self._ctx.store.write(partial(mirror.step, folder=folder.id, link=link))
            await self.report(folder.name)
            count += 1
            if "@odata.nextLink" in page and count == pages:
                return
        await self._ctx.store.write(partial(mirror.close_round, folder=folder, now=self._ctx.now()))
        if keys and folder.role not in ("sent", "drafts", "junk", "trash"):
            await self._ctx.announce("mail", list(dict.fromkeys(keys))[:_MOST_ANNOUNCED])

    async def _take(self, folder: Folder, page: Mapping[str, Any], *, fresh: bool) -> list[str]:
        """Writes a page into the mirror; gives the keys of what is new or changed in a folder that was read before."""
        seen = self._ctx.now() if fresh else None
        listed = page.get("value")
        items = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        gone = [str(each["id"]) for each in items if "@removed" in each and is_id(each.get("id"))]
        there = [await self._whole(each) for each in items if "@removed" not in each]
        self._done += len(items)
        await self._ctx.store.write(partial(mirror.remove, folder=folder, refs=gone, seen=seen))
        known = [each for each in there if each is not None]
        keys = await self._ctx.store.write(partial(mirror.put, folder=folder, raw=known, seen=seen))
        return keys if fresh else []

    async def _whole(self, raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A mail, asked for in full where only a change of it is told and the mirror does not know it."""
        ref = raw.get("id")
        if "receivedDateTime" in raw or not is_id(ref):
            return raw
        if await self._ctx.store.read(lambda c: mirror.is_known(c, self._owner, str(ref))):
            return raw
        try:
            return await self._api.get(f"me/messages/{iri(str(ref))}", {"$select": SELECT})
        except NotFound:
            return None
