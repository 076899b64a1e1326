"""An application under a real server on a free loopback port, and requests as no client library would send them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

__all__ = ["raw", "serving"]

_SECONDS = 10.0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    """The port on which the application answers, as the room itself serves it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = _Server(config)
        task = asyncio.ensure_future(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.wait_for(task, _SECONDS)


async def raw(port: int, *lines: str, body: bytes = b"") -> tuple[int, str]:
    """The status and the whole answer to a request of exactly these lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
    writer.write(body)
    try:
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(writer.drain(), _SECONDS)
        answer = (await asyncio.wait_for(reader.read(), _SECONDS)).decode()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return int(answer.split(" ", 2)[1]), answer
