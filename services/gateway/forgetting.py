"""Having parts of what is kept of a person removed, room by room, until each has said that its part is gone.

What is to go is written down as orders before anything happens, so that a crash, or a room that is away, only puts it
off. A room first says how much it would be, and that is kept: what the certificate counts is right also where a room
did its work and its answer was lost. Retention and erasing a part are both done this way.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import Clock, new_id
from openassistant.data import EraseRequest, Forgotten, Part
from openassistant.errors import NotFound, OaError
from openassistant.grants import Scope
from openassistant.messages import AuditAction, Wire
from openassistant.store import Store
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.ownparts import OwnParts

__all__ = ["ACCOUNTS", "GATEWAY", "Forgetting", "Order", "Tried", "UnderWay", "Went", "What"]

What = Literal["conversation", "source", "period", "expiry", "never"]
"""A conversation, an account, a time; what is past its time, once a day; what is never kept, all through the day."""

GATEWAY, ACCOUNTS = "gateway", "vault"
_SECONDS, _DRY_SECONDS = 60.0, 20.0
_EXPIRY = ("expiry", "never")
_PARTS = TypeAdapter(tuple[Part, ...])

_log = logging.getLogger("openassistant.gateway")


class Order(Wire):
    """What one room is to forget; `waits` until the agent has done its part, or all others have."""

    room: str
    scope: Scope
    waits: Literal["", "agent", "all"] = ""


class Tried(Wire):
    """What a room would forget; None where it does not answer."""

    room: str
    parts: tuple[Part, ...] | None


class Went(Wire):
    """How much of one kind went in a room."""

    room: str
    kind: str
    count: int


class UnderWay(Wire):
    """What has begun and not ended, and the rooms that have not done their part."""

    id: str
    user: str
    what: What
    begun: datetime
    rooms: tuple[str, ...]


class Forgetting:
    """Orders of everybody. `disconnect` ends an account, `detach` has its connector drop the copy of it.

    `ended` is told of each run of retention.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        parts: OwnParts,
        *,
        grants: Grants,
        ledger: Ledger,
        disconnect: Callable[[str, str], Awaitable[None]],
        detach: Callable[[str, str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._bus, self._store, self.parts, self._grants, self._ledger = bus, store, parts, grants, ledger
        self._disconnect, self._detach, self._clock = disconnect, detach, clock
        self._round = asyncio.Lock()
        self.ended: Callable[[str, tuple[Went, ...]], Awaitable[None]] | None = None
        self.drop_copies: Callable[[str], Awaitable[None]] | None = None
        """Removes what lies ready to be taken along: a copy of what is erased would be in it."""

    async def preview(self, user: str, orders: Sequence[Order]) -> list[Tried]:
        """What each room says would go now; nothing does."""
        rooms: dict[str, list[Order]] = {}
        for each in orders:
            if each.waits != "all" and each.room != ACCOUNTS:
                rooms.setdefault(each.room, []).append(each)
        return list(await asyncio.gather(*(self._try(user, room, mine) for room, mine in rooms.items())))

    async def begin(self, user: str, what: What, orders: Sequence[Order], *, told: dict[str, Any]) -> str:
        """Writes the orders down and begins; `told` is what the ledger says of it, without content."""
        made = new_id()
        if what not in _EXPIRY:
            await self._ledger.note(AuditAction.DATA_ERASING, user=user, id=made, content={"what": what, **told})
        row = {
            "id": made, "user": user, "what": what, "begun": self._clock().isoformat(), "told": json.dumps(told),
        }  # fmt: skip
        rows = [
            {
                "id": made,
                "number": number,
                "room": each.room,
                "scope": each.scope.model_dump_json(),
                "waits": each.waits,
            }
            for number, each in enumerate(orders)
        ]

        def write(connection: Connection) -> None:
            connection.execute(
                text("INSERT INTO forgettings (id, user, what, begun, told) VALUES (:id, :user, :what, :begun, :told)"),
                row,
            )
            if rows:
                connection.execute(
                    text(
                        "INSERT INTO forgetting_orders (forgetting, number, room, scope, waits)"
                        " VALUES (:id, :number, :room, :scope, :waits)"
                    ),
                    rows,
                )

        await self._store.write(write)
        self._bus.spawn(self.go_on())
        return made

    async def go_on(self) -> None:
        """One round for everything that has begun."""
        async with self._round:
            for each in await self._begun():
                try:
                    await self._work(each)
                except OaError as error:
                    _log.info("forgetting goes on later", extra={"code": error.code})

    async def under_way(self, user: str | None = None) -> list[UnderWay]:
        """What has begun and not ended, of one person or of all, oldest first."""
        orders = text("SELECT DISTINCT room FROM forgetting_orders WHERE forgetting = :id AND NOT done ORDER BY room")

        def read(connection: Connection) -> list[UnderWay]:
            return [
                UnderWay(
                    id=row.id, user=row.user, what=row.what, begun=datetime.fromisoformat(row.begun),
                    rooms=tuple(connection.execute(orders, {"id": row.id}).scalars()),
                )
                for row in connection.execute(text("SELECT * FROM forgettings ORDER BY begun, id"))
                if user in (None, row.user)
            ]  # fmt: skip

        return await self._store.read(read)

    async def drop(self, forgetting: str) -> None:
        """Gives up what has not been done of one; newer orders take its place."""
        query = text("DELETE FROM forgettings WHERE id = :id")
        await self._store.write(lambda connection: connection.execute(query, {"id": forgetting}).close())

    async def close_room(self, room: str) -> int:
        """Nobody waits for this room any more; in how many it had a part that was open."""
        row = {"room": room}
        count = text("SELECT count(DISTINCT forgetting) FROM forgetting_orders WHERE room = :room AND NOT done")
        close = text("UPDATE forgetting_orders SET done = 1, found = NULL WHERE room = :room AND NOT done")

        def write(connection: Connection) -> int:
            found = int(connection.execute(count, row).scalar_one())
            connection.execute(close, row)
            return found

        return await self._store.write(write)

    async def _begun(self) -> list[Any]:
        query = text("SELECT * FROM forgettings ORDER BY begun, id")
        return await self._store.read(lambda connection: list(connection.execute(query)))

    async def _work(self, begun: Any) -> None:
        left = {each.number: each for each in await self._open(begun.id)}
        for order in list(left.values()):
            if any(_waits(order, other) for other in left.values()):
                continue
            try:
                await self._do(begun, order)
            except OaError as error:
                _log.info("a room has not forgotten yet", extra={"room": order.room, "code": error.code})
            else:
                del left[order.number]
        if not await self._open(begun.id):
            await self._end(begun)

    async def _do(self, begun: Any, order: Any) -> None:
        """Asks what would go and keeps the answer, then has it done."""
        scope = Scope.model_validate_json(order.scope)
        if order.found is None and order.room != ACCOUNTS:
            parts = await self._ask(begun.user, order.room, scope, dry=True)
            await self._set(order, found=_PARTS.dump_json(parts).decode())
        if order.room in (GATEWAY, ACCOUNTS) and begun.what not in _EXPIRY and self.drop_copies is not None:
            await self.drop_copies(begun.user)
        if order.room == ACCOUNTS:
            await self._disconnect(begun.user, str(scope.account))
        else:
            await self._ask(begun.user, order.room, scope, dry=False)
        if begun.what == "source" and scope.account is not None and order.room not in (ACCOUNTS, "audit"):
            await self._detach(order.room, scope.account)
        await self._set(order, done=1)

    async def _ask(self, user: str, room: str, scope: Scope, *, dry: bool) -> tuple[Part, ...]:
        if room == GATEWAY:
            return await self.parts.forget(user, scope, dry=dry)
        request = EraseRequest(order=self._grants.erasure(user, scope), dry=dry)
        ctx = self._grants.context(user, seconds=_DRY_SECONDS if dry else _SECONDS)
        try:
            return (await self._bus.request(subjects.data(room, "forget"), request, Forgotten, ctx)).parts
        except NotFound:
            return ()

    async def _try(self, user: str, room: str, orders: list[Order]) -> Tried:
        try:
            found = [part for each in orders for part in await self._ask(user, room, each.scope, dry=True)]
        except OaError:
            return Tried(room=room, parts=None)
        return Tried(room=room, parts=_summed(found))

    async def _end(self, begun: Any) -> None:
        went = await self._went(begun.id)
        counts: dict[str, dict[str, int]] = {}
        for each in went:
            counts.setdefault(each.room, {})[each.kind] = each.count
        told = json.loads(begun.told)
        if begun.what not in _EXPIRY:
            content = {"what": begun.what, **told, "went": counts}
            await self._ledger.note(AuditAction.DATA_ERASED, user=begun.user, id=begun.id, content=content)
        elif counts:
            await self._ledger.note(AuditAction.DATA_EXPIRED, user=begun.user, id=begun.id, content={"went": counts})
        if begun.what == "expiry" and self.ended is not None:
            await self.ended(begun.user, went)
        await self.drop(begun.id)
        await self._store.tidy()

    async def _went(self, forgetting: str) -> tuple[Went, ...]:
        query = text("SELECT room, found FROM forgetting_orders WHERE forgetting = :id AND found IS NOT NULL")
        rows = await self._store.read(lambda connection: list(connection.execute(query, {"id": forgetting})))
        sums: dict[tuple[str, str], int] = {}
        for row in rows:
            for part in _PARTS.validate_json(row.found):
                sums[row.room, part.kind] = sums.get((row.room, part.kind), 0) + part.count
        return tuple(Went(room=room, kind=kind, count=count) for (room, kind), count in sorted(sums.items()))

    async def _open(self, forgetting: str) -> list[Any]:
        query = text("SELECT * FROM forgetting_orders WHERE forgetting = :id AND NOT done ORDER BY number")
        return await self._store.read(lambda connection: list(connection.execute(query, {"id": forgetting})))

    async def _set(self, order: Any, **values: Any) -> None:
        setting = ", ".join(f"{name} = :{name}" for name in values)
        row = {**values, "forgetting": order.forgetting, "number": order.number}
        query = text(f"UPDATE forgetting_orders SET {setting} WHERE forgetting = :forgetting AND number = :number")  # noqa: S608
        await self._store.write(lambda connection: connection.execute(query, row).close())


def _waits(order: Any, other: Any) -> bool:
    """Whether an order waits for another one that is open."""
    if order.waits == "all":
        return bool(other.waits != "all")
    return bool(order.waits == "agent" and other.room == "agent")


def _summed(parts: Sequence[Part]) -> tuple[Part, ...]:
    """One part for each kind, with the widest times."""
    kinds: dict[str, Part] = {}
    for each in parts:
        known = kinds.get(each.kind)
        if known is None:
            kinds[each.kind] = each
            continue
        times = [moment for part in (known, each) for moment in (part.oldest, part.newest) if moment]
        kinds[each.kind] = Part(
            kind=each.kind, count=known.count + each.count, oldest=min(times, default=None),
            newest=max(times, default=None),
        )  # fmt: skip
    return tuple(kinds.values())
