"""Sends the outboxes of a connector's users to the witness, and again what it did not take."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from openassistant import journal
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, OaError, Unavailable
from openassistant.grants import Trust
from openassistant.keys import Keys
from openassistant.messages import Record
from openassistant.store import Store, UserStores
from openassistant.witness import record

__all__ = ["Reporting"]

_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_log = logging.getLogger("openassistant.reporting")


class Reporting:
    """Of one instance."""

    def __init__(self, bus: Bus, keys: Keys, stores: UserStores, *, trust: Trust, clock: Clock) -> None:
        self._bus, self._keys, self._stores, self._trust, self._clock = bus, keys, stores, trust, clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._awaited: set[str] = set()
        """Users for whom somebody waits for his turn to send."""
        self._left: dict[str, str] = {}
        """Users of whom something was not taken, each with a grant."""
        self._is_left = asyncio.Event()

    def soon(self, user: str, grant: str) -> None:
        """As `send`, without waiting."""
        self._bus.spawn(self.send(user, grant))

    async def send(self, user: str, grant: str) -> None:
        """Sends what the outbox of a user holds; what is not taken stays, and `run` sends it again."""
        try:
            await self._keys.unlock(user, grant)
            if user in self._awaited:
                return  # who waits already has read nothing yet, so what is new is in his reading
            is_left = not await self._send(user, grant)
        except (DeadlineExceeded, Unavailable) as error:
            _log.warning("reports wait", extra={"code": error.code})
            is_left = True
        except OaError as error:
            _log.warning("reports wait for the next call", extra={"code": error.code})
            is_left = False
        if is_left:
            self._left[user] = grant
            self._is_left.set()
        else:
            self._left.pop(user, None)

    async def run(self) -> None:
        """Sends again what was not taken, after pauses that double: it has happened, and its owner should read it."""
        pause = _PAUSE
        while True:
            await self._is_left.wait()
            await self._bus.pause(pause)
            await asyncio.gather(*(self.send(user, grant) for user, grant in list(self._left.items())))
            pause = min(pause * 2, _LONGEST_PAUSE)
            if not self._left:
                self._is_left.clear()
                pause = _PAUSE

    async def _send(self, user: str, grant: str) -> bool:
        """Whether all was taken.

        Reports go side by side, so that they share the witness's commits; those of one call keep their order.
        """
        self._awaited.add(user)
        try:
            await self._locks[user].acquire()
        finally:
            self._awaited.discard(user)
        try:
            async with self._stores.use(user) as store:
                while reports := await journal.unsent(store):
                    if not await self._send_some(store, reports, CallContext.within(30, user=user), grant):
                        return False
                return True
        finally:
            self._locks[user].release()

    async def _send_some(
        self, store: Store, reports: list[tuple[int, Record, str]], ctx: CallContext, grant: str
    ) -> bool:
        """Sends the oldest report of each call; whether all of those were taken."""
        first: dict[str, tuple[int, Record, str]] = {}
        for each in reports:
            first.setdefault(each[1].id, each)
        rows = await asyncio.gather(*(self._taken(ctx, grant, *each) for each in first.values()))
        taken = [row for row in rows if row is not None]
        await journal.unsent_done(store, taken)
        return len(taken) == len(first)

    async def _taken(self, ctx: CallContext, grant: str, row: int, entry: Record, token: str) -> int | None:
        """The row of a report that needs to be sent no more; None when it was not taken."""
        try:
            await record(self._bus, ctx.signed(grant=self._usable(token, grant)), entry)
        except Conflict:
            _log.error("the ledger holds another outcome", extra={"id": entry.id})
        except OaError:
            return None
        return row

    def _usable(self, kept: str, given: str) -> str:
        """The grant kept with a report while it is good, else the one at hand."""
        try:
            self._trust.grant(kept, now=self._clock())
        except Forbidden:
            return given
        return kept
