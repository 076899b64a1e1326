"""A waiting call changed by its owner: exactly the changed one runs, and nobody says yes to what he did not see."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.messages import Call, Effect, call_digest
from services.gateway import views
from tests.services.gateway.house import GatewayHouse

FRIDAY, MONDAY = {"text": "I sign on Friday."}, {"text": "I sign on Monday."}


async def waiting(house: GatewayHouse) -> tuple[str, Call, views.Approval]:
    """A letter that waits: its turn, the call as the agent put it, and the question."""
    turn, call = await house.turn(), house.call("letters_send", **FRIDAY)
    await house.put(call, turn)
    (view,) = await house.approvals.listing(house.me, "pending")
    return turn, call, view


async def change(house: GatewayHouse, view: views.Approval, arguments: dict[str, Any] = MONDAY) -> views.Approval:
    return await house.approvals.edit(house.me, view.id, arguments, seen=view.preview_digest)


async def approve(house: GatewayHouse, view: views.Approval, *, seen: str | None) -> views.Approval:
    return await house.approvals.decide(house.me, view.id, approve=True, seen=seen)


async def test_exactly_the_changed_call_is_approved(house: GatewayHouse) -> None:
    _, call, view = await waiting(house)
    edited = await change(house, view)
    assert (edited.preview.content, edited.arguments, edited.edited) == ("I sign on Monday.", MONDAY, True)
    assert edited.state == "pending"
    await approve(house, view, seen=edited.preview_digest)
    [(_, decision)] = house.decisions
    assert decision.call is not None
    approval = house.trust.approval(decision.approval, now=house.time)
    assert approval.call_digest == call_digest(decision.call) != call_digest(call)
    assert (decision.call.id, decision.call.arguments) == (call.id, MONDAY)
    assert decision.call.model_copy(update={"arguments": FRIDAY, "nonce": call.nonce}) == call
    assert approval.preview_digest == edited.preview_digest


async def test_the_change_is_written_down_before_it_holds(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    await change(house, view)
    record = house.records[-1]
    assert record.action.value == "approval.edited"
    assert record.content["preview"]["content"] == "I sign on Monday."
    house.ledger_error = Unavailable("No witness.")
    with pytest.raises(Unavailable):
        await house.approvals.edit(house.me, view.id, FRIDAY, seen=(await now(house, view)).preview_digest)
    assert (await now(house, view)).arguments == MONDAY


async def now(house: GatewayHouse, view: views.Approval) -> views.Approval:
    return await house.approvals.view(house.me, view.id)


@pytest.mark.parametrize("blind", [True, False])
async def test_a_yes_to_what_stood_there_before_is_refused(house: GatewayHouse, blind: bool) -> None:
    _, _, view = await waiting(house)
    await change(house, view)
    with pytest.raises(Conflict, match="Look at it again"):
        await approve(house, view, seen=None if blind else view.preview_digest)
    assert house.decisions == []
    assert (await now(house, view)).state == "pending"


async def test_a_no_needs_no_second_look(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    await change(house, view)
    await house.approvals.decide(house.me, view.id, approve=False)
    [(_, decision)] = house.decisions
    assert (decision.approved, decision.call) == (False, None)


async def test_what_was_not_changed_runs_as_it_was_put(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    assert not view.edited
    await approve(house, view, seen=view.preview_digest)
    assert house.decisions[0][1].call is None


async def test_arguments_that_the_connector_refuses_change_nothing(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    with pytest.raises(InvalidRequest, match="a letter has none"):
        await change(house, view, {"subject": "Lease"})
    assert await now(house, view) == view


async def test_a_change_and_a_yes_at_once_never_send_what_was_not_seen(house: GatewayHouse) -> None:
    for _ in range(20):
        turn, call, view = await waiting(house)
        work = (approve(house, view, seen=view.preview_digest), change(house, view))
        said = await asyncio.gather(*work, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in said) == 1, said
        sent = [decision for _, decision in house.decisions if decision.call_id == call.id]
        assert [decision.call for decision in sent] in ([None], [])
        await house.renew(turn, ended=True)


async def test_two_changes_at_once_leave_one(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    said = await asyncio.gather(change(house, view), change(house, view, {"text": "No."}), return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in said) == 1, said


async def test_what_is_over_is_changed_no_more(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    house.later(timedelta(hours=25))
    with pytest.raises(Conflict, match="is over"):
        await change(house, view)
    await house.approvals.sweep()
    with pytest.raises(Conflict, match="is over"):
        await change(house, view)
    assert [decision.expired for _, decision in house.decisions] == [True]


async def test_what_was_decided_is_changed_no_more(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    await approve(house, view, seen=None)
    with pytest.raises(Conflict, match="approved already"):
        await change(house, view)


async def test_a_change_survives_a_restart_and_an_agent_that_asks_again(house: GatewayHouse) -> None:
    turn, call, view = await waiting(house)
    edited = await change(house, view)
    await house.stop()
    await house.start()
    assert (await house.put(call, turn)).verdict == "ask"
    await approve(house, view, seen=edited.preview_digest)
    again = await house.put(call, turn)
    assert again.call is not None
    assert (again.verdict, again.call.arguments) == ("run", MONDAY)
    assert house.trust.approval(again.approval, now=house.time).call_digest == call_digest(again.call)


async def test_an_agent_that_puts_another_call_than_at_first_voids_it_all_the_same(house: GatewayHouse) -> None:
    turn, call, view = await waiting(house)
    await change(house, view)
    with pytest.raises(Forbidden):
        await house.put(call.model_copy(update={"arguments": MONDAY}), turn)
    assert (await now(house, view)).state == "void"


async def test_nobody_else_changes_it(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    other = house.me.user.model_copy(update={"id": "0" * 32})
    with pytest.raises(NotFound):
        await house.approvals.edit(
            house.me.model_copy(update={"user": other}), view.id, MONDAY, seen=view.preview_digest
        )
    assert await now(house, view) == view


async def test_a_change_may_raise_the_effect_and_is_told_as_what_it_is(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    house.raised_effect = Effect.DELETE
    edited = await change(house, view)
    assert edited.effect is Effect.DELETE
    (receipt,) = await house.receipts.of(house.me, house.conversation)
    assert (receipt.effect, receipt.state) == (Effect.DELETE, "waiting")


async def test_the_form_is_that_of_the_tool(house: GatewayHouse) -> None:
    _, _, view = await waiting(house)
    form = await house.approvals.form(house.me, view.id)
    assert (form.parameters, form.arguments) == ({"type": "object"}, FRIDAY)
