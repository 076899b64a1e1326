"""A running house: its processes, started, restarted with growing waits, announced when ready, and stopped in order."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy import logs, processes

__all__ = ["BUS", "House", "Process", "say"]

BUS = "bus"
_GATEWAY = "gateway"
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_STEADY_SECONDS = 60.0
"""A room that lived this long has no bad start: its next wait is the first one again."""
_START_SECONDS = 60.0
_WITNESSES = ("vault", "audit")
"""Stopped after the others, who still report to them."""
_STOP_SECONDS = (5.0, 2.0, 1.0)
"""For the rooms, for vault and audit, for the bus; with half a second each for what is killed then, under 10 s."""

_TRIM_SECONDS = 3600.0


def say(line: str) -> None:
    """One line for whoever started the house; a terminal that is gone stops nothing."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


@dataclass
class Process:
    """One child: how it is started, and what became of it.

    `listening` waits, for a bounded time, until others can reach it; it is given the process id.
    """

    name: str
    start: Callable[[], int]
    log: Path
    pid: int = 0
    started: float = 0.0
    listening: Callable[[int], None] | None = None
    wait: float = _FIRST_WAIT
    due: float | None = 0.0
    failures: int = 0


@dataclass
class House:
    """The running house. One loop, `run`: it wakes for a signal, for a start that is due, or to look for readiness."""

    processes: list[Process]
    woken: int
    address: str
    data_dir: Path
    bus_store: Path
    stopping: list[int] = field(default_factory=list)
    announced: bool = False
    complained: bool = False
    began: float = field(default_factory=time.monotonic)
    log_days: float | None = None
    trimmed: float | None = None

    def run(self) -> None:
        """Starts everything and returns after SIGTERM or SIGINT, with every child ended."""
        try:
            while not self.stopping:
                self._start_what_is_due()
                self._announce()
                self.trim_logs()
                self._sleep(self._seconds_to_wait())
                self._reap()
        finally:
            self._stop()

    def trim_logs(self) -> None:
        """Once an hour cuts what is too old off the logs, where somebody chose for how long they are kept."""
        now = time.monotonic()
        if self.log_days is not None and (self.trimmed is None or now - self.trimmed >= _TRIM_SECONDS):
            self.trimmed = now
            logs.trim(self.data_dir / "logs", days=self.log_days, now=datetime.now(UTC))

    def note_signal(self, number: int, _frame: object) -> None:
        """The handler of every signal; SIGCHLD only wakes the loop."""
        if number != signal.SIGCHLD:
            self.stopping.append(number)

    def _start_what_is_due(self) -> None:
        for process in self.processes:
            if process.due is not None and process.due <= time.monotonic():
                process.pid, process.started, process.due = process.start(), time.monotonic(), None
                if process.listening:
                    process.listening(process.pid)
                if process.failures:
                    say(f"{process.name} is started again.")

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        soonest = min((process.due - now for process in self.processes if process.due is not None), default=3600.0)
        patience = 1.0 if self.complained else 0.1
        return max(0.0, min(soonest, 3600.0 if self.announced else patience))

    def _sleep(self, seconds: float) -> None:
        if select.select([self.woken], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):  # said to be readable, and nothing is there (select(2), BUGS)
                os.read(self.woken, 4096)

    def _reap(self) -> None:
        for pid, status in processes.ended():
            process = next((each for each in self.processes if each.pid == pid), None)
            if process is not None:
                self._plan_restart(process, status)

    def _plan_restart(self, process: Process, status: int) -> None:
        now = time.monotonic()
        steady = now - process.started > _STEADY_SECONDS
        process.failures = 1 if steady else process.failures + 1
        process.wait = _FIRST_WAIT if steady or process.failures == 1 else min(process.wait * 2, _LONGEST_WAIT)
        process.pid, process.due = 0, now + process.wait
        if process.name == _GATEWAY:
            self.announced = False  # it makes a new set-up link at each start
        said = _last_line(process.log) if os.WIFEXITED(status) else ""
        say(
            f"{process.name} ended ({processes.how_it_ended(status)}) and starts again in {process.wait:g} s."
            + (f" It said last: {said}" if said else "")
        )
        if process.name == BUS and process.failures == 3:
            self._give_up_bus_store()

    def _give_up_bus_store(self) -> None:
        """Streams carry wake-ups and live views; what must not be lost is in the rooms' own files."""
        aside = self.bus_store.with_name(f"{self.bus_store.name}-unreadable-{int(time.time())}")
        with contextlib.suppress(OSError):
            self.bus_store.rename(aside)
            say(f"The bus cannot read its store: it begins with an empty one (the old one is {aside}).")

    def _announce(self) -> None:
        if self.announced:
            return
        ready, detail = _ready(self.address)
        if ready:
            self.announced = True
            say(f"Open Assistant is ready: {self._entrance()}")
            say(f"Ctrl-C stops it. Its logs: {self.data_dir / 'logs'}")
        elif not self.complained and time.monotonic() - self.began > _START_SECONDS:
            self.complained = True
            say(f"Not everything is ready yet: {detail} The logs say more: {self.data_dir / 'logs'}")

    def _entrance(self) -> str:
        """The one-time set-up link while the house waits for its owner, else its address."""
        try:
            return (self.data_dir / "gateway" / "setup-url").read_text().strip()
        except OSError:
            return self.address

    def _stop(self) -> None:
        """Ends the children group by group; whoever is late is killed."""
        say("Stopping.")
        self._reap_silently()
        groups = (
            [each for each in self.processes if each.name not in (*_WITNESSES, BUS)],
            [each for each in self.processes if each.name in _WITNESSES],
            [each for each in self.processes if each.name == BUS],
        )
        for group, seconds in zip(groups, _STOP_SECONDS, strict=True):
            self._signal(group, signal.SIGTERM)
            self._await_end(group, seconds)
            self._signal(group, signal.SIGKILL)
            self._await_end(group, 0.5)

    def _signal(self, group: Sequence[Process], number: signal.Signals) -> None:
        for process in group:
            if process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)

    def _await_end(self, group: Sequence[Process], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while any(each.pid for each in group) and (left := ends - time.monotonic()) > 0:
            self._sleep(min(left, 0.1))
            self._reap_silently()

    def _reap_silently(self) -> None:
        gone = {pid for pid, _ in processes.ended()}
        for process in self.processes:
            if process.pid in gone:
                process.pid = 0


def _ready(address: str) -> tuple[bool, str]:
    """Whether every room answers, and if not, what the gateway says about it."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200, _detail(answer.read(65536))
    except (OSError, http.client.HTTPException):
        return False, "the gateway does not answer."
    finally:
        connection.close()


def _detail(body: bytes) -> str:
    """The sentence of a problem document (RFC 9457), if it is one."""
    try:
        problem: Mapping[str, object] = json.loads(body)
        return str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return "the gateway gives no reason."


def _last_line(log: Path) -> str:
    try:
        lines = log.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""
