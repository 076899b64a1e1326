"""What owners may do to the people of the house, what nobody else may, and that who is shut out is out everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute

from openassistant.errors import Forbidden, NotFound, OaError, Unavailable
from openassistant.messages import card_digest
from services.gateway.hooks import Knock
from services.gateway.people import NOTICE
from services.gateway.problems import TokenRefused
from services.gateway.routes import doors
from services.gateway.runbook import Run
from services.gateway.sessions import SignedIn
from tests.services.gateway.door import HOME
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household
from tests.services.gateway.test_scopes import routes_of

SIGN_IN = {"username": "bob", "password": BOBS_PASSWORD}


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


async def two(home: Household) -> tuple[Browser, Browser, str]:
    """Ada's browser, Bob's, and Bob's id."""
    ada = await home.open()
    return ada, await home.joined(ada), await home.id_of("bob")


async def shut_out(home: Household) -> tuple[Browser, Browser, str]:
    """The same, with Bob shut out."""
    ada, bob, bobs = await two(home)
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    return ada, bob, bobs


def owners_routes(home: Household) -> list[tuple[str, str]]:
    """Every route that is for owners alone, filled in."""

    def asks_owner(route: APIRoute) -> bool:
        return any(each.call is doors._owner for each in route.dependant.dependencies)

    found = [each for each in routes_of(home.app.routes) if isinstance(each, APIRoute) and asks_owner(each)]
    return [
        (method, re.sub(r"\{\w+\}", "a" * 32, each.path)) for each in found for method in sorted(each.methods or ())
    ]


async def test_a_member_opens_none_of_the_owners_routes(home: Household) -> None:
    ada, bob, bobs = await two(home)
    routes = owners_routes(home)
    filled = {"role": "owner", "digest": "x", "kind": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1",
              "client_id": "x"}  # fmt: skip
    answers = {route: await bob.ask(*route, None if route[0] in ("GET", "DELETE") else filled) for route in routes}
    assert {each.status_code for each in answers.values()} == {403}
    assert len(routes) > 15
    assert (await bob.ask("PUT", f"/api/people/{bobs}/role", {"role": "owner"})).status_code == 403
    assert [each["role"] for each in await ada.done("GET", "/api/people")] == ["owner", "member"]


async def test_nobody_who_is_not_signed_in_opens_them_either(home: Household) -> None:
    await home.open()
    stranger = home.browser()
    answers = [await stranger.ask(method, path) for method, path in owners_routes(home) if method == "GET"]
    assert {each.status_code for each in answers} == {401}


async def test_an_owner_sees_who_lives_here_and_nothing_of_what_they_do(home: Household) -> None:
    ada, _, _ = await two(home)
    fields = {"id", "username", "display_name", "role", "created_at", "of_age_at", "suspended_at", "leaves_at"}
    assert [set(each) for each in await ada.done("GET", "/api/people")] == [fields, fields]


async def test_a_role_is_changed_written_down_for_both_and_told(home: Household) -> None:
    ada, bob, bobs = await two(home)
    await ada.done("PUT", f"/api/people/{bobs}/role", {"role": "owner"})
    assert (await bob.done("GET", "/api/session"))["user"]["role"] == "owner"
    assert {whose for whose, _ in home.told("user.role_changed")} == {bobs, await home.id_of("ada")}
    (told,) = await bob.done("GET", "/api/told")
    assert (told["kind"], told["by"]) == ("role_changed", "Ada")
    assert await bob.done("DELETE", f"/api/told/{told['id']}") == []


async def test_the_last_owner_stays_one(home: Household) -> None:
    ada, _, _ = await two(home)
    mine = await home.id_of("ada")
    assert (await ada.ask("PUT", f"/api/people/{mine}/role", {"role": "member"})).status_code == 409
    assert home.told("user.role_changed") == []
    for what in ("suspend", "removal", "hand-over"):
        assert (await ada.ask("POST", f"/api/people/{mine}/{what}", {})).status_code == 409


async def test_the_house_is_handed_over_in_one_step(home: Household) -> None:
    ada, bob, bobs = await two(home)
    token = await home.invited(ada)
    await ada.done("POST", f"/api/people/{bobs}/hand-over", {})
    assert [each["role"] for each in await bob.done("GET", "/api/people")] == ["member", "owner"]
    assert (await ada.ask("GET", "/api/people")).status_code == 403
    assert (await home.browser().ask("POST", "/api/join", home.form(token, "eve"))).status_code == 404


async def test_one_owner_does_not_shut_another_out(home: Household) -> None:
    ada, bob, bobs = await two(home)
    await ada.done("PUT", f"/api/people/{bobs}/role", {"role": "owner"})
    for what in ("suspend", "removal", "reset"):
        assert (await ada.ask("POST", f"/api/people/{bobs}/{what}", {})).status_code == 409
    assert (await bob.ask("GET", "/api/session")).status_code == 200


async def test_it_needs_a_fresh_sign_in_or_the_password(home: Household) -> None:
    ada, _, bobs = await two(home)
    home.house.time += timedelta(hours=1)
    for what in ("suspend", "resume", "removal", "keep", "reset", "hand-over"):
        answer = await ada.ask("POST", f"/api/people/{bobs}/{what}", {})
        assert answer.json()["code"] == "sign_in_again"
    answer = await ada.ask("PUT", f"/api/people/{bobs}/role", {"role": "owner"})
    assert answer.json()["code"] == "sign_in_again"


async def test_what_cannot_be_written_down_is_not_done(home: Household) -> None:
    ada, bob, bobs = await two(home)
    home.house.ledger_error = Unavailable("The ledger is away.")
    for what in ("suspend", "removal", "reset", "hand-over"):
        assert (await ada.ask("POST", f"/api/people/{bobs}/{what}", {})).status_code == 503
    assert (await bob.ask("GET", "/api/session")).status_code == 200
    (found,) = [each for each in await home.people.listing() if each.id == bobs]
    assert (found.role, found.suspended_at, found.leaves_at) == ("member", None, None)


@pytest.mark.parametrize("what", ["suspend", "resume", "removal", "keep", "reset", "hand-over"])
async def test_somebody_who_does_not_live_here_is_not_found(home: Household, what: str) -> None:
    ada = await home.open()
    assert (await ada.ask("POST", f"/api/people/{'a' * 32}/{what}", {})).status_code == 404


# --- shut out -------------------------------------------------------------------------------------------------------


async def test_who_is_shut_out_is_signed_out_and_does_not_sign_in_again(home: Household) -> None:
    ada, bob, bobs = await shut_out(home)
    assert (await bob.ask("GET", "/api/session")).status_code == 401
    again = await home.browser().ask("POST", "/api/session", SIGN_IN)
    assert (again.status_code, again.json()["code"]) == (403, "shut_out")
    guess = await home.browser().ask("POST", "/api/session", {**SIGN_IN, "password": "a guess at it"})
    assert guess.json()["code"] == "sign_in_refused"
    assert {whose for whose, _ in home.told("user.suspended")} == {bobs, await home.id_of("ada")}
    await ada.done("POST", f"/api/people/{bobs}/resume", {})
    await bob.done("POST", "/api/session", SIGN_IN)
    (told,) = await bob.done("GET", "/api/told")
    assert told["kind"] == "resumed"


async def test_a_cookie_that_was_put_back_does_not_open_the_door(home: Household) -> None:
    ada, _, bobs = await two(home)
    opened = await home.sign_in(BOBS_PASSWORD, username="bob")
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    bob = home.browser()
    bob.http.cookies.set("oa", opened.token)
    assert (await bob.ask("GET", "/api/session")).status_code == 401
    assert not await home.sessions.lives(opened.session)


async def test_his_token_opens_nothing_until_he_is_let_in_again(home: Household) -> None:
    ada, _, bobs = await two(home)
    me = await home.sessions.find((await home.sign_in(BOBS_PASSWORD, username="bob")).token)
    made = await home.make(me, "chat", "approve")
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    with pytest.raises(TokenRefused):
        await home.tokens.find(made.token, address=HOME)
    assert not await home.tokens.lives(made.id)
    await ada.done("POST", f"/api/people/{bobs}/resume", {})
    assert (await home.tokens.find(made.token, address=HOME)).session == made.id


async def test_his_turn_is_stopped_and_what_waits_in_it_is_void(home: Household) -> None:
    ada, _, bobs = await two(home)
    house = home.house
    house.become(await signed_in(home))
    turn = await house.turn()
    grant = house.grant(turn)
    asked = await house.put(house.call("letters_send"), turn)
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    assert home.cancelled == [house.conversation]
    assert not await house.turns.lives(turn, user=bobs)
    question = await house.questions.find(bobs, str(asked.approval_id))
    assert question is not None
    assert question.state == "void"
    for refused in (house.put(house.call("drafts_create"), turn, grant=grant), house.renew(turn, grant=grant)):
        with pytest.raises(Forbidden):
            await refused


async def test_nothing_that_acts_is_signed_in_his_name(home: Household) -> None:
    ada, _, bobs = await two(home)
    house = home.house
    house.become(await signed_in(home))
    call = house.call("letters_send")
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    attempts: tuple[Callable[[], object], ...] = (
        lambda: house.grant("t" * 32),
        lambda: house.grants.account(bobs, account=house.account.id, connector="post", digest=card_digest(POST)),
        lambda: house.grants.by_policy(call),
        lambda: house.grants.by_rule(call, rule="r" * 32, preview_digest="x"),
        lambda: house.grants.by_person(call, approval="a" * 32, session="s" * 32, preview_digest="x"),
    )
    for attempt in attempts:
        with pytest.raises(Forbidden, match="shut this account out"):
            attempt()


async def test_what_he_approved_and_is_still_held_is_not_sent(house: GatewayHouse) -> None:
    house.hold = timedelta(seconds=30)
    await house.stop()
    await house.start()
    home = Household(house)
    ada, _, bobs = await two(home)
    house.become(await signed_in(home))
    turn = await house.turn()
    asked = await house.put(house.call("letters_send"), turn)
    await house.approvals.decide(house.me, str(asked.approval_id), approve=True)
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    house.later(timedelta(minutes=1))
    await house.approvals.sweep()
    assert house.decisions == []


async def test_another_process_of_the_house_learns_of_it(home: Household) -> None:
    _, _, bobs = await shut_out(home)
    home.house.grants.barred = frozenset()
    await home.bar.refresh()
    assert home.house.grants.barred == {bobs}


async def test_a_provider_that_sends_for_him_is_told_to_come_again(home: Household) -> None:
    ada, _, bobs = await two(home)
    token = await home.hooks._make(bobs, home.house.account.id, "post")

    async def read(largest: int) -> bytes:
        return b"{}"

    knock = Knock("POST", {}, {}, read, HOME)
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    with pytest.raises(Unavailable) as refused:
        await home.hooks.open("post", token, knock)
    assert refused.value.retry_after


async def test_the_background_work_on_his_accounts_ends_in_a_moment_and_goes_on_afterwards(home: Household) -> None:
    ada, _, bobs = await two(home)
    async with home.under(bobs):
        await ada.done("POST", f"/api/people/{bobs}/suspend", {})
        await home.accounts.attach_all("post", card_digest(POST), [bobs])
        await ada.done("POST", f"/api/people/{bobs}/resume", {})
    lives = [home.house.trust.grant(each.grant, now=home.house.time).expires for each in home.attached]
    assert [each - home.house.time < timedelta(seconds=10) for each in lives] == [True, True, False]


async def test_none_of_his_schedules_run_until_he_is_let_in_again(home: Household) -> None:
    ada, _, bobs = await two(home)
    book, due = home.house.runbook, home.house.time
    await book.expect("d" * 32, bobs, due, paused=False)
    claimed = Run(schedule="e" * 32, user=bobs, due=due, turn="f" * 32, state="claimed", claimed=due)
    await book.add(claimed)
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    home.house.later(timedelta(minutes=5))
    assert (await book.due(), await book.left(older=timedelta())) == ([], [])
    await ada.done("POST", f"/api/people/{bobs}/resume", {})
    assert [each.schedule for each in await book.due()] == ["d" * 32]
    assert [each.schedule for each in await book.left(older=timedelta())] == ["e" * 32]


async def test_a_reset_link_does_not_let_him_in(home: Household) -> None:
    ada, _, bobs = await two(home)
    made = await ada.done("POST", f"/api/people/{bobs}/reset", {})
    await ada.done("POST", f"/api/people/{bobs}/suspend", {})
    assert (await ada.ask("POST", f"/api/people/{bobs}/reset", {})).status_code == 409
    home.house.time += timedelta(days=2)
    body = {"token": made["path"].partition("#")[2], "password": "another-password-that-is-not-real"}
    assert (await home.browser().ask("POST", "/api/join/reset", body)).status_code == 404


# --- removed --------------------------------------------------------------------------------------------------------


async def test_a_removal_has_two_weeks_notice_in_which_he_still_signs_in(home: Household) -> None:
    ada, bob, bobs = await two(home)
    people = await ada.done("POST", f"/api/people/{bobs}/removal", {})
    assert people[1]["leaves_at"]
    (told,) = await bob.done("GET", "/api/told")
    assert (told["kind"], told["ends_at"]) == ("leaving", people[1]["leaves_at"])
    assert (await bob.ask("DELETE", f"/api/told/{told['id']}")).status_code == 409
    home.house.time += NOTICE - timedelta(seconds=1)
    await home.people.sweep()
    assert home.erased == []
    await home.browser().done("POST", "/api/session", SIGN_IN)
    home.house.time += timedelta(seconds=1)
    await home.people.sweep()
    assert home.erased == [bobs]


async def test_a_removal_that_is_withdrawn_removes_nobody(home: Household) -> None:
    ada, bob, bobs = await two(home)
    await ada.done("POST", f"/api/people/{bobs}/removal", {})
    await ada.done("POST", f"/api/people/{bobs}/keep", {})
    assert await bob.done("GET", "/api/told") == []
    home.house.time += NOTICE
    await home.people.sweep()
    assert home.erased == []


async def test_nobody_is_removed_who_could_not_learn_of_it(home: Household) -> None:
    ada, _, bobs = await shut_out(home)
    assert (await ada.ask("POST", f"/api/people/{bobs}/removal", {})).status_code == 409
    await ada.done("POST", f"/api/people/{bobs}/resume", {})
    await ada.done("POST", f"/api/people/{bobs}/removal", {})
    assert (await ada.ask("POST", f"/api/people/{bobs}/suspend", {})).status_code == 409
    assert (await ada.ask("PUT", f"/api/people/{bobs}/role", {"role": "owner"})).status_code == 409


async def test_a_removal_that_cannot_begin_is_tried_again(home: Household) -> None:
    ada, _, bobs = await two(home)
    await ada.done("POST", f"/api/people/{bobs}/removal", {})
    home.house.time += NOTICE
    problem: list[OaError] = [Unavailable("Away.")]

    async def erase(user: str) -> None:
        if problem:
            raise problem.pop()
        home.erased.append(user)

    home.people._erase = erase
    await home.people.sweep()
    assert home.erased == []
    await home.people.sweep()
    assert home.erased == [bobs]


async def test_what_is_told_is_told_to_its_person_alone(home: Household) -> None:
    ada, _, bobs = await two(home)
    eve = await home.joined(ada, "eve")
    await ada.done("POST", f"/api/people/{bobs}/removal", {})
    assert await eve.done("GET", "/api/told") == []
    (word,) = await home.words.of(bobs)
    with pytest.raises(NotFound):
        await home.words.one(await home.id_of("eve"), word.id)


async def signed_in(home: Household) -> SignedIn:
    """Bob, as a session of his says who he is."""
    return await home.sessions.find((await home.sign_in(BOBS_PASSWORD, username="bob")).token)
