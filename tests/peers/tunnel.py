"""A proxy that opens tunnels (CONNECT, RFC 9110, 9.3.6) to where a test says that hosts lie, and to no others."""

import asyncio
import contextlib
from collections.abc import Mapping

from tests.peers.process import LOOPBACK, Lifespan, LoopThread, close_server, free_port

__all__ = ["Tunnel"]


class Tunnel(Lifespan):
    """`places` gives the loopback port of each "host:port"; `asked` is what tunnels were wanted to."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places, self.asked = dict(places), list[str]()
        self.port = free_port()
        self._loop = LoopThread("tunnel")
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """See `Lifespan`."""
        self._loop.start()
        self._server = self._loop.run(self._listening())

    def stop(self) -> None:
        """See `Lifespan`."""
        if self._server:
            self._loop.run(close_server(self._server))
        self._loop.stop()

    async def _listening(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            place = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.asked.append(place)
            if place not in self._places:
                writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            else:
                there = await asyncio.open_connection(LOOPBACK, self._places[place])
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
                there[1].close()
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    writer.close()
