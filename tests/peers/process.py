"""How a peer lives: a child process ended by its pid, or an event loop in a thread of its own."""

import asyncio
import contextlib
import fcntl
import functools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = [
    "LOOPBACK",
    "Child",
    "Lifespan",
    "LoopThread",
    "MissingPeerError",
    "PeerError",
    "close_server",
    "find_binary",
    "free_port",
    "listens",
    "wait_until",
    "workspace",
]

LOOPBACK = "127.0.0.1"
_PORTS = range(16_384, 32_768)
_given: set[int] = set()

Result = TypeVar("Result")


class PeerError(RuntimeError):
    """A peer did not start, or does not behave."""


class MissingPeerError(PeerError):
    """A peer's program is not installed; the message says which package brings it."""


class Lifespan:
    """Start and stop, as a sync or an async context manager."""

    def start(self) -> None:
        """Bring the peer up; returns when it answers, raises `PeerError` when it does not."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take the peer down; harmless when it is not up."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)


class Child:
    """One subprocess with its output in `<directory>/<name>.log`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        directory: Path,
        env: Mapping[str, str] | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        self._command = list(command)
        self._name = name
        self._directory = directory
        self._env = {**os.environ, **(env or {})}
        self._identity: dict[str, Any] = {} if uid is None else {"user": uid, "group": gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = directory / f"{name}.log"

    @property
    def pid(self) -> int:
        """The process id; `PeerError` when it was never started."""
        if self._process is None:
            raise PeerError(f"{self._name} is not started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Start it and wait at most `seconds` for `ready`; `PeerError` carries the end of its log."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._env,
                start_new_session=True,
                **self._identity,
            )
        if not wait_until(lambda: not self.alive or ready(), seconds=seconds) or not self.alive:
            self.stop()
            raise PeerError(f"{self._name} did not become ready:\n{self.tail()}")

    def tail(self, size: int = 4000) -> str:
        """The last `size` bytes of its output, as text."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-size:].decode("utf-8", "replace")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; `PeerError` when it was never started."""
        os.kill(self.pid, number)

    def wait(self, *, seconds: float) -> int:
        """Its exit code, once it ended; `subprocess.TimeoutExpired` after `seconds`."""
        if self._process is None:
            raise PeerError(f"{self._name} is not started")
        return self._process.wait(seconds)

    def stop(self, *, seconds: float = 10.0) -> None:
        """End it by SIGTERM; after `seconds` it and the children it made are killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


class LoopThread:
    """An event loop that runs in a daemon thread, for servers that live inside the test process."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], *, seconds: float = 10.0) -> Result:
        """Run a coroutine on the loop and hand back its result; `TimeoutError` after `seconds`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def stop(self, *, seconds: float = 10.0) -> None:
        """Cancel what still runs, end the thread, close the loop."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        self.run(_cancel_everything(), seconds=seconds)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)
        self._loop.close()


async def _cancel_everything() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    for _ in range(3):
        await asyncio.sleep(0)  # closed transports let go of their sockets one round later


async def close_server(server: asyncio.Server) -> None:
    """Close a listening port; connections that are open stay so."""
    server.close()


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.02) -> bool:
    """Ask `condition` until it holds; False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def free_port() -> int:
    """A loopback TCP port that nobody listens on, and that no other call hands out while this process lives.

    It lies below those that the system gives to outgoing connections, which would else take it before its server does;
    and a server may stop and start again on it, since nobody else was told of it in the meantime.
    """
    for _ in range(200):
        port = secrets.choice(_PORTS)
        if port in _given or not _claimed(port):
            continue
        _given.add(port)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise PeerError("no port is free")


def _claimed(port: int) -> bool:
    """Whether this process now holds the byte of the port in the file of claims; the system lets go when it ends."""
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@functools.cache
def _claims() -> int:
    # Never closed: closing any descriptor of the file ends all claims of a process (POSIX record locks).
    return os.open(Path(tempfile.gettempdir()) / f"free-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def listens(port: int, *, greeting: bytes = b"") -> bool:
    """Whether a connection to the port is taken (and begins with `greeting`, where one is given)."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as probe:
            return not greeting or probe.recv(len(greeting)) == greeting
    except OSError:
        return False


def find_binary(name: str, *, package: str) -> str:
    """The path of a program on the PATH, in the sbin folders or next to this Python.

    Raises `MissingPeerError` with the `package` that brings it.
    """
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", str(Path(sys.executable).parent)]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise MissingPeerError(f"{name} is not installed. It comes with {package}.")
    return found


def workspace(prefix: str) -> Path:
    """A new temporary folder that other users of the machine may enter (a peer may run as one)."""
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    folder.chmod(0o755)
    return folder
