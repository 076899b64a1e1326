"""What goes wrong: each fault is begun once, and ends by itself or is mended when its turn is over."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from tests.e2e.stack import Stack
from tests.peers.house import House
from tests.peers.process import PeerError
from tests.peers.smtp import Faults

__all__ = ["KINDS", "ROOMS", "Fault", "drawn", "set_clock"]

ROOMS = ("gateway", "agent", "vault", "audit", "mail", "caldav", "bus")
_STOPPED_SECONDS, _FULL_SECONDS = 30.0, 6.0
_DAY = 86_400

Fault = Callable[[Stack, House], None]


def _kill(room: str) -> Fault:
    def fault(stack: Stack, house: House) -> None:
        with contextlib.suppress(PeerError, ProcessLookupError):  # it is dead already
            stack.kill_room(room)

    return fault


def _wipe(stack: Stack, house: House) -> None:
    """The bus dies and its store is gone."""
    _kill("bus")(stack, house)
    shutil.rmtree(stack.data_dir / "bus" / "store", ignore_errors=True)


def _pause(room: str) -> Fault:
    """A room stands still for half a minute."""

    def fault(stack: Stack, house: House) -> None:
        with contextlib.suppress(PeerError, ProcessLookupError):
            pid = stack.room(room)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(_STOPPED_SECONDS)
            os.kill(pid, signal.SIGCONT)

    return fault


def _full(room: str) -> Fault:
    """A room's disk is full for a while: no file of it grows, whatever it writes."""

    def fault(stack: Stack, house: House) -> None:
        with contextlib.suppress(PeerError, ProcessLookupError):
            pid = stack.room(room)
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
            time.sleep(_FULL_SECONDS)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    return fault


def _provider(faults: Faults) -> Fault:
    """The next mail meets this at the submission server."""

    def fault(stack: Stack, house: House) -> None:
        house.smtp.faults = faults

    return fault


def _shift(days: int) -> Fault:
    """The clock of every room jumps, and back at the end of the turn."""

    def fault(stack: Stack, house: House) -> None:
        set_clock(stack.folder, days * _DAY)

    return fault


KINDS: Mapping[str, tuple[int, Fault]] = {
    **{f"kill {room}": (10, _kill(room)) for room in ROOMS},
    "bus without its store": (5, _wipe),
    **{f"{room} stands still": (1, _pause(room)) for room in ("agent", "mail", "audit")},
    **{f"the disk of {room} is full": (2, _full(room)) for room in ("audit", "agent", "mail")},
    "mail taken, the answer lost": (4, _provider(Faults(hang_up="kept", times=1))),
    "mail lost, the answer too": (4, _provider(Faults(hang_up="lost", times=1))),
    "mail taken, the answer late": (3, _provider(Faults(late=1.0, times=1))),
    "mail deferred": (2, _provider(Faults(defer="data", times=1))),
    "clock a day ahead": (2, _shift(1)),
    "clock a day back": (2, _shift(-1)),
}
"""By name: how often among a hundred or so, and what it does."""


def drawn(dice: Random) -> str:
    """The name of a fault."""
    return dice.choices(list(KINDS), [often for often, _ in KINDS.values()])[0]


def set_clock(folder: Path, seconds: int) -> None:
    """Sets the house's clock so many seconds ahead."""
    fresh = folder / "clock.new"
    fresh.write_text(f"{seconds:+d}\n")
    fresh.replace(folder / "clock")
