"""A way for containers to the peers, which listen on loopback alone: ports of another address, passed on."""

import asyncio
from collections.abc import Iterable

from tests.peers.process import LOOPBACK, Lifespan, LoopThread, close_server

__all__ = ["Doorway"]


class Doorway(Lifespan):
    """Listens on `address` at each of `ports` and passes what comes on to the same port of loopback."""

    def __init__(self, address: str, ports: Iterable[int]) -> None:
        self._address, self._ports = address, tuple(ports)
        self._thread: LoopThread | None = None
        self._servers: list[asyncio.Server] = []

    def start(self) -> None:
        """Open every port."""
        self._thread = LoopThread("doorway")
        self._thread.start()
        for port in self._ports:
            self._servers.append(self._thread.run(self._open(port)))

    def stop(self) -> None:
        """Close every port and every connection."""
        thread, self._thread = self._thread, None
        if thread is not None:
            for server in self._servers:
                thread.run(close_server(server))
            thread.stop()

    async def _open(self, port: int) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                writer.close()
                return
            try:
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            finally:
                for each in (writer, back):
                    each.transport.abort()

        return await asyncio.start_server(accept, self._address, port)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
