"""What leaves the house is held for a moment after a yes: until then a no takes it back, afterwards it is sent once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openassistant.errors import Conflict, Unavailable
from openassistant.messages import Call, Effect
from services.gateway import views
from tests.services.gateway.house import GatewayHouse

HOLD = timedelta(seconds=10)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[GatewayHouse]:
    made = GatewayHouse(tmp_path)
    made.hold = HOLD
    async with made:
        yield made


async def approved(house: GatewayHouse, tool: str = "letters_send") -> tuple[str, Call, views.Approval]:
    """A call that was put to the owner, and that he said yes to: turn, call, approval."""
    turn, call = await house.turn(), house.call(tool)
    outcome = await house.put(call, turn)
    return turn, call, await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)


def told(house: GatewayHouse) -> list[Any]:
    return [decision for _, decision in house.decisions]


async def test_a_yes_is_carried_out_when_its_time_is_over_and_once(house: GatewayHouse) -> None:
    _, call, view = await approved(house)
    assert (view.state, view.held_until) == ("approved", house.time + HOLD)
    assert house.recorded()[-1] == "approval.granted"
    await house.approvals.sweep()
    assert told(house) == []
    house.later(HOLD)
    await asyncio.gather(house.approvals.sweep(), house.approvals.sweep())
    [decision] = told(house)
    assert (decision.approved, decision.call_id) == (True, call.id)
    assert house.trust.approval(decision.approval, now=house.time).call_id == call.id
    assert (await house.approvals.view(house.me, view.id)).held_until is None


async def test_until_then_a_no_takes_it_back(house: GatewayHouse) -> None:
    _, _, view = await approved(house)
    back = await house.approvals.decide(house.me, view.id, approve=False)
    assert (back.state, back.held_until) == ("denied", None)
    assert house.recorded()[-2:] == ["approval.granted", "approval.denied"]
    house.later(HOLD)
    await house.approvals.sweep()
    assert [(each.approved, each.approval) for each in told(house)] == [(False, None)]
    (receipt,) = await house.receipts.of(house.me, house.conversation)
    assert receipt.state == "refused"


async def test_afterwards_it_is_too_late(house: GatewayHouse) -> None:
    _, _, view = await approved(house)
    house.later(HOLD)
    with pytest.raises(Conflict, match="approved already"):
        await house.approvals.decide(house.me, view.id, approve=False)
    await house.approvals.sweep()
    assert [each.approved for each in told(house)] == [True]


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_taking_back_at_the_last_moment_ends_one_way(house: GatewayHouse, seconds: int) -> None:
    _, _, view = await approved(house)
    house.later(HOLD + timedelta(seconds=seconds))
    back = house.approvals.decide(house.me, view.id, approve=False)
    said, _ = await asyncio.gather(back, house.approvals.sweep(), return_exceptions=True)
    await house.approvals.sweep()
    [decision] = told(house)
    assert decision.approved is isinstance(said, Conflict) is (seconds >= 0)


async def test_a_clock_that_is_set_back_meanwhile_sends_and_takes_back_nothing_twice(house: GatewayHouse) -> None:
    _, _, view = await approved(house)
    house.later(HOLD)
    sweeping = asyncio.ensure_future(house.approvals.sweep())
    await asyncio.sleep(0)
    house.later(-HOLD)
    said = await asyncio.gather(
        sweeping, house.approvals.decide(house.me, view.id, approve=False), return_exceptions=True
    )
    await house.approvals.sweep()
    [decision] = told(house)
    assert decision.approved is isinstance(said[1], Conflict)


async def test_what_is_held_survives_a_restart_and_is_asked_about_no_second_time(house: GatewayHouse) -> None:
    turn, call, view = await approved(house)
    await house.stop()
    await house.start()
    assert (await house.put(call, turn)).verdict == "ask"
    assert (await house.renew(turn)).decisions == ()
    assert (await house.approvals.view(house.me, view.id)).held_until is not None
    house.later(HOLD)
    await house.approvals.sweep()
    assert [each.approved for each in told(house)] == [True]
    assert (await house.put(call, turn)).verdict == "run"


async def test_what_stays_in_the_house_is_not_held(house: GatewayHouse) -> None:
    house.raised_effect = Effect.DELETE
    _, _, view = await approved(house, "letters_burn")
    assert view.held_until is None
    assert [each.approved for each in told(house)] == [True]


async def test_the_end_of_its_turn_withdraws_what_is_held(house: GatewayHouse) -> None:
    turn, _, _ = await approved(house)
    assert await house.questions.held(house.me.user.id, house.conversation)
    await house.renew(turn, ended=True)
    house.later(HOLD)
    await house.approvals.sweep()
    assert told(house) == []
    (receipt,) = await house.receipts.of(house.me, house.conversation)
    assert receipt.state == "withdrawn"


# --- one time for each account --------------------------------------------------------------------------------------


async def choose(house: GatewayHouse, seconds: float | None, account: str | None = None) -> None:
    holds = house.approvals._holds
    await holds.choose(house.me.user.id, account or house.account.id, "post", seconds)


@pytest.mark.parametrize(("seconds", "held"), [(30.0, 30.0), (600.0, 600.0), (0.5, 0.5), (None, 10.0)])
async def test_an_account_holds_for_its_own_time(house: GatewayHouse, seconds: float | None, held: float) -> None:
    await choose(house, seconds)
    _, _, view = await approved(house)
    assert view.held_until == house.time + timedelta(seconds=held)


async def test_an_account_that_holds_nothing_sends_at_once(house: GatewayHouse) -> None:
    await choose(house, 0)
    _, _, view = await approved(house)
    assert view.held_until is None
    assert [each.approved for each in told(house)] == [True]


async def test_another_accounts_time_is_its_own(house: GatewayHouse) -> None:
    await choose(house, 0, account="f" * 32)
    _, _, view = await approved(house)
    assert view.held_until == house.time + HOLD


async def test_another_time_is_written_down_first_and_changes_nothing_that_is_held(house: GatewayHouse) -> None:
    _, _, view = await approved(house)
    await choose(house, 0)
    assert house.recorded()[-1] == "account.hold_changed"
    assert (await house.approvals.view(house.me, view.id)).held_until == view.held_until
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await choose(house, 60)
    house.ledger_error = None
    assert await house.approvals._holds.of(house.account.id) == timedelta()


async def test_a_time_goes_with_its_account_and_comes_back_after_a_restart(house: GatewayHouse) -> None:
    await choose(house, 60)
    await house.stop()
    await house.start()
    assert await house.approvals._holds.of(house.account.id) == timedelta(seconds=60)
    await house.approvals._holds.forget(house.account.id)
    assert await house.approvals._holds.of(house.account.id) == HOLD
