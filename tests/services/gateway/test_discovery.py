"""Model servers on this machine are found at once, and nothing that answers there can do harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from services.gateway.discovery import USUAL, Candidate, Discovery
from tests.peers.model import ModelServer
from tests.sdk.web import Asked, Web, answer, serve


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serve() as web:
        yield web


def at(web: Web, listing: str = "/v1/models") -> Candidate:
    return Candidate("A server", web.url(""), listing)


async def names(*candidates: Candidate) -> list[tuple[str, ...]]:
    return [each.models for each in await Discovery(candidates=candidates).servers()]


async def test_a_server_that_speaks_openai_is_found_with_its_address_and_models() -> None:
    with ModelServer() as server:
        discovery = Discovery(candidates=[Candidate("Peer", server.url.removesuffix("/v1"))])
        found = await discovery.servers()
    assert [(each.name, each.base_url, each.models) for each in found] == [("Peer", server.url, ("scripted",))]


async def test_ollama_is_found_by_its_own_list_and_used_by_openais_address(web: Web) -> None:
    web.say("/api/tags", answer(200, json.dumps({"models": [{"name": "llama3.1:8b", "model": "x"}]}).encode()))
    found = await Discovery(candidates=[at(web, "/api/tags")]).servers()
    assert (found[0].base_url, found[0].models) == (web.url("/v1"), ("llama3.1:8b",))


RUBBISH = [
    answer(404),
    answer(200, b"<html>"),
    answer(200, b'{"data": 7}'),
    answer(200, b'{"data": [1, {"id": 2}, {"id": "a\\nb"}, {"id": ""}, {"id": "' + b"x" * 300 + b'"}]}'),
    answer(302, Location="http://127.0.0.1:1/v1/models"),
    answer(200, b"\xff\xfe", Content_Encoding="br"),
    b"not HTTP\r\n\r\n",
    b"",
]


@pytest.mark.parametrize("said", RUBBISH)
async def test_what_is_no_model_server_is_left_out(web: Web, said: bytes) -> None:
    web.say("/v1/models", said)
    assert await names(at(web)) == []


async def test_nobody_at_home_is_no_error() -> None:
    async with serve() as gone:
        pass
    assert await names(at(gone)) == []


async def test_a_silent_server_holds_the_others_up_for_half_a_second_at_most(web: Web) -> None:
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    web.pages["/v1/models"] = silent
    with ModelServer() as server:
        async with asyncio.timeout(2):
            found = await names(at(web), at(web), Candidate("Peer", server.url.removesuffix("/v1")), at(web))
    assert found == [("scripted",)]


async def test_many_who_look_at_once_ask_once(web: Web) -> None:
    web.say("/v1/models", answer(200, b'{"data": [{"id": "tiny"}]}'))
    discovery = Discovery(candidates=[at(web)])
    await asyncio.gather(*(discovery.servers() for _ in range(5)))
    assert len(web.asked) == 1
    assert "authorization" not in web.asked[0].headers


async def test_what_was_found_is_looked_for_again_later(web: Web) -> None:
    web.say("/v1/models", answer(404), answer(200, b'{"data": [{"id": "tiny"}]}'))
    discovery = Discovery(candidates=[at(web)], kept=0)
    assert await discovery.servers() == ()
    assert len(await discovery.servers()) == 1


async def test_the_house_does_not_take_itself_for_a_model_server(web: Web) -> None:
    web.say("/v1/models", answer(200, b'{"data": [{"id": "tiny"}]}'))
    assert await Discovery(candidates=[at(web)], own_port=web.port).servers() == ()
    assert web.connections == 0


def test_the_usual_servers_are_looked_for_on_this_machine_alone() -> None:
    assert {each.origin.rpartition(":")[0] for each in USUAL} == {"http://127.0.0.1"}
