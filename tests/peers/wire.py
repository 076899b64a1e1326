"""A wire that counts: passes a TCP connection on to a server, byte by byte, and knows how many went each way."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from tests.peers.process import LOOPBACK

__all__ = ["Wire"]


class Wire:
    """`async with Wire(port) as wire:` listens on `wire.port` for what is meant for `target` on loopback.

    `out` and `back` are bytes as they went over TCP, TLS included; `connections` counts those that were opened.
    """

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.out = self.back = self.connections = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._on_connection, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "it was entered"
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def quiet(self, seconds: float = 5) -> None:
        """Waits until every connection has ended."""
        async with asyncio.timeout(seconds):
            while self._open:
                await asyncio.sleep(0.01)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        self.connections += 1
        there, server = await asyncio.open_connection(LOOPBACK, self.target)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the test is over
                await asyncio.gather(self._pass("out", reader, server), self._pass("back", there, writer))
        finally:
            for each in (writer, server):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _pass(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                setattr(self, way, getattr(self, way) + len(data))
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()
