"""The one door to the outside, where each room opens its own connections; through the proxy: tests/services/egress."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden, Unavailable
from openassistant.targets import Target
from tests.peers.process import LOOPBACK, free_port


class Page:
    """A web server on loopback with one page; how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.port = 0, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    page = Page()
    async with await asyncio.start_server(page.serve, LOOPBACK) as server:
        page.port = server.sockets[0].getsockname()[1]
        yield page


async def fetched(egress: Egress, url: str) -> str:
    async with httpx.AsyncClient(transport=egress.transport(verify=False)) as client:
        return (await client.get(url)).text


def connected(egress: Egress, host: str, port: int) -> None:
    egress.connect(host, port, seconds=5).close()


async def test_what_is_listed_is_reached(page: Page) -> None:
    egress = Egress([Target(host="localhost", port=page.port, private=True)])
    assert await fetched(egress, f"http://localhost:{page.port}/") == "hi"
    await asyncio.to_thread(connected, egress, "localhost", page.port)


async def test_what_is_not_listed_is_refused_before_anything_is_sent(page: Page) -> None:
    egress = Egress([Target(host="localhost", port=free_port(), private=True)])
    with pytest.raises(Forbidden, match="localhost is not one of the hosts"):
        await fetched(egress, f"http://localhost:{page.port}/")
    with pytest.raises(Forbidden, match="is not one of the hosts"):
        await asyncio.to_thread(connected, egress, LOOPBACK, page.port)
    assert page.asked == 0


async def test_a_public_name_that_leads_inside_is_refused(page: Page) -> None:
    egress = Egress([Target(host="localhost", port=page.port)])
    with pytest.raises(Forbidden, match="inside this network"):
        await fetched(egress, f"http://localhost:{page.port}/")
    with pytest.raises(Forbidden, match="inside this network"):
        await asyncio.to_thread(connected, egress, "localhost", page.port)
    assert page.asked == 0


async def test_the_list_can_grow_by_what_an_account_names(page: Page) -> None:
    egress = Egress([])
    egress.allow([Target(host=LOOPBACK, port=page.port, private=True)])
    assert await fetched(egress, f"http://{LOOPBACK}:{page.port}/") == "hi"


async def test_a_redirect_to_elsewhere_is_not_followed(page: Page) -> None:
    async def sending_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        place = f"http://{LOOPBACK}:{page.port}/"
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(sending_on, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        way = Egress([Target(host=LOOPBACK, port=port, private=True)]).transport(verify=False)
        async with httpx.AsyncClient(transport=way, follow_redirects=True) as client:
            with pytest.raises(Forbidden):
                await client.get(f"http://{LOOPBACK}:{port}/")
    assert page.asked == 0


async def test_a_name_nobody_knows_and_a_closed_port_are_what_a_socket_says() -> None:
    port = free_port()
    egress = Egress([Target(host=host, port=port, private=True) for host in ("nowhere.invalid", LOOPBACK)])
    with pytest.raises(socket.gaierror):
        await asyncio.to_thread(connected, egress, "nowhere.invalid", port)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(connected, egress, LOOPBACK, port)
    with pytest.raises(httpx.ConnectError):
        await fetched(egress, f"http://{LOOPBACK}:{port}/")


async def test_without_its_proxy_a_room_goes_nowhere(page: Page) -> None:
    proxy = Proxy(LOOPBACK, free_port(), "mail", SecretStr("not-a-real-password"))
    egress = Egress([Target(host=LOOPBACK, port=page.port, private=True)], proxy=proxy)
    with pytest.raises(Unavailable, match="nothing was sent"):
        await fetched(egress, f"http://{LOOPBACK}:{page.port}/")
    with pytest.raises(Unavailable, match="nothing was sent"):
        await asyncio.to_thread(connected, egress, LOOPBACK, page.port)
    assert page.asked == 0


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 ", b"garbage\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"x" * 20_000])
async def test_a_proxy_that_talks_nonsense_is_one_that_is_away(answer: bytes) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(nonsense, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        egress = Egress(proxy=Proxy(LOOPBACK, port, "mail", SecretStr("not-a-real-password")))
        with pytest.raises(Unavailable):
            await asyncio.to_thread(connected, egress, "mail.example.org", 993)
        with pytest.raises(Unavailable):
            await fetched(egress, "http://mail.example.org/")


@pytest.mark.parametrize("url", ["", "egress:3128", "https://egress:3128", "http://egress", "http://:3128"])
def test_an_address_that_is_no_proxys_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a proxy"):
        Proxy.at(url, room="mail", password=SecretStr("x"))
