"""Erasing a person: his accounts at their providers, then everything of his in every room, until all of it is gone.

It begins with one transaction, after which nobody signs in as him, and goes on in rounds: each room is asked until it
has said that nothing is left there, so that a crash, or a connector that is off for a month, only puts it off. Early on
the vault destroys his keys; what they sealed cannot be read from then on, wherever a copy of it lies.

The whole house goes in the same way, everybody at once; then the choices that its owner had made go, too, and its next
start is the first one. A connector that will never come back is waited for until the owner says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.data import EraseRequest, Forgotten, Holding
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.grants import Scope
from openassistant.messages import AuditAction, Done
from openassistant.store import Store, UserStores
from services.gateway import data_views, views
from services.gateway.connectors import Connectors
from services.gateway.forgetting import Forgetting
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut

__all__ = ["CONFIRMATION", "Erasing"]

_SECONDS, _USAGE_SECONDS = 40.0, 5.0
_GATEWAY = "gateway"
_SERVICES = ("vault", "agent", "audit")
"""In this order, before the connectors: the keys go first."""
_OWN = (
    "detachments", "turns", "approvals", "threads", "spending", "account_holds", "due", "runs", "hooks",
    "moves", "retention", "retention_runs", "forgettings", "loans",
)  # fmt: skip
"""Tables of this room with rows of users; those of sign-ins go with the person."""

_HOUSE = "house_erasing"
"""The setting that says that the whole house is being erased; its value is the last word's id and who its owner was."""
CONFIRMATION = "erase this house"
_KEPT_SETTINGS = ("ledger_heads", "ledger_head")
"""The ledger stays, so what it is held against stays."""

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
        forgetting: Forgetting,
        lock: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._bus, self._store, self._own, self._users, self._sessions = bus, store, own, users, sessions
        self._connectors, self._vault, self._grants, self._ledger = connectors, vault, grants, ledger
        self._way, self._forgetting, self._lock, self._clock = way, forgetting, lock, clock
        self._round = asyncio.Lock()
        self.leaving: Callable[[str], Awaitable[None]] = _nothing
        """Is told of everybody who is about to go."""
        self.unlending: Callable[[str], Awaitable[None]] = _nothing
        """Ends what somebody lends and borrows, before his accounts go; again until it is done."""
        self.emptied: Callable[[], Awaitable[None]] | None = None
        """Is called once after the whole house has gone."""

    async def holdings(self, me: SignedIn) -> list[views.Holding]:
        """What each room holds of a person, largest first; a room that does not answer is named as such."""
        ctx = self._grants.context(me.user.id, seconds=_USAGE_SECONDS)
        rooms = (*_SERVICES, *sorted(card.id for card in self._connectors.running()))
        asked = (self._bus.request(subjects.data(room, "usage"), Done(), Holding, ctx) for room in rooms)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        mine = [views.HeldPart(**each.model_dump()) for each in await self._forgetting.parts.held(me.user.id)]
        found = [views.Holding(room=_GATEWAY, bytes=self._own.size(me.user.id), parts=mine, answered=True)]
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
        await self._begin([user])

    async def begin_house(self, me: SignedIn, password: str, confirm: str, *, address: str) -> None:
        """Has everybody and everything removed; the house's next start is its first one.

        Raises `InvalidRequest` for a wrong password, or another sentence than `CONFIRMATION`.
        """
        if confirm.strip().casefold() != CONFIRMATION:
            words = f"Type the words: {CONFIRMATION}"
            raise invalid("This was not typed.", confirm=words)
        await self._sessions.confirm(me, password, address=address)
        await self._ledger.note(AuditAction.DATA_ERASING, user=me.user.id, content={"what": "house"})
        await self._begin([each.id for each in await self._users.everybody()], owner=me.user.id)

    async def close_room(self, me: SignedIn, room: str, password: str, *, address: str) -> None:
        """The owner's word that a connector's data will not come back: no erasing waits for it any more.

        The keys of everybody's data there are destroyed, so that a volume that is found after all stays closed. Raises
        `InvalidRequest` for a wrong password, `NotFound` for a room that nothing is known of, `Conflict` for one that
        runs.
        """
        if room in (*_SERVICES, _GATEWAY) or room not in await self._known():
            raise NotFound("There is no such connector.")
        if room in {card.id for card in self._connectors.running()}:
            raise Conflict("This connector runs, so it is asked itself.")
        await self._sessions.confirm(me, password, address=address)
        for user in await self._users.everybody():
            request = EraseRequest(order=self._grants.erasure(user.id, Scope(kinds=(room,))))
            ctx = self._grants.context(user.id, seconds=_SECONDS)
            await self._bus.request(subjects.data("vault", "forget"), request, Forgotten, ctx)
        row = {"room": room}
        count = text("SELECT count(*) FROM erasure_rooms WHERE room = :room")
        waiting = int(await self._store.read(lambda c: c.execute(count, row).scalar_one()))
        parts = await self._forgetting.close_room(room)
        content = {"connector": room, "erasings": waiting + parts}
        await self._ledger.note(AuditAction.ROOM_GONE, user=me.user.id, content=content)

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM erasure_rooms WHERE room = :room"), row)
            connection.execute(text("DELETE FROM detachments WHERE connector = :room"), row)

        await self._store.write(write)
        self._bus.spawn(self.go_on())
        self._bus.spawn(self._forgetting.go_on())

    async def under_way(self, me: SignedIn) -> list[data_views.Erasing]:
        """One's own parts that are being erased; for the owner also the people who are, and everybody's parts."""
        owner = me.user.role == "owner"
        found = [
            data_views.Erasing(
                id=each.id, what=each.what, begun_at=each.begun, rooms=each.rooms, mine=each.user == me.user.id
            )
            for each in await self._forgetting.under_way(None if owner else me.user.id)
            if each.what in ("conversation", "source", "period")
        ]
        query = text("SELECT user, begun FROM erasures ORDER BY begun")
        for row in await self._store.read(lambda c: list(c.execute(query))) if owner else ():
            rooms = tuple(sorted(await self._rooms_left(row.user)))
            begun = datetime.fromisoformat(row.begun)
            found.append(data_views.Erasing(id=row.user, what="person", begun_at=begun, rooms=rooms, mine=False))
        return found

    async def _known(self) -> set[str]:
        """Every room that has ever been allowed here or runs."""
        query = text("SELECT connector FROM cards UNION SELECT room FROM erasure_rooms")
        known = await self._store.read(lambda connection: set(connection.execute(query).scalars()))
        return {*_SERVICES, _GATEWAY, *known, *(card.id for card in self._connectors.running())}

    async def _begin(self, users: list[str], *, owner: str | None = None) -> None:
        """In one transaction, so that all of it or nothing has begun; `owner` where the whole house goes."""
        for user in users:
            await self._ledger.note(AuditAction.USER_ERASING, user=user)
            await self.leaving(user)
        rooms, now = sorted(await self._known()), self._clock().isoformat()

        def write(connection: Connection) -> None:
            for user in users:
                row = {"user": user, "begun": now}
                connection.execute(text("INSERT OR IGNORE INTO erasures (user, begun) VALUES (:user, :begun)"), row)
                for room in rooms:
                    connection.execute(
                        text("INSERT OR IGNORE INTO erasure_rooms (user, room) VALUES (:user, :room)"),
                        {**row, "room": room},
                    )
                for table in ("retention", "retention_runs", "forgettings", "users"):
                    name = "id" if table == "users" else "user"
                    connection.execute(text(f"DELETE FROM {table} WHERE {name} = :user"), row)  # noqa: S608 - names from above
            if owner:
                connection.execute(
                    text("INSERT OR REPLACE INTO settings (name, value) VALUES (:name, :value)"),
                    {"name": _HOUSE, "value": f"{new_id()} {owner}"},
                )

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
            await self._empty_house()

    async def is_emptying(self) -> bool:
        """Whether the whole house is being erased: until that is done nobody may move in."""
        query = text("SELECT count(*) FROM settings WHERE name = :name")
        return bool(await self._store.read(lambda c: c.execute(query, {"name": _HOUSE}).scalar()))

    async def _empty_house(self) -> None:
        """Once the last person of a house that is being erased has gone: what its owner had chosen for it."""
        query = text(
            "SELECT value FROM settings WHERE name = :name AND NOT EXISTS (SELECT 1 FROM erasures)"
            " AND NOT EXISTS (SELECT 1 FROM users)"
        )
        value = await self._store.read(lambda c: c.execute(query, {"name": _HOUSE}).scalar())
        if value is None:
            return
        last_word, _, owner = str(value).partition(" ")
        for client in await self._vault.clients():
            await self._vault.forget_client(client.provider)
        for sign_in in await self._vault.openids():
            await self._vault.forget_openid(sign_in.id)
        kept = ", ".join(f"'{each}'" for each in _KEPT_SETTINGS)

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM cards WHERE approved_by IS NOT NULL"))
            connection.execute(text("DELETE FROM openid_providers"))
            connection.execute(text(f"DELETE FROM settings WHERE name NOT IN ({kept})"))  # noqa: S608 - names from above

        await self._ledger.note(AuditAction.DATA_ERASED, user=owner, id=last_word, outcome="house")
        await self._store.write(write)
        await self._store.tidy()
        await self._way.tell()
        if self.emptied is not None:
            emptied, self.emptied = self.emptied, None
            await emptied()

    async def _erase(self, user: str) -> None:
        left = await self._rooms_left(user)
        await self.unlending(user)
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
            connection.execute(text("DELETE FROM loans WHERE lender = :user"), row)

        await self._store.write(write)
        self._lock(user)
        await self._own.erase(user)

    async def _rooms_left(self, user: str) -> set[str]:
        query = text("SELECT room FROM erasure_rooms WHERE user = :user")
        return await self._store.read(lambda c: {row.room for row in c.execute(query, {"user": user})})


async def _nothing(_: str) -> None:
    """Nobody waits to be told."""
