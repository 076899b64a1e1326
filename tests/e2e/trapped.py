"""The one-command house whose rooms can be told to kill themselves at their Nth step: `python -m tests.e2e.trapped`.

A step is the edge of whatever outlives a process: a transaction's beginning and its commit, a request's sending and
its answer, an answer's sending, the overwriting of what was deleted, and each change of a name on the disk. Rooms start
anew at once, what the gateway has to finish is looked after every second, and it waits for nobody for long.

    trap = Trap(stack.folder, "agent")
    trap.set(3)              # before the third step from now on
    trap.is_set              # False once it was reached
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deploy import house, processes, rooms, supervisor
from deploy.rooms import Room
from openassistant import bus, store
from services.gateway import __main__ as gateway
from services.gateway import erasing, forgetting

__all__ = ["COMMAND", "FOLDER", "Trap"]

COMMAND = (sys.executable, "-m", "tests.e2e.trapped")
FOLDER = "TRAPS_FOLDER"
"""The variable that says where the traps lie."""
_RENAMES = ("os.rename", "os.remove", "os.rmdir")


class Trap:
    """What kills the process of a room; it lies in a file, so that whoever tests can set it from outside."""

    def __init__(self, folder: Path, room: str) -> None:
        self._file, self._count = folder / f"trap-{room}", folder / f"trap-{room}.count"
        self._reached, self._counting = 0, threading.Lock()

    @property
    def is_set(self) -> bool:
        """Whether it was set and not reached yet."""
        return self._file.exists()

    @property
    def reached(self) -> int:
        """How many steps were counted since it was set."""
        return int(self._count.read_text() or "0")  # empty while it is written

    def set(self, at: int) -> None:
        """Kills the room before its step `at`, 1 for the next one."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(at))
        draft.rename(self._file)

    def lift(self) -> None:
        """No step kills any more."""
        self._file.unlink(missing_ok=True)

    def step(self) -> None:
        """The process that calls this is at a step."""
        with self._counting:
            try:
                at = int(self._file.read_text())
            except FileNotFoundError:
                self._reached = 0
                return
            self._reached += 1
            self._count.write_text(str(self._reached))
            if self._reached == at:
                self._file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

    def spring(self) -> None:
        """Has every step of this process counted."""
        store._writing = self._around(store._writing)
        store._tidy = self._around(store._tidy)
        transport = bus.NatsTransport
        transport.request = self._around_awaited(transport.request)  # type: ignore[method-assign]
        bus.Bus._answer = self._around_awaited(bus.Bus._answer)  # type: ignore[method-assign]
        sys.addaudithook(self._see)

    def _around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(*given: Any, **named: Any) -> Any:
            self.step()
            found = work(*given, **named)
            self.step()
            return found

        return trapped

    def _around_awaited(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def trapped(*given: Any, **named: Any) -> Any:
            self.step()
            found = await work(*given, **named)
            self.step()
            return found

        return trapped

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _RENAMES and str(self._file) not in map(str, arguments):
            self.step()


def _load(folder: Path, connectors: Sequence[str]) -> Sequence[Room]:
    return tuple(Room(name=each.name, work=partial(_trapped, folder, each)) for each in rooms.load(connectors))


def _trapped(folder: Path, room: Room) -> int | None:
    Trap(folder, room.name).spring()
    return room.work()


if __name__ == "__main__":
    processes.no_core_dumps()
    house._LONGEST_WAIT = house._FIRST_WAIT
    gateway._HEAD, erasing._SECONDS, forgetting._SECONDS = 1.0, 5.0, 5.0
    sys.exit(supervisor.run(partial(_load, Path(os.environ[FOLDER]))))
