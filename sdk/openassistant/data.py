"""What a room holds of a user: how much of what there is, and the order that all of it goes.

Every room that stores something of users answers two requests of the gateway: `usage`, under a grant of that user, and
`erase`, under an order that the gateway signed for it (grants.py). To be asked again is fine: what is gone stays gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.messages import Done, Wire

__all__ = ["EraseRequest", "Holding", "Part", "serve_data"]


class Part(Wire):
    """Things of one kind, in the room's own word for them ("conversations"), and from when they are."""

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    count: Annotated[int, Field(ge=0)]
    oldest: datetime | None = None
    newest: datetime | None = None

    @classmethod
    def of(cls, kind: str, times: Sequence[datetime]) -> Self:
        """As many as there are times."""
        return cls(kind=kind, count=len(times), oldest=min(times, default=None), newest=max(times, default=None))


class Holding(Wire):
    """What a room holds of a user, and how many bytes of disk his file takes there."""

    parts: tuple[Part, ...] = ()
    bytes: Annotated[int, Field(ge=0)] = 0


class EraseRequest(Wire):
    """`order` is a signed `Erasure`."""

    order: str


async def serve_data(
    bus: Bus,
    room: str,
    *,
    trust: Trust,
    clock: Clock,
    usage: Callable[[CallContext, str], Awaitable[Holding]],
    erase: Callable[[str], Awaitable[None]],
) -> None:
    """Answers both; `usage` and `erase` are given the user of what was signed."""

    async def on_usage(ctx: CallContext, _: Done) -> Holding:
        user = admit_grant(ctx, trust=trust, user=str(ctx.user), now=clock()).user
        return await usage(ctx, user)

    async def on_erase(ctx: CallContext, request: EraseRequest) -> Done:
        ctx.remaining(now=clock())
        await erase(trust.erasure(request.order, now=clock()).user)
        return Done()

    await bus.serve(subjects.data(room, "usage"), Done, on_usage)
    await bus.serve(subjects.data(room, "erase"), EraseRequest, on_erase)
