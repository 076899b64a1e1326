"""A room's sign of life: there while it serves and the bus answers, and at no other time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import nkeys
from pydantic import SecretStr

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.messages import Done
from tests.peers.nats import NatsServer
from tests.peers.process import wait_until

OFTEN = 0.02


async def answer(ctx: CallContext, body: Done) -> Done:
    return body


async def beats(file: Path) -> bool:
    """Whether the file comes back after it was taken away."""

    def comes_back() -> bool:
        file.unlink(missing_ok=True)
        return wait_until(file.exists, seconds=0.6)

    return await asyncio.to_thread(comes_back)


async def joined(server: NatsServer) -> Bus:
    seed = SecretStr(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode())
    return await Bus.connect(server.url, room="agent", seed=seed)


async def test_a_room_that_does_not_serve_yet_shows_no_life(tmp_path: Path, nats_server: NatsServer) -> None:
    bus = await joined(nats_server)
    bus.show_life(tmp_path / "alive", every=OFTEN)
    assert not await beats(tmp_path / "alive")
    await bus.serve(subjects.agent("turn"), Done, answer)
    assert await beats(tmp_path / "alive")
    await bus.drain()


async def test_a_room_without_its_bus_shows_no_life(tmp_path: Path, nats_server: NatsServer) -> None:
    bus = await joined(nats_server)
    await bus.serve(subjects.agent("turn"), Done, answer)
    bus.show_life(tmp_path / "alive", every=OFTEN)
    assert await beats(tmp_path / "alive")
    await asyncio.to_thread(nats_server.stop)
    assert not await beats(tmp_path / "alive")
    await bus.drain()


async def test_a_room_that_has_left_shows_no_life(tmp_path: Path, nats_server: NatsServer) -> None:
    bus = await joined(nats_server)
    await bus.serve(subjects.agent("turn"), Done, answer)
    bus.show_life(tmp_path / "alive", every=OFTEN)
    await bus.drain()
    assert not await beats(tmp_path / "alive")
