"""What was receipted stands, whatever happens; what could not be stored has no receipt."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from openassistant.errors import OaError, Unavailable
from openassistant.grants import SigningKey
from openassistant.messages import AuditAction, Done, Record, TreeHead
from tests.services.audit.house import AuditHouse

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], SigningKey]]:
    key = SigningKey.generate()
    (tmp_path / "signing.jwk").write_text(key.private_jwk())
    command = [sys.executable, "-m", "tests.services.audit.writer", str(tmp_path)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env={"PYTHONPATH": "sdk:."}
    )
    yield process, key
    process.kill()
    process.wait(10)
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 40, 333])
async def test_every_receipt_stands_after_kill_9(
    tmp_path: Path, writer: tuple[subprocess.Popen[str], SigningKey], count: int
) -> None:
    process, key = writer
    assert process.stdin is not None
    assert process.stdout is not None
    data_key = bytes(range(32))
    process.stdin.write(data_key.hex() + "\n")
    process.stdin.flush()
    async with asyncio.timeout(60):
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(count)]
    process.send_signal(signal.SIGKILL)
    rest = await asyncio.to_thread(process.stdout.read)
    receipts = dict(_receipt(line) for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith("\n"))
    house = AuditHouse(tmp_path, key=key)
    house.keys[None] = data_key
    async with house:
        found = await house.verify()
        assert (found.ok, found.detail) == (True, "")
        assert found.size >= len(receipts) >= count
        rows = await house.audit.ledger.rows("ORDER BY position", {})
        assert {row["position"]: row["leaf"].hex() for row in rows}.items() >= receipts.items()
        assert (await house.begin()).index == found.size


def _receipt(line: str) -> tuple[int, str]:
    index, leaf = line.split()
    return int(index), leaf


def _fill_disk(house: AuditHouse, pages: int) -> Any:
    """From now on the file may not grow, as on a full disk; returns how to make room again."""

    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(house.store._engine, "checkout", limit)

    def make_room() -> None:
        event.remove(house.store._engine, "checkout", limit)
        event.listen(
            house.store._engine,
            "checkout",
            lambda connection, *_: connection.execute("PRAGMA max_page_count = 1000000"),
        )

    return make_room


async def test_on_a_full_disk_there_is_no_receipt_and_afterwards_the_ledger_goes_on(house: AuditHouse) -> None:
    await house.fill(3)
    kept = await house.ask("head", Done(), TreeHead)
    make_room = _fill_disk(house, 1)
    large = {"query": "x" * 50_000}
    results = await asyncio.gather(
        *(house.begin(house.call(arguments=large)) for _ in range(10)), return_exceptions=True
    )
    assert {type(each) for each in results} == {Unavailable}
    make_room()
    assert (await house.begin()).index == 3
    found = await house.verify(kept)
    assert (found.ok, found.size) == (True, 4)


async def test_an_answer_lost_to_a_full_disk_is_recorded_when_asked_again(house: AuditHouse) -> None:
    call = house.call(arguments={"query": "x" * 50_000})
    make_room = _fill_disk(house, 1)
    with pytest.raises(Unavailable, match="full"):
        await house.begin(call)
    make_room()
    assert (await house.begin(call)).index == 0


async def test_a_damaged_store_gives_no_receipt(house: AuditHouse) -> None:
    await house.fill(1)
    await house.tamper("DROP TABLE records")
    with pytest.raises(OaError):
        await house.begin()


async def test_one_refused_record_does_not_undo_its_neighbours(house: AuditHouse) -> None:
    calls = await house.fill(2)
    forged = calls[0].model_copy(update={"arguments": {"query": "other"}})
    fresh = [house.call() for _ in range(6)]
    results = await asyncio.gather(
        *(house.begin(call) for call in [*fresh[:3], forged, *fresh[3:]]), return_exceptions=True
    )
    assert sum(isinstance(each, OaError) for each in results) == 1
    found = await house.verify()
    assert (found.ok, found.size) == (True, 8)


async def test_a_vault_that_is_away_means_no_record(house: AuditHouse) -> None:
    await house._vault.drain(seconds=1)
    with pytest.raises(Unavailable):
        await house.begin()
    assert (await house.audit.ledger.rows("", {})) == []


async def test_without_the_witness_nothing_is_recorded_and_the_caller_is_told(house: AuditHouse) -> None:
    await house.stop()
    with pytest.raises(Unavailable):
        await house.begin()
    await house.start()


async def test_a_head_is_on_disk_before_it_is_told(house: AuditHouse) -> None:
    await house.fill(2)
    head = await house.ask("head", Done(), TreeHead)
    assert (house.folder / "head").read_text() == head.checkpoint
    assert not (house.folder / "head.new").exists()


async def test_a_head_that_cannot_be_kept_is_not_told(house: AuditHouse) -> None:
    await house.fill(2)
    house.audit.ledger._kept_head = house.folder / "missing" / "head"
    with pytest.raises(OaError):
        await house.ask("head", Done(), TreeHead)


async def test_records_of_a_turn_come_in_the_order_of_their_answers(house: AuditHouse) -> None:
    call = house.call()
    started = await house.begin(call)
    failed = await house.end(call, AuditAction.TOOL_FAILED, outcome="upstream_failed")
    assert started.index < failed.index


async def test_a_record_needs_no_content(house: AuditHouse) -> None:
    call = house.call()
    await house.begin(call)
    entry = Record(id=call.id, action=AuditAction.TOOL_FINISHED, outcome="done")
    await house.send("mail", entry)
    assert (await house.audit.ledger.rows("WHERE position = 1", {}))[0]["content"] is None
