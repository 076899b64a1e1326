"""Whoever has the file and its key can change it, and cannot hide it."""

import asyncio

import pytest

from openassistant.context import new_id, utc_now
from openassistant.errors import Internal
from openassistant.grants import SigningKey
from openassistant.messages import Done, LedgerPage, LedgerQuery, TreeHead
from services.audit import checkpoint
from services.audit.records import COLUMNS, leaf_of
from tests.services.audit.house import AuditHouse

_VALUES = ("'x'", "x'00ff'", "7", "NULL")
_NOT_NULL = ("id", "action", "room", "time", "leaf")


async def _head(house: AuditHouse) -> TreeHead:
    return await house.ask("head", Done(), TreeHead)


@pytest.mark.parametrize("column", [*COLUMNS[1:], "leaf"])
async def test_a_change_in_any_column_names_the_record(house: AuditHouse, column: str) -> None:
    calls = await house.fill(5)
    await house.end(calls[0])
    before = (await house.audit.ledger.rows("WHERE position = 3", {}))[0]
    nothing = column in _NOT_NULL or before[column] is None
    for value in _VALUES[:3] if nothing else _VALUES:
        assert await _after(house, f'UPDATE records SET "{column}" = {value} WHERE position = 3') == (False, 3)
        await _restore(house, column, before[column])
    assert (await house.verify()).ok


async def test_a_record_moved_to_the_end_is_missing_where_it_was(house: AuditHouse) -> None:
    await house.fill(5)
    assert await _after(house, "UPDATE records SET position = 17 WHERE position = 3") == (False, 3)


async def _after(house: AuditHouse, statement: str) -> tuple[bool, int | None]:
    await house.tamper(statement)
    found = await house.verify()
    return found.ok, found.index


async def _restore(house: AuditHouse, column: str, value: object) -> None:
    thief = await house.open_file()
    sql = f'UPDATE records SET "{column}" = ? WHERE position = 3'
    await thief.write(lambda connection: connection.exec_driver_sql(sql, (value,)).close())
    await thief.close()


async def test_every_column_is_under_the_leaf_hash_or_is_the_signature_of_an_emptied_record(house: AuditHouse) -> None:
    await house.begin()
    row = (await house.audit.ledger.rows("WHERE position = 0", {}))[0]
    assert set(row) == {*COLUMNS, "leaf", "emptied"}


async def test_a_cut_tail_is_found_by_the_running_witness(house: AuditHouse) -> None:
    await house.fill(5)
    await house.tamper("DELETE FROM records WHERE position >= 3", "DELETE FROM heads")
    found = await house.verify()
    assert (found.ok, found.index) == (False, 3)
    with pytest.raises(Internal):
        await house.begin()


async def test_a_cut_tail_is_found_by_the_head_beside_the_data(house: AuditHouse) -> None:
    await house.fill(5)
    await _head(house)
    await house.stop()
    await house.tamper("DELETE FROM records WHERE position >= 3", "DELETE FROM heads")
    await house.start()
    found = await house.verify()
    assert (found.ok, found.index) == (False, 3)


async def test_a_cut_tail_is_found_against_a_head_kept_elsewhere(house: AuditHouse) -> None:
    await house.fill(5)
    kept = await _head(house)
    await house.stop()
    await house.tamper("DELETE FROM records WHERE position >= 3", "DELETE FROM heads")
    (house.folder / "head").unlink()
    await house.start()
    assert (await house.verify()).ok
    found = await house.verify(kept)
    assert (found.ok, found.index) == (False, 3)


async def test_a_rewritten_ledger_is_found_against_a_head_kept_elsewhere(house: AuditHouse) -> None:
    await house.fill(2)
    first = await _head(house)
    await house.fill(3)
    kept = await _head(house)
    await house.stop()
    await _rewrite(house, 3)
    await house.tamper("DELETE FROM heads")
    (house.folder / "head").unlink()
    await house.start()
    assert (await house.verify(first)).ok
    found = await house.verify(kept)
    assert (found.ok, found.index) == (False, 0)


async def _rewrite(house: AuditHouse, position: int) -> None:
    """Changes a record and its hash, as one would who knows how it is made."""
    thief = await house.open_file()
    row = await thief.read(
        lambda connection: dict(
            connection.exec_driver_sql("SELECT * FROM records WHERE position = ?", (position,)).mappings().one()
        )
    )
    leaf = leaf_of({**row, "tool": "messages_send"})
    sql = "UPDATE records SET tool = 'messages_send', leaf = ? WHERE position = ?"
    await thief.write(lambda connection: connection.exec_driver_sql(sql, (leaf, position)).close())
    await thief.close()


async def test_a_rewritten_record_lies_behind_the_last_head_that_fits(house: AuditHouse) -> None:
    await house.fill(2)
    await _head(house)
    await house.fill(1)
    await _head(house)
    await _rewrite(house, 2)
    found = await house.verify()
    assert (found.ok, found.index, found.detail) == (False, 2, "Record 2 was replaced.")


async def test_a_rewritten_record_stops_the_next_start(house: AuditHouse) -> None:
    await house.fill(3)
    await _head(house)
    await _rewrite(house, 1)
    await house.restart()
    with pytest.raises(Internal):
        await house.begin()
    page = await house.ask("query", LedgerQuery(), LedgerPage)
    assert len(page.entries) == 3
    assert page.head is None


async def test_records_that_changed_places_are_found(house: AuditHouse) -> None:
    await house.fill(5)
    await house.tamper(
        "UPDATE records SET position = 99 WHERE position = 1",
        "UPDATE records SET position = 1 WHERE position = 3",
        "UPDATE records SET position = 3 WHERE position = 99",
    )
    found = await house.verify()
    assert (found.ok, found.index) == (False, 1)


async def test_a_missing_record_is_found(house: AuditHouse) -> None:
    await house.fill(5)
    await house.tamper("DELETE FROM records WHERE position = 2")
    found = await house.verify()
    assert (found.ok, found.index, found.detail) == (False, 2, "Record 2 is missing.")


@pytest.mark.parametrize(("place", "index"), [("2.5", 5), ("-1", 0), ("5", 5)])
async def test_an_inserted_record_is_found(house: AuditHouse, place: str, index: int) -> None:
    await house.fill(5)
    columns = ", ".join(f'"{name}"' for name in COLUMNS if name not in ("position", "id"))
    position = "5" if place == "2.5" else place
    await house.tamper(
        f"INSERT INTO records (position, id, {columns}, leaf) SELECT {position}, '{new_id()}', {columns}, leaf"
        " FROM records WHERE position = 2"
    )
    found = await house.verify()
    assert (found.ok, found.index) == (False, index)


async def test_a_record_pushed_in_between_is_found(house: AuditHouse) -> None:
    await house.fill(5)
    columns = ", ".join(f'"{name}"' for name in COLUMNS if name not in ("position", "id"))
    await house.tamper(
        "UPDATE records SET position = position + 100 WHERE position >= 2",
        "UPDATE records SET position = position - 99 WHERE position >= 100",
        f"INSERT INTO records (position, id, {columns}, leaf) SELECT 2, '{new_id()}', {columns}, leaf"
        " FROM records WHERE position = 1",
    )
    found = await house.verify()
    assert (found.ok, found.index) == (False, 2)


async def test_a_kept_head_by_another_key_is_no_head(house: AuditHouse) -> None:
    await house.fill(2)
    real = await _head(house)
    forged = checkpoint.sign(real.size, bytes.fromhex(real.root), utc_now(), SigningKey.generate().raw_private())
    assert not (await house.verify(forged)).ok
    assert (await house.verify(real)).ok


@pytest.mark.parametrize("text", ["", "not a head", "open-assistant/ledger\n2\n"])
async def test_a_broken_head_beside_the_data_stops_the_witness(house: AuditHouse, text: str) -> None:
    await house.fill(2)
    await house.stop()
    (house.folder / "head").write_text(text)
    await house.start()
    assert not (await house.verify()).ok
    with pytest.raises(Internal):
        await house.begin()


async def test_an_untouched_ledger_goes_on_after_a_restart(house: AuditHouse) -> None:
    await house.fill(3)
    before = await _head(house)
    await house.restart()
    after = await _head(house)
    assert (after.size, after.root) == (before.size, before.root)
    assert (await house.begin()).index == 3
    assert (await house.verify(before)).ok


async def test_a_changed_head_is_found(house: AuditHouse) -> None:
    await house.fill(2)
    await _head(house)
    await house.tamper("UPDATE heads SET checkpoint = replace(checkpoint, 'ledger', 'legder')")
    found = await house.verify()
    assert not found.ok
    assert "head" in found.detail


async def test_checks_and_heads_between_records_never_raise_a_false_alarm(house: AuditHouse) -> None:
    ctx = house.context()

    async def check() -> None:
        for _ in range(12):
            kept = await _head(house)
            found = await house.verify(kept)
            assert (found.ok, found.detail) == (True, "")
            assert found.size >= kept.size

    async def write() -> None:
        for _ in range(12):
            await asyncio.gather(*(house.begin(house.call(), ctx) for _ in range(8)))

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for work in (check(), write(), check(), write()):
            group.create_task(work)
    assert (await house.verify()).size == 192
