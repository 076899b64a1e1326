"""Codes of an app at the sign-in, over HTTP: when they are asked for, and what must not do in their place."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from openassistant.errors import Unavailable
from services.gateway.codes import RECOVERY
from services.gateway.joining import WAIT
from services.gateway.sessions import FRESH
from tests.privacy.planted import holding
from tests.services.gateway.door import PASSWORD
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Browser, Household

NEW = "another-made-up-password"


@pytest.fixture
async def home(house: GatewayHouse) -> Household:
    return Household(house)


class App:
    """The app on somebody's phone; `codes` are the recovery codes that he kept."""

    def __init__(self, home: Household, secret: str) -> None:
        self.home, self.totp, self.codes = home, pyotp.TOTP(secret), tuple[str, ...]()

    def code(self, steps: int = 0) -> str:
        """What it shows, or showed some steps of thirty seconds ago."""
        return self.totp.at(self.home.house.time + timedelta(seconds=30 * steps))


async def with_app(home: Household, browser: Browser) -> App:
    """Somebody's app, once codes are asked for; the code that confirmed it is used up, so half a minute goes by."""
    app = App(home, (await browser.done("POST", "/api/security/codes", {}))["secret"])
    app.codes = tuple((await browser.done("POST", "/api/security/codes/confirm", {"code": app.code()}))["codes"])
    home.house.later(timedelta(seconds=60))
    return app


async def sign_in(home: Household, code: str | None = None, *, password: str = PASSWORD, name: str = "ada") -> Any:
    """The answer to a sign-in in a browser of its own."""
    body = {"username": name, "password": password} | ({} if code is None else {"code": code})
    return await home.browser().ask("POST", "/api/session", body)


async def stored(home: Household) -> str:
    queries = [text(f"SELECT * FROM {table}") for table in ("code_secrets", "recovery_codes", "sessions")]
    return await home.house.store.read(lambda c: str([list(c.execute(each)) for each in queries]))


# --- when a code is asked for ---------------------------------------------------------------------------------------


async def test_a_code_is_asked_for_after_the_right_password_and_only_then(home: Household) -> None:
    app = await with_app(home, await home.open())
    wrong = await sign_in(home, password="a wrong password")
    asked = await sign_in(home)
    assert (wrong.json()["code"], asked.json()["code"]) == ("sign_in_refused", "code_required")
    assert "set-cookie" not in asked.headers
    assert (await sign_in(home, app.code(), password="a wrong password")).json() == wrong.json()
    assert (await sign_in(home, app.code())).status_code == 200


async def test_a_secret_that_was_never_confirmed_asks_for_nothing(home: Household) -> None:
    ada = await home.open()
    app = App(home, (await ada.done("POST", "/api/security/codes", {}))["secret"])
    assert (await sign_in(home)).status_code == 200
    assert (await ada.done("GET", "/api/security"))["codes_since"] is None
    home.house.later(timedelta(minutes=31))
    refused = await ada.ask("POST", "/api/security/codes/confirm", {"code": app.code()})
    assert list(refused.json()["fields"]) == ["code"]


async def test_a_wrong_code_confirms_nothing(home: Household) -> None:
    ada = await home.open()
    app = App(home, (await ada.done("POST", "/api/security/codes", {}))["secret"])
    for code in (app.code(5), app.code(-5), "000000x", "1"):
        assert (await ada.ask("POST", "/api/security/codes/confirm", {"code": code})).status_code == 422
    assert "factor.added" not in home.house.recorded()
    assert (await sign_in(home)).status_code == 200


async def test_with_the_second_factor_every_other_sign_in_ends_and_its_person_is_told(home: Household) -> None:
    ada = await home.open()
    phone = home.browser()
    await phone.done("POST", "/api/session", {"username": "ada", "password": PASSWORD})
    await with_app(home, ada)
    assert (await phone.ask("GET", "/api/session")).status_code == 401
    assert [each["kind"] for each in await ada.done("GET", "/api/told")] == ["codes_on"]


async def test_without_a_ledger_nothing_is_turned_on_or_off(home: Household) -> None:
    ada = await home.open()
    app = App(home, (await ada.done("POST", "/api/security/codes", {}))["secret"])
    home.house.ledger_error = Unavailable("The ledger is away.")
    assert (await ada.ask("POST", "/api/security/codes/confirm", {"code": app.code()})).status_code == 503
    home.house.ledger_error = None
    assert (await ada.done("GET", "/api/security"))["codes_since"] is None
    await with_app(home, ada)
    home.house.ledger_error = Unavailable("The ledger is away.")
    assert (await ada.ask("POST", "/api/security/codes/off", {"password": PASSWORD})).status_code == 503
    assert (await ada.done("GET", "/api/security"))["codes_since"]


# --- what must not do ------------------------------------------------------------------------------------------------


async def test_a_code_counts_once_and_so_do_those_before_it(home: Household) -> None:
    app = await with_app(home, await home.open())
    seen = app.code()
    assert (await sign_in(home, seen)).status_code == 200
    for code in (seen, app.code(-1)):
        replayed = await sign_in(home, code)
        assert (replayed.status_code, replayed.json()["code"]) == (401, "code_required")
        assert list(replayed.json()["fields"]) == ["code"]


async def test_the_code_that_confirmed_the_app_signs_nobody_in(home: Household) -> None:
    ada = await home.open()
    app = App(home, (await ada.done("POST", "/api/security/codes", {}))["secret"])
    code = app.code()
    await ada.done("POST", "/api/security/codes/confirm", {"code": code})
    assert (await sign_in(home, code)).status_code == 401


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_a_clock_may_be_half_a_minute_wrong_and_no_more(home: Household, steps: int, status: int) -> None:
    app = await with_app(home, await home.open())
    home.house.later(timedelta(minutes=5))
    assert (await sign_in(home, app.code(steps))).status_code == status


async def test_two_who_show_the_same_code_at_once_do_not_both_come_in(home: Household) -> None:
    app = await with_app(home, await home.open())
    me = await home.users.find("ada")
    assert me is not None
    code = app.code()
    assert [await home.sessions.codes.take(me[0].id, code) for _ in range(2)] == ["code", None]


async def test_codes_are_not_guessed(home: Household) -> None:
    app = await with_app(home, await home.open())
    answers = [(await sign_in(home, f"{guess:06}")).status_code for guess in range(12)]
    assert answers.count(401) <= 5
    assert answers[-1] == 429
    assert (await sign_in(home, app.code())).status_code == 429


async def test_the_right_password_in_between_gives_no_further_guesses(home: Household) -> None:
    await with_app(home, await home.open())
    looked = 0
    for guess in range(12):
        await sign_in(home)
        looked += (await sign_in(home, f"{guess:06}")).status_code == 401
    assert looked <= 5


async def test_whoever_signs_in_with_codes_day_by_day_is_never_made_to_wait(home: Household) -> None:
    app = await with_app(home, await home.open())
    for _ in range(60):
        home.house.later(timedelta(minutes=1))
        assert (await sign_in(home)).json()["code"] == "code_required"
        assert (await sign_in(home, app.code())).status_code == 200


@pytest.mark.parametrize("code", ["", "000000", "0" * 65, "٠٠٠٠٠٠", "' OR 1=1", "aaaa-aaaa-aaaa-aaaa"])
async def test_what_is_no_code_lets_nobody_in(home: Household, code: str) -> None:
    await with_app(home, await home.open())
    assert (await sign_in(home, code)).status_code in (401, 422)


async def test_one_persons_codes_do_not_do_for_another(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    adas, bobs = await with_app(home, ada), await with_app(home, bob)
    assert (await sign_in(home, bobs.code())).status_code == 401
    assert (await sign_in(home, bobs.codes[0])).status_code == 401
    assert (await sign_in(home, adas.codes[0])).status_code == 200


async def test_a_refused_code_is_in_the_record_and_no_code_is(home: Household) -> None:
    app = await with_app(home, await home.open())
    await sign_in(home, "000000")
    await home.house.settled("session.refused")
    await sign_in(home, app.code())
    ((_, refused),) = home.told("session.refused")
    assert refused["by"] == "code"
    assert home.told("session.started")[-1][1]["by"] == "code"
    assert "000000" not in str(home.house.records)
    assert app.code() not in str(home.house.records)


# --- recovery codes ---------------------------------------------------------------------------------------------------


async def test_a_recovery_code_lets_in_once_and_its_person_is_told(home: Household) -> None:
    ada = await home.open()
    app = await with_app(home, ada)
    assert len(set(app.codes)) == RECOVERY
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", each) for each in app.codes)
    typed = app.codes[3].upper().replace("-", " ")
    assert (await sign_in(home, typed)).status_code == 200
    assert (await sign_in(home, app.codes[3])).status_code == 401
    state = await ada.done("GET", "/api/security")
    assert state["recovery_left"] == RECOVERY - 1
    assert "recovery_used" in [each["kind"] for each in await ada.done("GET", "/api/told")]


async def test_new_recovery_codes_end_the_old_ones(home: Household) -> None:
    ada = await home.open()
    app = await with_app(home, ada)
    fresh = (await ada.done("POST", "/api/security/codes/recovery", {}))["codes"]
    assert (await sign_in(home, app.codes[0])).status_code == 401
    assert (await sign_in(home, fresh[0])).status_code == 200
    assert "factor.recovery_renewed" in home.house.recorded()


async def test_secrets_lie_encrypted_and_stand_in_no_record_and_no_log(
    home: Household, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await home.open()
    with caplog.at_level(logging.DEBUG):
        app = await with_app(home, ada)
        await sign_in(home, app.code())
        await sign_in(home, app.codes[0])
    kept = await stored(home)
    assert not [each for each in app.codes if each in kept or each.replace("-", "") in kept]
    assert app.totp.secret not in str(home.house.records) + caplog.text + str(await ada.done("GET", "/api/security"))
    await home.house.stop()
    assert holding(tmp_path, app.totp.secret, *app.codes) == []
    await home.house.start()


# --- turning it off -------------------------------------------------------------------------------------------------


async def test_turning_it_off_needs_the_password_whatever_the_session(home: Household) -> None:
    ada = await home.open()
    await with_app(home, ada)
    assert (await ada.ask("POST", "/api/security/codes/off", {})).status_code == 422
    wrong = await ada.ask("POST", "/api/security/codes/off", {"password": "a wrong password"})
    assert list(wrong.json()["fields"]) == ["password"]
    assert (await sign_in(home)).status_code == 401
    await ada.done("POST", "/api/security/codes/off", {"password": PASSWORD})
    assert (await sign_in(home)).status_code == 200
    assert "factor.removed" in home.house.recorded()
    assert (await stored(home)).startswith("[[], []")


async def test_an_old_session_sets_nothing_up_without_the_password(home: Household) -> None:
    ada = await home.open()
    home.house.later(FRESH + timedelta(minutes=1))
    assert (await ada.ask("POST", "/api/security/codes", {})).json()["code"] == "sign_in_again"
    await ada.done("POST", "/api/security/codes", {"password": PASSWORD})


async def test_a_secret_that_counts_is_not_shown_again_nor_replaced(home: Household) -> None:
    ada = await home.open()
    app = await with_app(home, ada)
    assert (await ada.ask("POST", "/api/security/codes", {})).status_code == 409
    assert (await sign_in(home, app.code())).status_code == 200


async def test_no_token_reaches_what_a_sign_in_asks_for(home: Household) -> None:
    ada = await home.open()
    made = await ada.done("POST", "/api/tokens", {"name": "all", "scopes": ["chat", "approve", "accounts", "audit"]})
    headers = {"Authorization": f"Bearer {made['token']}"}
    for method, path in (("GET", ""), ("POST", "/codes"), ("POST", "/codes/off"), ("POST", "/codes/recovery")):
        answer = await home.browser().http.request(method, f"/api/security{path}", json={}, headers=headers)
        assert answer.json()["code"] == "scope_missing"


# --- links to a new password -----------------------------------------------------------------------------------------


async def reset_link(home: Household, ada: Browser, **offer: Any) -> str:
    """The token of a link to Bob's password, once it works."""
    made = await ada.done("POST", f"/api/people/{await home.id_of('bob')}/reset", {"password": PASSWORD, **offer})
    home.house.later(WAIT + timedelta(minutes=1))
    return str(made["path"].partition("#")[2])


async def test_a_link_to_a_new_password_leaves_the_second_factor_standing(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    app = await with_app(home, bob)
    link = {"token": await reset_link(home, ada), "password": NEW}
    refused = await home.browser().ask("POST", "/api/join/reset", link)
    assert refused.json()["code"] == "code_required"
    assert (await home.browser().ask("POST", "/api/join/reset", {**link, "code": "000000"})).status_code == 401
    assert (await sign_in(home, app.code(), password=BOBS_PASSWORD, name="bob")).status_code == 200
    home.house.later(timedelta(minutes=1))
    await home.browser().done("POST", "/api/join/reset", {**link, "code": app.code()})
    assert (await sign_in(home, password=NEW, name="bob")).json()["code"] == "code_required"


async def test_a_link_may_take_the_second_factor_away_and_says_so_to_whom_it_is_about(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    await with_app(home, bob)
    token = await reset_link(home, ada, factors=True)
    (word,) = [each for each in await bob.done("GET", "/api/told") if each["kind"] == "reset_offered"]
    assert word["factors"]
    assert {user for user, content in home.told("password.reset_offered") if content["factors"]} == {
        await home.id_of("ada"), await home.id_of("bob"),
    }  # fmt: skip
    await home.browser().done("POST", "/api/join/reset", {"token": token, "password": NEW})
    assert (await sign_in(home, password=NEW, name="bob")).status_code == 200
    assert (await stored(home)).startswith("[[], []")


async def test_a_link_that_was_made_without_it_takes_no_second_factor_away(home: Household) -> None:
    ada = await home.open()
    bob = await home.joined(ada)
    await with_app(home, bob)
    token = await reset_link(home, ada)
    body = {"token": token, "password": NEW, "factors": True}
    assert (await home.browser().ask("POST", "/api/join/reset", body)).json()["code"] == "code_required"
