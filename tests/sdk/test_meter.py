"""What is counted, as whose, and what becomes of it: never more than went out, never another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openassistant.connector import Connector, Context
from openassistant.context import utc_now
from openassistant.errors import OaError
from openassistant.http import HttpClient
from openassistant.messages import AuditAction, Traffic
from openassistant.meter import Meter, MeteredClient, Place, count, measuring, place_of, reach_of
from openassistant.testing import FakeHouse
from tests.peers.wire import Wire
from tests.sdk.web import Web, answer, serve

_PLACE = Place("api.example.com", 443, "public")


def _client(*urls: str) -> HttpClient:
    return HttpClient((), deadline=utc_now() + timedelta(seconds=10), clock=utc_now, private=urls)


async def test_http_is_counted_as_it_goes_over_the_wire(web: Web) -> None:
    web.say("/things", answer(200, b"x" * 70_000))
    async with Wire(web.port) as wire:
        url = f"http://127.0.0.1:{wire.port}"
        with measuring(Meter()) as meter:
            async with _client(url) as http:
                await http.post(f"{url}/things", json={"about": "bicycles"})
        await wire.quiet()
    assert meter.take() == (
        Traffic(host="127.0.0.1", port=wire.port, reach="machine", bytes_out=wire.out, bytes_in=wire.back),
    )
    assert wire.back > 70_000


async def test_a_place_is_the_name_that_was_asked_for_and_not_its_address(web: Web) -> None:
    web.say("/", answer())
    with measuring(Meter()) as meter:
        async with _client(web.url(host="localhost")) as http:
            await http.get(web.url(host="localhost"))
    assert [(each.host, each.port, each.reach) for each in meter.take()] == [("localhost", web.port, "machine")]


async def test_each_hop_of_a_redirect_is_a_place_of_its_own(web: Web) -> None:
    async with serve() as other:
        other.say("/there", answer(200, b"here"))
        web.say("/", answer(302, Location=other.url("/there", host="localhost")))
        with measuring(Meter()) as meter:
            async with _client(web.url(), other.url(host="localhost")) as http:
                await http.get(web.url())
    assert {(each.host, each.port) for each in meter.take()} == {("127.0.0.1", web.port), ("localhost", other.port)}


async def test_a_request_that_fails_counts_what_was_sent(web: Web) -> None:
    async def cut(asked: object, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    web.pages["/"] = cut
    with measuring(Meter()) as meter:
        async with _client(web.url()) as http:
            with pytest.raises(OaError):
                await http.post(web.url(), content=b"y" * 5_000)
    (said,) = meter.take()
    assert said.bytes_out > 5_000


async def test_what_two_tasks_send_at_once_over_one_client_is_counted_apart(web: Web) -> None:
    web.say("/", answer(200, b"ok"))
    async with MeteredClient(trust_env=False) as http:

        async def ask(size: int) -> int:
            with measuring(Meter()) as meter:
                for _ in range(20):
                    await http.post(web.url(), content=b"z" * size)
            return sum(each.bytes_out for each in meter.take())

        small, large = await asyncio.gather(ask(10), ask(1_010))
    assert large - small == 20 * (1_000 + len("1010") - len("10"))


async def test_threads_that_a_task_waits_for_count_as_it_does() -> None:
    with measuring(Meter()) as meter:
        await asyncio.gather(*(asyncio.to_thread(count, _PLACE, sent=1, received=2) for _ in range(100)))
    assert meter.take() == (Traffic(host=_PLACE.host, port=443, bytes_out=100, bytes_in=200),)


def test_where_nobody_measures_nothing_is_counted() -> None:
    count(_PLACE, sent=1)
    with measuring(Meter()) as meter:
        pass
    assert meter.take() == ()


def test_what_was_taken_is_not_taken_twice() -> None:
    with measuring(Meter()) as meter:
        count(_PLACE, sent=1)
    assert len(meter.take()) == 1
    assert meter.take() == ()


def test_very_many_places_lose_their_names_and_no_byte() -> None:
    with measuring(Meter()) as meter:
        for number in range(100):
            count(Place(f"host{number}.example", 443, "public"), sent=number)
    found = meter.take()
    assert sum(each.bytes_out for each in found) == sum(range(100))
    assert (len(found), found[-1].host) == (33, "other hosts")


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("127.0.0.1", "machine"),
        ("::1", "machine"),
        ("localhost", "machine"),
        ("192.168.1.20", "network"),
        ("10.0.0.1", "network"),
        ("fd00::1", "network"),
        ("fe80::1%eth0", "network"),
        ("203.0.114.1", "public"),
        ("2606:4700::1", "public"),
        ("api.example.com", "public"),
        ("localhost.example.com", "public"),
        ("127.0.0.1.example.com", "public"),
    ],
)
def test_only_an_address_can_lie_near(host: str, reach: str) -> None:
    assert reach_of(host) == reach


class _Peer:
    """A socket that leads to an address."""

    def __init__(self, *address: object) -> None:
        self._address = address

    def getpeername(self) -> tuple[object, ...]:
        return self._address


def test_how_far_a_proxy_lies_is_not_how_far_a_place_lies() -> None:
    near: Any = _Peer("192.168.1.20", 993)
    proxy: Any = _Peer("172.20.0.2", 3128)
    assert place_of("imap.home.example", 993, near).reach == "network"
    assert place_of("imap.home.example", 993, proxy).reach == "public"
    assert place_of("192.168.1.20", 993, proxy).reach == "network"


async def test_through_a_proxy_the_place_is_the_one_behind_it(web: Web) -> None:
    """The web server plays a proxy for plain HTTP: it is asked for an address that is not its own."""
    web.say("http://api.example.com/things", answer(200, b"through"))
    async with MeteredClient(proxy=web.url(), trust_env=False) as http:
        with measuring(Meter()) as meter:
            assert (await http.get("http://api.example.com/things")).text == "through"
    (said,) = meter.take()
    assert (said.host, said.port, said.reach) == ("api.example.com", 80, "public")


_MANIFEST = """
id = "web"
name = "Web"
version = "1"
description = "Asks a web server."
hosts = []
host_settings = ["url"]
[settings.url]
title = "URL"
type = "string"
"""


@pytest.fixture
async def asking(tmp_path: Path, web: Web) -> AsyncIterator[FakeHouse]:
    """A connector that asks the web server in tools that succeed and that fail."""
    (tmp_path / "manifest.toml").write_text(_MANIFEST)
    connector = Connector(str(tmp_path / "tools.py"))

    @connector.tool(effect="read")
    async def page_read(ctx: Context, path: str) -> str:
        """Reads a page."""
        found = await ctx.credentials()
        return (await ctx.http.get(f"{found.settings['url']}{path}")).text

    @connector.tool(effect="write")
    async def page_write(ctx: Context, path: str, text: str) -> str:
        """Writes a page."""
        found = await ctx.credentials()
        return (await ctx.http.post(f"{found.settings['url']}{path}", content=text.encode())).text

    async with FakeHouse(connector, folder=tmp_path / "data") as house:
        house.connect("Web", {"url": web.url("")})
        yield house


async def _last(house: FakeHouse, action: AuditAction) -> tuple[Traffic, ...]:
    async with asyncio.timeout(5):
        while not (found := [each for each in house.records if each.action is action]):
            await asyncio.sleep(0.01)
    return found[-1].traffic


async def test_the_report_of_a_read_says_where_it_went(asking: FakeHouse, web: Web) -> None:
    web.say("/page", answer(200, b"hello"))
    assert await asking.call("page_read", path="/page") == "hello"
    (said,) = await _last(asking, AuditAction.TOOL_FINISHED)
    assert (said.port, said.reach) == (web.port, "machine")
    assert said.bytes_in == len(answer(200, b"hello"))


async def test_the_report_of_an_act_that_failed_says_what_was_sent(asking: FakeHouse, web: Web) -> None:
    web.say("/page", answer(409))
    with pytest.raises(OaError):
        await asking.call("page_write", path="/page", text="w" * 3_000)
    (said,) = await _last(asking, AuditAction.TOOL_FAILED)
    assert said.bytes_out > 3_000


async def test_a_call_whose_asker_gave_up_is_reported_all_the_same(asking: FakeHouse, web: Web) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(asked: object, writer: asyncio.StreamWriter) -> None:
        began.set()
        await go_on.wait()
        writer.write(answer(200, b"late"))

    web.pages["/slow"] = slow
    waiting = asyncio.create_task(asking.call("page_read", path="/slow"))
    await began.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go_on.set()
    (said,) = await _last(asking, AuditAction.TOOL_FINISHED)
    assert said.bytes_out > 0
    assert said.bytes_in == len(answer(200, b"late"))
