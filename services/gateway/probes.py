"""Tests of a model's tool calling: the agent asks, under a grant that covers nothing of anybody's."""

from __future__ import annotations

from openassistant import subjects
from openassistant.budgets import Budget
from openassistant.bus import Bus
from openassistant.context import new_id
from openassistant.messages import ModelRef, ProbeReport, ProbeRequest
from services.gateway.grants import Grants

__all__ = ["Probes"]

_SECONDS = 200.0
"""The agent gives a model three minutes at most."""
_BUDGET = Budget(model_calls=9, seconds=180)
"""Three short questions in each of three ways; who presses the button sees what it does, so no limit counts it."""


class Probes:
    """Asks the agent to probe a model."""

    def __init__(self, bus: Bus, grants: Grants) -> None:
        self._bus, self._grants = bus, grants

    async def ask(self, user: str, model: ModelRef) -> ProbeReport:
        """How a model calls tools; raises the provider's `OaError`, `Unavailable`.

        The grant is that of a turn, for the vault releases a model's key for turns alone; but of a turn that never
        began here, so nothing can be approved in it, and without connectors, so no tool can be called.
        """
        grant = self._grants.turn(user, turn=new_id(), conversation=new_id(), connectors={}, routes={}, budget=_BUDGET)
        ctx = self._grants.context(user, seconds=_SECONDS, grant=grant)
        return await self._bus.request(subjects.agent("probe"), ProbeRequest(model=model), ProbeReport, ctx)
