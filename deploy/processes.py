"""Processes that belong to this one: forked, named, without core dumps, gone when it goes."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from openassistant.errors import OaError

__all__ = ["ended", "fork", "how_it_ended", "is_alive", "no_core_dumps"]

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME = 1, 4, 15
"""prctl(2)."""
_KEEP_LOG_BYTES = 5_000_000


def no_core_dumps() -> None:
    """Forbids this process and its children to leave their memory, which holds keys, in a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def fork(work: Callable[[], int | None], *, name: str, log: Path) -> int:
    """The process id of a new process that does `work` and ends with what it returns.

    Its output goes to `log`. It is a process group of its own, so that Ctrl-C reaches the supervisor alone, and is
    killed when this process dies (Linux; elsewhere it would stay).
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(_child(work, name, log, parent))
    return pid


def ended() -> Iterator[tuple[int, int]]:
    """Process id and wait status of every child that has ended by now."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def is_alive(pid: int) -> bool:
    """Whether a child has not ended; `ended` still tells of it afterwards."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def how_it_ended(status: int) -> str:
    """A wait status in words."""
    code = os.waitstatus_to_exitcode(status)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"status {code}"


def _child(work: Callable[[], int | None], name: str, log: Path, parent: int) -> int:
    try:
        _settle(name, log, parent)
        return work() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except OaError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 - the outermost edge of a process: whatever it is, the log gets it
        sys.excepthook(type(error), error, error.__traceback__)  # the room's own, which shows types and places alone
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _settle(name: str, log: Path, parent: int) -> None:
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _prctl(_PR_SET_NAME, f"oa-{name}".encode()[:15])
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    _redirect(log)


def _redirect(log: Path) -> None:
    if log.exists() and log.stat().st_size > _KEEP_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.close(nothing)


def _prctl(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
