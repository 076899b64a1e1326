"""Whether words of others are in a conversation, and whose: from the ledger and this room's own turns, never the agent.

A conversation is tainted once a call in it brought in text from outside, or a turn of it began with something that
already was: a tainted memory that the gateway put before the model, or a schedule whose words were proposed in a
tainted conversation.
"""

from __future__ import annotations

from services.gateway.proposals import Proposals
from services.gateway.turns import Turns

__all__ = ["Taint"]

_KEPT = "something that was kept earlier"


class Taint:
    """Asks both."""

    def __init__(self, proposals: Proposals, turns: Turns) -> None:
        self._proposals, self._turns = proposals, turns

    async def of(self, user: str, conversation: str) -> bool:
        """Whether a conversation is tainted."""
        return bool(await self.sources(user, conversation))

    async def sources(self, user: str, conversation: str) -> tuple[str, ...]:
        """Names of the services whose texts of others were read, in their order; none where there are none."""
        began = (_KEPT,) if await self._turns.tainted(user, conversation) else ()
        return (*began, *await self._proposals.sources(user, conversation))
