"""The ledger: records beside plain commits on the same disk, and how fast it is verified.

Floor one: SQLCipher commits of one 600-byte row each, WAL, synchronous=FULL, one after the other. Floor two: the
signature under a receipt. The witness is asked without a bus between; it shares commits among records that come at
once, so its rate may lie far above floor one, while its time for a lone record cannot lie below both floors together.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.messages import AuditAction, Effect, Record
from tests.bench.floors import commit_seconds
from tests.bench.profile import profiled
from tests.bench.rows import Row
from tests.services.audit.house import AuditHouse

_LONE, _AT_ONCE, _ROUNDS, _VERIFIED = 200, 200, 8, 5_000


async def _signature(house: AuditHouse) -> float:
    """Seconds for one receipt signed."""
    receipt = await house.begin()
    started = time.perf_counter()
    for _ in range(_LONE):
        house.key.sign(receipt)
    return (time.perf_counter() - started) / _LONE


def _starts(house: AuditHouse, count: int) -> list[Record]:
    calls = [house.call() for _ in range(count)]
    return [Record(id=call.id, action=AuditAction.TOOL_STARTED, call=call, effect=Effect.READ) for call in calls]


def _context(house: AuditHouse) -> CallContext:
    return house.context(subject=subjects.audit_record("agent"))


async def _lone(house: AuditHouse) -> float:
    """Seconds per receipt, one after the other."""
    ctx, starts = _context(house), _starts(house, _LONE)
    started = time.perf_counter()
    for start in starts:
        await house.audit.witness.record(ctx, start)
    return (time.perf_counter() - started) / _LONE


async def _at_once(house: AuditHouse) -> float:
    """Seconds per receipt with `_AT_ONCE` in flight."""
    ctx, rounds = _context(house), [_starts(house, _AT_ONCE) for _ in range(_ROUNDS)]
    started = time.perf_counter()
    for starts in rounds:
        await asyncio.gather(*(house.audit.witness.record(ctx, start) for start in starts))
    return (time.perf_counter() - started) / (_AT_ONCE * _ROUNDS)


async def _verify(house: AuditHouse) -> float:
    """Seconds per verified record."""
    while (await house.verify()).size < _VERIFIED:
        await _at_once(house)
    found = await house.verify()
    assert found.ok, found.detail
    return found.seconds / found.size


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AuditHouse(folder) as house:
            floor, signing = await commit_seconds(folder / "before"), await _signature(house)
            lone, at_once, verified = await _lone(house), await _at_once(house), await _verify(house)
            with profiled(os.getpid()) as recording:
                await _at_once(house)
            with profiled(os.getpid()) as verifying:
                for _ in range(20):
                    await house.verify()
            floor = (floor + await commit_seconds(folder / "after")) / 2
    alone = "a commit and a signature"
    sign = f"of {1e6 * at_once:.0f} µs for each, the signature alone takes {1e6 * signing:.0f}; {recording.words}"
    return [
        Row("a record, alone", lone * 1000, "ms", (floor + signing) * 1000, alone),
        Row(f"records, {_AT_ONCE} in flight", 1 / at_once, "/s", 1 / floor, "single commits", 5_000, why=sign),
        Row(
            "records verified",
            1 / verified,
            "/s",
            limit=100_000,
            why=f"one core reads, parses and hashes; {verifying.words}",
        ),
    ]


def rows() -> list[Row]:
    """All of them; some seconds."""
    return asyncio.run(_measure())
