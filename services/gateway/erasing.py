"""Erasing a person: his accounts at their providers, then everything of his in every room, until all of it is gone.

It begins with one transaction, after which nobody signs in as him, and goes on in rounds: each room is asked until it
has said that nothing is left there, so that a crash, or a connector that is off for a month, only puts it off. Early on
the vault destroys his keys; what they sealed cannot be read from then on, wherever a copy of it lies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.data import EraseRequest, Holding
from openassistant.errors import Conflict, OaError
from openassistant.messages import AuditAction, Done
from openassistant.store import Store, UserStores
from services.gateway import views
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut

__all__ = ["Erasing"]

_SECONDS, _USAGE_SECONDS = 40.0, 5.0
_GATEWAY = "gateway"
_SERVICES = ("vault", "agent", "audit")
"""In this order, before the connectors: the keys go first."""
_OWN = (
    "detachments", "turns", "approvals", "threads", "spending", "account_holds", "due", "runs", "hooks",
    "moves",
)  # fmt: skip
"""Tables of this room with rows of users; those of sign-ins go with the person."""

_log = logging.getLogger("openassistant.gateway")


class Erasing:
    """What is held of whom, and that it goes. `lock` forgets a user's key in this process."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        own: UserStores,
        *,
        users: Users,
        sessions: Sessions,
        connectors: Connectors,
        vault: Vault,
        grants: Grants,
        ledger: Ledger,
        way: WayOut,
        lock: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._bus, self._store, self._own, self._users, self._sessions = bus, store, own, users, sessions
        self._connectors, self._vault, self._grants, self._ledger = connectors, vault, grants, ledger
        self._way, self._lock, self._clock = way, lock, clock
        self._round = asyncio.Lock()
        self.leaving: Callable[[str], Awaitable[None]] = _nothing
        """Is told of everybody who is about to go."""

    async def holdings(self, me: SignedIn) -> list[views.Holding]:
        """What each room holds of a person, largest first; a room that does not answer is named as such."""
        ctx = self._grants.context(me.user.id, seconds=_USAGE_SECONDS)
        rooms = (*_SERVICES, *sorted(card.id for card in self._connectors.running()))
        asked = (self._bus.request(subjects.data(room, "usage"), Done(), Holding, ctx) for room in rooms)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found = [views.Holding(room=_GATEWAY, bytes=self._own.size(me.user.id), parts=[], answered=True)]
        for room, answer in zip(rooms, answers, strict=True):
            if isinstance(answer, Holding):
                parts = [views.HeldPart(**each.model_dump()) for each in answer.parts]
                found.append(views.Holding(room=room, bytes=answer.bytes, parts=parts, answered=True))
            elif isinstance(answer, OaError):
                found.append(views.Holding(room=room, bytes=0, parts=[], answered=False))
            else:
                raise answer
        return sorted(found, key=lambda each: (-each.bytes, each.room))

    async def begin(self, me: SignedIn, password: str, *, address: str) -> None:
        """Has everything of a person removed; there is no way back.

        Raises `InvalidRequest` for a wrong password, `Conflict` for the only owner of a house where others live.
        """
        await self._sessions.confirm(me, password, address=address)
        await self.remove(me.user.id)

    async def remove(self, user: str) -> None:
        """As `begin`, of somebody whose notice is over: nobody's password is asked for."""
        everybody = await self._users.everybody()
        owners = {each.id for each in everybody if each.role == "owner"}
        if owners == {user} and len(everybody) > 1:
            raise Conflict("Others live in this house, and you are its only owner. Hand it over first.")
        await self._ledger.note(AuditAction.USER_ERASING, user=user)
        await self.leaving(user)
        known = await self._store.read(
            lambda connection: [row.connector for row in connection.execute(text("SELECT connector FROM cards"))]
        )
        rooms = {*_SERVICES, _GATEWAY, *known, *(card.id for card in self._connectors.running())}
        row = {"user": user, "begun": self._clock().isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(text("INSERT OR IGNORE INTO erasures (user, begun) VALUES (:user, :begun)"), row)
            for room in sorted(rooms):
                connection.execute(
                    text("INSERT OR IGNORE INTO erasure_rooms (user, room) VALUES (:user, :room)"),
                    {**row, "room": room},
                )
            connection.execute(text("DELETE FROM users WHERE id = :user"), row)

        await self._store.write(write)
        self._bus.spawn(self.go_on())

    async def go_on(self) -> None:
        """One round for everybody who is being erased."""
        async with self._round:
            users = await self._store.read(
                lambda connection: [row.user for row in connection.execute(text("SELECT user FROM erasures"))]
            )
            for user in users:
                try:
                    await self._erase(user)
                except OaError as error:
                    _log.info("erasing goes on later", extra={"code": error.code})

    async def _erase(self, user: str) -> None:
        left = await self._rooms_left(user)
        if "vault" in left:
            for account in await self._vault.listing(user):
                await self._vault.revoke(user, account.id)
            await self._way.tell()
        first = [room for room in _SERVICES if room in left]
        for room in (*first, *sorted(left - {*first, _GATEWAY})):
            await self._try(user, room, lambda room=room: self._ask(user, room))  # type: ignore[misc]
        if _GATEWAY in left:
            await self._try(user, _GATEWAY, lambda: self._erase_here(user))
        if not await self._rooms_left(user):
            await self._ledger.note(AuditAction.USER_ERASED, user=user)
            await self._store.write(
                lambda c: c.execute(text("DELETE FROM erasures WHERE user = :user"), {"user": user})
            )
            await self._store.tidy()

    async def _try(self, user: str, room: str, work: Callable[[], Awaitable[object]]) -> None:
        """Has a room forget a user; one that cannot now is asked again in the next round."""
        try:
            await work()
        except OaError as error:
            _log.info("a room has not erased yet", extra={"room": room, "code": error.code})
            return
        row = {"user": user, "room": room}
        await self._store.write(
            lambda c: c.execute(text("DELETE FROM erasure_rooms WHERE user = :user AND room = :room"), row)
        )

    async def _ask(self, user: str, room: str) -> Done:
        request = EraseRequest(order=self._grants.erasure(user))
        ctx = CallContext.within(_SECONDS, now=self._clock(), user=user)
        return await self._bus.request(subjects.data(room, "erase"), request, Done, ctx)

    async def _erase_here(self, user: str) -> None:
        """This room's own, and what its conversations said on the bus."""
        await self._bus.forget_events(subjects.chat(user, "*"))

        def write(connection: Connection) -> None:
            row = {"user": user}
            connection.execute(
                text("DELETE FROM told WHERE question IN (SELECT id FROM approvals WHERE user = :user)"), row
            )
            for table in _OWN:
                connection.execute(text(f"DELETE FROM {table} WHERE user = :user"), row)  # noqa: S608 - a name from above

        await self._store.write(write)
        self._lock(user)
        await self._own.erase(user)

    async def _rooms_left(self, user: str) -> set[str]:
        query = text("SELECT room FROM erasure_rooms WHERE user = :user")
        return await self._store.read(lambda c: {row.room for row in c.execute(query, {"user": user})})


async def _nothing(_: str) -> None:
    """Nobody waits to be told."""
