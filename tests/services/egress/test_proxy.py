"""The proxy lets a room reach what is on its list, and nothing else, however it is asked."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from openassistant.egress import Egress
from openassistant.errors import Forbidden, Unavailable
from openassistant.targets import Target
from services.egress import squid
from services.egress.counts import Counts
from tests.peers.process import LOOPBACK, free_port
from tests.services.egress.proxy import PASSWORD, Running, listening, needs_squid, running, through

pytestmark = needs_squid


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(squid, "_END_SECONDS", 0.2)  # by itself it takes three
    async with running() as place:
        place.names.update({"mail.example.org": ["127.0.0.1"], "other.example.org": ["127.0.0.1"]})
        yield place


def here(place: Running, host: str = "mail.example.org", *, private: bool = True) -> Target:
    return Target(host=host, port=place.echo.port, private=private)


async def said(place: Running, request: str, *, sign: str | None = f"mail:{PASSWORD}") -> str:
    """The head of the proxy's answer to a raw request."""
    reader, writer = await asyncio.open_connection(LOOPBACK, place.port)
    token = base64.b64encode(sign.encode()).decode() if sign else ""
    writer.write(
        f"{request}\r\n{f'Proxy-Authorization: Basic {token}' + chr(13) + chr(10) if sign else ''}\r\n".encode()
    )
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return head


async def echoed(place: Running, host: str, port: int, *, room: str = "mail") -> bytes:
    def work() -> bytes:
        with Egress(proxy=through(place, room)).connect(host, port, seconds=10) as sock:
            sock.sendall(b"hello")
            return sock.recv(5)

    return await asyncio.to_thread(work)


async def until_refused(place: Running) -> None:
    for _ in range(200):
        await echoed(place, "mail.example.org", place.echo.port)


async def test_what_is_on_the_list_is_reached_and_counted(proxy: Running) -> None:
    proxy.allow("mail", here(proxy))
    assert await echoed(proxy, "mail.example.org", proxy.echo.port) == b"hello"
    async with asyncio.timeout(10):
        while not any(" CONNECT " in line for line in proxy.lines):
            await asyncio.sleep(0.05)
    counts = Counts()
    for line in proxy.lines:
        counts.add(line)
    [content] = counts.taken()
    assert {name: content[name] for name in ("room", "host", "port", "connections", "bytes_out", "bytes_in")} == {
        "room": "mail", "host": "mail.example.org", "port": proxy.echo.port, "connections": 1,
        "bytes_out": 5, "bytes_in": 5,
    }  # fmt: skip


async def test_http_goes_through_a_tunnel_as_well(proxy: Running) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /there HTTP/1.1")
        assert b"proxy" not in head.lower()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(page, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        proxy.allow("mail", Target(host="mail.example.org", port=port, private=True))
        async with httpx.AsyncClient(transport=Egress(proxy=through(proxy)).transport()) as client:
            assert (await client.get(f"http://mail.example.org:{port}/there")).text == "hi"
            with pytest.raises(Forbidden, match="not one of the hosts"):
                await client.get(f"http://other.example.org:{port}/there")


async def test_another_host_port_or_room_is_refused(proxy: Running) -> None:
    proxy.allow("mail", here(proxy))
    for host, port, room in (
        ("other.example.org", proxy.echo.port, "mail"),
        ("127.0.0.1", proxy.echo.port, "mail"),
        ("mail.example.org", free_port(), "mail"),
        ("mail.example.org", proxy.echo.port, "caldav"),
    ):
        with pytest.raises(Forbidden, match="not one of the hosts"):
            await echoed(proxy, host, port, room=room)
    assert proxy.echo.reached == 0


async def test_nobody_gets_through_without_the_rooms_own_password(proxy: Running) -> None:
    proxy.allow("mail", here(proxy))
    connect = f"CONNECT mail.example.org:{proxy.echo.port} HTTP/1.1"
    for sign in (None, "mail:wrong", f"nobody:{PASSWORD}", f"mail:{PASSWORD}x", "mail:"):
        assert " 407 " in (await said(proxy, connect, sign=sign)).splitlines()[0]
    assert proxy.echo.reached == 0
    assert " 200 " in (await said(proxy, connect)).splitlines()[0]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "TRACE", "PURGE"])
async def test_the_proxy_fetches_nothing_itself(proxy: Running, method: str) -> None:
    proxy.allow("mail", here(proxy))
    for url in (
        f"http://mail.example.org:{proxy.echo.port}/",
        "http://squid-internal-mgr/info",
        "cache_object://x/info",
    ):
        line = (await said(proxy, f"{method} {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 0")).splitlines()[0]
        assert any(f" {status} " in line for status in (400, 403, 404, 501)), line
    assert proxy.echo.reached == 0


async def test_a_name_that_leads_inside_is_refused_unless_inside_is_meant(proxy: Running) -> None:
    proxy.names["mail.example.org"] = ["10.1.2.3"]
    proxy.allow("mail", here(proxy, private=False))
    head = await said(proxy, f"CONNECT mail.example.org:{proxy.echo.port} HTTP/1.1")
    assert " 403 " in head.splitlines()[0]


async def test_a_name_nobody_knows_is_said_to_be_unknown(proxy: Running) -> None:
    proxy.allow("mail", here(proxy, "nowhere.example.org"))
    with pytest.raises(socket.gaierror):
        await echoed(proxy, "nowhere.example.org", proxy.echo.port)


async def test_a_port_that_is_closed_is_said_to_be_closed(proxy: Running) -> None:
    port = free_port()
    proxy.allow("mail", Target(host="mail.example.org", port=port, private=True))
    with pytest.raises(ConnectionRefusedError):
        await echoed(proxy, "mail.example.org", port)


async def test_the_connection_goes_to_the_address_that_was_looked_at(proxy: Running) -> None:
    """A name that answers differently the second time gains nothing: nobody asks a second time."""
    asked: list[str] = []

    async def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    proxy.lists._resolve = changing
    proxy.allow("mail", here(proxy))
    assert await echoed(proxy, "mail.example.org", proxy.echo.port) == b"hello"
    assert asked == ["mail.example.org"]


async def test_a_change_of_the_list_holds_for_the_next_connection(proxy: Running) -> None:
    proxy.allow("mail", here(proxy))
    assert await echoed(proxy, "mail.example.org", proxy.echo.port) == b"hello"
    proxy.allow("mail")
    with pytest.raises(Forbidden):
        await echoed(proxy, "mail.example.org", proxy.echo.port)


async def test_before_there_is_a_list_nothing_is_open(proxy: Running) -> None:
    assert proxy.lists.known is None
    with pytest.raises(Forbidden):
        await echoed(proxy, "mail.example.org", proxy.echo.port)


async def test_a_squid_that_dies_is_back_and_meanwhile_calls_say_so(proxy: Running) -> None:
    proxy.allow("mail", here(proxy))
    assert proxy.squid is not None
    assert proxy.squid.pid is not None
    os.kill(proxy.squid.pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match="only way out"):
        await until_refused(proxy)
    await listening(proxy.port)
    assert await echoed(proxy, "mail.example.org", proxy.echo.port) == b"hello"


async def test_a_squid_that_does_not_end_by_itself_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squid, "_END_SECONDS", 0.2)
    async with running() as proxy:
        assert proxy.squid is not None
        pid = proxy.squid.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_without_the_room_that_decides_nothing_is_open(proxy: Running) -> None:
    """Its answers end: squid has nobody to ask, and lets nobody through."""
    proxy.allow("mail", here(proxy))

    async def silent(room: str, host: str, port: int) -> None:
        raise ValueError("no answer")

    proxy.lists.decide = silent  # type: ignore[assignment, method-assign]
    with pytest.raises(Forbidden):
        await echoed(proxy, "mail.example.org", proxy.echo.port)
    assert proxy.echo.reached == 0
