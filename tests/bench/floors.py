"""Floors that several measurements stand beside: a question over a bare bus, a commit of a bare encrypted file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import nats
from nats.aio.msg import Msg
from sqlalchemy import Connection, text

from openassistant.store import Migrations, Store
from tests.bench.rows import middle
from tests.peers.nats import NatsServer

__all__ = ["commit_seconds", "question_seconds"]

_ROUNDS = 200
_INSERT = text("INSERT INTO floor (data) VALUES (:data)")


async def commit_seconds(folder: Path) -> float:
    """The middle time of one SQLCipher commit of 600 bytes: WAL, synchronous=FULL, one after the other."""
    store = await Store.open(folder / "floor.db", bytes(32), Migrations({}))
    await store.write(lambda connection: connection.exec_driver_sql("CREATE TABLE floor (data BLOB)").close())
    data, taken = os.urandom(600), list[float]()

    def write(connection: Connection) -> None:
        connection.execute(_INSERT, {"data": data})

    for _ in range(_ROUNDS):
        started = time.perf_counter()
        await store.write(write)
        taken.append(time.perf_counter() - started)
    await store.close()
    return middle(taken)


async def question_seconds() -> float:
    """The middle time of one question and its answer over a plain nats-server, both ends in this process."""
    with NatsServer() as server:
        asks, answers = await nats.connect(server.url), await nats.connect(server.url)
        taken = list[float]()

        async def answer(message: Msg) -> None:
            await message.respond(message.data)

        await answers.subscribe("floor", cb=answer)
        await answers.flush()
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            await asks.request("floor", bytes(600), timeout=5)
            taken.append(time.perf_counter() - started)
        await asks.close()
        await answers.close()
    return middle(taken)
