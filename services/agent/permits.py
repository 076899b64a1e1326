"""The grants of turns: what each may do in its owner's name, and spend, renewed by the gateway while it goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from openassistant import subjects
from openassistant.again import again
from openassistant.budgets import Budget
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import DeadlineExceeded, Forbidden, RateLimited, Unavailable
from openassistant.grants import Grant, Trust
from openassistant.messages import Renewal, RenewalRequest
from openassistant.store import Store, UserStores
from services.agent import livestore, usage
from services.agent.conversations import Turn
from services.agent.metering import Reached, spent_of

__all__ = ["Permits"]

_RENEW_BEFORE = timedelta(seconds=90)
_GATEWAY_SECONDS = 120.0
"""A turn waits so long for a gateway that is away."""
_ASK_SECONDS = 3.0
"""One that died meanwhile is asked again as soon as this."""


class Permits:
    """The grant of each turn that is under way in this process, and since when it works."""

    def __init__(self, bus: Bus, stores: UserStores, room: Store, *, trust: Trust, clock: Clock) -> None:
        self._bus, self._stores, self._room, self._trust, self._clock = bus, stores, room, trust, clock
        self._grants: dict[str, str] = {}
        self._began: dict[str, float] = {}

    def give(self, turn_id: str, grant: str) -> None:
        """From here on the turn works under this grant."""
        self._grants[turn_id] = grant

    def begin(self, turn_id: str) -> None:
        """The turn begins, or goes on: its time is counted from now."""
        self._began[turn_id] = asyncio.get_running_loop().time()

    def rest(self, turn_id: str) -> None:
        """The turn has ended: its time is not counted any more."""
        self._began.pop(turn_id, None)

    def drop(self, turn_id: str) -> None:
        """Forgets the grant of a turn."""
        self._grants.pop(turn_id, None)

    def token(self, turn_id: str) -> str | None:
        """The grant as it is signed; None for a turn that has none."""
        return self._grants.get(turn_id)

    def of(self, turn: Turn) -> Grant:
        """What the turn's grant says, also after it ran out."""
        return self._trust.expired_grant(self._grants[turn.id])

    def budget(self, turn: Turn) -> Budget:
        """What the turn may take."""
        return self.of(turn).budget

    def seconds(self, turn: Turn) -> float:
        """How long a turn has worked since it began, or went on."""
        now = asyncio.get_running_loop().time()
        return now - self._began.get(turn.id, now)

    def plain(self, user: str, turn: Turn) -> CallContext:
        """A context under the grant as it is."""
        ctx = CallContext.within(180, now=self._clock(), user=user).signed(grant=self._grants[turn.id])
        zone = turn.request.zone
        return ctx.model_copy(update={"turn": turn.id, "conversation": turn.conversation, "zone": zone})

    async def context(self, user: str, turn: Turn) -> CallContext:
        """A context with a grant that is good for a while longer.

        Raises `Forbidden` when the turn was ended, `Reached` when nothing is left to spend.
        """
        if self.of(turn).expires - self._clock() < _RENEW_BEFORE:
            await self.renewed(user, turn)
        return self.plain(user, turn)

    async def renewed(self, user: str, turn: Turn, tokens: int = 0, micro: int = 0) -> None:
        """A grant that goes on, waiting for a gateway that is away: it starts again within seconds."""
        renew = partial(self.renew, user, turn, tokens=tokens, micro=micro)
        try:
            renewal = await again(renew, on=(Unavailable, DeadlineExceeded), seconds=_GATEWAY_SECONDS)
        except RateLimited as error:
            raise Reached(spent_of(error)) from error
        if renewal.grant is None:
            raise Forbidden("This turn may not go on: it was ended in the meantime.")
        self.give(turn.id, renewal.grant)
        await livestore.keep(self._room, turn.id, user, turn.conversation, renewal.grant)

    async def renew(
        self, user: str, turn: Turn, *, over: bool = False, parked: bool = False, tokens: int = 0, micro: int = 0
    ) -> Renewal:
        """Asks for a fresh grant, and reports what was spent."""
        async with self._stores.use(user) as store:
            spent = await usage.spent(store, turn.id)
        request = RenewalRequest(
            turn=turn.id, ended=over, parked=parked, spent=spent, need_tokens=tokens, need_micro=micro
        )
        return await self.ask(user, turn.conversation, self._grants[turn.id], request)

    async def ask(self, user: str, conversation: str, grant: str, request: RenewalRequest) -> Renewal:
        """What the gateway says to a turn that goes on under this grant."""
        ctx = CallContext.within(_ASK_SECONDS, now=self._clock(), user=user).signed(grant=grant)
        ctx = ctx.model_copy(update={"turn": request.turn, "conversation": conversation})
        return await self._bus.request(subjects.gateway("renew"), request, Renewal, ctx)
