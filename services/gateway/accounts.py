"""Accounts of third-party services: tried for real before they count as connected, and taken apart again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import Conflict, NotFound, OaError, Unavailable, error_of
from openassistant.messages import (
    Account,
    AccountParts,
    AccountQuery,
    AccountRef,
    AccountStatus,
    AttachRequest,
    AuditAction,
    Card,
    CheckReport,
    Done,
    Effect,
    ErrorBody,
    SyncProgress,
)
from openassistant.routes import Route
from openassistant.store import Store
from services.gateway import views
from services.gateway.connectors import Connectors
from services.gateway.forms import check_form
from services.gateway.grants import Grants
from services.gateway.holds import Holds
from services.gateway.hooks import Door
from services.gateway.ledger import Ledger
from services.gateway.problems import advice, invalid
from services.gateway.routing import Routing
from services.gateway.sessions import SignedIn
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut, is_moved

__all__ = ["MODEL_CONNECTOR", "Accounts"]

MODEL_CONNECTOR = "agent"
"""The `connector` of a model's key in the vault; not an account that the owner sees here."""

_CHECK_SECONDS = 50.0
_STATUS_SECONDS = 2.0
_FOR_THE_OWNER = ("account_required", "invalid_request", "forbidden")


class Accounts:
    """One user's accounts at a time; the vault has them, the connectors work on them."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        vault: Vault,
        connectors: Connectors,
        grants: Grants,
        ledger: Ledger,
        *,
        holds: Holds,
        routing: Routing,
        way: WayOut,
        door: Door,
    ) -> None:
        self._door = door
        self._bus, self._store, self._vault, self.way, self._holds = bus, store, vault, way, holds
        self._connectors, self._grants, self._ledger, self._routing = connectors, grants, ledger, routing
        self._detaching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.leaving: Callable[[Account], Awaitable[None]] = _nothing
        """Is told of an account that is about to be removed: what rests on it ends first."""
        self.left: Callable[[str], Awaitable[None]] = _nothing
        """Is told when it is."""

    async def listing(self, me: SignedIn) -> list[views.Account]:
        """One's own accounts with their progress, oldest first."""
        mine = await self._of(me.user.id)
        progress = await self._progress(me.user.id, {each.connector for each in mine})
        routes = await self._routing.of(me.user.id)
        return [await self._shown(each, progress.get(each.id), routes.get(each.id)) for each in mine]

    async def view(self, me: SignedIn, account: str) -> views.Account:
        """One account with its progress; raises `NotFound`."""
        found = await self._vault.one(me.user.id, account)
        progress = await self._progress(me.user.id, {found.connector})
        routes = await self._routing.of(me.user.id)
        return await self._shown(found, progress.get(found.id), routes.get(found.id))

    async def hold(self, me: SignedIn, account: str, seconds: float | None) -> views.Account:
        """Another time to hold back what this account sends; None as the house does. Raises `NotFound`, `Conflict`."""
        found = await self._vault.one(me.user.id, account)
        if await self._hold(found) is None:
            raise Conflict("This account sends nothing, so there is nothing to hold back.")
        await self._holds.choose(me.user.id, found.id, found.connector, seconds)
        return await self.view(me, account)

    async def new_hook(self, me: SignedIn, account: str) -> views.Account:
        """Another address for the account's provider; raises `NotFound`, and `Conflict` where there is none."""
        found = await self._vault.one(me.user.id, account)
        if await self._door.change(me.user.id, found.id, found.connector) is None:
            raise Conflict("The provider of this account sends nothing by itself, so there is no address.")
        return await self.view(me, account)

    async def refs(self, user: str) -> tuple[AccountRef, ...]:
        """What a turn may know of a user's accounts."""
        mine = await self._of(user)
        return tuple(
            AccountRef(
                id=each.id, connector=each.connector, name=each.name, lent=each.lent.access if each.lent else None
            )
            for each in mine
        )  # fmt: skip

    async def connect(self, me: SignedIn, draft: views.AccountDraft) -> views.Account:
        """A new account that was tried for real; raises what the try ended with, and then keeps nothing."""
        card, digest = self._connectors.usable(draft.connector)
        check_form(card, draft.settings, draft.secrets)
        user, name = me.user.id, await self._free_name(me.user.id, draft, card)
        made = await self._vault.connect(
            user, connector=card.id, name=name, settings=draft.settings, secrets=draft.secrets
        )
        return await self._tried(made, digest, draft.route)

    async def parts(self, account: Account) -> AccountParts:
        """What an account consists of, as its connector knows; raises `Unavailable` where that is away."""
        card, digest = self._connectors.usable(account.connector)
        grant = self._grants.account(account.user, account=account.id, connector=card.id, digest=digest)
        request = AttachRequest(account=account.id, name=account.name, grant=grant)
        ctx = self._grants.context(account.user, seconds=_STATUS_SECONDS, grant=grant)
        return await self._bus.request(subjects.account(card.id, "parts"), request, AccountParts, ctx)

    async def borrowed(self, user: str, loan: str, *, connector: str, name: str) -> Account:
        """A pending account that points to one that is lent; without a name of his it is called as its service."""
        card, _ = self._connectors.usable(connector)
        free = await self._free(user, card.id, name or f"{card.name} (lent)")
        if name and free != name:
            raise invalid("Please choose another name.", name="You have an account of that name already.")
        return await self._vault.borrow(user, loan, name=free)

    async def tried(self, made: Account) -> views.Account:
        """A pending account that works, as in `connect`."""
        _, digest = self._connectors.usable(made.connector)
        return await self._tried(made, digest, "cloud_ok")

    async def authorized(self, me: SignedIn, made: Account) -> views.Account:
        """An account with new consent at its provider: a new one is tried as in `connect`, a known one as in `check`.

        A known one stays whatever the try ends with; a problem is kept as its state, and shown there.
        """
        card, digest = self._connectors.usable(made.connector)
        if made.state == "pending":
            free = await self._free(me.user.id, card.id, made.name or card.name)
            if free != made.name:
                made = await self._vault.rename(me.user.id, made.id, free)
            return await self._tried(made, digest, "cloud_ok")
        await self.check(me, made.id)
        return await self.view(me, made.id)

    async def _tried(self, made: Account, digest: str, route: Route) -> views.Account:
        """A pending account that works; one that does not is taken back, and its problem raised."""
        user, kept = made.user, False
        await self.way.tell()
        try:
            grant = self._background(made, digest)
            await self._pass(made, grant)
            await self._ledger.note(
                AuditAction.ACCOUNT_CONNECTED, user=user, id=made.id, connector=made.connector, account=made.id,
                content={"name": made.name},
            )  # fmt: skip
            if route != "cloud_ok":
                await self._routing.put(user, made.id, route)
            made = await self._vault.finish(user, made.id)
            kept = True
        finally:
            if not kept:
                self._bus.spawn(self._drop(user, made.id))
        self._bus.spawn(self.attach(made, grant))
        return await self._shown(made, None, route)

    async def check(self, me: SignedIn, account: str) -> views.CheckReport:
        """Tries an account again and keeps what came out as its state; raises `NotFound`, `Unavailable`."""
        found = await self._vault.one(me.user.id, account)
        _, digest = self._connectors.usable(found.connector)
        grant = self._background(found, digest)
        report = await self._report(found, grant)
        await self._vault.finish(me.user.id, found.id, problem=report.problem)
        if report.ok:
            self._bus.spawn(self.attach(found, grant))
        return views.CheckReport(ok=report.ok, steps=_steps(report), problem=_note(report.problem))

    async def remove(self, me: SignedIn, account: str) -> views.RemovedAccount:
        """Destroys the secrets, then has the local copy deleted: at once, or when the connector is back."""
        return await self._remove(await self._vault.one(me.user.id, account))

    async def leave(self, user: str, account: str) -> None:
        """As `remove`; one that is gone already is as good."""
        with contextlib.suppress(NotFound):
            await self._remove(await self._vault.one(user, account))

    async def detached(self, connector: str, account: str) -> None:
        """Has the copy of a removed account deleted now; raises `Unavailable` where its connector has not done it."""
        for row in await self._detachments():
            if row.account == account:
                await self._detach(row.account, connector, row.user)
        if any(row.account == account for row in await self._detachments()):
            raise Unavailable("The connector has not deleted its copy yet.", retry_after=30)

    async def _remove(self, found: Account) -> views.RemovedAccount:
        await self.leaving(found)
        gone = await self.part(found.user, found.id, connector=found.connector, name=found.name)
        await self.left(found.id)
        return gone

    async def part(self, user: str, account: str, *, connector: str, name: str | None = None) -> views.RemovedAccount:
        """As `remove`, with or without the vault's row: that of a lent account may be gone with the one behind it."""
        await self._ledger.note(
            AuditAction.ACCOUNT_REMOVED, user=user, connector=connector, account=account,
            content={"name": name} if name else None,
        )  # fmt: skip
        row = {"account": account, "connector": connector, "user": user}
        await self._store.write(
            lambda connection: connection.execute(
                text(
                    "INSERT OR IGNORE INTO detachments (account, connector, user) VALUES (:account, :connector, :user)"
                ),
                row,
            )
        )
        outcome, manage_url = "none", ""
        with contextlib.suppress(NotFound):
            gone = await self._vault.disconnect(user, account)
            outcome, manage_url = gone.outcome, gone.manage_url
        await self.way.tell()
        await self._holds.forget(account)
        await self._door.forget(account)
        self._bus.spawn(self.detach_pending())
        return views.RemovedAccount(at_provider=outcome, manage_url=manage_url or None)

    async def attach(self, account: Account, grant: str) -> None:
        """Hands an account to its connector for background work; the next round tries again where this fails."""
        request = AttachRequest(account=account.id, name=account.name, grant=grant)
        ctx = self._grants.context(account.user, seconds=10, grant=grant)
        try:
            await self._bus.request(subjects.account(account.connector, "attach"), request, Done, ctx)
        except OaError:
            return

    async def attach_all(self, connector: str, digest: str, users: list[str], *, ends: bool = False) -> None:
        """Hands every account of a connector to it again, under fresh grants for its present card.

        With `ends` under grants that are over in a moment: it may not be used here any more.
        """
        for user in users:
            for account in await self._vault.listing(user, connector=connector):
                if account.state != "pending" and not is_moved(account):
                    await self.attach(account, self._background(account, digest, ends=ends))

    async def attach_of(self, user: str) -> None:
        """Hands every account of a person to its connector again; of who is shut out, the work on them ends."""
        running = self._connectors.grantable()
        for account in await self._vault.listing(user):
            if account.state != "pending" and not is_moved(account) and account.connector in running:
                digest = running[account.connector]
                await self.attach(account, self._background(account, digest))

    def _background(self, account: Account, digest: str, *, ends: bool = False) -> str:
        sign = self._grants.ending if ends or account.user in self._grants.barred else self._grants.account
        return sign(
            account.user, account=account.id, connector=account.connector, digest=digest, lent=account.lent is not None
        )

    async def detach_pending(self) -> None:
        """Has the local copies of removed accounts deleted, as far as their connectors run."""
        for row in await self._detachments():
            await self._detach(row.account, row.connector, row.user)

    async def _detachments(self) -> list[Any]:
        query = text("SELECT account, connector, user FROM detachments")
        return await self._store.read(lambda connection: list(connection.execute(query)))

    async def drop_pending(self, users: list[str]) -> None:
        """Destroys what a former process had begun to connect and did not finish."""
        for user in users:
            for account in await self._vault.listing(user):
                if account.state == "pending":
                    await self._vault.revoke(user, account.id)

    async def _drop(self, user: str, account: str) -> None:
        """Destroys an account, and closes the way to its servers."""
        await self._vault.revoke(user, account)
        await self.way.tell()

    async def _detach(self, account: str, connector: str, user: str) -> None:
        """Once: what another task has had deleted meanwhile is written down already."""
        async with self._detaching.setdefault(account, asyncio.Lock()):
            if any(row.account == account for row in await self._detachments()):
                await self._detach_alone(account, connector, user)

    async def _detach_alone(self, account: str, connector: str, user: str) -> None:
        query, ctx = AccountQuery(user=user, account=account), self._grants.context(user, seconds=30)
        try:
            await self._bus.request(subjects.account(connector, "detach"), query, Done, ctx)
            await self._ledger.note(AuditAction.ACCOUNT_ERASED, user=user, connector=connector, account=account)
        except OaError:
            return
        await self._store.write(
            lambda connection: connection.execute(
                text("DELETE FROM detachments WHERE account = :account"), {"account": account}
            )
        )

    async def _shown(self, account: Account, progress: SyncProgress | None, route: Route | None) -> views.Account:
        own = account.lent is None
        hook = await self._door.path_of(account.user, account.id, account.connector) if own else None
        return _view(account, progress, await self._hold(account), route, hook)

    async def _hold(self, account: Account) -> views.AccountHold | None:
        """How long what an account sends is held; None where its connector, as far as it is known, sends nothing."""
        if account.lent and account.lent.access == "read":
            return None
        tools = [tool for card in self._connectors.remembered(account.connector) for tool in card.tools]
        if not any(tool.effect is Effect.SEND or tool.rises for tool in tools):
            return None
        chosen = await self._holds.chosen(account.id)
        held = self._holds.default if chosen is None else chosen
        return views.AccountHold(seconds=held.total_seconds(), chosen=chosen is not None)

    async def _of(self, user: str) -> list[Account]:
        found = await self._vault.listing(user)
        return [each for each in found if each.state != "pending" and each.connector != MODEL_CONNECTOR]

    async def _free_name(self, user: str, draft: views.AccountDraft, card: Card) -> str:
        shown = draft.settings.get("address") or draft.settings.get("username") or card.name
        free = await self._free(user, card.id, draft.name or str(shown)[:100])
        if draft.name and free != draft.name:
            raise invalid("Please choose another name.", name="You have an account of that name already.")
        return free

    async def _free(self, user: str, connector: str, name: str) -> str:
        """A name that no other account of a user at that connector has."""
        taken = {each.name for each in await self._of(user) if each.connector == connector}
        numbered = (f"{name} ({number})" for number in range(2, len(taken) + 2))
        return next(each for each in (name, *numbered) if each not in taken)

    async def _pass(self, account: Account, grant: str) -> None:
        """Raises the problem of an account that cannot be used, with the steps up to it."""
        report = await self._report(account, grant)
        if report.ok:
            return
        problem = report.problem or ErrorBody(code="upstream_failed", message="The check did not succeed.")
        steps = [step.model_dump() for step in report.steps]
        details = {**problem.details, "steps": steps}
        raise error_of(problem.code, problem.message, details=details, retry_after=problem.retry_after)

    async def _report(self, account: Account, grant: str) -> CheckReport:
        request = AttachRequest(account=account.id, name=account.name, grant=grant)
        ctx = self._grants.context(account.user, seconds=_CHECK_SECONDS, grant=grant)
        return await self._bus.request(subjects.account(account.connector, "check"), request, CheckReport, ctx)

    async def _progress(self, user: str, connectors: set[str]) -> dict[str, SyncProgress]:
        """The progress of a user's accounts; connectors that are away are left out."""
        ctx = self._grants.context(user, seconds=_STATUS_SECONDS)
        running = sorted(connectors & set(self._connectors.grantable()))
        asked = (
            self._bus.request(subjects.account(each, "status"), AccountQuery(user=user), AccountStatus, ctx)
            for each in running
        )
        found: dict[str, SyncProgress] = {}
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, AccountStatus):
                found |= answer.accounts
            elif not isinstance(answer, OaError):
                raise answer
        return found


async def _nothing(_: object) -> None:
    """Nobody waits to be told."""


def _view(
    account: Account,
    progress: SyncProgress | None,
    hold: views.AccountHold | None,
    route: Route | None,
    hook: str | None,
) -> views.Account:
    problem = account.problem or (progress.problem if progress and progress.state == "failed" else None)
    attention = account.state == "attention" or (problem is not None and problem.code in _FOR_THE_OWNER)
    return views.Account(
        **account.model_dump(include={"id", "connector", "name", "settings"}),
        state="attention" if attention else "connected",
        route=route or "cloud_ok",
        created_at=account.created,
        problem=_note(problem),
        sync=_sync(progress) if progress else None,
        provider=account.provider or None,
        capabilities=account.capabilities,
        authorized_at=account.authorized,
        consent_ends_at=account.consent_ends,
        hold=hold,
        hook_path=hook,
        lent=account.lent.access if account.lent else None,
    )


def _sync(progress: SyncProgress) -> views.Sync:
    return views.Sync(**progress.model_dump(include={"state", "done", "total", "what"}), finished_at=progress.finished)


def _note(problem: ErrorBody | None) -> views.ProblemNote | None:
    if problem is None:
        return None
    reason, url = advice(problem.details)
    reconnects = reason == "scope_missing" or (problem.code == "account_required" and reason != "clock_wrong")
    action = "reconnect" if reconnects else "retry"
    return views.ProblemNote(code=problem.code, detail=problem.message, action=action, reason=reason, url=url)


def _steps(report: CheckReport) -> tuple[views.CheckStep, ...]:
    return tuple(views.CheckStep(**step.model_dump()) for step in report.steps)
