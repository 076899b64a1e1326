"""The one way to a signed approval, and everything that must not lead there."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from openassistant.context import new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, NotFound, OaError, Unavailable
from openassistant.grants import Approval, SigningKey
from openassistant.messages import ApprovalOutcome, Effect, call_digest
from services.gateway.grants import Grants
from services.gateway.sessions import SignedIn
from services.gateway.users import User
from tests.services.gateway.house import GatewayHouse


def approval_of(house: GatewayHouse, token: str | None) -> Approval:
    return house.trust.approval(token, now=house.time)


async def asked(house: GatewayHouse) -> tuple[str, ApprovalOutcome]:
    turn = await house.turn()
    outcome = await house.put(house.call("letters_send", to="carol@example.org"), turn)
    assert outcome.verdict == "ask"
    return turn, outcome


async def test_a_write_in_a_clean_conversation_is_approved_by_the_policy_and_written_down(house: GatewayHouse) -> None:
    call = house.call("drafts_create", text="Friday")
    outcome = await house.put(call, await house.turn())
    approval = approval_of(house, outcome.approval)
    assert (approval.decided_by, approval.call_digest, approval.call_id) == ("policy", call_digest(call), call.id)
    assert house.recorded() == ["policy.decided"]


async def test_a_write_after_outside_text_waits_for_a_person(house: GatewayHouse) -> None:
    turn = await house.turn()
    house.read_outside(turn)
    outcome = await house.put(house.call("drafts_create"), turn)
    assert (outcome.verdict, outcome.approval) == ("ask", None)


async def test_a_call_of_an_unknown_card_taints_like_outside_text(house: GatewayHouse) -> None:
    turn = await house.turn()
    house.read_outside(turn)
    house.read[0] = house.read[0].model_copy(update={"card_digest": "0" * 64, "tool": "drafts_create"})
    assert (await house.put(house.call("drafts_create"), turn)).verdict == "ask"


@pytest.mark.parametrize("tool", ["letters_send", "letters_burn"])
async def test_sending_and_deleting_wait_for_a_person_in_a_clean_conversation(house: GatewayHouse, tool: str) -> None:
    outcome = await house.put(house.call(tool), await house.turn())
    assert (outcome.verdict, outcome.approval) == ("ask", None)


async def test_a_connector_may_raise_the_effect_of_a_call_and_never_lower_it(house: GatewayHouse) -> None:
    turn = await house.turn()
    house.raised_effect = Effect.SEND
    assert (await house.put(house.call("drafts_create"), turn)).verdict == "ask"
    house.raised_effect = Effect.READ
    assert (await house.put(house.call("letters_send"), turn)).verdict == "ask"


async def test_the_question_shows_the_connectors_preview_and_why_it_is_asked(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    [view] = await house.approvals.listing(house.me, "pending")
    assert view.id == outcome.approval_id
    assert view.preview.content == "I sign on Friday."
    assert [each.value for each in view.preview.destinations] == ["carol@example.org"]
    assert view.arguments == {"to": "carol@example.org"}
    assert view.reason


async def test_a_preview_is_asked_for_in_the_time_zone_of_the_turn(house: GatewayHouse) -> None:
    await house.put(house.call("letters_send"), await house.turn(), zone="Europe/Berlin")
    assert [ctx.zone for ctx in house.previewed] == ["Europe/Berlin"]


async def test_an_approval_is_signed_for_the_stored_call_and_reaches_the_agent(house: GatewayHouse) -> None:
    turn = await house.turn()
    call = house.call("letters_send", to="carol@example.org")
    outcome = await house.put(call, turn)
    view = await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    [(ctx, decision)] = house.decisions
    approval = approval_of(house, decision.approval)
    assert view.state == "approved"
    assert (ctx.turn, decision.call_id, decision.approved) == (turn, call.id, True)
    assert approval.call_digest == call_digest(call)
    assert (approval.decided_by, approval.session) == ("person", house.me.session)
    assert approval.preview_digest == house.preview.digest()
    assert house.recorded() == ["approval.asked", "approval.granted"]


async def test_a_denial_carries_its_note_and_no_approval(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=False, note="Too early.")
    [(_, decision)] = house.decisions
    assert (decision.approved, decision.approval, decision.note) == (False, None, "Too early.")
    assert house.recorded() == ["approval.asked", "approval.denied"]


async def test_the_same_decision_again_changes_nothing_and_another_one_is_a_conflict(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    approval = str(outcome.approval_id)
    await house.approvals.decide(house.me, approval, approve=True)
    again = await house.approvals.decide(house.me, approval, approve=True)
    assert again.state == "approved"
    with pytest.raises(Conflict, match="approved already"):
        await house.approvals.decide(house.me, approval, approve=False)
    assert len(house.decisions) == 1
    assert house.recorded().count("approval.granted") == 1


async def test_two_decisions_at_once_end_in_one(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    approval = str(outcome.approval_id)
    both = (house.approvals.decide(house.me, approval, approve=yes) for yes in (True, False))
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in ended) == 1
    await house.approvals.sweep()
    assert len({decision.approved for _, decision in house.decisions}) == 1


async def test_another_user_neither_sees_nor_decides_it(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    stranger = User(id=new_id(), username="eve", display_name="Eve", role="member")
    other = SignedIn(session=new_id(), user=stranger, expires=house.me.expires)
    assert await house.approvals.listing(other, "pending") == []
    with pytest.raises(NotFound):
        await house.approvals.decide(other, str(outcome.approval_id), approve=True)
    assert house.decisions == []


async def test_a_changed_argument_voids_the_question(house: GatewayHouse) -> None:
    turn = await house.turn()
    call = house.call("letters_send", to="carol@example.org")
    outcome = await house.put(call, turn)
    changed = call.model_copy(update={"arguments": {"to": "mallory@example.org"}})
    with pytest.raises(Forbidden, match="changed"):
        await house.put(changed, turn)
    with pytest.raises(Conflict):
        await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    assert house.decisions == []


async def test_the_same_call_asked_again_is_the_same_question(house: GatewayHouse) -> None:
    turn = await house.turn()
    call = house.call("letters_send", to="carol@example.org")
    first, second = await house.put(call, turn), await house.put(call, turn)
    assert first.approval_id == second.approval_id
    assert len(await house.approvals.listing(house.me, "pending")) == 1


async def test_the_same_call_asked_again_meanwhile_is_the_same_question(house: GatewayHouse) -> None:
    turn = await house.turn()
    call = house.call("letters_send", to="carol@example.org")
    outcomes = await asyncio.gather(*(house.put(call, turn) for _ in range(4)))
    assert len({each.approval_id for each in outcomes}) == 1
    assert [each.verdict for each in outcomes] == ["ask"] * 4
    assert len(await house.approvals.listing(house.me, "pending")) == 1


async def test_a_preview_whose_hand_died_is_asked_of_the_next_one(
    house: GatewayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openassistant.again._SILENCE", 0.2)
    house.previews_lost = 1
    async with asyncio.timeout(5):
        outcome = await house.put(house.call("letters_send", to="carol@example.org"), await house.turn())
    assert (outcome.verdict, len(house.previewed)) == ("ask", 2)


async def test_a_question_survives_a_restart(house: GatewayHouse) -> None:
    turn, outcome = await asked(house)
    await house.stop()
    await house.start()
    view = await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    assert view.state == "approved"
    assert [ctx.turn for ctx, _ in house.decisions] == [turn]


async def test_a_decision_that_the_agent_missed_is_delivered_later(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    house.agent_error = Unavailable("The agent is away.")
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    assert house.decisions == []
    house.agent_error = None
    await house.stop()
    await house.start()
    await house.approvals.sweep()
    await house.approvals.sweep()
    assert [decision.approved for _, decision in house.decisions] == [True]


@pytest.mark.parametrize("error", [DeadlineExceeded("No answer."), Unavailable("The agent is away.")])
async def test_a_decision_that_an_agent_died_with_is_told_to_the_next_one(house: GatewayHouse, error: OaError) -> None:
    _, outcome = await asked(house)
    house.agent_error = error
    asyncio.get_running_loop().call_later(0.3, setattr, house, "agent_error", None)
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    assert [decision.approved for _, decision in house.decisions] == [True]


async def test_a_decision_waits_for_the_ledger(house: GatewayHouse) -> None:
    _, outcome = await asked(house)
    house.ledger_error = Unavailable("The ledger is away.")
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    assert house.decisions == []
    house.ledger_error = None
    await house.approvals.sweep()
    assert [decision.approved for _, decision in house.decisions] == [True]


async def test_without_a_ledger_nothing_is_asked_and_nothing_runs(house: GatewayHouse) -> None:
    turn = await house.turn()
    house.ledger_error = Unavailable("The ledger is away.")
    for tool in ("drafts_create", "letters_send"):
        with pytest.raises(Unavailable):
            await house.put(house.call(tool), turn)
    assert await house.approvals.listing(house.me, None) == []


async def test_a_question_expires_and_the_agent_hears_that_nobody_decided(house: GatewayHouse) -> None:
    turn, outcome = await asked(house)
    house.time += timedelta(hours=24, seconds=1)
    with pytest.raises(Conflict, match="time to decide"):
        await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    await house.approvals.sweep()
    [(ctx, decision)] = house.decisions
    assert (ctx.turn, decision.approved, decision.expired, decision.approval) == (turn, False, True, None)
    assert house.recorded()[-1] == "approval.expired"


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_a_yes_at_the_moment_of_expiry_is_a_yes_or_too_late_and_never_both(
    house: GatewayHouse, seconds: int
) -> None:
    for _ in range(10):
        _, outcome = await asked(house)
        house.later(timedelta(hours=24, seconds=seconds))
        yes = house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
        said, _, _ = await asyncio.gather(yes, house.approvals.sweep(), house.approvals.sweep(), return_exceptions=True)
        await house.approvals.sweep()
        [decision] = [each for _, each in house.decisions if each.approval_id == outcome.approval_id]
        late = isinstance(said, Conflict)
        assert (decision.expired, decision.approved, decision.approval is None) == (late, not late, late)
        assert late is (seconds >= 0)


async def test_the_end_of_a_turn_voids_what_waits_in_it(house: GatewayHouse) -> None:
    turn, outcome = await asked(house)
    await house.renew(turn, ended=True)
    assert await house.approvals.listing(house.me, "pending") == []
    with pytest.raises(Conflict):
        await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    with pytest.raises(Forbidden):
        await house.put(house.call("letters_send"), turn)
    with pytest.raises(Forbidden):
        await house.renew(turn)


async def test_a_renewal_brings_a_fresh_grant_also_for_an_expired_one(house: GatewayHouse) -> None:
    turn = await house.turn()
    old = house.grant(turn)
    house.time += timedelta(hours=3)
    renewal = await house.renew(turn, grant=old)
    grant = house.trust.grant(renewal.grant, now=house.time)
    assert (grant.turn, grant.user, grant.effects) == (turn, house.me.user.id, (Effect.READ,))


async def test_a_grant_signed_by_another_key_is_refused(house: GatewayHouse) -> None:
    turn = await house.turn()
    forged = Grants(SigningKey.generate(), house.connectors.grantable, house.clock).turn(
        house.me.user.id, turn=turn, conversation=house.conversation, routes={}
    )
    with pytest.raises(Forbidden):
        await house.put(house.call("drafts_create"), turn, grant=forged)
    with pytest.raises(Forbidden):
        await house.renew(turn, grant=forged)


async def test_a_turn_that_never_ends_is_renewed_for_as_long_as_its_owner_has_a_say_in_it(house: GatewayHouse) -> None:
    turn, call = await house.turn(), house.call("letters_send", to="carol@example.org")
    house.later(timedelta(hours=20))
    approval = (await house.put(call, turn)).approval_id
    await house.approvals.decide(house.me, str(approval), approve=False)
    house.later(timedelta(hours=20))
    assert (await house.renew(turn)).grant
    house.later(timedelta(hours=20))
    with pytest.raises(Forbidden, match="too long"):
        await house.renew(turn)
    with pytest.raises(Forbidden):
        await house.put(house.call("letters_send", to="carol@example.org"), turn)
    await house.renew(turn, ended=True)


async def test_a_question_that_nobody_answered_does_not_keep_a_turn_alive(house: GatewayHouse) -> None:
    turn = await house.turn()
    await house.put(house.call("letters_send", to="carol@example.org"), turn)
    house.later(timedelta(hours=24, minutes=1))
    await house.approvals.sweep()
    await house.put(house.call("letters_send", to="carol@example.org"), turn)
    house.later(timedelta(hours=1))
    with pytest.raises(Forbidden, match="too long"):
        await house.renew(turn)


async def test_a_grant_of_another_turn_does_not_renew_this_one(house: GatewayHouse) -> None:
    turn, other = await house.turn(), await house.turn()
    with pytest.raises(Forbidden):
        await house.renew(turn, grant=house.grant(other))


async def test_a_session_grant_puts_no_call_to_the_policy(house: GatewayHouse) -> None:
    turn = await house.turn()
    with pytest.raises(Forbidden):
        await house.put(house.call("drafts_create"), turn, grant=house.grants.session(house.me.user.id))


async def test_a_call_of_a_card_that_nobody_approved_is_refused(house: GatewayHouse) -> None:
    call = house.call("drafts_create").model_copy(update={"card_digest": "0" * 64})
    with pytest.raises(Forbidden):
        await house.put(call, await house.turn())


async def test_an_account_of_another_connector_is_refused(house: GatewayHouse) -> None:
    house.account = house.account.model_copy(update={"connector": "caldav"})
    with pytest.raises(Forbidden):
        await house.put(house.call("drafts_create"), await house.turn())


async def test_another_users_account_is_not_found(house: GatewayHouse) -> None:
    call = house.call("drafts_create").model_copy(update={"account": new_id()})
    with pytest.raises(NotFound):
        await house.put(call, await house.turn())


async def test_what_is_asked_lies_encrypted_on_disk(house: GatewayHouse) -> None:
    await asked(house)
    await house.stop()
    files = [each for each in house.folder.rglob("*") if each.is_file()]
    assert len([each for each in files if each.suffix == ".db"]) == 2
    for file in files:
        assert b"I sign on Friday." not in file.read_bytes()
        assert b"carol@example.org" not in file.read_bytes()
        if file.suffix == ".db":
            with pytest.raises(sqlite3.DatabaseError):
                sqlite3.connect(file).execute("SELECT * FROM sqlite_master").fetchall()
    await house.start()


async def test_what_cannot_be_allowed_at_all_is_written_down(house: GatewayHouse) -> None:
    call = house.call("letters_send", to="carol@example.org").model_copy(update={"card_digest": "0" * 64})
    with pytest.raises(Forbidden):
        await house.put(call, await house.turn())
    await house.settled("policy.refused")
    [told] = [each for each in house.records if each.action.value == "policy.refused"]
    assert (told.call, told.content["call"]) == (call, call.id)
