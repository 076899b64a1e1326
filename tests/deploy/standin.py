"""The supervisor with rooms that do next to nothing: `python -m tests.deploy.standin`.

The gateway answers /readyz once the bus lets it in; every room writes down the settings that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import processes, supervisor
from deploy.rooms import Room
from openassistant.bus import Bus, read_seed

NAMES = ("gateway", "agent", "vault", "audit")
_READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def write_down() -> Path:
    """The room's folder, with the settings that it sees in a file."""
    folder = Path(os.environ["OA_DATA_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    seen = sorted(f"{key}={value}" for key, value in os.environ.items() if key.startswith("OA_"))
    (folder / "settings").write_text("\n".join(seen))
    return folder


async def live(name: str) -> None:
    """Joins the bus and waits for SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    folder = write_down()
    bus = await Bus.connect(
        os.environ["OA_NATS_URL"],
        room=name,
        seed=read_seed(Path(os.environ["OA_NKEY_FILE"])),
        streams=name == "gateway",
        wait=20,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bus.drain)
        if name == "gateway":
            (folder / "setup-url").write_text(f"http://127.0.0.1:{os.environ['OA_PORT']}/setup#once\n")
            await stack.enter_async_context(await serve(int(os.environ["OA_PORT"])))
        await stop.wait()


async def serve(port: int) -> asyncio.Server:
    """Answers every request with 200."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(_READY)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port)


def stubborn() -> int:
    """A room that does not hear SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def broken() -> int:
    """A room that cannot start."""
    sys.stderr.write("the frobnicator is missing\n")
    return 3


def load(_connectors: Sequence[str]) -> Sequence[Room]:
    """The stand-ins, and those named on the command line."""
    rooms = [Room(name=name, work=lambda name=name: asyncio.run(live(name))) for name in NAMES]
    more = {"stubborn": stubborn, "broken": broken}
    return [*rooms, *(Room(name=name, work=more[name]) for name in sys.argv[1:])]


if __name__ == "__main__":
    processes.no_core_dumps()
    sys.exit(supervisor.run(load))
