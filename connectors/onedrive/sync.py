"""One pass over a drive: at first everything, then what changed since, by Microsoft's own list of changes (delta).

https://learn.microsoft.com/graph/api/driveitem-delta. Microsoft gives the order, not we: folders before what lies in
them. Each page is written with the link to the next one, so what came is found at once, and a pass that was stopped
goes on from there. A list that Microsoft dropped (410, `resyncRequired`) begins anew, over the old one: what the new
one does not name is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Connection

from connectors.onedrive.card import OWN, ROOT, owner_of
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.items import Item, items_of
from connectors.onedrive.mirror import Account, mirror
from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound, UpstreamFailed
from openassistant.files.mirror import Change
from openassistant.origins import origin_of

__all__ = ["sync_account"]

_MOST_FILES = 300_000
_MOST_ANNOUNCED = 50
_KEPT_SECONDS = 93 * 86_400
"""As long as the recycle bin of an account of work or school keeps things; a personal one keeps them 30 days."""
_What = Literal["made", "changed", "deleted", "restored"]
_FORGOTTEN = (InvalidRequest, NotFound)
"""How a link is refused that Microsoft does not know any more."""


async def sync_account(ctx: Context) -> None:
    """Brings the mirror of `ctx.account` up to date; raises `OaError` when the drive cannot be used."""
    owner, drive = owner_of(ctx), await drive_of(ctx)
    scope = ROOT if await allowed(ctx, "read", "write", "share", "restore") else OWN
    pass_ = _Pass(ctx, owner, drive)
    state = await ctx.store.read(lambda c: mirror.account(c, owner))
    if state.scope != scope or not state.link or origin_of(state.link) != origin_of(drive.api.base):
        state = await pass_.begin(state, scope)
    try:
        await pass_.follow(state)
    except _FORGOTTEN:
        if state.link == scope:
            raise
        await pass_.follow(await pass_.begin(state, scope))


class _Pass:
    """One pass, and how far it is."""

    def __init__(self, ctx: Context, owner: str, drive: Drive) -> None:
        self._ctx, self._owner, self._drive = ctx, owner, drive

    async def begin(self, state: Account, scope: str) -> Account:
        """The state of a listing that begins, over what is known."""
        address, drive_type = await self._whose()
        state = state._replace(scope=scope, link=scope, round=state.round + 1, complete=False, cut=False)
        state = state._replace(address=address or state.address, drive_type=drive_type or state.drive_type)
        await self._ctx.store.write(lambda c: mirror.set_account(c, self._owner, state._replace(link="")))
        return state

    async def follow(self, state: Account) -> None:
        """Takes over page after page, to the end of the list."""
        new: list[str] = []
        async for page in self._drive.delta(state.link):
            link = page.get("@odata.nextLink") or page.get("@odata.deltaLink")
            if not isinstance(link, str) or not link:
                raise UpstreamFailed("Microsoft did not say where its list of changes goes on.")
            self._drive.api.url(link)
            before = state.complete
            ended = "@odata.nextLink" not in page
            state = state._replace(link=link, complete=state.complete or ended)
            if ended and not state.known_since:
                state = state._replace(known_since=int(self._ctx.now().timestamp()))
            found, done, state = await self._ctx.store.write(self._taking(state, items_of(page), told=before))
            new += found
            await self._ctx.progress(done, done if state.complete else None, "files")
        if new:
            await self._ctx.announce("file", new[:_MOST_ANNOUNCED])

    def _taking(
        self, state: Account, items: list[Item], *, told: bool
    ) -> Callable[[Connection], tuple[list[str], int, Account]]:
        """Writes a page; `told`: what it tells is news, since everything was listed before."""
        now = int(self._ctx.now().timestamp())

        def write(connection: Connection) -> tuple[list[str], int, Account]:
            found, state_ = [*items], state
            for each in [each for each in found if each.kind == "root"]:
                state_ = state_._replace(root=each.id, drive_type=each.drive_type or state_.drive_type)
                found.remove(each)
            if mirror.count(connection, self._owner) + len(found) > _MOST_FILES:
                known = mirror.known(connection, self._owner, [each.id for each in found])
                found, state_ = [each for each in found if each.id in known or each.trashed], state_._replace(cut=True)
            live = [each for each in found if not each.trashed]
            pairs = mirror.put(connection, self._owner, live, round=state_.round)
            news = [
                Change(item.id, item.name, item.author, what, item.modified if what == "made" else now)
                for item, before in pairs
                if (what := _what(before, item))
            ]
            # Behind those that live: what was moved out of a folder before that was deleted, lies elsewhere by now.
            gone = [each for item in found if item.trashed for each in self._gone(connection, item.id, now)]
            if told:
                mirror.note_changes(connection, self._owner, [*gone, *news])
            if state_.complete:
                mirror.sweep(connection, self._owner, round=0 if told else state_.round, trashed=False)
                mirror.purge(connection, self._owner, before=now - _KEPT_SECONDS)
            mirror.set_account(connection, self._owner, state_)
            made = [each.id for each in news if each.what == "made"] if told else []
            return made, mirror.count(connection, self._owner), state_

        return write

    def _gone(self, connection: Connection, id: str, now: int) -> list[Change]:  # noqa: A002 - it is called so
        left = mirror.trash(connection, self._owner, id, now=now)
        return [Change(each.id, each.name, each.author, "deleted", now) for each in left]

    async def _whose(self) -> tuple[str, str]:
        """Whose drive it is, and of which kind; nothing where that is not for this account to see."""
        try:
            found = await self._drive.about()
        except (Forbidden, NotFound, InvalidRequest):
            return "", ""
        return whose(found), str(found.get("driveType") or "")[:40]


def whose(found: dict[str, Any]) -> str:
    """The address or name of a drive's owner."""
    owner = found.get("owner")
    user = owner.get("user") if isinstance(owner, dict) else None
    user = user if isinstance(user, dict) else {}
    return str(user.get("email") or user.get("displayName") or "")[:320]


def _what(before: Item | None, item: Item) -> _What | None:
    if before is None:
        return "made"
    if before.trashed:
        return "restored"
    told = ("name", "parent", "size", "digest", "modified", "shared", "description")
    return "changed" if any(getattr(before, name) != getattr(item, name) for name in told) else None
