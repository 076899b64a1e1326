"""The door for providers over a real server: whole bodies, no cookie, no page, and the same words for all who guess."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from openassistant.hooks import LARGEST_HOOK, HookAnswer
from openassistant.messages import HookCard, card_digest
from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.guard import BODY_LIMIT
from services.gateway.settings import GatewaySettings
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.gateway.test_hooks import Street
from tests.services.gateway.wire import raw, serving

CARD = POST.model_copy(update={"hook": HookCard(headers=("x-signature",), largest=LARGEST_HOOK - 1000)})


@pytest.fixture
async def street(house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street(house)
    monkeypatch.setattr(house.connectors, "usable", lambda _: (CARD, card_digest(CARD)))
    monkeypatch.setattr(house.connectors, "remembered", lambda name: [CARD] if name == "post" else [POST])
    await made.start()
    return made


@pytest.fixture
async def port(street: Street, tmp_path: Path) -> AsyncIterator[int]:
    room = GatewaySettings(nkey_file=tmp_path, data_dir=tmp_path, signing_key_file=tmp_path, web_dir=tmp_path)
    async with serving(create_app(cast(Gateway, SimpleNamespace(door=street.door)), room)) as port:
        yield port


@pytest.fixture
async def web(port: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        yield web


async def path_of(street: Street) -> str:
    return "/hooks/{}/{}".format(*await street.address())


async def test_every_byte_comes_through_as_it_was_sent(street: Street, web: httpx.AsyncClient) -> None:
    body = bytes(range(256)) * 12_000
    answer = await web.post(await path_of(street), content=body, headers={"X-Signature": "sha256=ab"})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(body) > BODY_LIMIT
    assert hashlib.sha256(street.heard[0].body).digest() == hashlib.sha256(body).digest()
    assert street.heard[0].headers == {"x-signature": "sha256=ab"}


async def test_a_challenge_comes_back_as_the_connector_says_it(street: Street, web: httpx.AsyncClient) -> None:
    street.answer = HookAnswer(text="<b>1158201444</b>")
    answer = await web.get(await path_of(street), params={"hub.mode": "subscribe", "hub.challenge": "1158201444"})
    assert answer.text == "<b>1158201444</b>"
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
        "text/plain; charset=utf-8", "nosniff",
    )  # fmt: skip
    assert street.heard[0].query == {"hub.mode": "subscribe", "hub.challenge": "1158201444"}


async def test_no_cookie_is_looked_at_and_none_is_set(street: Street, web: httpx.AsyncClient) -> None:
    answer = await web.post(await path_of(street), content=b"{}", headers={"Cookie": "oa=planted"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "cookie" not in street.heard[0].headers


async def test_what_is_too_large_is_refused_before_and_while_it_comes(street: Street, port: int) -> None:
    path = await path_of(street)
    status, _ = await raw(port, f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {LARGEST_HOOK + 1}")
    assert status == 413
    body = b"x" * (LARGEST_HOOK - 999)
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}")
    assert (await raw(port, *lines, body=body))[0] == 413
    assert street.heard == []


async def test_whoever_guesses_hears_the_same_whatever_is_there(street: Street, web: httpx.AsyncClient) -> None:
    connector, token = await street.address()
    wrong = [f"/hooks/{connector}/{'x' * 43}", f"/hooks/nobody/{token}", f"/hooks/{connector}/{token}x"]
    answers = [await web.post(each, content=b"{}") for each in wrong]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, "Nothing is here.\n")}
    assert street.heard == []


async def test_a_body_of_whoever_guesses_is_not_waited_for(street: Street, port: int) -> None:
    path = f"/hooks/post/{'x' * 43}"
    asking = raw(port, f"POST {path} HTTP/1.1", "Host: localhost", "Content-Length: 1000000", body=b"x")
    status, _ = await asyncio.wait_for(asking, 5)
    assert status == 404


async def test_a_refusal_is_403_and_says_no_more(street: Street, web: httpx.AsyncClient) -> None:
    street.answer = HookAnswer(status=403)
    answer = await web.post(await path_of(street), content=b"{}")
    assert (answer.status_code, answer.text) == (403, "")


async def test_a_house_that_is_busy_names_a_time_to_come_again(street: Street, web: httpx.AsyncClient) -> None:
    path = await path_of(street)
    for _ in range(200):
        street.door._opened.take(street.house.account.id)
    answer = await web.post(path, content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_no_other_method_is_known(street: Street, web: httpx.AsyncClient, method: str) -> None:
    assert (await web.request(method, await path_of(street))).status_code == 405


async def test_a_page_of_another_site_cannot_send_here(street: Street, web: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    assert (await web.post(await path_of(street), content=b"{}", headers=headers)).status_code == 403
    assert street.heard == []
