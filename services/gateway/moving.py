"""Archives of persons, made and taken in: what is under way goes on after a restart, and goes when its time is over."""

from __future__ import annotations

import asyncio
import logging

from openassistant.bus import Bus
from openassistant.errors import NotFound, OaError
from services.gateway.exporting import Exporting
from services.gateway.importing import Importing
from services.gateway.moves import Moves

__all__ = ["Moving"]

_ENDED = ("ready", "failed", "done", "refused")

_log = logging.getLogger("openassistant.gateway")


class Moving:
    """Both directions, and the round that keeps them going."""

    def __init__(self, bus: Bus, moves: Moves, exporting: Exporting, importing: Importing) -> None:
        self._bus, self._moves = bus, moves
        self.exporting, self.importing = exporting, importing
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()
        exporting.wake = importing.wake = self.wake

    def wake(self) -> None:
        """Begins a round at once, beside those that come by themselves."""
        self._bus.spawn(self._round())

    async def _round(self) -> None:
        try:
            await self.go_on()
        except OaError as error:
            _log.info("archives go on later", extra={"code": error.code})

    async def go_on(self) -> None:
        """One round: removes what is over, and works on what is not at its end; a file at rest is not opened."""
        for move, user in await self._moves.over():
            await self._moves.remove(user, move)
            self.exporting.forget(move)
        kept = await self._moves.everything()
        self._ended &= {move for move, _, _ in kept}
        for move, user, kind in kept:
            if move not in self._ended and move not in self._tasks:
                task = self._tasks[move] = self._bus.spawn(self._work(user, move, kind))
                task.add_done_callback(lambda _, move=move: self._tasks.pop(move, None))  # type: ignore[misc]

    async def _work(self, user: str, move: str, kind: str) -> None:
        try:
            work = self.exporting if kind == "export" else self.importing
            await work.go_on(user, move)
            if (await self._moves.one(user, move, kind)).state in _ENDED:
                self._ended.add(move)
        except NotFound:
            return
        except OaError as error:
            _log.info("an archive goes on later", extra={"kind": kind, "code": error.code})
