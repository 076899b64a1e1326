"""One pass over a drive: at first everything, newest first, then what changed since.

https://developers.google.com/workspace/drive/api/guides/manage-changes. The token of changes is taken before the
listing begins, so nothing is missed in between. Each page is written with where the next one begins, so that a pass
that was stopped goes on from there; a token that Google forgot begins a new listing, over the old one.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection

from connectors.google_drive.card import owner_of
from connectors.google_drive.drive import ALL, Drive, drive_of, shrinking
from connectors.google_drive.items import Item, item_of, items_of
from connectors.google_drive.mirror import Account, mirror
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound, OaError, UpstreamFailed
from openassistant.files.mirror import Change

__all__ = ["sync_account"]

_PAGE = 1_000
_MOST_FILES = 300_000
_MOST_PAGES = 10_000
_MOST_ANNOUNCED = 50
_What = Literal["made", "changed", "trashed", "restored", "removed"]
_FORGOTTEN = (InvalidRequest, NotFound)
"""How a token is refused that Google does not know any more."""


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when Drive cannot be used."""
    owner, drive = owner_of(ctx), await drive_of(ctx)
    pass_ = _Pass(ctx, owner, drive)
    state = await ctx.store.read(lambda c: mirror.account(c, owner))
    if not state.complete:
        state = await pass_.list_all(state)
    try:
        await pass_.follow(state)
    except _FORGOTTEN:
        anew = state._replace(token="", page="", complete=False)
        await pass_.follow(await pass_.list_all(anew))


class _Pass:
    """One pass, and how far it is."""

    def __init__(self, ctx: Context, owner: str, drive: Drive) -> None:
        self._ctx, self._owner, self._drive = ctx, owner, drive

    async def list_all(self, state: Account) -> Account:
        """Lists everything, or goes on with that; gives where changes go on from."""
        if not state.token:
            state = await self._begun(state)
        try:
            return await self._listed(state)
        except _FORGOTTEN:
            if not state.page:
                raise
            return await self._listed(await self._begun(state))

    async def _begun(self, state: Account) -> Account:
        found = await self._drive.api.get("changes/startPageToken", **ALL)
        token = found.get("startPageToken")
        if not isinstance(token, str) or not token:
            raise UpstreamFailed("Google did not say where its list of changes begins.")
        since = state.known_since or int(self._ctx.now().timestamp())
        state = state._replace(token=token, page="", round=state.round + 1, complete=False, known_since=since)
        state = state._replace(address=await self._address(), root=await self._root())
        await self._ctx.store.write(lambda c: mirror.set_account(c, self._owner, state))
        return state

    async def _listed(self, state: Account) -> Account:
        seen = set[str]()
        for _ in range(_MOST_PAGES):
            page = await shrinking(partial(self._page, state.page), size=_PAGE)
            items, token = items_of(page), str(page.get("nextPageToken") or "")
            if token and token in seen:
                raise UpstreamFailed("Google's list of files does not end.")
            seen.add(token)
            state = state._replace(page=token, complete=not token, cut=False)
            done = await self._ctx.store.write(self._writing(state, items))
            if done >= _MOST_FILES and token:
                state = state._replace(page="", complete=True, cut=True)
                await self._ctx.store.write(self._writing(state, []))
            await self._ctx.progress(done, done if state.complete else None, "files")
            if state.complete:
                return state
        raise UpstreamFailed("Google's list of files does not end.")

    async def _page(self, token: str, size: int) -> dict[str, Any]:
        return await self._drive.page("", size=size, order="modifiedTime desc", token=token)

    def _writing(self, state: Account, items: list[Item]) -> Any:
        def write(connection: Connection) -> int:
            mirror.put(connection, self._owner, items, round=state.round)
            if state.complete:
                mirror.sweep(connection, self._owner, round=state.round)
            mirror.set_account(connection, self._owner, state)
            return mirror.count(connection, self._owner)

        return write

    async def follow(self, state: Account) -> None:
        """Takes over what changed."""
        new: list[str] = []
        done = await self._ctx.store.read(lambda c: mirror.count(c, self._owner))
        async for page in self._drive.changes(state.token):
            token = str(page.get("nextPageToken") or page.get("newStartPageToken") or "")
            if not token:
                raise UpstreamFailed("Google did not say where its list of changes goes on.")
            state = state._replace(token=token)
            found, done = await self._ctx.store.write(self._following(state, page))
            new += found
        await self._ctx.progress(done, done, "files")
        if new:
            await self._ctx.announce("file", new[:_MOST_ANNOUNCED])

    def _following(self, state: Account, page: dict[str, Any]) -> Any:
        some = page.get("changes")
        listed = [each for each in some if isinstance(each, dict)] if isinstance(some, list) else []

        def write(connection: Connection) -> tuple[list[str], int]:
            new: list[str] = []
            noted: list[Change] = []
            for each in listed:
                change = self._taken(connection, state, each)
                if change is not None:
                    noted.append(change)
                    new += [change.id] if change.what == "made" else []
            mirror.note_changes(connection, self._owner, noted)
            mirror.set_account(connection, self._owner, state)
            return new, mirror.count(connection, self._owner)

        return write

    def _taken(self, connection: Connection, state: Account, change: dict[str, Any]) -> Change | None:
        """One change, taken over; None where it tells nothing new."""
        id_, described = str(change.get("fileId") or ""), change.get("file")
        when = item_of({"id": "x", "modifiedTime": change.get("time")}).modified or int(self._ctx.now().timestamp())
        if change.get("removed") is True or not isinstance(described, dict):
            before = mirror.file(connection, self._owner, id_)
            mirror.drop(connection, self._owner, [id_])
            return Change(id_, before.name, before.owner, "removed", when) if before else None
        try:
            item = item_of(described)
        except UpstreamFailed:
            return None
        [(_, before)] = mirror.put(connection, self._owner, [item], round=state.round)
        what = _what(before, item)
        return Change(item.id, item.name, item.owner, what, when) if what else None

    async def _address(self) -> str:
        """Whose drive it is."""
        found = await self._drive.api.get("about", fields="user(displayName,emailAddress)")
        user = found.get("user")
        return str(user.get("emailAddress") or "")[:320] if isinstance(user, dict) else ""

    async def _root(self) -> str:
        """The id of My Drive; an account that was connected for its own files alone may not see it."""
        try:
            return (await self._drive.item("root")).id
        except (NotFound, Forbidden):
            return ""
        except OaError as error:
            if error.code == "invalid_request":
                return ""
            raise


def _what(before: Item | None, item: Item) -> _What | None:
    if before is None:
        return "trashed" if item.trashed else "made"
    if before.trashed != item.trashed:
        return "trashed" if item.trashed else "restored"
    told = {"name", "parent", "size", "md5", "revision", "modified", "shared", "description"}
    return "changed" if any(getattr(before, name) != getattr(item, name) for name in told) else None
