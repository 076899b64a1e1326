"""Background work: what is attached is synced, once for each time that it is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openassistant.connector import Context
from openassistant.errors import Unavailable
from openassistant.testing import FakeHouse
from tests.sdk.hand.tools import connector


class Passes:
    """A sync that counts, and stays in each pass until `leave` lets it go; `error` is how it ends."""

    def __init__(self) -> None:
        self.count = 0
        self.leave = asyncio.Semaphore(0)
        self.error: Exception | None = None
        self.brings = 0
        self.total: int | None = None

    def have_been(self, count: int) -> bool:
        return self.count >= count

    async def sync(self, ctx: Context) -> None:
        self.count += 1
        await ctx.progress(self.count, self.total, "Things")
        await self.leave.acquire()
        if self.brings:
            self.brings -= 1
            await ctx.announce("thing", ["t1"])
        if self.error:
            raise self.error


@pytest.fixture
async def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    passes = Passes()
    monkeypatch.setattr(connector, "syncer", passes.sync)
    monkeypatch.setattr(connector, "manifest", connector.manifest.model_copy(update={"sync_seconds": 3600}))
    return passes


@pytest.fixture
async def house(tmp_path: Path, passes: Passes) -> AsyncIterator[FakeHouse]:
    fake = FakeHouse(connector, folder=tmp_path)
    fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with fake:
        yield fake


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_account_attached_anew_during_a_pass_is_synced_once_more_at_once(
    house: FakeHouse, passes: Passes
) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)
    await house.attach()
    passes.leave.release()
    await until(lambda: passes.count == 2)
    passes.leave.release()
    syncing = house.runner.syncing
    assert syncing is not None
    await until(lambda: not syncing._passes)
    assert (await syncing._all())[0].due > house.clock()


async def test_a_failure_under_the_former_grant_does_not_slow_the_new_one_down(
    house: FakeHouse, passes: Passes
) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)
    passes.error = Unavailable("Away.")
    await house.attach()
    passes.leave.release()
    await until(lambda: passes.count == 2)
    syncing = house.runner.syncing
    assert syncing is not None
    assert (await syncing._all())[0].failures == 0


async def test_a_pass_is_not_repeated_for_one_who_looked_before_it_ended(house: FakeHouse, passes: Passes) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)
    syncing = house.runner.syncing
    assert syncing is not None
    seen = (await syncing._all())[0]
    passes.leave.release()
    await until(lambda: not syncing._passes)
    syncing._start_if_due(seen)
    assert syncing._passes
    await until(lambda: not syncing._passes)
    assert passes.count == 1


async def test_an_account_detached_before_its_pass_began_is_left_alone(house: FakeHouse, passes: Passes) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)
    syncing = house.runner.syncing
    assert syncing is not None
    seen = (await syncing._all())[0].model_copy(update={"account": "0" * 32})
    syncing._start_if_due(seen)
    await until(lambda: "0" * 32 not in syncing._passes)
    assert passes.count == 1
    passes.leave.release()


async def pause_after(house: FakeHouse, passes: Passes, more: int) -> float:
    """Seconds to the next pass after so many more, each made due at once."""
    syncing = house.runner.syncing
    assert syncing is not None
    await until(lambda: not syncing._passes)
    for wanted in range(passes.count + 1, passes.count + 1 + more):
        passes.leave.release()
        await syncing._hurry(house.account.account)
        await until(partial(passes.have_been, wanted))
        await until(lambda: not syncing._passes)
    return ((await syncing._all())[0].due - house.clock()).total_seconds()


async def test_an_account_where_nothing_happens_is_looked_at_less_and_less_often(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "manifest", connector.manifest.model_copy(update={"sync_seconds": 60}))
    passes.leave.release()
    await house.attach()
    await until(lambda: passes.count == 1)
    assert await pause_after(house, passes, 3) == pytest.approx(60, abs=5)
    assert await pause_after(house, passes, 1) == pytest.approx(120, abs=5)
    assert await pause_after(house, passes, 40) == pytest.approx(480, abs=5)
    passes.brings = 1
    assert await pause_after(house, passes, 1) == pytest.approx(60, abs=5)


async def test_an_account_of_which_more_is_to_be_read_is_not_quiet(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "manifest", connector.manifest.model_copy(update={"sync_seconds": 60}))
    passes.total = 1_000
    passes.leave.release()
    await house.attach()
    await until(lambda: passes.count == 1)
    assert await pause_after(house, passes, 12) == pytest.approx(60, abs=5)


async def test_a_quiet_account_that_somebody_works_with_is_looked_at_at_once(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "manifest", connector.manifest.model_copy(update={"sync_seconds": 60}))
    passes.leave.release()
    await house.attach()
    await until(lambda: passes.count == 1)
    await pause_after(house, passes, 10)
    before = passes.count
    await house.call("notes_read")
    await until(lambda: passes.count > before)
    passes.leave.release()
