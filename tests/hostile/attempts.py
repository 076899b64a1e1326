"""What the hostile agent does with a turn; each attempt is noted with its family, its end, and whether it may be done.

A brief is {"do": name of a function here or in `calls`, …}. `other` in it is somebody else of the household: user,
accounts by connector, a conversation, a turn. `spent` holds truly signed tokens whose time is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tests.hostile import calls, rooms
from tests.hostile.double import Double
from tests.hostile.stance import Row, Stance, try_all

__all__ = ["run"]


async def run(double: Double, turn: Row, brief: Row) -> None:
    """Does what a brief says."""
    stance = Stance(double, turn, brief, await double.cards())
    await _DOING[brief["do"]](stance)


async def everything(stance: Stance) -> None:
    """All of it in one turn, in the order in which each still means something."""
    await calls.approvals(stance)
    await try_all(stance, calls.tools(stance))
    await calls.receipts(stance)
    for family in (calls.renewals, rooms.vault, rooms.ledger, rooms.bus):
        await try_all(stance, family(stance))
    await calls.tainted(stance)
    await rooms.deputies(stance)
    await rooms.lies(stance)


async def end(stance: Stance) -> None:
    """Ends the turn, as the agent does when it has answered; and keeps its grant."""
    await stance.double.ask(
        "oa.rpc.gateway.renew", {"turn": stance.turn["turn"], "ended": True}, user=stance.me, grant=stance.grant
    )
    stance.double.note(event="ended", turn=stance.turn["turn"], grant=stance.grant)


async def keep(stance: Stance) -> None:
    """Takes a turn and does nothing."""
    stance.double.note(event="kept", turn=stance.turn["turn"])


_DOING: Mapping[str, Callable[[Stance], Awaitable[None]]] = {
    each.__name__: each
    for each in (everything, end, keep, rooms.flood, calls.ask, calls.interrupt, calls.use, calls.reads)
}
