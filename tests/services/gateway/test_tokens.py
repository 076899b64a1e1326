"""Personal API tokens: how one is made, and everything that must not open a door with one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from openassistant.errors import Conflict, InvalidRequest, NotFound, RateLimited, Unavailable
from services.gateway import views
from services.gateway.problems import ScopeMissing, SignInAgain, TokenRefused
from services.gateway.scopes import Scope
from services.gateway.sessions import FRESH
from services.gateway.tokens import MOST
from services.gateway.users import User
from tests.services.gateway.door import ELSEWHERE, HOME, PASSWORD, Door
from tests.services.gateway.house import GatewayHouse

UNKNOWN = "oa_" + "0" * 64


@pytest.fixture
def door(house: GatewayHouse) -> Door:
    return Door(house)


async def test_a_token_is_shown_once_stored_hashed_and_written_down(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "audit", "chat", "chat", days=30)
    found = await door.tokens.find(made.token, address=HOME)
    assert (found.user, found.session, sorted(found.scopes or ())) == (me.user, made.id, ["audit", "chat"])
    assert (made.scopes, made.expires_at - made.created_at) == (("chat", "audit"), timedelta(days=30))
    assert made.token not in await door.stored()
    assert made.token[3:] not in str(door.house.records)
    assert door.house.recorded() == ["session.started", "api_token.created"]


async def test_the_list_tells_tokens_apart_and_when_each_was_last_used(door: Door) -> None:
    me = await door.signed_in()
    first, second = await door.make(me, "chat", name="laptop"), await door.make(me, "chat", name="phone")
    door.house.time += timedelta(hours=1)
    await door.tokens.find(first.token, address=HOME)
    listed = await door.tokens.listing(me)
    assert [(each.name, each.tail, each.last_used_at) for each in listed] == [
        ("phone", second.token[-4:], None),
        ("laptop", first.token[-4:], door.house.time),
    ]
    assert first.token not in str(listed)


async def test_without_a_ledger_no_token_is_made(door: Door) -> None:
    me = await door.signed_in()
    door.house.ledger_error = Unavailable("The ledger is away.")
    with pytest.raises(Unavailable):
        await door.make(me, "chat")
    assert await door.tokens.listing(me) == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "guess",
        UNKNOWN,
        "oa_" + "g" * 64,
        "x" * 5000,
        "' OR 1=1 --",
        "oa_" + "٠" * 64,
        f" {UNKNOWN}",
        f"{UNKNOWN}\n",
    ],
)
async def test_a_guessed_token_is_nobodys(door: Door, token: str) -> None:
    await door.make(await door.signed_in(), "chat")
    with pytest.raises(TokenRefused):
        await door.tokens.find(token, address=ELSEWHERE)


async def test_the_stored_hash_and_a_sessions_cookie_are_no_tokens(door: Door) -> None:
    me = await door.signed_in()
    await door.make(me, "chat")
    opened = await door.sign_in()
    query = text("SELECT token_hash FROM tokens")
    stored = await door.house.store.read(lambda connection: connection.execute(query).scalar_one())
    for token in (stored, f"oa_{stored}", opened.token, f"oa_{opened.token}"):
        with pytest.raises(TokenRefused):
            await door.tokens.find(token, address=HOME)


async def test_a_token_ends_at_its_time_and_is_then_swept_away(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "chat", days=1)
    door.house.time += timedelta(days=1)
    with pytest.raises(TokenRefused):
        await door.tokens.find(made.token, address=HOME)
    assert not await door.tokens.lives(made.id)
    assert await door.tokens.listing(me) == []
    await door.tokens.sweep()
    assert made.id not in await door.stored()


async def test_a_revoked_token_opens_nothing_from_then_on_and_the_record_names_it(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "chat", name="old laptop")
    await door.tokens.revoke(me, made.id)
    with pytest.raises(TokenRefused):
        await door.tokens.find(made.token, address=HOME)
    with pytest.raises(NotFound):
        await door.tokens.revoke(me, made.id)
    await door.house.settled("api_token.revoked")
    assert door.house.records[-1].content == {"token": made.id, "name": "old laptop"}


async def test_a_token_of_somebody_else_is_neither_seen_nor_revoked(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "chat")
    carol = me.model_copy(update={"user": User(id="c" * 32, username="carol", display_name="Carol", role="member")})
    assert await door.tokens.listing(carol) == []
    with pytest.raises(NotFound):
        await door.tokens.revoke(carol, made.id)
    assert await door.tokens.lives(made.id)


async def test_tokens_die_with_their_user(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "chat")
    remove = text("DELETE FROM users")
    await door.house.store.write(lambda connection: connection.execute(remove))
    with pytest.raises(TokenRefused):
        await door.tokens.find(made.token, address=HOME)
    assert made.id not in await door.stored()


async def test_a_token_outlives_the_session_that_made_it(door: Door) -> None:
    me = await door.signed_in()
    made = await door.make(me, "chat")
    await door.sessions.end(me.user, me.session)
    assert (await door.tokens.find(made.token, address=HOME)).user == me.user


async def test_a_person_has_so_many_tokens_and_no_more(door: Door) -> None:
    me = await door.signed_in()
    for _ in range(MOST):
        await door.make(me, "chat")
    with pytest.raises(Conflict):
        await door.make(me, "chat")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "   "}, {"name": "x" * 101}, {"expires_in_days": 0}, {"expires_in_days": 366},
        {"scopes": ["everything"]}, {"scopes": "chat"}, {"scopes": ["chat"] * 5},
    ],
)  # fmt: skip
def test_a_form_that_is_wrong_makes_no_token(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        views.TokenDraft.model_validate({"name": "laptop", "scopes": ["chat"], **wrong})


async def test_a_token_for_nothing_is_refused_by_its_field(door: Door) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await door.make(await door.signed_in())
    assert list(refused.value.details["fields"]) == ["scopes"]


# --- strong scopes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["approve", "accounts"])
async def test_a_strong_token_needs_a_fresh_sign_in_or_the_password(door: Door, scope: Scope) -> None:
    me = await door.signed_in()
    await door.make(me, scope)
    door.house.time += FRESH + timedelta(seconds=1)
    with pytest.raises(SignInAgain) as refused:
        await door.make(me, "chat", scope)
    assert (refused.value.code, refused.value.status) == ("sign_in_again", 403)
    await door.make(me, "chat", scope, password=PASSWORD)
    await door.make(me, "chat", "audit")


async def test_a_wrong_password_makes_no_strong_token_even_after_a_fresh_sign_in(door: Door) -> None:
    me = await door.signed_in()
    with pytest.raises(InvalidRequest) as refused:
        await door.make(me, "approve", password="not the password")
    assert list(refused.value.details["fields"]) == ["password"]
    await door.house.settled("session.refused")


async def test_a_stolen_session_does_not_guess_the_password_for_long(door: Door) -> None:
    me = await door.signed_in()
    door.house.time += FRESH + timedelta(seconds=1)
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            await door.make(me, "approve", password="a guess at it")
    with pytest.raises(RateLimited):
        await door.make(me, "approve", password=PASSWORD)


# --- guessing -------------------------------------------------------------------------------------------------------


async def test_whoever_guesses_must_wait_longer_and_longer_and_stops_no_right_token(door: Door) -> None:
    made = await door.make(await door.signed_in(), "chat")
    for _ in range(5):
        with pytest.raises(TokenRefused):
            await door.tokens.find(UNKNOWN, address=ELSEWHERE)
    with pytest.raises(RateLimited) as limited:
        await door.tokens.find(UNKNOWN, address=ELSEWHERE)
    assert limited.value.retry_after
    with pytest.raises(TokenRefused):
        await door.tokens.find(UNKNOWN, address=HOME)
    assert (await door.tokens.find(made.token, address=ELSEWHERE)).session == made.id


# --- deciding -------------------------------------------------------------------------------------------------------


async def test_a_decision_by_a_token_is_recorded_as_one(door: Door) -> None:
    house, me = door.house, await door.signed_in()
    made = await door.make(me, "approve")
    house.become(me)
    turn = await house.turn()
    asked = await house.put(house.call("letters_send"), turn)
    by_token = await door.tokens.find(made.token, address=HOME)
    await house.approvals.decide(by_token, str(asked.approval_id), approve=True)
    granted = house.records[-1]
    assert (granted.action.value, granted.content["token"], granted.content["session"]) == (
        "approval.granted", made.id, None,
    )  # fmt: skip
    _, decision = house.decisions[-1]
    approval = house.trust.approval(decision.approval, now=house.time)
    assert (approval.decided_by, approval.session) == ("person", f"token:{made.id}")


async def test_a_token_that_was_not_made_for_deciding_decides_nothing(door: Door) -> None:
    house, me = door.house, await door.signed_in()
    made = await door.make(me, "chat", "accounts", "audit")
    house.become(me)
    turn = await house.turn()
    asked = await house.put(house.call("letters_send"), turn)
    by_token = await door.tokens.find(made.token, address=HOME)
    with pytest.raises(ScopeMissing, match="approve"):
        await house.approvals.decide(by_token, str(asked.approval_id), approve=True)
    assert (await house.approvals.view(me, str(asked.approval_id))).state == "pending"
