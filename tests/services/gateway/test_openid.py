"""Signing in at an OpenID provider, over HTTP, with the real vault: who comes in, as whom, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import utc_now
from openassistant.errors import InvalidRequest
from openassistant.messages import Done
from openassistant.openid import OpenIdBegin, OpenIdDraft, OpenIdFinish, OpenIdQuery
from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.openid import OpenId
from services.gateway.preferences import Preferences
from services.gateway.sessions import FRESH
from services.gateway.settings import GatewaySettings
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut
from services.vault.oauth import OAuth
from services.vault.openid import OpenId as VaultOpenId
from tests.peers.oidc import OidcProvider
from tests.services.gateway.door import HOME, PASSWORD, Door
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import BOBS_PASSWORD, Household
from tests.services.vault.forger import ISSUER, Forger
from tests.services.vault.house import VaultHouse

BASE = "http://127.0.0.1:8080"
BACK = f"{BASE}/login/back"
SECRET = "planted-client-secret-otter"
MEMBERS: dict[str, Any] = {"claim": "groups", "allowed": ["family"], "joins": "members", "scopes": ["email", "profile"]}


class Entrance:
    """A gateway's doors before a real vault; `forger` is its provider unless a real one is registered."""

    def __init__(self, house: GatewayHouse, folder: Path, rules: HouseRules | None = None) -> None:
        self.rules = rules or HouseRules()
        self.house, self.door, self.vault, self.forger = house, Door(house), VaultHouse(folder / "vault"), Forger()
        self.web: httpx.AsyncClient
        self._folder, self._stack, self.later = folder, AsyncExitStack(), timedelta()
        self.openid: OpenId

    async def __aenter__(self) -> Self:
        folder, room = self._folder / "vault", self.house.bus.room("vault")
        folder.mkdir()
        await self._stack.enter_async_context(self.vault)
        vault, serve = self.vault.vault, room.serve
        await serve(subjects.vault("public"), Done, vault.on_public)
        await serve(subjects.vault_openid("keep"), OpenIdDraft, vault.on_keep_openid)
        await serve(subjects.vault_openid("list"), OpenIdQuery, vault.on_openids)
        await serve(subjects.vault_openid("remove"), OpenIdQuery, vault.on_remove_openid)
        await serve(subjects.vault_openid("begin"), OpenIdBegin, vault.on_begin_openid)
        await serve(subjects.vault_openid("finish"), OpenIdFinish, vault.on_finish_openid)
        self._stack.push_async_callback(room.drain, seconds=1)
        bus, own = self.house.bus.room("gateway"), Vault(self.house.bus.room("gateway"), self.house.grants)
        self.openid = OpenId(
            bus, self.house.store, own, users=self.door.users, sessions=self.door.sessions,
            ledger=Ledger(bus, self.house.grants, Preferences(self.house.store)),
            way=WayOut(bus, own, lambda: (), room="gateway", proxy=None), rules=self.rules, clock=self.house.clock,
        )  # fmt: skip
        people = Household(self.house, self.rules)
        parts = SimpleNamespace(
            sessions=self.door.sessions, tokens=self.door.tokens, openid=self.openid, house=self.rules,
            joining=people.joining,
        )  # fmt: skip
        self.app = create_app(cast(Gateway, parts), _settings(self._folder))
        self.web = await self._stack.enter_async_context(self.browser_of(self.app))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def browser_of(self, app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=BASE, headers={"Origin": BASE},
            event_hooks={"request": [self._tick]},
        )  # fmt: skip

    async def _tick(self, _: httpx.Request) -> None:
        """The house's clock goes on as ours does: what is asked of other rooms has to be answered in time."""
        self.house.time = utc_now() + self.later

    async def browser(self) -> httpx.AsyncClient:
        """Another browser, in which nobody is signed in."""
        return await self._stack.enter_async_context(self.browser_of(self.app))

    def forge(self) -> None:
        """From now on the providers are what the forger says."""
        house = self.vault
        self.forger.now = lambda: self.house.clock().timestamp()
        oauth = OAuth(self.house.clock, self.forger.transport)
        house.vault._openid = VaultOpenId(
            house.store, house.vault._credentials, oauth, clock=self.house.clock, transport=self.forger.transport
        )

    async def owner(self) -> httpx.AsyncClient:
        """Ada, signed in with her password."""
        if await self.door.users.find("ada") is None:
            await self.door.owner()
        await self.sign_in(self.web, "ada", PASSWORD)
        return self.web

    async def sign_in(self, web: httpx.AsyncClient, name: str, password: str) -> None:
        answer = await web.post("/api/session", json={"username": name, "password": password})
        assert answer.status_code == 200, answer.text

    async def provider(self, issuer: str = ISSUER, **changes: Any) -> dict[str, Any]:
        """A provider that the owner adds."""
        draft = {"label": "Family ID", "issuer": issuer, "client_id": "house", "client_secret": SECRET, **changes}
        answer = await (await self.owner()).post("/api/openid/providers", json=draft)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def enter(self, web: httpx.AsyncClient, provider: str, answer: Any, **more: Any) -> httpx.Response:
        """One sign-in; `answer` is what the provider says to a URL. Whoever signs in says that he is old enough."""
        going = (await web.post("/api/openid/enter", json={"provider": provider})).json()
        draft = {"address": back(answer(going["url"])), "key": going["key"], "of_age": True, **more}
        return await web.post("/api/openid/entered", json=draft)


def back(query: dict[str, str]) -> str:
    return f"{BACK}?{urlencode(query)}"


def _settings(folder: Path) -> GatewaySettings:
    return GatewaySettings(nkey_file=folder, data_dir=folder, signing_key_file=folder, web_dir=folder)


@pytest.fixture
async def entrance(house: GatewayHouse, tmp_path: Path) -> AsyncIterator[Entrance]:
    async with Entrance(house, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def real() -> Iterator[OidcProvider]:
    with OidcProvider() as running:
        yield running


# --- a real provider ------------------------------------------------------------------------------------------------


async def test_with_a_real_provider_somebody_adds_it_and_comes_in_by_it(entrance: Entrance, real: OidcProvider) -> None:
    client = real.register(BACK)
    made = await entrance.provider(
        real.url, client_id=client["client_id"], client_secret=client["client_secret"], claim="email",
        allowed=["@home.example"],
    )  # fmt: skip
    real.tell("ada-there", email="Ada@home.example", email_verified=True)
    web = await entrance.owner()
    going = (await web.post("/api/openid/link", json={"provider": made["id"]})).json()
    query = real.allow(going["url"], subject="ada-there")
    answer = await web.post("/api/openid/returned", json={"address": back(query)})
    assert answer.json() == {"linked": True, "proof": None}
    stranger = await entrance.browser()
    entered = await entrance.enter(stranger, made["id"], lambda url: real.allow(url, subject="ada-there"))
    assert (entered.status_code, entered.json()["user"]["username"]) == (200, "Ada")
    assert (await stranger.get("/api/session")).json()["user"]["role"] == "owner"
    [link] = (await stranger.get("/api/openid/mine")).json()["links"]
    assert (link["label"], link["shown"]) == ("Family ID", "Ada@home.example")


async def test_with_a_real_provider_somebody_new_becomes_a_member_if_he_may(
    entrance: Entrance, real: OidcProvider
) -> None:
    client = real.register(BACK)
    made = await entrance.provider(
        real.url, client_id=client["client_id"], client_secret=client["client_secret"], **MEMBERS
    )
    real.tell("mia", groups=["family"], preferred_username="mia", name="Mia Meyer")
    real.tell("eve", groups=["others"], preferred_username="eve")
    web = await entrance.browser()
    refused = await entrance.enter(web, made["id"], lambda url: real.allow(url, subject="eve"))
    assert (refused.status_code, (await web.get("/api/session")).status_code) == (403, 401)
    entered = await entrance.enter(web, made["id"], lambda url: real.allow(url, subject="mia"))
    assert entered.status_code == 200, entered.text
    user = entered.json()["user"]
    assert (user["username"], user["display_name"], user["role"]) == ("mia", "Mia Meyer", "member")
    again = await entrance.enter(web, made["id"], lambda url: real.allow(url, subject="mia"))
    assert again.json()["user"]["id"] == user["id"]
    assert entrance.house.recorded().count("user.created") == 1


# --- who is who -----------------------------------------------------------------------------------------------------


async def test_an_address_alone_never_makes_somebody_who_lives_here(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"sub": "evil", "email": "ada", "email_verified": True, "preferred_username": "ada",
                              "groups": ["family"]}  # fmt: skip
    web = await entrance.browser()
    entered = await entrance.enter(web, made["id"], entrance.forger.allow)
    assert (entered.json()["user"]["username"], entered.json()["user"]["role"]) == ("ada2", "member")


async def test_somebody_who_is_not_known_and_may_not_join_is_told_what_to_do(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.browser()
    answer = await entrance.enter(web, made["id"], entrance.forger.allow)
    assert answer.status_code == 403
    assert "add Family ID under Sign-in" in answer.json()["detail"]
    assert len(await entrance.door.users.everybody()) == 1


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": "mia@home.example", "email_verified": True}, 200),
        ({"email": "MIA@Home.example", "email_verified": "true"}, 200),
        ({"email": "carol@else.example", "email_verified": True}, 200),
        ({"email": "mia@home.example", "email_verified": False}, 403),
        ({"email": "mia@home.example"}, 403),
        ({"email": "mia@evil.example", "email_verified": True}, 403),
        ({"email": "mia@evil-home.example", "email_verified": True}, 403),
        ({"email": "mia@home.example@evil.example", "email_verified": True}, 403),
        ({"email": ["mia@home.example"], "email_verified": True}, 403),
        ({"groups": ["@home.example"]}, 403),
    ],
)
async def test_an_address_counts_only_where_it_is_verified_and_on_the_list(
    entrance: Entrance, claims: dict[str, Any], status: int
) -> None:
    entrance.forge()
    made = await entrance.provider(claim="email", allowed=["@home.example", "Carol@else.example"], joins="members")
    entrance.forger.claims = claims
    answer = await entrance.enter(await entrance.browser(), made["id"], entrance.forger.allow)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("groups", "status"),
    [("family", 200), (["a", "family"], 200), (["families"], 403), ([["family"]], 403), (None, 403)],
)
async def test_a_group_counts_by_its_whole_name(entrance: Entrance, groups: Any, status: int) -> None:
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"groups": groups}
    answer = await entrance.enter(await entrance.browser(), made["id"], entrance.forger.allow)
    assert answer.status_code == status, answer.text


async def test_somebody_who_left_the_group_comes_in_no_more(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"groups": ["family"]}
    web = await entrance.browser()
    assert (await entrance.enter(web, made["id"], entrance.forger.allow)).status_code == 200
    entrance.forger.claims = {"sub": "ada", "groups": []}
    assert (await entrance.enter(await entrance.browser(), made["id"], entrance.forger.allow)).status_code == 403


async def test_two_who_come_as_the_same_are_one_person(entrance: Entrance) -> None:

    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"groups": ["family"], "preferred_username": "mia"}
    webs = [await entrance.browser() for _ in range(3)]
    answers = await asyncio.gather(*(entrance.enter(each, made["id"], entrance.forger.allow) for each in webs))
    assert {each.status_code for each in answers} <= {200, 409}
    assert len({each.json()["user"]["id"] for each in answers if each.status_code == 200}) == 1
    assert len(await entrance.door.users.everybody()) == 2


# --- the rules of the house for whoever joins ------------------------------------------------------------------------


async def test_somebody_new_is_let_in_only_with_his_word_on_his_age_and_it_is_kept(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"sub": "mia", "groups": ["family"], "preferred_username": "mia"}
    web = await entrance.browser()
    asked = await entrance.enter(web, made["id"], entrance.forger.allow, of_age=False)
    assert (asked.status_code, asked.json()["code"], "set-cookie" in asked.headers) == (403, "age_unsaid", False)
    assert await entrance.door.users.find("mia") is None
    assert entrance.house.recorded().count("user.created") == 0
    assert (await entrance.enter(web, made["id"], entrance.forger.allow)).status_code == 200
    [mia] = [each for each in await entrance.door.users.people() if each.username == "mia"]
    assert mia.of_age is not None
    again = await entrance.enter(web, made["id"], entrance.forger.allow, of_age=False)
    assert again.status_code == 200


async def test_somebody_new_is_not_let_into_a_house_that_is_full(house: GatewayHouse, tmp_path: Path) -> None:
    async with Entrance(house, tmp_path, HouseRules(people=2)) as entrance:
        entrance.forge()
        made = await entrance.provider(**MEMBERS)
        answers = []
        for subject in ("mia", "noah"):
            entrance.forger.claims = {"sub": subject, "groups": ["family"], "preferred_username": subject}
            answers.append(await entrance.enter(await entrance.browser(), made["id"], entrance.forger.allow))
        assert [each.status_code for each in answers] == [200, 409]
        assert "lets 2 people live in it" in answers[1].json()["detail"]
        assert {each.username for each in await entrance.door.users.everybody()} == {"Ada", "mia"}
        assert house.recorded().count("user.created") == 1


async def test_two_who_come_at_once_do_not_both_take_the_last_place(house: GatewayHouse, tmp_path: Path) -> None:
    async with Entrance(house, tmp_path, HouseRules(people=2)) as entrance:
        await entrance.owner()
        made = [
            await entrance.door.users.prepare(username=name, password=BOBS_PASSWORD, display_name="", role="member")
            for name in ("mia", "noah")
        ]
        added = (entrance.door.users.add(user, hashed, most=2) for user, hashed in made)
        outcomes = await asyncio.gather(*added, return_exceptions=True)
        assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "NoneType"]
        assert len(await entrance.door.users.everybody()) == 2


async def test_whoever_sets_a_password_has_one_from_then_on(entrance: Entrance) -> None:
    web, provider = await joined(entrance)
    given = (await proof(entrance, web, auth_time=int(entrance.forger.now()))).json()["proof"]
    answer = await web.put("/api/password", json={"password": given, "new": BOBS_PASSWORD})
    assert answer.status_code == 204, answer.text
    mine = (await web.get("/api/openid/mine")).json()
    assert mine["has_password"] is True
    await entrance.sign_in(await entrance.browser(), "mia", BOBS_PASSWORD)
    assert (await web.delete(f"/api/openid/links/{mine['links'][0]['id']}")).status_code == 204
    assert (await (await entrance.owner()).delete(f"/api/openid/providers/{provider}")).status_code == 204


async def test_a_password_set_by_a_link_is_one_too(entrance: Entrance) -> None:
    web, _ = await joined(entrance)
    mia = (await web.get("/api/session")).json()["user"]["id"]
    ada = await entrance.owner()
    link = (await ada.post(f"/api/people/{mia}/reset", json={})).json()["path"].partition("#")[2]
    [word] = (await web.get("/api/told")).json()
    assert (await web.post(f"/api/told/{word['id']}/agree")).status_code == 200
    assert (await web.get("/api/openid/mine")).json()["has_password"] is False
    fresh = await entrance.browser()
    answer = await fresh.post("/api/join/reset", json={"token": link, "password": BOBS_PASSWORD})
    assert answer.status_code == 200, answer.text
    assert (await fresh.get("/api/openid/mine")).json()["has_password"] is True


# --- attacks on the way ---------------------------------------------------------------------------------------------


async def test_a_sign_in_that_somebody_else_began_cannot_be_pushed_into_a_browser(entrance: Entrance) -> None:
    """Login CSRF: mallory's answer, opened in another browser, signs nobody in there."""
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"groups": ["family"]}
    mallory, victim = await entrance.browser(), await entrance.browser()
    theirs = (await mallory.post("/api/openid/enter", json={"provider": made["id"]})).json()
    mine = (await victim.post("/api/openid/enter", json={"provider": made["id"]})).json()
    address = back(entrance.forger.allow(theirs["url"]))
    answer = await victim.post("/api/openid/entered", json={"address": address, "key": mine["key"]})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
    assert (await victim.get("/api/session")).status_code == 401


async def test_what_one_began_to_add_cannot_be_ended_by_another_session(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.owner()
    going = (await web.post("/api/openid/link", json={"provider": made["id"]})).json()
    address = back(entrance.forger.allow(going["url"], subject="mallory"))
    other = await entrance.browser()
    await entrance.sign_in(other, "ada", PASSWORD)
    assert (await other.post("/api/openid/returned", json={"address": address})).status_code == 404
    assert going["key"] == ""
    entered = await other.post("/api/openid/entered", json={"address": address, "key": "k" * 43})
    assert entered.status_code == 404
    assert (await web.get("/api/openid/mine")).json()["links"] == []


async def test_a_sign_in_is_not_taken_for_a_link_and_the_other_way_round(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.owner()
    going = (await web.post("/api/openid/enter", json={"provider": made["id"]})).json()
    query = entrance.forger.allow(going["url"])
    changed = {**query, "state": "link." + query["state"].partition(".")[2]}
    for each in (query, changed):
        answer = await web.post("/api/openid/returned", json={"address": back(each)})
        assert answer.status_code in (400, 404)
    assert (await web.get("/api/openid/mine")).json()["links"] == []


async def test_an_address_with_two_codes_or_none_is_no_answer(entrance: Entrance) -> None:
    for query in ("state=a&code=b&code=c", "code=b", "state=a", "", "state=a&state=b&code=c"):
        answer = await entrance.web.post("/api/openid/entered", json={"address": f"{BACK}?{query}", "key": "k" * 43})
        assert answer.status_code == 422, query


async def test_a_subject_belongs_to_one_person_of_the_house_alone(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.owner()
    user, hashed = await entrance.door.users.prepare(
        username="bob", password="not-a-real-password-of-bob", display_name="", role="member"
    )
    await entrance.door.users.add(user, hashed)
    bob = await entrance.browser()
    await entrance.sign_in(bob, "bob", "not-a-real-password-of-bob")
    for each, status in ((web, 200), (bob, 409), (web, 409)):
        going = (await each.post("/api/openid/link", json={"provider": made["id"]})).json()
        address = back(entrance.forger.allow(going["url"]))
        assert (await each.post("/api/openid/returned", json={"address": address})).status_code == status


async def test_whoever_begins_many_and_ends_none_has_to_wait(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    answers = [await entrance.web.post("/api/openid/enter", json={"provider": made["id"]}) for _ in range(12)]
    assert answers[-1].status_code == 429


# --- in a password's place ------------------------------------------------------------------------------------------


async def joined(entrance: Entrance) -> tuple[httpx.AsyncClient, str]:
    """Mia, who came by the provider and has no password, and that provider."""
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"sub": "mia", "groups": ["family"], "preferred_username": "mia"}
    web = await entrance.browser()
    assert (await entrance.enter(web, made["id"], entrance.forger.allow)).status_code == 200
    return web, made["id"]


async def proof(entrance: Entrance, web: httpx.AsyncClient, **claims: Any) -> httpx.Response:
    entrance.forger.claims |= claims
    going = (await web.post("/api/openid/again", json={})).json()
    assert dict(parse_qsl(urlsplit(going["url"]).query))["prompt"] == "login"
    address = back(entrance.forger.allow(going["url"]))
    return await web.post("/api/openid/returned", json={"address": address})


DRAFT = {"name": "laptop", "scopes": ["approve"]}


async def test_a_sign_in_of_unknown_age_does_not_count_as_fresh_and_a_proof_does_once(entrance: Entrance) -> None:
    web, _ = await joined(entrance)
    assert (await web.get("/api/openid/mine")).json()["has_password"] is False
    asked = await web.post("/api/tokens", json=DRAFT)
    assert (asked.status_code, asked.json()["code"]) == (403, "sign_in_again")
    given = (await proof(entrance, web, auth_time=int(entrance.forger.now()))).json()["proof"]
    assert (await web.post("/api/tokens", json={**DRAFT, "password": given})).status_code == 201
    assert (await web.post("/api/tokens", json={**DRAFT, "password": given})).status_code == 422


async def test_a_proof_is_good_in_its_own_session_and_for_minutes(entrance: Entrance) -> None:
    web, provider = await joined(entrance)
    given = (await proof(entrance, web, auth_time=int(entrance.forger.now()))).json()["proof"]
    other = await entrance.browser()
    assert (await entrance.enter(other, provider, entrance.forger.allow)).status_code == 200
    assert (await other.post("/api/tokens", json={**DRAFT, "password": given})).status_code == 422
    entrance.later += timedelta(minutes=6)
    assert (await web.post("/api/tokens", json={**DRAFT, "password": given})).status_code == 422


@pytest.mark.parametrize("change", [{"auth_time": 1}, {"auth_time": None}, {"sub": "somebody else"}])
async def test_an_old_sign_in_there_or_somebody_elses_is_no_proof(entrance: Entrance, change: dict[str, Any]) -> None:
    web, _ = await joined(entrance)
    answer = await proof(entrance, web, **{"auth_time": int(entrance.forger.now()), **change})
    assert answer.status_code == 403
    assert "proof" not in answer.json()


async def test_a_sign_in_that_the_provider_says_was_just_now_is_fresh_for_a_quarter_of_an_hour(
    entrance: Entrance,
) -> None:
    entrance.forge()
    made = await entrance.provider(**MEMBERS)
    entrance.forger.claims = {"groups": ["family"], "auth_time": int(entrance.forger.now())}
    web = await entrance.browser()
    await entrance.enter(web, made["id"], entrance.forger.allow)
    assert (await web.post("/api/tokens", json=DRAFT)).status_code == 201
    entrance.later += FRESH + timedelta(minutes=1)
    assert (await web.post("/api/tokens", json=DRAFT)).status_code == 403


async def test_nobody_guesses_the_password_of_who_has_none(entrance: Entrance) -> None:
    await joined(entrance)
    for guess in ("", "proof-", "mia", PASSWORD):
        answer = await entrance.web.post("/api/session", json={"username": "mia", "password": guess})
        assert answer.status_code in (401, 422)


# --- one's own ways -------------------------------------------------------------------------------------------------


async def test_the_only_way_in_is_not_taken_away_and_a_second_one_is(entrance: Entrance) -> None:
    web, _ = await joined(entrance)
    [link] = (await web.get("/api/openid/mine")).json()["links"]
    assert (await web.delete(f"/api/openid/links/{link['id']}")).status_code == 409
    ada = await entrance.owner()
    assert (await ada.delete(f"/api/openid/links/{link['id']}")).status_code == 404
    assert len((await web.get("/api/openid/mine")).json()["links"]) == 1


async def test_who_took_it_away_comes_in_by_it_no_more(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.owner()
    going = (await web.post("/api/openid/link", json={"provider": made["id"]})).json()
    await web.post("/api/openid/returned", json={"address": back(entrance.forger.allow(going["url"]))})
    [link] = (await web.get("/api/openid/mine")).json()["links"]
    assert (await web.delete(f"/api/openid/links/{link['id']}")).status_code == 204
    answer = await entrance.enter(await entrance.browser(), made["id"], entrance.forger.allow)
    assert answer.status_code == 403
    await entrance.house.settled("signin.unlinked")


async def test_an_old_sign_in_adds_no_way_without_the_password(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.owner()
    entrance.later += FRESH + timedelta(minutes=1)
    asked = await web.post("/api/openid/link", json={"provider": made["id"]})
    assert (asked.status_code, asked.json()["code"]) == (403, "sign_in_again")
    given = await web.post("/api/openid/link", json={"provider": made["id"], "password": PASSWORD})
    assert given.status_code == 200


async def test_who_is_erased_is_known_at_no_provider_any_more(entrance: Entrance) -> None:
    await joined(entrance)
    await entrance.house.store.write(lambda c: c.execute(text("DELETE FROM users WHERE username = 'mia'")))
    rows = await entrance.house.store.read(
        lambda c: [list(c.execute(text(f"SELECT * FROM {each}"))) for each in ("openid_links", "openid_people")]
    )
    assert rows == [[], []]


# --- the owner's ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"joins": "members"}, "claim"), ({"claim": "groups"}, "allowed"), ({"allowed": ["x"]}, "claim"),
        ({"claim": "email", "allowed": ["home.example"]}, "allowed"),
    ],
)  # fmt: skip
async def test_a_rule_that_lets_everybody_in_or_nobody_is_refused(
    entrance: Entrance, changes: dict[str, Any], field: str
) -> None:
    entrance.forge()
    draft = {"label": "Family ID", "issuer": ISSUER, "client_id": "house", **changes}
    answer = await (await entrance.owner()).post("/api/openid/providers", json=draft)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])


async def test_only_the_owner_sees_and_changes_providers_and_nobody_sees_the_secret(entrance: Entrance) -> None:
    web, provider = await joined(entrance)
    draft = {"label": "Mine", "issuer": "https://evil.example", "client_id": "x"}
    assert (await web.get("/api/openid/providers")).status_code == 403
    assert (await web.post("/api/openid/providers", json=draft)).status_code == 403
    assert (await web.put(f"/api/openid/providers/{provider}", json=draft)).status_code == 403
    assert (await web.delete(f"/api/openid/providers/{provider}")).status_code == 403
    shown = await (await entrance.owner()).get("/api/openid/providers")
    assert [(each["people"], each["has_secret"]) for each in shown.json()] == [(1, True)]
    public = await (await entrance.browser()).get("/api/openid")
    assert public.json() == [{"id": provider, "label": "Family ID"}]
    stored = await entrance.house.store.read(lambda c: str(list(c.execute(text("SELECT * FROM openid_providers")))))
    for each in (shown.text, public.text, stored, str(entrance.house.records)):
        assert SECRET not in each


async def test_a_provider_by_which_somebody_alone_comes_in_is_not_forgotten(entrance: Entrance) -> None:
    _, provider = await joined(entrance)
    ada = await entrance.owner()
    answer = await ada.delete(f"/api/openid/providers/{provider}")
    assert (answer.status_code, "1 of the people" in answer.json()["detail"]) == (409, True)
    changed = {
        "label": "X",
        "issuer": "https://other.example",
        "client_id": "house",
        "claim": "groups",
        "allowed": ["f"],
    }
    assert (await ada.put(f"/api/openid/providers/{provider}", json=changed)).status_code == 409


async def test_a_provider_that_was_forgotten_lets_nobody_in(entrance: Entrance) -> None:
    entrance.forge()
    made = await entrance.provider()
    web = await entrance.browser()
    going = (await web.post("/api/openid/enter", json={"provider": made["id"]})).json()
    ada = await entrance.owner()
    assert (await ada.delete(f"/api/openid/providers/{made['id']}")).status_code == 204
    address = back(entrance.forger.allow(going["url"]))
    assert (await web.post("/api/openid/entered", json={"address": address, "key": going["key"]})).status_code == 404
    assert (await web.post("/api/openid/enter", json={"provider": made["id"]})).status_code == 404
    assert (await web.get("/api/openid")).json() == []


async def test_an_old_sign_in_changes_no_provider_without_the_password(entrance: Entrance) -> None:
    entrance.forge()
    web = await entrance.owner()
    entrance.later += FRESH + timedelta(minutes=1)
    draft = {"label": "Family ID", "issuer": ISSUER, "client_id": "house"}
    assert (await web.post("/api/openid/providers", json=draft)).json()["code"] == "sign_in_again"
    assert (await web.post("/api/openid/providers", json={**draft, "password": PASSWORD})).status_code == 201


async def test_a_session_of_before_is_as_old_as_it_was(entrance: Entrance) -> None:
    opened = await _signed_in(entrance)
    await entrance.house.store.write(lambda c: c.execute(text("UPDATE sessions SET began = NULL")))
    me = await entrance.door.sessions.find(opened)
    assert me.began is not None
    with pytest.raises(InvalidRequest):
        await entrance.door.sessions.confirm(me, "proof-guessed", address=HOME)


async def _signed_in(entrance: Entrance) -> str:
    await entrance.door.owner()
    return (await entrance.door.sign_in()).token
