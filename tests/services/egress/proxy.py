"""The real squid with this room's own answers, in front of servers on loopback.

A test may not reach the world, so here loopback stands for the owner's own network, and a resolver knows the names of
the test. That loopback is never open is tried in containers, and in test_lists.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from openassistant.egress import Proxy
from openassistant.targets import Target, Targets
from services.egress.lists import Lists
from services.egress.questions import Questions
from services.egress.squid import SOCKET, Squid, configuration
from tests.peers.process import LOOPBACK, MissingPeerError, find_binary, free_port

__all__ = ["PASSWORD", "Running", "needs_squid", "running", "through"]

PASSWORD = "not-a-real-proxy-password"


def _missing() -> bool:
    try:
        find_binary("squid", package="apt-get install squid")
    except MissingPeerError:
        return "REQUIRE_PEERS" not in os.environ
    return False


needs_squid = pytest.mark.skipif(_missing(), reason="needs squid (apt-get install squid)")


class AtHome(Lists):
    """The room's rules, but that loopback is an address in the owner's own network."""

    def _may_be(self, place: Target, address: str) -> bool:
        return place.private if address.startswith("127.") else super()._may_be(place, address)


class Echo:
    """A server that gives back what it gets, and knows how often it was reached."""

    def __init__(self) -> None:
        self.reached = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


class Running:
    """A proxy at `port`; `names` is what DNS says, `lists` what rooms may reach, `echo` a server on loopback."""

    def __init__(self, lists: Lists, names: dict[str, list[str]], lines: list[str]) -> None:
        self.port = free_port()
        self.lists, self.names, self.lines = lists, names, lines
        self.echo = Echo()
        self.squid: Squid | None = None

    def allow(self, room: str, *targets: Target) -> None:
        """From now on a room may reach these and no others."""
        known = self.lists.known or Targets()
        self.lists.known = Targets(rooms={**known.rooms, room: targets}, lookups=known.lookups)


def through(running: Running, room: str = "mail", *, password: str = PASSWORD) -> Proxy:
    """The proxy as a room asks it."""
    return Proxy(LOOPBACK, running.port, room, SecretStr(password))


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """Squid, its questions and an echo, until the block ends."""
    names: dict[str, list[str]] = {}

    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(0)
        if host not in names:
            raise OSError("no such name")
        return names[host]

    lines: list[str] = []
    place = Running(AtHome(own=(), resolver=resolve), names, lines)
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    with tempfile.TemporaryDirectory(prefix="oa-squid-") as made:
        folder = Path(made)
        _open_to_squid(folder)
        conf = configuration(listen=f"{LOOPBACK}:{place.port}", folder=folder, never=(), python="/usr/bin/python3")
        conf = conf.replace(" 127.0.0.0/8", "")
        async with Questions(place.lists, lambda: {"mail": digest, "caldav": digest}).at(folder / SOCKET):
            _open_to_squid(folder / SOCKET)
            place.squid = Squid(folder, conf, line=lines.append, user="nobody" if os.geteuid() == 0 else None)
            task = asyncio.create_task(place.squid.run())
            server = await asyncio.start_server(place.echo.serve, LOOPBACK)
            place.echo.port = server.sockets[0].getsockname()[1]
            try:
                await listening(place.port)
                yield place
            finally:
                server.close()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def _open_to_squid(path: Path) -> None:
    """Where the tests run as root, squid is another user."""
    path.chmod(0o755 if path.is_dir() else 0o666)


async def listening(port: int) -> None:
    """Returns when something takes connections at a port of loopback; raises `TimeoutError` after 20 s."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(LOOPBACK, port)
                writer.close()
                return
            await asyncio.sleep(0.1)
