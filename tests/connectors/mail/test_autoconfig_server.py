"""Servers found in a file that a real web server gives out, over TLS and by way of a real proxy."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.mail.autoconfig import Place, Places, Record, find_servers, web_reader
from openassistant.egress import Egress, Proxy
from openassistant.errors import InvalidRequest
from openassistant.http import HttpClient
from openassistant.targets import Target
from tests.connectors.mail.test_autoconfig import ADA, FILE
from tests.peers.certificates import Authority
from tests.peers.tunnel import Tunnel

HOST = "autoconfig.home.example"


class Web(ThreadingHTTPServer):
    """A web server that gives out one file, and notes what it was asked for."""

    def __init__(self, content: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content, self.asked = content.encode(), list[str]()


class _Answer(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_request(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def web(authority: Authority) -> Iterator[Web]:
    with Web(FILE.replace("smtp.provider.example", "smtp.home.example")) as server:
        server.socket = authority.named(HOST).context().wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def no_records(name: str, kind: str) -> list[Record]:
    return []


async def found(authority: Authority, places: dict[str, int]) -> Places:
    class Trusting(HttpClient):
        __init__ = functools.partialmethod(HttpClient.__init__, tls=authority.client_context())

    with Tunnel(places) as tunnel:
        way = Egress(
            [Target(host=HOST, port=443)],
            proxy=Proxy.at(tunnel.url, room="mail", password=SecretStr("not-a-real-password")),
        )
        read = web_reader("home.example", clock=lambda: datetime.now(UTC), client=Trusting, egress=way)
        return await find_servers(ADA, read=read, records=no_records, addresses=None)


async def test_the_domains_own_web_server_names_the_mail_servers(authority: Authority, web: Web) -> None:
    named = await found(authority, {f"{HOST}:443": web.server_port})
    assert named == Places(
        Place("imap.home.example", 993, "tls"), Place("smtp.home.example", 587, "starttls"), username="ada"
    )
    assert web.asked == ["/mail/config-v1.1.xml?emailaddress=ada%40home.example"]


async def test_a_server_that_cannot_prove_to_be_the_domains_is_not_believed(
    authority: Authority, web: Web, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    with pytest.raises(InvalidRequest, match="No servers were found"):
        await found(stranger, {f"{HOST}:443": web.server_port})
    assert web.asked == []
