"""New keys for the house while it runs, ordered by its owner: the vault makes them, each room takes its own.

An order is kept until all of it is done. The vault does each kind once for an order, a room's file stays under its
former key until it is under the new one, and rooms are asked again and again; so whatever breaks off only puts it off.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import datetime

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Conflict, Forbidden, OaError
from openassistant.messages import AuditAction, Done, Id, Wire
from openassistant.rekeying import KeyKind, KeysReport, Outstanding, Rekeying, RekeyRequest, RotateRequest
from services.gateway import key_views as views
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from services.gateway.sessions import Sessions, SignedIn

__all__ = ["Rotations"]

_ORDER = "key_rotation"
_GATEWAY = "gateway"
_VAULT_SECONDS, _ROOM_SECONDS = 60.0, 240.0

_log = logging.getLogger("openassistant.gateway")


class _Order(Wire):
    """`total`: the files that get new keys, known once the vault has made them."""

    id: Id
    user: Id
    keys: tuple[KeyKind, ...]
    total: int | None = None
    ended: datetime | None = None


class Rotations:
    """Orders, and what has become of the newest one. `own` has the files of this room."""

    def __init__(
        self,
        bus: Bus,
        preferences: Preferences,
        sessions: Sessions,
        *,
        own: Rekeying,
        grants: Grants,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._bus, self._preferences, self._sessions, self._own = bus, preferences, sessions, own
        self._grants, self._ledger, self._clock = grants, ledger, clock
        self._round = asyncio.Lock()

    async def begin(self, me: SignedIn, keys: tuple[KeyKind, ...], password: str, *, address: str) -> views.Keys:
        """Has keys replaced, and says how far that is after the vault's part.

        Raises `InvalidRequest` for a wrong password, `Conflict` for a root key that the house may not write or while
        keys are being replaced, `Unavailable` without vault or witness.
        """
        await self._sessions.confirm(me, password, address=address)
        report = await self._ask(_Order(id=new_id(), user=me.user.id, keys=()))
        if "root" in keys and report.fixed:
            raise Conflict(report.fixed)
        former = await self._newest()
        if former and former.ended is None:
            raise Conflict("Keys are being replaced already.")
        order = _Order(id=new_id(), user=me.user.id, keys=tuple(dict.fromkeys(keys)))
        await self._ledger.note(
            AuditAction.KEY_ROTATED, user=me.user.id, outcome="begun", content={"keys": list(order.keys)}
        )
        await self._keep(order)
        self._bus.spawn(self.go_on())
        return await self.state()

    async def state(self) -> views.Keys:
        """How the keys are; raises `Unavailable` without the vault."""
        order = await self._newest()
        asked = order.model_copy(update={"keys": ()}) if order else _Order(id=new_id(), user=new_id(), keys=())
        report = await self._ask(asked)
        at_work = order is not None and order.ended is None
        rooms = Counter(each.room for each in report.outstanding)
        return views.Keys(
            replacing=order.keys if order and at_work else (),
            total=max(order.total or 0, len(report.outstanding)) if order and at_work else 0,
            left=len(report.outstanding) if at_work else 0,
            waiting=tuple(views.KeyRoom(room=room, files=rooms[room]) for room in sorted(rooms)) if at_work else (),
            replaced=order.keys if order and order.ended else (),
            replaced_at=order.ended if order else None,
            protected=report.protected,
            fixed=report.fixed,
        )

    async def go_on(self) -> None:
        """One round for the order under way: the vault's part, then each file that waits."""
        async with self._round:
            order = await self._newest()
            if order is None or order.ended is not None:
                return
            try:
                await self._go_on(order)
            except Conflict as error:
                _log.error("the keys were not replaced", extra={"detail": error.message})
                await self._keep(order.model_copy(update={"keys": _without_root(order.keys)}))

    async def _go_on(self, order: _Order) -> None:
        report = await self._ask(order)
        if order.total is None:
            order = order.model_copy(update={"total": len(report.outstanding)})
            await self._keep(order)
        for each in report.outstanding:
            await self._try(each)
        report = await self._ask(order)
        if report.outstanding:
            return
        counts = {each.keys: each.count for each in report.done}
        await self._ledger.note(
            AuditAction.KEY_ROTATED, user=order.user, id=order.id, outcome="done", content={"keys": counts}
        )
        await self._keep(order.model_copy(update={"ended": self._clock()}))

    async def _try(self, file: Outstanding) -> None:
        """Has a room put a file under its new key; one that cannot now is asked again in the next round."""
        try:
            if file.room == _GATEWAY:
                await (self._own.user(file.user, self._grants.session(file.user)) if file.user else self._own.room())
                return
            ctx = CallContext.within(_ROOM_SECONDS, now=self._clock())
            if file.user:
                ctx = self._grants.context(file.user, seconds=_ROOM_SECONDS)
            await self._bus.request(subjects.data(file.room, "rekey"), RekeyRequest(user=file.user), Done, ctx)
        except Forbidden:
            _log.info("a user went before his key was replaced", extra={"room": file.room})
        except OaError as error:
            _log.info("a room has not taken its new key yet", extra={"room": file.room, "code": error.code})

    async def _ask(self, order: _Order) -> KeysReport:
        request = RotateRequest(id=order.id, keys=order.keys)
        ctx = CallContext.within(_VAULT_SECONDS, now=self._clock())
        return await self._bus.request(subjects.vault_rotate(_GATEWAY), request, KeysReport, ctx)

    async def _newest(self) -> _Order | None:
        kept = await self._preferences.get(_ORDER)
        return _Order.model_validate_json(kept) if kept else None

    async def _keep(self, order: _Order) -> None:
        await self._preferences.put(_ORDER, order.model_dump_json())


def _without_root(keys: tuple[KeyKind, ...]) -> tuple[KeyKind, ...]:
    return tuple(each for each in keys if each != "root")
