"""What a server may answer: other ways to sign in, packed and hostile bodies, weakened ETags, silence."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.caldav.account import CaldavAccount
from connectors.caldav.client import DavSession, _Password
from connectors.caldav.dav import NotDavError, parse_multistatus
from openassistant.errors import Conflict, DeadlineExceeded, OaError, RateLimited, Unavailable, UpstreamFailed

ACCOUNT = CaldavAccount(url="https://cloud.home.example/", username="ada")
URL = "https://cloud.home.example/ada/personal/a.ics"
Handler = Callable[[httpx.Request], httpx.Response]

HEAD = b'<?xml version="1.0"?><!DOCTYPE x [%s]><multistatus xmlns="DAV:">&b;</multistatus>'
BOMB = HEAD % b'<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">'
OUTSIDE = HEAD % b'<!ENTITY b SYSTEM "file:///etc/hostname">'


def client(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler), auth=_Password("ada", "not-a-real-password"))


async def failure(handler: Handler, verb: str = "put") -> OaError:
    async with client(handler) as http:
        session = DavSession(http, ACCOUNT, 5)
        with pytest.raises(OaError) as caught:
            await (session.put(URL, "x", etag='"1"') if verb == "put" else session.get(URL))
    return caught.value


async def test_digest_is_spoken_where_the_server_asks_for_it() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization", "nothing").split()[0])
        challenge = {"WWW-Authenticate": 'Digest realm="dav", nonce="abc", qop="auth", algorithm=MD5'}
        return httpx.Response(200, text="x") if seen[-1] == "Digest" else httpx.Response(401, headers=challenge)

    async with client(handler) as http:
        session = DavSession(http, ACCOUNT, 5)
        assert await session.get(URL) is not None
        assert await session.get(URL) is not None
    assert seen == ["Basic", "nothing", "Digest", "Digest"]


async def test_a_weakened_etag_is_given_back_as_the_server_made_it() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["if-match"])
        return httpx.Response(204)

    async with client(handler) as http:
        await DavSession(http, ACCOUNT, 5).delete(URL, etag='W/"1"')
    assert seen == ['"1"']


@pytest.mark.parametrize(
    ("status", "kind"), [(412, Conflict), (429, RateLimited), (500, UpstreamFailed), (503, Unavailable), (302, OaError)]
)
async def test_each_status_says_who_can_act(status: int, kind: type[OaError]) -> None:
    assert isinstance(await failure(lambda _: httpx.Response(status)), kind)


def _raising(error: type[httpx.TransportError]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    return handler


async def test_a_change_without_an_answer_may_have_happened_and_a_look_did_not() -> None:
    assert isinstance(await failure(_raising(httpx.ReadTimeout)), DeadlineExceeded)
    assert isinstance(await failure(_raising(httpx.ReadError)), UpstreamFailed)
    assert isinstance(await failure(_raising(httpx.ConnectTimeout)), Unavailable)
    assert isinstance(await failure(_raising(httpx.ReadTimeout), "get"), Unavailable)


async def test_a_server_that_sends_us_in_circles_is_left() -> None:
    round_ = await failure(lambda _: httpx.Response(301, headers={"location": URL}), "get")
    assert "in circles" in round_.message


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, b"", b"<html/>", b"<multistatus/>", b"\x00"])
def test_hostile_and_strange_bodies_are_refused(content: bytes) -> None:
    with pytest.raises(NotDavError):
        parse_multistatus(content)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda t: f"<multistatus xmlns='DAV:'>{t}</multistatus>".encode())
)
def test_every_body_is_read_or_refused(content: bytes) -> None:
    try:
        parse_multistatus(content)
    except NotDavError:
        return
