"""Whether words of others are in a conversation, and whose: from the ledger and this room's own turns, never the agent.

A conversation is tainted once a call in it brought in text from outside, or a turn of it began with something that
already was: a tainted memory that the gateway put before the model, or a schedule whose words were proposed in a
tainted conversation; or once a file was given in it, for nobody knows who wrote that. That holds for all its versions:
which of them a model reads, only the agent knows.
"""

from __future__ import annotations

from services.gateway.given import Given
from services.gateway.proposals import Proposals
from services.gateway.turns import Turns

__all__ = ["Taint"]

_KEPT, _FILES = "something that was kept earlier", "files that were given"


class Taint:
    """Asks all of them."""

    def __init__(self, proposals: Proposals, turns: Turns, given: Given) -> None:
        self._proposals, self._turns, self._given = proposals, turns, given

    async def of(self, user: str, conversation: str) -> bool:
        """Whether a conversation is tainted."""
        return bool(await self.sources(user, conversation))

    async def sources(self, user: str, conversation: str) -> tuple[str, ...]:
        """Names of the services whose texts of others were read, in their order; none where there are none."""
        began = (_KEPT,) if await self._turns.tainted(user, conversation) else ()
        files = (_FILES,) if await self._given.any_in(user, conversation) else ()
        return (*began, *files, *await self._proposals.sources(user, conversation))
