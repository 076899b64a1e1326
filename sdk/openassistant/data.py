"""What a room holds of a user: how much of what there is, all of it as files, and the order that it goes.

Every room that stores something of users answers requests of the gateway. `usage`, `export` and `import` come under a
grant of that user; `erase` and `forget` under an order that the gateway signed (grants.py). To be asked again is fine:
what is gone stays gone, and a file that is imported twice is there once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Base64Bytes, Field

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import InvalidRequest
from openassistant.grants import Erasure, Scope, Trust
from openassistant.guard import admit_grant
from openassistant.messages import Done, Wire

__all__ = [
    "PAGE_BYTES",
    "Answers",
    "EraseRequest",
    "ExportPage",
    "ExportRequest",
    "Forgotten",
    "Holding",
    "ImportRequest",
    "Imported",
    "Part",
    "Piece",
    "serve_data",
]

PAGE_BYTES = 1024 * 1024
"""Of bodies in one message; base64 and the rest fit the bus's limit then."""


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
    """`order` is a signed `Erasure`; `forget` of a `dry` one only says what would go."""

    order: str
    dry: bool = False


class Forgotten(Wire):
    """What went, or would go, of each kind."""

    parts: tuple[Part, ...] = ()


class Piece(Wire):
    """A file of an archive, or a part of one: with `more`, the next piece goes on where this one ends.

    `path` is relative to the room's folder in the archive: POSIX, no "..", the same for the same thing whenever it is
    exported.
    """

    path: Annotated[str, Field(min_length=1, max_length=400)]
    modified: datetime | None = None
    body: Base64Bytes
    more: bool = False
    offset: Annotated[int, Field(ge=0)] = 0
    """In an import, where in the file this piece begins: a file that was broken off begins at 0 again."""


class ExportRequest(Wire):
    """The next pieces after `cursor`, which came with the pieces before; "" begins."""

    cursor: str = ""


class ExportPage(Wire):
    """Pieces of at most `PAGE_BYTES` together, in an order that stays; without `cursor` there are no more."""

    pieces: tuple[Piece, ...] = ()
    cursor: str | None = None


class ImportRequest(Wire):
    """Pieces of an archive's folder of that room, in the order in which they were exported."""

    pieces: tuple[Piece, ...]


class Imported(Wire):
    """How many files were taken, and a sentence for each that was not."""

    taken: Annotated[int, Field(ge=0)] = 0
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What a room does for each request, given the user of what was signed; what is None is not served.

    `forget` is given its scope too, and whether to try only; `export` a cursor; `take` what is to be imported. `calls`
    answers orders to forget the words of single calls, and gets their ids. `unlock` is called before both of them with
    the grant that came beside the order.
    """

    usage: Callable[[CallContext, str], Awaitable[Holding]]
    erase: Callable[[str], Awaitable[None]]
    forget: Callable[[str, Scope, bool], Awaitable[Forgotten]] | None = None
    calls: Callable[[str, tuple[str, ...], bool], Awaitable[Forgotten]] | None = None
    unlock: Callable[[str, str | None], Awaitable[None]] | None = None
    export: Callable[[CallContext, str, str], Awaitable[ExportPage]] | None = None
    take: Callable[[CallContext, str, tuple[Piece, ...]], Awaitable[Imported]] | None = None


async def serve_data(bus: Bus, room: str, answers: Answers, *, trust: Trust, clock: Clock) -> None:
    """Serves what the room answers."""
    serving = _Serving(answers, trust, clock)
    for verb, request, answer, served in (
        ("usage", Done, serving.on_usage, True),
        ("erase", EraseRequest, serving.on_erase, True),
        ("forget", EraseRequest, serving.on_forget, answers.forget is not None or answers.calls is not None),
        ("export", ExportRequest, serving.on_export, answers.export is not None),
        ("import", ImportRequest, serving.on_import, answers.take is not None),
    ):
        if served:
            await bus.serve(subjects.data(room, verb), request, answer)  # type: ignore[arg-type]  # each with its own


class _Serving:
    def __init__(self, answers: Answers, trust: Trust, clock: Clock) -> None:
        self._answers, self._trust, self._clock = answers, trust, clock

    async def on_usage(self, ctx: CallContext, _: Done) -> Holding:
        return await self._answers.usage(ctx, self._user(ctx))

    async def on_erase(self, ctx: CallContext, request: EraseRequest) -> Done:
        order = self._order(ctx, request)
        if order.scope is not None:
            raise InvalidRequest("The order is to forget a part, not to erase a person.")
        await self._answers.erase(order.user)
        return Done()

    async def on_forget(self, ctx: CallContext, request: EraseRequest) -> Forgotten:
        order = self._order(ctx, request)
        if order.scope is None:
            raise InvalidRequest("The order is to erase a person, not to forget a part.")
        if self._answers.unlock is not None:
            await self._answers.unlock(order.user, ctx.grant)
        if order.scope.calls:
            if self._answers.calls is None:
                return Forgotten()
            return await self._answers.calls(order.user, order.scope.calls, request.dry)
        if self._answers.forget is None:
            return Forgotten()
        return await self._answers.forget(order.user, order.scope, request.dry)

    async def on_export(self, ctx: CallContext, request: ExportRequest) -> ExportPage:
        assert self._answers.export is not None, "served only where there is one"
        return await self._answers.export(ctx, self._user(ctx), request.cursor)

    async def on_import(self, ctx: CallContext, request: ImportRequest) -> Imported:
        assert self._answers.take is not None, "served only where there is one"
        return await self._answers.take(ctx, self._user(ctx), request.pieces)

    def _user(self, ctx: CallContext) -> str:
        return admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock()).user

    def _order(self, ctx: CallContext, request: EraseRequest) -> Erasure:
        ctx.remaining(now=self._clock())
        return self._trust.erasure(request.order, now=self._clock())
