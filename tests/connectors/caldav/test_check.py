"""An account is tried for real, and what is wrong is said in words that tell what to do."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.caldav.account import CaldavAccount
from connectors.caldav.tools import connector
from openassistant.errors import UpstreamFailed
from openassistant.messages import CheckReport
from openassistant.testing import FakeHouse
from tests.connectors.caldav.conftest import PASSWORD
from tests.peers.caldav import CalendarServer
from tests.peers.certificates import Authority, Certificate
from tests.peers.nats import NatsServer
from tests.peers.process import free_port
from tests.peers.radicale import Radicale


async def check(url: str, *, password: str = PASSWORD, **more: Any) -> CheckReport:
    house = FakeHouse(connector)
    house.connect("Calendar", {"url": url, "username": "ada", **more}, password=password)
    async with house:
        return await house.check()


def steps(report: CheckReport) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in report.steps]


def problem(report: CheckReport) -> tuple[str, str, set[str]]:
    assert report.problem is not None
    return report.problem.code, report.problem.message, set(report.problem.details.get("fields", {}))


async def test_a_good_account_passes_three_steps(calendar_server: CalendarServer) -> None:
    report = await check(calendar_server.url)
    assert report.ok
    assert steps(report) == [("Reach the calendar server", True), ("Sign in", True), ("Find calendars", True)]
    assert report.steps[2].detail == "Personal"


async def test_a_wrong_password_is_named_at_the_sign_in(calendar_server: CalendarServer) -> None:
    report = await check(calendar_server.url, password="not-the-password")
    assert steps(report) == [("Reach the calendar server", True), ("Sign in", False)]
    code, words, fields = problem(report)
    assert code == "account_required"
    assert "app password" in words
    assert fields == {"password"}


async def test_a_closed_port_is_named() -> None:
    _, words, fields = problem(await check(f"http://127.0.0.1:{free_port()}/"))
    assert "nothing answers on port" in words
    assert fields == {"url"}


async def test_an_unknown_host_is_named() -> None:
    _, words, _ = problem(await check("https://calendar.nowhere.example"))
    assert "no server named calendar.nowhere.example" in words


async def test_the_port_of_another_kind_of_server_is_found_out(nats_server: NatsServer) -> None:
    _, words, fields = problem(await check(f"http://127.0.0.1:{nats_server.port}/"))
    assert "not as a CalDAV server" in words or "closed the connection" in words
    assert "(the usual port with http is 80)" in words
    assert fields == {"url"}


async def test_tls_where_the_server_speaks_none_is_found_out(radicale: Radicale) -> None:
    _, words, _ = problem(await check(radicale.url.replace("http://127.0.0.1", "https://localhost")))
    assert "does not speak TLS" in words


@pytest.mark.parametrize("url", ["ftp://home.example", "https://", "https://ada:secret@home.example", "http://[::1"])
async def test_an_address_that_makes_no_sense_names_its_field(url: str) -> None:
    _, _, fields = problem(await check(url, zone="Mars/Olympus"))
    assert fields == {"url", "zone"}


async def secure_check(certificate: Certificate) -> CheckReport:
    server = Radicale(certificate=certificate)
    await asyncio.to_thread(server.start)
    try:
        return await check(server.url)
    finally:
        await asyncio.to_thread(server.stop)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    return authority


async def test_tls_works(trusted: Authority) -> None:
    assert (await secure_check(trusted.good())).ok


async def test_an_expired_certificate_is_named_and_gets_no_password(trusted: Authority) -> None:
    report = await secure_check(trusted.expired())
    assert steps(report) == [("Reach the calendar server", False)]
    assert "has expired" in problem(report)[1]
    assert "no password either" in problem(report)[1]


async def test_a_certificate_for_another_name_is_named(trusted: Authority) -> None:
    assert "is for another name" in problem(await secure_check(trusted.misnamed()))[1]


async def test_a_certificate_of_an_unknown_authority_is_named(authority: Authority) -> None:
    assert "nobody whom this house trusts" in problem(await secure_check(authority.good()))[1]


class _Page(http.server.BaseHTTPRequestHandler):
    """A web server that sends calendar programs to where `target` says."""

    target = ""
    seen: list[str]

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(301 if self.target and "well-known" in self.path else 405)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@pytest.fixture
def page() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


async def test_a_web_server_without_calendars_is_told_from_one_with(page: http.server.ThreadingHTTPServer) -> None:
    _, words, _ = problem(await check(f"http://127.0.0.1:{page.server_port}/"))
    assert "not as a CalDAV server" in words


async def test_a_redirect_to_a_strange_host_gets_no_password(
    page: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Page, "target", "https://collector.example/dav/")
    _, words, fields = problem(await check(f"http://127.0.0.1:{page.server_port}/"))
    assert "sends us on to collector.example" in words
    assert fields == {"url"}


@pytest.mark.parametrize(
    ("href", "allowed"),
    [
        ("/remote.php/dav/", True),
        ("https://cloud.home.example/dav/", True),
        ("https://dav.cloud.home.example/", True),
        ("http://cloud.home.example/dav/", False),
        ("https://cloud.home.example:8443/", False),
        ("https://home.example/", False),
        ("https://cloud.home.example.evil.example/", False),
        ("//evil.example/", False),
        ("https://[", False),
    ],
)
def test_the_password_goes_to_the_typed_host_and_below_it(href: str, allowed: bool) -> None:
    account = CaldavAccount(url="cloud.home.example", username="ada")
    try:
        account.resolve(account.url, href)
    except UpstreamFailed:
        assert not allowed
    else:
        assert allowed
