"""The grant of a turn as it is renewed: of a schedule's run out of what was signed, and none once that is over."""

from __future__ import annotations

from openassistant.budgets import NOTHING, Budget
from openassistant.errors import Forbidden
from openassistant.grants import Grant
from services.gateway.grants import Grants
from services.gateway.questions import Question
from services.gateway.routing import Routing
from services.gateway.schedules import Schedules
from services.gateway.turns import Turns

__all__ = ["Leaves"]


class Leaves:
    """Gives them. What a turn is follows from this room's own store, never from what the agent shows."""

    def __init__(self, grants: Grants, turns: Turns, schedules: Schedules, routing: Routing) -> None:
        self._grants, self._turns, self._schedules, self._routing = grants, turns, schedules, routing

    async def fresh(self, user: str, *, turn: str, conversation: str, budget: Budget = NOTHING) -> str:
        """A grant of a turn that lives; raises `Forbidden` where its schedule was ended, changed by hand or is over."""
        schedule, routes = await self._turns.schedule_of(turn), await self._routing.of(user)
        if schedule is None:
            return self._grants.turn(user, turn=turn, conversation=conversation, routes=routes, budget=budget)
        kept = await self._schedules.kept(user, schedule)
        return self._grants.scheduled(kept.signed, turn=turn, conversation=conversation, routes=routes, budget=budget)

    async def check(self, grant: Grant) -> None:
        """Raises `Forbidden` for a run whose schedule no longer stands, or does not allow what the grant says."""
        if grant.schedule is None:
            return
        kept = await self._schedules.kept(grant.user, grant.schedule)
        if not set(grant.tools or ()) <= set(kept.signed.tools) or not set(grant.rules or ()) <= set(kept.signed.rules):
            raise Forbidden("The schedule of this run was changed meanwhile.")

    def naming(self, question: Question) -> str:
        """A grant that covers nothing: it only says, to the ledger, of which turn something is."""
        return self._grants.turn(
            question.user, turn=question.turn, conversation=question.conversation, routes={}, connectors={}
        )
