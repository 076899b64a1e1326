"""A house whose other rooms hold things with a time, and forget what an order of the gateway means."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.data import EraseRequest, Forgotten, Holding, Part
from openassistant.errors import Unavailable
from openassistant.grants import Scope
from openassistant.messages import Done
from services.gateway import data_views as views
from services.gateway.backoff import Backoff
from services.gateway.forgetting import Forgetting
from services.gateway.ledger import Ledger
from services.gateway.ownparts import OwnParts
from services.gateway.parts import Parts
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.retention import Retention
from services.gateway.sessions import Sessions
from services.gateway.users import Users
from services.gateway.vault import Vault
from tests.services.gateway.house import GatewayHouse

__all__ = ["PASSWORD", "Forgetful", "Thing"]

PASSWORD = "not-a-real-password-of-ada"
_KINDS = {"agent": ("conversations",), "audit": ("arguments", "left"), "post": ("letters", "calls")}


@dataclass(frozen=True)
class Thing:
    """Something that a room holds."""

    room: str
    kind: str
    at: datetime
    user: str
    id: str
    account: str | None = None
    conversation: str | None = None


class Forgetful(GatewayHouse):
    """Ada's house. `away` are rooms that do not answer, `lost` those that do their work and whose answer is lost."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.things: list[Thing] = []
        self.moved_in = False
        self.away: set[str] = set()
        self.lost: set[str] = set()
        self.asked: list[tuple[str, Scope, bool]] = []
        self.left: list[str] = []
        self.detached: list[str] = []
        self.forgetting: Forgetting
        self.retention: Retention
        self.parts: Parts

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for room in _KINDS:
            await self._serve(room)
        return self

    def clock(self) -> datetime:
        """Once there are passwords, which take their time, never behind the real one, by which calls end."""
        return max(self.time, utc_now()) if self.moved_in else self.time

    async def move_in(self) -> None:
        """Ada has a password."""
        self.moved_in = True
        user, hashed = await self.users.prepare(username="ada", password=PASSWORD, display_name="", role="owner")
        await self.users.add(user.model_copy(update={"id": self.me.user.id}), hashed)
        self.catch_up()

    async def start(self) -> None:
        await super().start()
        bus = self.bus.room("gateway")
        self._own.push_async_callback(bus.drain, seconds=1)
        ledger, vault = Ledger(bus, self.grants, Preferences(self.store)), Vault(bus, self.grants)
        self.users = Users(self.store, Passwords(), self.clock)
        self.forgetting = Forgetting(
            bus, self.store, OwnParts(bus, self.store, self.own, self.ids, self.clock), grants=self.grants,
            ledger=ledger, disconnect=self._disconnect, detach=self._detach, clock=self.clock,
        )  # fmt: skip
        self.retention = Retention(
            bus, self.store, self.forgetting, connectors=self.connectors, vault=vault, grants=self.grants,
            ledger=ledger, clock=self.clock,
        )  # fmt: skip
        sessions = Sessions(self.store, self.users, ledger, Backoff(self.clock), self.clock)
        self.parts = Parts(
            bus, self.store, self.forgetting, sessions, chat=self, connectors=self.connectors, vault=vault,  # type: ignore[arg-type]  # what it asks of it is here
            grants=self.grants,
        )  # fmt: skip

    # --- what is held -----------------------------------------------------------------------------------------------

    def place(self, room: str, kind: str, *, days: float = 0, **more: Any) -> Thing:
        """A room holds something that is so many days old."""
        made = Thing(room, kind, self.time - timedelta(days=days), more.pop("user", self.me.user.id), new_id(), **more)
        self.things.append(made)
        return made

    def held(self, kind: str) -> int:
        return len([each for each in self.things if each.kind == kind])

    async def ids(self, user: str) -> set[str]:
        """The conversations that the agent has."""
        if "agent" in self.away:
            raise Unavailable("Away.")
        return {str(each.conversation) for each in self.things if each.kind == "conversations" and each.user == user}

    async def exists(self, user: str, conversation: str) -> bool:
        return conversation in await self.ids(user)

    # --- what its owner does ----------------------------------------------------------------------------------------

    async def keep(self, *rules: views.KeepRule) -> views.Keep:
        return await self.retention.choose(self.me, views.KeepDraft(rules=rules))

    async def pass_on(self, time: timedelta) -> None:
        """So much time goes by, and the house does what is due until nothing is left to do."""
        self.later(time)
        await self.retention.tick()
        await self.rounds()

    def catch_up(self) -> None:
        """The clock is not behind the real one, by which calls between rooms end."""
        self.time = max(self.time, utc_now())

    async def rounds(self, count: int = 3) -> None:
        for _ in range(count):
            await asyncio.sleep(0.01)
            await self.forgetting.go_on()

    async def erase(self, part: views.Choice, password: str = PASSWORD) -> str:
        made = await self.parts.erase(self.me, views.PartDraft(part=part, password=password), address="192.0.2.1")
        await self.rounds()
        return made

    def written(self, action: str) -> list[Any]:
        """The contents of the ledger's records of an action."""
        return [each.content for each in self.records if each.action.value == action]

    # --- the other rooms --------------------------------------------------------------------------------------------

    async def _serve(self, room: str) -> None:
        bus = self.bus.room(room)
        self._others.push_async_callback(bus.drain, seconds=1)

        async def on_forget(ctx: CallContext, request: EraseRequest) -> Forgotten:
            order = self.trust.erasure(request.order, now=self.time)
            assert order.scope is not None
            if room in self.away:
                raise Unavailable("Away.")
            self.asked.append((room, order.scope, request.dry))
            found = self._fitting(room, order.user, order.scope)
            if not request.dry:
                self.things = [each for each in self.things if each not in found]
                if room in self.lost:
                    self.lost.discard(room)
                    raise Unavailable("The answer is lost.")
            kinds = sorted({each.kind for each in found})
            return Forgotten(
                parts=tuple(Part.of(kind, [each.at for each in found if each.kind == kind]) for kind in kinds)
            )

        async def on_usage(ctx: CallContext, _: Done) -> Holding:
            if room in self.away:
                raise Unavailable("Away.")
            return Holding(parts=tuple(Part(kind=kind, count=0) for kind in _KINDS[room]))

        await bus.serve(subjects.data(room, "forget"), EraseRequest, on_forget)
        await bus.serve(subjects.data(room, "usage"), Done, on_usage)

    def _fitting(self, room: str, user: str, scope: Scope) -> list[Thing]:
        mine = [
            each
            for each in sorted(self.things, key=lambda each: each.at, reverse=True)
            if each.room == room and each.user == user
            and (not scope.kinds or each.kind in scope.kinds)
            and (not scope.calls or each.id in scope.calls)
            and scope.account in (None, each.account)
            and scope.conversation in (None, each.conversation)
        ]  # fmt: skip
        kinds = {each.kind for each in mine}
        old = [old for kind in kinds for old in [each for each in mine if each.kind == kind][scope.beyond or 0 :]]
        return [
            each
            for each in old
            if (scope.since is None or each.at >= scope.since) and (scope.until is None or each.at < scope.until)
        ]

    async def _disconnect(self, user: str, account: str) -> None:
        self.left.append(account)

    async def _detach(self, connector: str, account: str) -> None:
        if connector in self.away:
            raise Unavailable("Away.")
        self.detached.append(account)
