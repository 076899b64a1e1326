"""Heads that are kept outside: an older copy of everything that the witness has is found by them, and stops it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openassistant.context import utc_now
from openassistant.errors import Internal
from openassistant.grants import SigningKey
from openassistant.messages import Done, TreeHead
from openassistant.store import Store
from services.audit import checkpoint
from services.audit.outside import Outside
from services.gateway.__main__ import _migrations
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from tests.services.audit.house import AuditHouse


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.time = utc_now()

    def __call__(self) -> datetime:
        return self.time


async def head_of(house: AuditHouse) -> TreeHead:
    return await house.ask("head", Done(), TreeHead)


@asynccontextmanager
async def older_copy(house: AuditHouse) -> AsyncIterator[None]:
    """Puts the ledger's files as they were at the beginning over what they are at the end."""
    await house.stop()
    copy = house.folder.with_name(f"{house.folder.name}-copy")
    shutil.copytree(house.folder, copy)
    await house.start()
    yield
    await head_of(house)
    await house.stop()
    shutil.rmtree(house.folder)
    shutil.copytree(copy, house.folder)
    await house.start()


@pytest.fixture
async def gateway(house: AuditHouse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ledger]:
    """The gateway's side of the ledger, with a store of its own."""
    store = await Store.open(tmp_path_factory.mktemp("gateway") / "room.db", bytes(32), _migrations("room"))
    yield Ledger(house.bus.room("gateway"), Grants(house.gateway, dict, utc_now), Preferences(store))
    await store.close()


@pytest.fixture
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("another-disk") / "heads"


def outside(house: AuditHouse, file: Path, clock: Clock | None = None) -> Outside:
    return Outside(file, public=house.key.raw_public(), clock=clock or Clock(), every=timedelta(hours=1))


async def test_an_older_copy_of_all_its_files_looks_whole_to_the_witness_alone(house: AuditHouse) -> None:
    await house.fill(4)
    async with older_copy(house):
        await house.fill(3)
    assert (await house.verify()).ok


async def test_an_older_copy_is_found_at_the_start_by_a_file_on_another_disk(house: AuditHouse, file: Path) -> None:
    house.outside = outside(house, file)
    await house.restart()
    await house.fill(4)
    async with older_copy(house):
        await house.fill(3)
    with pytest.raises(Internal):
        await house.begin()
    found = await house.verify()
    assert (found.ok, found.index) == (False, 4)
    assert "cut off: there were" in found.detail
    assert f"{utc_now():%Y-%m-%d}" in found.detail


async def test_a_shorter_ledger_stops_when_the_gateway_sees_it(house: AuditHouse, gateway: Ledger) -> None:
    await house.fill(4)
    async with older_copy(house):
        await house.fill(3)
        await gateway.keep_head()
    await gateway.keep_head()
    with pytest.raises(Internal):
        await house.begin()
    report = await gateway.verify(house.user)
    assert report.problem
    assert (report.ok, report.problem.index) == (False, 4)
    assert "as a head says that was signed on" in report.problem.detail


async def test_another_history_that_has_grown_longer_is_found_all_the_same(house: AuditHouse, gateway: Ledger) -> None:
    await house.fill(4)
    await head_of(house)
    async with older_copy(house):
        await house.fill(2)
        await gateway.keep_head()
    await house.fill(9)
    await gateway.keep_head()
    report = await gateway.verify(house.user)
    assert report.problem
    assert (report.ok, report.problem.index) == (False, 4)
    assert "replaced" in report.problem.detail


async def test_heads_are_appended_when_the_ledger_grows_and_it_is_time(house: AuditHouse, file: Path) -> None:
    clock = Clock()
    place = outside(house, file, clock)
    for size, hours, kept in ((1, 0, 1), (2, 0, 1), (2, 1, 2), (2, 1, 2), (5, 1, 3)):
        clock.time += timedelta(hours=hours)
        place.keep(checkpoint.sign(size, bytes(32), clock(), house.key.raw_private()))
        assert len(place.notes()) == kept, (size, hours)


async def test_heads_of_another_ledger_and_other_words_in_the_file_do_not_count(house: AuditHouse, file: Path) -> None:
    place, other = outside(house, file), SigningKey.generate()
    foreign = checkpoint.sign(9, bytes(32), utc_now(), other.raw_private()).checkpoint
    await asyncio.to_thread(file.write_text, f"Heads of the house.\n\n{foreign}\n")
    place.keep(checkpoint.sign(1, bytes(32), utc_now(), house.key.raw_private()))
    assert [checkpoint.read(note, house.key.raw_public()).size for note in place.notes()] == [1]


async def test_a_disk_that_is_away_holds_nothing_up(house: AuditHouse, file: Path) -> None:
    house.outside = outside(house, file.parent / "not" / "there" / "heads")
    await house.restart()
    await house.fill(2)
    assert (await head_of(house)).size == 2
    assert (await house.verify()).ok


@pytest.mark.parametrize("place", [0.3, 0.5, 0.6, 0.7, 0.9])
async def test_a_byte_that_was_changed_in_the_file_itself_is_found(house: AuditHouse, place: float) -> None:
    await house.fill(200)
    await head_of(house)
    await house.stop()
    path = house.folder / "ledger.db"
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(len(whole) * place)] ^= 1
    path.write_bytes(changed)
    try:
        await house.start()
    except Internal as error:
        said = error.message
    else:
        found = await house.verify()
        said = found.detail if not found.ok else ""
        await house.stop()
    assert "damaged" in said
    path.write_bytes(whole)
    await house.start()
    assert (await house.verify()).ok
