"""Accounts in the background: attached, synced by one instance at a time, with progress that any instance can tell."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from openassistant import holdings, journal, tally
from openassistant.context import CallContext
from openassistant.errors import Internal, OaError, Unavailable
from openassistant.guard import admit_grant
from openassistant.locks import FileLock
from openassistant.messages import AccountQuery, AccountStatus, AttachRequest, Done, ErrorBody, SyncProgress, Wire
from openassistant.store import Store

if TYPE_CHECKING:
    from openassistant.runner import Runner

__all__ = ["Syncing"]

_TICK_SECONDS = 1.0
_PASS_SECONDS = 6 * 3600.0
_LONGEST_PAUSE = timedelta(minutes=15)
_QUIET_PASSES = 5
"""After so many passes that brought nothing the pause doubles, and again after as many more."""
_SLOWEST = 8
"""How many times as long it becomes at most."""
_WATCH_SECONDS = 25 * 60.0
"""How long one watch lasts: then it is begun again, under the grant and the secrets of that time."""
_WATCH_PAUSE = 60.0
_DETACH_SECONDS = 20.0
"""How long an instance that works on a removed account may take to notice; whoever asks waits 30."""

_log = logging.getLogger("openassistant.syncing")


class _Attached(Wire):
    account: str
    user: str
    name: str
    grant: str
    progress: SyncProgress
    due: datetime
    failures: int
    leaving: bool


class Syncing:
    """The accounts of one connector, as its instances share them in the room's file."""

    def __init__(self, runner: Runner, room: Store, *, locks: Path) -> None:
        self._runner = runner
        self._room = room
        self._locks = locks
        self._passes: dict[str, asyncio.Task[None]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._quiet: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._forgotten: set[str] = set()
        """Users whose erasing this instance has seen."""

    async def on_attach(self, ctx: CallContext, request: AttachRequest) -> Done:
        """Keeps an account for background work under its grant; again with a newer grant is fine."""
        grant = self._runner.account_grant(ctx.signed(grant=request.grant), request.account)
        self._quiet.pop(request.account, None)
        self._runner.keys.forget_account(request.account)
        if watch := self._watches.get(request.account):
            watch.cancel()
        row = {
            "account": request.account,
            "user": grant.user,
            "name": request.name,
            "grant": request.grant,
            "progress": SyncProgress(what="Waiting").model_dump_json(),
            "now": self._runner.clock().isoformat(),
        }
        await self._room.write(
            lambda connection: connection.execute(
                text(
                    "INSERT INTO accounts (account, user, name, grant_token, progress, due, failures)"
                    " VALUES (:account, :user, :name, :grant, :progress, :now, 0) ON CONFLICT (account) DO UPDATE"
                    " SET name = :name, grant_token = :grant, due = :now, failures = 0"
                ),
                row,
            )
        )
        self._wake.set()
        return Done()

    async def on_detach(self, ctx: CallContext, query: AccountQuery) -> Done:
        """Stops the work on an account in every instance, then deletes its mirror; done twice is done.

        Until all of it is deleted the account is known as one that leaves, so that asking again goes on with it.
        """
        account = str(query.account)
        self._runner.keys.forget_account(account)
        attached = next((each for each in await self._all(leaving=True) if each.account == account), None)
        if attached is None:
            return Done()
        runner, row = self._runner, {"account": account}
        admit_grant(ctx, trust=runner.trust, user=attached.user, now=runner.clock())
        await self._room.write(
            lambda connection: connection.execute(text("UPDATE accounts SET leaving = 1 WHERE account = :account"), row)
        )
        async with self._ending(account):
            async with runner.context(ctx, attached.user, account) as context:
                if runner.connector.forgetter is not None:
                    await runner.connector.forgetter(context)
            await self._forget_calls(attached.user, account, ctx.grant or "")
        return Done()

    async def _forget_calls(self, user: str, account: str, grant: str) -> None:
        runner = self._runner
        async with runner.stores.use(user) as store:
            await journal.empty(store, account)
            await store.write(lambda connection: holdings.end_account(connection, account))
            await store.tidy()
            due = await tally.end(store, runner.connector.id, account, grant=grant, now=runner.clock())
        if due:
            runner.reporting.soon(user, grant)

    def _files(self, account: str) -> tuple[Path, Path]:
        """What is locked by who reads an account, and by who watches it."""
        return self._locks / f"sync-{account}", self._locks / f"watch-{account}"

    def _stop(self, account: str) -> None:
        """Ends this instance's work on an account that leaves, and forgets what it knew of it."""
        for tasks in (self._passes, self._watches):
            if account in tasks:
                tasks[account].cancel()
        self._quiet.pop(account, None)
        self._runner.keys.forget_account(account)

    @contextlib.asynccontextmanager
    async def _ending(self, *accounts: str) -> AsyncIterator[None]:
        """Nobody reads or watches these accounts meanwhile, and after it they are not known any more.

        Raises `Unavailable` where somebody does not stop.
        """
        for account in accounts:
            self._stop(account)
        files = [file for account in accounts for file in self._files(account)]
        with contextlib.ExitStack() as held:
            for file in files:
                try:
                    lock = await asyncio.to_thread(FileLock.wait, file, seconds=_DETACH_SECONDS / 2)
                except TimeoutError as error:
                    words = "Another instance of the connector still works on that account; it is tried again."
                    raise Unavailable(words, retry_after=5) from error
                held.callback(lock.release)
            yield
            await self._room.write(lambda connection: _delete(connection, accounts))
            for file in files:
                file.unlink(missing_ok=True)

    async def erase(self, user: str) -> None:
        """Stops the work for a user in every instance, then removes his file; done twice is done."""
        row = {"user": user}

        def mark(connection: Connection) -> None:
            connection.execute(text("INSERT OR IGNORE INTO erased (user) VALUES (:user)"), row)
            connection.execute(text("UPDATE accounts SET leaving = 1 WHERE user = :user"), row)

        await self._room.write(mark)
        async with self._ending(*(each.account for each in await self._all(leaving=True) if each.user == user)):
            await self._forget_user(user)
            await self._runner.stores.erase(user)

    async def _forget_user(self, user: str) -> None:
        """This instance knows nothing of an erased user any more."""
        self._forgotten.add(user)
        self._runner.keys.lock(user)
        await self._runner.stores.let_go(user)

    async def on_status(self, ctx: CallContext, query: AccountQuery) -> AccountStatus:
        """The progress of a user's accounts; the context holds a grant of that user."""
        admit_grant(ctx, trust=self._runner.trust, user=str(query.user), now=self._runner.clock())
        mine = [each for each in await self._all() if each.user == query.user]
        return AccountStatus(accounts={each.account: each.progress for each in mine})

    async def lent_to(self, user: str) -> frozenset[str]:
        """Those of a user's accounts here that are another person's, by what their grants say."""
        held = [(account, grant) for account, _, grant in await self.of_user(user)]
        return frozenset(account for account, grant in held if self._runner.trust.expired_grant(grant).lent)

    async def of_user(self, user: str) -> list[tuple[str, str, str]]:
        """The accounts of a user that are known here, each with its name and grant."""
        return [(each.account, each.name, each.grant) for each in await self._all(leaving=True) if each.user == user]

    def is_used(self, account: str) -> None:
        """Somebody works with an account: it is looked at as often as at first, and now where that is long ago."""
        if self._quiet.pop(account, 0) >= _QUIET_PASSES:
            self._runner.bus.spawn(self._hurry(account))

    async def run(self) -> None:
        """Starts what is due, for ever; first looks into what a dead instance left behind."""
        recovered: set[str] = set()
        while True:
            try:
                await self._heed()
                known = await self._all(leaving=True)
                for leaving in (each for each in known if each.leaving):
                    self._stop(leaving.account)
                for user in await self._erased():
                    await self._forget_user(user)
                for attached in (each for each in known if not each.leaving):
                    if attached.account not in recovered:
                        recovered.add(attached.account)
                        self._runner.bus.spawn(self._recover(attached))
                    self._start_if_due(attached)
                    self._watch_if_read(attached)
            except OaError as error:
                _log.warning("sync loop waits", extra={"code": error.code})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TICK_SECONDS)
            self._wake.clear()

    async def _heed(self) -> None:
        """Lets another instance put files under other keys."""
        if self._room.is_wanted:
            await self._room.step_aside(self._runner.keys.room)
        await self._runner.stores.heed()

    async def close(self) -> None:
        """Ends the passes under way and closes the room's file."""
        tasks = [*self._passes.values(), *self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._room.close()

    def _start_if_due(self, attached: _Attached) -> None:
        if self._runner.connector.syncer is None or attached.account in self._passes:
            return
        if attached.due > self._runner.clock():
            return
        lock = FileLock.take(self._files(attached.account)[0])
        if lock is None:
            return
        task = asyncio.create_task(self._pass(attached.account, lock))
        self._passes[attached.account] = task
        task.add_done_callback(lambda _: self._passes.pop(attached.account, None))

    def _watch_if_read(self, attached: _Attached) -> None:
        """Watches an account that was read once, in one of the instances."""
        if self._runner.connector.watcher is None or attached.account in self._watches:
            return
        if attached.progress.finished is None or attached.failures:
            return
        lock = FileLock.take(self._files(attached.account)[1])
        if lock is None:
            return
        task = asyncio.create_task(self._watch(attached, lock))
        self._watches[attached.account] = task
        task.add_done_callback(lambda _: self._watches.pop(attached.account, None))

    async def _watch(self, attached: _Attached, lock: FileLock) -> None:
        """Has a pass begin whenever the provider says that something changed; a watch that breaks rests for a while."""
        runner, began = self._runner, asyncio.get_running_loop().time()
        ctx = CallContext.within(_WATCH_SECONDS, now=runner.clock(), user=attached.user).signed(grant=attached.grant)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_SECONDS):
                    await self._follow(ctx, attached)
        except OaError as error:
            _log.info("watch ended", extra={"code": error.code})
        except Exception:  # noqa: BLE001 - a stranger's watch may raise anything; passes go on without it
            _log.exception("watch failed")
        finally:
            lock.release()
        await asyncio.sleep(max(_WATCH_PAUSE - (asyncio.get_running_loop().time() - began), 0))

    async def _follow(self, ctx: CallContext, attached: _Attached) -> None:
        runner = self._runner
        assert runner.connector.watcher is not None, "only started with a watcher"
        runner.account_grant(ctx, attached.account)
        async with runner.context(ctx, attached.user, attached.account) as context:
            changes = runner.connector.watcher(context)
            try:
                async for _ in changes:
                    await self._hurry(attached.account)
            finally:
                if isinstance(changes, AsyncGenerator):
                    await changes.aclose()

    async def _hurry(self, account: str) -> None:
        """Makes the next pass due now."""
        row = {"account": account, "now": self._runner.clock().isoformat()}
        await self._room.write(
            lambda connection: connection.execute(
                text("UPDATE accounts SET due = :now WHERE account = :account AND due > :now"), row
            )
        )
        self._wake.set()

    async def _pass(self, account: str, lock: FileLock) -> None:
        try:
            attached = await self._due(account)
            if attached is None:
                return
            progress = await self._sync(attached)
            failures = attached.failures + 1 if progress.state == "failed" else 0
            await self._end(attached, progress, failures)
            self._wake.set()  # it may be due again by now, and can be watched
        except OaError as error:
            _log.warning("sync progress not kept", extra={"code": error.code})
        finally:
            lock.release()

    async def _due(self, account: str) -> _Attached | None:
        """The account as it is under the lock: before, another pass may have ended, or a new grant may have come."""
        attached = next((each for each in await self._all() if each.account == account), None)
        return attached if attached and attached.due <= self._runner.clock() else None

    async def _sync(self, attached: _Attached) -> SyncProgress:
        runner, last = self._runner, SyncProgress(state="running")
        ctx = CallContext.within(_PASS_SECONDS, now=runner.clock(), user=attached.user).signed(grant=attached.grant)

        async def progress(done: int, total: int | None, what: str) -> None:
            nonlocal last
            last = SyncProgress(state="running", done=done, total=total, what=what)
            await self._keep(attached.account, last)

        try:
            runner.account_grant(ctx, attached.account)
            async with runner.context(ctx, attached.user, attached.account, progress=progress) as context:
                assert runner.connector.syncer is not None, "only started with a syncer"
                try:
                    await runner.connector.syncer(context)
                except Exception:
                    await self._sweep(context.store, attached.account)
                    raise
                await self._sweep(context.store, attached.account)
                is_whole = last.total is None or last.done >= last.total
                quiet = self._quiet.get(attached.account, 0) + 1 if is_whole and not context.announced else 0
                self._quiet[attached.account] = quiet
        except OaError as error:
            problem = ErrorBody(code=error.code, message=error.message, details=error.details)
            runner.keys.forget_account(attached.account)
            return last.model_copy(update={"state": "failed", "problem": problem})
        except Exception:  # noqa: BLE001 - a stranger's sync may raise anything; the owner sees that it failed
            _log.exception("sync failed")
            problem = ErrorBody(code=Internal.code, message="The sync failed inside; the log has it.")
            return last.model_copy(update={"state": "failed", "problem": problem})
        return last.model_copy(update={"state": "idle", "finished": runner.clock()})

    async def _sweep(self, store: Store, account: str) -> None:
        """What was forgotten does not stay, also where a pass broke off."""
        if self._runner.keeping is not None:
            await self._runner.keeping.sweep(store, account)

    async def _recover(self, attached: _Attached) -> None:
        """Looks into calls that an instance began and did not end before it died, then sends what is unsent."""
        runner = self._runner
        ctx = CallContext.within(120, now=runner.clock(), user=attached.user).signed(grant=attached.grant)
        await runner.keys.unlock(attached.user, attached.grant)
        async with runner.stores.use(attached.user) as store:
            entries = await journal.open_intents(store)
            for entry in entries:
                if entry.call.account != attached.account or not runner.holder_is_dead(entry.holder):
                    continue
                if await journal.take_over(store, entry.call.id, dead=entry.holder, holder=runner.instance):
                    await runner.reconcile(ctx, entry)
        await runner.reporting.send(attached.user, attached.grant)

    def _next(self, failures: int, quiet: int) -> datetime:
        """When the next pass is due: the pause doubles with each failure, with jitter, up to 15 minutes.

        It also doubles while pass after pass brings nothing: a busy account is looked at often, a quiet one seldom.
        """
        pause = timedelta(seconds=self._runner.connector.manifest.sync_seconds)
        slower = min(1 << (quiet // _QUIET_PASSES), _SLOWEST)
        pause = max(pause, min(pause * slower, _LONGEST_PAUSE))
        if failures:
            pause = min(pause * 2 ** min(failures - 1, 8), _LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        return self._runner.clock() + pause

    async def _keep(self, account: str, progress: SyncProgress) -> None:
        row = {"account": account, "progress": progress.model_dump_json()}
        await self._room.write(
            lambda connection: connection.execute(
                text("UPDATE accounts SET progress = :progress WHERE account = :account"), row
            )
        )

    async def _end(self, attached: _Attached, progress: SyncProgress, failures: int) -> None:
        """Says when the next pass is due, unless the account was attached anew meanwhile: then it is due at once."""
        row = {
            "account": attached.account,
            "grant": attached.grant,
            "was": attached.due.isoformat(),
            "due": self._next(failures, self._quiet.get(attached.account, 0)).isoformat(),
            "failures": failures,
        }
        await self._keep(attached.account, progress)
        await self._room.write(
            lambda connection: connection.execute(
                text(
                    "UPDATE accounts SET due = :due, failures = :failures"
                    " WHERE account = :account AND grant_token = :grant AND due = :was"
                ),
                row,
            )
        )

    async def _erased(self) -> list[str]:
        """Users who were erased, as far as this instance has not seen that yet."""
        rows = await self._room.read(lambda connection: list(connection.execute(text("SELECT user FROM erased"))))
        return [row.user for row in rows if row.user not in self._forgotten]

    async def _all(self, *, leaving: bool = False) -> list[_Attached]:
        """The accounts; those that are about to be gone only where `leaving` says so."""

        def read(connection: Connection) -> list[_Attached]:
            query = "SELECT * FROM accounts WHERE leaving <= :leaving ORDER BY account"
            rows = connection.execute(text(query), {"leaving": leaving})
            return [
                _Attached(
                    account=row.account,
                    user=row.user,
                    name=row.name,
                    grant=row.grant_token,
                    progress=SyncProgress.model_validate_json(row.progress),
                    due=datetime.fromisoformat(row.due),
                    failures=row.failures,
                    leaving=row.leaving,
                )
                for row in rows
            ]

        return await self._room.read(read)


def _delete(connection: Connection, accounts: tuple[str, ...]) -> None:
    for account in accounts:
        connection.execute(text("DELETE FROM accounts WHERE account = :account"), {"account": account})
