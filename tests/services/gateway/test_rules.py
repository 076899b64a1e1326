"""A rule is made from a question, acts as it says, and ends when it should."""

from datetime import timedelta

import pytest

from openassistant.context import new_id
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.messages import ApprovalOutcome, Destination, Effect, call_digest
from services.gateway import policy, views
from services.gateway.problems import SignInAgain
from services.gateway.sessions import FRESH, SignedIn
from services.gateway.users import User
from tests.services.gateway.door import HOME, PASSWORD, Door
from tests.services.gateway.house import GatewayHouse


async def asked(house: GatewayHouse, tool: str = "letters_send") -> ApprovalOutcome:
    outcome = await house.put(house.call(tool), await house.turn())
    assert outcome.verdict == "ask"
    return outcome


async def make(house: GatewayHouse, outcome: ApprovalOutcome, lasts: str = "month", **more: str) -> views.Rule:
    draft = views.RuleDraft.model_validate({"approval": outcome.approval_id, "lasts": lasts, **more})
    return await house.rules.make(house.me, draft, address=HOME)


async def test_what_was_allowed_beforehand_runs_under_a_signed_rule_and_is_written_down(house: GatewayHouse) -> None:
    made = await make(house, await asked(house))
    call = house.call("letters_send", to="carol@example.org")
    outcome = await house.put(call, await house.turn())
    approval = house.trust.approval(outcome.approval, now=house.time)
    rule = house.trust.rule(approval.rule, now=house.time)
    assert (outcome.verdict, approval.decided_by, approval.call_digest) == ("run", "rule", call_digest(call))
    assert made.what == "letters_send"  # what the card says it does
    assert (rule.id, rule.destinations, rule.effect) == (made.id, ("recipient:carol@example.org",), Effect.SEND)
    assert approval.preview_digest == house.preview.model_copy(update={"effect": Effect.SEND}).digest()
    assert approval.expires <= house.time + timedelta(minutes=10)
    assert house.recorded() == ["approval.asked", "rule.made", "policy.decided"]
    assert house.records[-1].content["rule"] == made.id
    assert house.records[-1].content["preview"]["content"] == "I sign on Friday."


async def test_the_same_call_again_is_used_once_and_runs_again(house: GatewayHouse) -> None:
    await make(house, await asked(house))
    turn, call = await house.turn(), house.call("letters_send")
    for _ in range(3):
        assert (await house.put(call, turn)).verdict == "run"
    [shown] = await house.rules.listing(house.me)
    assert (shown.uses, shown.last_used_at) == (1, house.time)


async def test_a_rule_decides_nothing_of_what_was_asked_before_it(house: GatewayHouse) -> None:
    turn, call = await house.turn(), house.call("letters_send")
    outcome = await house.put(call, turn)
    await make(house, outcome)
    assert (await house.put(call, turn)).verdict == "ask"
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=False)
    assert (await house.put(call, turn)).verdict == "refuse"


async def test_another_destination_is_asked_about(house: GatewayHouse) -> None:
    await make(house, await asked(house))
    goes = (Destination(kind="recipient", value="mallory@example.net"),)
    house.preview = house.preview.model_copy(update={"destinations": goes})
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "ask"


async def test_a_revoked_rule_acts_no_more(house: GatewayHouse) -> None:
    made = await make(house, await asked(house))
    await house.put(house.call("letters_send"), await house.turn())
    await house.rules.revoke(house.me, made.id)
    assert await house.rules.listing(house.me) == []
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "ask"
    assert await house.rules.take(house.me.user.id, made.id, new_id()) is None
    await house.settled("rule.revoked")
    with pytest.raises(NotFound):
        await house.rules.revoke(house.me, made.id)


@pytest.mark.parametrize(("lasts", "days"), [("hour", 1 / 24), ("conversation", 30), ("month", 30), ("year", 365)])
async def test_a_rule_ends_by_itself(house: GatewayHouse, lasts: str, days: float) -> None:
    made = await make(house, await asked(house), lasts)
    assert made.expires_at == house.time + timedelta(days=days)
    house.later(made.expires_at - house.time)
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "ask"
    assert await house.rules.listing(house.me) == []


async def test_a_rule_of_one_conversation_says_so_and_holds_there_alone(house: GatewayHouse) -> None:
    made = await make(house, await asked(house), "conversation")
    assert made.conversation == house.conversation
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "run"
    house.conversation = new_id()
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "ask"


async def test_a_rule_survives_a_restart(house: GatewayHouse) -> None:
    made = await make(house, await asked(house))
    await house.stop()
    await house.start()
    assert [each.id for each in await house.rules.listing(house.me)] == [made.id]
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "run"


async def test_a_rule_that_runs_away_is_asked_about(house: GatewayHouse) -> None:
    await make(house, await asked(house))
    turn = await house.turn()
    for _ in range(policy.A_DAY):
        assert (await house.put(house.call("letters_send"), turn)).verdict == "run"
    assert (await house.put(house.call("letters_send"), turn)).verdict == "ask"
    house.later(timedelta(hours=24, seconds=1))
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "run"


async def test_what_is_deleted_never_becomes_a_rule(house: GatewayHouse) -> None:
    outcome = await asked(house, "letters_burn")
    [shown] = await house.approvals.listing(house.me, "pending")
    assert shown.can_become_rule is False
    with pytest.raises(Conflict, match="each time"):
        await make(house, outcome)


async def test_a_question_with_a_doubt_never_becomes_a_rule(house: GatewayHouse) -> None:
    house.preview = house.preview.model_copy(update={"warnings": ("It looks like another address.",)})
    with pytest.raises(Conflict, match="each time"):
        await make(house, await asked(house))


async def test_a_question_that_was_denied_never_becomes_a_rule(house: GatewayHouse) -> None:
    outcome = await asked(house)
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=False)
    with pytest.raises(Conflict, match="no longer open"):
        await make(house, outcome)


async def test_without_a_ledger_there_is_no_rule(house: GatewayHouse) -> None:
    outcome = await asked(house)
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await make(house, outcome)
    assert await house.rules.listing(house.me) == []


async def test_an_old_sign_in_needs_the_password_once_more(house: GatewayHouse) -> None:
    door = Door(house)
    house.become(await door.signed_in())
    outcome = await asked(house)
    house.time += FRESH + timedelta(seconds=1)
    with pytest.raises(SignInAgain):
        await make(house, outcome)
    with pytest.raises(InvalidRequest, match="wrong"):
        await make(house, outcome, password="not this one")
    assert (await make(house, outcome, password=PASSWORD)).people == ("carol@example.org",)


async def test_somebody_elses_question_is_not_there(house: GatewayHouse) -> None:
    outcome, other = await asked(house), User(id=new_id(), username="eve", display_name="Eve", role="member")
    eve = SignedIn(session=new_id(), user=other, expires=house.time + timedelta(days=1), began=house.time)
    with pytest.raises(NotFound):
        await house.rules.make(eve, views.RuleDraft(approval=str(outcome.approval_id)), address=HOME)


async def test_a_rule_that_another_key_signed_is_none(house: GatewayHouse) -> None:
    made = await make(house, await asked(house))
    [standing] = await house.rules.of(house.me.user.id)
    forged = GatewayHouse(house.folder).key.sign(standing.rule)
    async with house.rules._own.use(house.me.user.id) as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE rules SET token = ?", (forged,)).close())
    assert await house.rules.of(house.me.user.id) == []
    assert (await house.put(house.call("letters_send"), await house.turn())).verdict == "ask"
    with pytest.raises(Forbidden):
        house.trust.rule(forged, now=house.time)
    assert made.id not in [each.id for each in await house.rules.listing(house.me)]
