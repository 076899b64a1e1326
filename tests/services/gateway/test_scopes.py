"""Which credential opens which route, asked of the whole application: deny by default, and no way around."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Route

from services.gateway import scopes
from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.routes import doors
from services.gateway.scopes import ALL, NOBODY, SCOPES, SESSION, TABLE, Scope
from services.gateway.sessions import FRESH
from services.gateway.settings import GatewaySettings
from tests.e2e.probes import OWNER_SEES, PROBES
from tests.services.gateway.door import PASSWORD, Door
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.wire import raw, serving

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "api.md"
UNKNOWN = "oa_" + "0" * 64
KEPT_FROM_TOKENS = {"GET /api/tokens", "POST /api/tokens", "DELETE /api/tokens/{token}", "GET /api/sessions"}


def app_of(door: Door, folder: Path) -> FastAPI:
    """The application with its sessions, tokens and approvals; every other part is missing, and must not be reached."""
    room = GatewaySettings(nkey_file=folder, data_dir=folder, signing_key_file=folder, web_dir=folder)
    parts = SimpleNamespace(sessions=door.sessions, tokens=door.tokens, approvals=door.house.approvals)
    return create_app(cast(Gateway, parts), room)


@pytest.fixture
def door(house: GatewayHouse) -> Door:
    return Door(house)


@pytest.fixture
def app(door: Door, tmp_path: Path) -> FastAPI:
    return app_of(door, tmp_path)


@pytest.fixture
async def web(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
        yield client


def routes_of(found: Iterable[Any]) -> Iterator[Any]:
    """Every route, also those of included routers."""
    for each in found:
        inner = getattr(each, "original_router", None)
        yield from routes_of(inner.routes) if inner else [each]


def names_of(app: FastAPI) -> list[str]:
    """Every route as its row is named; HEAD beside GET is the same route."""
    found = [(route.methods - {"HEAD"}, route.path) for route in routes_of(app.routes)]
    return [f"{method} {path}" for methods, path in found for method in sorted(methods)]


def asks_who(dependant: Dependant) -> bool:
    """Whether a route asks who comes."""
    return any(each.call is doors._signed_in or asks_who(each) for each in dependant.dependencies)


def authorized(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def filled(route: str) -> tuple[str, str]:
    method, path = route.split(" ")
    return method, re.sub(r"\{\w+\}", "a" * 32, path)


# --- the table ------------------------------------------------------------------------------------------------------


def test_every_route_has_exactly_one_row_and_every_row_a_route(app: FastAPI) -> None:
    assert sorted(names_of(app)) == sorted(TABLE)


def test_nothing_listens_beside_the_routes(app: FastAPI) -> None:
    assert {type(each) for each in routes_of(app.routes)} <= {APIRoute, Route}


def test_a_row_is_open_exactly_where_the_route_asks_nobody(app: FastAPI) -> None:
    routes = [each for each in routes_of(app.routes) if isinstance(each, APIRoute)]
    asking = {f"{method} {each.path}" for each in routes for method in each.methods or () if asks_who(each.dependant)}
    assert {route for route, row in TABLE.items() if row is not NOBODY} == asking


def test_every_route_is_tried_in_another_persons_name() -> None:
    assert sorted(PROBES) == sorted(TABLE)
    open_to_all = {route for route, probe in PROBES.items() if probe.kind == "open"}
    assert open_to_all == {route for route, row in TABLE.items() if row is NOBODY}
    assert set(PROBES) > OWNER_SEES


def test_a_route_without_a_row_lets_no_token_in() -> None:
    assert scopes.allowed("GET", "/api/forgotten") == frozenset()
    assert scopes.allowed("PATCH", "/api/conversations") == frozenset()


def test_the_guide_holds_the_table_as_it_is() -> None:
    assert scopes.table() in GUIDE.read_text()


def test_the_document_says_what_opens_each_operation(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert paths["/api/approvals/{approval}"]["post"]["security"] == [{"session": []}, {"token": ["approve"]}]
    assert paths["/api/tokens"]["post"]["security"] == [{"session": []}]
    assert paths["/healthz"]["get"]["security"] == []


# --- tokens at the door ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_token_is_turned_away_from_every_route_it_was_not_made_for(
    door: Door, web: httpx.AsyncClient, scope: Scope
) -> None:
    made = await door.make(await door.signed_in(), scope)
    closed = [route for route, row in TABLE.items() if row is not None and scope not in row]
    answers = {}
    for route in closed:
        method, path = filled(route)
        answers[route] = await web.request(method, path, headers=authorized(made.token))
    assert {each.status_code for each in answers.values()} == {403}
    assert all('"scope_missing"' in each.text for each in answers.values())
    for route, answer in answers.items():
        wanted = scopes.in_order(TABLE[route] or ())
        assert all(f"“{each}”" in answer.text for each in wanted)
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert set(answers) > KEPT_FROM_TOKENS


async def test_a_token_opens_what_it_was_made_for(door: Door, web: httpx.AsyncClient) -> None:
    me = await door.signed_in()
    door.house.become(me)
    made = await door.make(me, "approve")
    answer = await web.get("/api/approvals", headers=authorized(made.token))
    assert (answer.status_code, answer.json()) == (200, [])
    who = await web.get("/api/session", headers=authorized(made.token))
    assert who.json()["user"]["username"] == "Ada"


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {UNKNOWN}", "Bearer", "Bearer ", "bearer x", "BEARER\tx", "Bearer a b", f"Bearer {UNKNOWN}, Bearer x",
        "Bearer oa_\xe9",
    ],
)  # fmt: skip
async def test_a_token_that_is_none_is_refused_as_the_standard_says(
    door: Door, web: httpx.AsyncClient, header: str
) -> None:
    await door.signed_in()
    answer = await web.get("/api/conversations", headers=[(b"Authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_revoked_and_ended_tokens_are_told_apart_by_nobody(door: Door, web: httpx.AsyncClient) -> None:
    me = await door.signed_in()
    revoked, ended = await door.make(me, "chat"), await door.make(me, "chat", days=1)
    await door.tokens.revoke(me, revoked.id)
    door.house.time += timedelta(days=2)
    answers = [
        await web.get("/api/conversations", headers=authorized(each)) for each in (revoked.token, ended.token, UNKNOWN)
    ]
    assert len({each.text for each in answers}) == 1
    assert [each.status_code for each in answers] == [401] * 3
    assert answers[0].headers["www-authenticate"] == 'Bearer realm="open-assistant", error="invalid_token"'


async def test_two_tokens_in_one_request_are_none(door: Door, app: FastAPI) -> None:
    made = await door.make(await door.signed_in(), "chat", "approve")
    line = f"Authorization: Bearer {made.token}"
    async with serving(app) as port:
        status, _ = await raw(port, "GET /api/approvals HTTP/1.1", "Host: localhost", line, line)
    assert status == 401


async def test_a_token_in_the_address_or_in_a_form_is_not_looked_at(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), "chat")
    answers = [
        await web.get("/api/approvals", params={"access_token": made.token}),
        await web.get("/api/approvals", headers={"Authorization": f"Basic {made.token}"}),
        await web.get("/api/approvals", headers={"Cookie": f"oa={made.token}"}),
    ]
    assert [each.status_code for each in answers] == [401] * 3


async def test_without_any_credential_the_answer_says_which_would_do(web: httpx.AsyncClient) -> None:
    answer = await web.get("/api/approvals")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="open-assistant"')


async def test_a_body_that_is_not_json_is_told_to_a_token_too(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), "approve")
    headers = {**authorized(made.token), "Content-Type": "application/json"}
    answer = await web.post(f"/api/approvals/{'a' * 32}", content=b'{"decision":', headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not JSON.")


# --- tokens and cookies ---------------------------------------------------------------------------------------------


async def test_a_request_with_both_has_the_tokens_authority_alone(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), "chat")
    cookie = {"Cookie": f"oa={(await door.sign_in()).token}"}
    assert (await web.get("/api/sessions", headers=cookie)).status_code == 200
    for token in (made.token, UNKNOWN, ""):
        answer = await web.get("/api/sessions", headers={**cookie, **authorized(token)})
        assert answer.status_code in {401, 403}


async def test_a_proxys_own_password_does_not_hide_the_cookie(door: Door, web: httpx.AsyncClient) -> None:
    await door.owner()
    cookie = {"Cookie": f"oa={(await door.sign_in()).token}"}
    answer = await web.get("/api/sessions", headers={**cookie, "Authorization": "Basic YWRhOmZha2U="})
    assert answer.status_code == 200


async def test_a_sign_in_that_comes_with_a_token_ends_no_session(door: Door, web: httpx.AsyncClient) -> None:
    me = await door.signed_in()
    opened = await door.sign_in()
    headers = {"Cookie": f"oa={opened.token}", **authorized(UNKNOWN)}
    answer = await web.post("/api/session", json={"username": "ada", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 200
    assert await door.sessions.lives(opened.session)
    assert await door.sessions.lives(me.session)


async def test_a_program_needs_no_page_of_ours_but_a_name_of_the_house(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), "approve")
    elsewhere = {"Origin": "https://tool.example", "Sec-Fetch-Site": "cross-site", **authorized(made.token)}
    assert (await web.get("/api/session", headers=elsewhere)).status_code == 200
    rebound = await web.get("/api/session", headers={**elsewhere, "Host": "rebound.example"})
    assert rebound.status_code == 421


async def test_a_page_of_another_site_gets_no_leave_to_send_a_token(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), "chat")
    asking = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    wanted = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for extra in ({}, authorized(made.token)):
        answer = await web.options("/api/session", headers={**asking, **wanted, **extra})
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    read = await web.get("/api/session", headers={**asking, **authorized(made.token)})
    assert not [name for name in read.headers if name.startswith("access-control")]


# --- making tokens over HTTP ----------------------------------------------------------------------------------------


async def test_a_browser_makes_a_token_and_revokes_it(door: Door, web: httpx.AsyncClient) -> None:
    await door.owner()
    web.cookies.set("oa", (await door.sign_in()).token)
    made = await web.post("/api/tokens", json={"name": "laptop", "scopes": ["chat"], "expires_in_days": 7})
    assert made.status_code == 201
    assert set(made.json()) >= {"id", "token", "name", "scopes", "created_at", "expires_at"}
    (listed,) = (await web.get("/api/tokens")).json()
    assert (listed["name"], "token" in listed) == ("laptop", False)
    assert (await web.delete(f"/api/tokens/{listed['id']}")).status_code == 204
    assert (await web.get("/api/tokens")).json() == []


async def test_an_old_sign_in_is_asked_for_the_password_by_a_code(door: Door, web: httpx.AsyncClient) -> None:
    await door.owner()
    web.cookies.set("oa", (await door.sign_in()).token)
    door.house.time += FRESH + timedelta(minutes=1)
    answer = await web.post("/api/tokens", json={"name": "laptop", "scopes": ["approve"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_again")
    wrong = await web.post("/api/tokens", json={"name": "laptop", "scopes": ["approve"], "password": "a guess"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["password"])
    right = await web.post("/api/tokens", json={"name": "laptop", "scopes": ["approve"], "password": PASSWORD})
    assert right.status_code == 201


async def test_nobody_makes_a_token_with_a_token(door: Door, web: httpx.AsyncClient) -> None:
    made = await door.make(await door.signed_in(), *SCOPES)
    draft = {"name": "another", "scopes": ["chat"], "password": PASSWORD}
    answer = await web.post("/api/tokens", json=draft, headers=authorized(made.token))
    assert (answer.status_code, answer.json()["detail"]) == (403, "No token can do this; sign in instead.")
    assert TABLE["POST /api/tokens"] is SESSION
    assert TABLE["GET /api/session"] is ALL
