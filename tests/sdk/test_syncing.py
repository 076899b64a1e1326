"""Background work: what is attached is synced, once for each time that it is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openassistant import journal, subjects
from openassistant import syncing as syncing_module
from openassistant.connector import Context
from openassistant.context import CallContext, new_id
from openassistant.data import EraseRequest
from openassistant.errors import DeadlineExceeded, Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.grants import Erasure
from openassistant.messages import AccountQuery, Done
from openassistant.runner import Runner
from openassistant.testing import FakeHouse
from tests.sdk.hand.tools import DONE, connector


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


async def test_an_account_is_read_without_waiting_for_the_next_look(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing = house.runner.syncing
    assert syncing is not None
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 60.0)
    await house.attach()
    await until(lambda: passes.count == 1)
    await house.attach()  # it is due again at the end of this pass
    passes.leave.release()
    await until(lambda: passes.count == 2)
    passes.leave.release()
    await until(lambda: not syncing._passes)
    await house.attach()
    await until(lambda: passes.count == 3)


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


@contextlib.asynccontextmanager
async def another_instance(house: FakeHouse, folder: Path) -> AsyncIterator[Runner]:
    """The same connector once more, on the same files."""
    runner = Runner(connector, bus=house.bus.room("hand"), trust=house.trust, clock=house.clock, data_dir=folder)
    await runner.start()
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield runner
    finally:
        stop.set()
        await task


async def detach(house: FakeHouse, runner: Runner | None = None) -> None:
    """What the gateway asks one of the instances when an account was removed."""
    syncing = (runner or house.runner).syncing
    assert syncing is not None
    ctx = CallContext.within(30, user=house.user).signed(grant=house.grant())
    await syncing.on_detach(ctx, AccountQuery(user=house.user, account=house.account.account))


async def test_a_removed_account_is_forgotten_after_the_other_instances_stopped_reading_it(
    house: FakeHouse, passes: Passes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    async def read(ctx: Context) -> None:
        happened.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            happened.append("stopped")

    async def forget(ctx: Context) -> None:
        happened.append("forgotten")

    monkeypatch.setattr(connector, "syncer", read)
    monkeypatch.setattr(connector, "forgetter", forget)
    await house.attach()
    await until(lambda: happened == ["begun"])
    async with another_instance(house, tmp_path) as other:
        await detach(house, other)
    assert happened == ["begun", "stopped", "forgotten"]
    assert await asyncio.to_thread(lambda: list(tmp_path.rglob(f"*{house.account.account}*"))) == []


async def test_what_could_not_be_forgotten_is_forgotten_when_it_is_asked_for_again(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, forgotten = [Unavailable("The disk is full.")], []

    async def forget(ctx: Context) -> None:
        if full:
            raise full.pop()
        forgotten.append(ctx.account)

    monkeypatch.setattr(connector, "forgetter", forget)
    await house.attach()
    await until(lambda: passes.count == 1)
    with pytest.raises(Unavailable):
        await detach(house)
    syncing = house.runner.syncing
    assert syncing is not None
    assert await syncing._all() == []
    await syncing._hurry(house.account.account)
    await detach(house)
    await detach(house)
    assert (len(forgotten), passes.count) == (1, 1)


async def test_an_instance_that_does_not_stop_is_said_and_nothing_is_forgotten_under_its_hands(
    house: FakeHouse, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []

    async def forget(ctx: Context) -> None:
        forgotten.append("all")

    monkeypatch.setattr(connector, "forgetter", forget)
    monkeypatch.setattr(syncing_module, "_DETACH_SECONDS", 0.2)
    await house.attach()
    await until(lambda: passes.count == 1)
    syncing = house.runner.syncing
    assert syncing is not None
    monkeypatch.setattr(syncing, "_stop", lambda account: None)
    with pytest.raises(Unavailable, match="still works"):
        await detach(house)
    assert forgotten == []
    passes.leave.release()
    await until(lambda: not syncing._passes)
    await detach(house)
    assert forgotten == ["all"]


async def test_the_calls_of_a_removed_account_lose_their_words_and_are_still_not_made_twice(
    house: FakeHouse, passes: Passes
) -> None:
    await house.attach()
    sent = house.make("letters_send", to="carol@example.org")
    refused = house.make("letters_send", to="carol@example.org", how="refused")
    doubtful = house.make("letters_send", to="carol@example.org", how="silent")
    await house.send(sent)
    for call, error in ((refused, InvalidRequest), (doubtful, DeadlineExceeded)):
        with pytest.raises(error):
            await house.send(call)
    before = len(DONE)
    await detach(house)
    assert (await house.send(sent)).content == "It was done, before the account was removed."
    with pytest.raises(NotFound, match="failed before the account was removed"):
        await house.send(refused)
    assert len(DONE) == before
    async with house.runner.stores.use(house.user) as store:
        kept = {each.call.id: each for each in await journal.open_calls(store)}
        assert set(kept) == {doubtful.id}
        found = [await journal.find(store, each.id) for each in (sent, refused)]
        assert [(each.call.arguments, each.shown) for each in found if each] == [({}, None)] * 2
        assert await journal.newest_done(store, ["letters_send"], account=house.account.account) is None


async def test_an_erased_user_has_no_file_in_any_instance_and_gets_none_again(
    house: FakeHouse, passes: Passes, tmp_path: Path
) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)
    files = tmp_path / "users"
    assert await asyncio.to_thread(lambda: [each.name for each in files.glob("*.db")]) == [f"{house.user}.db"]
    async with another_instance(house, tmp_path) as other:
        assert other.syncing is not None
        await other.syncing.erase(house.user)
        await other.syncing.erase(house.user)
        assert await asyncio.to_thread(lambda: list(files.iterdir())) == []
        assert await asyncio.to_thread(lambda: list(tmp_path.rglob(f"*{house.account.account}*"))) == []
        first = house.runner.syncing
        assert first is not None
        await until(lambda: house.user in first._forgotten)
        with pytest.raises(Forbidden):
            async with house.runner.stores.use(house.user):
                pass
    assert await first._all(leaving=True) == []
    assert await asyncio.to_thread(lambda: list(files.iterdir())) == []


async def test_only_an_order_of_the_gateway_erases_and_only_whom_it_names(house: FakeHouse, passes: Passes) -> None:
    await house.attach()
    await until(lambda: passes.count == 1)

    async def erase(order: str) -> None:
        ctx = CallContext.within(30, user=house.user).signed(grant=house.grant())
        await house.agent.request(subjects.data("hand", "erase"), EraseRequest(order=order), Done, ctx)

    soon = house.clock() + timedelta(minutes=1)
    refused = {
        "a grant in its place": house.grant(),
        "signed by the witness": house.audit.sign(Erasure(id=new_id(), user=house.user, expires=soon)),
        "too late": house.gateway.sign(Erasure(id=new_id(), user=house.user, expires=house.clock())),
        "nothing": "",
    }
    for order in refused.values():
        with pytest.raises(Forbidden):
            await erase(order)
    await erase(house.gateway.sign(Erasure(id=new_id(), user=new_id(), expires=soon)))
    syncing = house.runner.syncing
    assert syncing is not None
    assert [each.user for each in await syncing._all()] == [house.user]
    passes.leave.release()
    await erase(house.gateway.sign(Erasure(id=new_id(), user=house.user, expires=soon)))
    assert await syncing._all(leaving=True) == []
