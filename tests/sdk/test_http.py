"""What a provider can do to the client, played by a real server on loopback: no leak, no hang, nothing twice."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from openassistant.connector import Connector, Context
from openassistant.context import utc_now
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.http import HttpClient, Refusal
from openassistant.origins import is_public
from openassistant.testing import FakeHouse
from tests.peers.certificates import Authority
from tests.sdk.web import Asked, Web, answer, serve

TOKEN = "Bearer not-a-real-token"
MAKE = Callable[..., HttpClient]


@pytest.fixture
async def other() -> AsyncIterator[Web]:
    """Another host: the same machine by another name."""
    async with serve() as web:
        yield web


class Naps(list[float]):
    """Pauses that a client asked for, passed at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
async def naps() -> Naps:
    return Naps()


@pytest.fixture
async def make(web: Web, naps: Naps) -> AsyncIterator[MAKE]:
    """Makes clients that may ask `web` by the address 127.0.0.1, signed in."""
    async with AsyncExitStack() as stack:

        def made(*, hosts: tuple[str, ...] | None = None, seconds: float = 10, **options: Any) -> HttpClient:
            deadline = utc_now() + timedelta(seconds=seconds)
            given: dict[str, Any] = {"deadline": deadline, "clock": utc_now, "sleep": naps, "private": (web.url(),)}
            client = HttpClient(hosts or (), **{**given, **options})
            client.authorize(SecretStr(TOKEN))
            stack.push_async_callback(client.__aexit__)
            return client

        yield made


async def to_loopback(host: str, port: int) -> list[str]:
    """A name server on which every name is this machine."""
    return ["127.0.0.1"]


# --- asking and reading -------------------------------------------------------------------------------------------


async def test_an_allowed_host_gets_the_authorization_and_the_body_comes_back(web: Web, make: MAKE) -> None:
    web.say("/things", answer(200, b'{"things": 3}', Content_Type="application/json"))
    got = await make().get(web.url("/things?a=1"), params={"q": "räume & mehr"})
    assert (got.status, got.json()) == (200, {"things": 3})
    assert got.headers["content-type"] == "application/json"
    assert web.asked[0].headers["authorization"] == TOKEN
    assert web.asked[0].headers["host"] == f"127.0.0.1:{web.port}"
    assert web.asked[0].target == "/things?a=1&q=r%C3%A4ume+%26+mehr"


async def test_json_and_forms_are_sent_as_what_they_are(web: Web, make: MAKE) -> None:
    web.say("/", answer(201))
    client = make()
    await client.post(web.url(), json={"a": [1]})
    await client.put(web.url(), form={"a": "1 2"})
    await client.request("REPORT", web.url(), content=b"<x/>", headers={"content-type": "application/xml"})
    assert [(each.headers["content-type"], each.body) for each in web.asked] == [
        ("application/json", b'{"a": [1]}'),
        ("application/x-www-form-urlencoded", b"a=1+2"),
        ("application/xml", b"<x/>"),
    ]


async def test_a_connection_serves_several_requests_and_cookies_are_not_kept(web: Web, make: MAKE) -> None:
    web.say("/", answer(200, b"x", Set_Cookie="session=1; Path=/"))
    client = make()
    await client.get(web.url())
    await client.get(web.url())
    assert web.connections == 1
    assert "cookie" not in web.asked[1].headers


async def test_a_packed_body_is_unpacked_also_in_several_members(web: Web, make: MAKE) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    web.say("/", answer(200, packed, Content_Encoding="gzip"))
    assert (await make().get(web.url())).text == "one two"


async def test_an_answer_to_head_has_no_body(web: Web, make: MAKE) -> None:
    web.say("/", b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\n\r\n")
    assert (await make().request("head", web.url())).content == b""


async def test_not_modified_is_an_answer(web: Web, make: MAKE) -> None:
    web.say("/", answer(304, ETag='"1"'))
    assert (await make().get(web.url())).status == 304


async def test_what_is_not_json_is_the_providers_fault(web: Web, make: MAKE) -> None:
    web.say("/", answer(200, b"<html>"), answer(200, b"[" * 200_000))
    client = make()
    for _ in range(2):
        got = await client.get(web.url())
        with pytest.raises(UpstreamFailed):
            got.json()


# --- where it may go ----------------------------------------------------------------------------------------------


async def test_a_host_that_is_not_on_the_list_is_not_asked(web: Web, other: Web, make: MAKE) -> None:
    with pytest.raises(Forbidden, match="may reach"):
        await make().get(other.url())
    with pytest.raises(Forbidden, match="may reach"):
        await make().get(web.url(host="localhost"))
    assert not other.asked
    assert not web.asked


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/hosts",
        "//127.0.0.1/",
        "http://",
        "http://ada:pw@127.0.0.1/",
        "http://a b/",
        "x",
    ],
)
async def test_what_is_no_plain_web_address_is_refused(make: MAKE, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await make().get(url)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_an_allowed_name_that_lies_inside_the_network_is_not_asked(web: Web, make: MAKE, host: str) -> None:
    url = web.url(host=host)
    with pytest.raises((Forbidden, Unavailable, InvalidRequest)):
        await make(hosts=(url,), private=()).get(url)
    assert web.connections == 0


async def test_a_public_name_that_also_has_an_inner_address_is_not_asked(web: Web, make: MAKE) -> None:
    async def rebinding(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "127.0.0.1"]

    url = web.url(host="rebinding.example")
    with pytest.raises(Forbidden, match="inside this network"):
        await make(hosts=(url,), private=(), resolver=rebinding).get(url)
    assert web.connections == 0


async def test_the_connection_goes_to_the_address_that_was_checked(web: Web, make: MAKE) -> None:
    asked: list[str] = []

    async def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    web.say("/", answer(200))
    url = web.url(host="cloud.home.example")
    await make(private=(url,), resolver=once).get(url)
    assert asked == ["cloud.home.example"]
    assert web.asked[0].headers["host"] == f"cloud.home.example:{web.port}"


async def test_the_next_address_is_tried_when_one_takes_no_connection(web: Web, make: MAKE) -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    web.say("/", answer(200, b"there"))
    url = web.url(host="cloud.home.example")
    assert (await make(private=(url,), resolver=two).get(url)).text == "there"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "198.18.0.1",
    ],
)  # fmt: skip
def test_an_inner_address_is_known_in_every_form(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


async def test_the_name_counts_in_tls_though_the_address_is_pinned(make: MAKE, authority: Authority) -> None:
    trust = authority.client_context()
    async with serve(tls=authority.good().context()) as good, serve(tls=authority.misnamed().context()) as misnamed:
        good.say("/", answer(200, b"private"))
        url = good.url(scheme="https", host="localhost")
        assert (await make(private=(url,), tls=trust, resolver=to_loopback).get(url)).text == "private"
        wrong = misnamed.url(scheme="https", host="localhost")
        with pytest.raises(Forbidden, match="certificate"):
            await make(private=(wrong,), tls=trust, resolver=to_loopback).get(wrong)
        assert not misnamed.asked


async def test_two_names_at_one_address_do_not_share_a_connection(make: MAKE, authority: Authority) -> None:
    trust = authority.client_context()
    async with serve(tls=authority.good().context()) as web:
        web.say("/", answer(200))
        good, wrong = (web.url(scheme="https", host=name) for name in ("localhost", "second.example"))
        client = make(private=(good, wrong), tls=trust, resolver=to_loopback)
        await client.get(good)
        with pytest.raises(Forbidden, match="certificate"):
            await client.get(wrong)
        assert len(web.asked) == 1


async def test_an_unsigned_request_takes_no_token_along(web: Web, make: MAKE) -> None:
    web.say("/up", answer(201))
    client, asked = make(), [False]

    async def sign_in(renew: bool) -> SecretStr:
        asked[0] = True
        return SecretStr(TOKEN)

    client.sign_in_by(sign_in)
    await client.put(web.url("/up"), content=b"piece", signed=False)
    assert "authorization" not in web.asked[0].headers
    web.say("/refused", answer(401))
    with pytest.raises(AccountRequired):
        await client.put(web.url("/refused"), content=b"piece", signed=False)
    assert not asked[0]


async def test_hosts_below_one_of_the_card_get_unsigned_requests_alone(make: MAKE, authority: Authority) -> None:
    reached: list[str] = []

    async def nowhere(host: str, port: int) -> list[str]:
        reached.append(host)
        return []

    client = make(hosts=("*.storage.example",), private=(), resolver=nowhere, tls=authority.client_context())
    with pytest.raises(Unavailable):
        await client.put("https://eu.storage.example/up", signed=False)
    for url in (
        "http://eu.storage.example/up",
        "https://eu.storage.example:8443/up",
        "https://storage.example/up",
        "https://evilstorage.example/up",
        "https://storage.example.evil.example/up",
    ):
        with pytest.raises(Forbidden, match="may reach"):
            await client.put(url, signed=False)
    with pytest.raises(Forbidden, match="may reach"):
        await client.put("https://eu.storage.example/up")
    assert reached == ["eu.storage.example"] * len(reached)


async def test_a_host_below_one_of_the_card_that_lies_inside_the_network_is_not_asked(make: MAKE) -> None:
    client = make(hosts=("*.storage.example",), private=(), resolver=to_loopback)
    with pytest.raises(Forbidden, match="inside this network"):
        await client.put("https://eu.storage.example/up", signed=False)


# --- redirects ----------------------------------------------------------------------------------------------------


def moved(to: str, status: int = 302) -> bytes:
    return answer(status, Location=to)


def reaching(web: Web, other: Web, make: MAKE) -> HttpClient:
    """A client that may ask `web` alone, for which `other` is a stranger at a public address."""
    client = make()
    client._private.add("localhost")  # there is no public address on loopback
    return client


async def test_a_redirect_to_another_host_loses_token_and_headers(web: Web, other: Web, make: MAKE) -> None:
    web.say("/file", moved(other.url("/file", host="localhost")))
    other.say("/file", answer(200, b"content"))
    headers = {"X-Api-Key": "not-a-real-key", "Cookie": "a=b", "Authorization": "Basic eA==", "Accept": "text/calendar"}
    got = await reaching(web, other, make).get(web.url("/file"), headers=headers)
    assert got.text == "content"
    assert got.url == other.url("/file", host="localhost")
    assert set(other.asked[0].headers) - {"connection"} == {"accept", "accept-encoding", "host", "user-agent"}
    assert other.asked[0].headers["accept"] == "text/calendar"


async def test_a_redirect_to_another_port_or_scheme_is_another_host(web: Web, other: Web, make: MAKE) -> None:
    web.say("/", moved(other.url("/")))
    other.say("/", answer(200))
    await make().get(web.url())
    assert "authorization" not in other.asked[0].headers


async def test_a_redirect_on_the_same_host_keeps_the_token(web: Web, make: MAKE) -> None:
    web.say("/old", moved("/new", 308))
    web.say("/new", answer(200, b"here"))
    got = await make().put(web.url("/old"), content=b"body")
    assert got.text == "here"
    assert (web.asked[1].method, web.asked[1].body, web.asked[1].headers["authorization"]) == ("PUT", b"body", TOKEN)


async def test_a_redirect_that_comes_back_stays_without_the_token(web: Web, other: Web, make: MAKE) -> None:
    web.say("/", moved(other.url("/", host="localhost")))
    other.say("/", moved(web.url("/delete-everything?really=yes")))
    web.say("/delete-everything", answer(200))
    await reaching(web, other, make).get(web.url())
    assert "authorization" not in web.asked[1].headers


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_not_carried_to_another_host(web: Web, other: Web, make: MAKE, status: int) -> None:
    web.say("/", moved(other.url("/", host="localhost"), status))
    with pytest.raises(UpstreamFailed, match="must not go"):
        await reaching(web, other, make).post(web.url(), json={"private": "text"})
    assert other.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_post_that_is_sent_elsewhere_becomes_a_get_without_a_body(web: Web, make: MAKE, status: int) -> None:
    web.say("/", moved("/done", status))
    web.say("/done", answer(200))
    await make().post(web.url(), json={"a": 1})
    assert (web.asked[1].method, web.asked[1].body) == ("GET", b"")
    assert "content-type" not in web.asked[1].headers


async def test_a_redirect_into_the_network_is_not_followed(web: Web, other: Web, make: MAKE) -> None:
    web.say("/", moved(other.url("/", host="localhost")))
    with pytest.raises(Forbidden, match="inside this network"):
        await make().get(web.url())
    assert other.connections == 0


@pytest.mark.parametrize("to", ["file:///etc/hosts", "gopher://127.0.0.1/", "http://ada:pw@127.0.0.1/", "http://["])
async def test_a_redirect_to_no_plain_address_is_the_providers_fault(web: Web, make: MAKE, to: str) -> None:
    web.say("/", moved(to))
    with pytest.raises(UpstreamFailed):
        await make().get(web.url())


async def test_a_redirect_out_of_tls_is_not_followed(web: Web, make: MAKE, authority: Authority) -> None:
    async with serve(tls=authority.good().context()) as safe:
        safe.say("/", moved(web.url("/", host="localhost")))
        url = safe.url(scheme="https", host="localhost")
        with pytest.raises(UpstreamFailed, match="must not go"):
            await make(private=(url,), tls=authority.client_context(), resolver=to_loopback).get(url)
    assert web.connections == 0


async def test_redirects_in_a_circle_end(web: Web, make: MAKE) -> None:
    web.say("/", moved("/"))
    with pytest.raises(UpstreamFailed, match="circles"):
        await make().get(web.url())
    assert len(web.asked) == 6


# --- sizes and times ----------------------------------------------------------------------------------------------


async def test_a_body_over_the_limit_is_refused(web: Web, make: MAKE) -> None:
    web.say("/", answer(200, b"x" * 1001), answer(200, b"x" * 1000))
    client = make()
    with pytest.raises(TooLarge):
        await client.get(web.url(), limit=1000)
    assert len((await client.get(web.url(), limit=1000)).content) == 1000


async def test_a_body_without_end_is_refused_at_the_limit(web: Web, make: MAKE) -> None:
    sent = 0

    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
            await writer.drain()

    web.pages["/"] = endless
    with pytest.raises(TooLarge):
        await make().get(web.url(), limit=1_000_000)
    assert sent < 20_000_000


async def test_a_gzip_bomb_stays_packed(web: Web, make: MAKE) -> None:
    import tracemalloc

    bomb = gzip.compress(bytes(200_000_000), compresslevel=1)
    web.say("/", answer(200, bomb, Content_Encoding="gzip"))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        await make().get(web.url(), limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip"])
async def test_a_form_that_was_not_asked_for_is_refused(web: Web, make: MAKE, coding: str) -> None:
    web.say("/", answer(200, b"x", Content_Encoding=coding))
    with pytest.raises(UpstreamFailed):
        await make().get(web.url())
    assert web.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_damaged_or_cut_packed_body_is_not_an_answer(web: Web, make: MAKE) -> None:
    packed = gzip.compress(b"many words " * 100)
    web.say("/bad", answer(200, b"no gzip at all", Content_Encoding="gzip"))
    web.say("/cut", answer(200, packed[:-12], Content_Encoding="gzip"))
    client = make()
    with pytest.raises(UpstreamFailed):
        await client.get(web.url("/bad"))
    with pytest.raises(Unavailable):
        await client.get(web.url("/cut"))


async def test_a_slow_body_hits_the_deadline(web: Web, make: MAKE) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    web.pages["/"] = drip
    async with asyncio.timeout(5):
        with pytest.raises(DeadlineExceeded, match="in time"):
            await make(seconds=0.4).get(web.url())


async def test_silence_after_a_post_is_said_to_be_open(web: Web, make: MAKE) -> None:
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    web.pages["/"] = silent
    with pytest.raises(DeadlineExceeded, match="may have happened"):
        await make(seconds=0.4).post(web.url(), json={})
    assert len(web.asked) == 1


async def test_after_the_deadline_nothing_is_asked(web: Web, make: MAKE) -> None:
    with pytest.raises(DeadlineExceeded):
        await make(seconds=-1).get(web.url())
    assert web.connections == 0


# --- errors and retries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequest), (401, AccountRequired), (403, Forbidden), (404, NotFound), (405, InvalidRequest),
        (408, UpstreamFailed), (409, Conflict), (410, NotFound), (412, Conflict), (413, TooLarge),
        (422, InvalidRequest), (451, Forbidden), (500, UpstreamFailed), (502, UpstreamFailed),
        (503, UpstreamFailed), (504, UpstreamFailed), (507, UpstreamFailed),
        (300, UpstreamFailed), (302, UpstreamFailed), (226, None),
    ],
)  # fmt: skip
async def test_a_post_is_sent_once_whatever_comes_back(
    web: Web, make: MAKE, status: int, error: type[OaError] | None
) -> None:
    web.say("/", answer(status, b"a secret detail of the provider", Retry_After="0"))
    raised: OaError | None = None
    try:
        await make().post(web.url(), json={})
    except OaError as reason:
        raised = reason
    assert type(raised) is (error or type(None))
    assert len(web.asked) == 1
    assert "secret detail" not in str(raised)
    assert raised is None or raised.details == {"status": status, "host": "127.0.0.1"}


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PROPFIND"])
async def test_a_read_is_tried_again_after_what_passes(web: Web, make: MAKE, status: int, method: str) -> None:
    web.say("/", answer(status), answer(status), answer(200, b"at last"))
    assert (await make().request(method, web.url())).text == "at last"
    assert len(web.asked) == 3


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, Unavailable)])
async def test_a_read_is_given_up_after_three_attempts(
    web: Web, make: MAKE, naps: Naps, status: int, error: type[OaError]
) -> None:
    web.say("/", answer(status))
    with pytest.raises(error):
        await make().get(web.url())
    assert len(web.asked) == 3
    assert 0.5 <= naps[0] <= 1
    assert 1 <= naps[1] <= 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("hours", "words"), [(-3, "3 hours ahead"), (50, "2 days behind"), (-0.5, "30 minutes ahead")])
async def test_a_refusal_by_a_server_with_another_time_is_put_down_to_the_clock(
    web: Web, make: MAKE, status: int, hours: float, words: str
) -> None:
    there = format_datetime(utc_now() + timedelta(hours=hours), usegmt=True)
    web.say("/", answer(status, b"{}", Date=there))
    with pytest.raises(OaError, match=words) as raised:
        await make().get(web.url())
    assert (raised.value.details["reason"], raised.value.details["status"]) == ("clock_wrong", status)


@pytest.mark.parametrize("date", [lambda: format_datetime(utc_now(), usegmt=True), lambda: "yesterday", lambda: ""])
async def test_a_refusal_by_a_server_with_our_time_or_none_is_not(
    web: Web, make: MAKE, date: Callable[[], str]
) -> None:
    web.say("/", answer(403, b"{}", Date=date()))
    with pytest.raises(Forbidden) as raised:
        await make().get(web.url())
    assert "reason" not in raised.value.details


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
async def test_what_does_not_pass_is_not_tried_again(web: Web, make: MAKE, status: int) -> None:
    web.say("/", answer(status))
    with pytest.raises(OaError):
        await make().get(web.url())
    assert len(web.asked) == 1


async def test_a_put_is_tried_again_after_a_pause_that_was_asked_for_alone(web: Web, make: MAKE) -> None:
    web.say("/busy", answer(429, Retry_After="1"), answer(204))
    web.say("/gone", answer(503))
    await make().put(web.url("/busy"), content=b"x")
    with pytest.raises(UpstreamFailed, match="may have happened"):
        await make().put(web.url("/gone"), content=b"x")
    assert [each.target for each in web.asked] == ["/busy", "/busy", "/gone"]


async def test_a_post_that_was_put_off_before_it_did_anything_is_sent_again(web: Web, make: MAKE, naps: Naps) -> None:
    web.say("/", answer(429, Retry_After="3"), answer(201, b"made"))
    assert (await make().post(web.url(), json={"a": 1})).text == "made"
    assert [each.body for each in web.asked] == [b'{"a": 1}'] * 2
    assert 3 <= sum(naps) <= 3.25


async def test_what_a_provider_says_beside_the_status_is_read_by_who_knows_it(web: Web, make: MAKE) -> None:
    seen: list[Refusal] = []

    def explain(refusal: Refusal) -> OaError | None:
        seen.append(refusal)
        return NotFound("Gone for good.") if refusal.json() == {"why": "gone"} else None

    http = make()
    http.explain_by(explain)
    web.say("/gone", answer(400, b'{"why": "gone"}', X_Case="a"))
    web.say("/plain", answer(400, b"{nonsense"))
    web.say("/long", answer(400, b"x" * 70_000))
    with pytest.raises(NotFound, match="Gone for good"):
        await http.get(web.url("/gone"))
    for page in ("/plain", "/long"):
        with pytest.raises(InvalidRequest):
            await http.get(web.url(page))
    assert [(each.method, each.status, each.json()) for each in seen] == [
        ("GET", 400, {"why": "gone"}), ("GET", 400, None), ("GET", 400, None),
    ]  # fmt: skip
    assert seen[0].headers["x-case"] == "a"
    assert len(seen[2].content) <= 64 * 1024


async def test_statuses_that_are_answers_here_are_given_as_answers(web: Web, make: MAKE) -> None:
    web.say("/", answer(308, Range="bytes=0-99"))
    found = await make().put(web.url(), content=b"part", also=(308,))
    assert (found.status, found.headers["range"]) == (308, "bytes=0-99")


async def test_a_large_body_goes_piece_by_piece_and_nothing_of_it_twice(web: Web, make: MAKE) -> None:
    pieces: list[bytes] = []

    async def into(piece: bytes) -> None:
        pieces.append(piece)

    whole = bytes(range(256)) * 4096
    web.say("/", answer(503, b"not this"), answer(200, whole))
    found = await make().get(web.url(), into=into)
    assert (found.content, b"".join(pieces) == whole) == (b"", True)
    assert len(pieces) > 1

    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, whole)[:-100])
        await writer.drain()
        raise ConnectionResetError

    pieces.clear()
    web.pages["/"] = cut
    with pytest.raises(Unavailable):
        await make().get(web.url(), into=into)
    assert (len(pieces) > 0, len(web.asked)) == (True, 3)
    assert whole.startswith(b"".join(pieces))
    web.say("/", answer(200, whole))
    with pytest.raises(TooLarge):
        await make().get(web.url(), into=into, limit=1000)


async def test_a_parameter_may_have_several_values(web: Web, make: MAKE) -> None:
    web.say("/", answer())
    await make().get(web.url(), params={"label": ["a", "b"], "q": "x y"})
    assert web.asked[0].target == "/?label=a&label=b&q=x+y"


async def test_the_providers_delay_is_honoured_in_seconds_and_as_a_date(web: Web, make: MAKE, naps: Naps) -> None:
    web.say("/", answer(429, Retry_After="7"), answer(503, Retry_After="Mon, 23 Nov 2026 12:00:09 GMT"), answer(200))
    now = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
    await make(clock=lambda: now, deadline=now + timedelta(seconds=60)).get(web.url())
    assert 7 <= naps[0] <= 7.25
    assert 9 <= naps[1] <= 9.25


@pytest.mark.parametrize("value", ["3600", "Mon, 23 Nov 2099 12:00:09 GMT"])
async def test_a_delay_past_the_deadline_is_answered_at_once(web: Web, make: MAKE, naps: Naps, value: str) -> None:
    web.say("/", answer(429, Retry_After=value))
    with pytest.raises(RateLimited) as caught:
        await make().get(web.url())
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 3600
    assert (len(web.asked), naps) == (1, [])


@pytest.mark.parametrize("value", ["soon", "-5", "Mon, 99 Foo", "", "1e9"])
async def test_a_delay_that_cannot_be_read_is_none(web: Web, make: MAKE, value: str) -> None:
    web.say("/", answer(429, Retry_After=value))
    with pytest.raises(RateLimited) as caught:
        await make().get(web.url())
    assert caught.value.retry_after is None


async def test_a_broken_connection_is_tried_again_for_a_read_and_open_for_a_post(web: Web, make: MAKE) -> None:
    async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.close()
        raise ConnectionResetError

    web.pages["/"] = hang_up
    with pytest.raises(Unavailable, match="broke the connection off"):
        await make().get(web.url())
    assert len(web.asked) == 3
    with pytest.raises(UpstreamFailed, match="may have happened"):
        await make().post(web.url(), json={})
    assert len(web.asked) == 4


async def test_a_body_that_ends_early_is_not_an_answer(web: Web, make: MAKE) -> None:
    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        raise ConnectionResetError

    web.pages["/"] = cut
    with pytest.raises(Unavailable):
        await make().get(web.url())


async def test_a_closed_port_and_an_unknown_name_are_unavailable(make: MAKE) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(Unavailable, match="cannot be reached"):
            await make(private=(closed,)).post(closed, json={})
    with pytest.raises(Unavailable, match="no server named"):
        await make(hosts=("nowhere.example",)).get("https://nowhere.example/")


async def test_a_header_that_would_begin_another_is_refused(web: Web, make: MAKE) -> None:
    with pytest.raises(InvalidRequest):
        await make().get(web.url(), headers={"X-Note": "a\r\nX-Other: b"})
    assert not web.asked


async def test_hosts_may_be_names_names_with_ports_or_urls_and_nonsense_allows_nothing(make: MAKE) -> None:
    client = make(hosts=("api.example", "api.example:8443", "http://plain.example:8080/path", "not a host", ""))
    assert {tuple(each) for each in client._allowed} >= {
        ("https", "api.example", 443),
        ("https", "api.example", 8443),
        ("http", "plain.example", 8080),
    }
    assert len(client._allowed) == 4


# --- as a tool gets it --------------------------------------------------------------------------------------------

MANIFEST = """
id = "things"
name = "Things"
version = "1"
host_settings = ["server"]
[settings.server]
type = "string"
"""


async def test_a_tool_may_reach_the_server_that_its_account_names_and_no_other(
    web: Web, other: Web, tmp_path: Path
) -> None:
    (tmp_path / "manifest.toml").write_text(MANIFEST)
    connector = Connector(tmp_path / "tools.py")

    async def things_read(ctx: Context, url: str) -> str:
        """Read a thing."""
        await ctx.credentials()
        return (await ctx.http.get(url)).text

    connector.tool(effect="read")(things_read)
    web.say("/dav/thing", answer(200, b"a thing"))
    async with FakeHouse(connector) as house:
        house.connect("Ada's things", {"server": web.url("/dav/")})
        assert await house.call("things_read", url=web.url("/dav/thing")) == "a thing"
        with pytest.raises(Forbidden, match="may reach"):
            await house.call("things_read", url=other.url("/"))
    assert other.connections == 0
