"""Who may have what written down, and what the receipt is worth."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from openassistant.builtin import HOUSE_DIGEST, HOUSE_ID
from openassistant.context import new_id, utc_now
from openassistant.errors import Conflict, Forbidden, InvalidRequest, OaError
from openassistant.grants import SigningKey
from openassistant.messages import AuditAction, Effect, Record, TurnCalls, TurnQuery, call_digest
from services.audit.tree import root_of
from tests.services.audit.house import CARD, AuditHouse

_VAULT_ACTIONS = {
    AuditAction.TOKEN_RELEASED,
    AuditAction.TOKEN_REFRESHED,
    AuditAction.TOKEN_REVOKED,
    AuditAction.KEY_RELEASED,
    AuditAction.LOAN_USED,
}
_OUTCOMES = {AuditAction.TOOL_FINISHED, AuditAction.TOOL_FAILED, AuditAction.TOOL_UNKNOWN}
_CONNECTOR_ACTIONS = {*_OUTCOMES, AuditAction.TRAFFIC_COUNTED}
_AGENT_ACTIONS = {AuditAction.TOOL_STARTED, AuditAction.MODEL_ASKED}
_EGRESS_ACTIONS = {AuditAction.EGRESS_CHANGED, AuditAction.EGRESS_COUNTED}
_MAY = {
    "agent": _AGENT_ACTIONS,
    "vault": _VAULT_ACTIONS,
    "mail": _CONNECTOR_ACTIONS,
    "audit": set[AuditAction](),
    "egress": _EGRESS_ACTIONS,
    "gateway": set(AuditAction) - {AuditAction.TRAFFIC_COUNTED} - _AGENT_ACTIONS - _VAULT_ACTIONS - _EGRESS_ACTIONS,
}
_REFUSED = {room: [action for action in AuditAction if action not in allowed] for room, allowed in _MAY.items()}


async def test_a_call_gets_a_receipt_that_names_it(house: AuditHouse) -> None:
    call = house.call()
    receipt = await house.begin(call)
    assert (receipt.index, receipt.call_id, receipt.call_digest) == (0, call.id, call_digest(call))
    rows = await house.audit.ledger.rows("WHERE position = 0", {})
    assert receipt.leaf == rows[0]["leaf"].hex()
    assert timedelta(0) < receipt.expires - utc_now() <= timedelta(minutes=2)


async def test_user_turn_and_conversation_come_from_the_grant(house: AuditHouse) -> None:
    await house.begin()
    row = (await house.audit.ledger.rows("WHERE position = 0", {}))[0]
    assert (row["user"], row["turn"], row["conversation"]) == (house.user, house.turn, house.conversation)


@pytest.mark.parametrize("room", _REFUSED)
async def test_no_room_records_what_is_anothers(house: AuditHouse, room: str) -> None:
    call = house.call()
    for action in _REFUSED[room]:
        with pytest.raises(Forbidden, match=f"{room} may not record"):
            await house.send(room, Record(id=call.id, action=action, call=call, outcome="done"))
    assert (await house.verify()).size == 0


async def test_the_gateway_records_the_rest(house: AuditHouse) -> None:
    ctx = house.context(house.session())
    for place, action in enumerate(sorted(_MAY["gateway"] - _CONNECTOR_ACTIONS)):
        reply = await house.send("gateway", Record(id=new_id(), action=action, content={"note": "x"}), ctx)
        assert reply.index == place


async def test_the_gateway_says_how_the_houses_own_calls_ended_and_no_others(house: AuditHouse) -> None:
    wide = house.context(house.grant(connectors={"mail": CARD, HOUSE_ID: HOUSE_DIGEST}))
    own = house.call(connector=HOUSE_ID, card_digest=HOUSE_DIGEST, tool="memory_save")
    for call in (own, house.call()):
        await house.begin(call, wide)
    ended = Record(id=own.id, action=AuditAction.TOOL_FINISHED, outcome="finished")
    assert (await house.send("gateway", ended, house.context(house.session()))).index == 2
    with pytest.raises(Conflict):
        await house.send("gateway", ended.model_copy(update={"id": call.id}), house.context(house.session()))
    with pytest.raises(Conflict):  # nor does a connector for the house
        await house.send("mail", ended.model_copy(update={"action": AuditAction.TOOL_FAILED}))


@pytest.mark.parametrize("room", ["gateway", "vault"])
async def test_a_record_that_is_no_start_clears_no_call(house: AuditHouse, room: str) -> None:
    action = AuditAction.TOKEN_RELEASED if room == "vault" else AuditAction.APPROVAL_ASKED
    call = house.call() if room == "gateway" else None
    reply = await house.send(room, Record(id=call.id if call else new_id(), action=action, call=call))
    assert house.trust.receipt(reply.receipt, now=utc_now()).call_digest == ""


async def test_an_outcome_clears_no_call(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    reply = await house.end(call)
    assert house.trust.receipt(reply.receipt, now=utc_now()).call_digest == ""


_BAD_GRANTS: dict[str, dict[str, Any]] = {
    "expired": {"expires": utc_now() - timedelta(seconds=1)},
    "of another user": {"user": new_id()},
    "of a session": {"kind": "session", "origin": "session"},
    "of an account": {"kind": "account", "origin": "connect", "account": new_id()},
    "without a turn": {"turn": None},
    "without a conversation": {"conversation": None},
    "without this connector": {"connectors": {"caldav": CARD}},
    "for another card": {"connectors": {"mail": "d" * 64}},
}


@pytest.mark.parametrize("changes", _BAD_GRANTS.values(), ids=_BAD_GRANTS)
async def test_a_call_begins_under_a_fitting_grant_alone(house: AuditHouse, changes: dict[str, Any]) -> None:
    with pytest.raises(Forbidden):
        await house.begin(ctx=house.context(house.grant(**changes)))


async def test_a_call_without_a_grant_is_refused(house: AuditHouse) -> None:
    with pytest.raises(Forbidden):
        await house.begin(ctx=house.context().model_copy(update={"grant": None}))


async def test_a_grant_that_the_gateway_did_not_sign_is_refused(house: AuditHouse) -> None:
    real, house.gateway = house.gateway, SigningKey.generate()
    forged, house.gateway = house.grant(), real
    with pytest.raises(Forbidden):
        await house.begin(ctx=house.context(forged))


@pytest.mark.parametrize("field", ["user", "turn", "conversation"])
async def test_a_context_that_contradicts_its_grant_is_refused(house: AuditHouse, field: str) -> None:
    with pytest.raises(Forbidden):
        await house.begin(ctx=house.context(**{field: new_id()}))


async def test_a_start_without_its_call_is_refused(house: AuditHouse) -> None:
    with pytest.raises(InvalidRequest):
        await house.send("agent", Record(id=new_id(), action=AuditAction.TOOL_STARTED))


_BAD_STARTS: dict[str, dict[str, Any]] = {
    "another id": {"id": new_id()},
    "another connector": {"connector": "caldav"},
    "another tool": {"tool": "messages_send"},
    "another account": {"account": new_id()},
}


@pytest.mark.parametrize("changes", _BAD_STARTS.values(), ids=_BAD_STARTS)
async def test_a_start_that_contradicts_its_call_is_refused(house: AuditHouse, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await house.begin(**changes)


async def test_the_call_of_another_user_is_refused(house: AuditHouse) -> None:
    with pytest.raises(Forbidden):
        await house.begin(house.call(user=new_id()))


async def test_the_same_start_again_gets_the_same_place_and_a_fresh_receipt(house: AuditHouse) -> None:
    call = house.call()
    first, second = await house.begin(call), await house.begin(call)
    assert (first.index, first.leaf, first.time) == (second.index, second.leaf, second.time)
    assert (await house.verify()).size == 1


async def test_an_id_stands_for_one_call(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    with pytest.raises(Conflict):
        await house.begin(call.model_copy(update={"arguments": {"query": "motorcycle"}}))


async def test_an_outcome_copies_who_and_what_from_the_start(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    await house.end(call, user=new_id(), tool="something_else", connector="caldav", account=new_id())
    row = (await house.audit.ledger.rows("WHERE position = 1", {}))[0]
    assert (row["user"], row["turn"], row["conversation"]) == (house.user, house.turn, house.conversation)
    assert (row["connector"], row["tool"], row["account"]) == ("mail", call.tool, None)
    assert (row["room"], row["call_digest"]) == ("mail", call_digest(call))


async def test_no_outcome_without_a_start(house: AuditHouse) -> None:
    with pytest.raises(Conflict):
        await house.end(house.call())


async def test_no_outcome_for_another_connectors_call(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    with pytest.raises(Conflict):
        await house.send("caldav", Record(id=call.id, action=AuditAction.TOOL_FINISHED, outcome="done"))


async def test_a_call_ends_once(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    first, again = await house.end(call), await house.end(call)
    assert first.index == again.index
    for other in (AuditAction.TOOL_FAILED, AuditAction.TOOL_UNKNOWN):
        with pytest.raises(Conflict):
            await house.end(call, other)
    with pytest.raises(Conflict):
        await house.end(call, outcome="something else")


async def test_an_unknown_outcome_may_become_known(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    await house.end(call, AuditAction.TOOL_UNKNOWN, outcome="unknown")
    await house.end(call)
    found = await house.ask("turn", TurnQuery(user=house.user), TurnCalls)
    assert [each.outcome for each in found.calls] == ["finished"]


async def test_an_outcome_under_an_expired_grant_waits_for_the_users_key(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    await house.restart()
    entry = Record(id=call.id, action=AuditAction.TOOL_FINISHED, outcome="done", content={"result": 1})
    with pytest.raises(OaError):
        await house.send("mail", entry, house.context(house.grant(expires=utc_now() - timedelta(seconds=1))))
    await house.send("mail", entry, house.context(house.grant()))


@pytest.mark.parametrize("room", ["vault", "gateway"])
async def test_nothing_is_recorded_in_a_users_name_without_his_grant(house: AuditHouse, room: str) -> None:
    action = min(_MAY[room] - _OUTCOMES)
    with pytest.raises(Forbidden):
        await house.send(room, Record(id=new_id(), action=action), house.context().model_copy(update={"grant": None}))


async def test_what_concerns_no_user_is_kept_under_the_rooms_key(house: AuditHouse) -> None:
    ctx = house.context().model_copy(update={"grant": None, "user": None})
    await house.send("gateway", Record(id=new_id(), action=AuditAction.SESSION_REFUSED, content={"planted": 1}), ctx)
    row = (await house.audit.ledger.rows("WHERE position = 0", {}))[0]
    assert row["user"] is None
    assert b"planted" not in row["content"]


async def test_content_is_ciphertext_even_inside_the_file(house: AuditHouse) -> None:
    await house.begin(house.call(arguments={"query": "planted-word"}))
    row = (await house.audit.ledger.rows("WHERE position = 0", {}))[0]
    assert b"planted-word" not in row["content"]
    assert b"planted-word" not in b"".join(file.read_bytes() for file in house.folder.iterdir())


async def test_records_at_once_all_stand_in_one_tree(house: AuditHouse) -> None:
    calls = [house.call() for _ in range(64)]
    ctx = house.context()
    receipts = await asyncio.gather(*(house.begin(call, ctx) for call in calls))
    assert sorted(each.index for each in receipts) == list(range(64))
    leaves = [bytes.fromhex(each.leaf) for each in sorted(receipts, key=lambda each: each.index)]
    found = await house.verify()
    assert (found.ok, found.root) == (True, root_of(leaves).hex())


async def test_the_same_record_many_times_at_once_is_one(house: AuditHouse) -> None:
    call = house.call()
    receipts = await asyncio.gather(*(house.begin(call) for _ in range(16)))
    assert {each.index for each in receipts} == {0}
    assert (await house.verify()).size == 1


async def test_the_effect_stands_as_the_agent_named_it(house: AuditHouse) -> None:
    await house.begin(effect=Effect.SEND)
    assert (await house.audit.ledger.rows("WHERE position = 0", {}))[0]["effect"] == "send"


async def test_only_the_vault_says_that_a_room_got_its_own_key_and_nobody_that_a_user_did_without_a_grant(
    house: AuditHouse,
) -> None:
    nobody = house.context().model_copy(update={"grant": None, "user": None, "turn": None, "conversation": None})
    entry = Record(id=new_id(), action=AuditAction.KEY_RELEASED, connector="agent", outcome="released")
    await house.send("vault", entry, nobody)
    for room, ctx, action in (
        ("vault", nobody, AuditAction.TOKEN_RELEASED),
        ("vault", nobody.model_copy(update={"user": house.user}), AuditAction.KEY_RELEASED),
        ("mail", nobody, AuditAction.KEY_RELEASED),
        ("agent", nobody, AuditAction.KEY_RELEASED),
    ):
        with pytest.raises(Forbidden):
            await house.send(room, entry.model_copy(update={"id": new_id(), "action": action}), ctx)


_LOOK: dict[str, Any] = {"conversation": None, "origin": "look", "tools": ("mail.messages_search",)}


async def test_a_look_begins_outside_of_any_conversation(house: AuditHouse) -> None:
    ctx = house.context(house.grant(**_LOOK))
    await house.begin(ctx=ctx, effect=Effect.READ)
    row = (await house.audit.ledger.rows("WHERE position = 0", {}))[0]
    assert (row["user"], row["turn"], row["conversation"], row["effect"]) == (house.user, house.turn, None, "read")


_BAD_LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any], Effect | None]] = {
    "that acts": ({}, {}, Effect.SEND),
    "of no known effect": ({}, {}, None),
    "of a turn": ({"origin": "message"}, {}, Effect.READ),
    "for all tools": ({"tools": None}, {}, Effect.READ),
    "of another tool": ({}, {"tool": "messages_send"}, Effect.READ),
}


@pytest.mark.parametrize(("changes", "call", "effect"), _BAD_LOOKS.values(), ids=_BAD_LOOKS)
async def test_outside_of_a_conversation_a_call_may_only_look(
    house: AuditHouse, changes: dict[str, Any], call: dict[str, Any], effect: Effect | None
) -> None:
    ctx = house.context(house.grant(**{**_LOOK, **changes}))
    with pytest.raises(Forbidden):
        await house.begin(house.call(**call), ctx, effect=effect)
    assert (await house.verify()).size == 0
