"""Receipts per second against plain commits on the same disk, in the same run: `python -m tests.bench.bench_ledger`.

Floor one: SQLCipher commits of one 600-byte row each, WAL, synchronous=FULL, one after the other. Floor two: the two
signatures that every start of a call costs, one checked and one made. The witness shares commits among records that
come at once, so its rate may lie far above floor one; its time for a lone record cannot lie below it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, text

from openassistant.context import utc_now
from openassistant.store import Migrations, Store
from tests.services.audit.house import AuditHouse

__all__ = ["main"]

_LONE, _AT_ONCE, _ROUNDS, _VERIFIED = 200, 200, 8, 5_000
_INSERT = text("INSERT INTO floor (data) VALUES (:data)")


async def _plain_commits(folder: Path) -> float:
    """Seconds per commit of one row."""
    store = await Store.open(folder / "floor.db", bytes(32), Migrations({}))
    await store.write(lambda connection: connection.exec_driver_sql("CREATE TABLE floor (data BLOB)").close())
    data = os.urandom(600)

    def write(connection: Connection) -> None:
        connection.execute(_INSERT, {"data": data})

    started = time.perf_counter()
    for _ in range(_LONE):
        await store.write(write)
    seconds = (time.perf_counter() - started) / _LONE
    await store.close()
    return seconds


async def _signatures(house: AuditHouse) -> float:
    """Seconds for a grant checked and a receipt made."""
    grant, receipt = house.grant(), await house.begin()
    started = time.perf_counter()
    for _ in range(_LONE):
        house.trust.grant(grant, now=utc_now())
        house.key.sign(receipt)
    return (time.perf_counter() - started) / _LONE


async def _lone(house: AuditHouse) -> float:
    """Seconds per receipt, one after the other."""
    ctx, calls = house.context(), [house.call() for _ in range(_LONE)]
    started = time.perf_counter()
    for call in calls:
        await house.begin(call, ctx)
    return (time.perf_counter() - started) / _LONE


async def _at_once(house: AuditHouse) -> float:
    """Seconds per receipt with `_AT_ONCE` in flight; the callers of this process are in the figure."""
    rounds = [[house.call() for _ in range(_AT_ONCE)] for _ in range(_ROUNDS)]
    started = time.perf_counter()
    for calls in rounds:
        ctx = house.context()
        await asyncio.gather(*(house.begin(call, ctx) for call in calls))
    return (time.perf_counter() - started) / (_AT_ONCE * _ROUNDS)


async def _verify(house: AuditHouse) -> float:
    """Seconds per verified record."""
    while (await house.verify()).size < _VERIFIED:
        await _at_once(house)
    found = await house.verify()
    assert found.ok, found.detail
    return found.seconds / found.size


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AuditHouse(folder) as house:
            floor, signing = await _plain_commits(folder), await _signatures(house)
            lone, at_once, verified = await _lone(house), await _at_once(house), await _verify(house)
            floor = (floor + await _plain_commits(folder / "again")) / 2
    print(f"floor   plain commit      {floor * 1e3:7.2f} ms   {1 / floor:9.0f} /s")
    print(f"floor   two signatures    {signing * 1e3:7.2f} ms   {1 / signing:9.0f} /s")
    print(
        f"ledger  lone receipt      {lone * 1e3:7.2f} ms   {1 / lone:9.0f} /s   {lone / (floor + signing):5.2f} x floors"
    )
    print(
        f"ledger  {_AT_ONCE} in flight     {at_once * 1e3:7.2f} ms   {1 / at_once:9.0f} /s   {floor / at_once:5.2f} x plain commits"
    )
    print(f"ledger  verified record   {verified * 1e6:7.2f} us   {1 / verified:9.0f} /s")


def main() -> None:
    """Measures and prints."""
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
