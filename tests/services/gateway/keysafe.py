"""A vault that only keeps, and a witness that only remembers, around the gateway's real choice of a model."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from argon2 import PasswordHasher

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import NotFound, OaError
from openassistant.grants import SigningKey
from openassistant.messages import (
    Account,
    AccountList,
    AccountQuery,
    ConnectRequest,
    Done,
    ProbeReport,
    ProbeRequest,
    PublicKey,
    Record,
    RecordReply,
)
from openassistant.oauth import Revoked
from openassistant.seal import SealingKey
from openassistant.store import Store
from openassistant.testing import MemoryBus
from services.gateway import views
from services.gateway.discovery import Discovery
from services.gateway.grants import Grants
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.models import Models, OwnServer
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.preset import Preset
from services.gateway.probes import Probes
from services.gateway.sessions import SignedIn
from services.gateway.users import User, Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from tests.services.gateway.house import migrations

__all__ = ["KeySafe"]

_QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class KeySafe:
    """`async with KeySafe(folder) as safe:`; `start` is a restart on the same data. `failing` names what raises."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bus = folder, MemoryBus()
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.records: list[Record] = []
        self.order: list[str] = []
        self.failing: dict[str, OaError] = {}
        self.probed: list[tuple[CallContext, ProbeRequest]] = []
        self.report = ProbeReport(mode="native", detail="3 of 3 calls came natively.")
        self.held: asyncio.Event | None = None
        user = User(id=new_id(), username="ada", display_name="Ada", role="owner")
        self.me = SignedIn(session=new_id(), user=user, expires=utc_now() + timedelta(days=1))
        self.rules = HouseRules()
        self._sealing = SealingKey()
        self._stack = AsyncExitStack()
        self.store: Store
        self.users: Users
        self.models: Models

    async def __aenter__(self) -> Self:
        vault, audit = self.bus.room("vault"), self.bus.room("audit")
        await vault.serve(subjects.vault("public"), Done, self._on_public)
        await vault.serve(subjects.vault_account("connect"), ConnectRequest, self._on_connect)
        await vault.serve(subjects.vault_account("finish"), AccountQuery, self._on_finish)
        await vault.serve(subjects.vault_account("list"), AccountQuery, self._on_list)
        await vault.serve(subjects.vault_account("revoke"), AccountQuery, self._on_revoke)
        await audit.serve(subjects.audit_record("*"), Record, self._on_record)
        agent = self.bus.room("agent")
        await agent.serve(subjects.agent("probe"), ProbeRequest, self._on_probe)
        self.gateway = self.bus.room("gateway")
        self.store = await Store.open(self.folder / "room.db", bytes(32), migrations("room"))
        self._stack.push_async_callback(self.store.close)
        for bus in (vault, audit, agent, self.gateway):
            self._stack.push_async_callback(bus.drain, seconds=1)
        self.users = Users(self.store, _QUICK, utc_now)
        self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def start(self, preset: Preset | None = None, *, own: OwnServer | None = None) -> None:
        """A gateway's choice of a model, as after a restart."""
        grants = Grants(SigningKey.generate(), dict, utc_now)
        preferences = Preferences(self.store)
        ledger = Ledger(self.gateway, grants, preferences)
        vault = Vault(self.gateway, grants)
        self.models = Models(
            self.gateway, preferences, vault, ledger, self.users, probes=Probes(self.gateway, grants),
            way=WayOut(self.gateway, vault, tuple, room="gateway", proxy=None), clock=utc_now, preset=preset, own=own,
            discovery=Discovery(candidates=()), rules=self.rules,
        )  # fmt: skip

    async def move_in(self) -> None:
        """From now on the house has its owner."""
        await self.users.add(self.me.user, "not a hash", first=True)

    async def kept(self) -> str:
        """What the gateway's store says about the model."""
        return await Preferences(self.store).get("model") or ""

    def keys(self) -> list[str]:
        """The keys that can be released."""
        return [self.secrets[each]["api_key"] for each, found in self.accounts.items() if found.state == "connected"]

    async def key_of_turn(self) -> str | None:
        """The key that a turn would use now."""
        ref = await self.models.ref(self.me.user.id)
        assert ref is not None
        return self.secrets[ref.account]["api_key"] if ref.account else None

    def _do(self, name: str) -> None:
        self.order.append(name)
        if name in self.failing:
            raise self.failing[name]

    async def _on_public(self, ctx: CallContext, _: Done) -> PublicKey:
        return PublicKey(public_key=self._sealing.public)

    async def _on_connect(self, ctx: CallContext, request: ConnectRequest) -> Account:
        self._do("connect")
        account = Account(
            id=new_id(), user=request.user, connector=request.connector, name=request.name,
            settings=request.settings, state="pending", created=utc_now(),
        )  # fmt: skip
        plain: dict[str, Any] = json.loads(self._sealing.open(request.sealed, context=ctx.subject))
        self.accounts[account.id], self.secrets[account.id] = account, plain
        return account

    async def _on_finish(self, ctx: CallContext, query: AccountQuery) -> Account:
        self._do("finish")
        account = self.accounts[str(query.account)].model_copy(update={"state": "connected"})
        self.accounts[account.id] = account
        return account

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        mine = (each for each in self.accounts.values() if each.user == query.user)
        return AccountList(accounts=tuple(each for each in mine if query.connector in (None, each.connector)))

    async def _on_revoke(self, ctx: CallContext, query: AccountQuery) -> Revoked:
        self._do("revoke")
        if query.account not in self.accounts:
            raise NotFound("That account is not connected any more.")
        del self.secrets[query.account]
        return Revoked(account=self.accounts.pop(query.account))

    async def tested(self) -> views.ModelTools:
        """What the settings say of the model's tools once its test has ended."""
        async with asyncio.timeout(5):
            while (tools := await self.tools()).testing:
                await asyncio.sleep(0.01)
        return tools

    async def tools(self) -> views.ModelTools:
        """What the settings say of the model's tools now."""
        current = (await self.models.settings(self.me)).current
        assert current is not None
        return current.tools

    async def _on_probe(self, ctx: CallContext, request: ProbeRequest) -> ProbeReport:
        self.probed.append((ctx, request))
        report = self.report
        if self.held:
            await self.held.wait()
        if "probe" in self.failing:
            raise self.failing["probe"]
        return report

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        self._do("record")
        self.records.append(record)
        return RecordReply(receipt="", index=len(self.records))
