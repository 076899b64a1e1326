"""Passkeys over HTTP, with a security key in software: what signs in, and every attack that must not."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from openassistant.errors import Conflict, InvalidRequest, Unavailable
from services.gateway import passkeys
from services.gateway.relying import SECONDS, Party, check_made, check_shown, party, to_make
from services.gateway.sessions import FRESH
from tests.services.gateway.authenticator import Authenticator, plain, spelt
from tests.services.gateway.door import PASSWORD
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household
from tests.services.gateway.test_factors import with_app

HERE = "http://localhost:8080"


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


def at_home(home: Household, base: str = HERE) -> Browser:
    """A browser that has the house open by a name, in which nobody is signed in."""
    browser = home.browser()
    browser.http.base_url = base
    return browser


async def as_ada(home: Household) -> Browser:
    """Ada's browser, by the house's name."""
    if await home.users.find("ada") is None:
        await home.open()
    browser = at_home(home)
    await browser.done("POST", "/api/session", {"username": "ada", "password": PASSWORD})
    return browser


async def added(browser: Browser, key: Authenticator | None = None, name: str = "Laptop") -> Authenticator:
    """A new passkey of whoever is signed in there."""
    key = key or Authenticator()
    going = await browser.done("POST", "/api/security/passkeys/begin", {})
    body = {"id": going["id"], "name": name, "credential": key.make(going["options"])}
    await browser.done("POST", "/api/security/passkeys", body)
    return key


async def shown(browser: Browser, key: Authenticator, **changes: Any) -> Any:
    """The answer to a sign-in with a passkey."""
    going = await browser.done("POST", "/api/passkeys/enter")
    body = {"id": going["id"], "credential": key.show(going["options"], **changes)}
    return await browser.ask("POST", "/api/passkeys/entered", body)


# --- what it is for -------------------------------------------------------------------------------------------------


async def test_a_passkey_signs_in_without_name_password_and_code(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    await with_app(home, ada)
    stranger = at_home(home)
    assert (await shown(stranger, key)).json()["user"]["username"] == "Ada"
    assert (await stranger.done("GET", "/api/session"))["user"]["username"] == "Ada"
    assert home.told("session.started")[-1][1]["by"] == "passkey"


async def test_what_is_asked_wants_a_key_that_knows_its_person_and_names_nobody(home: Household) -> None:
    ada = await as_ada(home)
    options = (await ada.done("POST", "/api/security/passkeys/begin", {}))["options"]
    wanted = options["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
    assert (options["rp"]["id"], options["attestation"]) == ("localhost", "none")
    assert len(plain(options["challenge"])) == 32
    entering = (await at_home(home).done("POST", "/api/passkeys/enter"))["options"]
    assert (entering["userVerification"], entering.get("allowCredentials", [])) == ("required", [])


async def test_one_that_is_there_already_is_named_so_that_it_is_not_made_twice(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    going = await ada.done("POST", "/api/security/passkeys/begin", {})
    assert [each["id"] for each in going["options"]["excludeCredentials"]] == [spelt(key.id)]
    body = {"id": going["id"], "name": "Again", "credential": key.make(going["options"])}
    assert (await ada.ask("POST", "/api/security/passkeys", body)).status_code == 409


async def test_it_is_listed_and_its_owner_is_told_and_removes_it(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    (listed,) = (await ada.done("GET", "/api/security"))["passkeys"]
    assert (listed["name"], listed["host"], listed["used_at"]) == ("Laptop", "localhost", None)
    assert (await shown(at_home(home), key)).status_code == 200
    (used,) = (await ada.done("GET", "/api/security"))["passkeys"]
    assert used["used_at"] is not None
    await ada.done("POST", f"/api/security/passkeys/{listed['id']}/remove", {})
    assert (await ada.done("GET", "/api/security"))["passkeys"] == []
    assert (await shown(at_home(home), key)).json()["code"] == "sign_in_refused"
    assert {"passkey_added", "passkey_removed"} == {each["kind"] for each in await ada.done("GET", "/api/told")}
    assert {"factor.added", "factor.removed"} <= set(home.house.recorded())


async def test_its_owner_gives_it_another_name_which_the_record_shows_with_the_one_before(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    (listed,) = (await ada.done("GET", "/api/security"))["passkeys"]
    path = f"/api/security/passkeys/{listed['id']}"
    home.house.later(FRESH + timedelta(minutes=1))
    assert await ada.done("PATCH", path, {"name": "  Key ring "}) == {**listed, "name": "Key ring"}
    assert await ada.done("PATCH", path, {"name": "Key ring"}) == {**listed, "name": "Key ring"}
    (told,) = [content for _, content in home.told("factor.renamed")]
    assert (told["kind"], told["name"], told["before"]) == ("passkey", "Key ring", "Laptop")
    assert (await shown(at_home(home), key)).status_code == 200
    for name in ("", "   ", "x" * 61):
        assert (await ada.ask("PATCH", path, {"name": name})).status_code == 422


async def test_nobody_else_names_it(home: Household) -> None:
    ada = await as_ada(home)
    await added(ada)
    (listed,) = (await ada.done("GET", "/api/security"))["passkeys"]
    bob = await home.joined(ada)
    answer = await bob.ask("PATCH", f"/api/security/passkeys/{listed['id']}", {"name": "Mine"})
    assert answer.json()["code"] == "not_found"
    assert (await ada.done("GET", "/api/security"))["passkeys"][0]["name"] == "Laptop"


async def test_somebody_shows_it_in_the_place_of_his_password_once(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    home.house.later(FRESH + timedelta(minutes=1))
    invite = ("POST", "/api/people/invitations")
    assert (await ada.ask(*invite, {})).json()["code"] == "sign_in_again"
    going = await ada.done("POST", "/api/security/passkeys/again")
    assert [each["id"] for each in going["options"]["allowCredentials"]] == [spelt(key.id)]
    body = {"id": going["id"], "credential": key.show(going["options"])}
    proof = (await ada.done("POST", "/api/security/passkeys/proved", body))["proof"]
    other = await as_ada(home)
    assert (await other.ask("POST", "/api/security/codes/off", {"password": proof})).status_code == 422
    await ada.done(*invite, {"password": proof})
    assert (await ada.ask(*invite, {"password": proof})).status_code == 422


async def test_keys_that_do_not_count_sign_in_again_and_again(home: Household) -> None:
    ada, key = await as_ada(home), Authenticator()
    key.counts = False
    await added(ada, key)
    assert [(await shown(at_home(home), key)).status_code for _ in range(3)] == [200, 200, 200]


async def test_an_old_session_adds_and_removes_nothing_without_the_password(home: Household) -> None:
    ada = await as_ada(home)
    await added(ada)
    (listed,) = (await ada.done("GET", "/api/security"))["passkeys"]
    home.house.later(FRESH + timedelta(minutes=1))
    for path in ("begin", f"{listed['id']}/remove"):
        answer = await ada.ask("POST", f"/api/security/passkeys/{path}", {})
        assert answer.json()["code"] == "sign_in_again"


async def test_nobody_collects_passkeys_without_end(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 2)
    ada = await as_ada(home)
    for _ in range(2):
        await added(ada)
    assert (await ada.ask("POST", "/api/security/passkeys/begin", {})).status_code == 409


async def test_without_a_ledger_no_passkey_is_kept(home: Household) -> None:
    ada, key = await as_ada(home), Authenticator()
    going = await ada.done("POST", "/api/security/passkeys/begin", {})
    home.house.ledger_error = Unavailable("The ledger is away.")
    body = {"id": going["id"], "name": "x", "credential": key.make(going["options"])}
    assert (await ada.ask("POST", "/api/security/passkeys", body)).status_code == 503
    home.house.ledger_error = None
    assert (await ada.done("GET", "/api/security"))["passkeys"] == []


# --- attacks --------------------------------------------------------------------------------------------------------


async def test_an_answer_counts_once(home: Household) -> None:
    key = await added(await as_ada(home))
    browser = at_home(home)
    going = await browser.done("POST", "/api/passkeys/enter")
    body = {"id": going["id"], "credential": key.show(going["options"])}
    assert (await browser.ask("POST", "/api/passkeys/entered", body)).status_code == 200
    assert (await at_home(home).ask("POST", "/api/passkeys/entered", body)).status_code == 400


async def test_what_was_asked_is_used_up_by_a_wrong_answer_too(home: Household) -> None:
    key = await added(await as_ada(home))
    browser = at_home(home)
    going = await browser.done("POST", "/api/passkeys/enter")
    wrong = {"id": going["id"], "credential": Authenticator().show(going["options"])}
    assert (await browser.ask("POST", "/api/passkeys/entered", wrong)).status_code == 401
    right = {"id": going["id"], "credential": key.show(going["options"])}
    assert (await browser.ask("POST", "/api/passkeys/entered", right)).status_code == 400


async def test_an_answer_that_comes_too_late_counts_no_more(home: Household) -> None:
    key = await added(await as_ada(home))
    browser = at_home(home)
    going = await browser.done("POST", "/api/passkeys/enter")
    home.house.time += timedelta(seconds=SECONDS)
    body = {"id": going["id"], "credential": key.show(going["options"])}
    assert (await browser.ask("POST", "/api/passkeys/entered", body)).status_code == 400


async def test_the_answer_to_another_question_is_none_to_this(home: Household) -> None:
    key = await added(await as_ada(home))
    browser = at_home(home)
    first, second = [await browser.done("POST", "/api/passkeys/enter") for _ in range(2)]
    body = {"id": second["id"], "credential": key.show(first["options"])}
    assert (await browser.ask("POST", "/api/passkeys/entered", body)).status_code == 400


async def test_what_was_begun_for_one_thing_does_not_do_for_another(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    going = await ada.done("POST", "/api/security/passkeys/again")
    body = {"id": going["id"], "credential": key.show(going["options"])}
    assert (await at_home(home).ask("POST", "/api/passkeys/entered", body)).status_code == 400
    entering = await ada.done("POST", "/api/passkeys/enter")
    body = {"id": entering["id"], "credential": key.show(entering["options"])}
    assert (await ada.ask("POST", "/api/security/passkeys/proved", body)).status_code == 400


async def test_what_one_session_began_another_does_not_end(home: Household) -> None:
    ada, other = await as_ada(home), await as_ada(home)
    going, key = await ada.done("POST", "/api/security/passkeys/begin", {}), Authenticator()
    body = {"id": going["id"], "name": "Stolen", "credential": key.make(going["options"])}
    assert (await other.ask("POST", "/api/security/passkeys", body)).status_code == 400


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost"),
        ("https://localhost:8080", "localhost"),
        ("http://localhost:9090", "localhost"),
        ("http://localhost:8080.evil.example", "localhost"),
        ("http://localhost:8080", "evil.example"),
        ("https://evil.example", "evil.example"),
    ],
)
async def test_what_was_signed_for_another_place_lets_nobody_in_here(home: Household, origin: str, host: str) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    key.origin, key.host = origin, host
    assert (await shown(at_home(home), key)).status_code == 400
    with pytest.raises(AssertionError, match="400"):
        await added(ada, Authenticator(origin, host))


@pytest.mark.parametrize("more", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}])
async def test_what_was_signed_in_a_frame_of_another_site_counts_for_nothing(
    home: Household, more: dict[str, Any]
) -> None:
    key = await added(await as_ada(home))
    key.more = more
    assert (await shown(at_home(home), key)).status_code == 400


async def test_a_key_that_did_not_look_who_it_was_lets_nobody_in(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    key.verified = False
    assert (await shown(at_home(home), key)).status_code == 400
    unsure = Authenticator()
    unsure.verified = False
    with pytest.raises(AssertionError, match="400"):
        await added(ada, unsure)


async def test_a_signature_that_was_tampered_with_or_of_another_key_is_refused_and_recorded(home: Household) -> None:
    key = await added(await as_ada(home))
    other = Authenticator()
    other.id, other.handle = key.id, key.handle
    assert (await shown(at_home(home), other)).status_code == 400
    await home.house.settled("session.refused")
    ((_, content),) = home.told("session.refused")
    assert (content["by"], content["name"]) == ("passkey", "Laptop")
    going = await at_home(home).done("POST", "/api/passkeys/enter")
    signed = key.show(going["options"])
    broken = bytearray(plain(signed["response"]["signature"]))
    broken[-1] ^= 1
    signed["response"]["signature"] = spelt(bytes(broken))
    answer = await at_home(home).ask("POST", "/api/passkeys/entered", {"id": going["id"], "credential": signed})
    assert answer.status_code == 400


async def test_a_passkey_signs_in_whose_it_is_and_nobody_else(home: Household) -> None:
    ada = await as_ada(home)
    await home.joined(ada)
    bob = at_home(home)
    await bob.done("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    adas, bobs = await added(ada), await added(bob)
    posing = await shown(at_home(home), bobs, userHandle=spelt(adas.handle))
    nameless = await shown(at_home(home), bobs, userHandle=None)
    assert (posing.json()["code"], nameless.json()["code"]) == ("sign_in_refused", "sign_in_refused")
    going = await ada.done("POST", "/api/security/passkeys/again")
    body = {"id": going["id"], "credential": bobs.show(going["options"])}
    assert (await ada.ask("POST", "/api/security/passkeys/proved", body)).status_code == 401
    (listed,) = (await bob.done("GET", "/api/security"))["passkeys"]
    assert (await ada.ask("POST", f"/api/security/passkeys/{listed['id']}/remove", {})).status_code == 404
    assert (await shown(at_home(home), bobs)).json()["user"]["username"] == "bob"


async def test_a_passkey_that_counts_backwards_is_refused_and_its_owner_told(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    assert (await shown(at_home(home), key)).status_code == 200
    key.counter -= 1
    copied = await shown(at_home(home), key)
    assert (copied.status_code, copied.json()["code"]) == (401, "sign_in_refused")
    assert "passkey_doubtful" in {each["kind"] for each in await ada.done("GET", "/api/told")}


async def test_without_the_key_nobody_makes_a_passkey_look_copied(home: Household) -> None:
    ada = await as_ada(home)
    key = await added(ada)
    forged = Authenticator()
    forged.id, forged.handle, forged.counter = key.id, key.handle, -1
    assert (await shown(at_home(home), forged)).status_code == 400
    assert "passkey_doubtful" not in {each["kind"] for each in await ada.done("GET", "/api/told")}
    assert (await shown(at_home(home), key)).status_code == 200


async def test_a_passkey_of_one_name_of_the_house_does_not_do_at_another(home: Household) -> None:
    key = await added(await as_ada(home))
    elsewhere = at_home(home, "http://house.localhost:8080")
    key.origin, key.host = "http://house.localhost:8080", "house.localhost"
    going = await elsewhere.ask("POST", "/api/passkeys/enter", headers={"Host": "house.localhost:8080"})
    assert going.status_code == 421


async def test_whom_an_owner_shut_out_comes_in_by_no_passkey(home: Household) -> None:
    ada = await as_ada(home)
    await home.joined(ada)
    bob = at_home(home)
    await bob.done("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    key = await added(bob)
    await ada.done("POST", f"/api/people/{await home.id_of('bob')}/suspend", {})
    assert (await shown(at_home(home), key)).json()["code"] == "shut_out"


async def test_a_reset_for_who_lost_everything_takes_passkeys_away(home: Household) -> None:
    ada = await as_ada(home)
    await home.joined(ada)
    bob = at_home(home)
    await bob.done("POST", "/api/session", {"username": "bob", "password": BOBS_PASSWORD})
    key = await added(bob)
    made = await ada.done("POST", f"/api/people/{await home.id_of('bob')}/reset", {"factors": True})
    home.house.later(timedelta(days=2))
    token = made["path"].partition("#")[2]
    await at_home(home).done("POST", "/api/join/reset", {"token": token, "password": "another-made-up-password"})
    assert (await shown(at_home(home), key)).json()["code"] == "sign_in_refused"


async def test_whoever_begins_many_sign_ins_and_ends_none_has_to_wait(home: Household) -> None:
    await as_ada(home)
    browser = at_home(home)
    answers = [(await browser.ask("POST", "/api/passkeys/enter")).status_code for _ in range(12)]
    assert (answers.count(200), answers[-1]) == (5, 429)


async def test_questions_that_nobody_answered_do_not_pile_up(home: Household) -> None:
    ada = await as_ada(home)
    for _ in range(4):
        await ada.done("POST", "/api/security/passkeys/begin", {})
    home.house.later(timedelta(seconds=SECONDS))
    await ada.done("POST", "/api/passkeys/enter")
    count = text("SELECT count(*) FROM passkey_challenges")
    assert await home.house.store.read(lambda c: c.execute(count).scalar_one()) == 1


WHO, ASKED = party("http", "localhost:8080"), bytes(32)
OPTIONS = to_make(WHO, challenge=ASKED, handle=b"ada", name="ada", shown="Ada", known=())
KEY = Authenticator()
MADE = KEY.make(OPTIONS)
PUBLIC = check_made(MADE, WHO, challenge=ASKED).public_key


def mangled(answer: dict[str, Any], part: str, put: bytes, spot: int, cut: int) -> dict[str, Any]:
    """An answer with other bytes somewhere in a part of it, or with its end cut off."""
    whole = plain(answer["response"][part])
    changed = (whole[:spot] + put + whole[spot + len(put) :])[: len(whole) - cut]
    assume(changed != whole)
    return {**answer, "response": {**answer["response"], part: spelt(changed)}}


@settings(max_examples=300, deadline=None)
@given(
    part=st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), put=st.binary(max_size=60),
    spot=st.integers(0, 250), cut=st.integers(0, 60),
)  # fmt: skip
def test_whatever_is_changed_in_what_was_shown_it_is_refused(part: str, put: bytes, spot: int, cut: int) -> None:
    with pytest.raises(InvalidRequest):
        check_shown(mangled(KEY.show(OPTIONS), part, put, spot, cut), WHO, challenge=ASKED, public_key=PUBLIC)


@settings(max_examples=300, deadline=None)
@given(put=st.binary(max_size=60), spot=st.integers(0, 250), cut=st.integers(0, 60))
def test_garbage_in_the_place_of_a_new_passkey_is_no_fault(put: bytes, spot: int, cut: int) -> None:
    with suppress(InvalidRequest):
        check_made(mangled(MADE, "attestationObject", put, spot, cut), WHO, challenge=ASKED)


# --- whose name it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "netloc", "found"),
    [
        ("http", "localhost:8080", Party("localhost", "http://localhost:8080")),
        ("https", "House.Example", Party("house.example", "https://house.example")),
        ("https", "house.example:443", Party("house.example", "https://house.example")),
        ("https", "house.example:8443", Party("house.example", "https://house.example:8443")),
        ("http", "house.localhost", Party("house.localhost", "http://house.localhost")),
    ],
)
def test_a_passkey_is_bound_to_the_name_under_which_the_house_is_open(scheme: str, netloc: str, found: Party) -> None:
    assert party(scheme, netloc) == found


@pytest.mark.parametrize(
    ("scheme", "netloc", "words"),
    [
        ("http", "house.example", "over https"),
        ("http", "127.0.0.1:8080", "localhost"),
        ("https", "[::1]:8443", "a name"),
        ("https", "192.168.1.20", "a name"),
        ("http", "localhost.evil.example", "over https"),
    ],
)
def test_where_browsers_have_no_passkeys_it_is_said_what_to_do(scheme: str, netloc: str, words: str) -> None:
    with pytest.raises(Conflict, match=words):
        party(scheme, netloc)


async def test_at_an_address_in_numbers_nothing_is_begun(home: Household) -> None:
    await home.open()
    answer = await home.browser().ask("POST", "/api/passkeys/enter")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
