"""What models may see is chosen by its owner, kept with him, and stands signed in every grant of a turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.grants import Grant, SigningKey
from openassistant.messages import AuditAction, Done, Renewal, RenewalRequest
from openassistant.routes import OWN, Route
from services.gateway.problems import SignInAgain
from services.gateway.sessions import FRESH
from services.gateway.views import RouteDraft
from tests.services.gateway.door import HOME, PASSWORD, Door
from tests.services.gateway.house import GatewayHouse


async def choose(house: GatewayHouse, source: str, route: Route, password: str | None = None) -> None:
    await house.routing.choose(house.me, source, RouteDraft(route=route, password=password), address=HOME)


async def routes_of(house: GatewayHouse, turn: str) -> dict[str, Route]:
    """What a fresh grant says."""
    return house.trust.grant((await house.renew(turn)).grant, now=house.time).routes


async def test_nothing_is_held_back_that_nobody_chose(house: GatewayHouse) -> None:
    assert await house.routing.of(house.me.user.id) == {}
    assert await routes_of(house, await house.turn()) == {}


async def test_a_choice_is_written_down_and_stands_in_grants_after_a_restart(house: GatewayHouse) -> None:
    await choose(house, house.account.id, "local_only")
    await choose(house, OWN, "redact")
    await choose(house, "from:@Clinic.example", "local_only")
    turn = await house.turn()
    wanted = {house.account.id: "local_only", OWN: "redact", "from:@clinic.example": "local_only"}
    assert await routes_of(house, turn) == wanted
    changes = [each for each in house.records if each.action is AuditAction.ROUTE_CHANGED]
    assert changes[0].content == {"source": house.account.id, "route": "local_only", "before": "cloud_ok"}
    assert changes[0].account == house.account.id
    await house.stop()
    await house.start()
    assert await routes_of(house, turn) == wanted


async def test_without_a_ledger_nothing_is_chosen(house: GatewayHouse) -> None:
    house.ledger_error = Unavailable("Away.")
    with pytest.raises(Unavailable):
        await choose(house, house.account.id, "redact")
    assert await house.routing.of(house.me.user.id) == {}


async def test_a_stricter_rule_needs_no_password_and_a_laxer_one_does(house: GatewayHouse) -> None:
    door = Door(house)
    house.become(await door.signed_in())
    house.later(FRESH + timedelta(minutes=1))
    await choose(house, house.account.id, "local_only")
    for laxer in ("redact", "cloud_ok"):
        with pytest.raises(SignInAgain):
            await choose(house, house.account.id, laxer)
    with pytest.raises(InvalidRequest):
        await choose(house, house.account.id, "redact", password="a wrong one")
    assert await house.routing.of(house.me.user.id) == {house.account.id: "local_only"}
    await choose(house, house.account.id, "redact", password=PASSWORD)
    assert await house.routing.of(house.me.user.id) == {house.account.id: "redact"}


async def test_a_token_can_hold_back_more_and_never_less(house: GatewayHouse) -> None:
    """A token has no sign-in behind it (`began` is none), so it cannot be fresh."""
    house.me = house.me.model_copy(update={"began": None})
    await choose(house, house.account.id, "redact")
    with pytest.raises(SignInAgain):
        await choose(house, house.account.id, "cloud_ok")


@pytest.mark.parametrize("source", ["from:", "from:carol", "from:a b@example.org", "from:<carol@example.org>"])
async def test_a_sender_is_an_address_or_a_domain(house: GatewayHouse, source: str) -> None:
    with pytest.raises(InvalidRequest):
        await choose(house, source, "redact")


@pytest.mark.parametrize("source", ["somewhere", "0" * 32, "connector:post"])
async def test_a_source_that_there_is_not_is_not_found(house: GatewayHouse, source: str) -> None:
    with pytest.raises(NotFound):
        await choose(house, source, "redact")


async def test_somebody_elses_account_is_not_there(house: GatewayHouse) -> None:
    account = house.account.id
    stranger = house.me.user.model_copy(update={"id": new_id()})
    house.me = house.me.model_copy(update={"user": stranger})
    with pytest.raises(NotFound):
        await choose(house, account, "local_only")


# --- attacks of an agent --------------------------------------------------------------------------------------------


async def test_a_rule_that_became_stricter_holds_from_the_next_grant_on(house: GatewayHouse) -> None:
    turn = await house.turn()
    lax = house.grant(turn)
    await choose(house, house.account.id, "local_only")
    renewed = await house.renew(turn, grant=lax)
    assert house.trust.grant(renewed.grant, now=house.time).routes == {house.account.id: "local_only"}


async def test_a_decision_comes_with_a_grant_that_is_no_laxer(house: GatewayHouse) -> None:
    turn, call = await house.turn(), house.call("letters_send")
    await choose(house, house.account.id, "local_only")
    outcome = await house.put(call, turn)
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    [(ctx, _)] = house.decisions
    assert house.trust.grant(ctx.grant, now=house.time).routes == {house.account.id: "local_only"}


async def test_an_agent_cannot_ask_for_laxer_rules_nor_sign_them(house: GatewayHouse) -> None:
    turn = await house.turn()
    await choose(house, house.account.id, "local_only")
    asked = {"turn": turn, "routes": {}, "grant": {"routes": {}}}
    ctx = CallContext.within(10, now=house.time, user=house.me.user.id).signed(grant=house.grant(turn))
    request = RenewalRequest.model_validate(asked)
    renewed = await house.agent.request(subjects.gateway("renew"), request, Renewal, ctx)
    assert house.trust.grant(renewed.grant, now=house.time).routes == {house.account.id: "local_only"}
    real = house.trust.grant(renewed.grant, now=house.time)
    forged = SigningKey.generate().sign(Grant.model_validate({**real.model_dump(mode="json"), "routes": {}}))
    for use in (house.trust.grant, lambda token, now: house.trust.expired_grant(token)):
        with pytest.raises(Forbidden):
            use(forged, now=house.time)
    with pytest.raises(Forbidden):
        await house.agent.request(
            subjects.gateway("renew"), RenewalRequest(turn=turn), Renewal, ctx.signed(grant=forged)
        )


async def test_no_subject_of_the_gateway_lets_an_agent_choose(house: GatewayHouse) -> None:
    ctx = CallContext.within(2, now=house.time, user=house.me.user.id).signed(grant=house.grant(await house.turn()))
    with pytest.raises(Unavailable):
        await house.agent.request("oa.rpc.gateway.route", Done(), Done, ctx)
