"""What was done in a conversation: told by the ledger, in the connector's words, whatever anybody else says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from openassistant.context import new_id
from openassistant.messages import Effect
from services.gateway import receipts, views
from tests.services.gateway.house import GatewayHouse


async def only(house: GatewayHouse) -> views.Receipt:
    (receipt,) = await house.receipts.of(house.me, house.conversation)
    return receipt


async def asked(house: GatewayHouse) -> tuple[str, str, Any]:
    """A letter that was put to the owner: turn, call and approval."""
    turn, call = await house.turn(), house.call("letters_send", to="carol@example.org")
    outcome = await house.put(call, turn)
    return turn, call.id, outcome.approval_id


async def test_a_sent_letter_is_told_in_the_connectors_words(house: GatewayHouse) -> None:
    turn, call, approval = await asked(house)
    waits = await only(house)
    assert (waits.state, waits.verb, waits.account, waits.turn) == ("waiting", "Send a letter", "Home", turn)
    assert [each.value for each in waits.destinations] == ["carol@example.org"]
    await house.approvals.decide(house.me, approval, approve=True)
    house.seen(call, turn, "letters_send", Effect.SEND)
    assert (await only(house)).state == "running"
    house.seen(call, turn, "letters_send", Effect.SEND, "finished")
    done = await only(house)
    assert (done.state, done.index, done.effect) == ("done", 1_500, Effect.SEND)


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
async def test_what_failed_or_is_uncertain_is_told_as_that(house: GatewayHouse, outcome: str) -> None:
    turn, call, approval = await asked(house)
    await house.approvals.decide(house.me, approval, approve=True)
    house.seen(call, turn, "letters_send", Effect.SEND, outcome)
    assert (await only(house)).state == outcome


async def test_what_the_owner_refused_or_let_pass_was_not_done(house: GatewayHouse) -> None:
    _, _, approval = await asked(house)
    await house.approvals.decide(house.me, approval, approve=False)
    await asked(house)
    house.later(timedelta(hours=25))
    await house.approvals.sweep()
    assert [each.state for each in await house.receipts.of(house.me, house.conversation)] == ["refused", "expired"]


async def test_what_waited_when_its_turn_ended_was_withdrawn(house: GatewayHouse) -> None:
    turn, _, approval = await asked(house)
    await house.renew(turn, ended=True)
    assert (await only(house)).state == "withdrawn"
    _, _, second = await asked(house)
    await house.approvals.decide(house.me, second, approve=False)
    assert [each.state for each in await house.receipts.of(house.me, house.conversation)] == ["withdrawn", "refused"]
    assert approval != second


async def test_a_change_that_the_policy_lets_run_has_a_receipt_too(house: GatewayHouse) -> None:
    house.preview = house.preview.model_copy(update={"effect": Effect.WRITE, "destinations": (), "verb": "File it"})
    turn, call = await house.turn(), house.call("drafts_create")
    await house.put(call, turn)
    house.seen(call.id, turn, "drafts_create", Effect.WRITE, "finished")
    receipt = await only(house)
    assert (receipt.verb, receipt.effect, receipt.state) == ("File it", Effect.WRITE, "done")


async def test_a_read_leaves_no_receipt(house: GatewayHouse) -> None:
    house.read_outside(await house.turn())
    assert await house.receipts.of(house.me, house.conversation) == []


async def test_a_read_that_was_put_to_the_policy_leaves_none_either(house: GatewayHouse) -> None:
    house.preview = house.preview.model_copy(update={"effect": Effect.READ, "destinations": ()})
    turn, call = await house.turn(), house.call("letters_read")
    await house.put(call, turn)
    house.seen(call.id, turn, "letters_read", Effect.READ, "finished")
    assert await house.receipts.of(house.me, house.conversation) == []


async def test_an_agent_that_calls_a_letter_a_read_and_asks_nobody_is_seen(house: GatewayHouse) -> None:
    house.seen(new_id(), await house.turn(), "letters_send", Effect.READ, "failed")
    receipt = await only(house)
    assert (receipt.verb, receipt.state, receipt.subject) == ("Letters send", "failed", "")


async def test_another_call_under_an_approved_calls_id_does_not_get_its_words(house: GatewayHouse) -> None:
    turn, call, approval = await asked(house)
    await house.approvals.decide(house.me, approval, approve=True)
    house.seen(call, turn, "letters_send", Effect.SEND, "failed", digest="0" * 64)
    told = await house.receipts.of(house.me, house.conversation)
    assert [(each.verb, each.state) for each in told] == [("Send a letter", "waiting"), ("Letters send", "failed")]


async def test_what_is_no_longer_readable_is_told_by_its_tools_name(house: GatewayHouse) -> None:
    await asked(house)
    house.entries = [each.model_copy(update={"content": None}) for each in house.entries]
    receipt = await only(house)
    assert (receipt.verb, receipt.destinations, receipt.state) == ("Letters send", (), "waiting")


async def test_many_are_read_page_by_page(house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_PAGE", 2)
    calls = [(await asked(house))[1] for _ in range(5)]
    assert [each.call_id for each in await house.receipts.of(house.me, house.conversation)] == calls


async def test_a_conversation_of_somebody_else_shows_nothing(house: GatewayHouse) -> None:
    await asked(house)
    assert await house.receipts.of(house.me, new_id()) == []
