"""What a connector does with what it holds of a user: says how much, gives it away, takes it back, and forgets."""

from __future__ import annotations

import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from openassistant import holdings, imported, journal
from openassistant.context import CallContext
from openassistant.data import ExportPage, Forgotten, Holding, Imported, Part, Piece
from openassistant.errors import Forbidden, Unavailable
from openassistant.exporting import Archive, Cut
from openassistant.grants import Scope
from openassistant.holdings import CALLS, IMPORTED
from openassistant.store import Store

if TYPE_CHECKING:
    from openassistant.runner import Runner
    from openassistant.syncing import Syncing

__all__ = ["Keeping"]

_ABANDONED = timedelta(days=1)
_log = logging.getLogger("openassistant.keeping")


class Keeping:
    """The answers of one connector about the data of its users (`data.Answers`)."""

    def __init__(self, runner: Runner, syncing: Syncing) -> None:
        self._runner = runner
        self._syncing = syncing
        self._seen: dict[str, dict[str, set[str]]] = {}
        """By user, in which accounts an export under way has found something of each kind."""
        self._kinds = (*runner.connector.kinds, CALLS, IMPORTED)

    async def usage(self, ctx: CallContext, user: str) -> Holding:
        """How many things there are of each kind, and how many bytes the user's file takes."""
        stores = self._runner.stores
        if not stores.size(user):
            return Holding()
        await self._open(user, ctx.grant)
        async with stores.use(user) as store:
            found = await store.read(lambda connection: holdings.parts(connection, self._kinds))
        return Holding(parts=found, bytes=stores.size(user))

    async def export(self, ctx: CallContext, user: str, cursor: str) -> ExportPage:
        """The next page of the user's archive."""
        if not self._runner.stores.size(user):
            return ExportPage()
        await self._open(user, ctx.grant)
        if not cursor:
            self._seen.pop(user, None)
        seen = self._seen.setdefault(user, {})
        names = {account: name for account, name, _ in await self._syncing.of_user(user)}
        lent = await self._syncing.lent_to(user)

        def read(connection: Connection) -> tuple[ExportPage, Cut | None]:
            return Archive(connection, self._kinds, names, seen, lent=lent).page(cursor)

        async with self._runner.stores.use(user) as store:
            if not cursor:
                await self._drop_old(store)
            page, cut = await store.read(read)
            if cut is not None:
                await self._keep(store, cut)
            elif page.cursor is None:
                await store.write(_drop_cuts)
        if page.cursor is None:
            self._seen.pop(user, None)
        return page

    async def take(self, ctx: CallContext, user: str, pieces: tuple[Piece, ...]) -> Imported:
        """Keeps files of an archive."""
        await self._open(user, ctx.grant)
        async with self._runner.stores.use(user) as store:
            return await store.write(lambda connection: imported.take(connection, pieces))

    async def forget(self, user: str, scope: Scope, dry: bool) -> Forgotten:  # noqa: FBT001 - see `data.Answers`
        """Removes what fits a scope, or says what that would be; nothing of it can be found in the file after that.

        Raises `Unavailable` where somebody reads the file all the time, so that its log cannot be emptied: ask again.
        """
        if scope.conversation is not None or not self._runner.stores.size(user):
            return Forgotten()
        await self._open(user, None)
        accounts, now = {account for account, _, _ in await self._syncing.of_user(user)}, self._runner.clock()

        def work(connection: Connection) -> tuple[Part, ...]:
            return holdings.forget(connection, self._kinds, scope, accounts=accounts, now=now)

        async with self._runner.stores.use(user) as store:
            if dry:
                return Forgotten(parts=await holdings.tried(store.write, work))
            went = await store.write(work)
            await _tidied(store)
        return Forgotten(parts=went)

    async def forget_calls(self, user: str, calls: tuple[str, ...], dry: bool) -> Forgotten:  # noqa: FBT001 - as above
        """Forgets what ended calls of a user said and brought, not that they were made and how they ended."""
        if not self._runner.stores.size(user):
            return Forgotten()
        await self._open(user, None)
        async with self._runner.stores.use(user) as store:
            times = await journal.forget_calls(store, calls, dry=dry)
            if not dry:
                await _tidied(store)
        return Forgotten(parts=(Part.of(CALLS.name, times),) if times else ())

    async def sweep(self, store: Store, account: str) -> None:
        """Removes what a pass of the sync brought back although it was forgotten."""
        kinds = self._runner.connector.kinds
        if not await store.read(lambda connection: holdings.has_forgotten(connection, account)):
            return
        if count := await store.write(lambda connection: holdings.sweep(connection, kinds, account)):
            _log.info("swept", extra={"count": count})
            await store.tidy()

    async def unlock(self, user: str, grant: str | None) -> None:
        """Makes a user's file readable, where there is one."""
        if self._runner.stores.size(user):
            await self._open(user, grant)

    async def _open(self, user: str, grant: str | None) -> None:
        """Asks for the key of a user's file: by a grant that came along, else by one of his accounts.

        Raises `Forbidden` where there is none.
        """
        held = [each for _, _, each in await self._syncing.of_user(user)]
        for token in filter(None, (grant, *held)):
            with contextlib.suppress(Forbidden):
                await self._runner.keys.unlock(user, token)
                break
        await self._runner.keys.of(user)

    async def _keep(self, store: Store, cut: Cut) -> None:
        row = {**cut._asdict(), "made": self._runner.clock().isoformat()}
        statement = text(
            "INSERT OR IGNORE INTO holdings_cut (digest, path, at, body, made)"
            " VALUES (:digest, :path, :at, :body, :made)"
        )
        await store.write(lambda connection: connection.execute(statement, row).close())

    async def _drop_old(self, store: Store) -> None:
        """Drops bodies of exports that nobody went on with."""
        old = {"old": (self._runner.clock() - _ABANDONED).isoformat()}
        statement = text("DELETE FROM holdings_cut WHERE made < :old")
        await store.write(lambda connection: connection.execute(statement, old).close())


async def _tidied(store: Store) -> None:
    if not await store.tidy():
        raise Unavailable(
            "It is forgotten, but its file is being read just now; its log is emptied soon.", retry_after=1
        )


def _drop_cuts(connection: Connection) -> None:
    connection.execute(text("DELETE FROM holdings_cut"))
