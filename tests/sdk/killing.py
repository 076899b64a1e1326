"""A process that is killed on purpose, at the edge of one function: `killed(work, at=("module", "name"), when=…)`."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

__all__ = ["EVERYWHERE", "When", "killed", "killed_at_change"]

When = Literal["before", "after"]
EVERYWHERE = os.environ.get("KILL_EVERYWHERE") == "1"
"""Whether tests that kill at some of many steps are to do it at each of them, which takes an hour."""
Work = Callable[[Callable[[], None]], object]
_SECONDS = 60
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["openassistant.store", "services.vault.__main__", "tests.sdk.killing"])


def killed(work: Work, *, at: tuple[str, str], when: When) -> None:
    """Does `work` in a process, which SIGKILL ends before or after the next call of a function; asserts that it did.

    `work` is given what sets the trap, and has to be a function of a module, or a `partial` of one. The name may be
    that of a method, "Class.method".
    """
    child = _context.Process(target=_do, args=(work, at, when))
    child.start()
    child.join(_SECONDS)
    assert child.exitcode == -signal.SIGKILL, f"{at[1]} was never reached: {child.exitcode}"
    child.close()


_CHANGES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")


def killed_at_change(folder: Path, at: int) -> Callable[[], int]:
    """Has SIGKILL end this process just before its change `at` (1 is the next) to what lies in a folder, 0 never.

    Gives what tells how many there were. A change is a file that is opened to be written, or a name that comes or goes.
    """
    count = 0

    def see(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in _CHANGES and str(folder) in str(arguments[0]) and not _reads(event, arguments):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(see)
    return lambda: count


def _reads(event: str, arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if event == "open" else os.O_WRONLY
    return not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR)


def _do(work: Work, at: tuple[str, str], when: When) -> None:
    work(partial(_set_trap, *at, when))


def _set_trap(module: str, name: str, when: When) -> None:
    place: Any = importlib.import_module(module)
    *outer, last = name.split(".")
    for each in outer:
        place = getattr(place, each)
    real = getattr(place, last)

    def trap(*given: Any, **named: Any) -> Any:
        if when == "after":
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(place, last, trap)
