"""Links into the house: single use, for a time, hashed; and everything that must not open a door with one."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from openassistant.errors import Unavailable
from services.gateway.house import HouseRules
from services.gateway.joining import MOST, WAIT
from tests.services.gateway.door import PASSWORD
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household

NEW = "another-password-that-is-not-real"


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


async def stored(home: Household) -> str:
    """All rows of the tables about people, as text."""
    tables = ("users", "invitations", "house_words", "sessions")
    queries = [text(f"SELECT * FROM {table}") for table in tables]
    return await home.house.store.read(lambda c: str([list(c.execute(each)) for each in queries]))


async def test_who_is_invited_joins_as_a_member_and_is_signed_in(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada, label="For Bob")
    bob = home.browser()
    seen = await bob.done("POST", "/api/join/look", {"token": token})
    assert (seen["kind"], seen["by"], seen["owners"], seen["username"]) == ("join", "Ada", ["Ada"], None)
    joined = await bob.done("POST", "/api/join", home.form(token))
    assert (joined["user"]["username"], joined["user"]["role"]) == ("bob", "member")
    assert (await bob.done("GET", "/api/session"))["user"]["display_name"] == "Bob"
    (listed,) = [each for each in await ada.done("GET", "/api/people") if each["username"] == "bob"]
    assert (listed["of_age_at"] is not None, listed["suspended_at"], listed["leaves_at"]) == (True, None, None)
    assert await ada.done("GET", "/api/people/invitations") == []
    await home.house.settled("user.joined")
    bobs = await home.id_of("bob")
    assert [whose for whose, _ in home.told("user.created")] == [bobs]
    assert [content["label"] for _, content in home.told("user.invited")] == ["For Bob"]


async def test_a_link_is_shown_once_and_only_its_digest_is_kept(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    listed = await ada.done("GET", "/api/people/invitations")
    assert token not in str(listed)
    kept = await stored(home)
    assert token not in kept
    assert hashlib.sha256(token.encode()).hexdigest() in kept
    assert token not in str(home.house.records)


async def test_a_link_lets_one_person_in_and_no_second(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    answers = await asyncio.gather(
        *(home.browser().ask("POST", "/api/join", home.form(token, name)) for name in ("bob", "eve", "mallory"))
    )
    assert sorted(each.status_code for each in answers) == [201, 404, 404]
    assert len(await ada.done("GET", "/api/people")) == 2
    late = await home.browser().ask("POST", "/api/join", home.form(token, "late"))
    assert (late.status_code, late.json()["code"]) == (404, "not_found")
    assert len(home.told("user.created")) == 1


@pytest.mark.parametrize("how", ["used", "expired", "revoked", "its maker is no owner any more", "its maker is gone"])
async def test_a_dead_link_opens_nothing_and_does_not_say_why(home: Household, how: str) -> None:
    ada = await home.open()
    carol = await home.joined(ada, "carol")
    await ada.done("PUT", f"/api/people/{await home.id_of('carol')}/role", {"role": "owner"})
    token = await home.invited(carol, days=3)
    if how == "used":
        await home.browser().done("POST", "/api/join", home.form(token))
    elif how == "expired":
        home.house.time += timedelta(days=3)
    elif how == "revoked":
        (open_one,) = await ada.done("GET", "/api/people/invitations")
        await ada.done("DELETE", f"/api/people/invitations/{open_one['id']}")
    elif how == "its maker is gone":
        gone = text("DELETE FROM users WHERE login = 'carol'")
        await home.house.store.write(lambda connection: connection.execute(gone).close())
    else:
        await ada.done("PUT", f"/api/people/{await home.id_of('carol')}/role", {"role": "member"})
    never = await home.browser().ask("POST", "/api/join/look", {"token": "A" * 43})
    for path, body in (("/api/join/look", {"token": token}), ("/api/join", home.form(token, "eve"))):
        answer = await home.browser().ask("POST", path, body)
        assert (answer.status_code, answer.json()["detail"]) == (404, never.json()["detail"])
    assert await home.users.find("eve") is None


@pytest.mark.parametrize("token", ["", "guess", "A" * 43, "' OR 1=1 --", "ä" * 43, "x" * 200, "B" * 42 + "\n"])
async def test_a_guessed_or_forged_link_is_nobodys(home: Household, token: str) -> None:
    ada = await home.open()
    await home.invited(ada)
    answer = await home.browser().ask("POST", "/api/join", home.form(token, "eve"))
    assert answer.status_code == 404
    assert await home.users.find("eve") is None


async def test_the_stored_digest_and_an_id_are_no_links(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    (listed,) = await ada.done("GET", "/api/people/invitations")
    for forged in (hashlib.sha256(token.encode()).hexdigest(), listed["id"], f"{token}x", token[:-1], token.lower()):
        assert (await home.browser().ask("POST", "/api/join/look", {"token": forged})).status_code == 404


async def test_whoever_guesses_links_must_wait_and_a_right_one_is_not_stopped(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    codes = [
        (await home.browser().ask("POST", "/api/join/look", {"token": f"{number:043d}"})).status_code
        for number in range(7)
    ]
    assert codes == [404] * 5 + [429] * 2
    assert (await home.browser().ask("POST", "/api/join/look", {"token": token})).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"of_age": False}, "of_age"),
        ({"password": "short"}, "password"),
        ({"username": "a\nb"}, "username"),
        ({"username": "Ada"}, "username"),
    ],
)
async def test_a_form_that_is_wrong_names_its_field_and_leaves_the_link_as_it_was(
    home: Household, wrong: dict[str, Any], field: str
) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    answer = await home.browser().ask("POST", "/api/join", home.form(token, **wrong))
    assert answer.status_code in (409, 422)
    assert list(answer.json()["fields"]) == [field]
    assert (await home.browser().ask("POST", "/api/join", home.form(token))).status_code == 201


async def test_of_an_age_it_is_kept_that_and_when_it_was_stated_and_no_more(house: GatewayHouse) -> None:
    home = Household(house, HouseRules(minimum_age=18))
    ada = await home.open()
    token = await home.invited(ada)
    refused = await home.browser().ask("POST", "/api/join", home.form(token, of_age=False))
    assert "18 or older" in refused.json()["fields"]["of_age"]
    await home.browser().done("POST", "/api/join", home.form(token))
    query = text("SELECT of_age, created FROM users WHERE login = 'bob'")
    row = await house.store.read(lambda connection: connection.execute(query).one())
    assert row.of_age == row.created
    assert {key for _, content in home.told("user.created") for key in content} <= {"role", "invitation"}


async def test_without_a_ledger_nobody_is_invited_and_nobody_joins(home: Household) -> None:
    ada = await home.open()
    token = await home.invited(ada)
    home.house.ledger_error = Unavailable("The ledger is away.")
    assert (await ada.ask("POST", "/api/people/invitations", {})).status_code == 503
    assert (await home.browser().ask("POST", "/api/join", home.form(token))).status_code == 503
    home.house.ledger_error = None
    assert len(await ada.done("GET", "/api/people/invitations")) == 1
    assert await home.users.find("bob") is None


async def test_a_full_house_lets_nobody_in(house: GatewayHouse) -> None:
    home = Household(house, HouseRules(people=2))
    ada = await home.open()
    first, second = await home.invited(ada), await home.invited(ada)
    await home.browser().done("POST", "/api/join", home.form(first))
    assert (await home.browser().ask("POST", "/api/join", home.form(second, "eve"))).status_code == 409
    assert (await ada.ask("POST", "/api/people/invitations", {})).status_code == 409


async def test_so_many_invitations_are_open_and_no_more(home: Household) -> None:
    ada = await home.open()
    for _ in range(MOST):
        await home.invited(ada)
    assert (await ada.ask("POST", "/api/people/invitations", {})).status_code == 409


async def test_inviting_needs_a_fresh_sign_in_or_the_password(home: Household) -> None:
    ada = await home.open()
    home.house.time += timedelta(hours=1)
    assert (await ada.ask("POST", "/api/people/invitations", {})).json()["code"] == "sign_in_again"
    assert (await ada.ask("POST", "/api/people/invitations", {"password": "a guess"})).status_code == 422
    await ada.done("POST", "/api/people/invitations", {"password": PASSWORD})


async def test_links_that_are_over_are_swept_away(home: Household) -> None:
    ada = await home.open()
    await home.invited(ada, days=1)
    home.house.time += timedelta(days=1)
    await home.people.sweep()
    count = text("SELECT count(*) FROM invitations")
    assert await home.house.store.read(lambda connection: connection.execute(count).scalar_one()) == 0


# --- another password -----------------------------------------------------------------------------------------------


async def offered(home: Household, ada: Browser) -> str:
    """The token of a link to Bob's password."""
    made = await ada.done("POST", f"/api/people/{await home.id_of('bob')}/reset", {})
    return str(made["path"].partition("#")[2])


async def test_a_reset_link_waits_a_day_so_that_its_person_is_told_before_it_works(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    token = await offered(home, ada)
    body = {"token": token, "password": NEW}
    assert (await home.browser().ask("POST", "/api/join/reset", body)).status_code == 403
    (told,) = await bob.done("GET", "/api/told")
    assert (told["kind"], told["by"], told["can_agree"]) == ("reset_offered", "Ada", True)
    assert {whose for whose, _ in home.told("password.reset_offered")} == {
        await home.id_of("ada"), await home.id_of("bob"),
    }  # fmt: skip
    home.house.time += WAIT
    elsewhere = home.browser()
    await elsewhere.done("POST", "/api/join/reset", body)
    assert (await bob.ask("GET", "/api/session")).status_code == 401
    (told,) = await elsewhere.done("GET", "/api/told")
    assert (told["kind"], told["by"]) == ("reset_used", "Ada")
    await home.browser().done("POST", "/api/session", {"username": "bob", "password": NEW})
    old = await home.browser().ask("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    assert old.status_code == 401
    assert (await home.browser().ask("POST", "/api/join/reset", body)).status_code == 404


async def test_who_is_still_signed_in_lets_the_link_work_at_once(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    token = await offered(home, ada)
    (told,) = await bob.done("GET", "/api/told")
    await bob.done("POST", f"/api/told/{told['id']}/agree")
    await home.browser().done("POST", "/api/join/reset", {"token": token, "password": NEW})


async def test_who_is_still_signed_in_refuses_it_and_the_link_is_dead(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    token = await offered(home, ada)
    (told,) = await bob.done("GET", "/api/told")
    assert await bob.done("DELETE", f"/api/told/{told['id']}") == []
    home.house.time += WAIT
    answer = await home.browser().ask("POST", "/api/join/reset", {"token": token, "password": NEW})
    assert answer.status_code == 404
    assert [content["link"] for _, content in home.told("password.reset_answered")]


async def test_an_owner_agrees_to_nothing_in_another_ones_name(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    token = await offered(home, ada)
    (told,) = await bob.done("GET", "/api/told")
    assert await ada.done("GET", "/api/told") == []
    for method, path in (("POST", f"/api/told/{told['id']}/agree"), ("DELETE", f"/api/told/{told['id']}")):
        assert (await ada.ask(method, path)).status_code == 404
    assert (await home.browser().ask("POST", "/api/join/reset", {"token": token, "password": NEW})).status_code == 403


async def test_a_second_link_ends_the_first(home: Household) -> None:
    ada = await home.open()
    await home.joined(ada)
    first, second = await offered(home, ada), await offered(home, ada)
    home.house.time += WAIT
    assert (await home.browser().ask("POST", "/api/join/look", {"token": first})).status_code == 404
    seen = await home.browser().done("POST", "/api/join/look", {"token": second})
    assert (seen["kind"], seen["username"]) == ("reset", "bob")


async def test_a_link_for_one_thing_does_not_do_the_other(home: Household) -> None:
    ada = await home.open()
    await home.joined(ada)
    reset, join = await offered(home, ada), await home.invited(ada)
    home.house.time += WAIT
    assert (await home.browser().ask("POST", "/api/join", home.form(reset, "eve"))).status_code == 404
    assert (await home.browser().ask("POST", "/api/join/reset", {"token": join, "password": NEW})).status_code == 404


async def test_nobody_makes_a_link_to_an_owners_password(home: Household) -> None:
    ada = await home.open()
    await home.joined(ada)
    await ada.done("PUT", f"/api/people/{await home.id_of('bob')}/role", {"role": "owner"})
    assert (await ada.ask("POST", f"/api/people/{await home.id_of('bob')}/reset", {})).status_code == 409


async def test_ones_own_password_is_changed_with_the_old_one_and_ends_every_other_sign_in(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    phone = home.browser()
    await phone.done("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    wrong = await bob.ask("PUT", "/api/password", {"password": "not that one", "new": NEW})
    assert list(wrong.json()["fields"]) == ["password"]
    weak = await bob.ask("PUT", "/api/password", {"password": BOBS_PASSWORD, "new": "short"})
    assert list(weak.json()["fields"]) == ["new"]
    await bob.done("PUT", "/api/password", {"password": BOBS_PASSWORD, "new": NEW})
    assert (await bob.ask("GET", "/api/session")).status_code == 200
    assert (await phone.ask("GET", "/api/session")).status_code == 401
    await phone.done("POST", "/api/session", {"username": "bob", "password": NEW})
