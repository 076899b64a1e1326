"""Where processor time goes: py-spy looks into running interpreters a hundred times a second, and this adds it up.

It is run over a load a second time, after that was measured: looking takes time of its own.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import shares

__all__ = ["Profile", "profiled", "read"]

_A_SECOND = 100
_FRAME = re.compile(r"^(?P<function>.+) \((?P<file>.+?)(?::\d+)?\)$")
_WAITING = {"select", "_worker"}
"""A loop that waits for its sockets, a thread of a pool that waits for work: the sampler takes some for busy."""
_INSTALLED = re.compile(r"/site-packages/([^/]+)")
_STANDARD = re.compile(r"/python3\.\d+/([^/]+)")
_OURS = re.compile(r"(?:^|/)((?:openassistant|services|connectors|deploy)/.+)\.py$")


class Profile:
    """Samples by package, by whose code ran last, and by our own function that was the last of ours to call it."""

    def __init__(self) -> None:
        self.packages: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    @property
    def words(self) -> str:
        """The largest shares of both, in words."""
        if not self.packages:
            return "no profile: this machine lets nobody look into a running process"
        return f"in the profile {shares(self.packages, most=6)}; called from {shares(self.functions, most=5)}"


def read(raw: str) -> Profile:
    """A profile of py-spy's folded stacks: `outer (file);inner (file) count` on each line."""
    found = Profile()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [(match["function"], match["file"]) for each in stack.split(";") if (match := _FRAME.match(each))]
        if not frames or not count.isdigit() or frames[-1][0] in _WAITING:
            continue
        found.packages[_package(frames[-1][1])] += int(count)
        ours = (f"{mine}:{function}" for function, file in reversed(frames) if (mine := _ours(file)))
        found.functions[next(ours, "nothing of ours")] += int(count)
    return found


def _ours(file: str) -> str | None:
    """The module of the project that a file is."""
    mine = None if _INSTALLED.search(file) else _OURS.search(file)
    return mine[1].removeprefix("openassistant/") if mine else None


def _package(file: str) -> str:
    """Whose code a file is: ours, a package's, or the standard library's module."""
    if _ours(file):
        return "our own"
    theirs = _INSTALLED.search(file) or _STANDARD.search(file)
    return (theirs[1] if theirs else Path(file).name).removesuffix(".py")


@contextlib.contextmanager
def profiled(pid: int) -> Iterator[Profile]:
    """Fills the profile with what a process and its children do while this is open."""
    found = Profile()
    with tempfile.TemporaryDirectory() as name:
        written = Path(name) / "stacks"
        tool = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
        command = [tool, "record", "--pid", str(pid), "--subprocesses", "--function", "--full-filenames"]
        command += ["--format", "raw", "--rate", str(_A_SECOND), "--output", str(written), "--duration", "unlimited"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as looking:
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    looking.wait(1.0)
                yield found
            finally:
                looking.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    looking.wait(20)
                looking.kill()
        if written.exists():
            done = read(written.read_text())
            found.packages.update(done.packages)
            found.functions.update(done.functions)
